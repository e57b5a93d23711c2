"""Breaks in a card's life as the provider tells it, which the books have just so, or do not have yet."""

from __future__ import annotations

from cardctl.domain.comparing.sides import MoneySide
from cardctl.domain.comparing.trades import most_captured, trade_of
from tests.corpus import shops
from tests.corpus.houses import NOW, House
from tests.corpus.pen import DAY, SECOND
from tests.corpus.planting import Scene, plant


def _links(house: House) -> bool:
    return house.links


def _messages(house: House) -> bool:
    return house.messages


@plant("over_capture", _links)
def over_captured(scene: Scene) -> None:
    """One unit more than is usual in the trade, or much."""
    codes = scene.dice.choice((shops.COMMON, shops.TIPPED, shops.FUEL, shops.TRAVEL, shops.TRANSIT))
    amount, shop = scene.pen.amount(), shops.new(scene.dice, codes)
    hold, at = scene.pen.ended(amount, scene.at(), shop), scene.at() + 20 * DAY
    total = most_captured(amount, shop.mcc) + scene.dice.choice((1, 1, 777))
    parts = [total] if scene.dice.chance(50) else [total // 3, total - total // 3]
    captures = [scene.pen.capture(hold, part, at, shop) for part in parts]
    scene.pen.both(hold, *captures)
    scene.told("over_capture", hold.ref)


@plant("over_capture", _links)
def over_captured_not_heard(scene: Scene) -> None:
    """The capture that makes it too much is missing here: it is told as missing, and the authorization as overdrawn."""
    amount, shop = scene.pen.amount(), shops.new(scene.dice)
    hold, at = scene.pen.ended(amount, scene.at(), shop), scene.at() + 20 * DAY
    first, more = scene.pen.capture(hold, amount, at, shop), scene.pen.capture(hold, 1, at, shop)
    scene.pen.both(hold, first)
    scene.holding.theirs.append(more)
    scene.told("over_capture", hold.ref)
    scene.told("transaction_missing_here", more.ref)


@plant("over_capture", _links)
def over_captured_of_old(scene: Scene) -> None:
    """The whole purchase is missing here, and out of order: the authorization is one break, its capture another."""
    amount, shop = scene.pen.amount(), shops.new(scene.dice)
    hold = scene.pen.ended(amount, scene.at(), shop)
    capture = scene.pen.capture(hold, amount + 1, scene.at() + 20 * DAY, shop)
    scene.holding.theirs += [hold, capture]
    scene.told("over_capture", hold.ref)
    scene.told("transaction_missing_here", capture.ref)


@plant("over_capture", _messages)
def over_captured_after_raise(scene: Scene) -> None:
    """A hold that was raised by a message of its own, and captured for one unit more than both."""
    amount, shop = scene.pen.amount(), shops.new(scene.dice)
    hold = scene.pen.ended(amount, scene.at(), shop)
    more = scene.pen.ended(500, scene.at() + 20 * DAY, shop)._replace(parent_ref=hold.ref)
    scene.pen.both(hold, more, scene.pen.capture(more, amount + 501, scene.at() + 21 * DAY, shop))
    scene.told("over_capture", hold.ref)


@plant("capture_without_authorization", _links)
def authorization_unheard_of(scene: Scene) -> None:
    """It names one that neither side has."""
    row = _captured(scene, scene.dice.hex("auth", 24))
    scene.pen.both(row)
    scene.told("capture_without_authorization", row.ref)


@plant("capture_without_authorization", _links)
def authorization_unheard_of_here(scene: Scene) -> None:
    """The same, and the capture is missing here: one break."""
    row = _captured(scene, scene.dice.hex("auth", 24))
    scene.holding.theirs.append(row)
    scene.told("capture_without_authorization", row.ref)


@plant("declined_then_settled", _links)
def settled_all_the_same(scene: Scene) -> None:
    decline, capture = _declined_and_captured(scene)
    scene.pen.both(decline, capture)
    scene.told("declined_then_settled", capture.ref)


@plant("declined_then_settled", _links)
def settled_all_the_same_not_heard(scene: Scene) -> None:
    """The capture is missing here, too: one break."""
    decline, capture = _declined_and_captured(scene)
    scene.pen.both(decline)
    scene.holding.theirs.append(capture)
    scene.told("declined_then_settled", capture.ref)


@plant("authorization_stale")
def held_too_long(scene: Scene) -> None:
    """A second more than its trade's time, or months."""
    shop = shops.new(scene.dice, scene.dice.choice((shops.COMMON, shops.TIPPED, shops.TRAVEL, shops.TRANSIT)))
    window = trade_of(shop.mcc if scene.house.links else None).window
    row = scene.pen.held(scene.pen.amount(), NOW - window - scene.dice.choice((SECOND, 20 * DAY)), shop)
    scene.pen.both(row)
    scene.told("authorization_stale", row.ref)


@plant("authorization_stale", _links)
def rest_held_too_long(scene: Scene) -> None:
    """A part was captured, and the rest was never let go."""
    shop, amount = shops.new(scene.dice), scene.pen.amount()
    hold = scene.pen.held(amount, NOW - 40 * DAY, shop, held=amount - amount // 2)
    scene.pen.both(hold, scene.pen.capture(hold, amount // 2, NOW - 39 * DAY, shop))
    scene.told("authorization_stale", hold.ref)


@plant("refund_without_purchase")
def refund_from_nowhere(scene: Scene) -> None:
    row = scene.pen.refund(scene.pen.amount(), scene.at(), shops.new(scene.dice))
    scene.pen.both(row)
    scene.told("refund_without_purchase", row.ref)


@plant("refund_without_purchase")
def refund_from_nowhere_not_heard(scene: Scene) -> None:
    """Missing here, too: one break."""
    row = scene.pen.refund(scene.pen.amount(), scene.at(), shops.new(scene.dice))
    scene.holding.theirs.append(row)
    scene.told("refund_without_purchase", row.ref)


@plant("refund_above_purchase")
def refunded_too_much(scene: Scene) -> None:
    """One unit more than was paid there, at once or with the second refund."""
    amount, shop = scene.pen.amount(), shops.new(scene.dice)
    hold = scene.pen.ended(amount, scene.at(), shop)
    linked = hold if scene.house.links else None
    scene.pen.both(*([hold] if linked else []), scene.pen.capture(linked, amount, scene.at() + 20 * DAY, shop))
    link = hold.ref if linked and scene.dice.chance(50) else None
    at, first = scene.at() + 40 * DAY, amount // 3
    parts = [amount + 1] if scene.dice.chance(50) else [first, amount - first + 1]
    refunds = [scene.pen.refund(part, at + n * DAY, shop, link) for n, part in enumerate(parts)]
    scene.pen.both(*refunds)
    scene.told("refund_above_purchase", refunds[-1].ref)


def _captured(scene: Scene, parent: str) -> MoneySide:
    row = scene.pen.capture(None, scene.pen.amount(), scene.at(), shops.new(scene.dice))
    return row._replace(parent_ref=parent)


def _declined_and_captured(scene: Scene) -> tuple[MoneySide, MoneySide]:
    amount, shop = scene.pen.amount(), shops.new(scene.dice)
    decline = scene.pen.decline(amount, scene.at(), shop)
    return decline, scene.pen.capture(decline, amount, scene.at() + 20 * DAY, shop)
