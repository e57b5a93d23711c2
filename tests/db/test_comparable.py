"""Our books' side of a comparison: complete, sorted as Python sorts on both databases, streamed, and of one programme alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from cardctl.db.columns import moment_to_text
from cardctl.db.unit import Books, Unit
from cardctl.domain.accounts import Kyc
from cardctl.domain.cards import Limits
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState
from tests.db.builders import NOW, PROGRAMME, account, append, card, later, operation, transaction, usd
from tests.db.test_stage import AWKWARD


def many(unit: Unit, refs: list[str], **more: Any) -> None:
    for number, ref in enumerate(refs):
        unit.cards.add(card(f"card_{number:08}", ref=ref, **more), raw={})


def test_everything_is_sorted_as_python_sorts(books: Books) -> None:
    """The provider's names are merged with another list of them: both must be in one order."""
    refs = [ref for ref in AWKWARD if ref]
    with books.write() as unit:
        for number, ref in enumerate(refs):
            unit.accounts.add(account(f"acct_{number:08}", ref=ref), raw={})
            one = card(f"card_{number:08}", ref=ref, account_id=f"acct_{number:08}")
            unit.cards.add(one, raw={})
            unit.transactions.upsert(transaction(f"txn_{number:08}", ref=f"t{number}", card_id=one.id), programme=PROGRAMME)
    with books.read() as unit:
        side = unit.comparable
        assert [row[0] for row in side.accounts(PROGRAMME)] == sorted(refs)
        assert [row[0] for row in side.cards(PROGRAMME)] == sorted(refs)
        assert [row[-1] for row in side.money(PROGRAMME, None)] == sorted(refs)


def test_a_row_has_the_words_of_its_side(books: Books) -> None:
    holder = account(ref="ich_é", kyc=Kyc.REJECTED)
    limits = Limits(usd(1), usd(2), usd(3), usd(4))
    one = card(state=CardState.FROZEN, limits=limits, allowance=usd(9), balance=usd(-5), ever_active=True, holder="Åsa")
    event = transaction(
        kind=TransactionKind.SETTLEMENT,
        state=TransactionState.SETTLED,
        amount=usd(700),
        impact=usd(-700),
        parent_ref="iauth_0",
        progress=(1, 0),
    )
    with books.write() as unit:
        unit.accounts.add(holder, raw={})
        unit.cards.add(one, raw={})
        unit.transactions.upsert(event, programme=PROGRAMME)
    at = moment_to_text(NOW)
    with books.read() as unit:
        (row,) = unit.comparable.accounts(PROGRAMME)
        assert AccountSide._make(row) == AccountSide("ich_é", "active", "rejected", holder.id, at)
        (row,) = unit.comparable.cards(PROGRAMME)
        wanted = CardSide(
            one.ref, "ich_é", "frozen", "USD", "4242", 11, 2029, "Åsa", 1, 2, 3, 4, 9, -5, False, True, "", one.id, at, at
        )
        assert CardSide._make(row) == wanted
        assert (type(row[14]), bool(row[15])) in ((bool, True), (int, True))
        (row,) = unit.comparable.money(PROGRAMME, None)
        money = MoneySide(
            event.ref, "settlement", "settled", 700, -700, "USD", "iauth_0", at, "Cafe", "5812", "123456", "1.0", None, one.ref
        )
        assert MoneySide._make(row) == money


def test_another_programme_is_not_seen(books: Books) -> None:
    other = "stripe/acct_2"
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.accounts.add(account("acct_00000002", programme=other), raw={})
        unit.accounts.add(account("acct_00000003", ref=None), raw={})
        unit.cards.add(card(), raw={})
        unit.cards.add(card("card_00000002", programme=other, account_id="acct_00000002"), raw={})
        unit.transactions.upsert(transaction("txn_2", card_id="card_00000002"), programme=other)
    with books.read() as unit:
        side = unit.comparable
        assert [row[3] for row in side.accounts(PROGRAMME)] == ["acct_00000001"], "nor one that the provider has no name for"
        assert [row[17] for row in side.cards(PROGRAMME)] == ["card_00000001"]
        assert list(side.money(PROGRAMME, None)) == []
        assert [row[0] for row in side.money(other, None)] == ["iauth_txn_2"]
        assert side.states(PROGRAMME) == {"active": 1}


def test_since_is_by_when_it_happened(books: Books) -> None:
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.cards.add(card(), raw={})
        for seconds in (-1, 0, 1):
            event = transaction(f"txn_{seconds}", ref=f"t{seconds}", occurred_at=later(seconds))
            unit.transactions.upsert(event, programme=PROGRAMME)
    with books.read() as unit:
        rows = unit.comparable.money(PROGRAMME, moment_to_text(NOW))
        assert sorted(row[0] for row in rows) == ["t0", "t1"]


