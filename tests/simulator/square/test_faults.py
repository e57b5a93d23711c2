"""Faults on every write and read: what the client sees, whether the write was done, and that the same key does it once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cardctl.simulator.control import Control
from cardctl.simulator.faults import FAULTS
from tests.simulator.square.client import ADA, Seller, usd

SEEN: dict[str, type[Exception] | int] = {
    "refused": httpx.ConnectError,
    "dns": httpx.ConnectError,
    "401": 401,
    "429": 429,
    "429-retry-after": 429,
    "500": 500,
    "503-html": 503,
    "500-after-commit": 500,
    "500-saved": 500,
    "lost-reply": httpx.RemoteProtocolError,
    "torn-body": httpx.RemoteProtocolError,
}
Write = tuple[str, dict[str, Any]]
WRITES: dict[str, Callable[[Seller], tuple[str, Write]]] = {
    "customer": lambda one: ("customers", ("/v2/customers", {"idempotency_key": "k", **ADA, "note": "second"})),
    "card": lambda one: ("cards", ("/v2/cards", one.saving(one.customer()))),
    "payment": lambda one: ("payments", ("/v2/payments", one.paying(one.buyer(), 500))),
    "hold": lambda one: ("payments", ("/v2/payments", one.paying(one.buyer(), 500, autocomplete=False))),
    "refund": lambda one: (
        "refunds",
        ("/v2/refunds", {"idempotency_key": "k", "payment_id": one.pay(one.buyer(), 500)["id"], "amount_money": usd(200)}),
    ),
}


@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize("what", WRITES)
def test_a_write_is_done_or_not_and_the_same_key_does_it_once(seller: Seller, control: Control, what: str, kind: str) -> None:
    noun, (path, body) = WRITES[what](seller)
    before = len(seller.all(noun))
    control.fault(kind)
    seen = SEEN[kind]
    if isinstance(seen, int):
        assert seller.send("POST", path, body).status_code == seen
    else:
        with pytest.raises(seen):
            seller.send("POST", path, body)
    assert len(seller.all(noun)) == before + FAULTS[kind].committed
    first = seller.done("POST", path, body)
    assert seller.done("POST", path, body) == first
    assert len(seller.all(noun)) == before + 1


@pytest.mark.parametrize(("action", "status"), [("complete", "COMPLETED"), ("cancel", "CANCELED")])
def test_what_has_no_key_is_done_and_says_so_the_second_time(
    seller: Seller, control: Control, action: str, status: str
) -> None:
    held = seller.hold(seller.buyer(), 500)
    control.fault("lost-reply")
    with pytest.raises(httpx.RemoteProtocolError):
        seller.send("POST", f"/v2/payments/{held['id']}/{action}")
    assert seller.payment(held["id"])["status"] == status
    assert seller.refused("POST", f"/v2/payments/{held['id']}/{action}")[0] == 400


def test_a_stale_read(seller: Seller, control: Control) -> None:
    held = seller.hold(seller.buyer(), 500)
    seller.done("POST", f"/v2/payments/{held['id']}/complete")
    control.fault("stale-read")
    assert seller.payment(held["id"])["status"] == "APPROVED"
    assert seller.payment(held["id"])["status"] == "COMPLETED"


@pytest.mark.parametrize(("kind", "seen"), [("repeated-row", [0, 0, 1, 2]), ("skipped-row", [0, 2])])
def test_lists_go_wrong(seller: Seller, control: Control, kind: str, seen: list[int]) -> None:
    buyer = seller.buyer()
    made = [seller.pay(buyer, amount)["id"] for amount in (100, 101, 102)]
    control.fault(kind)
    found = seller.done("GET", "/v2/payments", sort_order="ASC")["payments"]
    assert [one["id"] for one in found] == [made[place] for place in seen]
    customers = {"query": {"filter": {"reference_id": {"exact": ADA["reference_id"]}}}}
    control.fault("torn-page")
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        seller.send("POST", "/v2/customers/search", customers).json()


def test_searches_are_reads(seller: Seller, control: Control) -> None:
    customer = seller.customer()
    control.fault("lost-reply")
    found = seller.done("POST", "/v2/customers/search", {"query": {"filter": {"reference_id": {"exact": "nobody"}}}})
    assert found == {}
    assert seller.done("POST", "/v2/events", {}) == {}
    with pytest.raises(httpx.RemoteProtocolError):
        seller.send("DELETE", f"/v2/customers/{customer}")
