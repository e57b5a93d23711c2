"""Square's cards, payments and refunds read whole, part by part: a position names what is left of the list.

It holds times and Square's own cursors, and no name of a customer or card. Cards are a seller's, payments and refunds those of
the location. Cards are listed one page after the other: 25 at a time, and by no time that could part them (SPEC).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cardctl.errors import ProviderUnavailable, Unsupported
from cardctl.providers.paging import SAVED, Leaf, Source, Spot
from cardctl.providers.square import translate
from cardctl.providers.square.client import PAGE, SquareClient
from cardctl.providers.square.windows import BEGINNING, Window, turned
from cardctl.providers.square.wire import CARDS, PAYMENTS, REFUNDS

_LISTS = {Source.PAYMENTS: PAYMENTS, Source.REFUNDS: REFUNDS}


def openings(source: Source, since: datetime | None) -> Iterator[Spot]:
    """The one list from its beginning; `since` is about payments and refunds. Unsupported for what an issuer has."""
    if source not in SAVED:
        raise Unsupported(f"square has no {source}: it issues no cards")
    if source is Source.SAVED_CARDS:
        yield Spot(source, {"cursor": None})
        return
    beginning = translate.moment(BEGINNING)
    yield _spot(source, Window(translate.moment_to_wire(max(since or beginning, beginning))))


def turn(client: SquareClient, location: str | None, spot: Spot, *, share: bool) -> Leaf:
    """One page, and what it leaves. ProviderUnavailable, also where a row is none."""
    try:
        return _cards(client, spot) if spot.source is Source.SAVED_CARDS else _windowed(client, location, spot, share=share)
    except translate.STRANGE:
        raise ProviderUnavailable(f"a page of square's {spot.source} came that is not in Square's words") from None


def _cards(client: SquareClient, spot: Spot) -> Leaf:
    part = client.part(CARDS, "cards", {"include_disabled": "true"}, spot.position["cursor"])
    cards: list[Any] = part.rows
    then = [] if part.cursor is None else [Spot(spot.source, {"cursor": part.cursor})]
    return _leaf(spot, then, saved_cards=tuple(translate.card_from_wire(card, keep=False) for card in cards))


def _windowed(client: SquareClient, location: str | None, spot: Spot, *, share: bool) -> Leaf:
    window = Window(**{**spot.position, "seen": tuple(spot.position.get("seen", ()))})
    query = window.filters | {"limit": str(PAGE)} | ({"location_id": location} if location else {})
    part = client.part(_LISTS[spot.source], str(spot.source), query, window.cursor)
    fresh, windows = turned(window, part, share=share)
    rows: list[Any] = list(fresh)
    then = [_spot(spot.source, rest) for rest in windows]
    if spot.source is Source.PAYMENTS:
        return _leaf(spot, then, payments=tuple(translate.payment_from_wire(row, keep=False) for row in rows))
    return _leaf(spot, then, refunds=tuple(translate.refund_from_wire(row, keep=False) for row in rows))


def _leaf(spot: Spot, then: list[Spot], **found: Any) -> Leaf:
    return Leaf(spot, [], [], [], then, 1, **found)


def _spot(source: Source, window: Window) -> Spot:
    told = {name: list(value) if name == "seen" else value for name, value in asdict(window).items() if value}
    return Spot(source, told)
