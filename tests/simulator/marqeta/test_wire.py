"""What Marqeta does to every request: credentials, errors, JSON, pages, sorting, fields."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.control import Control
from tests.simulator.marqeta.stranger import SANDBOX, Stranger, read, refusal


def test_any_two_tokens_open_and_nothing_else(one: Stranger) -> None:
    assert one.http.get("/users", auth=("a", "b")).status_code == 200
    for user, password in (("", "b"), ("a", ""), ("", "")):
        refusal(one.http.get("/users", auth=(user, password)), 401)
    for header in ("", "Bearer abc", "Basic ???", "Basic YQ=="):
        refusal(
            httpx.Client(transport=one.http._transport).get(f"{one.http.base_url}users", headers={"Authorization": header}), 401
        )


def test_an_empty_body_is_a_server_error_and_a_blank_field_is_not(one: Stranger) -> None:
    for body in (b"", b"  "):
        error = refusal(one.http.post("/cards", content=body), 500)
        assert error["error_message"] == "Internal server error"
    for wish in ({}, {"user_token": "", "card_product_token": ""}):
        assert "Invalid input(s)" in one.refused("/cards", wish)["error_message"]
    assert (
        "Invalid input(s)"
        in one.refused("/simulate/authorization", {"card_token": "", "amount": 1, "mid": ""})["error_message"]
    )


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"nonsense",
        b"\xff",
        b'{"first_name": NaN}',
        b'{"first_name": 5}',
        b'{"first_name": "\\ud800"}',
        b"[" * 100_000,
        b'{"gender": "female"}',
        b'{"identifications": [{"type": "BINESS_TAX_ID", "value": "1"}]}',
        b'{"colour": "red"}',
    ],
)
def test_malformed_json_and_unknown_words(one: Stranger, body: bytes) -> None:
    error = refusal(one.http.post("/users", content=body), 400)
    assert (error["error_code"], error["error_message"][:30]) == ("400037", "Malformed JSON request receive")
    assert one.listed("/users") == []


def test_paths_and_methods_that_are_not_there(one: Stranger) -> None:
    refusal(one.get("/nowhere"), 404)
    refusal(one.http.get("https://sandbox-api.marqeta.com/users"), 404)
    refusal(one.http.put("/ping", json={}), 405)
    refusal(one.http.delete("/users"), 405)
    assert refusal(one.get("/users/none"), 404)["error_code"] == "404004"


def test_pages(one: Stranger) -> None:
    assert one.seen("/users") == {"data": []}
    tokens = [one.user(token=f"u{number:02d}") for number in range(12)]
    first = one.seen("/users", sort_by="createdTime")
    assert [user["token"] for user in first["data"]] == tokens[:5]
    assert {name: value for name, value in first.items() if name != "data"} == {
        "count": 5,
        "start_index": 0,
        "end_index": 4,
        "is_more": True,
    }
    last = one.seen("/users", sort_by="createdTime", start_index=10, count=100)
    assert [user["token"] for user in last["data"]] == tokens[10:]
    assert (last["count"], last["end_index"], last["is_more"]) == (2, 11, False)
    assert one.seen("/users", start_index=12) == {"data": []}
    assert [user["token"] for user in one.listed("/users", count=100)] == tokens[::-1]


def test_a_walk_is_by_places_whoever_writes_meanwhile(one: Stranger, path: Path) -> None:
    """What is new moves everything by a place, so a page repeats what the one before it ended with."""
    for number in range(8):
        one.user(token=f"u{number}")

    def page(start: int) -> list[str]:
        found = one.listed("/users", sort_by="-createdTime", count=3, start_index=start)
        return [str(user["token"]) for user in found]

    assert [page(0), page(3), page(6)] == [["u7", "u6", "u5"], ["u4", "u3", "u2"], ["u1", "u0"]]
    assert page(0) == ["u7", "u6", "u5"]
    one.user(token="u8")
    assert page(3) == ["u5", "u4", "u3"]
    with Stranger(path) as other:
        other.user(token="u9")
    assert page(6) == ["u3", "u2", "u1"]
    assert page(4) == ["u5", "u4", "u3"]


def test_a_change_comes_first_by_default(one: Stranger, far_side: FarSide) -> None:
    tokens = [one.user() for _ in range(3)]
    far_side.advance(5)
    one.changed(f"/users/{tokens[0]}", {"notes": "n"})
    assert [user["token"] for user in one.listed("/users")] == [tokens[0], tokens[2], tokens[1]]
    assert [user["token"] for user in one.listed("/users", sort_by="-createdTime")] == tokens[::-1]
    assert [user["token"] for user in one.listed("/users", sort_by="lastModifiedTime")] == [tokens[1], tokens[2], tokens[0]]


def test_pages_that_nobody_can_have(one: Stranger) -> None:
    refusal(one.get("/users", count=101), 413)
    for query in ({"count": 0}, {"count": "x"}, {"start_index": -1}, {"sort_by": "last_modified_time"}, {"page": 2}):
        refusal(one.get("/users", **query), 400)


def test_fields_are_picked(one: Stranger) -> None:
    user = one.user(email="ada@example.com")
    assert one.seen(f"/users/{user}", fields="token,email") == {"token": user, "email": "ada@example.com"}
    assert one.listed("/users", fields="token") == [{"token": user}]
    assert "status" in one.seen(f"/users/{user}", fields="")


def test_amounts_are_exact_numbers(one: Stranger) -> None:
    user = one.user()
    one.load(user, 0.1)
    reply = one.http.post(
        "/gpaorders",
        content=b'{"user_token":"%s","amount":20.20,"currency_code":"USD",'
        b'"funding_source_token":"sandbox_program_funding"}' % user.encode(),
    )
    assert b'"amount":20.20' in reply.content
    assert b'"ledger_balance":20.30' in one.get(f"/balances/{user}").content
    for amount in ('"5"', "true", "0.001", "1e-3", "-5", "0", "1e30", "1E999999999", "NaN"):
        body = f'{{"user_token":"{user}","amount":{amount},"currency_code":"USD","funding_source_token":"{SANDBOX}"}}'
        assert one.http.post("/gpaorders", content=body.encode()).status_code == 400, amount
    assert b'"ledger_balance":20.30' in one.get(f"/balances/{user}").content


def test_ping(one: Stranger) -> None:
    assert one.seen("/ping")["success"] is True
    reply = one.post("/ping", {"token": "t", "payload": "p"})
    assert (reply.status_code, reply.json()) == (200, {"success": True, "id": "t", "payload": "p"})


def test_front_ends(one: Stranger, control: Control) -> None:
    control.fault("429")
    refusal(one.post("/users", {}), 429)
    control.fault("500")
    reply = one.post("/users", {})
    assert (reply.status_code, reply.headers["Content-Type"]) == (500, "text/html")
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    control.fault("500")
    assert read(one.post("/users/lookup", {})) == {"data": []}  # a read by POST meets no fault
    assert one.post("/users", {}).status_code == 500


def test_wallet_requests(one: Stranger) -> None:
    card = one.card(one.user(first_name="Ada", city="Oakland"))
    phone = {"card_token": card, "device_type": "MOBILE_PHONE", "provisioning_app_version": "1"}
    apple = {**phone, "certificates": ["bGVhZg==", "Y2E="], "nonce": "n", "nonce_signature": "s"}
    google = {**phone, "device_id": "d", "wallet_account_id": "w"}
    path = "/digitalwalletprovisionrequests"
    assert one.done(f"{path}/applepay", apple)["activation_data"] != one.done(f"{path}/applepay", apple)["activation_data"]
    pushed = one.done(f"{path}/androidpay", google)["push_tokenize_request_data"]
    assert pushed["last_digits"] == one.seen(f"/cards/{card}")["last_four"]
    assert pushed["user_address"] == {"name": "Ada Lovelace", "city": "Oakland"}
    one.refused(f"{path}/applepay", phone)
    one.refused(f"{path}/androidpay", {**google, "card_token": "none"}, 404)


def test_a_stale_page_leaves_no_mark(one: Stranger, control: Control) -> None:
    for number in range(8):
        one.user(token=f"u{number}")

    def page(start: int) -> list[str]:
        found = one.listed("/users", sort_by="-createdTime", count=3, start_index=start)
        return [str(user["token"]) for user in found]

    control.fault("stale-read")
    assert page(0) == ["u6", "u5", "u4"]
    assert page(3) == ["u4", "u3", "u2"]
