"""Customers' payments at the simulator's Stripe face against the official descriptions: parameters, replies, events."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from cardctl.simulator.faces.stripe.face import ENDPOINTS
from tests.conformance.openapi import Nonconforming, check_response, load, request_schema
from tests.conformance.test_stripe_face import NOW, SOLD, THEN, Witness, strays
from tests.simulator.shop import CHECKOUTS, INTENTS, REFUNDS, page, sale
from tests.simulator.stranger import Stranger

_NOT_TAKEN = """
    adaptive_pricing adjustable_quantity after_expiration allow_promotion_codes allowed_payment_method_types amount_details
    amount_to_confirm application_fee_amount automatic_tax billing_address_collection branding_settings capture_method
    confirmation_token consent_collection currency custom_fields custom_text customer customer_account customer_update
    discounts excluded_payment_method_types hooks integration_identifier invoice_creation managed_payments mandate mandate_data
    name_collection off_session on_behalf_of optional_items origin origin_context payment_details payment_link payment_method
    payment_method_collection payment_method_configuration payment_method_data permissions phone_number_collection price
    product radar_options receipt_email recurring redirect_on_completion refund_application_fee return_url reverse_transfer
    saved_payment_method_options setup_future_usage setup_intent_data shipping shipping_address_collection shipping_options
    subscription subscription_data tax_behavior tax_details tax_id_collection tax_rates transfer_data ui_mode
    unit_amount_decimal use_stripe_sdk wallet_options
