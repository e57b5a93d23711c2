"""Daily figures over real books and a bank: what happened, once, on its day; and what is past stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import update

from cardctl.db.columns import moment_to_text
from cardctl.db.tables import CardRow, TransactionRow, table_of
from cardctl.domain.cards import Card
from cardctl.domain.days import Day
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import Transaction, TransactionKind
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.dailies import HISTORY, keep_days
from cardctl.services.deeds.funding import withdraw
from cardctl.services.deeds.pulling import pull_transactions
from tests.services.world import World, usd

ONE = timedelta(days=1)
TODAY = date(2026, 11, 20)
Moved = tuple[int, int, int, int, int, int, int]


def days_of(world: World) -> dict[date, Day]:
    """The days that are kept of US dollars."""
    with world.books.read() as unit:
        return {day.day: day for day in unit.days.rows(date(2000, 1, 1)) if day.currency == "USD"}


def moved(day: Day) -> Moved:
    return (
        day.purchases,
        day.volume.minor,
        day.refunds,
        day.refunded.minor,
        day.declines,
        day.funded.minor,
        day.withdrawn.minor,
    )


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def all_of(world: World, day: date) -> None:
    """Everything in the books happened on that day, whenever the test runs."""
    when = moment_to_text(noon(day))
    with world.books.write() as unit:
        for row, column in ((TransactionRow, "occurred_at"), (CardRow, "created_at")):
            unit.box._connection.execute(update(table_of(row)).values({column: when}))


def put_back(world: World, transaction: Transaction, days: int) -> None:
    """The transaction happened so many days before it did."""
    with world.books.write() as unit:
        unit.transactions.save_many([replace(transaction, occurred_at=transaction.occurred_at - days * ONE)])


def with_a_day(world: World) -> Card:
    """A card with a purchase, a refund, a decline, a funding and a withdrawal, all of TODAY."""
    card = world.a_card("100")
    hold = world.hold(card, 3000)
    world.on(hold, "capture", capture_amount=3000)
    (capture,) = world.captures(hold)
    world.refund(capture, 1000)
    assert not world.merchant.authorise(card.ref, 99_999)["approved"]
    withdraw(world.desk, card, usd("5"))
    pull_transactions(world.desk, card=card)
    all_of(world, TODAY)
    return card


def test_a_day_is_what_happened_on_it(each_world: World) -> None:
    world = each_world
    with_a_day(world)
    assert keep_days(world.books, at(noon(TODAY))) == 1
    (day,) = days_of(world).values()
    assert (day.day, day.programme, day.provider) == (TODAY, "stripe/acct_1", "stripe")
    assert moved(day) == (1, 3000, 1, 1000, 1, 10_000, 500)
    assert (day.active_cards, day.final, day.written_at) == (1, False, noon(TODAY))


def test_to_keep_them_twice_writes_nothing(each_world: World) -> None:
    with_a_day(each_world)
    keep_days(each_world.books, at(noon(TODAY)))
    before = days_of(each_world)
    assert keep_days(each_world.books, at(noon(TODAY) + timedelta(hours=1))) == 0
    assert days_of(each_world) == before


def test_a_late_event_counts_until_its_day_is_final(world: World) -> None:
    card = with_a_day(world)
    keep_days(world.books, at(noon(TODAY)))
    (capture,) = [event for event in world.events(card) if event.kind is TransactionKind.SETTLEMENT]
    assert keep_days(world.books, at(noon(TODAY + ONE))) == 1, "a day without a purchase is a day"
    put_back(world, capture, -1)  # it turns out to be of the day after
    assert keep_days(world.books, at(noon(TODAY + ONE))) == 2
    assert {day: one.volume.minor for day, one in days_of(world).items()} == {TODAY: 0, TODAY + ONE: 3000}
    assert keep_days(world.books, at(noon(TODAY + 3 * ONE))) == 3, "two days more, and the first is final"
    assert [day for day, one in days_of(world).items() if one.final] == [TODAY]
    put_back(world, capture, 0)
    assert keep_days(world.books, at(noon(TODAY + 3 * ONE))) == 1
    assert days_of(world)[TODAY].volume.minor == 0, "the day is final: what is told now comes too late"


def test_days_that_nobody_kept_are_made_up_for(world: World) -> None:
    card = with_a_day(world)
    keep_days(world.books, at(noon(TODAY)))
    (capture,) = [event for event in world.events(card) if event.kind is TransactionKind.SETTLEMENT]
    put_back(world, capture, -10)
    keep_days(world.books, at(noon(TODAY + 40 * ONE)))
    found = days_of(world)
    assert sorted(found) == [TODAY + number * ONE for number in range(41)], "no day is left out"
    assert [day for day, one in found.items() if one.volume.minor] == [TODAY + 10 * ONE]
    assert sorted(day for day, one in found.items() if not one.final) == [TODAY + number * ONE for number in (38, 39, 40)]


def test_the_first_time_looks_back_so_far_and_no_further(world: World) -> None:
    card = with_a_day(world)
    capture, *others = [event for event in world.events(card) if event.kind is not TransactionKind.AUTHORIZATION]
    put_back(world, capture, HISTORY.days)
    put_back(world, others[0], HISTORY.days + 1)
    keep_days(world.books, at(noon(TODAY)))
    found = days_of(world)
    assert min(found) == TODAY - HISTORY
    assert len(found) == HISTORY.days + 1


def test_cards_that_were_active_stay_counted_as_they_were(world: World) -> None:
    card = with_a_day(world)
    other = world.a_card()
    all_of(world, TODAY)
    keep_days(world.books, at(noon(TODAY)))
    assert days_of(world)[TODAY].active_cards == 2
    move_card(world.desk, card, Move.FREEZE)
    move_card(world.desk, other, Move.CLOSE)
    keep_days(world.books, at(noon(TODAY + ONE)))
    assert {day: one.active_cards for day, one in days_of(world).items()} == {TODAY: 2, TODAY + ONE: 0}


def test_a_past_day_of_which_nothing_was_kept_counts_the_cards_that_are_not_closed(world: World) -> None:
    card = with_a_day(world)
    frozen, closed = world.a_card(), world.a_card()
    move_card(world.desk, frozen, Move.FREEZE)
    move_card(world.desk, closed, Move.CLOSE)
    assert world.card(closed).state is CardState.CLOSED
    all_of(world, TODAY)
    put_back(world, world.events(card)[0], 1)
    keep_days(world.books, at(noon(TODAY + ONE)))
    assert {day: one.active_cards for day, one in days_of(world).items()} == {TODAY - ONE: 0, TODAY: 2, TODAY + ONE: 1}


def test_two_currencies_are_two_rows(world: World) -> None:
    card = with_a_day(world)
    with world.books.write() as unit:
        unit.cards.add(replace(card, id="card_eur", ref="ic_eur", currency="EUR", balance=None, allowance=None), raw={})
    assert keep_days(world.books, at(noon(TODAY))) == 2
    with world.books.read() as unit:
        found = {day.currency: day for day in unit.days.rows(TODAY)}
    assert moved(found["EUR"]) == (0, 0, 0, 0, 0, 0, 0)
    assert {currency: day.active_cards for currency, day in found.items()} == {"EUR": 1, "USD": 1}


def test_a_programme_that_comes_later_has_its_own_days(world: World) -> None:
    card = with_a_day(world)
    keep_days(world.books, at(noon(TODAY)))
    keep_days(world.books, at(noon(TODAY + 9 * ONE)))
    elsewhere: dict[str, Any] = {"provider": "marqeta", "programme": "marqeta/default"}
    with world.books.read() as unit:
        holder = unit.accounts.named(card.account_id)
    with world.books.write() as unit:
        account = replace(holder, id="acct_m", ref="m_1", external_id=None, balances=(), **elsewhere)
        unit.accounts.add(account, raw={})
        unit.cards.add(replace(card, id="card_m", ref="m_1", account_id="acct_m", **elsewhere), raw={})
        event = replace(world.events(card)[0], id="txn_m", ref="m_1", card_id="card_m", provider="marqeta")
        unit.transactions.upsert(replace(event, occurred_at=noon(TODAY)), programme="marqeta/default")
    keep_days(world.books, at(noon(TODAY + 9 * ONE)))
    with world.books.read() as unit:
        found = {day.day for day in unit.days.rows(date(2000, 1, 1), "marqeta")}
    assert found == {TODAY + number * ONE for number in range(10)}, "however final the other's days are"


def test_empty_books_have_no_days(world: World) -> None:
    assert keep_days(world.books, at(noon(date(2026, 11, 21)))) == 0
    assert days_of(world) == {}
