"""What our books know of Strowallet, read whole one by one: it has no lists, so a position is a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cardctl.errors import ProviderHasNot
from cardctl.providers.http import Reply
from cardctl.providers.paging import Leaf, Source, Spot
from cardctl.providers.strowallet.client import StrowalletClient
from cardctl.providers.strowallet.reading import Reader


def openings(source: Source, known: Iterable[str], since: datetime | None) -> Iterator[Spot]:
    """One for each name; transactions are read by card, and `since` is about them alone."""
    told = {"since": since.isoformat()} if since is not None and source is Source.TRANSACTIONS else {}
    return (Spot(source, {"ref": ref, **told}) for ref in known)


def turn(client: StrowalletClient, spot: Spot, *, history: bool) -> Leaf:
    """One customer, one card, or the whole history of one card; without `history` its newest rows alone. A name that
    Strowallet does not have is `absent`."""
    counting = _Counting(client)
    found: dict[str, Any] = {"accounts": [], "cards": [], "transactions": []}
    absent: tuple[str, ...] = ()
    try:
        found |= _read(Reader(counting, whole=history), spot)
    except ProviderHasNot:
        absent = (spot.position["ref"],)
    return Leaf(spot, **found, then=[], requests=counting.asked, absent=absent)


class _Counting(StrowalletClient):
    """A client of one turn, which counts what it asks for."""

    def __init__(self, client: StrowalletClient) -> None:
        vars(self).update(vars(client))
        self.asked = 0

    def _sent(
        self, method: str, path: str, parameters: Mapping[str, Any], *, keyed: bool | None, urgent: bool = False
    ) -> Reply:
        self.asked += 1
        return super()._sent(method, path, parameters, keyed=keyed, urgent=urgent)


def _read(reader: Reader, spot: Spot) -> dict[str, Any]:
    ref = spot.position["ref"]
    if spot.source is Source.ACCOUNTS:
        return {"accounts": [reader.account(ref)]}
    if spot.source is Source.CARDS:
        return {"cards": [reader.card(ref)]}
    since = datetime.fromisoformat(spot.position["since"]) if "since" in spot.position else None
    return {"transactions": [event for page in reader.transactions(ref, since) for event in page]}