"""
LEFT_OUT = set(_NOT_TAKEN.split())
"""Described parameters that one endpoint or another refuses, on purpose."""

TOLD = {
    *(f"payment_intent.{verb}" for verb in ("created", "succeeded", "payment_failed", "processing", "canceled")),
    *(f"charge.{verb}" for verb in ("succeeded", "failed", "pending", "refunded", "updated")),
    *(f"checkout.session.{verb}" for verb in ("completed", "expired", "async_payment_succeeded", "async_payment_failed")),
    *(f"refund.{verb}" for verb in ("created", "updated", "failed")),
    *(f"charge.dispute.{verb}" for verb in ("created", "funds_withdrawn", "updated", "closed", "funds_reinstated")),
}
RETRIEVED = {
    "payment_intent": f"{INTENTS}/x",
    "charge": "/v1/charges/x",
    "checkout.session": f"{CHECKOUTS}/x",
    "refund": f"{REFUNDS}/x",
}
OURS = [endpoint for endpoint in ENDPOINTS if endpoint.path.startswith(SOLD)]


@pytest.mark.parametrize("endpoint", OURS, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_parameter_is_the_description_s(endpoint: Any) -> None:
    found = strays(endpoint.takes, request_schema(load(NOW), endpoint.method, endpoint.path), "")
    assert [line for line in found if line.removesuffix(" is not taken").rpartition(".")[2] not in LEFT_OUT] == []


def test_what_the_chain_needs_is_taken() -> None:
    taken = {(one.method, one.path): set(one.takes.known) for one in OURS}
    assert {"metadata", "customer_email", "line_items", "payment_intent_data"} <= taken["POST", CHECKOUTS]
    assert {"payment_intent", "charge", "amount", "reason", "metadata"} <= taken["POST", REFUNDS]
    assert {"created", "starting_after", "ending_before", "limit"} <= taken["GET", INTENTS]


class Customer(Witness):
    """A witness who pays, too. The rebuilt description leaves the intent out of an error that the published one has it in."""

    def check(self, reply: httpx.Response) -> None:
        body = json.loads(reply.read())
        inside = body.get("error", {}).pop("payment_intent", None)
        if inside is not None:
            check_response(self.now, "GET", f"{INTENTS}/x", 200, inside)
            check_response(self.then, reply.request.method, reply.request.url.path, 402, reply.content, closed=False)
            check_response(self.now, reply.request.method, reply.request.url.path, 402, body)
            return
        super().check(reply)


def story(one: Customer, control: Control) -> None:
    """Every endpoint, every status, every event."""
    paid_at_once(one)
    on_a_page(one, control)
    given_back(one, control)
    for path in (INTENTS, "/v1/charges", CHECKOUTS, REFUNDS):
        assert one.seen(path, limit=100)["data"]
        one.seen(path, limit=1, **{"created[gte]": 1})
        assert one.get(f"{path}/none").status_code == 404
    one.seen(INTENTS, **{"expand[]": "data.latest_charge"})
    one.seen(CHECKOUTS, **{"expand[]": ["data.payment_intent.latest_charge", "data.line_items"]})
    one.seen(CHECKOUTS, status="complete", **{"customer_details[email]": "ada@example.com"})


def paid_at_once(one: Customer) -> None:
    intent = sale(one, amount=900, **{"metadata[a]": "b", "receipt_email": "ada@example.com", "transfer_group": "g"})
    path = f"{INTENTS}/{intent['id']}"
    charge = one.seen(path, **{"expand[]": ["latest_charge.refunds", "customer"]})["latest_charge"]
    one.seen(f"/v1/charges/{charge['id']}", **{"expand[]": ["payment_intent", "balance_transaction"]})
    one.seen("/v1/charges", payment_intent=intent["id"], transfer_group="g")
    one.done(path, {"metadata[c]": "d"})
    one.refused(path, {"amount": "500"})
    one.refused(f"{path}/cancel")
    declined = one.refused(INTENTS, sale_form(900, "pm_card_chargeDeclinedInsufficientFunds"), status=402)
    again = f"{INTENTS}/{declined['payment_intent']['id']}"
    one.refused(f"{again}/confirm", {"payment_method": "pm_card_visa_chargeDeclinedExpiredCard"}, status=402)
    one.refused(f"{again}/confirm")
    one.done(again, {"amount": "950", "description": "an eSIM"})
    one.done(f"{again}/confirm", {"payment_method": "pm_card_mastercard"})
    open_one = {"amount": "500", "currency": "eur", "automatic_payment_methods[enabled]": "true"}
    waiting = one.done(INTENTS, open_one)["id"]
    one.done(f"{INTENTS}/{waiting}/cancel", {"cancellation_reason": "duplicate"})
    ready = one.done(INTENTS, {"amount": "500", "currency": "usd", "payment_method": "pm_card_visa"})["id"]
    one.done(f"{INTENTS}/{ready}/confirm")


def on_a_page(one: Customer, control: Control) -> None:
    full = {"customer_email": "ada@example.com", "client_reference_id": "o1", "cancel_url": "https://x.example", "locale": "de"}
    full |= {"payment_intent_data[description]": "an eSIM", "submit_type": "pay", "customer_creation": "if_required"}
    first = page(one, **full)["id"]
    control.pay(first, declined=True)
    one.seen(f"{CHECKOUTS}/{first}", **{"expand[]": "payment_intent"})
    control.pay(first)
    one.seen(f"{CHECKOUTS}/{first}", **{"expand[]": ["line_items", "payment_intent.latest_charge"]})
    one.seen(f"{CHECKOUTS}/{first}/line_items", limit=5)
    one.refused(f"{CHECKOUTS}/{first}/expire")
    for no in (False, True):
        slow = page(one)["id"]
        control.pay(slow, later=True, email="ada@example.com")
        one.seen(f"{CHECKOUTS}/{slow}", **{"expand[]": "payment_intent.latest_charge"})
        control.pay(slow, declined=no)
        one.seen(f"{CHECKOUTS}/{slow}", **{"expand[]": "payment_intent.latest_charge"})
    one.done(f"{CHECKOUTS}/{page(one)['id']}/expire")
    one.refused(CHECKOUTS, {"mode": "setup"})


def given_back(one: Customer, control: Control) -> None:
    intent = control.sell(Money(900, "USD"), {"offerId": "o"}, "ada@example.com")
    part = one.done(REFUNDS, {"payment_intent": intent, "amount": "400", "reason": "duplicate", "metadata[a]": "b"})["id"]
    one.done(f"{REFUNDS}/{part}", {"metadata[c]": "d"})
    one.seen(f"{REFUNDS}/{part}", **{"expand[]": ["charge.payment_intent", "payment_intent"]})
    one.refused(REFUNDS, {"payment_intent": intent, "amount": "501"})
    one.refused(REFUNDS, {"payment_intent": "pi_none"})
    one.refused(REFUNDS)
    control.edit(part, {"status": "failed"}, tell=True)
    one.seen(REFUNDS, payment_intent=intent)
    for name in ("pendingRefund", "refundFail"):
        later = sale(one, method=f"pm_card_{name}")["id"]
        made = one.done(REFUNDS, {"payment_intent": later, "instructions_email": "ada@example.com"})["id"]
        control.advance(timedelta(hours=2))
        one.seen(f"{REFUNDS}/{made}")
    bad = sale(one, method="pm_card_createDispute")["id"]
    assert one.refused(REFUNDS, {"payment_intent": bad})["code"] == "charge_disputed"
    for verdict in ("won", "lost"):
        dispute = control.dispute(sale(one)["id"], None, "product_not_received")
        control.edit(dispute, {"status": "under_review"}, tell=True)
        control.decide_dispute(dispute, verdict)


def sale_form(amount: int, method: str) -> dict[str, str]:
    return {"amount": str(amount), "currency": "usd", "confirm": "true", "payment_method": method}


def test_every_request_reply_and_event_conforms(tmp_path: Path) -> None:
    path = tmp_path / "simulator.db"
    control = Control(path)
    with Customer(path) as one:
        story(one, control)
        assert one.visited >= {(endpoint.method, endpoint.path) for endpoint in OURS}
    posted = list(control.deliveries(face="stripe"))
    control.close()
    events = [json.loads(each.posting.body) for each in posted]
    for event in events:
        check_event(event)
    assert {event["type"] for event in events} == TOLD


def check_event(event: dict[str, Any]) -> None:
    """Nonconforming unless the event, and the object in it, are what both descriptions say."""
    inside = event["data"]["object"]
    for name, closed in ((NOW, True), (THEN, False)):
        check_response(load(name), "GET", "/v1/events/x", 200, event, closed=closed)
        if inside["object"] != "dispute":
            check_response(load(name), "GET", RETRIEVED[inside["object"]], 200, inside, closed=closed)
    if inside["object"] == "dispute":  # only the published description knows a dispute of a payment
        check_response(load(THEN), "GET", "/v1/charges/x/dispute", 200, inside)
    previous = event["data"].get("previous_attributes", {})
    assert set(previous) <= {*inside, "failure_reason", "pending_reason"}
    assert all(inside.get(name) != value for name, value in previous.items())
    assert bool(previous) == event["type"].endswith((".updated", ".refunded", "refund.failed"))


def unlike(ours: Any, example: Any, name: str) -> list[str]:
    """Where a value is of another kind than in Stripe's example; what either side leaves empty says nothing."""
    if isinstance(ours, dict) and isinstance(example, dict):
        both = ours.keys() & example.keys()
        return [found for key in both for found in unlike(ours[key], example[key], f"{name}.{key}")]
    alike = ours is None or example is None or type(ours) is type(example)
    return [] if alike else [f"{name} is {ours!r}, not like {example!r}"]


