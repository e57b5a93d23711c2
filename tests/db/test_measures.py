"""What the books prove of speed and success: exact figures, the same on both databases."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from cardctl.db.tables import AlertRow, BreakRow, RunRow, table_of
from cardctl.db.unit import Books
from cardctl.domain.breaks import RunState
from cardctl.domain.events import Arrival, Event, EventState, Signature, Source, own_id
from cardctl.domain.operations import OperationState
from cardctl.domain.standing import Answers
from cardctl.domain.states import CardState
from tests.db.builders import NOW, PROGRAMME, card, later, operation, usd, with_card
from tests.db.conftest import Opener

DAY = timedelta(days=1)
LONG_AGO = NOW - 30 * DAY


@dataclass
class Attempt:
    """An attempt as a provider tells of it."""

    provider: str
    status: int | None
    latency_ms: int
    method: str = "GET"
    path: str = "/v1/cards"
    attempt: int = 1
    request_id: str | None = None


def event(number: int, state: EventState, *, at: datetime = NOW, provider: str = "stripe") -> Event:
    name = f"evt_{number}"
    return Event(
        id=own_id(PROGRAMME, name),
        provider=provider,
        programme=PROGRAMME,
        event_id=name,
        type="issuing_card.updated",
        object_ref=None,
        card_ref=None,
        occurred_at=None,
        received_at=at,
        signature=Signature.VALID,
        source=Source.SERVED,
        state=state,
        attempts=0,
        error=None,
        waits_for=None,
        times=1,
        position=0,
        digest="d",
    )


def keep(books: Books, *events: Event) -> None:
    with books.write() as unit:
        unit.events.keep([Arrival((each,), b"{}") for each in events])


def test_empty_books_have_no_figures(books: Books) -> None:
    with books.read() as unit:
        measures = unit.measures
        assert measures.creations(LONG_AGO) == (0, 0)
        assert measures.processed(LONG_AGO, NOW) == (0, 0)
        assert measures.money_moved(LONG_AGO, NOW) == (0, None)
        assert measures.answers(LONG_AGO) == []
        assert measures.slowest_answers(LONG_AGO) == (0, None)
        counts = (measures.cards(), measures.operations(), measures.events(), measures.breaks(), measures.alerts())
        assert counts == ({}, {}, {}, {}, {})
        assert measures.last_run() is None
        assert measures.oldest_unapplied_at() is None


def test_issues_that_ended(books: Books) -> None:
    ended = [OperationState.DONE] * 3 + [OperationState.REFUSED, OperationState.IN_DOUBT]
    with books.write() as unit:
        for number, state in enumerate([*ended, OperationState.SENT, OperationState.INTENDED]):
            unit.operations.add(operation(f"op_{number}", kind="card.issue", state=state))
        unit.operations.add(operation("op_fund", kind="card.fund", state=OperationState.DONE))
        unit.operations.add(operation("op_old", kind="card.issue", state=OperationState.REFUSED, created_at=later(-60)))
        unit.operations.add(operation("op_other", kind="card.issue", state=OperationState.DONE, provider="marqeta"))
    with books.read() as unit:
        assert unit.measures.creations(NOW) == (4, 6)
        assert unit.measures.creations(NOW, "stripe") == (3, 5)
        assert unit.measures.creations(later(-60)) == (4, 7)


def test_the_time_that_money_takes_is_exact(books: Books) -> None:
    with books.write() as unit:
        for number in range(1, 21):  # 1.000001, 2.000002 … seconds, across midnight
            ended = NOW + number * timedelta(seconds=1, microseconds=1)
            done = {"state": OperationState.DONE, "amount": usd(1), "sent_at": NOW, "finished_at": ended}
            unit.operations.add(operation(f"op_{number:02d}", **done))
        unit.operations.add(operation("op_no_money", state=OperationState.DONE, sent_at=NOW, finished_at=later(9999)))
        unit.operations.add(operation("op_unsent", state=OperationState.REFUSED, amount=usd(1), finished_at=later(9999)))
    with books.read() as unit:
        assert unit.measures.money_moved(NOW, later(100)) == (20, 19_000_019)
        assert unit.measures.money_moved(NOW, later(100), "marqeta") == (0, None)


def test_what_has_no_outcome_counts_as_long_as_it_has_waited(books: Books) -> None:
    waiting = {"amount": usd(1), "sent_at": NOW}
    with books.write() as unit:
        unit.operations.add(operation("op_1", state=OperationState.IN_DOUBT, **waiting))
    with books.read() as unit:
        assert unit.measures.money_moved(NOW, later(4.9)) == (0, None), "it is not late yet"
        assert unit.measures.money_moved(NOW, later(7200)) == (1, 7_200_000_000)


def test_the_answers_of_providers(books: Books) -> None:
    told = [("stripe", 200, 100), ("stripe", 404, 300), ("stripe", 429, 10), ("stripe", 503, 590), ("stripe", None, 60_000)]
    with books.write() as unit:
        unit.calls.add_many([(NOW, Attempt(*each)) for each in [*told, ("marqeta", None, 5)]])
        unit.calls.add_many([(later(-60), Attempt("stripe", 200, 9999))])
    with books.read() as unit:
        assert unit.measures.answers(NOW) == [
            Answers("marqeta", 0, 0, 0, 1, None, None),
            Answers("stripe", 1, 1, 2, 1, 1_000_000, 590_000),
        ]
        assert unit.measures.answers(NOW, "marqeta") == [Answers("marqeta", 0, 0, 0, 1, None, None)]
        assert unit.measures.slowest_answers(NOW) == (4, 590_000)


def test_the_95th_of_a_hundred_answers(books: Books) -> None:
    with books.write() as unit:
        unit.calls.add_many([(NOW, Attempt("stripe", 200, ms)) for ms in reversed(range(1, 101))])
    with books.read() as unit:
        assert unit.measures.slowest_answers(NOW, "stripe") == (100, 95_000)


def test_events_that_were_processed(books: Books) -> None:
    states = [EventState.APPLIED] * 4 + [EventState.IGNORED, EventState.FAILED, EventState.DEAD, EventState.QUARANTINED]
    keep(books, *(event(number, state) for number, state in enumerate(states)))
    keep(books, event(20, EventState.RECEIVED), event(21, EventState.RECEIVED, at=later(60)))
    keep(books, event(30, EventState.FAILED, at=later(-60)), event(31, EventState.DEAD, at=later(-90)))
    with books.read() as unit:
        assert unit.measures.processed(NOW, later(5)) == (5, 8), "one was received 5 s ago, one will be"
        assert unit.measures.processed(NOW, later(4)) == (5, 7), "it is not late yet"
        assert unit.measures.processed(later(-60), later(90)) == (5, 10)
        assert unit.measures.processed(NOW, later(5), "marqeta") == (0, 0)
        assert unit.measures.oldest_unapplied_at() == later(-60), "the dead wait for a person"
        assert unit.measures.events()["stripe", "received"] == 2


def test_counts_by_state(books: Books) -> None:
    cards = [card("card_1"), card("card_2"), card("card_3", state=CardState.FROZEN)]
    with_card(books, *cards, replace(cards[0], id="card_4", ref="ic_4", provider="marqeta"))
    with books.write() as unit:
        unit.operations.add(operation(state=OperationState.IN_DOUBT))
    with books.read() as unit:
        by_state = {("marqeta", "active"): 1, ("stripe", "active"): 2, ("stripe", "frozen"): 1}
        assert unit.measures.cards() == by_state
        assert unit.measures.cards("marqeta") == {("marqeta", "active"): 1}
        assert unit.measures.operations() == {("stripe", "in_doubt"): 1}


@pytest.mark.parametrize(("last", "done_at"), [(RunState.DONE, later(20)), (RunState.STOPPED, later(10))])
def test_the_last_run_and_the_last_that_was_whole(books: Books, last: RunState, done_at: datetime) -> None:
    with books.write() as unit:
        unit.measures._connection.execute(insert(table_of(RunRow)), [_run("run_1", 0), _run("run_2", 10, last, found=7)])
    with books.read() as unit:
        found = unit.measures.last_run()
    assert found is not None
    assert (found.id, found.state, found.started_at, found.found) == ("run_2", last, later(10), 7)
    assert (found.finished_at, found.done_at) == (later(20), done_at)


def test_breaks_and_alerts_are_counted(books: Books) -> None:
    with books.write() as unit:
        connection = unit.measures._connection
        connection.execute(insert(table_of(BreakRow)), [_break("brk_1"), _break("brk_2"), _break("brk_3", "resolved")])
        connection.execute(insert(table_of(AlertRow)), [_alert("alr_1"), _alert("alr_2", "cleared")])
    with books.read() as unit:
        assert unit.measures.breaks() == {("stripe", "open", "critical"): 2, ("stripe", "resolved", "critical"): 1}
        assert unit.measures.breaks("marqeta") == {}
        assert unit.measures.alerts() == {("firing", "warning"): 1, ("cleared", "warning"): 1}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def _run(name: str, start: int, state: RunState = RunState.DONE, found: int = 0) -> dict[str, object]:
    fields = dict.fromkeys(("actor", "correlation_id", "programmes", "watermark", "figures", "not_checked", "digest"), "")
    times = {"started_at": _text(later(start)), "finished_at": _text(later(start + 10))}
    return {"id": name, "state": state.value, **times, **fields, "found": found, "fixed": 0, "error": None}


def _break(name: str, state: str = "open") -> dict[str, object]:
    texts = ("subject", "local", "remote", "evidence", "cause", "proposed_fix", "first_seen_at", "last_seen_at", "last_run")
    nothing = dict.fromkeys(("card_id", "at_risk_minor", "at_risk_currency", "snoozed_until", "reason"))
    fields = {"type": "balance", "severity": "critical", "provider": "stripe", "programme": PROGRAMME, "occurrences": 1}
    return {"fingerprint": name, "state": state, **fields, **nothing, **dict.fromkeys(texts, "")}


def _alert(name: str, state: str = "firing") -> dict[str, object]:
    texts = ("rule", "subject", "text", "value", "threshold", "evidence", "action", "first_at", "last_at")
    nothing = dict.fromkeys(("provider", "programme", "card_id", "notified_at", "snoozed_until", "reason"))
    fields = {"fingerprint": name, "severity": "warning", "state": state, "occurrences": 1}
    return fields | nothing | dict.fromkeys(texts, "")


def test_the_oldest_event_is_found_without_looking_at_those_that_are_done(tmp_path: Path, opened: Opener) -> None:
    books = opened(tmp_path / "books.db")
    steps: list[int] = []
    for many in (10, 1000):
        keep(books, *(event(many + number, EventState.APPLIED) for number in range(many)))
        with books.read() as unit:
            driver = unit.box._connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            steps.append(0)

            def step() -> None:
                steps[-1] += 1

            driver.set_progress_handler(step, 1)
            assert unit.measures.oldest_unapplied_at() is None
            driver.set_progress_handler(None, 1)
    assert steps[1] < steps[0] + 20
