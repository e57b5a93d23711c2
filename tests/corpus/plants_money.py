"""Breaks of money events: what one side has not, or has otherwise, or twice."""

from __future__ import annotations

from datetime import datetime, timedelta

from cardctl.db.columns import moment_to_text
from cardctl.domain.comparing.sides import MoneySide
from tests.corpus import shops
from tests.corpus.houses import NOW, House
from tests.corpus.pen import DAY, SECOND, Shop
from tests.corpus.planting import Scene, plant


def _links(house: House) -> bool:
    return house.links


def _fundings(house: House) -> bool:
    return house.fundings


def _fee(scene: Scene) -> MoneySide:
    amount = scene.pen.amount()
    return scene.pen.row("fee", "settled", amount, -amount, scene.at(), shops.new(scene.dice))


def _purchase(scene: Scene) -> tuple[MoneySide, ...]:
    """As it is when all is over; a history without links has one row of it."""
    amount, at, shop = scene.pen.amount(), scene.at(), shops.new(scene.dice)
    if not scene.house.links:
        return (scene.pen.capture(None, amount, at, shop),)
    hold = scene.pen.ended(amount, at, shop)
    return hold, scene.pen.capture(hold, amount, at + DAY, shop)


@plant("transaction_missing_here")
def purchase_missing_here(scene: Scene) -> None:
    """Each of its events is missing."""
    for row in _purchase(scene):
        scene.holding.theirs.append(row)
        scene.told("transaction_missing_here", row.ref)


@plant("transaction_missing_here")
def fee_missing_here(scene: Scene) -> None:
    row = _fee(scene)
    scene.holding.theirs.append(row)
    scene.told("transaction_missing_here", row.ref)


@plant("transaction_missing_here", _links)
def forced_missing_here(scene: Scene) -> None:
    """That it was forced is no news beside that."""
    row = scene.pen.capture(None, scene.pen.amount(), scene.at(), shops.new(scene.dice))
    scene.holding.theirs.append(row)
    scene.told("transaction_missing_here", row.ref)


@plant("transaction_missing_here")
def refund_missing_here(scene: Scene) -> None:
    *_, paid = bought = _purchase(scene)
    scene.pen.both(*bought)
    link = bought[0].ref if scene.house.links else None
    row = scene.pen.refund(paid.amount, scene.at() + 40 * DAY, _shop(paid), link)
    scene.holding.theirs.append(row)
    scene.told("transaction_missing_here", row.ref)


@plant("transaction_missing_there")
def purchase_missing_there(scene: Scene) -> None:
    for row in _purchase(scene):
        scene.holding.ours.append(row)
        scene.told("transaction_missing_there", row.ref)


@plant("transaction_missing_there")
def fee_missing_there(scene: Scene) -> None:
    row = _fee(scene)
    scene.holding.ours.append(row)
    scene.told("transaction_missing_there", row.ref)


@plant("transaction_amount", _links)
def capture_not_heard(scene: Scene) -> None:
    """The hold still stands here: it differs, and its capture is missing."""
    hold, capture = _purchase(scene)
    scene.holding.theirs += [hold, capture]
    scene.holding.ours.append(hold._replace(state="approved", impact=-hold.amount, progress="0.1.0"))
    scene.told("transaction_amount", hold.ref)
    scene.told("transaction_missing_here", capture.ref)


@plant("transaction_amount")
def raise_not_heard(scene: Scene) -> None:
    """A hold that grew, by as little as one unit."""
    hold = scene.pen.held(scene.pen.amount(), NOW - scene.dice.between(DAY, 3 * DAY), shops.new(scene.dice))
    more = scene.dice.choice((1, 500, 12_345))
    scene.holding.ours.append(hold)
    scene.holding.theirs.append(hold._replace(amount=hold.amount + more, impact=hold.impact - more, progress="0.2.0"))
    scene.told("transaction_amount", hold.ref)


@plant("transaction_amount")
def amount_wrong(scene: Scene) -> None:
    """A fee that was typed in by hand."""
    row = _fee(scene)
    scene.holding.theirs.append(row)
    scene.holding.ours.append(row._replace(amount=row.amount + 1, impact=row.impact - 1))
    scene.told("transaction_amount", row.ref)


@plant("transaction_amount")
def sign_wrong(scene: Scene) -> None:
    """The amount is the same, and what it does is not."""
    row = _fee(scene)
    scene.holding.theirs.append(row)
    scene.holding.ours.append(row._replace(impact=0))
    scene.told("transaction_amount", row.ref)


@plant("transaction_amount")
def currency_wrong(scene: Scene) -> None:
    """Of something that takes nothing: what it took would be in no currency of the card's."""
    row = scene.pen.decline(scene.pen.amount(), scene.at(), shops.new(scene.dice))
    scene.holding.theirs.append(row)
    scene.holding.ours.append(row._replace(currency="CHF"))
    scene.told("transaction_amount", row.ref)


@plant("transaction_state")
def settlement_pending(scene: Scene) -> None:
    row = _fee(scene)
    scene.holding.theirs.append(row)
    scene.holding.ours.append(row._replace(state="pending"))
    scene.told("transaction_state", row.ref)


@plant("transaction_state", _links)
def expired_not_reversed(scene: Scene) -> None:
    row = scene.pen.ended(scene.pen.amount(), scene.at(), shops.new(scene.dice), "expired")
    scene.holding.theirs.append(row)
    scene.holding.ours.append(row._replace(state="reversed"))
    scene.told("transaction_state", row.ref)


@plant("transaction_state", _links)
def declined_not_approved(scene: Scene) -> None:
    row = scene.pen.decline(scene.pen.amount(), scene.at(), shops.new(scene.dice))
    scene.holding.theirs.append(row)
    scene.holding.ours.append(row._replace(kind="authorization", state="settled"))
    scene.told("transaction_state", row.ref)


