"""Which life a card lives, by chance: how often each is met, and what a freeze changes."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.corpus import lives, shops
from tests.corpus.lives import EARLIEST, LATEST, Life
from tests.corpus.pen import DAY, Pen, Truth

_LINKED: tuple[tuple[Life, int], ...] = (
    (lives.captured, 560),
    (lives.captured_in_part, 30),
    (lives.captured_in_parts, 25),
    (lives.half_captured, 8),
    (lives.tipped, 60),
    (lives.fuelled, 40),
    (lives.captured_late, 30),
    (lives.held_now, 35),
    (lives.declined, 60),
    (lives.declined_and_tried_again, 10),
    (lives.reversed_, 20),
    (lives.expired, 15),
    (lives.expired_and_captured, 4),
    (lives.zero_and_set_again, 4),
    (lives.zero_and_captured, 2),
    (lives.raised, 10),
    (lives.refunded, 30),
    (lives.forced, 5),
    (lives.twice_the_same, 10),
    (lives.fee, 12),
    (lives.charged_back, 2),
    (lives.funded, 20),
    (lives.just_now, 4),
    (lives.known_sooner, 2),
    (lives.void_here, 1),
)
_PLAIN: tuple[tuple[Life, int], ...] = (
    (lives.paid_at_once, 700),
    (lives.held_now, 30),
    (lives.declined, 60),
    (lives.refunded, 40),
    (lives.twice_the_same, 10),
    (lives.fee, 60),
    (lives.charged_back, 3),
    (lives.funded, 90),
    (lives.just_now, 4),
    (lives.void_here, 1),
)
LIVES = {True: tuple(zip(*_LINKED, strict=True)), False: tuple(zip(*_PLAIN, strict=True))}
"""Lives and their weights, by whether a house links its captures."""


def live(pen: Pen) -> list[Truth]:
    """One life by chance. On a card that was frozen since: it was before, and is over; but for a capture now and then."""
    known, weights = LIVES[pen.house.links]
    at = EARLIEST + pen.dice.between(timedelta(0), LATEST - EARLIEST)
    [life] = pen.dice.choices(known, weights)
    if pen.holding.frozen_at is None:
        return list(life(pen, at))
    if life in _OPEN:
        life = lives.captured if pen.house.links else lives.paid_at_once
    told: list[Truth] = life(pen, at)
    if pen.dice.chance(20):
        told += after_freeze(pen)
    return told


def after_freeze(pen: Pen) -> list[Truth]:
    """Held before the freeze, captured after it."""
    assert pen.holding.frozen_at is not None
    frozen, amount, shop = datetime.fromisoformat(pen.holding.frozen_at), pen.amount(), shops.usual(pen.dice)
    hold = pen.ended(amount, frozen - DAY, shop)
    capture = pen.capture(hold if pen.house.links else None, amount, frozen + DAY, shop)
    pen.both(*([hold] if pen.house.links else []), capture)
    return [pen.told("capture_after_freeze", capture.ref, info=True)]


_OPEN = frozenset({lives.half_captured, lives.held_now, lives.just_now, lives.known_sooner})
