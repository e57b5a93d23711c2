"""Many rows at once mean what one by one means, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from cardctl.db.unit import Books, Unit
from cardctl.domain.accounts import AccountState
from cardctl.domain.cards import Limits
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind
from cardctl.errors import NotFound
from tests.db.builders import NOW, PROGRAMME, account, append, card, later, transaction, usd, with_card
from tests.db.conftest import Opener

FULL = card(limits=Limits(usd(1), usd(2), usd(3), Money(4, "EUR")), state_reason="lost", last4="1881")
BARE = card("card_00000002", brand=None, balance=None, allowance=None, limits=Limits(), ever_active=False)
ODD = card("card_00000003", holder="Zoë 🦊\0\ud800 4242424242424242", state=CardState.UNKNOWN)
MANY = 1201


def _table(unit: Unit, table: str, *without: str) -> list[dict[str, Any]]:
    found = unit.box._connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")).mappings()
    return [{name: value for name, value in row.items() if name not in without} for row in found]


def test_cards_and_accounts_are_added_as_one_by_one(target: str, opened: Opener) -> None:
    accounts = [account(), account("acct_00000002", name="Zoë\ud800", ref=None, email=None, state=AccountState.CLOSED)]
    books = opened(target)
    with books.write() as unit:
        for each in accounts:
            unit.accounts.add(each, raw={"id": each.id}, own=(usd(1),))
        for one, key in ((FULL, "travel"), (BARE, None), (ODD, None)):
            unit.cards.add(one, raw={"id": one.id}, key=key)
        wanted = [_table(unit, table, "raw") for table in ("accounts", "cards")]
        unit.empty()
        unit.accounts.add_many((each, {"id": each.id}, (usd(1),)) for each in accounts)
        unit.cards.add_many([(FULL, {"id": FULL.id}, "travel"), (BARE, '{"rate": 1.10}', None), (ODD, {}, None)])
        assert [_table(unit, table, "raw") for table in ("accounts", "cards")] == wanted
    with books.read() as unit:
        assert unit.cards.raw(FULL.id) == {"id": FULL.id}
        assert unit.cards.raw(BARE.id) == {"rate": Decimal("1.10")}
        assert (unit.cards.key(FULL.id), unit.cards.token(FULL.id)) == ("travel", None)
        assert unit.accounts.raw("acct_00000002") == {"id": "acct_00000002"}


CHANGED = replace(
    FULL, ref="ic_new", holder="Grace", last4="0005", exp_month=1, state=CardState.CLOSED, state_reason=None, balance=None,
    limits=Limits(monthly=usd(9)), created_at=later(-9), updated_at=later(1), synced_at=later(2), ever_active=False,
    allowance=Money(8, "EUR"), account_id="acct_00000002", programme="stripe/other", provider="other",
)  # fmt: skip


def test_cards_are_saved_as_one_by_one(books: Books) -> None:
    with_card(books, FULL, BARE)
    with books.write() as unit:
        unit.accounts.add(account("acct_00000002"), raw={})
        unit.cards.set_token(FULL.id, "tok_sim")
        unit.cards.save(CHANGED, raw={})
        wanted = _table(unit, "cards", "raw", "provisioning_token")
        unit.cards.save(FULL, raw={})
        unit.cards.save_many([(CHANGED, {"new": 1}), (replace(BARE, synced_at=NOW), '{"same": true}')])
        assert _table(unit, "cards", "raw", "provisioning_token") == wanted
        assert unit.cards.get(CHANGED.id) == CHANGED
        assert unit.cards.by_last4("0005") == list(unit.cards.rows())[-1:] == [CHANGED]
        assert unit.cards.token(FULL.id) == "tok_sim"
        assert (unit.cards.raw(FULL.id), unit.cards.raw(BARE.id)) == ({"new": 1}, {"same": True})


def test_accounts_are_saved_as_one_by_one(books: Books) -> None:
    one, two = account(external_id="emp-1"), account("acct_00000002", ref=None)
    with books.write() as unit:
        unit.accounts.add_many([(one, {}, (usd(7),)), (two, {}, None)])
    one = replace(one, external_id=None, state=AccountState.SUSPENDED, balances=(usd(7),), updated_at=later(1))
    two = replace(two, ref="ich_2", name="Grace", balances=(usd(0),))
    with books.write() as unit:
        unit.accounts.save_many([(one, {"a": 1}, None), (two, "{}", (usd(0),))])
        assert list(unit.accounts.rows()) == [two, one]
        assert unit.accounts.by_external_id(PROGRAMME, "emp-1") is None
        assert unit.accounts.raw(one.id) == {"a": 1}
        unit.accounts.save_many([])


ABSENT: dict[str, Callable[[Unit], None]] = {
    "card_none": lambda unit: unit.cards.save_many([(card(last4="9999"), {}), (card("card_none"), {})]),
    "acct_none": lambda unit: unit.accounts.save_many(
        [(account(name="No"), {}, None), (account("acct_none", ref="x"), {}, None)]
    ),
    "acct_own": lambda unit: unit.accounts.save_many([(account("acct_own", ref="x"), {}, ()), (account(name="No"), {}, None)]),
}


@pytest.mark.parametrize("name", ABSENT)
def test_one_that_is_not_there_is_named_and_nothing_is_saved(books: Books, name: str) -> None:
    with_card(books)
    with pytest.raises(NotFound, match=name), books.write() as unit:
        ABSENT[name](unit)
    with books.read() as unit:
        assert unit.cards.named("card_00000001") == card()
        assert unit.accounts.named("acct_00000001").name == account().name


def test_what_cannot_be_is_refused_as_one_by_one(books: Books) -> None:
    with_card(books)
    for wrong in (card("card_00000002", ref=card().ref), card("card_00000002", account_id="acct_none")):
        with pytest.raises(IntegrityError), books.write() as unit:
            unit.cards.add_many([(card("card_00000003"), {}, None), (wrong, {}, None)])
    with pytest.raises(ValueError, match="zone"), books.write() as unit:
        unit.cards.save_many([(card(updated_at=datetime(2026, 1, 1)), {})])  # noqa: DTZ001 - the very mistake
    with books.read() as unit:
        assert unit.cards.count() == 1


def test_many_are_found_by_their_names(tmp_path: Path, opened: Opener) -> None:
    cards = [card(f"card_{number:08d}", created_at=later(number)) for number in range(MANY)]
    books = opened(tmp_path / "books.db")
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.accounts.add(account("acct_00000002"), raw={}, own=(usd(3),))
        unit.cards.add_many((each, {}, None) for each in cards)
        for number in (0, 700, 1200):
            event = transaction(f"txn_{number}", card_id=cards[number].id, impact=usd(-number))
            unit.transactions.upsert(event, programme=PROGRAMME)
        funding = transaction("txn_x", card_id=cards[0].id, impact=usd(5), kind=TransactionKind.FUNDING)
        unit.transactions.upsert(funding, programme=PROGRAMME)
    ids, refs = [each.id for each in cards], [each.ref for each in cards]
    with books.read() as unit:
        assert unit.cards.by_refs(PROGRAMME, [*refs, *refs, "ic_none"]) == dict(zip(refs, cards, strict=True))
        assert unit.cards.by_refs("stripe/other", refs) == unit.cards.by_refs(PROGRAMME, []) == {}
        assert unit.cards.spends(ids) == dict.fromkeys(ids, 0) | {ids[700]: -700, ids[1200]: -1200}
        assert unit.cards.spends([]) == {}
        holders = unit.accounts.by_refs(PROGRAMME, ["ich_acct_00000001", "ich_acct_00000002", "ich_none"])
        assert holders == {
            "ich_acct_00000001": account(),  # without its cards' sum
            "ich_acct_00000002": account("acct_00000002", balances=(usd(3),)),
        }


def _words(number: int) -> dict[str, Any]:
    return {
        "at": later(number),
        "actor": "zoë\ud800",
        "action": "card.sync" if number % 2 else "card.freeze",
        "object": f"card_{number:08d}",
        "before": {"note": "4242 4242 4242 4242"},
        "after": {"at": later(1), "number": "x"},
        "reason": None if number % 3 else "key sk_test_abcdefghij",
        "correlation_id": "cor_1",
    }


def test_the_chain_is_the_same_as_one_by_one(target: str, opened: Opener) -> None:
    books = opened(target)
    with books.write() as unit:
        append(unit)
        for number in range(5):
            unit.audit.append(**_words(number))
        one_by_one, head = list(unit.audit.rows()), unit.audit.head()
        unit.empty()
        append(unit)
        unit.audit.append_many([])
        unit.audit.append_many(_words(number) for number in range(3))
        unit.audit.append_many([_words(3), _words(4)])
        assert list(unit.audit.rows()) == one_by_one
        assert unit.audit.head() == head
        assert unit.audit.verify().ok


def test_who_was_touched_since(books: Books) -> None:
    with books.write() as unit:
        unit.audit.append_many(_words(number) for number in range(MANY))
        names = [_words(number)["object"] for number in range(MANY)]
        assert unit.audit.touched_any([*names, "card_none"], after=600, but="card.sync") == set(names[600::2])
        assert unit.audit.touched_any(names[:3], after=0, but="card.balance") == set(names[:3])
        assert unit.audit.touched_any([], after=0, but="") == set()
        for name in names[:4]:
            touched = unit.audit.touched(name, after=0, but="card.sync")
            assert (name in unit.audit.touched_any(names, after=0, but="card.sync")) is touched
