"""The simulator's Square face against the official description: what it takes, and every reply of every state it knows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from cardctl.simulator.control import Control
from cardctl.simulator.faces.square.face import ENDPOINTS
from cardctl.simulator.faces.square.parameters import Fields
from cardctl.simulator.square import words
from cardctl.simulator.square.subscriptions import TYPES
from tests.conformance.openapi import Nonconforming, check_response, load, operation
from tests.simulator.square.client import Seller, usd

SPEC, EXAMPLES = "square-2025-08-20", "square-webhook-examples"

BEYOND = ("/v2/customers/search", "/v2/customers/{customer_id}/cards", "/v2/events", "/oauth2")
"""What the description at hand lacks: it is a part of the whole."""

NEWER = {"version"}
"""Fields of examples that the schemas lack: a refund's version."""


def described(path: str) -> bool:
    return not path.startswith(BEYOND) and not path.endswith("}/cards")


class Witness(Seller):
    """Every answer is checked as it comes; `visited` are the operations that were seen."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.visited: set[str] = set()

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        reply = super().send(method, path, body, **query)
        spec = load(SPEC)
        if reply.status_code != 200:
            check_errors(reply.json())
        elif described(path) and (not path.startswith("/v2/customers/") or path.count("/") == 3):
            self.visited.add(operation(spec, method, path)["operationId"])
            check_response(spec, method, path, 200, reply.content)
        return reply


def check_errors(answer: dict[str, Any]) -> None:
    spec = load(SPEC)
    known = {one["name"]: one["error-category"] for one in spec["components"]["schemas"]["ErrorCode"]["x-enum-elements"]}
    assert answer["errors"]
    for error in answer["errors"]:
        assert set(error) <= {"category", "code", "detail", "field"}
        assert error["category"] == known[error["code"]], error


def story(one: Seller, control: Control) -> None:
    """Every endpoint that is described, and every state of a payment, a refund, a card and a dispute."""
    customer = one.customer(
        given_name="Ada", email_address="ada@example.test", birthday="1815-12-10", address={"country": "GB"}
    )
    one.done("PUT", f"/v2/customers/{customer}", {"nickname": "A", "version": 0})
    one.done("GET", f"/v2/customers/{customer}")
    one.all("customers", count="true")
    buyer = {
        "source_id": one.card(customer, cardholder_name="Ada", billing_address={"postal_code": "94103"}),
        "customer_id": customer,
    }
    one.shown(buyer["source_id"])
    one.all("cards")
    paid = one.pay(buyer, 500, tip_money=usd(50), reference_id="i", note="n", buyer_email_address="ada@example.test")
    one.refund(paid["id"], 100, reason="late")
    control.fault("delayed-refund")
    waits = one.refund(paid["id"], 100)
    one.done("GET", f"/v2/refunds/{waits['id']}")
    one.all("refunds")
    held = one.hold(buyer, 700)
    change = {"idempotency_key": "u", "payment": {"amount_money": usd(600), "version_token": held["version_token"]}}
    one.done("PUT", f"/v2/payments/{held['id']}", change)
    one.done("POST", f"/v2/payments/{held['id']}/complete", {})
    assert one.payment(held["id"])["status"] == "COMPLETED"
    one.done("POST", f"/v2/payments/{one.hold(buyer, 5)['id']}/cancel")
    one.done("POST", "/v2/payments/cancel", {"idempotency_key": "never"})
    one.hold(buyer, 7)
    one.send("POST", "/v2/payments", one.paying(one.buyer("cnon:card-nonce-declines-charge"), 5))
    one.pay({"source_id": "CASH"}, 5, cash_details={"buyer_supplied_money": usd(5)})
    control.advance(timedelta(days=8))
    assert {payment["status"] for payment in one.all("payments")} == {"COMPLETED", "CANCELED", "FAILED"}
    control.edit(buyer["source_id"], {"issuer_alert": "ISSUER_ALERT_CARD_CLOSED"})
    one.shown(buyer["source_id"])
    one.done("POST", f"/v2/cards/{buyer['source_id']}/disable")
    dispute = control.dispute(paid["id"])
    one.all("disputes")
    one.done("GET", f"/v2/disputes/{dispute}")
    one.done("POST", f"/v2/disputes/{dispute}/accept")
    (location,) = one.done("GET", "/v2/locations")["locations"]
    one.done("GET", f"/v2/locations/{location['id']}")
    wish = {"name": "mine", "event_types": list(TYPES), "notification_url": "http://127.0.0.1:9/"}
    made = one.done("POST", "/v2/webhooks/subscriptions", {"idempotency_key": "w", "subscription": wish})["subscription"]
    path = f"/v2/webhooks/subscriptions/{made['id']}"
    one.done("GET", path)
    one.all("webhooks/subscriptions")
    one.done("GET", "/v2/webhooks/event-types")
    one.done("PUT", path, {"subscription": {"name": "ours"}})
    one.done("POST", f"{path}/signature-key", {"idempotency_key": "r"})
    one.done("POST", f"{path}/test", {"event_type": "payment.updated"})
    one.done("DELETE", path)
    one.done("DELETE", f"/v2/customers/{customer}")
    for method, gone in (("GET", f"/v2/customers/{customer}"), ("GET", "/v2/nothing"), ("PATCH", "/v2/cards")):
        assert one.send(method, gone).status_code in (404, 405)


def test_every_answer_is_as_described_and_every_endpoint_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "simulator.db"
    control = Control(path)
    with Witness(path) as one:
        story(one, control)
    control.close()
    spec = load(SPEC)
    served = {operation(spec, each.method, each.path)["operationId"] for each in ENDPOINTS if described(each.path)}
    assert served == one.visited


def properties(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return properties(load(SPEC)["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    found: dict[str, Any] = schema.get("properties", {})
    return found


def strays(table: Fields, schema: dict[str, Any], where: str) -> list[str]:
    known = properties(schema)
    found = [f"{where}{name}" for name in table.kinds if name not in known]
    for name, kind in table.kinds.items():
        if isinstance(kind, Fields) and name in known:
            found += strays(kind, known[name], f"{where}{name}.")
    return found


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if described(one.path)], ids=lambda one: f"{one.method} {one.path}"
)
def test_what_is_taken_is_described(endpoint: Any) -> None:
    found = operation(load(SPEC), endpoint.method, endpoint.path)
    assert set(endpoint.query) <= {one["name"] for one in found["parameters"] if one["in"] == "query"}
    if endpoint.body is None:
        assert "requestBody" not in found, "it has a body"
        return
    schema = found["requestBody"]["content"]["application/json"]["schema"]
    assert strays(endpoint.body, schema, "") == []


def test_codes_have_the_categories_that_are_described() -> None:
    known = {one["name"]: one["error-category"] for one in load(SPEC)["components"]["schemas"]["ErrorCode"]["x-enum-elements"]}
    assert {code: known[code] for code in words.CATEGORIES} == words.CATEGORIES
    assert set(words.DISPUTE_REASONS) == set(load(SPEC)["components"]["schemas"]["DisputeReason"]["enum"])


def shape(value: Any) -> Any:
    """Names, and the kind of what stands there."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value).__name__


