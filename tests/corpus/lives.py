"""Normal lives of a purchase, in realistic proportion: each writes what both sides then have, and gives what is told of it.

Nothing here is a break. A forced capture and one on a frozen card are told as information.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cardctl.domain.comparing.sides import MoneySide
from cardctl.domain.comparing.trades import most_captured, trade_of
from tests.corpus import shops
from tests.corpus.houses import CUTOFF, NOW
from tests.corpus.pen import DAY, HOUR, MINUTE, SECOND, Pen, Shop, Truth

Life = Callable[[Pen, datetime], list[Truth]]
"""Writes one purchase that is made at a time; all of it is over long before CUTOFF if that is sixty days before."""
_RECENT = CUTOFF + 11 * MINUTE
EARLIEST, LATEST = NOW - timedelta(days=120), NOW - timedelta(days=60)


def captured(pen: Pen, at: datetime) -> list[Truth]:
    """Held, and captured a day or so later."""
    amount, shop = pen.amount(), shops.usual(pen.dice)
    hold = pen.ended(amount, at, shop)
    pen.both(hold, pen.capture(hold, amount, at + pen.dice.between(HOUR, 3 * DAY), shop))
    return []


def captured_in_part(pen: Pen, at: datetime) -> list[Truth]:
    amount, shop = pen.amount(), shops.usual(pen.dice)
    hold = pen.ended(amount, at, shop)
    pen.both(hold, pen.capture(hold, amount - pen.dice.randint(1, 250), at + 2 * DAY, shop))
    return []


def captured_in_parts(pen: Pen, at: datetime) -> list[Truth]:
    """Each parcel as it is sent."""
    amount, shop = pen.amount(), shops.usual(pen.dice)
    hold = pen.ended(amount, at, shop)
    first = amount // pen.dice.randint(2, 5)
    pen.both(hold, pen.capture(hold, first, at + DAY, shop), pen.capture(hold, amount - first, at + 4 * DAY, shop))
    return []


def half_captured(pen: Pen, _at: datetime) -> list[Truth]:
    """A part was captured, and the rest still stands within its time."""
    at, amount, shop = NOW - pen.dice.between(2 * DAY, 6 * DAY), pen.amount(), shops.usual(pen.dice)
    hold = pen.held(amount, at, shop, held=amount - amount // 3)
    pen.both(hold, pen.capture(hold, amount // 3, at + DAY, shop))
    return []


def tipped(pen: Pen, at: datetime) -> list[Truth]:
    """A tip on top, up to all that is usual."""
    amount, shop = pen.amount(), shops.usual(pen.dice, shops.TIPPED)
    hold = pen.ended(amount, at, shop)
    most = most_captured(amount, shop.mcc)
    pen.both(hold, pen.capture(hold, pen.dice.choice((most, pen.dice.randint(amount, most))), at + DAY, shop))
    return []


def fuelled(pen: Pen, at: datetime) -> list[Truth]:
    """A pump asks for one unit, and takes a tank."""
    shop = shops.usual(pen.dice, shops.FUEL)
    hold = pen.ended(100, at, shop)
    pen.both(hold, pen.capture(hold, pen.dice.choice((500_00, pen.dice.randint(20_00, 120_00))), at + HOUR, shop))
    return []


def captured_late(pen: Pen, at: datetime) -> list[Truth]:
    """Where people travel: weeks later, and with the minibar."""
    amount, shop = pen.amount(), shops.usual(pen.dice, shops.TRAVEL)
    hold = pen.ended(amount, at, shop)
    pen.both(hold, pen.capture(hold, most_captured(amount, shop.mcc), at + pen.dice.between(8 * DAY, 31 * DAY), shop))
    return []


def held_now(pen: Pen, _at: datetime) -> list[Truth]:
    """Still held, within the time of its trade, sometimes to its last second."""
    shop = shops.usual(pen.dice, pen.dice.choice((shops.COMMON, shops.TRAVEL, shops.TRANSIT)))
    window = trade_of(shop.mcc).window if pen.house.links else trade_of(None).window
    age = window if pen.dice.chance(20) else pen.dice.between(2 * HOUR, window)
    pen.both(pen.held(pen.amount(), NOW - age, shop))
    return []


def declined(pen: Pen, at: datetime) -> list[Truth]:
    pen.both(pen.decline(pen.amount(), at, shops.usual(pen.dice)))
    return []


def declined_and_tried_again(pen: Pen, at: datetime) -> list[Truth]:
    amount, shop = pen.amount(), shops.usual(pen.dice)
    hold = pen.ended(amount, at + MINUTE, shop)
    pen.both(pen.decline(amount, at, shop), hold, pen.capture(hold, amount, at + DAY, shop))
    return []


def reversed_(pen: Pen, at: datetime) -> list[Truth]:
    """Given up by the merchant."""
    _release(pen, at, "reversed", pen.amount())
    return []


def expired(pen: Pen, at: datetime) -> list[Truth]:
    """Never captured, and let go in the end."""
    _release(pen, at, "expired", pen.amount())
    return []


def expired_and_captured(pen: Pen, at: datetime) -> list[Truth]:
    """The hold was let go before the capture came: it may come all the same."""
    amount, shop = pen.amount(), shops.usual(pen.dice)
    hold = pen.ended(amount, at, shop, "settled" if pen.house.messages else "expired")
    pen.both(hold, pen.capture(hold, amount, at + 9 * DAY, shop))
    return []


def zero_and_set_again(pen: Pen, at: datetime) -> list[Truth]:
    """A hold that a merchant takes to nothing, and sets again."""
    amount, shop = pen.amount(), shops.usual(pen.dice)
    hold = pen.ended(amount, at, shop)
    pen.both(hold)
    if pen.house.messages:
        pen.both(pen.row("reversal", "reversed", amount, 0, at + HOUR, shop, parent=hold.ref))
        again = pen.ended(amount, at + 2 * HOUR, shop)._replace(parent_ref=hold.ref)
        pen.both(again)
    pen.both(pen.capture(hold, amount, at + DAY, shop))
    return []


def zero_and_captured(pen: Pen, at: datetime) -> list[Truth]:
    """A hold that was set to zero, of which nobody tells any more what was asked; and captured after that."""
    shop = shops.usual(pen.dice)
    hold = pen.ended(0, at, shop, "reversed")
    pen.both(hold, pen.capture(hold, pen.amount(), at + DAY, shop))
    return []


def raised(pen: Pen, at: datetime) -> list[Truth]:
    """A hold that grew, day by day of a stay, and was captured as a whole."""
    amount, shop = pen.amount(), shops.usual(pen.dice, shops.TRAVEL)
    if not pen.house.messages:
        hold = pen.ended(3 * amount, at, shop)
        pen.both(hold, pen.capture(hold, 3 * amount, at + 5 * DAY, shop))
        return []
    hold = pen.ended(amount, at, shop)
    more = [pen.ended(amount, at + n * DAY, shop)._replace(parent_ref=hold.ref) for n in (1, 2)]
    pen.both(hold, *more, pen.capture(pen.dice.choice((hold, more[-1])), 3 * amount, at + 5 * DAY, shop))
    return []


def refunded(pen: Pen, at: datetime) -> list[Truth]:
    """All of it, a part, or in two parts; with its link (under any name then), without, or with a smaller purchase's."""
    shop, hold, paid = _bought(pen, at, pen.amount())
    links: list[str | None] = [None]
    if pen.house.links:
        _, other, _ = _bought(pen, at + MINUTE, max(1, paid // 4))
        links += [hold.ref, hold.ref, other.ref]
    link, part = pen.dice.choice(links), pen.dice.choice((paid, max(1, paid // 3)))
    named = Shop(f"RFND*{shop.name}", shop.mcc) if link == hold.ref and pen.dice.chance(30) else shop
    pen.both(pen.refund(part, at + 10 * DAY, named, link))
    if part < paid and pen.dice.chance(50):
        pen.both(pen.refund(paid - part, at + 12 * DAY, shop, pen.dice.choice(links)))
    return []


def forced(pen: Pen, at: datetime) -> list[Truth]:
    """A capture for which nobody asked: on a train, in a plane. Where captures are linked, it is told."""
    row = pen.capture(None, pen.amount(), at, shops.usual(pen.dice, shops.TRANSIT))
    pen.both(row)
    return [pen.told("capture_without_authorization", row.ref, info=True)] if pen.house.links else []


def twice_the_same(pen: Pen, at: datetime) -> list[Truth]:
    """Two coffees at one counter, a second apart."""
    amount, shop = pen.dice.randint(250, 600), shops.usual(pen.dice, shops.TIPPED)
    for start in (at, at + SECOND):
        hold = pen.ended(amount, start, shop)
        pen.both(*([hold] if pen.house.links else []), pen.capture(hold if pen.house.links else None, amount, start, shop))
    return []


def paid_at_once(pen: Pen, at: datetime) -> list[Truth]:
    """A purchase of which a history has one row."""
    pen.both(pen.capture(None, pen.amount(), at, shops.usual(pen.dice)))
    return []


def fee(pen: Pen, at: datetime) -> list[Truth]:
    amount = pen.dice.randint(10, 300)
    pen.both(pen.row("fee", "settled", amount, -amount, at))
    return []


def charged_back(pen: Pen, at: datetime) -> list[Truth]:
    _, hold, paid = _bought(pen, at, pen.amount())
    pen.both(pen.row("chargeback", "settled", paid, paid, at + 20 * DAY, parent=hold.ref if pen.house.links else None))
    return []


def funded(pen: Pen, at: datetime) -> list[Truth]:
    """Our own doing goes by our own name here, and by the provider's there, where its history has it."""
    kind, sign = pen.dice.choice((("funding", 1), ("funding", 1), ("withdrawal", -1)))
    amount = pen.amount()
    ours = pen.row(kind, "settled", amount, sign * amount, at, prefix="op")
    pen.holding.ours.append(ours)
    if pen.house.fundings:
        theirs = ours._replace(ref=pen.dice.hex("mv", 24))
        if pen.dice.chance(50):
            pen.holding.ours[-1] = ours._replace(reference=theirs.ref)
        else:
            theirs = theirs._replace(reference=ours.ref)
        pen.holding.theirs.append(theirs)
    return []


def just_now(pen: Pen, _at: datetime) -> list[Truth]:
    """So new that only one of the sides has it, or that the sides have it differently."""
    at, amount, shop = CUTOFF + pen.dice.between(SECOND, HOUR), pen.amount(), shops.usual(pen.dice)
    row = pen.held(amount, at, shop)
    if pen.dice.chance(70):
        pen.holding.theirs.append(row)
    if pen.dice.chance(50) or row not in pen.holding.theirs:
        pen.holding.ours.append(row._replace(amount=amount + 5, impact=-amount - 5, progress="0.0.0"))
    return []


def known_sooner(pen: Pen, _at: datetime) -> list[Truth]:
    """The books have heard of a capture since the hold was read there; the capture is too new to be missed."""
    at, amount, shop = NOW - pen.dice.between(DAY, 3 * DAY), pen.amount(), shops.usual(pen.dice)
    hold = pen.held(amount, at, shop)
    pen.holding.theirs.append(hold)
    now = hold._replace(state="settled", impact=0, progress="1.1.1")
    pen.holding.ours += [now, pen.capture(hold, amount, _RECENT, shop)]
    return []


def void_here(pen: Pen, at: datetime) -> list[Truth]:
    """A run found that the provider never had it, and voided it here."""
    pen.holding.ours.append(pen.row("settlement", "reversed", pen.amount(), 0, at, shops.usual(pen.dice)))
    return []


def _bought(pen: Pen, at: datetime, amount: int) -> tuple[Shop, MoneySide, int]:
    """A purchase at a new shop, captured: the shop, the row that it began with, and what was paid."""
    shop = shops.new(pen.dice)
    if not pen.house.links:
        row = pen.capture(None, amount, at, shop)
        pen.both(row)
        return shop, row, amount
    hold = pen.ended(amount, at, shop)
    pen.both(hold, pen.capture(hold, amount, at + DAY, shop))
    return shop, hold, amount


def _release(pen: Pen, at: datetime, state: str, amount: int) -> None:
    """A hold that came to nothing: where releases are messages, it is settled, and the message says how."""
    shop = shops.usual(pen.dice)
    hold = pen.ended(amount, at, shop, "settled" if pen.house.messages else state)
    pen.both(hold)
    if pen.house.messages:
        pen.both(pen.row("reversal", state, amount, 0, at + DAY, shop, parent=hold.ref))
