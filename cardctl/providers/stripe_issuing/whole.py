"""Stripe's lists read whole, part by part: a position names the list and the window of it that is left to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cardctl.errors import BadInput, ProviderUnavailable
from cardctl.providers.paging import Leaf, Source, Spot
from cardctl.providers.stripe_issuing import translate
from cardctl.providers.stripe_issuing.windows import Row, Window, turned
from cardctl.providers.stripe_issuing.wire import AUTHORIZATIONS, CARDHOLDERS, CARDS, TRANSACTIONS

if TYPE_CHECKING:
    from cardctl.providers.stripe_issuing.client import StripeIssuingClient

_LISTS = {
    Source.ACCOUNTS: (CARDHOLDERS,),
    Source.CARDS: (CARDS,),
    Source.TRANSACTIONS: (AUTHORIZATIONS, TRANSACTIONS),
}
_STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, BadInput)
"""What the translation of a row raises that is not what it should be."""


def openings(source: Source, since: datetime | None) -> Iterator[Spot]:
    """Each list from its beginning; `since` is about transactions alone."""
    start = int(since.timestamp()) if since is not None and source is Source.TRANSACTIONS else None
    for path in _LISTS[source]:
        yield _spot(source, path, Window(start=start))


def turn(client: StripeIssuingClient, spot: Spot, *, share: bool) -> Leaf:
    """One page, and the window that it leaves, as it is or in parts. ProviderUnavailable, also where a row is none."""
    told = dict(spot.position)
    path = told.pop("list")
    window = Window(**told)
    try:
        rows, windows = turned(window, client.page(path, window), share=share)
        read = _read(path, rows)
    except _STRANGE:
        raise ProviderUnavailable(f"a page of stripe's list {path} came that is not in Stripe's words") from None
    return Leaf(spot, **read, then=[_spot(spot.source, path, left) for left in windows], requests=1)


def _spot(source: Source, path: str, window: Window) -> Spot:
    return Spot(source, {"list": path, **{name: value for name, value in asdict(window).items() if value is not None}})


def _read(path: str, rows: list[Row]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"accounts": [], "cards": [], "transactions": []}
    name, translated = _TRANSLATIONS[path]
    return nothing | {name: [translated(row) for row in rows]}


_TRANSLATIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    CARDHOLDERS: ("accounts", lambda row: translate.account_from_wire(row, keep=False)),
    CARDS: ("cards", lambda row: translate.card_from_wire(row, raw="{}")),
    AUTHORIZATIONS: ("transactions", lambda row: translate.authorization_from_wire(row, keep=False)),
    TRANSACTIONS: ("transactions", lambda row: translate.transaction_from_wire(row, keep=False)),
}
"""By list: what its rows are, and how they are read; nothing is kept of their JSON, since they are only compared."""
