"""The call log: what was heard is in the books, once, for a month; and it neither makes books nor stops anything."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.db.unit import Books
from cardctl.providers.guarding import Call
from cardctl.services.flows.calling import AT_ONCE, KEPT, CallLog
from tests.db.conftest import keys_of

NOON = datetime(2026, 10, 21, 12, tzinfo=UTC)


class Log:
    """A call log over the file `books.db`, which is not made yet."""

    def __init__(self, home: Path) -> None:
        self.file = home / "books.db"
        self.books = Books(str(self.file), environment="simulator", keys=keys_of)
        self.now = NOON
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.said: list[str] = []
        self.calls = CallLog(
            log=lambda *told: self.told.append(told),
            tell=self.said.append,
            programme=lambda provider: f"{provider}/default",
            target=lambda: str(self.file),
            books=lambda: self.books,
            clock=lambda: self.now,
        )

    def kept(self) -> list[tuple[str, str, str, int]]:
        """What the books have, newest first."""
        with self.books.read() as unit:
            return [(str(call.programme), f"{call.at:%d %H:%M}", call.operation, call.attempt) for call in unit.calls.rows()]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path)
    yield made
    made.books.close()


def call(number: int = 1, provider: str = "stripe", status: int | None = 200) -> Call:
    return Call(provider, "GET", "/v1/balance", status, 12, number, "req_1")


def test_what_was_heard_is_kept_with_its_time(log: Log) -> None:
    log.books.prepare()
    log.calls.hear(call(1))
    log.now += timedelta(minutes=5)
    log.calls.hear(call(2, "marqeta"))
    assert log.kept() == []
    log.calls.flush()
    log.calls.flush()
    assert log.kept() == [
        ("marqeta/default", "21 12:05", "GET /v1/balance", 2),
        ("stripe/default", "21 12:00", "GET /v1/balance", 1),
    ]


def test_it_is_told_at_once(log: Log) -> None:
    log.calls.hear(call(2, status=None))
    assert [(category, event, fields["status"]) for category, event, fields in log.told] == [("provider_call", "attempt", None)]
    assert log.said == ["stripe: GET /v1/balance: no whole answer in 12 ms, attempt 2"]


def test_no_books_are_made_for_it(log: Log) -> None:
    log.calls.hear(call())
    log.calls.flush()
    assert not log.file.exists()


def test_many_calls_do_not_wait_for_the_end(log: Log) -> None:
    log.books.prepare()

    def work() -> None:
        for _ in range(AT_ONCE // 4):
            log.calls.hear(call())

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.kept()) == AT_ONCE
    log.calls.flush()
    assert len(log.kept()) == AT_ONCE // 4 * 5


def test_after_a_month_it_is_forgotten(log: Log) -> None:
    log.books.prepare()
    log.calls.hear(call(1))
    log.calls.flush()
    log.now += KEPT
    log.calls.hear(call(2))
    log.calls.flush()
    assert [attempt for *_, attempt in log.kept()] == [2, 1]
    log.now += timedelta(seconds=1)
    log.calls.hear(call(3))
    log.calls.flush()
    assert [attempt for *_, attempt in log.kept()] == [3, 2]


def _damaged(file: Path) -> None:
    file.write_text("this is no database\n" * 500)


def _older(file: Path) -> None:
    with sqlite3.connect(file) as books:
        books.execute("UPDATE schema_version SET n = n - 1")
    books.close()


def _foreign(file: Path) -> None:
    with sqlite3.connect(file) as books:
        books.execute("UPDATE meta SET value = 'live' WHERE key = 'environment'")
    books.close()


@pytest.mark.parametrize("spoil", [_damaged, _older, _foreign])
def test_books_that_cannot_be_used_stop_nothing(log: Log, spoil: Callable[[Path], None]) -> None:
    log.books.prepare()
    log.books.close()
    spoil(log.file)
    before = log.file.read_bytes()
    log.calls.hear(call())
    log.calls.flush()
    log.books.close()
    assert log.file.read_bytes() == before
