"""One authorization decided by the books and the profile's rules; reads the books alone, so that it is quick."""

from __future__ import annotations

from datetime import datetime, timedelta

from cardctl.db.unit import Books, Unit
from cardctl.domain.authorizations import WINDOWS, Asked, Decision, Rules, decide
from cardctl.domain.cards import Card
from cardctl.domain.money import Money


def decide_authorization(books: Books, programme: str, asked: Asked, rules: Rules, now: datetime) -> Decision:
    """The answer by what the books know now."""
    with books.read() as unit:
        card = unit.cards.by_ref(programme, asked.card_ref)
        spent = {} if card is None else {window: _spent(unit, card, window, asked, now) for window in WINDOWS}
    return decide(asked, card, spent, rules)


def _spent(unit: Unit, card: Card, window: str, asked: Asked, now: datetime) -> Money:
    """Held and captured, less refunded, since the window began; only where there is such a limit."""
    if getattr(card.limits, window) is None:
        return Money(0, asked.amount.currency)
    return Money(-unit.transactions.impact_since(card.id, _began(window, now), but=asked.ref), card.currency)


def _began(window: str, now: datetime) -> datetime:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if window == "weekly":
        return day - timedelta(days=(day.weekday() + 1) % 7)
    return day.replace(day=1) if window == "monthly" else day
