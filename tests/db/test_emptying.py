"""Emptying a simulator's books: every row goes, the identity stays, and nothing else can be emptied."""

from __future__ import annotations

import pytest

from cardctl.db.unit import Books
from cardctl.domain.audit import GENESIS, AuditHead
from cardctl.domain.cards import Load
from cardctl.domain.events import Arrival
from cardctl.domain.topups import TopUp, TopUpState
from cardctl.errors import DevelopmentOnly
from cardctl.providers.guarding import Call
from tests.db.builders import NOW, PROGRAMME, append, operation, transaction, usd, with_card
from tests.db.conftest import Opener, keys_of
from tests.db.test_events import event


def _fill(books: Books) -> str | None:
    with_card(books)
    with books.write() as unit:
        parent = transaction()
        unit.transactions.upsert(parent, programme=PROGRAMME)
        unit.transactions.upsert(transaction("txn_00000002", parent_id=parent.id), programme=PROGRAMME)
        unit.operations.add(operation())
        unit.cursors.set(PROGRAMME, "transactions", "x")
        unit.loads.add(Load("tx_1", "acct_00000001", usd(1)), programme=PROGRAMME, at=NOW)
        unit.topups.put(TopUp(PROGRAMME, "tu_1", usd(1), TopUpState.PENDING, NOW))
        unit.events.keep([Arrival((event("a"),), b"{}")])
        unit.calls.add_many([(NOW, Call("stripe", "GET", "/v1/balance", 200, 20, 1, None))])
        append(unit)
        return unit.meta.get("database_id")


def test_empty_books_are_as_new(target: str, opened: Opener) -> None:
    books = opened(target)
    name = _fill(books)
    with books.write() as unit:
        deleted = unit.empty()
    assert {name: count for name, count in deleted.items() if count} == {
        "accounts": 1,
        "audit": 1,
        "calls": 1,
        "cards": 1,
        "cursors": 1,
        "events": 1,
        "loads": 1,
        "operations": 1,
        "topups": 1,
        "transactions": 2,
    }
    with books.read() as unit:
        assert unit.audit.head() == AuditHead(0, GENESIS)
        assert unit.audit.verify().ok
        assert unit.meta.get("database_id") == name
        assert [*unit.cards.rows(), *unit.accounts.rows(), *unit.operations.rows(), *unit.calls.rows()] == []
        assert unit.loads.get(PROGRAMME, "tx_1") is None
    assert _fill(opened(target, keys=keys_of("another key " * 4))) == name


def test_only_a_simulators_books_can_be_emptied(target: str, opened: Opener) -> None:
    books = opened(target, environment="sandbox")
    _fill(books)
    with pytest.raises(DevelopmentOnly), books.write() as unit:
        unit.empty()
    with books.read() as unit:
        assert unit.cards.count() == 1
