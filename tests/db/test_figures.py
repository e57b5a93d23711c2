"""What alerts are judged by, counted by the database: on both, exactly what is there, and nothing of another programme."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from cardctl.db.figures import Drift, Figures, Freezes, Latency, Load, Refusals, Share, StoppedCard, Stuck
from cardctl.db.spending import Spending
from cardctl.db.tables import BreakRow, RunRow, table_of
from cardctl.db.unit import Books, Unit
from cardctl.domain.events import Arrival, Event, EventState, Signature, Source, own_id
from cardctl.domain.money import Money
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, Transaction, TransactionKind, TransactionState
from tests.db.builders import NOW, PROGRAMME, append, card, later, operation, transaction, usd, with_card

OTHER = "stripe/acct_2"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOON = NOW.replace(hour=12, minute=0, second=0, microsecond=0)


@dataclass(frozen=True)
class Attempt:
    """An attempt as a provider tells of it."""

    status: int | None
    latency_ms: int = 100
    path: str = "/v1/cards"
    provider: str = "stripe"
    method: str = "GET"
    attempt: int = 1
    request_id: str | None = None


def figures(unit: Unit, *programmes: str) -> Figures:
    return unit.figures(programmes or (PROGRAMME,))


def call(unit: Unit, at: datetime, *attempts: Attempt, programme: str = PROGRAMME) -> None:
    unit.calls.add_many([(at, each) for each in attempts], programme=programme)


def test_latency_sums_what_was_called_since(books: Books) -> None:
    with books.write() as unit:
        call(unit, NOW, Attempt(200, 10), Attempt(None, 30_000), Attempt(500, 5))
        call(unit, NOW - HOUR, Attempt(200, 999))
        call(unit, NOW, Attempt(200, 777), programme=OTHER)
    with books.read() as unit:
        assert figures(unit).latency(NOW - timedelta(minutes=5)) == [Latency(PROGRAMME, 3, 30_015)]
        assert len(figures(unit, PROGRAMME, OTHER).latency(NOW - HOUR)) == 2
        assert figures(unit).latency(later(1)) == []


def test_load_is_the_busiest_minute_and_all_that_was_turned_away(books: Books) -> None:
    with books.write() as unit:
        call(unit, NOON, *[Attempt(200)] * 3)
        call(unit, NOON + timedelta(seconds=59.9), Attempt(429), Attempt(200))
        call(unit, NOON + timedelta(seconds=60), *[Attempt(429)] * 2)
    with books.read() as unit:
        assert figures(unit).load(NOON) == [Load(PROGRAMME, 5, 3)]


def test_a_success_ends_a_401_and_not_a_403(books: Books) -> None:
    with books.write() as unit:
        call(unit, NOW, Attempt(401, path="/a"), Attempt(403, path="/b"), Attempt(403, path="/b"))
    with books.read() as unit:
        assert figures(unit).refusals(NOW - HOUR) == [Refusals(PROGRAMME, 1, 2, ("GET /b", "GET /a"))]
        assert figures(unit).refusals(later(1)) == []
    with books.write() as unit:
        call(unit, later(1), Attempt(200))
    with books.read() as unit:
        assert figures(unit).refusals(NOW - HOUR) == [Refusals(PROGRAMME, 0, 2, ("GET /b",))]
    with books.write() as unit:
        call(unit, later(2), Attempt(401, path="/a"))
    with books.read() as unit:
        assert [each.unknown for each in figures(unit).refusals(NOW - HOUR)] == [1]


def event(number: int, state: EventState, at: datetime, **fields: Any) -> Event:
    name = f"evt_{number}"
    base: dict[str, Any] = {
        "id": own_id(PROGRAMME, name),
        "provider": "stripe",
        "programme": PROGRAMME,
        "event_id": name,
        "type": "issuing_card.updated",
        "object_ref": None,
        "card_ref": None,
        "occurred_at": at,
        "received_at": at,
        "signature": Signature.VALID,
        "source": Source.SERVED,
        "state": state,
        "digest": "d" * 64,
    }
    return Event(**base | fields)


def test_events_that_could_not_be_applied(books: Books) -> None:
    old, dead = event(4, EventState.FAILED, NOW - 2 * HOUR), event(5, EventState.DEAD, NOW)
    kept = [event(1, EventState.APPLIED, NOW), event(2, EventState.IGNORED, NOW), event(3, EventState.FAILED, NOW), old, dead]
    waits = event(6, EventState.FAILED, NOW - 2 * HOUR, waits_for="ic_1")
    with books.write() as unit:
        unit.events.keep([Arrival((each,), b"{}") for each in [*kept, waits]])
    with books.read() as unit:
        assert figures(unit).event_failures(NOW - HOUR) == [Share(PROGRAMME, 2, 4)]
        (stuck,) = figures(unit).events_stuck(NOW - HOUR)
        assert (stuck.count, set(stuck.ids)) == (2, {old.id, dead.id})
        assert figures(unit, OTHER).event_failures(NOW - HOUR) == []


def test_cards_that_could_not_be_issued(books: Books) -> None:
    states = [OperationState.DONE] * 3 + [OperationState.REFUSED, OperationState.IN_DOUBT, OperationState.INTENDED]
    with books.write() as unit:
        for n, state in enumerate(states):
            unit.operations.add(operation(f"op_0000000{n}", kind="card.issue", state=state))
        unit.operations.add(operation("op_00000008", kind="card.fund", state=OperationState.REFUSED))
        unit.operations.add(operation("op_00000009", kind="card.issue", state=OperationState.REFUSED, created_at=NOW - DAY))
    with books.read() as unit:
        assert figures(unit).creations(NOW - HOUR) == [Share(PROGRAMME, 2, 5)]


def test_operations_in_doubt_and_those_that_a_killed_process_left(books: Books) -> None:
    sent = {"state": OperationState.SENT}
    with books.write() as unit:
        unit.operations.add(operation("op_00000001", state=OperationState.IN_DOUBT))
        unit.operations.add(operation("op_00000002", **sent, sent_at=NOW))
        unit.operations.add(operation("op_00000003", **sent, sent_at=NOW - HOUR))
        unit.operations.add(operation("op_00000004", state=OperationState.DONE, sent_at=NOW - HOUR))
    with books.read() as unit:
        assert figures(unit).in_doubt(NOW - HOUR / 2) == [Stuck(PROGRAMME, 2, ("op_00000001", "op_00000003"))]


def a_break(number: int, **fields: Any) -> dict[str, Any]:
    text = dict.fromkeys(("local", "remote", "evidence", "cause", "proposed_fix", "last_run"), "")
    base = {
        "fingerprint": f"brk_{number}",
        "type": "balance",
        "severity": "critical",
        "provider": "stripe",
        "programme": PROGRAMME,
        "subject": str(number),
        "first_seen_at": "",
        "last_seen_at": "",
        "occurrences": 1,
        "state": "open",
    }
    return text | base | fields


def test_critical_breaks_that_wait_by_type(books: Books) -> None:
    many = [a_break(n) for n in range(10, 22)]
    others = [
        a_break(1, state="reopened", type="float_low"),
        a_break(2, state="acknowledged"),
        a_break(3, severity="warning"),
        a_break(4, programme=OTHER),
    ]
    with books.write() as unit:
        unit._connection.execute(insert(table_of(BreakRow)), many + others)
    with books.read() as unit:
        balance, low = figures(unit).critical_breaks()
    assert (balance.kind, balance.count, balance.ids) == ("balance", 12, tuple(f"brk_{n}" for n in range(10, 20)))
    assert low == Stuck(PROGRAMME, 1, ("brk_1",), "float_low")


def a_run(number: int, state: str = "done", *totals: tuple[str, str, int, int], ended: str | None = None) -> dict[str, Any]:
    names = ("programme", "currency", "balance_here", "balance_there")
    told = [dict(zip(names, total, strict=True)) | {"drift": total[3] - total[2]} for total in totals]
    at = f"2026-11-2{number}T00:00:00.000000Z"
    empty = {"actor": "", "correlation_id": "", "programmes": "[]", "watermark": "{}", "not_checked": "[]", "digest": ""}
    finished = None if state == "running" else ended or at
    return {
        **empty,
        "id": f"run_{number}",
        "state": state,
        "started_at": at,
        "finished_at": finished,
        "figures": json.dumps({"totals": told}),
        "found": 0,
        "fixed": 0,
        "error": None,
    }


def test_drift_is_of_the_last_run_that_read_the_programme(books: Books) -> None:
    runs = [
        a_run(1, "done", (PROGRAMME, "USD", 1, 2), ("marqeta/default", "USD", 5, 5)),
        a_run(2, "partial", (PROGRAMME, "USD", 10, 7), (PROGRAMME, "EUR", 3, 3)),
        a_run(3, "done", (OTHER, "USD", 8, 9)),
        a_run(4, "stopped", (PROGRAMME, "USD", 0, 99)),
        a_run(5, "running"),
    ]
    with books.write() as unit:
        assert figures(unit).last_run() is None
        unit._connection.execute(insert(table_of(RunRow)), runs)
    with books.read() as unit:
        found = figures(unit, PROGRAMME, "marqeta/default").drifts()
        assert figures(unit).last_run() == (NOON.replace(day=21, hour=0), NOON.replace(day=23, hour=0))
    assert found == [
        Drift(PROGRAMME, "USD", 10, 7, -3, "run_2"),
        Drift(PROGRAMME, "EUR", 3, 3, 0, "run_2"),
        Drift("marqeta/default", "USD", 5, 5, 0, "run_1"),
    ]


def stop(unit: Unit, ago: timedelta, card_id: str, **fields: Any) -> None:
    append(unit, at=NOW - ago, object=card_id, **{"after": {"state": "frozen", "x": 1}, "reason": None, **fields})


def test_freezes_by_the_day_each_card_once(books: Books) -> None:
    with_card(books, *[card(f"card_0000000{n}") for n in range(4)], card("card_00000009", programme=OTHER))
    minute = timedelta(minutes=1)
    with books.write() as unit:
        stop(unit, 15 * DAY, "card_00000001")
        stop(unit, DAY + HOUR, "card_00000000")
        stop(unit, minute, "card_00000001")
        stop(unit, minute, "card_00000001", action="card.event")
        stop(unit, 2 * HOUR, "card_00000002", after={"a": 1, "state": "suspended"})
        stop(unit, minute, "card_00000003", after={"state": "active"})
        stop(unit, minute, "card_00000009")
        stop(unit, minute, "op_1")
    with books.read() as unit:
        assert figures(unit).freezes(NOW, 2) == [Freezes(PROGRAMME, (2, 1, 0))]
        assert figures(unit, "marqeta/default").freezes(NOW, 2) == []


def test_cards_that_are_stopped_and_were_so_lately(books: Books) -> None:
    frozen = [card(f"card_0000000{n}", state=CardState.FROZEN, last4=f"000{n}") for n in range(1, 4)]
    with_card(books, *frozen, card("card_00000005"))
    with books.write() as unit:
        stop(unit, 3 * HOUR, "card_00000002", actor="bob", reason="lost")
        stop(unit, 2 * HOUR, "card_00000002", action="card.event", actor="webhook", reason=None)
        stop(unit, HOUR, "card_00000001", reason="stolen")
        stop(unit, 2 * DAY, "card_00000003")
        stop(unit, HOUR, "card_00000005")
    with books.read() as unit:
        found = figures(unit).stopped_cards(NOW - DAY, 10)
        assert len(figures(unit).stopped_cards(NOW - DAY, 1)) == 1
    assert found == [
        StoppedCard("card_00000002", PROGRAMME, "0002", "frozen", NOW - 2 * HOUR, "card.event", "webhook", None),
        StoppedCard("card_00000001", PROGRAMME, "0001", "frozen", NOW - HOUR, "card.freeze", "ada", "stolen"),
    ]


def bought(number: int, ago: timedelta, minor: int = 1000, **fields: Any) -> Transaction:
    return transaction(f"txn_{number:08}", occurred_at=NOW - ago, amount=usd(minor), impact=usd(-minor), **fields)


def spent(books: Books, *transactions: Transaction) -> None:
    with books.write() as unit:
        unit.transactions.add_many(transactions, programme=PROGRAMME)


def spending(unit: Unit) -> Spending:
    return unit.spending([PROGRAMME])


def test_a_purchase_counts_once_and_a_decline_is_none(books: Books) -> None:
    with_card(books, card(), card("card_00000002"))
    settled: dict[str, Any] = {"kind": TransactionKind.SETTLEMENT, "state": TransactionState.SETTLED}
    declined: dict[str, Any] = {"kind": TransactionKind.DECLINE, "state": TransactionState.DECLINED}
    spent(
        books,
        bought(1, HOUR),
        bought(2, HOUR / 2, **settled, parent_id="txn_00000001", parent_ref="iauth_1"),
        bought(3, HOUR / 3, **settled),
        bought(4, HOUR / 4, **declined),
        bought(5, HOUR / 5, kind=TransactionKind.REFUND, state=TransactionState.SETTLED),
        bought(6, HOUR / 6, state=TransactionState.DECLINED),
        bought(7, -8 * DAY, state=TransactionState.REVERSED),
        bought(8, DAY),
        bought(9, HOUR, card_id="card_00000002"),
    )
    with books.read() as unit:
        assert [each.transaction_id[-1] for each in spending(unit).purchases(NOW - 2 * HOUR, 2)] == ["1", "3", "7"]
        assert [each.transaction_id[-1] for each in spending(unit).purchases(NOW - 2 * HOUR, 1)] == ["1", "3", "7", "9"]
        assert list(spending(unit).purchases(NOW - 2 * HOUR, 4)) == []
        assert [each.transaction_id[-1] for each in spending(unit).declines(NOW - 2 * HOUR, 2)] == ["4", "6"]
        assert list(unit.spending([OTHER]).purchases(NOW - 2 * HOUR, 1)) == []


def shop(category: str | None = "eating_places", country: str | None = "US", mcc: str | None = "5812") -> Merchant:
    return Merchant("Cafe", mcc, category, "Oakland", country)


def test_the_history_of_cards_that_were_used(books: Books) -> None:
    with_card(books, card(), card("card_00000002"), card("card_00000003"))
    spent(
        books,
        bought(1, 3 * DAY, 7),
        bought(2, 91 * DAY),
        bought(3, HOUR, merchant=shop(None, None)),
        bought(4, -8 * DAY, merchant=shop("gambling", "FR")),
        bought(5, 2 * HOUR, kind=TransactionKind.DECLINE, state=TransactionState.DECLINED),
        bought(6, 2 * DAY, card_id="card_00000002"),
        bought(7, HOUR, kind=TransactionKind.REFUND, card_id="card_00000002"),
        transaction("txn_00000008", occurred_at=NOW, amount=Money(9, "JPY"), impact=Money(-9, "JPY"), card_id="card_00000003"),
    )
    with books.read() as unit:
        found = list(spending(unit).histories(NOW - DAY, NOW - 90 * DAY))
        assert list(unit.spending([OTHER]).histories(NOW - DAY, NOW - 90 * DAY)) == []
    assert [(each.transaction_id[-1], each.minor, each.currency, each.category, each.country) for each in found] == [
        ("1", 7, "USD", "eating_places", "US"),
        ("3", 1000, "USD", "5812", None),
        ("4", 1000, "USD", "gambling", "FR"),
        ("8", 9, "JPY", "eating_places", "US"),
    ]
    assert (found[0].programme, found[0].provider, found[0].at, found[0].merchant) == (
        PROGRAMME,
        "stripe",
        NOW - 3 * DAY,
        "Cafe",
    )
