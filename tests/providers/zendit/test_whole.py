"""Purchases and the ledger read whole: where reading goes on, and that nothing secret is in what is read so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.errors import ProviderUnavailable
from cardctl.providers.paging import BOUGHT, Leaf, Source, Spot
from cardctl.providers.zendit.provider import ZenditProvider, build
from tests.providers.zendit import objects
from tests.providers.zendit.far import Far, handed
from tests.providers.zendit.objects import CODE, REF

_PATHS = {Source.PURCHASES: "GET /v1/esim/purchases", Source.LEDGER: "GET /v1/transactions"}
_ROWS = {Source.PURCHASES: objects.purchase, Source.LEDGER: objects.transaction}


def at(source: Source, *pages: Any) -> tuple[ZenditProvider, Far]:
    far = Far({_PATHS[source]: list(pages)})
    return build(handed(far)), far


def rows(source: Source, start: int, count: int) -> list[Any]:
    return [_ROWS[source](transactionId=f"t-{number}") for number in range(start, start + count)]


def read(provider: ZenditProvider, source: Source, since: datetime | None = None) -> list[Leaf]:
    """Whoever goes on knows nothing but the spot, as JSON."""
    leaves: list[Leaf] = []
    waiting = list(provider.openings(source, known=(), since=since))
    while waiting:
        spot = waiting.pop()
        leaves.append(provider.turn(Spot(source, json.loads(json.dumps(dict(spot.position)))), share=True))
        waiting += leaves[-1].then
    return leaves


def names(leaves: list[Leaf]) -> list[str]:
    found: list[Any] = [one for leaf in leaves for one in (*leaf.purchases, *leaf.ledger)]
    return [one.ref for one in found]


@pytest.mark.parametrize("source", BOUGHT)
def test_a_list_is_read_to_its_end(source: Source) -> None:
    pages = [objects.page(*rows(source, start, 3), offset=start, total=7) for start in (0, 3)]
    provider, far = at(source, *pages, objects.page(*rows(source, 6, 1), offset=6, total=7))
    leaves = read(provider, source)
    assert names(leaves) == [f"t-{number}" for number in range(7)]
    assert [request.url.params["_offset"] for request in far.requests] == ["0", "3", "6"]
    assert [leaf.requests for leaf in leaves] == [1, 1, 1]
    assert provider.lists(source)


@pytest.mark.parametrize("source", BOUGHT)
def test_rows_that_moved_on_come_twice_and_none_is_missed(source: Source) -> None:
    """What is new came first, and pushed one row over to the next page."""
    pages = [objects.page(*rows(source, 1, 3), total=4), objects.page(*rows(source, 3, 2), offset=3, total=5)]
    provider, _ = at(source, *pages)
    assert names(read(provider, source)) == ["t-1", "t-2", "t-3", "t-3", "t-4"]


@pytest.mark.parametrize("source", BOUGHT)
def test_a_row_that_is_one_too_many_hides_no_other(source: Source) -> None:
    """A page with a row of the one before it is not longer for that."""
    first = objects.page(*rows(source, 0, 3), total=5) | {"limit": 3}
    second = objects.page(*rows(source, 2, 3), offset=3, total=5) | {"limit": 3}
    provider, far = at(source, objects.page(*rows(source, 0, 3), *rows(source, 0, 1), total=5) | {"limit": 3}, second)
    assert set(names(read(provider, source))) == {f"t-{number}" for number in range(5)}
    assert [request.url.params["_offset"] for request in far.requests] == ["0", "3"]
    short, _ = at(
        source, first, objects.page(*rows(source, 3, 1), offset=3, total=5), objects.page(*rows(source, 4, 1), offset=4)
    )
    assert names(read(short, source)) == [f"t-{number}" for number in range(5)]


@pytest.mark.parametrize("source", BOUGHT)
def test_it_begins_at_a_time_and_leaves_out_what_is_older(source: Source) -> None:
    old = _ROWS[source](transactionId="old", createdAt="2026-04-30T23:59:59Z")
    provider, far = at(source, objects.page(*rows(source, 0, 1), old))
    assert names(read(provider, source, datetime(2026, 5, 1, 0, 0, 0, 5, tzinfo=UTC))) == ["t-0"]
    assert far.requests[0].url.params["createdAt"] == "gte2026-05-01T00:00:00Z"


@pytest.mark.parametrize("source", BOUGHT)
@pytest.mark.parametrize("page", ["again", "empty", "another", "torn"])
def test_a_list_that_does_not_go_on_has_an_end(source: Source, page: str) -> None:
    first = objects.page(*rows(source, 0, 3), total=9)
    second = {
        "again": first | {"offset": 3},
        "empty": objects.page(offset=3, total=9),
        "another": objects.page(*rows(source, 6, 3), offset=6, total=9),
        "torn": objects.page({"transactionId": "t-4"}, offset=3, total=9),
    }[page]
    provider, _ = at(source, first, second)
    with pytest.raises(ProviderUnavailable):
        read(provider, source)


def test_what_is_read_whole_has_no_code_in_it() -> None:
    provider, _ = at(Source.PURCHASES, objects.page(objects.purchase()))
    (leaf,) = read(provider, Source.PURCHASES)
    (purchase,) = leaf.purchases
    assert (purchase.ref, purchase.activation, purchase.instructions, purchase.raw) == (REF, None, None, {})
    assert CODE not in repr(leaf)


def test_openings_ask_nothing() -> None:
    provider, far = at(Source.LEDGER, objects.page())
    assert len(list(provider.openings(Source.LEDGER, known=["x"], since=None))) == 1
    assert far.requests == []
    assert not provider.lists(Source.CARDS)
