"""What several issuers need of the books, on both databases: balances of accounts' own, loads, joined events, the call log."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from cardctl.db.calls import CallFilter
from cardctl.db.unit import Books
from cardctl.domain.cards import Load
from cardctl.domain.money import Money
from cardctl.domain.transactions import Merchant, Transaction, TransactionKind, TransactionState
from cardctl.errors import NotFound, StateForbids
from cardctl.providers.guarding import Call
from tests.db.builders import NOW, PROGRAMME, account, card, later, operation, transaction, usd, with_card

FUNDING, WITHDRAWAL = TransactionKind.FUNDING, TransactionKind.WITHDRAWAL
ACCOUNT = "acct_00000001"


def test_an_accounts_own_balances_stand_instead_of_its_cards(books: Books) -> None:
    with_card(books, card(balance=usd(100)), card("card_00000002", balance=Money(7, "EUR")))
    with books.write() as unit:
        unit.accounts.save(account(balances=(usd(5),)))  # what is given is not kept
        assert unit.accounts.named(ACCOUNT).balances == (Money(7, "EUR"), usd(100))
        unit.accounts.save(account(), own=(usd(30), Money(4, "CHF")))
        assert unit.accounts.named(ACCOUNT).balances == (Money(4, "CHF"), usd(30))
        unit.accounts.save(account(name="Grace"))
        assert unit.accounts.named(ACCOUNT).balances == (Money(4, "CHF"), usd(30))
        assert [each.balances for each in unit.accounts.rows()] == [(Money(4, "CHF"), usd(30))]
        unit.accounts.save(account(), own=())
        assert unit.accounts.named(ACCOUNT).balances == ()
        unit.accounts.save(account(), own=None)
        assert unit.accounts.named(ACCOUNT).balances == (Money(7, "EUR"), usd(100))


def test_a_new_account_may_have_balances_of_its_own(books: Books) -> None:
    with books.write() as unit:
        unit.accounts.add(account(), raw={}, own=(usd(-3),))
        unit.accounts.add(account("acct_00000002"), raw="{}")
    with books.read() as unit:
        assert unit.accounts.named(ACCOUNT).balances == (usd(-3),)
        assert unit.accounts.named("acct_00000002").balances == ()


def test_a_load_is_taken_back_down_to_nothing_and_no_further(books: Books) -> None:
    with_card(books)
    with books.write() as unit:
        for seconds, ref in enumerate(("tx_1", "tx_2", "tx_3")):
            unit.loads.add(Load(ref, ACCOUNT, usd(1000)), programme=PROGRAMME, at=later(seconds))
        unit.loads.take(PROGRAMME, "tx_2", usd(400))
        unit.loads.take(PROGRAMME, "tx_3", usd(1000))
    for amount in (usd(601), usd(-1), Money(1, "EUR")):
        with pytest.raises(StateForbids), books.write() as unit:
            unit.loads.take(PROGRAMME, "tx_2", amount)
    with books.read() as unit:
        assert unit.loads.of_account(ACCOUNT) == [Load("tx_2", ACCOUNT, usd(600)), Load("tx_1", ACCOUNT, usd(1000))]
        assert unit.loads.get(PROGRAMME, "tx_3") == Load("tx_3", ACCOUNT, usd(0))
        assert unit.loads.of_account("acct_none") == []
    with pytest.raises(NotFound), books.write() as unit:
        unit.loads.take("marqeta/x", "tx_1", usd(1))


def test_a_funding_that_is_recorded_twice_is_one(books: Books) -> None:
    with_card(books)
    with books.write() as unit:
        unit.loads.add(Load("tx_1", ACCOUNT, usd(1000)), programme=PROGRAMME, at=NOW)
        unit.loads.take(PROGRAMME, "tx_1", usd(300))
        unit.loads.add(Load("tx_1", ACCOUNT, usd(1000)), programme=PROGRAMME, at=later(9))
        assert unit.loads.of_account(ACCOUNT) == [Load("tx_1", ACCOUNT, usd(700))]
        unit.loads.add(Load("tx_1", ACCOUNT, usd(5)), programme="marqeta/x", at=NOW)
        assert unit.loads.get("marqeta/x", "tx_1") == Load("tx_1", ACCOUNT, usd(5))
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.loads.add(Load("tx_2", "acct_none", usd(1)), programme=PROGRAMME, at=NOW)


def _event(id: str, **fields: object) -> Transaction:  # noqa: A002
    given = {"kind": FUNDING, "state": TransactionState.PENDING, "impact": usd(1000), "merchant": Merchant()}
    return transaction(id, **given | fields)


@pytest.fixture
def funded(books: Books) -> Books:
    """A card with two fundings and a withdrawal of ours, and a funding that somebody made elsewhere."""
    with_card(books)
    with books.write() as unit:
        for number, kind in enumerate((FUNDING, FUNDING, WITHDRAWAL)):
            unit.operations.add(operation(f"op_{number}"))
            event = _event(f"txn_{number}", ref=f"op_{number}", kind=kind, occurred_at=later(-number))
            unit.transactions.upsert(event, programme=PROGRAMME)
        unit.transactions.upsert(_event("txn_3", ref="gpaorder_9"), programme=PROGRAMME)
    return books


def test_what_is_ours_waits_for_the_providers_row(funded: Books) -> None:
    with funded.write() as unit:
        waiting = [each.id for each in unit.transactions.unjoined("card_00000001", FUNDING)]
        assert waiting == ["txn_1", "txn_0"]  # oldest first, and not the one that was made elsewhere
        assert [each.id for each in unit.transactions.unjoined("card_00000001", WITHDRAWAL)] == ["txn_2"]
        assert unit.transactions.unjoined("card_none", FUNDING) == []
        unit.transactions.join_remote("txn_1", "gpaorder_1", TransactionState.SETTLED)
        joined = unit.transactions.by_remote_ref(PROGRAMME, "gpaorder_1")
        assert joined == _event("txn_1", ref="op_1", state=TransactionState.SETTLED, occurred_at=later(-1))
        assert unit.transactions.by_ref(PROGRAMME, "op_1") == joined
        assert unit.transactions.by_ref(PROGRAMME, "gpaorder_1") is None
        assert unit.transactions.by_remote_ref("marqeta/x", "gpaorder_1") is None
        assert [each.id for each in unit.transactions.unjoined("card_00000001", FUNDING)] == ["txn_0"]


def test_a_joined_event_stays_joined_and_a_row_is_joined_once(funded: Books) -> None:
    with funded.write() as unit:
        unit.transactions.join_remote("txn_1", "gpaorder_1", TransactionState.PENDING)
        joined = unit.transactions.by_remote_ref(PROGRAMME, "gpaorder_1")
        assert joined is not None
        assert not unit.transactions.upsert(joined, programme=PROGRAMME)
        assert unit.transactions.upsert(replace(joined, state=TransactionState.SETTLED), programme=PROGRAMME)
        again = unit.transactions.by_remote_ref(PROGRAMME, "gpaorder_1")
        assert again == replace(joined, state=TransactionState.SETTLED)
    with pytest.raises(NotFound), funded.write() as unit:
        unit.transactions.join_remote("txn_none", "gpaorder_2", TransactionState.SETTLED)
    with pytest.raises(IntegrityError), funded.write() as unit:
        unit.transactions.join_remote("txn_0", "gpaorder_1", TransactionState.SETTLED)


def _call(status: int | None, latency_ms: int, provider: str = "stripe") -> Call:
    return Call(provider, "POST", "/v1/issuing/cards", status, latency_ms, 1, "req_1")


def test_calls_are_kept_summed_up_and_trimmed(books: Books) -> None:
    with books.write() as unit:
        unit.calls.add_many([])
        calls = [_call(200, 10), _call(None, 30000), _call(402, 20), _call(429, 5), _call(503, 7), _call(200, 1, "marqeta")]
        unit.calls.add_many([(later(number), each) for number, each in enumerate(calls)], programme=PROGRAMME)
        leaky = replace(_call(200, 1), path="/v1/cards/4242424242424242", request_id=None)
        unit.calls.add_many([(later(5), leaky)])
    with books.read() as unit:
        assert [each.status for each in unit.calls.rows(CallFilter(provider="stripe"))] == [200, 503, 429, 402, None, 200]
        found = list(unit.calls.rows(CallFilter(since=later(1), until=later(5), limit=2)))
        assert [(each.at, each.status, each.latency_ms) for each in found] == [(later(4), 503, 7), (later(3), 429, 5)]
        assert (found[0].operation, found[0].programme) == ("POST /v1/issuing/cards", PROGRAMME)
        assert (found[0].provider, found[0].attempt, found[0].request_id) == ("stripe", 1, "req_1")
        newest = next(iter(unit.calls.rows()))
        assert (newest.operation, newest.programme, newest.request_id) == ("POST /v1/cards/**** **** **** 4242", None, None)
        assert unit.calls.summary("stripe", later(2)) == (4, 2, 8)
        assert unit.calls.summary("stripe", None) == (6, 3, 5007)
        assert unit.calls.summary(None, later(5)) == (2, 0, 1)
        assert unit.calls.summary("square", None) == (0, 0, None)
    with books.write() as unit:
        assert unit.calls.trim(later(4)) == 4
        assert unit.calls.trim(later(4)) == 0
        assert unit.calls.summary(None, None)[0] == 3
