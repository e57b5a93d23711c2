"""Schema changes: from every earlier version to the newest, the same schema as the tables, all or nothing, data kept."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, inspect

from cardctl.db import migrations, schema
from cardctl.db.engine import is_postgres, make_file, open_engine
from cardctl.db.maintenance import Upgraded, backup, restore, status, upgrade
from cardctl.db.tables import Row
from cardctl.db.unit import transaction
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.transactions import TransactionKind
from cardctl.errors import BooksCorrupt, BooksUnusable, SchemaNewer, SchemaOlder
from tests.db import builders
from tests.db.builders import PROGRAMME, account, append, card, usd, with_card
from tests.db.conftest import Opener, keys_of
from tests.db.saved_builders import SELLER, payment, saved_card

BUILD = "from alembic import op\nimport sqlalchemy as sa\n\n\ndef upgrade() -> None:\n"


def _in(target: str, act: Callable[[Connection], object]) -> None:
    if not is_postgres(target) and not Path(target).exists():
        make_file(Path(target), lambda engine: None)
    engine = open_engine(target)
    try:
        with transaction(engine, write=True) as connection:
            act(connection)
    finally:
        engine.dispose()


def _schema(target: str) -> object:
    """Everything that the database knows of its schema, in no order."""
    engine = open_engine(target)
    try:
        with transaction(engine, write=False) as connection:
            if connection.dialect.name == "sqlite":
                rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master").all()
                return {(*row[:3], _parts(row[3] or "")) for row in rows}
            columns = (
                "SELECT table_name, column_name, ordinal_position, data_type, collation_name, is_nullable, column_default,"
                " character_maximum_length FROM information_schema.columns WHERE table_schema = 'public'"
            )
            constraints = (
                "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
                " WHERE connamespace = 'public'::regnamespace"
            )
            indexes = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            return {tuple(row) for query in (columns, constraints, indexes) for row in connection.exec_driver_sql(query)}
    finally:
        engine.dispose()


def _parts(statement: str) -> frozenset[str]:
    """The columns and constraints of a table; SQLite writes one that was added on the line of another."""
    return frozenset(re.split(r",\s+(?![^(]*\))|\s*\n\s*", statement))


def test_migrations_lead_to_the_tables(target: str, opened: Opener) -> None:
    _in(target, lambda connection: migrations.run(connection, 0))
    migrated = _schema(target)
    if is_postgres(target):
        _in(target, lambda connection: connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    else:
        Path(target).unlink()
    opened(target).prepare()
    assert _schema(target) == migrated


def test_alembic_itself_sees_no_difference(target: str, opened: Opener) -> None:
    from alembic.autogenerate import compare_metadata

    _in(target, lambda connection: migrations.run(connection, 0))

    def compare(connection: Connection) -> None:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Row.metadata) == []

    _in(target, compare)


def test_migrated_books_work(target: str, opened: Opener) -> None:
    def make(connection: Connection) -> None:
        assert migrations.run(connection, 0) == schema.HEAD
        schema.introduce(connection, "simulator")

    _in(target, make)
    books = opened(target)
    with_card(books)
    with books.write() as unit:
        append(unit)
        assert unit.cards.named("card_00000001") == card()
        assert unit.audit.verify().ok


def _version_1(target: str) -> None:
    """Books as the first cardctl left them."""

    def make(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            import_module(f"{migrations.VERSIONS}.0001_first").upgrade()
        schema.stamp(connection, 1)
        for line in (Path(__file__).parent / "version1.sql").read_text("utf-8").splitlines()[1:]:
            connection.exec_driver_sql(line)

    _in(target, make)


def test_books_of_version_1_are_brought_up_and_keep_every_row(target: str, tmp_path: Path, opened: Opener) -> None:
    _version_1(target)
    with pytest.raises(SchemaOlder):
        opened(target).prepare()
    assert upgrade(target, tmp_path / "v1.db").after == schema.HEAD
    assert status(target).ok
    books = opened(target)
    parent = builders.transaction()
    with books.write() as unit:
        ada = account(external_id="emp-1", balances=(Money(7, "EUR"), usd(2500)))
        zoe = account("acct_00000002", ref=None, email=None, name="Zoë O'Hara", compliance_flags=())
        assert list(unit.accounts.rows()) == [zoe, ada]
        assert unit.accounts.raw(ada.id) == {"id": "ich_1"}
        one, two = card(), card("card_00000002", balance=Money(7, "EUR"), allowance=None, ever_active=False, brand=None)
        assert list(unit.cards.rows()) == [two, one]
        assert (unit.cards.raw(one.id), unit.cards.token(one.id), unit.cards.key(one.id)) == (
            {"id": "ic_1"},
            "tok_sim",
            "travel",
        )
        assert unit.transactions.get(parent.id) == parent
        assert unit.transactions.by_ref(PROGRAMME, "iauth_txn_00000002") == unit.transactions.get("txn_00000002")
        assert [each.id for each in unit.transactions.unjoined(one.id, TransactionKind.FUNDING)] == ["txn_00000003"]
        assert unit.operations.named("op_00000001").draft == Draft("POST", "/v1/x", "card", {"a": 1})
        assert [each.id for each in unit.operations.open_all()] == ["op_00000003", "op_00000002"]
        assert unit.cursors.get(PROGRAMME, "transactions") == "x"
        assert unit.audit.verify().ok
        assert unit.audit.head().seq == 3
        append(unit, 4)
        unit.accounts.save(ada, own=(usd(5),))
        assert unit.accounts.named(ada.id).balances == (usd(5),)
    assert status(target).problem is None


def test_an_upgrade_from_version_1_that_is_broken_off_changes_nothing(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _version_1(target)
    before = _schema(target)

    def broken(table: str, *columns: str, **how: object) -> None:
        if table == "calls":
            raise KeyboardInterrupt

    monkeypatch.setattr(import_module(f"{migrations.VERSIONS}.0002_several_issuers"), "_index", broken)
    with pytest.raises(KeyboardInterrupt):
        upgrade(target, tmp_path / "v1.db")
    assert _schema(target) == before
    assert status(target).version == 1
    monkeypatch.undo()
    assert upgrade(target, tmp_path / "again.db").after == schema.HEAD


def _version(target: str, number: int) -> None:
    """Books of the first cardctl that were brought up to a later version, and no further."""
    _version_1(target)

    def bring_up(connection: Connection) -> None:
        with Operations.context(MigrationContext.configure(connection)):
            for each, module in migrations.numbered():
                if 1 < each <= number:
                    import_module(module).upgrade()
        schema.stamp(connection, number)

    _in(target, bring_up)


@pytest.mark.parametrize("number", range(1, schema.HEAD))
def test_books_of_every_earlier_version_keep_what_is_in_them(target: str, number: int, tmp_path: Path, opened: Opener) -> None:
    _version(target, number)
    kept = None if is_postgres(target) else tmp_path / "before.db"
    assert upgrade(target, tmp_path / "before.db") == Upgraded(number, schema.HEAD, kept)
    assert status(target).ok
    with opened(target).write() as unit:
        assert [each.id for each in unit.cards.rows()] == ["card_00000002", "card_00000001"]
        assert unit.cards.token("card_00000001") == "tok_sim"
        assert unit.audit.verify().ok
        unit.saved_cards.put(saved_card(), raw={"id": saved_card().ref})
        unit.payments.put(payment(), raw={})
        assert unit.saved_cards.by_ref(SELLER, str(saved_card().ref)) == saved_card()
        assert unit.payments.named(payment().id) == payment()


def test_an_upgrade_to_saved_cards_that_is_broken_off_changes_nothing(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: Opener
) -> None:
    _version(target, 4)
    before = _schema(target)

    def broken() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module(f"{migrations.VERSIONS}.0005_saved_cards"), "_disputes", broken)
    with pytest.raises(KeyboardInterrupt):
        upgrade(target, tmp_path / "v4.db")
    assert _schema(target) == before
    assert status(target).version == 4
    with pytest.raises(SchemaOlder):
        opened(target).prepare()
    monkeypatch.undo()
    assert upgrade(target, tmp_path / "again.db").before == 4


def test_a_backup_of_version_1_comes_back_and_is_brought_up(tmp_path: Path, opened: Opener) -> None:
    old, target = str(tmp_path / "old.db"), str(tmp_path / "books.db")
    _version_1(old)
    assert restore(target, backup(old, tmp_path / "copy.db")).version == 1
    assert upgrade(target, tmp_path / "before.db") == Upgraded(1, schema.HEAD, tmp_path / "before.db")
    with opened(target).read() as unit:
        assert unit.cards.count() == 2


def test_the_newest_migration_is_head() -> None:
    numbers = [number for number, _ in migrations.numbered()]
    assert numbers == list(range(1, schema.HEAD + 1))


def test_every_constraint_has_a_name() -> None:
    for table in Row.metadata.sorted_tables:
        assert all(constraint.name for constraint in table.constraints), table
        assert all(index.name for index in table.indexes), table


@pytest.fixture
def later_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], str]]:
    """A package of migrations with ours, and one more of the given body."""
    package = tmp_path / "laterversions"

    def make(body: str) -> str:
        package.mkdir()
        (package / "__init__.py").touch()
        ours = Path(next(iter(migrations.__path__))) / "versions"
        for file in ours.glob("0*.py"):
            (package / file.name).write_text(file.read_text())
        lines = "".join(f"    {line}\n" for line in body.strip().splitlines())
        (package / f"{schema.HEAD + 1:04d}_later.py").write_text(BUILD + lines)
        monkeypatch.syspath_prepend(tmp_path)
        return package.name

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "laterversions"]:
        del sys.modules[name]


REBUILD = """
with op.batch_alter_table("accounts") as batch:
    batch.add_column(sa.Column("nickname", sa.String(), nullable=False, server_default="none"))
    batch.alter_column("email", new_column_name="mail")