def test_many_rows_are_streamed_and_may_be_read_side_by_side(books: Books) -> None:
    """More than are fetched at once; three lists walked in turn, another question asked in between."""
    refs = [f"ic_{number:05}" for number in range(4_500)]
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.cards.add_many([(card(f"card_{ref}", ref=ref), {}, None) for ref in refs])
        for ref in refs[:50]:
            unit.transactions.upsert(transaction(f"txn_{ref}", ref=ref, card_id=f"card_{ref}"), programme=PROGRAMME)
    with books.read() as unit:
        cards, money = unit.comparable.cards(PROGRAMME), unit.comparable.money(PROGRAMME, None)
        seen = []
        for row in cards:
            seen.append(row[0])
            if len(seen) % 100 == 1:
                next(money, None)
                assert unit.comparable.states(PROGRAMME) == {"active": 4_500}
        assert seen == refs
        half = unit.comparable.cards(PROGRAMME)
        assert next(half)[0] == refs[0]
    with books.read() as unit:
        assert len(list(unit.comparable.cards(PROGRAMME))) == 4_500, "one that was left in its middle holds up nobody"


def test_names_of_what_may_still_change(books: Books) -> None:
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        for number, state in enumerate([CardState.ACTIVE, CardState.CLOSED, CardState.FAILED, CardState.FROZEN]):
            unit.cards.add(card(f"card_{number}", ref=f"ic_{number}", state=state, created_at=later(-number)), raw={})
    with books.read() as unit:
        assert list(unit.comparable.refs("cards", PROGRAMME)) == ["ic_3", "ic_0"]
        assert list(unit.comparable.refs("accounts", PROGRAMME)) == ["ich_acct_00000001"]


def test_since_when_a_card_is_frozen(books: Books) -> None:
    with books.write() as unit:
        append(unit, 1)
        append(unit, 2, after={"state": "active"})
        append(unit, 3, after={"balance": "3.00 USD"})
    with books.read() as unit:
        assert unit.comparable.frozen_since("card_00000001") == moment_to_text(later(1))
        assert unit.comparable.frozen_since("card_00000002") is None


def test_what_all_cards_can_spend(books: Books) -> None:
    """Two currencies never net; what is closed does not count; a holder's own money counts once."""
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.accounts.add(account("acct_00000002"), raw={})
        cards: list[dict[str, Any]] = [
            {},
            {},
            {"state": CardState.CLOSED},
            {"balance": None},
            {"account_id": "acct_00000002", "balance": usd(-100)},
            {"currency": "JPY", "balance": replace(usd(7), currency="JPY"), "allowance": None, "limits": Limits()},
        ]
        for number, more in enumerate(cards):
            unit.cards.add(card(f"card_{number}", ref=f"ic_{number}", **more), raw={})
    with books.read() as unit:
        assert unit.comparable.balances(PROGRAMME, shared=False) == {"USD": 4_900, "JPY": 7}
        assert unit.comparable.balances(PROGRAMME, shared=True) == {"USD": 2_400, "JPY": 7}


def test_money_that_came_with_a_card_belongs_to_it(books: Books) -> None:
    """A history need not show it: the card's own name stands for the row."""
    funding = {"kind": TransactionKind.FUNDING, "state": TransactionState.SETTLED, "impact": usd(1000)}
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.cards.add(card(), raw={})
        unit.operations.add(operation("op_made", kind="card.issue"))
        unit.operations.add(operation("op_more", kind="card.fund", target="card_x"))
        for name in ("op_made", "op_more", "strange"):
            unit.transactions.upsert(transaction(f"txn_{name}", ref=name, **funding), programme=PROGRAMME)
        unit.transactions.join_remote("txn_op_more", "row_1", TransactionState.SETTLED)
    with books.read() as unit:
        told = {row[0]: row[12] for row in unit.comparable.money(PROGRAMME, None)}
    assert told == {"op_made": card().ref, "op_more": "row_1", "strange": None}


def test_a_snapshot_stays(books: Books) -> None:
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        many(unit, [f"ic_{n}" for n in range(5)])
    with books.read() as unit:
        rows = unit.comparable.cards(PROGRAMME)
        next(rows)
        with books.write() as other:
            other.cards.save(card("card_00000004", ref="ic_4", state=CardState.CLOSED, updated_at=NOW + timedelta(1)))
        assert unit.comparable.states(PROGRAMME) == {"active": 5}
        assert [row[2] for row in rows] == ["active"] * 4
