"""The simulator's Strowallet face against the table of shapes: every reply of every endpoint, and every shape at least once."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.simulator import arming
from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.strowallet.face import ENDPOINTS
from cardctl.simulator.strowallet import counter
from tests.conformance.strowallet_shapes import REFUSALS, ROW, SHAPES, strays
from tests.simulator.strowallet.client import ADA, KEY, NFC_ADA, NFC_KEY, OLD_NFC_ADA, Client, Nfc, Virtual, parsed


def check(reply: httpx.Response, name: str, seen: set[tuple[str, int]]) -> None:
    """The reply has one of the shapes that its endpoint has; which one is noted."""
    if reply.headers["Content-Type"].startswith("text/html"):
        assert reply.status_code in (301, 404, 405, 414, 500)
        assert reply.content.startswith(b"<!DOCTYPE html>")
        return
    assert reply.status_code in (200, 400, 401, 422, 429), reply.status_code
    shapes = SHAPES[name] if reply.status_code == 200 else REFUSALS
    found = [strays(shape, parsed(reply)) for shape in shapes]
    assert [] in found, (name, found)
    seen.add((name if reply.status_code == 200 else "", found.index([])))


def named(request: httpx.Request) -> str:
    name = request.url.path.removeprefix("/api/").rstrip("/")
    return "wallet/balance/{currency}" if name.startswith("wallet/balance/") else name


class Witness:
    """Checks every reply that its clients get."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, int]] = set()
        self.visited: set[tuple[str, str]] = set()

    def watch(self, client: Client) -> None:
        client.http.event_hooks["response"] = [self._look]

    def _look(self, reply: httpx.Response) -> None:
        reply.read()
        name = named(reply.request)
        self.visited.add((reply.request.method, name))
        check(reply, name, self.seen)


def product_a(one: Virtual, far_side: FarSide) -> None:
    person = one.customer()
    other = one.customer("eve@example.test")
    for ref in (person, other):
        one.done("GET", "bitvcard/getcardholder/", customerId=ref)
        one.done("PUT", "bitvcard/updateCardCustomer/", customerId=ref, city="Abuja")
    upgrade = {"cardUserId": "1", "firstName": "Ada", "lastName": "Obi", "dateOfBirth": "01/15/1990", "line1": "1 Test Rd"}
    one.done("PUT", "bitvcard/upgradecardlimit/", customerId=person, **upgrade)
    gift = {"name_on_card": "Ada", "amount": "5", "customerEmail": ADA["customerEmail"]}
    one.done("POST", "bitvcard/create-giftcard/", **gift)
    for _ in range(2):
        card = one.new_card("50")
        assert one.rows(card) == []
        one.fund(card, "20")
        with far_side.transaction() as desk:
            counter.delay_next(desk, 1)
        for amount in ("1", "2"):
            reference = find(parsed(one.withdraw(card, amount)), "reference")
            one.done("GET", "bitvcard/getcard_withdrawstatus/", reference=reference)
            one.done("POST", "bitvcard/getcard_withdrawstatus/", reference=reference)
        with far_side.transaction() as desk:
            counter.swipe(desk, card, 500, {"name": "EXAMPLE SHOP"}, hold=False)
            counter.swipe(desk, card, 500, {"name": "EXAMPLE SHOP"}, hold=True)
            counter.swipe(desk, card, 500_00, {"name": "EXAMPLE SHOP"}, hold=False)
        assert len(one.rows(card)) == 7
        one.done("GET", "apicard-transactions/", card_id=card, page=1, take=50)
        one.detail(card)
        one.act(card, "freeze")
        one.detail(card)
        one.act(card, "unfreeze")
    one.float()
    one.http.get("exchange-rate/USD/NGN")


