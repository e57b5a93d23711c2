"""What a journalled write asks of the books: only what it needs, and no more of it however long the books have been kept."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from cardctl.db.unit import Books, Unit
from cardctl.domain.operations import Draft, OperationState
from cardctl.errors import NotFound, WrongEncryptionKey
from tests.db.builders import PROGRAMME, account, append, card, later, operation, usd, with_card
from tests.db.conftest import Opener, keys_of

ISSUE = "card.issue"


def test_a_change_leaves_what_an_operation_is(books: Books) -> None:
    entered = operation(caller_key="k", amount=usd(5), about="acct_1/travel", entered=7)
    changed = replace(
        entered, state=OperationState.REFUSED, lease="b/1", leased_until=later(9), caller_key=None, reason="late",
        sent_at=later(1), finished_at=later(2), error_code="X", error="no",
    )  # fmt: skip
    with books.write() as unit:
        unit.operations.add(entered)
        unit.operations.save(replace(changed, kind="card.close", target="card_2", arguments={"amount": 2}))
    with books.read() as unit:
        assert unit.operations.get(entered.id) == changed


def test_a_draft_comes_back_as_it_is_read_from_then_on(books: Books) -> None:
    draft = Draft("POST", "/v1/x", "card", {"amounts": (Decimal("1.10"), 2)}, {"mark": None})
    with books.write() as unit:
        unit.operations.add(operation())
        sent = replace(operation(), state=OperationState.SENT, sent_at=later(1))
        kept = unit.operations.keep_draft(sent, draft)
    assert kept.draft == replace(draft, body={"amounts": [Decimal("1.10"), 2]})
    with books.write() as unit:
        assert unit.operations.get(kept.id) == kept
        unit.operations.save(replace(kept, state=OperationState.IN_DOUBT, draft=None))
        assert unit.operations.named(kept.id).draft == kept.draft
    with pytest.raises(NotFound), books.write() as unit:
        unit.operations.keep_draft(operation("op_none"), draft)


def test_the_standing_of_an_operation_needs_no_key(target: str, opened: Opener) -> None:
    with opened(target, keys=keys_of("a" * 40)).write() as unit:
        unit.operations.add(operation(state=OperationState.IN_DOUBT, lease="here/1"))
    with opened(target, keys=keys_of("b" * 40)).read() as unit:
        assert unit.operations.standing("op_00000001") == (OperationState.IN_DOUBT, "here/1")
        with pytest.raises(NotFound):
            unit.operations.standing("op_none")


def test_what_is_open_about_one_thing(books: Books) -> None:
    made: dict[str, dict[str, Any]] = {
        "same": {"entered": 3},
        "earlier": {"entered": 1, "state": OperationState.IN_DOUBT},
        "done": {"state": OperationState.DONE},
        "other": {"about": "acct_1/other"},
        "of another kind": {"kind": "account.create"},
        "elsewhere": {"programme": "marqeta/x"},
        "before there was the word": {"entered": 2, "about": None},
    }
    with books.write() as unit:
        for id_, fields in made.items():
            unit.operations.add(operation(id_, **{"kind": ISSUE, "about": "acct_1/travel"} | fields))
        found = unit.operations.open_about(PROGRAMME, ISSUE, "acct_1/travel")
    assert [each.id for each in found] == ["earlier", "before there was the word", "same"]
    assert found[0].arguments == {"amount": 1000}


def test_a_holder_is_the_account_without_its_cards_sum(books: Books) -> None:
    with_card(books)
    with books.read() as unit:
        assert unit.accounts.named("acct_00000001").balances == (usd(2500),)
        assert unit.accounts.holder("acct_00000001") == account()
        with pytest.raises(NotFound):
            unit.accounts.holder("acct_none")


def test_cards_of_one_key_come_newest_first(books: Books) -> None:
    with_card(books)
    made = [card(f"card_{n}", created_at=later(n % 2), ref=f"ic_{n}") for n in range(4)]
    with books.write() as unit:
        for each in made:
            unit.cards.add(each, raw={}, key="travel")
        found = unit.cards.by_key("acct_00000001", "travel")
    assert [each.id for each in found] == ["card_3", "card_1", "card_2", "card_0"]


def _issue_questions(unit: Unit) -> None:
    unit.operations.by_caller_key(PROGRAMME, "new")
    unit.operations.open_for("card_new")
    unit.operations.open_all(PROGRAMME)
    unit.operations.open_about(PROGRAMME, ISSUE, "acct_00000001/new")
    unit.operations.for_target("card_new")
    unit.accounts.holder("acct_00000001")
    unit.cards.by_key("acct_00000001", "new")
    unit.cards.by_ref(PROGRAMME, "ic_new")
    append(unit)


def test_the_thousandth_card_of_an_account_asks_no_more_than_the_first(tmp_path: Path, opened: Opener) -> None:
    books = opened(tmp_path / "books.db")
    with_card(books)
    few = _steps(books, _issue_questions)
    with books.write() as unit:
        for number in range(2, 1000):
            unit.cards.add(card(f"card_{number:08d}"), raw={}, key=f"k{number}")
            done = {"state": OperationState.DONE, "kind": ISSUE, "about": f"acct_00000001/k{number}"}
            unit.operations.add(operation(f"op_{number:08d}", target=f"card_{number:08d}", caller_key=f"k{number}", **done))
    assert _steps(books, _issue_questions) < few + 50


def _steps(books: Books, act: Callable[[Unit], None]) -> int:
    """How many steps SQLite's machine takes."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with books.write() as unit:
        driver = unit.box._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_progress_handler(step, 1)
        act(unit)
        driver.set_progress_handler(None, 1)
    return steps


