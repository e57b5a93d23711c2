"""A seller's run as a whole: when nothing is concluded, a part of the time, what is gone on with, changed keys, lost events."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cardctl.db.sealed import Ring
from cardctl.db.unit import Books
from cardctl.domain.break_kinds import BreakType
from cardctl.domain.breaks import RunState
from cardctl.domain.saved_cards import SavedCard
from cardctl.errors import BooksLocked, RemoteSuddenlyEmpty, TooMuchDiffers
from tests.db.conftest import keys_of
from tests.services import mail
from tests.services import reconciled as r
from tests.services.selling import Selling
from tests.services.world import usd

T = BreakType
DAY = timedelta(days=1)


@pytest.fixture
def card(selling: Selling) -> SavedCard:
    return selling.save()


def ref_of(card: SavedCard) -> str:
    assert card.ref is not None
    return card.ref


def test_suddenly_empty(selling: Selling, card: SavedCard) -> None:
    paid = selling.charge(card, "20")
    r.behind(selling.world, "UPDATE square_payments SET deleted = 1")
    with pytest.raises(RemoteSuddenlyEmpty):
        r.ran(selling.world)
    assert r.told(r.found(selling.world, force=True)) == [(T.PAYMENT_MISSING_THERE, paid.ref)]


def test_suddenly_without_a_card(selling: Selling, card: SavedCard) -> None:
    r.behind(selling.world, "UPDATE square_cards SET deleted = 1")
    with pytest.raises(RemoteSuddenlyEmpty):
        r.ran(selling.world)
    assert r.told(r.found(selling.world, force=True)) == [(T.SAVED_CARD_GONE, card.id)]


def test_too_much_differs(selling: Selling) -> None:
    cards = [selling.save(f"{n}@example.com") for n in range(12)]
    for each in cards[:9]:
        selling.world.control.edit(ref_of(each), {"enabled": "false"})
    assert len(r.found(selling.world)) == 9
    selling.world.control.edit(ref_of(cards[9]), {"enabled": "false"})
    with pytest.raises(TooMuchDiffers) as stop:
        r.ran(selling.world)
    assert stop.value.exit_code == 6
    assert len(r.found(selling.world, force=True)) == 10


def test_expired_cards_are_no_difference_of_two_sides(selling: Selling) -> None:
    """However many."""
    for n in range(11):
        selling.save(f"{n}@example.com")
    selling.world.control.advance(1_500 * DAY)
    assert len(r.found(selling.world)) == 11


def test_a_part_of_the_time(selling: Selling, card: SavedCard) -> None:
    """A refund of a payment from before is seen all the same; of the payment itself nothing is concluded."""
    paid = selling.charge(card, "20")
    selling.world.control.swipe(ref_of(card), usd("1"))
    selling.world.control.advance(10 * DAY)
    selling.world.control.refund(paid.ref, usd("7.50"))
    since = selling.world.desk.provider.ping().clock
    assert since is not None
    one = r.only(selling.world, since=since - DAY)
    assert (one.type, one.at_risk) == (T.REFUND_MISSING_HERE, usd("7.50"))
    mended_alone = r.mended(selling.world, [one])
    assert mended_alone.fixed == [one.fingerprint]
    assert r.told(r.found(selling.world, since=since - DAY)) == []
    assert [each.type for each in r.found(selling.world)] == [T.PAYMENT_MISSING_HERE]


def test_a_run_that_was_cut_off_is_gone_on_with(selling: Selling, card: SavedCard) -> None:
    selling.charge(card, "5")
    late = r.ran(selling.world, late=lambda: True)
    assert late.run.state is RunState.RUNNING
    assert r.clean(selling.world).run.id == late.run.id


def test_a_run_is_begun_anew_after_a_rotation_of_the_key(selling: Selling, card: SavedCard) -> None:
    """What was read of it goes by names that the books do not have any more."""
    selling.charge(card, "5")
    late = r.ran(selling.world, late=lambda: True)
    assert late.run.state is RunState.RUNNING
    world, keys = selling.world, keys_of("n" * 40, "k" * 40)
    world.books.close()
    world.books = Books(world.books_target, environment="simulator", keys=lambda: keys)
    world.desk = world.desk_with(books=world.books)
    with world.books.write() as unit:
        assert unit.box.reseal() >= 2
    assert r.clean(world).run.id != late.run.id
    with world.books.read() as unit:
        assert unit.runs.named(late.run.id).state is RunState.STOPPED


def test_a_key_that_is_changed_while_a_run_reads(selling: Selling, card: SavedCard) -> None:
    """Both sides are compared under one key: the run ends, nothing is concluded, and the next one begins anew."""
    selling.charge(card, "5")
    world, keys = selling.world, keys_of("n" * 40, "k" * 40)

    def rotated() -> None:
        world.books._ring = Ring(keys, world.books._ring)
        with world.books.write() as unit:
            unit.box.reseal()

    with pytest.raises(BooksLocked):
        r.ran(world, between=rotated)
    r.clean(world)


def test_events_that_never_came(selling: Selling, card: SavedCard) -> None:
    """Where the seller has switched the search of events on, which is off by itself."""
    selling.far.enable_events()
    mail.deliver(selling.world, selling.news())
    first = selling.charge(card, "5")
    mail.deliver(selling.world, selling.news())
    selling.world.control.refund(first.ref, usd("2"))
    assert len(selling.news()) == 3, "of the refund, which never was told of here, and of its payment"
    types = {one.type: one for one in r.found(selling.world)}
    assert sorted(types) == [T.EVENT_GAP, T.REFUND_MISSING_HERE]
    assert types[T.EVENT_GAP].remote == {"events": 1}
    told = str([one.evidence for one in types.values()])
    assert ref_of(card) not in told
    assert str(card.customer_ref) not in told


def test_events_that_cannot_be_searched(selling: Selling, card: SavedCard) -> None:
    """It is said that it was not checked, and the run goes on."""
    mail.deliver(selling.world, selling.news())
    outcome = r.clean(selling.world)
    assert "square/default: events from while square's search of them was not enabled" in outcome.run.not_checked
