"""What the simulator's Stripe tells, against the official descriptions: every event, its object inside, and its proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import stripe

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from cardctl.simulator.delivering import Posted
from tests.conformance.openapi import Nonconforming, check_response, load
from tests.simulator.stranger import CARDS, HOLDERS, TEST_AUTHORIZATIONS, TEST_TRANSACTIONS, Stranger, limits

NOW, THEN = "stripe-issuing-2026-10-28", "stripe-issuing-2023-08-16"

RETRIEVED = {
    "issuing.authorization": "/v1/issuing/authorizations/x",
    "issuing.card": "/v1/issuing/cards/x",
    "issuing.cardholder": "/v1/issuing/cardholders/x",
    "issuing.dispute": "/v1/issuing/disputes/x",
    "issuing.transaction": "/v1/issuing/transactions/x",
    "topup": "/v1/topups/x",
}
"""An object's kind to where its own description is answered."""

TOLD = {
    *(f"issuing_{noun}.{verb}" for noun in ("authorization", "card", "cardholder") for verb in ("created", "updated")),
    "issuing_authorization.request",
    *(f"issuing_transaction.{verb}" for verb in ("created", "updated")),
    *(f"issuing_dispute.{verb}" for verb in ("created", "updated", "submitted", "closed", "funds_reinstated")),
    *(f"topup.{verb}" for verb in ("created", "succeeded")),
}


def check_event(event: Mapping[str, Any]) -> None:
    """Nonconforming unless the event, and the object in it, are what both descriptions say."""
    inside = event["data"]["object"]
    for name, closed in ((NOW, True), (THEN, False)):
        check_response(load(name), "GET", "/v1/events/x", 200, dict(event), closed=closed)
        check_response(load(name), "GET", RETRIEVED[inside["object"]], 200, inside, closed=closed)
    previous = event["data"].get("previous_attributes", {})
    assert set(previous) <= set(inside)
    assert all(inside[name] != value for name, value in previous.items())
    assert bool(previous) == event["type"].endswith((".updated", ".submitted", ".closed", ".funds_reinstated"))


def lived(path: Path) -> list[Posted]:
    """Everything that Stripe is able to tell, as it is sent."""
    control = Control(path)
    asked: list[Posted] = []
    with Stranger(path) as one:
        holder = one.holder(**limits(daily=10_000_00))
        card = one.card(holder)
        one.done(f"{HOLDERS}/{holder}", {"email": "", "metadata[a]": "b"})
        one.done(f"{CARDS}/{card}", {"metadata[a]": "b", **limits(all_time=1_000_00)})
        control.swipe(card, Money(500, "USD"), decide=lambda posted: asked.append(posted) or {"approved": True})  # type: ignore[func-returns-value]
        control.swipe(card, Money(2_000_00, "USD"))
        held = one.authorise(card, 500, wallet="apple_pay")["id"]
        for verb, form in (("increment", {"increment_amount": "100"}), ("reverse", {"reverse_amount": "50"}), ("expire", None)):
            one.done(f"{TEST_AUTHORIZATIONS}/{held}/{verb}", form)
        for verdict in ("won", "lost"):
            bought = one.done(f"{TEST_TRANSACTIONS}/create_force_capture", {"card": card, "amount": "500"})["id"]
            dispute = one.done("/v1/issuing/disputes", {"transaction": bought})["id"]
            one.done(f"/v1/issuing/disputes/{dispute}", {"evidence[reason]": "other", "evidence[other][explanation]": "x"})
            one.done(f"/v1/issuing/disputes/{dispute}/submit")
            control.decide_dispute(dispute, verdict)
        one.done(f"{TEST_TRANSACTIONS}/{bought}/refund")
        one.done("/v1/topups", {"amount": "5", "currency": "usd", "destination_balance": "issuing"})
        one.done(f"{CARDS}/{card}", {"status": "canceled", "cancellation_reason": "lost"})
    posted = asked + list(control.deliveries())
    secrets = control.webhook_secrets()
    control.close()
    for each in posted:
        name = "authorization_secret" if each in asked else "webhook_secret"
        event = stripe.Webhook.construct_event(
            each.posting.body, each.posting.headers["Stripe-Signature"], secrets[f"stripe.{name}"][0]
        )
        assert event["object"] == "event"
    return posted


def test_every_event_is_as_described(tmp_path: Path) -> None:
    events = [json.loads(posted.posting.body) for posted in lived(tmp_path / "simulator.db")]
    for event in events:
        check_event(event)
    assert {event["type"] for event in events} == TOLD
    assert len({event["id"] for event in events}) == len(events)


def test_the_checker_finds_wrong_events(tmp_path: Path) -> None:
    event = json.loads(lived(tmp_path / "simulator.db")[1].posting.body)
    check_event(event)
    inside = {**event["data"]["object"], "colour": "red"}
    wrong = ({"colour": "red"}, {"type": "issuing_card.frozen"}, {"created": 1.5}, {"data": {"object": inside}})
    for change in wrong:
        with pytest.raises(Nonconforming):
            check_event({**event, **change})
