"""What Square tells: which events, in which order, signed so that the official SDK believes them; subscriptions and search."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from cardctl.simulator.control import Control
from cardctl.simulator.delivering import Posted
from tests.simulator.receiving import receiver
from tests.simulator.square.client import Seller, usd

HEADER = "x-square-hmacsha256-signature"
DEFAULT = "http://127.0.0.1:8421/webhooks/square"


def told(control: Control, **how: Any) -> list[Posted]:
    return list(control.deliveries(face="square", **how))


def bodies(control: Control) -> list[dict[str, Any]]:
    return [orjson.loads(one.posting.body) for one in told(control)]


def kinds(control: Control) -> list[str]:
    return [str(body["type"]) for body in bodies(control)]


def proof(key: str, url: str, body: bytes) -> str:
    """As the documentation says it, without the code under test."""
    return b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


def test_a_history(seller: Seller, control: Control) -> None:
    buyer = seller.buyer()
    held = seller.hold(buyer, 5000)
    seller.done("POST", f"/v2/payments/{held['id']}/complete")
    seller.refund(held["id"], 1000)
    seller.done("POST", f"/v2/cards/{buyer['source_id']}/disable")
    seller.done("PUT", f"/v2/customers/{buyer['customer_id']}", {"nickname": "A"})
    seller.done("DELETE", f"/v2/customers/{buyer['customer_id']}")
    found = bodies(control)
    assert [body["type"] for body in found] == [
        "customer.created",
        "card.created",
        "payment.created",
        "payment.updated",
        "refund.created",
        "payment.updated",
        "refund.updated",
        "card.disabled",
        "customer.updated",
        "customer.deleted",
    ]
    payments = [body["data"]["object"]["payment"] for body in found if body["data"]["type"] == "payment"]
    assert [payment["status"] for payment in payments] == ["APPROVED", "COMPLETED", "COMPLETED"]
    assert payments[-1]["refunded_money"] == usd(1000)
    refunds = [body["data"]["object"]["refund"]["status"] for body in found if body["data"]["type"] == "refund"]
    assert refunds == ["PENDING", "COMPLETED"]
    assert found[-1]["data"]["deleted"] is True
    assert len({body["event_id"] for body in found}) == len(found)
    assert len({body["merchant_id"] for body in found}) == 1


def test_a_charge_is_approved_first(seller: Seller, control: Control) -> None:
    seller.pay(seller.buyer(), 500)
    found = [body["data"]["object"]["payment"]["status"] for body in bodies(control) if body["data"]["type"] == "payment"]
    assert found == ["APPROVED", "COMPLETED"]


def test_a_decline_is_told_and_a_refusal_is_not(seller: Seller, control: Control) -> None:
    buyer = seller.buyer("cnon:card-nonce-declines-charge")
    seller.send("POST", "/v2/payments", seller.paying(buyer, 500))
    seller.send("POST", "/v2/payments", seller.paying(buyer, 0))
    assert kinds(control)[2:] == ["payment.created"]
    assert bodies(control)[-1]["data"]["object"]["payment"]["status"] == "FAILED"


def test_a_hold_that_lapses_is_told_whoever_asks_first(seller: Seller, control: Control) -> None:
    held = seller.hold(seller.buyer(), 500)
    control.advance(timedelta(days=8))
    last = bodies(control)[-1]
    assert (last["type"], last["data"]["object"]["payment"]["status"]) == ("payment.updated", "CANCELED")
    assert last["created_at"] == held["delayed_until"]


def test_where_nobody_subscribed_the_default_address_is_signed(seller: Seller, control: Control) -> None:
    from square.utils.webhooks_helper import verify_signature

    seller.customer()
    (one,) = told(control)
    (key,) = control.webhook_secrets()["square.webhook_signature_key"]
    assert one.path == "/webhooks/square"
    assert one.posting.headers[HEADER] == proof(key, DEFAULT, one.posting.body)
    body = one.posting.body.decode()
    asked = {"request_body": body, "signature_header": one.posting.headers[HEADER], "signature_key": key}
    assert verify_signature(**asked, notification_url=DEFAULT)
    assert not verify_signature(**asked, notification_url=f"{DEFAULT}/")
    assert not verify_signature(**{**asked, "request_body": body.replace("Ada", "Eve")}, notification_url=DEFAULT)


def test_forgeries_are_not_believed(seller: Seller, control: Control) -> None:
    seller.pay(seller.buyer(), 500)
    every = told(control, undelivered=False, kinds=("forged",), rate=1.0, seed=3)
    (key,) = control.webhook_secrets()["square.webhook_signature_key"][:1]
    believed = [one.posting.headers[HEADER] == proof(key, DEFAULT, one.posting.body) for one in every]
    assert believed == [not one.forged for one in every]
    assert any(one.forged for one in every)


def subscribe(seller: Seller, url: str, *types: str) -> dict[str, Any]:
    wish = {"name": "mine", "event_types": list(types), "notification_url": url}
    made: dict[str, Any] = seller.done("POST", "/v2/webhooks/subscriptions", {"idempotency_key": "s", "subscription": wish})
    found: dict[str, Any] = made["subscription"]
    return found


def test_a_subscription(seller: Seller, control: Control) -> None:
    url = "http://127.0.0.1:9/hooks"
    made = subscribe(seller, url, "payment.created", "payment.updated")
    path = f"/v2/webhooks/subscriptions/{made['id']}"
    seller.pay(seller.buyer(), 500)
    (address,) = control.registered_urls()["square"]
    posted = list(control.deliveries(face="square", to=address))
    assert [orjson.loads(one.posting.body)["type"] for one in posted] == ["payment.created", "payment.updated"]
    assert all(one.posting.headers[HEADER] == proof(made["signature_key"], url, one.posting.body) for one in posted)
    rotated = seller.done("POST", f"{path}/signature-key", {"idempotency_key": "r"})["signature_key"]
    assert rotated not in ("", made["signature_key"])
    assert seller.done("GET", path)["subscription"]["signature_key"] == rotated
    off = seller.done("PUT", path, {"subscription": {"enabled": False}})["subscription"]
    assert (off["enabled"], control.registered_urls()["square"]) == (False, [])
    assert seller.all("webhooks/subscriptions") == []
    assert seller.done("DELETE", path) == {}
    assert seller.refused("GET", path)[1] == "NOT_FOUND"


def test_a_test_event_is_sent_to_the_address(seller: Seller) -> None:
    heard: list[tuple[str, Mapping[str, str], bytes]] = []

    def answer(target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        heard.append((target, dict(headers.items()), body))
        return 204, b""

    seller.pay(seller.buyer(), 500)
    with receiver(answer) as url:
        made = subscribe(seller, f"{url}/hooks", "payment.updated")
        path = f"/v2/webhooks/subscriptions/{made['id']}/test"
        result = seller.done("POST", path, {"event_type": "payment.updated"})["subscription_test_result"]
        assert seller.refused("POST", path, {"event_type": "card.created"})[1] == "INVALID_VALUE"
    ((target, headers, body),) = heard
    assert (result["status_code"], target) == (204, "/hooks")
    assert headers[HEADER] == proof(made["signature_key"], f"{url}/hooks", body)
    assert orjson.loads(body)["type"] == "payment.updated"


def test_events_are_found_only_from_when_search_was_switched_on(seller: Seller, other: Seller, control: Control) -> None:
    customer = seller.customer()
    assert seller.done("POST", "/v2/events", {}) == {}
    seller.done("PUT", "/v2/events/enable")
    for _ in range(3):
        seller.card(customer)
    other.customer()
    first = seller.done("POST", "/v2/events", {"limit": 2, "query": {"sort": {"field": "DEFAULT", "order": "ASC"}}})
    rest = seller.done(
        "POST",
        "/v2/events",
        {"limit": 2, "cursor": first["cursor"], "query": {"sort": {"field": "DEFAULT", "order": "ASC"}}},
    )
    assert [event["type"] for event in [*first["events"], *rest["events"]]] == ["card.created"] * 3
    assert "cursor" not in rest
    assert first["events"] == [body for body in bodies(control) if body["type"] == "card.created"][:2]
    some = {"query": {"filter": {"event_types": ["payment.created"]}}}
    assert seller.done("POST", "/v2/events", some) == {}
    control.advance(timedelta(days=29))
    assert seller.done("POST", "/v2/events", {}) == {}
    seller.done("PUT", "/v2/events/disable")
    seller.card(customer)
    assert seller.done("POST", "/v2/events", {}) == {}


@pytest.mark.parametrize("kind", ["duplicate", "reordered", "dropped", "late"])
def test_bad_luck_on_the_way(seller: Seller, control: Control, kind: str) -> None:
    seller.pay(seller.buyer(), 500)
    usual = [orjson.loads(one.posting.body)["event_id"] for one in told(control)]
    found = [orjson.loads(one.posting.body)["event_id"] for one in told(control, kinds=(kind,), rate=1.0, seed=1)]
    assert found != usual
