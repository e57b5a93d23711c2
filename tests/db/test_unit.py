"""The unit of work on both databases: whole or not at all, one writer at a time, readers in a snapshot of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from cardctl.db.unit import Books
from cardctl.domain.states import CardState
from cardctl.errors import BooksForeign, BooksLocked, BooksUnusable, SchemaNewer, SchemaOlder
from tests.db.builders import account, append, card, usd, with_card
from tests.db.conftest import Opener


class Stop(Exception):
    pass


@pytest.mark.parametrize("kind", [Stop, KeyboardInterrupt, SystemExit])
def test_nothing_is_kept_of_a_unit_that_ends_badly(books: Books, kind: type[BaseException]) -> None:
    with_card(books)

    def ends_badly() -> None:
        with books.write() as unit:
            unit.cards.save(card(balance=usd(1)))
            append(unit)
            raise kind

    with pytest.raises(kind):
        ends_badly()
    with books.read() as unit:
        assert unit.cards.named("card_00000001").balance == usd(2500)
        assert unit.audit.head().seq == 0
    with books.write() as unit:  # and nothing is left locked
        append(unit)


def test_a_commit_that_fails_keeps_nothing(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    with_card(books)

    def interrupted(_: Books, connection: Connection) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Books, "_commit", interrupted)
        with pytest.raises(KeyboardInterrupt), books.write() as unit:
            unit.cards.save(card(state=CardState.FROZEN))
    with books.read() as unit:
        assert unit.cards.named("card_00000001").state is CardState.ACTIVE


def test_a_reader_sees_one_moment_and_holds_up_no_writer(books: Books) -> None:
    with_card(books)
    with books.read() as early:
        assert early.cards.named("card_00000001").balance == usd(2500)
        with books.write() as unit:
            unit.cards.save(card(balance=usd(7)))
        assert early.cards.named("card_00000001").balance == usd(2500)
        with books.read() as late:
            assert late.cards.named("card_00000001").balance == usd(7)
    with books.write() as unit:
        unit.cards.save(card(balance=usd(8)))
        with books.read() as beside:
            assert beside.cards.named("card_00000001").balance == usd(7)


def test_writers_wait_for_one_another(books: Books) -> None:
    with_card(books)
    entered, results = threading.Event(), []

    def second() -> None:
        entered.set()
        with books.write() as unit:
            seen = unit.cards.named("card_00000001")
            assert seen.balance is not None
            results.append(seen.balance.minor)
            unit.cards.save(card(balance=seen.balance + usd(1)))

    with books.write() as unit:
        unit.cards.save(card(balance=usd(100)))
        thread = threading.Thread(target=second)
        thread.start()
        assert entered.wait(10)
    thread.join(30)
    assert results == [100]  # what the first wrote, not what stood before
    with books.read() as unit:
        assert unit.cards.named("card_00000001").balance == usd(101)


def test_a_writer_does_not_wait_for_ever(target: str, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cardctl.db.engine.WAIT_SECONDS", 1)
    books = opened(target)
    with books.write():
        with pytest.raises(BooksLocked) as told, books.write():
            pass
        assert told.value.retryable


def test_a_stream_left_unread_leaves_the_books_usable(books: Books) -> None:
    with_card(books, *(card(f"card_{number:08d}") for number in range(1500)))
    with books.read() as unit:
        rows = unit.cards.rows()
        next(rows)
        assert unit.cards.count() == 1500
    with books.write() as unit:
        next(unit.cards.rows())
        next(unit.accounts.rows())
        unit.cards.save(card("card_00000000", balance=usd(1)))

    def stopped() -> None:
        with books.write() as unit:
            for _ in unit.cards.rows():
                raise Stop

    with pytest.raises(Stop):
        stopped()
    with books.read() as unit:
        assert unit.cards.named("card_00000000").balance == usd(1)


def test_preparing_again_changes_nothing(target: str, opened: Opener) -> None:
    books = opened(target)
    books.prepare()
    books.prepare()
    with books.read() as unit:
        first = unit.meta.get("database_id")
    books.close()
    again = opened(target)
    again.prepare()
    with again.read() as unit:
        assert unit.meta.get("database_id") == first
    with books.read() as unit:  # closed books open again
        assert unit.meta.get("database_id") == first


def test_books_of_another_environment_are_refused(target: str, opened: Opener) -> None:
    opened(target, environment="sandbox").prepare()
    for use in (Books.prepare, lambda books: books.read().__enter__(), lambda books: books.write().__enter__()):
        with pytest.raises(BooksForeign, match="sandbox"):
            use(opened(target, environment="live"))


@pytest.mark.parametrize(("version", "error"), [(99, SchemaNewer), (0, SchemaOlder)])
def test_another_schema_is_refused(target: str, opened: Opener, version: int, error: type[BooksUnusable]) -> None:
    from sqlalchemy import text

    books = opened(target)
    with books.write() as unit:
        unit.box._connection.execute(text(f"UPDATE schema_version SET n = {version}"))
    books.close()
    with pytest.raises(error, match=str(version)):
        opened(target).prepare()


def test_two_threads_prepare_the_same_books(target: str, opened: Opener) -> None:
    start, failures = threading.Barrier(4), []

    def prepare() -> None:
        books = opened(target)
        start.wait()
        try:
            with books.write() as unit:
                append(unit)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with opened(target).read() as unit:
        assert unit.audit.head().seq == 4
        assert unit.audit.verify().ok


def test_the_end_of_a_transaction_by_the_database_is_noticed(tmp_path: object, opened: Opener) -> None:
    books = opened(f"{tmp_path}/books.db")

    def ended() -> None:
        with books.write() as unit:
            unit.accounts.add(account(), raw={})
            unit.box._connection.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full

    with pytest.raises(BooksUnusable, match="ended by an earlier error"):
        ended()
    with books.read() as unit:
        assert unit.accounts.get("acct_00000001") is None


@contextmanager
def _counted(books: Books) -> Iterator[list[str]]:
    from sqlalchemy import event

    said: list[str] = []
    books.prepare()
    assert books._engine is not None
    event.listen(books._engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    yield said


def test_a_list_of_accounts_is_one_query(books: Books) -> None:
    with_card(books)
    with books.write() as unit:
        for number in range(2, 30):
            unit.accounts.add(account(f"acct_{number:08d}"), raw={})
    with _counted(books) as said, books.read() as unit:
        assert len(list(unit.accounts.rows())) == 29
    assert len([each for each in said if each.startswith("SELECT")]) == 1
