"""Names and lists on both databases: what answers to a name, filters, order, limits, sums."""

from __future__ import annotations

from dataclasses import replace

from cardctl.db.accounts import AccountFilter
from cardctl.db.cards import CardFilter
from cardctl.db.transactions import TransactionFilter
from cardctl.db.unit import Books
from cardctl.domain.accounts import AccountState
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState
from tests.db.builders import PROGRAMME, account, card, later, transaction, usd, with_card


def test_names_of_a_card(books: Books) -> None:
    one, two = card("card_abcdef01"), card("card_abcdef02", ref="card_abcd")
    other = card("card_abcdef03", ref="card_abcd", programme="marqeta/x", provider="marqeta")
    with_card(books, one, two, other)
    with books.read() as unit:
        assert unit.cards.find("card_abcdef01") == [one]
        assert unit.cards.find("card_abcd") == [two, other]  # a ref wins over a prefix
        assert unit.cards.find("card_abcd", programme="marqeta/x") == [other]
        assert unit.cards.find("card_abcde") == [one, two, other]
        assert unit.cards.find("card_abcde", programme=PROGRAMME) == [one, two]
        assert unit.cards.find("card_abcde", prefix=False) == []
        assert unit.cards.find("card_ab") == []  # too short for a prefix
        assert unit.cards.find("card_abc%") == unit.cards.find("card_____") == []
        assert unit.cards.find("\udcff\udcfe\udcff\udcfe\udcff\udcfe\udcff\udcfe") == []
        assert unit.cards.by_last4("4242") == [other, two, one]


def test_names_match_three_at_most(books: Books) -> None:
    with_card(books, *(card(f"card_abcdef0{number}") for number in range(5)))
    with books.read() as unit:
        assert len(unit.cards.find("card_abcdef")) == 3


def test_an_account_is_found_by_its_names(books: Books) -> None:
    ada = account(external_id="emp-0042")
    nobody = account("acct_00000002", ref=None, email=None, compliance_flags=(), state=AccountState.PENDING)
    with books.write() as unit:
        unit.accounts.add(ada, raw={"id": "ich_1"})
        unit.accounts.add(nobody, raw={})
    with books.read() as unit:
        assert unit.accounts.get(ada.id) == ada
        assert unit.accounts.get(nobody.id) == nobody
        assert unit.accounts.by_ref(PROGRAMME, str(ada.ref)) == ada
        assert unit.accounts.by_external_id(PROGRAMME, "emp-0042") == ada
        assert unit.accounts.find("emp-0042") == unit.accounts.find(str(ada.ref)) == unit.accounts.find(ada.id) == [ada]
        assert unit.accounts.find("acct_000") == [ada, nobody]
        assert unit.accounts.raw(ada.id) == {"id": "ich_1"}
        assert list(unit.accounts.rows(AccountFilter(state=AccountState.PENDING))) == [nobody]
    changed = replace(nobody, ref="ich_2", external_id="emp-1", name="Bob", state=AccountState.CLOSED, updated_at=later(1))
    with books.write() as unit:
        unit.accounts.save(changed, raw={"b": 2})
        assert unit.accounts.get(changed.id) == changed
        assert unit.accounts.raw(changed.id) == {"b": 2}


def test_an_accounts_balances_are_the_sum_of_its_living_cards(books: Books) -> None:
    with_card(
        books,
        card("card_00000001", balance=usd(100)),
        card("card_00000002", balance=usd(-30)),
        card("card_00000003", balance=usd(1000), state=CardState.CLOSED),
        card("card_00000004", balance=usd(1000), state=CardState.FAILED),
        card("card_00000005", balance=None),
        card("card_00000006", balance=Money(7, "EUR"), state=CardState.FROZEN),
        card("card_00000007", balance=Money(MAX_MINOR, "EUR")),
    )
    with books.write() as unit:
        unit.accounts.add(account("acct_00000002"), raw={})
        unit.accounts.save(replace(account(), balances=(usd(5),)))  # what is given is not kept
    with books.read() as unit:
        wanted = (Money(MAX_MINOR + 7, "EUR"), usd(70))
        assert {each.id: each.balances for each in unit.accounts.rows()} == {"acct_00000001": wanted, "acct_00000002": ()}
        assert unit.accounts.named("acct_00000001").balances == wanted
        assert unit.accounts.named("acct_00000001").balance is None


def test_lists_of_cards_are_filtered_cut_and_newest_first(books: Books) -> None:
    cards = [card(f"card_0000000{number}", created_at=later(number)) for number in range(5)]
    cards[1] = replace(cards[1], state=CardState.FROZEN)
    cards[2] = replace(cards[2], provider="marqeta", programme="marqeta/x")
    with_card(books, *cards)
    newest = cards[::-1]
    with books.read() as unit:
        assert list(unit.cards.rows()) == newest
        assert list(unit.cards.rows(CardFilter(limit=2))) == newest[:2]
        assert list(unit.cards.rows(CardFilter(since=later(1), until=later(3)))) == [cards[2], cards[1]]
        assert list(unit.cards.rows(CardFilter(state=CardState.FROZEN))) == [cards[1]]
        assert list(unit.cards.rows(CardFilter(provider="marqeta"))) == [cards[2]]
        assert list(unit.cards.rows(CardFilter(programme="marqeta/x", account_id="acct_00000001"))) == [cards[2]]
        assert list(unit.cards.rows(CardFilter(account_id="acct_none"))) == []
        assert unit.cards.count() == 5
        assert unit.cards.count(CardFilter(provider="stripe")) == 4


def test_lists_of_transactions(books: Books) -> None:
    with_card(books, card(), card("card_00000002"))
    parent = transaction(occurred_at=later(1))
    child = transaction(
        "txn_00000002",
        kind=TransactionKind.SETTLEMENT,
        state=TransactionState.SETTLED,
        parent_id=parent.id,
        occurred_at=later(2),
    )
    other = transaction("txn_00000003", card_id="card_00000002", occurred_at=later(3))
    with books.write() as unit:
        for each in (parent, child, other):
            unit.transactions.upsert(each, programme=PROGRAMME)
    with books.read() as unit:
        rows = unit.transactions.rows
        assert list(rows()) == [other, child, parent]
        assert list(rows(TransactionFilter(card_id="card_00000001"))) == [child, parent]
        assert list(rows(TransactionFilter(account_id="acct_00000001", limit=1))) == [other]
        assert list(rows(TransactionFilter(account_id="acct_none"))) == []
        assert list(rows(TransactionFilter(kind=TransactionKind.SETTLEMENT))) == [child]
        assert list(rows(TransactionFilter(state=TransactionState.PENDING, provider="stripe"))) == [other, parent]
        assert list(rows(TransactionFilter(since=later(2), until=later(3), programme=PROGRAMME))) == [child]
        assert unit.transactions.find("txn_0000") == [parent, child, other]
        assert unit.transactions.find(child.ref) == [child]
        assert unit.transactions.oldest_open_at(PROGRAMME, None) == later(1)
        assert unit.transactions.oldest_open_at(PROGRAMME, "card_00000002") == later(3)
