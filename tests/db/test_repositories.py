"""Rows ⇄ domain, on both databases: everything comes back as it went in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from cardctl.db.operations import OperationFilter
from cardctl.db.unit import Books, Unit
from cardctl.domain.cards import Limits
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.operations import Draft, OperationState
from cardctl.domain.states import CardState
from cardctl.domain.transactions import Merchant, TransactionKind, TransactionState
from cardctl.errors import BooksReadOnly, NotFound
from tests.db.builders import NOW, PROGRAMME, account, card, later, operation, transaction, usd, with_card


def test_a_card_comes_back_as_it_went_in(books: Books) -> None:
    bare = card("card_00000002", brand=None, balance=None, allowance=None, limits=Limits(), ever_active=False)
    full = card(limits=Limits(usd(1), usd(2), usd(3), Money(4, "EUR")), state_reason="lost", balance=usd(-MAX_MINOR))
    with_card(books, full, bare)
    with books.read() as unit:
        assert unit.cards.get(full.id) == full
        assert unit.cards.by_ref(PROGRAMME, bare.ref) == bare
        assert unit.cards.by_ref("another", bare.ref) is None
        assert unit.cards.get("card_none") is None


def test_saving_a_card_changes_every_field_and_keeps_what_is_beside_it(books: Books) -> None:
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.cards.add(card(), raw={"a": 1}, token="tok_sim", key="travel")
    changed = card(
        ref="ic_new", holder="Grace", last4="1881", exp_month=1, exp_year=2031, state=CardState.FROZEN, state_reason="stolen",
        balance=usd(1), limits=Limits(monthly=usd(9)), updated_at=later(1), synced_at=later(2), ever_active=False,
        allowance=None,
    )  # fmt: skip
    with books.write() as unit:
        unit.cards.save(changed)
        assert unit.cards.get(changed.id) == changed
        assert unit.cards.raw(changed.id) == {"a": 1}
        assert unit.cards.token(changed.id) == "tok_sim"
        assert unit.cards.by_key("acct_00000001", "travel") == [changed]
        unit.cards.save(changed, raw={"rate": Decimal("1.10"), "name": "\ud800é"})
        unit.cards.set_token(changed.id, None)
    with books.read() as unit:
        assert unit.cards.raw(changed.id) == {"rate": Decimal("1.10"), "name": "\ud800é"}
        assert str(unit.cards.raw(changed.id)["rate"]) == "1.10"
        assert unit.cards.token(changed.id) is None


ABSENT: dict[str, Callable[[Unit], object]] = {
    "card": lambda unit: unit.cards.save(card()),
    "token": lambda unit: unit.cards.set_token("card_none", "x"),
    "card raw": lambda unit: unit.cards.raw("card_none"),
    "account": lambda unit: unit.accounts.save(account()),
    "account raw": lambda unit: unit.accounts.raw("acct_none"),
    "operation": lambda unit: unit.operations.save(operation()),
    "named": lambda unit: unit.transactions.get("txn_none") or unit.cards.named("card_none"),
}


@pytest.mark.parametrize("what", ABSENT)
def test_what_is_not_there_cannot_be_saved(books: Books, what: str) -> None:
    with pytest.raises(NotFound), books.write() as unit:
        ABSENT[what](unit)


def test_times_come_back_in_utc_and_sort_as_time(books: Books) -> None:
    paris = timezone(timedelta(hours=1))
    made = [datetime(2026, 11, 21, 1, 0, 0, tzinfo=paris), datetime(2026, 11, 21, 0, 0, 0, 1, tzinfo=UTC)]
    with_card(books, *(card(f"card_0000000{number}", created_at=at) for number, at in enumerate(made)))
    with books.read() as unit:
        assert [each.created_at for each in unit.cards.rows()] == made[::-1]
        assert all(each.created_at.utcoffset() == timedelta(0) for each in unit.cards.rows())
    with pytest.raises(ValueError, match="zone"), books.write() as unit:
        unit.cards.save(card(updated_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the very mistake


def test_spend_leaves_out_funding_and_withdrawal(books: Books) -> None:
    with_card(books)
    told = [
        ("authorization", -1000),
        ("refund", 250),
        ("fee", -5),
        ("funding", 9999),
        ("withdrawal", -9999),
        ("reversal", 1000),
    ]
    with books.write() as unit:
        assert unit.cards.spend("card_00000001") == 0
        for number, (kind, impact) in enumerate(told):
            one = transaction(f"txn_0000000{number}", kind=TransactionKind(kind), impact=usd(impact), amount=usd(abs(impact)))
            assert unit.transactions.upsert(one, programme=PROGRAMME)
        assert unit.cards.spend("card_00000001") == 245


def test_a_transaction_is_kept_once_and_keeps_its_id(books: Books) -> None:
    with_card(books)
    first = transaction()
    settled = replace(first, id="txn_another", state=TransactionState.SETTLED, merchant=Merchant(), authorization_code=None)
    with books.write() as unit:
        assert unit.transactions.upsert(first, programme=PROGRAMME, raw_digest="a")
        assert not unit.transactions.upsert(first, programme=PROGRAMME, raw_digest="a")
        assert not unit.transactions.upsert(replace(first, id="txn_other"), programme=PROGRAMME)
        assert unit.transactions.upsert(settled, programme=PROGRAMME, raw_digest="a")
        assert unit.transactions.by_ref(PROGRAMME, first.ref) == replace(settled, id=first.id)
        assert unit.transactions.upsert(settled, programme=PROGRAMME, raw_digest="b")
        assert unit.transactions.upsert(replace(first, id="txn_x"), programme="stripe/other")
    with books.read() as unit:
        assert len(list(unit.transactions.rows())) == 2
        assert unit.transactions.get("txn_another") is None


def test_a_merchants_card_number_is_cut_and_seen_as_unchanged(books: Books) -> None:
    with_card(books)
    told = transaction(merchant=Merchant(name="Order 4242 4242 4242 4242\0"))
    with books.write() as unit:
        assert unit.transactions.upsert(told, programme=PROGRAMME)
        assert not unit.transactions.upsert(told, programme=PROGRAMME)
        kept = unit.transactions.get(told.id)
        assert kept is not None
        assert kept.merchant.name == "Order **** **** **** 4242\ufffd"


def test_an_operation_comes_back_whole_and_lists_leave_out_what_is_sealed(books: Books) -> None:
    full = operation(
        caller_key="nightly-1", amount=usd(1000), reason="trip", sent_at=later(1), finished_at=later(2), error_code="X",
        error="no", draft=Draft("POST", "/v1/issuing/cards", "card", {"a": {"b": 1}}, {"balance": 3}),
    )  # fmt: skip
    with books.write() as unit:
        unit.operations.add(full)
        unit.operations.add(operation("op_00000002"))
    with books.read() as unit:
        assert unit.operations.get(full.id) == full
        assert unit.operations.by_caller_key(PROGRAMME, "nightly-1") == full
        assert unit.operations.by_caller_key("another", "nightly-1") is None
        assert unit.operations.find(full.idempotency_key) == unit.operations.find(full.id) == [full]
        assert list(unit.operations.rows(OperationFilter(limit=1, since=NOW))) == [operation("op_00000002", arguments={})]
    with books.write() as unit:
        listed = next(each for each in unit.operations.rows() if each.id == full.id)
        assert (listed.arguments, listed.draft) == ({}, None)
        unit.operations.save(replace(listed, state=OperationState.DONE))
        assert unit.operations.get(full.id) == replace(full, state=OperationState.DONE)


def test_what_is_open(books: Books) -> None:
    states = list(OperationState)
    with books.write() as unit:
        for number, state in enumerate(states):
            entered = {"created_at": later(number), "entered": -number}  # a clock that was moved back
            unit.operations.add(operation(f"op_0000000{number}", state=state, **entered))
        unit.operations.add(operation("op_00000009", target="card_x", programme="marqeta/x"))
    with books.read() as unit:
        opened = [each.state for each in unit.operations.open_for("card_00000001")]
        assert opened == [OperationState.IN_DOUBT, OperationState.SENT, OperationState.INTENDED]
        assert [each.id[-1] for each in unit.operations.open_all()] == ["4", "1", "0", "9"]
        assert [each.id for each in unit.operations.get_many(["op_00000003", "op_none", "op_00000001"])] == [
            "op_00000003",
            "op_00000001",
        ]
        assert unit.operations.get_many(["op_00000001"]) == [unit.operations.named("op_00000001")]
        assert [each.id for each in unit.operations.open_all("marqeta/x")] == ["op_00000009"]
        assert len(list(unit.operations.rows(OperationFilter(state=OperationState.DONE)))) == 1
        assert len(list(unit.operations.rows(OperationFilter(target="card_x", kind="card.fund", provider="stripe")))) == 1
        assert list(unit.operations.rows(OperationFilter(programme="marqeta/y", until=later(9)))) == []


def test_one_caller_key_is_one_operation(books: Books) -> None:
    with books.write() as unit:
        unit.operations.add(operation(caller_key="k"))
        unit.operations.add(operation("op_00000002", caller_key="k", programme="marqeta/x"))
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.operations.add(operation("op_00000003", caller_key="k"))


@pytest.mark.parametrize("broken", ["ref", "account", "state", "half an amount"])
def test_the_tables_refuse_what_cannot_be(books: Books, broken: str) -> None:
    with_card(books)
    wrong = {
        "ref": card("card_00000002", ref="ic_card_00000001"),
        "account": card("card_00000002", account_id="acct_none"),
        "state": card("card_00000002", state="melted"),
        "half an amount": card("card_00000002", balance=Money(1, None)),  # type: ignore[arg-type]
    }
    with pytest.raises(IntegrityError), books.write() as unit:
        unit.cards.add(wrong[broken], raw={})
    with books.read() as unit:
        assert unit.cards.count() == 1


def test_meta_and_cursors(books: Books) -> None:
    with books.write() as unit:
        assert unit.meta.get("environment") == "simulator"
        assert unit.cursors.get(PROGRAMME, "transactions") is None
        for position in ("ipi_1", "ipi_2"):
            unit.cursors.set(PROGRAMME, "transactions", position)
            unit.meta.set("seen", position)
    with books.read() as unit:
        assert unit.cursors.get(PROGRAMME, "transactions") == unit.meta.get("seen") == "ipi_2"
        assert unit.cursors.get("another", "transactions") is None


def test_a_read_unit_cannot_write(books: Books) -> None:
    with pytest.raises(BooksReadOnly), books.read() as unit:
        unit.meta.set("a", "b")


def test_odd_text_is_kept_or_cut_but_never_fatal(books: Books) -> None:
    odd = card(holder="Zoë 🦊\n\x1b[31m\0\ud800", state_reason="card 4242424242424242 and sk_test_abcdefgh")
    with_card(books, odd)
    with books.read() as unit:
        kept = unit.cards.named(odd.id)
        assert kept.holder == "Zoë 🦊\n\x1b[31m\ufffd?"
        assert kept.state_reason == "card **** **** **** 4242 and ***"


def test_a_balance_follows_from_allowance_and_transactions(books: Books) -> None:
    with_card(books, card(allowance=usd(5000), balance=usd(1)), card("card_00000002", allowance=None, balance=usd(9)))
    with books.write() as unit:
        unit.transactions.upsert(transaction(), programme=PROGRAMME)
        unit.cards.rebalance("card_00000001")
        unit.cards.rebalance("card_00000002")
        assert unit.cards.named("card_00000001").balance == usd(4000)
        assert unit.cards.named("card_00000002").balance == usd(9)
