"""Customers and cards on file: made once under a key, found, listed, changed, disabled; each seller has its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cardctl.simulator.control import Control
from tests.simulator.square.client import ADA, OK, Seller


def exact(**filters: str) -> dict[str, object]:
    return {"query": {"filter": {name: {"exact": value} for name, value in filters.items()}}}


def test_a_customer(seller: Seller) -> None:
    made = seller.done("POST", "/v2/customers", {"idempotency_key": "k", **ADA})["customer"]
    assert {name: made[name] for name in ADA} == ADA
    assert made["version"] == 0
    again = seller.done("POST", "/v2/customers", {"idempotency_key": "k", **ADA})["customer"]
    assert again == made
    assert len(seller.all("customers")) == 1
    path = f"/v2/customers/{made['id']}"
    changed = seller.done("PUT", path, {"nickname": "Countess", "given_name": None, "version": 0})["customer"]
    assert (changed["version"], changed["nickname"], "given_name" in changed) == (1, "Countess", False)
    assert seller.refused("PUT", path, {"nickname": "Late", "version": 0})[:2] == (400, "CONFLICT")
    assert seller.done("POST", "/v2/customers/search", exact(reference_id=ADA["reference_id"]))["customers"] == [changed]
    assert seller.done("POST", "/v2/customers/search", exact(reference_id="ada")) == {}
    assert seller.done("DELETE", path) == {}
    assert seller.refused("GET", path) == (404, "NOT_FOUND", None)
    assert seller.all("customers") == []


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({"note": "nobody"}, "BAD_REQUEST", None),
        ({"email_address": "nowhere"}, "INVALID_EMAIL_ADDRESS", "email_address"),
        ({"phone_number": "12"}, "INVALID_PHONE_NUMBER", "phone_number"),
        ({"given_name": "Ada", "reference_id": "x" * 101}, "VALUE_TOO_LONG", "reference_id"),
        ({"given_name": 5}, "EXPECTED_STRING", "given_name"),
        ({"given_name": "Ada", "shoe_size": 38}, "UNKNOWN_BODY_PARAMETER", "shoe_size"),
    ],
)
def test_no_customer(seller: Seller, wish: dict[str, object], code: str, field: str | None) -> None:
    assert seller.refused("POST", "/v2/customers", {"idempotency_key": "k", **wish}) == (400, code, field)
    assert seller.all("customers") == []


def test_a_key_with_another_body_is_refused_and_does_nothing(seller: Seller) -> None:
    seller.done("POST", "/v2/customers", {"idempotency_key": "k", **ADA})
    other = {"idempotency_key": "k", **ADA, "note": "another"}
    assert seller.refused("POST", "/v2/customers", other) == (400, "IDEMPOTENCY_KEY_REUSED", "idempotency_key")
    assert len(seller.all("customers")) == 1


def test_a_card(seller: Seller, control: Control) -> None:
    customer = seller.customer()
    body = seller.saving(customer, reference_id="op_1", cardholder_name="Ada")
    made = seller.done("POST", "/v2/cards", body)["card"]
    assert made["id"].startswith("ccof:")
    assert (made["card_brand"], made["last_4"], made["enabled"], made["version"]) == ("VISA", "1111", True, 1)
    assert made["exp_year"] > control.status()["clock"].year
    assert (made["customer_id"], made["reference_id"]) == (customer, "op_1")
    assert seller.done("POST", "/v2/cards", body)["card"] == made
    assert seller.all("cards", reference_id="op_1") == [made]
    another = seller.shown(seller.card(customer))
    assert another["id"] != made["id"]
    assert another["fingerprint"] == made["fingerprint"], "the same plastic"
    disabled = seller.done("POST", f"/v2/cards/{made['id']}/disable")["card"]
    assert (disabled["enabled"], disabled["version"]) == (False, 2)
    assert seller.done("POST", f"/v2/cards/{made['id']}/disable")["card"] == disabled, "again does nothing"
    assert seller.all("cards") == [another]
    assert seller.all("cards", include_disabled="true") == [disabled, another]


@pytest.mark.parametrize(
    ("nonce", "status", "code"),
    [
        ("cnon:card-nonce-declined", 402, "CARD_DECLINED"),
        ("cnon:card-nonce-rejected-cvv", 402, "VERIFY_CVV_FAILURE"),
        ("cnon:card-nonce-rejected-postalcode", 402, "VERIFY_AVS_FAILURE"),
        ("cnon:card-nonce-rejected-expiration", 402, "INVALID_EXPIRATION"),
        ("cnon:card-nonce-already-used", 400, "SOURCE_USED"),
        ("cnon:made-up", 400, "INVALID_CARD_DATA"),
    ],
)
def test_a_nonce_that_makes_no_card(seller: Seller, nonce: str, status: int, code: str) -> None:
    customer = seller.customer()
    assert seller.refused("POST", "/v2/cards", seller.saving(customer, nonce)) == (status, code, "source_id")
    assert seller.all("cards") == []


def test_a_card_needs_its_customer(seller: Seller, other: Seller) -> None:
    theirs = other.customer()
    assert seller.refused("POST", "/v2/cards", seller.saving(theirs))[1] == "CUSTOMER_NOT_FOUND"
    nobody = {"idempotency_key": "k", "source_id": OK, "card": {}}
    assert seller.refused("POST", "/v2/cards", nobody) == (400, "MISSING_REQUIRED_PARAMETER", "card.customer_id")
    long_key = {**seller.saving(theirs), "idempotency_key": "x" * 46}
    assert seller.refused("POST", "/v2/cards", long_key) == (400, "VALUE_TOO_LONG", "idempotency_key")


def test_the_cards_of_a_deleted_customer_are_disabled(seller: Seller) -> None:
    customer = seller.customer()
    card = seller.card(customer)
    seller.done("DELETE", f"/v2/customers/{customer}")
    assert seller.shown(card)["enabled"] is False


def test_cards_come_in_pages_of_25(seller: Seller) -> None:
    customer = seller.customer()
    made = [seller.card(customer) for _ in range(27)]
    first = seller.done("GET", "/v2/cards", customer_id=customer)
    assert [card["id"] for card in first["cards"]] == made[:25]
    rest = seller.done("GET", "/v2/cards", customer_id=customer, cursor=first["cursor"])
    assert [card["id"] for card in rest["cards"]] == made[25:]
    assert "cursor" not in rest
    assert seller.refused("GET", "/v2/cards", cursor=first["cursor"]) == (400, "INVALID_CURSOR", "cursor")
    assert seller.refused("GET", "/v2/cards", cursor="junk") == (400, "INVALID_CURSOR", "cursor")
    assert seller.refused("GET", "/v2/cards", limit="5") == (400, "UNKNOWN_QUERY_PARAMETER", "limit")
    backwards = seller.all("cards", sort_order="DESC")
    assert [card["id"] for card in backwards] == made[::-1]


def test_sellers_see_nothing_of_one_another(seller: Seller, other: Seller) -> None:
    buyer = seller.buyer()
    paid = seller.pay(buyer, 500)
    for noun, ref in (("customers", buyer["customer_id"]), ("cards", buyer["source_id"]), ("payments", paid["id"])):
        assert other.refused("GET", f"/v2/{noun}/{ref}")[:2] == (404, "NOT_FOUND")
        assert other.all(noun) == []
    assert other.refused("POST", "/v2/payments", other.paying(buyer, 500))[:2] == (404, "NOT_FOUND")
    mine, theirs = (one.done("GET", "/v2/locations")["locations"] for one in (seller, other))
    assert len(mine) == len(theirs) == 1
    assert (mine[0]["id"], mine[0]["merchant_id"]) != (theirs[0]["id"], theirs[0]["merchant_id"])


def test_a_token_that_is_no_more(seller: Seller, control: Control) -> None:
    renewed = {"client_id": "sq0idp-x", "client_secret": "s", "grant_type": "refresh_token", "refresh_token": "EQAA-1"}
    token = seller.done("POST", "/oauth2/token", renewed)
    seller.http.headers["Authorization"] = f"Bearer {token['access_token']}"
    assert seller.done("GET", "/v2/locations")["locations"][0]["merchant_id"] == token["merchant_id"]
    control.advance(timedelta(days=30))
    assert seller.refused("GET", "/v2/locations")[:2] == (401, "ACCESS_TOKEN_EXPIRED")
    again = seller.done("POST", "/oauth2/token", renewed)
    assert again["merchant_id"] == token["merchant_id"]
    seller.http.headers["Authorization"] = f"Bearer {again['access_token']}"
    seller.done("GET", "/v2/locations")
    seller.done("POST", "/oauth2/revoke", {"client_id": "sq0idp-x", "access_token": again["access_token"]})
    assert seller.refused("GET", "/v2/locations")[:2] == (401, "ACCESS_TOKEN_REVOKED")
    del seller.http.headers["Authorization"]
    assert seller.refused("GET", "/v2/locations")[:2] == (401, "UNAUTHORIZED")
