"""Breaks of saved cards, payments and refunds, and what looks like one and is told elsewhere."""

from __future__ import annotations

from dataclasses import replace

from cardctl.domain.money import Money
from cardctl.domain.operations import OperationState
from cardctl.domain.payments import PaymentState, RefundState, RemotePayment
from cardctl.domain.saved_cards import RemoteSavedCard, SavedCard, SavedCardState
from tests.corpus import saved
from tests.corpus.houses import NOW
from tests.corpus.pen import DAY, HOUR, Dice
from tests.corpus.saved import PLANTS, Kept, Paid, Plant

_S, _P, _R = SavedCardState, PaymentState, RefundState


def plant(grow: Plant) -> Plant:
    PLANTS.append(grow)
    return grow


def both(kept: Kept) -> tuple[SavedCard, RemoteSavedCard]:
    assert kept.here is not None
    assert kept.there is not None
    return kept.here, kept.there


def theirs(paid: Paid) -> RemotePayment:
    assert paid.there is not None
    return paid.there


def more(money: Money, minor: int) -> Money:
    return Money(money.minor + minor, money.currency)


@plant
def card_gone(dice: Dice, kept: Kept) -> None:
    """What it has paid is there still."""
    kept.there = None
    kept.told("saved_card_gone", both_id(kept))


@plant
def expired_card_gone(dice: Dice, kept: Kept) -> None:
    assert kept.here is not None
    kept.here, kept.there = replace(kept.here, state=_S.EXPIRED), None
    kept.told("saved_card_gone", both_id(kept))


@plant
def card_disabled(dice: Dice, kept: Kept) -> None:
    _, there = both(kept)
    kept.there = dice.choice((replace(there, enabled=False), replace(there, closed=True), replace(there, forgotten=True)))
    kept.told("saved_card_disabled", both_id(kept))


@plant
def card_enabled(dice: Dice, kept: Kept) -> None:
    here, _ = both(kept)
    kept.here = replace(here, state=dice.choice((_S.DISABLED, _S.GONE)))
    kept.told("saved_card_enabled", both_id(kept))


@plant
def card_expired(dice: Dice, kept: Kept) -> None:
    here, there = both(kept)
    kept.here, kept.there = replace(here, exp_month=5, exp_year=2026), replace(there, exp_month=5, exp_year=2026)
    kept.told("saved_card_expired", both_id(kept))


@plant
def card_renewed(dice: Dice, kept: Kept) -> None:
    _, there = both(kept)
    kept.there = dice.choice((replace(there, exp_year=2034), replace(there, last4="none", brand="discover")))
    kept.told("saved_card_renewed", both_id(kept))


@plant
def expired_card_renewed(dice: Dice, kept: Kept) -> None:
    here, there = both(kept)
    kept.here, kept.there = replace(here, state=_S.EXPIRED, exp_year=2025), replace(there, exp_year=2029)
    kept.told("saved_card_renewed", both_id(kept))


@plant
def charge_made_elsewhere(dice: Dice, kept: Kept) -> None:
    paid = replace(saved.charged(dice, kept), here=None)
    kept.payments.append(paid)
    kept.told("payment_missing_here", theirs(paid).ref)


@plant
def charge_made_elsewhere_and_refunded(dice: Dice, kept: Kept) -> None:
    """One break."""
    paid = saved.refunded_in_part(dice, kept)
    kept.payments.append(Paid(None, paid.there, [(None, there) for _, there in paid.refunds]))
    kept.told("payment_missing_here", theirs(paid).ref)


@plant
def charge_of_ours_with_a_card_of_before(dice: Dice, kept: Kept) -> None:
    """Its mark tells."""
    paid = saved.marked(dice, kept, replace(saved.charged(dice, kept), here=None))
    kept.payments.append(replace(paid, there=replace(theirs(paid), card_ref=dice.hex("ccof:", 24))))
    kept.told("payment_missing_here", theirs(paid).ref)


@plant
def charge_in_doubt(dice: Dice, kept: Kept) -> None:
    """`operation_in_doubt` tells of it, and resuming settles it."""
    paid = replace(saved.charged(dice, kept), here=None)
    kept.payments.append(saved.marked(dice, kept, paid, OperationState.IN_DOUBT))


@plant
def payment_missing_there(dice: Dice, kept: Kept) -> None:
    """With its refunds: one break."""
    paid = dice.choice((saved.charged, saved.held, saved.refunded_in_part))(dice, kept)
    kept.payments.append(Paid(paid.here, None, [(ours, None) for ours, _ in paid.refunds]))
    kept.told("payment_missing_there", theirs(paid).ref)


@plant
def captured_elsewhere(dice: Dice, kept: Kept) -> None:
    """In part, or with a tip."""
    paid = saved.held(dice, kept)
    was = theirs(paid)
    amount = more(was.amount, dice.choice((0, -30)))
    tip = Money(dice.choice((0, 77)), amount.currency)
    taken = replace(was, state=_P.COMPLETED, amount=amount, tip=tip, captured=amount + tip, expires_at=None)
    kept.payments.append(replace(paid, there=taken))
    kept.told("payment_state", was.ref)