def test_objects_look_like_stripe_s_examples(tmp_path: Path) -> None:
    """Every field of the example is there, or is described as one that may be missing."""
    examples = load("stripe-fixtures")["resources"]
    path = tmp_path / "simulator.db"
    with Stranger(path) as one, closing(Control(path)) as control:
        made = page(one)["id"]
        intent = control.pay(made, email="ada@example.com").payment_ref
        refund = one.done(REFUNDS, {"payment_intent": intent, "amount": "5"})
        session = one.seen(f"{CHECKOUTS}/{made}", **{"expand[]": "payment_intent.latest_charge"})
    shown = session["payment_intent"]
    for ours in (session, shown, shown["latest_charge"], refund):
        example = examples[ours["object"]]
        expanded = {"payment_intent": None, "latest_charge": None}
        assert unlike({**ours, **{key: None for key in expanded if key in ours}}, example, ours["object"]) == []
        required = load(NOW)["components"]["schemas"].get(ours["object"].replace("checkout.session", "checkout_session"), {})
        assert set(required.get("required", ())) <= set(ours)
    assert unlike({**refund, "amount": "5"}, examples["refund"], "refund") == ["refund.amount is '5', not like 100"]


def test_the_checker_finds_wrong_replies(tmp_path: Path) -> None:
    spec = load(NOW)
    with Stranger(tmp_path / "simulator.db") as one:
        intent = sale(one)
        check_response(spec, "GET", f"{INTENTS}/x", 200, intent)
    for wrong in ({"status": "paid"}, {"amount": "900"}, {"colour": "red"}, {"metadata": None}):
        with pytest.raises(Nonconforming):
            check_response(spec, "GET", f"{INTENTS}/x", 200, intent | wrong)
