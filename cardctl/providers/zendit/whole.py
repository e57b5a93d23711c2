"""Zendit's purchases and the wallet's ledger read whole, page after page; a position says from which row on.

Pages are counted by rows, and in which order they come is UNCONFIRMED: where what is new comes first, rows move on to later
pages, and some come twice. Read at once in several parts, some could be missed; so nothing is shared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cardctl.domain.esims import LedgerEntry, RemotePurchase
from cardctl.errors import ProviderUnavailable, Unsupported
from cardctl.providers.paging import BOUGHT, Leaf, Source, Spot
from cardctl.providers.zendit import translate, wire
from cardctl.providers.zendit.client import Part, ZenditClient

_LISTS = {Source.PURCHASES: wire.PURCHASES, Source.LEDGER: wire.TRANSACTIONS}


def openings(source: Source, since: datetime | None) -> Iterator[Spot]:
    """The one list from its first row. Unsupported for what an issuer or a seller has."""
    if source not in BOUGHT:
        raise Unsupported(f"zendit has no {source}: it sells eSIMs")
    yield Spot(source, {"offset": 0} | ({"since": since.isoformat()} if since else {}))


def turn(client: ZenditClient, spot: Spot) -> Leaf:
    """One page, and what it leaves. ProviderUnavailable, also where a row is none, or the same page comes again."""
    since = datetime.fromisoformat(spot.position["since"]) if "since" in spot.position else None
    part = client.part(_LISTS[spot.source], since_query(since), spot.position["offset"])
    seen = _digest(part)
    if part.rows and seen == spot.position.get("seen"):
        raise ProviderUnavailable(f"zendit's list of {spot.source} gives the same page again")
    rest = {**spot.position, "offset": part.following, "seen": seen}
    then = [] if part.following is None else [Spot(spot.source, rest)]
    rows: list[Any] = part.rows
    if spot.source is Source.LEDGER:
        return Leaf(spot, [], [], [], then, 1, ledger=tuple(entries(rows, since)))
    return Leaf(spot, [], [], [], then, 1, purchases=tuple(_purchases(rows, since)))


def since_query(since: datetime | None) -> dict[str, str]:
    """From the second that had begun; one bound is all that the documentation has."""
    return {"createdAt": f"gte{translate.moment_to_wire(since)}"} if since else {}


def entries(rows: list[Any], since: datetime | None) -> Iterator[LedgerEntry]:
    """Those of a page that were made from `since` on."""
    try:
        found = [translate.entry_from_wire(row) for row in rows]
    except translate.STRANGE:
        raise _strange(Source.LEDGER) from None
    return (entry for entry in found if since is None or entry.created_at >= since)


def _purchases(rows: list[Any], since: datetime | None) -> Iterator[RemotePurchase]:
    """eSIMs alone, without the texts of their QR codes: what is read whole is staged."""
    try:
        found = [translate.purchase_from_wire(row, keep=False) for row in rows]
    except translate.STRANGE:
        raise _strange(Source.PURCHASES) from None
    return (one for one in found if since is None or one.created_at is None or one.created_at >= since)


def _digest(part: Part) -> str:
    names = (str(row.get("transactionId")) for row in part.rows)
    return hashlib.sha256("\n".join(names).encode("utf-8", "replace")).hexdigest()[:16]


def _strange(source: Source) -> ProviderUnavailable:
    return ProviderUnavailable(f"a page of zendit's {source} came that is not in Zendit's words")
