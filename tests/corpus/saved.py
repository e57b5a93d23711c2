"""A seller's saved cards, payments and refunds on both sides, with every normal life, breaks planted among them, and the truth.

What the seller has that is none of ours (its other cards, what its till takes) is among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cardctl.domain.comparing.sides import Rules
from cardctl.domain.money import Money
from cardctl.domain.operations import Operation, OperationState
from cardctl.domain.payments import Payment, PaymentState, Refund, RefundState, RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import RemoteSavedCard, SavedCard, SavedCardState
from tests.corpus.houses import BEGUN, CUTOFF, NOW
from tests.corpus.pen import DAY, HOUR, MINUTE, Dice, Truth
from tests.db.builders import operation
from tests.db.saved_builders import SELLER, payment, refund, saved_card

RULES = Rules("square", SELLER, NOW, False, False, BEGUN.isoformat()[:19] + ".000000Z", CUTOFF.isoformat()[:19] + ".000000Z")
_S, _P, _R = SavedCardState, PaymentState, RefundState
_CURRENCIES = ("USD",) * 6 + ("EUR", "JPY", "KWD")


@dataclass(slots=True)
class Paid:
    """A payment with its refunds on both sides, None where a side has it not."""

    here: Payment | None
    there: RemotePayment | None
    refunds: list[tuple[Refund | None, RemoteRefund | None]] = field(default_factory=list)


@dataclass(slots=True)
class Kept:
    """A saved card on both sides with its payments; `operations` made those that bear their mark."""

    here: SavedCard | None
    there: RemoteSavedCard | None
    payments: list[Paid] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)

    @property
    def id(self) -> str | None:
        return self.here.id if self.here is not None else None

    def told(self, type_: str, subject: str, *, info: bool = False) -> None:
        self.truth.append(Truth(type_, subject, self.id, info))


@dataclass(frozen=True, slots=True)
class SavedCorpus:
    """So many cards, about so many payments, and each way in which a break comes about planted `times` times."""

    seed: int
    cards: int
    payments: int
    times: int

    def kept(self) -> Iterator[Kept]:
        """Every card of the seller, each finished; the same for the same seed. Each plant grows on a card of its own."""
        dice = Dice(f"saved {self.seed}")
        plants = [plant for plant in PLANTS for _ in range(self.times)]
        for number in range(self.cards):
            grow = plants[number] if number < len(plants) else None
            kept = _card(dice, number, plain=grow is not None)
            for _ in range(round(self.payments / self.cards * 2 * dice.random())):
                kept.payments.append(dice.choice(_LIVES)(dice, kept))
            if grow is not None:
                grow(dice, kept)
            yield kept
        for _ in range(self.cards // 10):
            yield _stranger(dice)


def _card(dice: Dice, number: int, *, plain: bool) -> Kept:
    """Both sides the same; one in ten is no more good, on both."""
    ref, expiry = dice.hex("ccof:", 24), (dice.randint(1, 12), dice.randint(2027, 2031))
    brand, last4 = dice.choice(("visa", "mastercard", "amex")), f"{dice.randrange(10_000):04d}"
    details: dict[str, Any] = {"brand": brand, "last4": last4, "exp_month": expiry[0], "exp_year": expiry[1]}
    here = saved_card(f"buyer{number}@example.com", ref=ref, created_at=NOW - 90 * DAY, updated_at=NOW - 60 * DAY, **details)
    there = RemoteSavedCard(ref, {}, here.customer_ref, True, brand, last4, *expiry, version=7)
    return Kept(here, there) if plain else dice.choice(_CARDS)(here, there)


def _usual(here: SavedCard, there: RemoteSavedCard) -> Kept:
    return Kept(here, there)


def _disabled(here: SavedCard, there: RemoteSavedCard) -> Kept:
    return Kept(replace(here, state=_S.DISABLED), replace(there, enabled=False))


def _gone(here: SavedCard, there: RemoteSavedCard) -> Kept:
    return Kept(replace(here, state=_S.GONE), None)


def _expired(here: SavedCard, there: RemoteSavedCard) -> Kept:
    return Kept(replace(here, state=_S.EXPIRED, exp_year=2025), replace(there, exp_year=2025))


def _called_expired(here: SavedCard, there: RemoteSavedCard) -> Kept:
    """By its bank, though its date is to come."""
    return Kept(replace(here, state=_S.EXPIRED), there)


def _last_month(here: SavedCard, there: RemoteSavedCard) -> Kept:
    return Kept(replace(here, exp_month=6, exp_year=2026), replace(there, exp_month=6, exp_year=2026))


def _taken_back(here: SavedCard, there: RemoteSavedCard) -> Kept:
    return Kept(replace(here, state=_S.GONE), replace(there, enabled=False))


def _nothing_said(here: SavedCard, there: RemoteSavedCard) -> Kept:
    return Kept(here, replace(there, brand=None, last4=None))


_CARDS = (*(_usual,) * 30, _disabled, _gone, _expired, _called_expired, _last_month, _taken_back, _nothing_said)


def _stranger(dice: Dice) -> Kept:
    """A card, and payments, of the seller's own; a hold that is about to lapse, too."""
    ref = dice.hex("ccof:", 24)
    kept = Kept(None, RemoteSavedCard(ref, {}, dice.hex("CUST", 12), True, "visa", "4242", 1, 2030, version=1))
    for _ in range(dice.randint(0, 6)):
        paid = dice.choice(_LIVES)(dice, kept)
        theirs = paid.there
        assert theirs is not None or paid.here is not None
        if theirs is not None:
            theirs = replace(theirs, card_ref=dice.choice((ref, None)), expires_at=theirs.expires_at and NOW + HOUR)
            kept.payments.append(Paid(None, theirs, [(None, there) for _, there in paid.refunds]))
    return kept


