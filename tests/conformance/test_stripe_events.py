"""What the Stripe adapter makes of Stripe's own example objects as events, and what it asks of the list of events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.events import Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.domain.things import Kind, Named
from cardctl.providers import registry
from cardctl.providers.base import require
from cardctl.providers.notifying import ListsEvents
from cardctl.providers.stripe_issuing.event_lists import EVENT_TYPES, SALE_EVENT_TYPES
from cardctl.providers.stripe_issuing.webhooks import StripeWebhooks
from tests.conformance.openapi import check_request, load, operation
from tests.providers.conftest import Hand, hand
from tests.providers.scripted import Script, ok

__all__ = ["hand"]

SPECS = ["stripe-issuing-2026-10-28", "stripe-issuing-2023-08-16"]
EXAMPLES = {
    "issuing_card": "issuing.card",
    "issuing_cardholder": "issuing.cardholder",
    "issuing_authorization": "issuing.authorization",
    "issuing_transaction": "issuing.transaction",
    "issuing_dispute": "issuing.dispute",
    "issuing_token": "issuing.token",
    "issuing_personalization_design": "issuing.personalization_design",
    "topup": "topup",
    "checkout": "checkout.session",
    "payment_intent": "payment_intent",
    "charge": "charge",
    "refund": "refund",
}
ORDER = {"offerId": "ESIM-TR-7D-1GB"}
PAID = {"amount_total": 1500, "currency": "usd", "payment_status": "paid", "status": "complete"}
FILLED: dict[str, dict[str, Any]] = {
    "checkout": {"metadata": ORDER, **PAID},
    "payment_intent": {"metadata": ORDER, "status": "succeeded", "amount_received": 1099},
    "charge": {"payment_intent": "pi_1"},
    "refund": {"payment_intent": "pi_1"},
}
"""What the examples leave empty, and must be there for them to be of an order."""


def example(kind: str) -> bytes:
    """Stripe's example of an event, about its example of such an object."""
    shown: dict[str, Any] = load("stripe-fixtures")["resources"]
    family = "refund" if kind == "charge.refund.updated" else "dispute" if "charge.dispute" in kind else kind.partition(".")[0]
    about = {**shown[EXAMPLES.get(family, family)], **FILLED.get(kind.partition(".")[0], {})}
    return json.dumps({**shown["event"], "type": kind, "data": {"object": about}}).encode()


def read(kind: str) -> tuple[Notice, Told]:
    (notice,) = StripeWebhooks().notices(example(kind))
    return notice, StripeWebhooks().told(notice)


@pytest.mark.parametrize("kind", EVENT_TYPES)
def test_stripes_own_examples_are_understood(kind: str) -> None:
    notice, told = read(kind)
    about = json.loads(example(kind))["data"]["object"]
    assert (notice.object_ref, notice.live) == (about["id"], False)
    said: list[Any] = [*told.cards, *told.accounts, *told.transactions, *told.topups]
    assert [one.ref for one in said] == [about["id"]]


@pytest.mark.parametrize("kind", SALE_EVENT_TYPES)
def test_stripes_own_examples_of_payments_are_understood(kind: str) -> None:
    notice, told = read(kind)
    about = json.loads(example(kind))["data"]["object"]
    assert (notice.object_ref, notice.card_ref, notice.live) == (about["id"], None, False)
    names = [Named(Kind.SALE, "pi_1"), *([Named(Kind.SALE_REFUND, about["id"])] if "refund." in kind else [])]
    said = [*(one.ref for one in told.sold.sales), *(one.ref for one in told.sold.checkouts)]
    assert said == ([about["id"]] if about["object"] in ("payment_intent", "checkout.session") else [])
    assert list(told.sold.look) == ([] if said else names)


@pytest.mark.parametrize("kind", ["issuing_token.created", "issuing_personalization_design.updated"])
def test_examples_that_inform_only(kind: str) -> None:
    notice, told = read(kind)
    assert notice.object_ref
    assert told.known
    assert told.informs


def test_the_card_of_an_example_is_found() -> None:
    card = load("stripe-fixtures")["resources"]["issuing.card"]["id"]
    kinds = ("issuing_card.updated", "issuing_authorization.created", "issuing_transaction.created")
    assert {read(kind)[0].card_ref for kind in kinds} == {card}


def test_an_example_that_the_sdk_signs_is_genuine() -> None:
    stripe = pytest.importorskip("stripe")
    body = example("issuing_authorization.created")
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_abcdefgh", 1_790_000_000)
    incoming = Incoming(body, {"stripe-signature": header}, datetime.fromtimestamp(1_790_000_000, UTC))
    assert StripeWebhooks().verify(incoming, {"stripe.webhook_secret": [Secret("whsec_abcdefgh")]}) is Signature.VALID


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("bounds", [{}, {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2026, 2, 1, tzinfo=UTC)}])
def test_the_list_is_asked_for_as_described(hand: Hand, bounds: dict[str, datetime], spec: str) -> None:
    first = ok({"object": "list", "data": [{"id": "evt_1", "created": 1}], "has_more": True})
    last = ok({"object": "list", "data": [], "has_more": False})
    script = Script(first, last, last)
    list(require(registry.build("stripe", hand(script)), ListsEvents).events(**bounds))
    sent = [check_request(load(spec), one.method, one.url.path, one.url.query) for one in script.requests]
    assert [set(asked["types"]) for asked in sent] == [set(EVENT_TYPES), set(SALE_EVENT_TYPES), set(EVENT_TYPES)]


def test_the_list_takes_no_more_names_than_it_is_sent() -> None:
    described = operation(load(SPECS[0]), "GET", "/v1/events")["parameters"]
    types = next(one for one in described if one["name"] == "types")
    assert "up to 20" in types["schema"]["description"]
    assert max(len(EVENT_TYPES), len(SALE_EVENT_TYPES)) <= 20