def test_a_rotation_by_another_process_is_seen_by_books_that_have_sealed_before(target: str, opened: Opener) -> None:
    old = opened(target, keys=keys_of("old-" * 10))
    for number in (1, 2):
        with old.write() as unit:
            unit.operations.add(operation(f"op_{number}"))
    with opened(target, keys=keys_of("new-" * 10, "old-" * 10)).write() as unit:
        assert unit.box.reseal() == 2
    with pytest.raises(WrongEncryptionKey), old.write() as unit:
        unit.operations.add(operation("op_3"))
    with opened(target, keys=keys_of("new-" * 10)).read() as unit:
        assert [each.id for each in unit.operations.get_many(["op_1", "op_2", "op_3"])] == ["op_1", "op_2"]


def test_a_key_is_proven_once_and_not_in_every_unit(books: Books) -> None:
    said: list[str] = []
    with books.write() as unit:
        unit.operations.add(operation("op_1"))
    with books.write() as unit:
        unit.operations.add(operation("op_2"))
    assert books._engine is not None
    event.listen(books._engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    with books.write() as unit:
        unit.operations.add(operation("op_3"))
        unit.operations.named("op_1")
    with books.read() as unit:
        unit.operations.named("op_1")
    assert len([each for each in said if "meta" in each]) == 1


def test_threads_of_one_process_do_not_poll_for_one_another(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = opened(tmp_path / "books.db")
    books.prepare()
    slept: list[float] = []
    monkeypatch.setattr("cardctl.db.engine.sleep", slept.append)

    def write(number: int) -> None:
        with books.write() as unit:
            append(unit, number)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(160)))
    with books.read() as unit:
        assert unit.audit.verify().checked == 160
    assert slept == []


def test_a_turn_is_given_back_whatever_happens(books: Books) -> None:
    def interrupted() -> None:
        with books.write() as unit:
            append(unit)
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    with books.write() as unit:
        append(unit)
        assert unit.audit.head().seq == 1


def test_many_threads_read_at_once(books: Books) -> None:
    with_card(books)
    readers = 48
    all_in = threading.Barrier(readers, timeout=60)

    def read(_: int) -> str:
        with books.read() as unit:
            all_in.wait()
            return unit.cards.named("card_00000001").ref

    with ThreadPoolExecutor(readers) as pool:
        assert set(pool.map(read, range(readers))) == {"ic_card_00000001"}


def test_who_only_reads_keeps_little_of_the_file_in_memory(tmp_path: Path, opened: Opener) -> None:
    books = opened(tmp_path / "books.db")
    with books.write() as unit:
        writing = unit.box._connection.execute(text("PRAGMA cache_size")).scalar_one()
    with books.read() as unit:
        reading = unit.box._connection.execute(text("PRAGMA cache_size")).scalar_one()
    assert writing < reading == -2048, "kilobytes, as negative numbers"