def _new(dice: Dice, kept: Kept, state: PaymentState, at: datetime | None = None, **more: Any) -> Paid:
    """A payment that both sides have, about two months old, of ours nearly always."""
    when = at or NOW - 60 * DAY + dice.randint(0, 40) * DAY
    currency, minor = dice.choice(_CURRENCIES), dice.randint(100, 90_000)
    amount, nothing = Money(minor, currency), Money(0, currency)
    tip = Money(dice.choice((0, 0, minor // 10)), currency) if state is _P.COMPLETED else nothing
    captured = amount + tip if state is _P.COMPLETED else nothing
    until = more.pop("until", NOW + 3 * DAY) if state is _P.APPROVED else None
    ref, marked = dice.hex("sqp", 24), dice.chance(80)
    mark = dice.hex("op_", 20) if marked else None
    there = RemotePayment(
        ref, {}, state, amount, tip, captured, nothing, kept.there.ref if kept.there else dice.hex("ccof:", 24),
        "CUST", None, mark, until, when, when, word=str(state).upper(), **more,
    )  # fmt: skip
    if kept.here is None:
        return Paid(None, there)
    here = payment(
        dice.hex("pay_", 20), ref=ref, saved_card_id=kept.here.id, state=state, amount=amount, tip=tip, captured=captured,
        refunded=nothing, expires_at=until, created_at=when, updated_at=when, told_at=when, invoice=None,
    )  # fmt: skip
    return Paid(here, there)


def _given(dice: Dice, paid: Paid, part: int, state: RefundState = _R.COMPLETED, at: datetime | None = None) -> None:
    """A refund of so many percent that both sides have; the books count it from its beginning, Square may not."""
    assert paid.there is not None
    when = at or paid.there.created_at + 2 * DAY
    amount = Money(paid.there.captured.minor * part // 100, paid.there.amount.currency)
    ref = dice.hex("sqr", 24)
    theirs = RemoteRefund(ref, {}, paid.there.ref, state, amount, None, None, when, when)
    ours = None
    if paid.here is not None:
        ours = refund(
            dice.hex("rfd_", 20), ref=ref, payment_id=paid.here.id, state=state, amount=amount, created_at=when, told_at=when
        )
    paid.refunds.append((ours, theirs))
    _count(dice, paid)


def _count(dice: Dice, paid: Paid) -> None:
    """Make what went back on each side what its refunds come to."""
    if paid.here is not None:
        living = [ours.amount.minor for ours, _ in paid.refunds if ours and ours.state not in (_R.REJECTED, _R.FAILED)]
        paid.here = replace(paid.here, refunded=Money(sum(living), paid.here.amount.currency))
    if paid.there is not None:
        counted = {_R.COMPLETED, _R.PENDING} if dice.chance(50) else {_R.COMPLETED}
        through = [theirs.amount.minor for _, theirs in paid.refunds if theirs and theirs.state in counted]
        paid.there = replace(paid.there, refunded=Money(sum(through), paid.there.amount.currency))


Life = Callable[[Dice, Kept], Paid]


def charged(dice: Dice, kept: Kept) -> Paid:
    return _new(dice, kept, _P.COMPLETED)


def held(dice: Dice, kept: Kept) -> Paid:
    return _new(dice, kept, _P.APPROVED, NOW - DAY)


def released(dice: Dice, kept: Kept) -> Paid:
    return _new(dice, kept, _P.CANCELED)


def declined(dice: Dice, kept: Kept) -> Paid:
    """Square lists it; the books have nothing of it, or had it before."""
    return replace(_new(dice, kept, _P.FAILED), here=None)


def released_long_ago(dice: Dice, kept: Kept) -> Paid:
    paid = _new(dice, kept, _P.CANCELED)
    return paid if paid.here is None else replace(paid, there=None)


def refunded_in_part(dice: Dice, kept: Kept) -> Paid:
    paid = charged(dice, kept)
    _given(dice, paid, 20)
    _given(dice, paid, 30)
    return paid


def refunded_whole(dice: Dice, kept: Kept) -> Paid:
    paid = charged(dice, kept)
    _given(dice, paid, 100)
    return paid


def refund_begun(dice: Dice, kept: Kept) -> Paid:
    paid = charged(dice, kept)
    _given(dice, paid, 40, _R.PENDING)
    return paid


def refund_rejected(dice: Dice, kept: Kept) -> Paid:
    paid = charged(dice, kept)
    _given(dice, paid, 40, _R.REJECTED)
    return paid


def paid_with_an_older_card(dice: Dice, kept: Kept) -> Paid:
    """It has another name now."""
    paid = charged(dice, kept)
    assert paid.there is not None
    return replace(paid, there=replace(paid.there, card_ref=dice.hex("ccof:", 24), mark=None))


def just_made(dice: Dice, kept: Kept) -> Paid:
    """Its event is on its way."""
    return replace(_new(dice, kept, _P.COMPLETED, CUTOFF + MINUTE), here=None)


def just_captured(dice: Dice, kept: Kept) -> Paid:
    paid = _new(dice, kept, _P.APPROVED, NOW - DAY)
    assert paid.there is not None
    taken = replace(paid.there, state=_P.COMPLETED, captured=paid.there.amount, updated_at=CUTOFF + MINUTE)
    return replace(paid, there=taken)


def just_refunded(dice: Dice, kept: Kept) -> Paid:
    paid = charged(dice, kept)
    _given(dice, paid, 50, at=CUTOFF + MINUTE)
    paid.refunds = [(None, theirs) for _, theirs in paid.refunds]
    _count(dice, paid)
    return paid


_LIVES: tuple[Life, ...] = (
    *(charged,) * 60, *(held,) * 6, *(released,) * 5, *(declined,) * 4, released_long_ago, *(refunded_in_part,) * 5,
    *(refunded_whole,) * 5, *(refund_begun,) * 2, refund_rejected, paid_with_an_older_card, just_made, just_captured,
    just_refunded,
)  # fmt: skip
Plant = Callable[[Dice, Kept], None]
PLANTS: list[Plant] = []
"""Every way in which a break comes about; saved_plants.py fills it."""


def truth_of(corpus: SavedCorpus) -> Counter[Truth]:
    """What must be found."""
    return Counter(told for kept in corpus.kept() for told in kept.truth)


def marked(dice: Dice, kept: Kept, paid: Paid, state: OperationState = OperationState.DONE) -> Paid:
    """The payment with the mark of an operation of ours, which is in the books."""
    assert kept.here is not None
    assert paid.there is not None
    made = operation(
        dice.hex("op_", 20), kind="saved_card.charge", target=kept.here.id, provider="square", programme=SELLER, state=state
    )
    kept.operations.append(made)
    return replace(paid, there=replace(paid.there, mark=made.id))