"""
NEXT = schema.HEAD + 1


def test_an_upgrade_rebuilds_a_parent_table_and_keeps_its_children(
    target: str, tmp_path: Path, opened: Opener, later_versions: Callable[[str], str]
) -> None:
    books = opened(target)
    with_card(books)
    with books.write() as unit:
        append(unit)
    books.close()
    before = _schema(target)
    versions = later_versions(REBUILD)
    done = upgrade(target, tmp_path / "kept" / "before.db", versions=versions, head=NEXT)
    kept = None if is_postgres(target) else tmp_path / "kept" / "before.db"
    assert done == Upgraded(schema.HEAD, NEXT, kept)
    assert status(target).version == NEXT
    assert _schema(target) != before
    if kept:
        assert _schema(str(kept)) == before
        with opened(kept, keys=keys_of()).read() as unit:
            assert unit.cards.raw("card_00000001") == {"id": card().ref}

    def look(connection: Connection) -> None:
        assert connection.exec_driver_sql("SELECT nickname, mail FROM accounts").all() == [("none", "ada@example.com")]
        assert connection.exec_driver_sql("SELECT account_id FROM cards").all() == [("acct_00000001",)]
        assert [key["referred_table"] for key in inspect(connection).get_foreign_keys("cards")] == ["accounts"]

    _in(target, look)
    with pytest.raises(SchemaNewer):
        opened(target).prepare()
    assert upgrade(target, tmp_path / "again.db", versions=versions, head=NEXT) == Upgraded(NEXT, NEXT, None)
    with pytest.raises(SchemaNewer):
        upgrade(target, tmp_path / "again.db")
    assert not (tmp_path / "again.db").exists()


@pytest.mark.parametrize(
    "end",
    ["raise ValueError('stop')", "raise KeyboardInterrupt", "op.execute('INSERT INTO nowhere VALUES (1)')"],
)
def test_an_upgrade_that_fails_changes_nothing(
    target: str, tmp_path: Path, opened: Opener, later_versions: Callable[[str], str], end: str
) -> None:
    books = opened(target)
    with_card(books)
    books.close()
    before = _schema(target)
    versions = later_versions(f"{REBUILD}\nop.add_column('cards', sa.Column('alias', sa.String()))\n{end}")
    with pytest.raises((ValueError, KeyboardInterrupt, BooksCorrupt)):
        upgrade(target, tmp_path / "before.db", versions=versions, head=NEXT)
    assert _schema(target) == before
    assert status(target).version == schema.HEAD
    with opened(target).read() as unit:
        assert unit.cards.named("card_00000001") == card()
    assert (tmp_path / "before.db").exists() is not is_postgres(target)


def test_an_upgrade_that_leaves_orphans_is_taken_back(
    tmp_path: Path, opened: Opener, later_versions: Callable[[str], str]
) -> None:
    """On SQLite foreign keys are not enforced while tables are rebuilt: they are checked before the commit."""
    target = str(tmp_path / "books.db")
    books = opened(target)
    with_card(books)
    books.close()
    with pytest.raises(BooksCorrupt, match="refer"):
        upgrade(target, tmp_path / "b.db", versions=later_versions("op.execute('DELETE FROM accounts')"), head=NEXT)
    with opened(target).read() as unit:
        assert unit.accounts.named("acct_00000001").ref


def test_an_older_schema_says_what_to_do(target: str, opened: Opener) -> None:
    opened(target).prepare()
    _in(target, lambda connection: schema.stamp(connection, 0))
    with pytest.raises(SchemaOlder) as told:
        opened(target).prepare()
    assert told.value.hint is not None
    assert "db upgrade" in told.value.hint


def test_no_upgrade_without_a_backup(tmp_path: Path, opened: Opener, later_versions: Callable[[str], str]) -> None:
    target = str(tmp_path / "books.db")
    opened(target).prepare()
    (tmp_path / "taken.db").write_text("mine")
    with pytest.raises(Exception, match="exists already"):
        upgrade(target, tmp_path / "taken.db", versions=later_versions(REBUILD), head=NEXT)
    assert status(target).version == schema.HEAD
    assert (tmp_path / "taken.db").read_text() == "mine"


def test_status(target: str, opened: Opener) -> None:
    with_card(opened(target, environment="sandbox"))
    told = status(target)
    assert (told.version, told.head, told.environment, told.problem, told.ok) == (
        schema.HEAD,
        schema.HEAD,
        "sandbox",
        None,
        True,
    )
    assert told.kind == ("postgresql" if is_postgres(target) else "sqlite")
    assert told.size > 10_000
    assert len(told.database_id) == 32


def test_status_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(BooksUnusable, match="no books"):
        status(str(tmp_path / "none.db"))
    with pytest.raises(BooksUnusable, match="no books"):
        upgrade(str(tmp_path / "none.db"), tmp_path / "b.db")
    assert list(tmp_path.iterdir()) == []


def test_status_tells_damage(tmp_path: Path, opened: Opener) -> None:
    path = tmp_path / "books.db"
    books = opened(path)
    with_card(books)
    books.close()
    with closing(sqlite3.connect(path)) as raw:  # an index that lost an entry: readable, and wrong
        raw.execute("PRAGMA writable_schema=ON")
        raw.execute("UPDATE sqlite_master SET sql = replace(sql, '(last4)', '(brand)') WHERE name = 'ix_cards_last4'")
        raw.commit()
    told = status(str(path))
    assert not told.ok
    assert told.problem
