"""Mending breaks of saved cards, payments and refunds: the provider's word is read again, one by one, and taken in."""

from __future__ import annotations

from collections.abc import Iterable

from cardctl.domain.breaks import Break, BreakType
from cardctl.domain.payments import Payment
from cardctl.domain.saved_cards import USABLE, SavedCard, SavedCardState
from cardctl.errors import StateForbids
from cardctl.services.deeds.bringing import bring_payment
from cardctl.services.deeds.charging import mark_expired
from cardctl.services.deeds.refreshing import sync_saved
from cardctl.services.desk import Desk

_T = BreakType
CARDS = frozenset(
    {_T.SAVED_CARD_GONE, _T.SAVED_CARD_DISABLED, _T.SAVED_CARD_ENABLED, _T.SAVED_CARD_EXPIRED, _T.SAVED_CARD_RENEWED}
)
"""Types that are about a saved card, by our name for it."""
_OF_PAYMENT = frozenset(
    {_T.PAYMENT_MISSING_HERE, _T.PAYMENT_MISSING_THERE, _T.PAYMENT_STATE, _T.PAYMENT_AMOUNT, _T.HOLD_LAPSING}
)
_OF_REFUND = frozenset({_T.REFUND_MISSING_HERE, _T.REFUND_MISSING_THERE, _T.REFUND_STATE, _T.REFUND_AMOUNT})
PAYMENTS = _OF_PAYMENT | _OF_REFUND
"""Types that are about a payment or a refund, by the provider's name for it."""


def payment_of(one: Break) -> str:
    """The provider's name of the payment that a break is about, or whose refund is."""
    return one.evidence["objects"][1] if one.type in _OF_REFUND else one.subject


def mend_card(desk: Desk, card_id: str, group: Iterable[Break]) -> frozenset[BreakType]:
    """What of it is left: a card that is not listed, and answers all the same when it is read by itself, is for a person."""
    types = {one.type for one in group}
    card = sync_saved(desk, _card(desk, card_id))
    if _T.SAVED_CARD_EXPIRED in types and card.state is SavedCardState.ACTIVE and _is_over(desk, card):
        card = mark_expired(desk, card)
    return frozenset({_T.SAVED_CARD_GONE}) if card.state in USABLE else frozenset()


def mend_payment(desk: Desk, ref: str, group: Iterable[Break]) -> frozenset[BreakType]:
    """Nothing is left of it. StateForbids where it has ended here otherwise than there: no word takes it out of that."""
    refunds = [name for one in group for name in _refunds_of(one)]
    payment = bring_payment(desk, ref, dict.fromkeys(refunds))
    _check(payment, [one for one in group if one.type is _T.PAYMENT_STATE])
    return frozenset()


def _refunds_of(one: Break) -> list[str]:
    return [one.subject] if one.type in _OF_REFUND else one.evidence["objects"][1:]


def _check(payment: Payment, group: Iterable[Break]) -> None:
    for one in group:
        if one.local.get("state") == str(payment.state) != one.remote.get("state"):
            hint = "look the payment up at the provider: two of its words cannot both be true"
            raise StateForbids(f"{payment.id} has ended here as {payment.state}, which no later word changes", hint=hint)


def _card(desk: Desk, card_id: str) -> SavedCard:
    with desk.books.read() as unit:
        return unit.saved_cards.named(card_id)


def _is_over(desk: Desk, card: SavedCard) -> bool:
    """By the provider's own clock, by which it was found."""
    return card.expired_at(desk.provider.ping().clock or desk.clock())