@plant("transaction_duplicate")
def twice_here(scene: Scene) -> None:
    """One row of the provider's, under two names: within five minutes, at one merchant."""
    *before, row = _purchase(scene)
    scene.pen.both(*before, row)
    late = timedelta(seconds=scene.dice.choice((0, 1, 299)))
    again = row._replace(ref=scene.dice.hex("tx", 24), occurred_at=_later(row, late))
    scene.holding.ours.append(again)
    scene.told("transaction_duplicate", again.ref)


@plant("transaction_duplicate")
def twice_there(scene: Scene) -> None:
    """Two fees that nothing tells apart, on both sides; the books have what the provider has."""
    row = _fee(scene)
    first, again = sorted((row, row._replace(ref=scene.dice.hex("tx", 24))), key=lambda each: each.ref)
    scene.pen.both(first, again)
    scene.told("transaction_duplicate", again.ref)


@plant("transaction_duplicate")
def captured_twice_unlinked(scene: Scene) -> None:
    """Two captures without a link in one second; where captures are linked, the first is told as a forced one."""
    row = scene.pen.capture(None, scene.pen.amount(), scene.at(), shops.new(scene.dice))
    first, again = sorted((row, row._replace(ref=scene.dice.hex("tx", 24))), key=lambda each: each.ref)
    scene.pen.both(first, again)
    scene.told("transaction_duplicate", again.ref)
    if scene.house.links:
        scene.told("capture_without_authorization", first.ref, info=True)


@plant("transaction_duplicate", _links)
def captured_twice(scene: Scene) -> None:
    """An over-capture that two equal captures explain."""
    hold, capture = _purchase(scene)
    again = scene.pen.capture(hold, capture.amount, scene.at(), _shop(hold))
    again = again._replace(occurred_at=_later(capture, timedelta(hours=1)))
    scene.pen.both(hold, capture, again)
    scene.told("transaction_duplicate", again.ref)


@plant("transaction_duplicate")
def refunded_twice(scene: Scene) -> None:
    """More given back than was paid, and two equal refunds explain it."""
    *before, row = _purchase(scene)
    shop, at = _shop(row), scene.at() + 40 * DAY
    first, again = (scene.pen.refund(row.amount, at + late, shop) for late in (timedelta(0), SECOND))
    scene.pen.both(*before, row, first, again)
    scene.told("transaction_duplicate", again.ref)


@plant("transaction_orphan")
def on_no_card(scene: Scene) -> None:
    """Money was spent with a card that neither side lists."""
    stranger, many = scene.dice.hex("ic", 24), scene.dice.randint(1, 2)
    for _ in range(many):
        row = _fee(scene)._replace(card_ref=stranger)
        scene.owner.strays.append(row)
        scene.told_apart("transaction_orphan", row.ref)


@plant("transaction_orphan", _links)
def parent_not_known(scene: Scene) -> None:
    """The books have a refund without what it belongs to."""
    hold, capture = _purchase(scene)
    shop = _shop(hold)
    row = scene.pen.refund(capture.amount, scene.at() + 40 * DAY, shop, hold.ref)
    scene.pen.both(hold, capture)
    scene.holding.theirs.append(row)
    scene.holding.ours.append(row._replace(parent_ref=None))
    scene.told("transaction_orphan", row.ref)


@plant("transaction_orphan", _links)
def parent_wrong(scene: Scene) -> None:
    hold, capture = _purchase(scene)
    scene.holding.theirs += [hold, capture]
    scene.holding.ours += [hold, capture._replace(parent_ref=scene.dice.hex("auth", 24))]
    scene.told("transaction_orphan", capture.ref)


@plant("funding_unmatched", _fundings)
def funded_by_somebody(scene: Scene) -> None:
    """At the provider, and not by cardctl; the balance here is as it was told since."""
    kind, sign = scene.dice.choice((("funding", 1), ("withdrawal", -1)))
    amount = scene.pen.amount()
    row = scene.pen.row(kind, "settled", amount, sign * amount, scene.at())
    scene.holding.theirs.append(row)
    scene.told("funding_unmatched", row.ref)


@plant("funding_unmatched", _fundings)
def funding_never_came(scene: Scene) -> None:
    """The books have a movement that the provider's history does not show."""
    amount = scene.pen.amount()
    row = scene.pen.row("funding", "settled", amount, amount, scene.at(), prefix="op")
    scene.holding.ours.append(row)
    scene.told("funding_unmatched", row.ref)


@plant("funding_unmatched", _fundings)
def funded_by_somebody_and_felt(scene: Scene) -> None:
    """The same, and the balance here is still the old one: one break explains both."""
    amount = scene.pen.amount()
    row = scene.pen.row("funding", "settled", amount, amount, scene.at())
    scene.holding.theirs.append(row)
    scene.holding.drift_there += amount
    scene.told("funding_unmatched", row.ref)


@plant("unknown_word")
def state_unknown(scene: Scene) -> None:
    row = _fee(scene)._replace(state="unknown")
    scene.pen.both(row)
    scene.told("unknown_word", row.ref)


@plant("unknown_word")
def state_unknown_there(scene: Scene) -> None:
    """A word that came with the last reading."""
    row = _fee(scene)
    scene.holding.ours.append(row)
    scene.holding.theirs.append(row._replace(state="unknown"))
    scene.told("unknown_word", row.ref)


def _later(row: MoneySide, by: timedelta) -> str:
    return moment_to_text(datetime.fromisoformat(row.occurred_at) + by)


def _shop(row: MoneySide) -> Shop:
    return Shop(row.merchant or "", row.mcc or "")
