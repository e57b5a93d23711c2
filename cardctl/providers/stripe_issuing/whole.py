"""Stripe's lists read whole, part by part: a position names the list and the window of it that is left to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from cardctl.domain.sales import RemoteSale, RemoteSaleRefund
from cardctl.errors import BadInput, ProviderUnavailable, Unsupported
from cardctl.providers.paging import Leaf, Source, Spot
from cardctl.providers.stripe_issuing import sales, translate
from cardctl.providers.stripe_issuing.windows import Row, Window, turned
from cardctl.providers.stripe_issuing.wire import (
    AUTHORIZATIONS,
    CARDHOLDERS,
    CARDS,
    CHECKOUTS,
    REFUNDS,
    SALES,
    TRANSACTIONS,
    StripeRefund,
    StripeSale,
)

if TYPE_CHECKING:
    from cardctl.providers.stripe_issuing.client import StripeIssuingClient

_LISTS = {
    Source.ACCOUNTS: (CARDHOLDERS,),
    Source.CARDS: (CARDS,),
    Source.TRANSACTIONS: (AUTHORIZATIONS, TRANSACTIONS),
    Source.SALES: (SALES, CHECKOUTS),
    Source.SALE_REFUNDS: (REFUNDS,),
}
LISTED = frozenset(_LISTS)
_MOVING = frozenset({Source.TRANSACTIONS, Source.SALES, Source.SALE_REFUNDS})
"""What grows with time, so that `since` is about it."""
_OPEN = 24 * 3600
"""Seconds; how long before its payment a checkout may have been made (docs.stripe.com/api/checkout/sessions/create)."""
_MORE: dict[str, dict[str, Any]] = {
    SALES: {"expand": ["data.latest_charge"]},
    CHECKOUTS: {"status": "complete", "expand": ["data.payment_intent.latest_charge"]},
}
_STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, BadInput)
"""What the translation of a row raises that is not what it should be."""


def openings(source: Source, since: datetime | None) -> Iterator[Spot]:
    """Each list from its beginning. Payments are listed as such, and by the checkouts that they were made in, which may be all
    that says what was ordered. Unsupported for what Stripe's adapter does not have."""
    if source not in _LISTS:
        raise Unsupported(f"stripe has no {source}")
    start = int(since.timestamp()) if since is not None and source in _MOVING else None
    for path in _LISTS[source]:
        earlier = _OPEN if path == CHECKOUTS else 0
        yield _spot(source, path, Window(start=None if start is None else max(start - earlier, 0)))


def turn(client: StripeIssuingClient, spot: Spot, names: Mapping[str, str], *, share: bool) -> Leaf:
    """One page, and the window that it leaves, as it is or in parts. ProviderUnavailable, also where a row is none. `names`:
    how metadata calls what an order is made of."""
    told = dict(spot.position)
    path = told.pop("list")
    window = Window(**told)
    try:
        rows, windows = turned(window, client.page(path, window, **_MORE.get(path, {})), share=share)
        read = _read(path, rows, names)
    except _STRANGE:
        raise ProviderUnavailable(f"a page of stripe's list {path} came that is not in Stripe's words") from None
    return Leaf(spot, **read, then=[_spot(spot.source, path, left) for left in windows], requests=1)


def _spot(source: Source, path: str, window: Window) -> Spot:
    return Spot(source, {"list": path, **{name: value for name, value in asdict(window).items() if value is not None}})


def _read(path: str, rows: list[Row], names: Mapping[str, str]) -> dict[str, Any]:
    nothing: dict[str, Any] = {"accounts": [], "cards": [], "transactions": []}
    if path == REFUNDS:
        return nothing | {"sale_refunds": _refunds(rows)}
    if path in (SALES, CHECKOUTS):
        found = (_sale(row, names) if path == SALES else _sale_of(row, names) for row in rows)
        return nothing | {"sales": tuple(sale for sale in found if sale is not None)}
    name, translated = _TRANSLATIONS[path]
    return nothing | {name: [translated(row) for row in rows]}


def _sale(row: Any, names: Mapping[str, str]) -> RemoteSale | None:
    """A payment. What is of a seller's other business may be strange to us (None), and stops nothing."""
    try:
        return sales.sale_from_wire(row, names, keep=False)
    except _STRANGE:
        if sales.order_from_wire(row.get("metadata"), names) is not None:
            raise
        return None


def _sale_of(session: Any, names: Mapping[str, str]) -> RemoteSale | None:
    """The payment that was made in a checkout, where only the checkout says what for: else it is among the payments."""
    data, intent = sales.order_from_wire(session.get("metadata"), names), session.get("payment_intent")
    if data is None or not isinstance(intent, dict) or sales.order_from_wire(intent.get("metadata"), names) is not None:
        return None
    return replace(sales.sale_from_wire(cast(StripeSale, intent), names, keep=False), data=data)


def _refunds(rows: list[Row]) -> tuple[RemoteSaleRefund, ...]:
    """Those of payment intents: no other payment is known here. They do not say what for: one that is strange stops all."""
    found = (cast(StripeRefund, row) for row in rows if row.get("payment_intent"))
    return tuple(sales.refund_from_wire(refund, keep=False) for refund in found)


_TRANSLATIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    CARDHOLDERS: ("accounts", lambda row: translate.account_from_wire(row, keep=False)),
    CARDS: ("cards", lambda row: translate.card_from_wire(row, raw="{}")),
    AUTHORIZATIONS: ("transactions", lambda row: translate.authorization_from_wire(row, keep=False)),
    TRANSACTIONS: ("transactions", lambda row: translate.transaction_from_wire(row, keep=False)),
}
"""By list: what its rows are, and how they are read; nothing is kept of their JSON, since they are only compared."""