def lacking(example: Any, told: Any, where: str = "") -> list[str]:
    """What an official example has and the simulator's event has not, or has of another kind."""
    if isinstance(example, dict) and isinstance(told, dict):
        return [
            stray
            for name, inner in example.items()
            for stray in ([f"{where}{name}"] if name not in told else lacking(inner, told[name], f"{where}{name}."))
        ]
    return [] if isinstance(told, dict) == isinstance(example, dict) and example == told else [where.rstrip(".")]


ELSEWHERE = {
    "billing_address", "cardholder_name", "reference_id", "address", "birthday", "email_address", "family_name", "group_ids",
    "phone_number", "risk_evaluation", "processing_fee", "location_id",
}  # fmt: skip
"""What an example has because somebody gave it, or another part of Square makes it."""


def beyond(paths: list[str]) -> list[str]:
    return [path for path in paths if not ELSEWHERE & set(path.split("."))]


def test_events_have_the_shape_of_the_official_examples(tmp_path: Path) -> None:
    examples = load(EXAMPLES)
    control = Control(tmp_path / "simulator.db")
    with Seller(tmp_path / "simulator.db") as one:
        story(one, control)
        card = one.card(one.customer())
        for fields in ({"exp_year": "2044"}, {"reference_id": "x"}, {"forgotten": "true"}):
            control.edit(card, fields, tell=True)
    events: dict[str, list[dict[str, Any]]] = {}
    for posted in control.deliveries(face="square"):
        event = orjson.loads(posted.posting.body)
        check_object(event)
        events.setdefault(event["type"], []).append(event)
    control.close()
    assert set(TYPES) <= set(events)
    for kind in TYPES:
        missing = min((beyond(lacking(shape(examples[kind]), shape(event))) for event in events[kind]), key=len)
        assert missing == [], kind


def check_object(event: dict[str, Any]) -> None:
    """The object in an event is as its REST answer is."""
    noun = event["data"]["type"]
    path, method = {
        "card": ("/v2/cards/{card_id}", "GET"),
        "customer": ("/v2/customers/{customer_id}", "GET"),
        "payment": ("/v2/payments/{payment_id}", "GET"),
        "refund": ("/v2/refunds/{refund_id}", "GET"),
        "dispute": ("/v2/disputes/{dispute_id}", "GET"),
    }[noun]
    shown = event["data"]["object"][noun]
    check_response(
        load(SPEC), method, path, 200, {noun: {name: shown[name] for name in shown if noun != "refund" or name not in NEWER}}
    )


def test_the_check_finds_what_is_wrong() -> None:
    with pytest.raises(Nonconforming):
        check_response(load(SPEC), "GET", "/v2/cards/{card_id}", 200, {"card": {"colour": "red"}})
    with pytest.raises(Nonconforming):
        check_response(load(SPEC), "GET", "/v2/cards/{card_id}", 200, {"card": {"card_brand": "PLASTIC"}})
    assert lacking({"a": "int", "b": {"c": "str"}}, {"a": "str", "b": {}}) == ["a", "b.c"]