def product_b(one: Nfc) -> None:
    person = one.customer()
    one.done("GET", "bitvcard/cardkycstatus", email=NFC_ADA["email"])
    for _ in range(2):
        card = one.new_card(person, "50")
        one.done("GET", "bitvcard/nfc-card-transactions", card_id=card)
        one.move(card, "5", "fund")
        one.move(card, "5", "withdraw")
        one.detail(card)
        one.done("GET", "bitvcard/nfc-card-transactions", card_id=card)
        one.done("GET", "bitvcard/freezeactivate-nfc", card_id=card, status="frozen")
        one.done("POST", "bitvcard/nfc-cards/status", card_id=card, status="active")
    one.float()
    one.send("GET", "bitvcard/fetch-nfccard-detail", card_id=card, mode="sandbox")


def refusals(one: Virtual, far_side: FarSide) -> None:
    card = one.new_card("50")
    one.send("POST", "bitvcard/create-user/")
    one.send("POST", "bitvcard/create-user/", **ADA)
    one.fund(card, "x")
    one.fund("none", "5")
    one.withdraw(card, "500")
    one.withdraw(card, "x")
    one.act(card, "melt")
    one.act("none", "freeze")
    wish = {"name_on_card": "Ada", "card_type": "visa", "amount": "5", "customerEmail": "none@example.test"}
    for name in ("create-card", "create-giftcard"):
        one.send("POST", f"bitvcard/{name}/", **wish)
    one.send("GET", "wallet/balance/X/")
    one.send("POST", "nowhere/")
    one.send("POST", "bitvcard/fund-card")
    for kind in ("401", "429", "500", "500-after-commit", "500-saved"):
        arming.arm(far_side, kind)
        one.fund(card, "5")
    with far_side.transaction() as desk:
        counter.terminate(desk, card)
    one.detail(card)
    one.fund(card, "5")
    one.act(card, "unfreeze")
    one.key = NFC_KEY
    one.fund(card, "5")
    one.key = KEY


def find(answer: Any, name: str) -> str:
    """The first field of that name, however deep."""
    return str(re.findall(rf"'{name}': '([^']+)'", str(answer))[0])


def test_every_reply_has_a_shape_that_was_seen_and_every_shape_is_given(tmp_path: Path) -> None:
    path, witness = tmp_path / "simulator.db", Witness()
    far_side = FarSide(path)
    with Virtual(path) as one, Nfc(path) as other, Client(path) as old:
        for client in (one, other, old):
            witness.watch(client)
        product_a(one, far_side)
        product_b(other)
        old.done("POST", "bitvcard/create-nfc-card/", **OLD_NFC_ADA)
        refusals(one, far_side)
    far_side.close()
    assert {(endpoint.method, endpoint.name) for endpoint in ENDPOINTS} <= witness.visited
    given = {(name, place) for name, shapes in SHAPES.items() for place in range(len(shapes))}
    assert given | {("", place) for place in range(len(REFUSALS))} == witness.seen


@pytest.mark.parametrize(
    ("changes", "stray"),
    [
        ({"amount": "-25"}, ".amount is '-25'"),
        ({"amount": Decimal("0.001")}, ".amount is Decimal('0.001')"),
        ({"status": "done"}, ".status is 'done'"),
        ({"colour": "red"}, ".colour is not known"),
        ({"createdAt": "yesterday"}, ".createdAt is 'yesterday'"),
    ],
)
def test_the_table_finds_what_is_wrong(changes: dict[str, Any], stray: str) -> None:
    row = {
        **dict.fromkeys(("id", "cardId", "narrative", "reference"), "x"),
        "amount": "-25.00",
        "centAmount": "-2500",
        "type": "debit",
        "currency": "usd",
        "createdAt": "2025-01-15T10:30:00.000Z",
        "status": "success",
    }
    assert strays(ROW, row) == []
    assert strays(ROW, row | changes) == [stray]
    assert strays(ROW, {name: value for name, value in row.items() if name != "id"}) == [".id is missing"]
    assert strays({"success": "success"}, {"success": True}) == [".success is True, not 'success'"]
    assert strays({"success": True}, {"success": "success"}) == [".success is 'success', not True"]
    assert strays({"data": {}}, {"data": []}) == [".data is no object"]
