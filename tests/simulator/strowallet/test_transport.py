"""Slashes, hosts, keys, where parameters may stand, and what the web server answers by itself."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.strowallet import StrowalletFace
from tests.simulator.strowallet.client import ADA, KEY, NFC_ADA, NFC_KEY, OLD_NFC_ADA, Client, Nfc, Virtual, parsed


def is_page(reply: httpx.Response, status: int) -> bool:
    return reply.status_code == status and reply.headers["Content-Type"].startswith("text/html") and b"<html>" in reply.content


def test_strowallet_wants_a_slash_and_a_followed_post_is_an_empty_get(virtual: Virtual) -> None:
    body = {"public_key": KEY, **ADA}
    reply = virtual.http.post("bitvcard/create-user", json=body)
    assert is_page(reply, 301)
    assert str(reply.next_request and reply.next_request.url) == "https://strowallet.com/api/bitvcard/create-user/"
    assert is_page(virtual.http.post("bitvcard/create-user", json=body, follow_redirects=True), 405)
    assert (
        virtual.send("GET", "bitvcard/getcardholder/", customerEmail=ADA["customerEmail"]).status_code == 400
    )  # nothing was made
    balance = virtual.http.get("wallet/balance/USD", params={"public_key": KEY}, follow_redirects=True)
    assert parsed(balance) == {"balance": "10000000.00"}


def test_ziiropay_wants_none(nfc: Nfc) -> None:
    reply = nfc.send("POST", "bitvcard/cardkyc/", **NFC_ADA)
    assert is_page(reply, 301)
    assert str(reply.next_request and reply.next_request.url) == "https://ziiropay.com/api/bitvcard/cardkyc"
    assert nfc.send("GET", "bitvcard/cardkycstatus", email=NFC_ADA["email"]).status_code == 400
    assert nfc.float() == Decimal("10000000.00")


@pytest.mark.parametrize(
    ("method", "name", "status"),
    [
        ("POST", "bitvcard/create-customer/", 404),
        ("GET", "nowhere/", 404),
        ("GET", "../nowhere/", 404),
        ("GET", "bitvcard/create-card/", 405),
        ("GET", "bitvcard/fetch-card-detail/", 405),
        ("POST", "bitvcard/updateCardCustomer/", 405),
        ("POST", "bitvcard/cardkyc/", 405),
    ],
)
def test_wrong_paths_and_methods_get_a_page(virtual: Virtual, method: str, name: str, status: int) -> None:
    assert is_page(virtual.send(method, name), status)


def test_the_virtual_names_are_unknown_at_ziiropay(nfc: Nfc) -> None:
    assert is_page(nfc.send("POST", "bitvcard/create-card"), 404)
    assert is_page(nfc.send("GET", "bitvcard/cardkyc"), 405)


def test_a_large_image_in_the_query_is_too_long(virtual: Virtual) -> None:
    assert is_page(virtual.http.post("bitvcard/create-user/", params={"public_key": KEY, **ADA, "idImage": "A" * 9000}), 414)


@pytest.mark.parametrize("key", ["", "pub_", "sk_live_1", NFC_KEY, "Bearer pub_1", 5, None, ["pub_1"], "pub_1 x", "simulators"])
def test_strowallet_refuses_what_is_no_key_of_its_own(virtual: Virtual, key: Any) -> None:
    virtual.key = key
    reply = virtual.send("POST", "bitvcard/create-user/", **ADA)
    assert (reply.status_code, parsed(reply)) == (401, {"success": False, "message": "Invalid public key."})


@pytest.mark.parametrize("key", [KEY, "", "0" * 39, "0" * 41, "g" * 40, "sk_live_1"])
def test_ziiropay_refuses_what_is_no_key_of_its_own(path: Path, key: str) -> None:
    with Nfc(path, key) as one:
        reply = one.send("POST", "bitvcard/cardkyc", **NFC_ADA)
    assert (reply.status_code, parsed(reply)) == (401, {"success": False, "message": "Invalid public key."})


@pytest.mark.parametrize("key", ["simulator", "pub_test_1", "sk_test_1"])
def test_a_made_up_key_opens_both_products(path: Path, key: str) -> None:
    with Virtual(path, key=key) as one, Nfc(path, key) as other:
        assert one.balance(one.card("3")) == other.balance(other.card("3")) == 3


def test_the_header_is_no_key(virtual: Virtual) -> None:
    reply = virtual.http.get("wallet/balance/USD/", headers={"Authorization": f"Bearer {KEY}", "x-api-key": KEY})
    assert reply.status_code == 401


@pytest.mark.parametrize("where", ["json", "data", "params"])
def test_parameters_may_stand_in_json_form_or_query(virtual: Virtual, where: str) -> None:
    def post(name: str, **sent: str) -> dict[str, Any]:
        arguments: dict[str, Any] = {where: {"public_key": KEY, **sent}}
        reply = virtual.http.post(name, **arguments)
        assert reply.status_code == 200, reply.text
        return parsed(reply)

    post("bitvcard/create-user/", **ADA)
    wish = {"name_on_card": "Ada Obi", "card_type": "visa", "amount": "7.50", "customerEmail": ADA["customerEmail"]}
    card = post("bitvcard/create-card/", **wish)["response"]["card_id"]
    post("bitvcard/fund-card/", card_id=card, amount="2.25")
    post("bitvcard/card_withdraw/", card_id=card, amount="1.00")
    post("bitvcard/action/status/", card_id=card, action="freeze")
    assert Decimal(post("bitvcard/fetch-card-detail/", card_id=card)["response"]["card_detail"]["balance"]) == Decimal("8.75")


def test_query_and_body_go_together_and_the_body_wins(virtual: Virtual) -> None:
    card = virtual.card("5")
    name = "bitvcard/fund-card/"
    assert virtual.http.post(
        name, params={"public_key": KEY, "amount": "900"}, json={"card_id": card, "amount": "2"}
    ).is_success
    assert virtual.balance(card) == 7


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"null", b'"x"', b"\xff", b"[" * 100_000, b'{"amount": "\\ud800"}', b'{"amount": 5}}']
)
def test_a_body_that_cannot_be_read_is_no_body(virtual: Virtual, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        reply = virtual.http.post("bitvcard/fund-card/", content=body, headers={"Content-Type": kind})
        assert reply.status_code == 401
    card = virtual.card("5")
    query = {"public_key": KEY, "card_id": card}
    reply = virtual.http.post("bitvcard/fund-card/", params=query, content=body, headers={"Content-Type": "application/json"})
    assert parsed(reply)["errors"] == {"amount": ["The amount field is required."]}
    assert virtual.balance(card) == 5


@pytest.mark.parametrize(
    "amount",
    ["0", "-1", "0.00", "1.001", "1e3", "NaN", "Infinity", "", "five", "1,000", "٣", "9" * 21, "1_0", True, [5], {"a": 1}],
)
def test_amounts_that_are_none(virtual: Virtual, amount: Any) -> None:
    card, before = virtual.card("5"), virtual.float()
    for name in ("bitvcard/fund-card/", "bitvcard/card_withdraw/"):
        reply = virtual.send("POST", name, card_id=card, amount=amount)
        assert "amount" in parsed(reply)["errors"]
    assert (virtual.balance(card), virtual.float()) == (Decimal(5), before)


@pytest.mark.parametrize("written", ["7", '"7"', "7.00", '"7.0"', "7.000"])
def test_amounts_are_read_as_they_are_written(virtual: Virtual, written: str) -> None:
    card = virtual.card("5")
    body = f'{{"public_key": "{KEY}", "card_id": "{card}", "amount": {written}}}'
    reply = virtual.http.post("bitvcard/fund-card/", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 200
    assert virtual.balance(card) == 12


def test_mode_is_taken_where_it_is_documented_and_nowhere_at_nfc(virtual: Virtual, nfc: Nfc) -> None:
    virtual.customer()
    wish = {"name_on_card": "Ada", "card_type": "visa", "amount": "5", "customerEmail": ADA["customerEmail"], "mode": "sandbox"}
    card = virtual.done("POST", "bitvcard/create-card/", **wish)["response"]["card_id"]
    for name in ("fetch-card-detail", "card-transactions", "fund-card", "action/status", "card_withdraw"):
        virtual.done("POST", f"bitvcard/{name}/", card_id=card, mode="sandbox", amount="1", action="freeze")
    wrong = virtual.send("POST", "bitvcard/fund-card/", card_id=card, amount="1", mode="test")
    assert (wrong.status_code, parsed(wrong)["errors"]) == (422, {"mode": ["The selected mode is invalid."]})
    other = nfc.card("5")
    calls: list[tuple[str, str, dict[str, str]]] = [
        ("POST", "cardkyc", NFC_ADA),
        ("POST", "create-nfc-card", {"customer_id": "x", "name": "x", "amount": "5"}),
        ("GET", "fetch-nfccard-detail", {}),
        ("POST", "fund-withdraw-nfccard", {"amount": "1", "type": "fund"}),
        ("GET", "freezeactivate-nfc", {"status": "frozen"}),
    ]
    for method, name, more in calls:
        reply = nfc.send(method, f"bitvcard/{name}", **{"card_id": other, "mode": "sandbox", **more})
        assert (reply.status_code, parsed(reply)) == (422, {"errors": {"mode": ["The selected mode is invalid."]}})
    assert nfc.balance(other) == 5


def test_the_older_names_work_at_strowallet_with_either_key_in_a_world_of_their_own(
    path: Path, virtual: Virtual, nfc: Nfc
) -> None:
    cards = []
    for key in (KEY, NFC_KEY):
        with Client(path, key=key) as one:
            made = one.done("POST", "bitvcard/create-nfc-card/", **OLD_NFC_ADA)["data"]["card_id"]
            detail = one.done("GET", "bitvcard/fetch-nfccard-detail/", card_id=made)["response"]["card_detail"]
            one.done("POST", "bitvcard/nfc-cards/status/", card_id=made, status="frozen")
        assert Decimal(detail["balance"]) == 5
        cards.append((made, detail["customer_id"]))
    assert cards[0][0] != cards[1][0]
    assert cards[0][1] == cards[1][1]  # one person
    strange = nfc.send("GET", "bitvcard/fetch-nfccard-detail", card_id=cards[0][0])
    assert (strange.status_code, parsed(strange)["message"]) == (400, "Card not found")
    strange = virtual.send("POST", "bitvcard/fetch-card-detail/", card_id=nfc.card())
    assert (strange.status_code, parsed(strange)["message"]) == (400, "Card not found")


def test_what_writes_is_known_by_name(far_side: FarSide) -> None:
    face = StrowalletFace(far_side)
    reads = ["POST fetch-card-detail", "POST card-transactions", "GET getcardholder", "POST getcard_withdrawstatus"]
    reads += ["GET fetch-nfccard-detail", "GET nfc-card-transactions", "GET cardkycstatus", "GET create-card", "POST nowhere"]
    writes = ["POST create-user", "PUT updateCardCustomer", "POST create-card", "POST fund-card", "POST card_withdraw"]
    writes += ["POST action/status", "PUT upgradecardlimit", "POST create-giftcard", "POST cardkyc", "POST create-nfc-card"]
    writes += ["POST fund-withdraw-nfccard", "POST nfc-cards/status", "GET freezeactivate-nfc"]
    for wanted, calls in ((False, reads), (True, writes)):
        for method, name in (call.split(" ") for call in calls):
            for path in (f"/api/bitvcard/{name}", f"/api/bitvcard/{name}/"):
                assert face.writes(method, path) is wanted, path
    for path in ("/api/wallet/balance/USD/", "/api/apicard-transactions/", "/api/exchange-rate/USD/NGN", "/v1/x"):
        assert not face.writes("GET", path)


def test_balances_print_exact_numbers(virtual: Virtual) -> None:
    virtual.customer()
    printed = []
    for amount in ("0.10", "100", "9007199.53", "12.50"):
        reply = virtual.send("POST", "bitvcard/fetch-card-detail/", card_id=virtual.new_card(amount))
        printed.append(json.loads(reply.content, parse_float=str, parse_int=str)["response"]["card_detail"]["balance"])
    assert printed in (["0.10", "100", "9007199.53", "12.5"], ["0.1", "100.00", "9007199.53", "12.50"])
