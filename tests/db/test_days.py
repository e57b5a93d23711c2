"""Daily figures: added up by the database, per programme, day and currency; what is final stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cardctl.db.days import Born, Sums
from cardctl.db.unit import Books
from cardctl.domain.days import Day, is_final
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionKind, TransactionState
from tests.db.builders import NOW, PROGRAMME, card, transaction, usd, with_card

TODAY = NOW.date()
SETTLED = TransactionState.SETTLED


def day(when: date = TODAY, **fields: Any) -> Day:
    given: dict[str, Any] = {
        "programme": PROGRAMME,
        "day": when,
        "currency": "USD",
        "provider": "stripe",
        "purchases": 1,
        "volume": usd(100),
        "refunds": 2,
        "refunded": usd(200),
        "declines": 3,
        "funded": usd(2**53 - 1),
        "withdrawn": usd(5),
        "active_cards": 7,
        "final": False,
        "written_at": NOW,
    }
    return Day(**given | fields)


def test_a_day_comes_back_as_it_was_put(books: Books) -> None:
    yen: dict[str, Any] = dict.fromkeys(("refunded", "funded", "withdrawn"), Money(0, "JPY"))
    kept = [day(), day(currency="JPY", volume=Money(1, "JPY"), **yen), day(TODAY - timedelta(days=1))]
    with books.write() as unit:
        assert unit.days.put(kept) == 3
    with books.read() as unit:
        found = list(unit.days.rows(TODAY - timedelta(days=9)))
        assert sorted(found, key=repr) == sorted(kept, key=repr)
        assert [each.day for each in found] == [TODAY, TODAY, TODAY - timedelta(days=1)], "newest first"
        assert list(unit.days.rows(TODAY)) == found[:2]
        assert list(unit.days.rows(TODAY, "marqeta")) == []
        assert unit.days.of_programme(PROGRAMME, TODAY) == {(TODAY, "USD"): kept[0], (TODAY, "JPY"): kept[1]}
        assert unit.days.last_final(PROGRAMME) is None


def test_a_final_day_is_never_written_again(books: Books) -> None:
    with books.write() as unit:
        assert unit.days.put([day()]) == 1
        assert unit.days.put([day(final=True, purchases=9)]) == 1
        assert unit.days.put([day(purchases=10)]) == 0
        assert [each.purchases for each in unit.days.rows(TODAY)] == [9]
        assert unit.days.last_final(PROGRAMME) == TODAY
        assert unit.days.last_final("stripe/other") is None


def test_a_day_is_final_once_its_late_word_is_in() -> None:
    when = date(2026, 11, 20)
    assert not is_final(when, datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC))
    assert is_final(when, datetime(2026, 11, 23, tzinfo=UTC))


def test_sums_are_by_day_and_currency_and_of_what_settled(books: Books) -> None:
    kinds = TransactionKind
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    told = [
        (kinds.SETTLEMENT, SETTLED, usd(1250), midnight),
        (kinds.SETTLEMENT, SETTLED, usd(750), midnight + timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999)),
        (kinds.SETTLEMENT, SETTLED, Money(500, "EUR"), midnight),
        (kinds.SETTLEMENT, TransactionState.UNKNOWN, usd(9999), midnight),
        (kinds.AUTHORIZATION, TransactionState.APPROVED, usd(8888), midnight),
        (kinds.REFUND, SETTLED, usd(50), midnight),
        (kinds.DECLINE, TransactionState.DECLINED, usd(7777), midnight),
        (kinds.FUNDING, SETTLED, usd(10_000), midnight),
        (kinds.FUNDING, TransactionState.PENDING, usd(6666), midnight),
        (kinds.WITHDRAWAL, SETTLED, usd(30), midnight),
        (kinds.SETTLEMENT, SETTLED, usd(1), midnight - timedelta(microseconds=1)),
        (kinds.SETTLEMENT, SETTLED, usd(2), midnight + timedelta(days=1)),
    ]
    with_card(books)
    with books.write() as unit:
        for number, (kind, state, amount, at) in enumerate(told):
            one = transaction(f"txn_{number}", kind=kind, state=state, amount=amount, impact=amount, occurred_at=at)
            unit.transactions.upsert(one, programme=PROGRAMME)
    with books.read() as unit:
        assert unit.days.sums(PROGRAMME, TODAY, TODAY + timedelta(days=1)) == {
            (TODAY, "USD"): Sums(2, 2000, 1, 50, 1, 10_000, 30),
            (TODAY, "EUR"): Sums(1, 500, 0, 0, 0, 0, 0),
        }
        assert sum(each.purchases for each in unit.days.sums(PROGRAMME, date(2020, 1, 1), date(2030, 1, 1)).values()) == 5
        assert unit.days.sums("stripe/other", date(2020, 1, 1), date(2030, 1, 1)) == {}
        assert unit.days.first_day(PROGRAMME, date(2020, 1, 1)) == date(2026, 11, 20)
        assert unit.days.first_day(PROGRAMME, date(2026, 11, 23)) is None


def test_cards_are_counted_by_the_day_on_which_they_were_made(books: Books) -> None:
    states = [CardState.ACTIVE, CardState.ACTIVE, CardState.FROZEN, CardState.CLOSED, CardState.FAILED]
    cards = [card(f"card_{number}", state=state) for number, state in enumerate(states)]
    older = replace(card("card_9", currency="EUR"), created_at=NOW - timedelta(days=3))
    with_card(books, *cards, older)
    with books.read() as unit:
        assert unit.days.cards() == [
            Born(PROGRAMME, "stripe", "EUR", TODAY - timedelta(days=3), 1, 1),
            Born(PROGRAMME, "stripe", "USD", TODAY, 3, 2),
        ]
