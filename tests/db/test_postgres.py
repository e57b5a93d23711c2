"""PostgreSQL that cannot be used: told, never with the password, and found again when it is back."""

from __future__ import annotations

import pytest
from sqlalchemy import URL, create_engine, make_url

from cardctl.errors import BooksCorrupt, BooksUnusable
from tests.db.builders import account, with_card
from tests.db.conftest import Opener


def test_a_server_that_is_not_there_is_told_without_the_password(opened: Opener) -> None:
    pytest.importorskip("psycopg")
    url = URL.create("postgresql", "ada", "pa55:w@rd", "127.0.0.1", 1, "books")
    books = opened(url.render_as_string(hide_password=False))
    with pytest.raises(BooksUnusable) as told:
        books.prepare()
    said = f"{told.value} {told.value.hint} {books.name}"
    assert "127.0.0.1" in said
    assert "db.url" in said
    assert "pa55" not in said
    assert "w%40rd" not in said


def test_a_database_that_is_not_there_is_told(postgres: str, opened: Opener) -> None:
    books = opened(make_url(postgres).set(database="nowhere").render_as_string(hide_password=False))
    with pytest.raises(BooksUnusable, match="nowhere"):
        books.prepare()


def test_a_url_that_cannot_be_read_is_not_repeated(opened: Opener) -> None:
    with pytest.raises(BooksUnusable) as told:
        opened("postgresql://ada:pa55word@host:port:port/x").prepare()
    assert "pa55word" not in str(told.value)


def test_a_postgres_schema_with_strange_tables_is_refused(new_postgres: str, opened: Opener) -> None:
    engine = create_engine(make_url(new_postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE stranger (a int)")
        with pytest.raises(BooksCorrupt):
            opened(new_postgres).prepare()
        assert connection.exec_driver_sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").scalar_one() == 1
    engine.dispose()


def test_a_server_that_goes_away_is_told_and_found_again(new_postgres: str, opened: Opener) -> None:
    books = opened(new_postgres)
    with_card(books)
    engine = create_engine(make_url(new_postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")

    def cut() -> None:
        with books.write() as unit:
            unit.accounts.add(account("acct_00000002"), raw={})
            with engine.connect() as other:
                kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname ="
                other.exec_driver_sql(f"{kill} current_database()")
            unit.accounts.get("acct_00000001")

    with pytest.raises(BooksUnusable):
        cut()
    engine.dispose()
    with books.read() as unit:
        assert [each.id for each in unit.accounts.rows()] == ["acct_00000001"]