@plant
def released_elsewhere(dice: Dice, kept: Kept) -> None:
    """Though it was about to lapse here: told once."""
    paid = saved._new(dice, kept, _P.APPROVED, NOW - DAY, until=NOW + HOUR)
    kept.payments.append(replace(paid, there=replace(theirs(paid), state=_P.CANCELED, expires_at=None)))
    kept.told("payment_state", theirs(paid).ref)


@plant
def amount_changed_elsewhere(dice: Dice, kept: Kept) -> None:
    paid = saved.held(dice, kept)
    kept.payments.append(replace(paid, there=replace(theirs(paid), amount=more(theirs(paid).amount, -10))))
    kept.told("payment_amount", theirs(paid).ref)


@plant
def tip_added_elsewhere(dice: Dice, kept: Kept) -> None:
    paid = saved.charged(dice, kept)
    was = theirs(paid)
    kept.payments.append(replace(paid, there=replace(was, tip=more(was.tip, 150), captured=more(was.captured, 150))))
    kept.told("payment_amount", was.ref)


@plant
def refunded_and_no_refund_tells(dice: Dice, kept: Kept) -> None:
    paid = saved.charged(dice, kept)
    kept.payments.append(replace(paid, there=replace(theirs(paid), refunded=more(theirs(paid).refunded, 33))))
    kept.told("payment_amount", theirs(paid).ref)


@plant
def payment_of_an_unknown_word(dice: Dice, kept: Kept) -> None:
    paid = saved.held(dice, kept)
    kept.payments.append(replace(paid, there=replace(theirs(paid), state=_P.UNKNOWN, word="ODD")))
    kept.told("unknown_word", theirs(paid).ref)


@plant
def hold_lapsing(dice: Dice, kept: Kept) -> None:
    until = NOW + dice.choice((-1, 1, 23, 24)) * HOUR
    paid = saved._new(dice, kept, _P.APPROVED, NOW - 6 * DAY, until=until)
    kept.payments.append(paid)
    kept.told("hold_lapsing", theirs(paid).ref)


@plant
def hold_captured_by_itself_soon(dice: Dice, kept: Kept) -> None:
    paid = saved._new(dice, kept, _P.APPROVED, NOW - 6 * DAY, until=NOW + HOUR, then_capture=True)
    kept.payments.append(paid)
    kept.told("hold_lapsing", theirs(paid).ref, info=True)


@plant
def refunded_elsewhere(dice: Dice, kept: Kept) -> None:
    """Beside another one that both have."""
    paid = saved.charged(dice, kept)
    saved._given(dice, paid, 10)
    saved._given(dice, paid, 20, dice.choice((_R.COMPLETED, _R.PENDING)))
    (_, there) = paid.refunds[-1]
    assert there is not None
    paid.refunds[-1] = (None, there)
    saved._count(dice, paid)
    kept.payments.append(paid)
    kept.told("refund_missing_here", there.ref)


@plant
def refund_that_the_provider_has_not(dice: Dice, kept: Kept) -> None:
    paid = saved.refunded_in_part(dice, kept)
    ours, _ = paid.refunds[0]
    assert ours is not None
    paid.refunds[0] = (ours, None)
    saved._count(dice, paid)
    kept.payments.append(paid)
    kept.told("refund_missing_there", ours.ref)


@plant
def refund_through(dice: Dice, kept: Kept) -> None:
    """Or not: whichever of the two a payment counts."""
    paid = saved.refund_begun(dice, kept)
    ours, there = paid.refunds[0]
    assert there is not None
    paid.refunds[0] = (ours, replace(there, state=dice.choice((_R.COMPLETED, _R.REJECTED, _R.FAILED))))
    saved._count(dice, paid)
    kept.payments.append(paid)
    kept.told("refund_state", there.ref)


@plant
def refund_of_another_amount(dice: Dice, kept: Kept) -> None:
    paid = saved.refunded_in_part(dice, kept)
    ours, there = paid.refunds[0]
    assert there is not None
    paid.refunds[0] = (ours, replace(there, amount=more(there.amount, 1)))
    saved._count(dice, paid)
    kept.payments.append(paid)
    kept.told("refund_amount", there.ref)


@plant
def refund_of_an_unknown_word(dice: Dice, kept: Kept) -> None:
    paid = saved.refund_begun(dice, kept)
    ours, there = paid.refunds[0]
    assert there is not None
    paid.refunds[0] = (ours, replace(there, state=_R.UNKNOWN, word="ODD"))
    kept.payments.append(paid)
    kept.told("unknown_word", there.ref)


@plant
def two_at_once(dice: Dice, kept: Kept) -> None:
    """A card that was renewed, a charge that is not here, a refund that is not here."""
    card_renewed(dice, kept)
    charge_made_elsewhere(dice, kept)
    refunded_elsewhere(dice, kept)


def both_id(kept: Kept) -> str:
    assert kept.here is not None
    return kept.here.id
