"""The simulator's Stripe face against the official descriptions: what it takes, and every reply of every state it knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.simulator.control import Control
from cardctl.simulator.faces.stripe.face import ENDPOINTS
from cardctl.simulator.faces.stripe.parameters import (
    Currency,
    Each,
    Flag,
    Group,
    Kind,
    Metadata,
    Moment,
    OneOf,
    OrNothing,
    Text,
    Whole,
    Word,
)
from tests.conformance.openapi import Nonconforming, check_request, check_response, decode, load, operation, request_schema
from tests.simulator.stranger import (
    ADA,
    AUTHORIZATIONS,
    CARDS,
    HOLDERS,
    TEST_AUTHORIZATIONS,
    TEST_TRANSACTIONS,
    TRANSACTIONS,
    Stranger,
    limits,
)

NOW, THEN = "stripe-issuing-2026-10-28", "stripe-issuing-2023-08-16"

NOT_TAKEN = {"fleet", "fuel", "fraud_disputability_likelihood", "purchase_details", "payment_method_options", "risk_assessment"}
NOT_TAKEN |= {"treasury"}
"""Described parameters that the face refuses, on purpose."""

REQUIRED_HERE_ONLY = {"cardholder"}
"""Required by the face though not by the description (UNCONFIRMED)."""

UNDESCRIBED = {"/v1/events/{event}/retry"}
"""What Stripe's own CLI calls, though no description has it: it answers the event."""

UNWORDED = {"destination_balance"}
"""A closed list of words at the face, any text in the description."""


def strays(kind: Kind, schema: dict[str, Any], name: str) -> list[str]:
    """Where a table of the face says something that the description does not."""
    if isinstance(kind, Group) and schema.get("type") == "object":
        return stray_parameters(kind, schema, f"{name}." if name else "")
    if isinstance(kind, OrNothing):
        nothing, described = [choice for choice in schema["anyOf"] if choice.get("enum") == [""]], schema["anyOf"][0]
        return strays(kind.kind, described, name) if nothing else [f"{name} cannot be unset"]
    if isinstance(kind, Each) and schema.get("type") == "array":
        return strays(kind.item, schema["items"], f"{name}[]")
    return [] if same(kind, schema, name) else [f"{name} is no {kind}"]


def same(kind: Kind, schema: dict[str, Any], name: str) -> bool:
    choices = schema.get("anyOf", [schema])
    types = {choice.get("type") for choice in choices}
    words = {word for choice in choices for word in choice.get("enum", ())}
    match kind:
        case Text() | Currency():
            alike = "string" in types and words <= {""}
        case Whole():
            alike = types == {"integer"}
        case Flag():
            alike = types == {"boolean"}
        case OneOf():
            alike = kind.words == words or name in UNWORDED
        case Word():
            alike = len(words) > 100
        case Moment():
            alike = types == {"object", "integer"}
        case _:
            alike = isinstance(kind, Metadata) and "object" in types and bool(choices[0].get("additionalProperties"))
    return alike


def stray_parameters(group: Group, schema: dict[str, Any], prefix: str) -> list[str]:
    described = schema.get("properties", {})
    required = set(schema.get("required", ()))
    found = [f"{prefix}{name} is not described" for name in group.known if name not in described]
    found += [f"{prefix}{name} is not taken" for name in described if name not in group.known and name not in NOT_TAKEN]
    found += [f"{prefix}{name} is required" for name in required - set(group.required)]
    found += [f"{prefix}{name} is not required" for name in set(group.required) - required - REQUIRED_HERE_ONLY]
    for name, kind in group.known.items():
        if name in described:
            found += strays(kind, described[name], f"{prefix}{name}")
    return found


SOLD = ("/v1/payment_intents", "/v1/charges", "/v1/checkout/", "/v1/refunds")
"""What customers pay is held against the descriptions in a test of its own."""

DESCRIBED = [one for one in ENDPOINTS if one.path not in UNDESCRIBED and not one.path.startswith(SOLD)]


@pytest.mark.parametrize("endpoint", DESCRIBED, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_every_parameter_is_the_description_s(endpoint: Any) -> None:
    spec = load(NOW)
    assert operation(spec, endpoint.method, endpoint.path)
    assert strays(endpoint.takes, request_schema(spec, endpoint.method, endpoint.path), "") == []


def test_a_wrong_table_is_found() -> None:
    schema = request_schema(load(NOW), "POST", CARDS)
    taken = next(one.takes for one in ENDPOINTS if (one.method, one.path) == ("POST", CARDS)).known
    for name, wrong in (("colour", Text()), ("type", Text()), ("status", OneOf(frozenset({"frozen"}))), ("exp_year", Flag())):
        assert strays(Group({**taken, name: wrong}, required=("currency", "type")), schema, "") != []
    assert sorted(strays(Group(taken), schema, "")) == ["currency is required", "type is required"]


class Witness(Stranger):
    """A stranger whose every request and reply is held against both descriptions."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.visited: set[tuple[str, str]] = set()
        self.now, self.then = load(NOW), load(THEN)
        self.http.event_hooks = {"response": [self.check]}

    def check(self, reply: httpx.Response) -> None:
        method, path = reply.request.method, reply.request.url.path
        body = reply.read()
        if path.endswith("/retry"):
            method, path = "GET", path.removesuffix("/retry")
        if method != "DELETE":  # rebuilt from types that say nothing of what is left of what was deleted
            check_response(self.now, method, path, reply.status_code, body)
        check_response(self.then, method, path, reply.status_code, body, closed=False)
        sent = reply.request.read() if method == "POST" else reply.request.url.query
        if reply.status_code == 200:
            check_request(self.now, method, path, sent)
        asked = operation(self.now, method, path)
        for endpoint in ENDPOINTS:
            if endpoint.path in UNDESCRIBED or endpoint.method != method:
                continue
            if asked is operation(self.now, method, endpoint.path):
                self.visited.add((method, endpoint.path))


def story(one: Witness, control: Control) -> None:
    """Every endpoint, every status, every kind of decline, and things that are not there."""
    full = {"phone_number": "+1", "individual[first_name]": "Ada", "individual[dob][day]": "1", "individual[dob][month]": "2"}
    full |= {
        "individual[dob][year]": "1985",
        "individual[verification][document][front]": "file_1",
        "preferred_locales[]": "en",
    }
    full |= {"individual[card_issuing][user_terms_acceptance][ip]": "127.0.0.1", "metadata[a]": "b", **limits(daily=10_000_00)}
    holder = one.holder(**full)
    company = one.holder(type="company", **{"company[tax_id]": "1"})
    one.done(f"{HOLDERS}/{company}", {"status": "inactive", "email": ""})
    one.seen(f"{HOLDERS}/{holder}")
    cards(one, holder)
    purchases(one, control, one.card(holder), holder)
    one.seen("/v1/balance")
    top_up = one.done("/v1/topups", {"amount": "5", "currency": "usd", "destination_balance": "issuing", "metadata[a]": "b"})
    one.seen(f"/v1/topups/{top_up['id']}")
    for path in (HOLDERS, CARDS, AUTHORIZATIONS, TRANSACTIONS):
        assert one.seen(path, limit=100)["data"]
        one.seen(path, limit=1)
        assert one.get(f"{path}/none").status_code == 404
    one.seen(TRANSACTIONS, **{"expand[]": ["data.card", "data.cardholder", "data.authorization"]})
    told(one, control)
    refusals(one, control)


def told(one: Witness, control: Control) -> None:
    """Disputes of every status, where to send events, and what was told."""
    for verdict in ("won", "lost"):
        bought = one.done(f"{TEST_TRANSACTIONS}/create_force_capture", {"card": one.card(), "amount": "500"})
        made = one.done("/v1/issuing/disputes", {"transaction": bought["id"], "amount": "300", "metadata[a]": "b"})
        path = f"/v1/issuing/disputes/{made['id']}"
        evidence = {"evidence[reason]": "canceled", "evidence[canceled][canceled_at]": "5", "evidence[duplicate]": ""}
        evidence |= {"evidence[canceled][product_type]": "service", "evidence[canceled][return_status]": ""}
        one.done(path, {"amount": "400", "evidence[canceled][explanation]": "None came", **evidence})
        one.seen(TRANSACTIONS, **{"expand[]": "data.dispute"})
        one.done(f"{path}/submit", {"metadata[c]": "d"})
        control.decide_dispute(made["id"], verdict)
        assert one.seen(path, **{"expand[]": "transaction"})["status"] == verdict
    assert len(one.seen("/v1/issuing/disputes", status="lost")["data"]) == 1
    where = {"url": "https://example.com/x", "enabled_events[]": "issuing_card.created", "description": "ours"}
    made = one.done("/v1/webhook_endpoints", {**where, "api_version": "2026-10-28.endive", "connect": "false"})
    path = f"/v1/webhook_endpoints/{made['id']}"
    one.done(path, {"disabled": "true", "enabled_events[]": "*", "description": "", "metadata[a]": "b"})
    one.seen(path)
    one.seen("/v1/webhook_endpoints")
    assert one.http.delete(path).json()["deleted"]
    event = one.seen("/v1/events", type="issuing_*", limit=100, delivery_success="false")["data"][0]
    one.seen("/v1/events", **{"types[]": [event["type"], "topup.*"], "created[gte]": 1})
    one.seen(f"/v1/events/{event['id']}")
    one.done(f"/v1/events/{event['id']}/retry", {"for_stripecli": "true"})


def cards(one: Witness, holder: str) -> None:
    shipping = {f"shipping[address][{name}]": "US" for name in ("line1", "city", "postal_code", "country")} | {
        "shipping[name]": "Ada"
    }
    shipping |= {"shipping[address_validation][mode]": "disabled", "shipping[customs][eori_number]": "1"}
    physical = {"cardholder": holder, "currency": "usd", "type": "physical", "pin[encrypted_number]": "x", **shipping}
    one.done(CARDS, physical)
    first = one.card(
        holder, **limits(per_authorization=100, all_time=5), **{"lifecycle_controls[cancel_after][payment_count]": "3"}
    )
    one.done(f"{CARDS}/{first}", {"spending_controls[allowed_categories][]": "bakeries", "metadata": ""})
    one.seen(f"{CARDS}/{first}", **{"expand[]": ["number", "cvc"]})
    one.done(f"{CARDS}/{first}", {"status": "canceled", "cancellation_reason": "stolen"})
    one.card(holder, replacement_for=first, replacement_reason="stolen")
    one.seen(f"{CARDS}/{first}")


def purchases(one: Witness, control: Control, card: str, holder: str) -> None:
    details = {"amount_details[atm_fee]": "1", "network_data[acquiring_institution_id]": "1", "wallet": "apple_pay"}
    details |= {"verification_data[three_d_secure][result]": "authenticated", "merchant_data[category]": "bakeries"}
    details |= {"verification_data[authentication_exemption][type]": "unknown", "authorization_method": "chip"}
    details |= {"verification_data[authentication_exemption][claimed_by]": "issuer", "expand[]": "cardholder"}
    bought = one.authorise(card, 500, **details)["id"]
    one.done(f"{TEST_AUTHORIZATIONS}/{bought}/increment", {"increment_amount": "100"})
    one.done(f"{TEST_AUTHORIZATIONS}/{bought}/reverse", {"reverse_amount": "50"})
    one.done(f"{TEST_AUTHORIZATIONS}/{bought}/capture", {"capture_amount": "200", "close_authorization": "false"})
    (taken,) = one.done(f"{TEST_AUTHORIZATIONS}/{bought}/capture", {"expand[]": "card"})["transactions"][1:]
    one.done(f"{AUTHORIZATIONS}/{bought}", {"metadata[a]": "b"})
    one.seen(f"{AUTHORIZATIONS}/{bought}")
    for verb in ("reverse", "expire"):
        one.done(f"{TEST_AUTHORIZATIONS}/{one.authorise(card, 5)['id']}/{verb}")
    loose = {"card": card, "amount": "5", "merchant_data[name]": "Corner Shop"}
    for path in (f"{taken['id']}/refund", "create_force_capture", "create_unlinked_refund"):
        one.done(f"{TEST_TRANSACTIONS}/{path}", {} if "refund" in path and "/" in path else loose)
    one.done(f"{TRANSACTIONS}/{taken['id']}", {"metadata[a]": "b"})
    one.seen(f"{TRANSACTIONS}/{taken['id']}", **{"expand[]": "authorization"})
    declines = [
        (card, {"status": "inactive"}),
        (holder, {"requirements.disabled_reason": "listed"}),
        (holder, {"status": "blocked"}),
    ]
    for ref, change in declines:
        before, _ = control.edit(ref, change)
        assert not one.authorise(card, 5)["approved"]
        control.edit(ref, before)
    assert not one.authorise(card, 99_000_00)["approved"]


def refusals(one: Witness, control: Control) -> None:
    one.refused(CARDS, {"colour": "red"})
    one.refused(HOLDERS, {})
    one.http.headers["Authorization"] = "Bearer sk_live_1"
    one.refused(HOLDERS, ADA, status=401)
    one.http.headers["Authorization"] = "Bearer sk_test_1"
    for kind, status in (("429", 429), ("500", 500), ("500-after-commit", 500), ("500-saved", 500)):
        control.fault(kind)
        one.refused(HOLDERS, ADA, status=status)


def test_every_request_and_reply_conforms(tmp_path: Path) -> None:
    path = tmp_path / "simulator.db"
    control = Control(path)
    with Witness(path) as one:
        story(one, control)
        assert one.visited == {(endpoint.method, endpoint.path) for endpoint in DESCRIBED}
    control.close()


@pytest.mark.parametrize(
    "form",
    [
        "currency=usd",
        "currency=usd&type=paper",
        "currency=usd&type=virtual&colour=red",
        "currency=usd&type=virtual&exp_year=soon",
        "currency=usd&type=virtual&spending_controls[spending_limits][0][amount]=5",
        "currency=usd&type=virtual&spending_controls[limits][0][amount]=5",
        "currency=usd&currency=eur&type=virtual",
    ],
)
def test_the_checker_finds_bad_requests(form: str) -> None:
    with pytest.raises(Nonconforming):
        check_request(load(NOW), "POST", CARDS, form)


def test_the_checker_reads_forms_and_finds_bad_replies(tmp_path: Path) -> None:
    spec = load(NOW)
    assert check_request(spec, "GET", CARDS, "created[gt]=5&limit=3&expand[]=data.cardholder") == {
        "created": {"gt": 5},
        "limit": 3,
        "expand": ["data.cardholder"],
    }
    assert decode("a[0][b]=1&a[1][b]=2") == {"a": [{"b": "1"}, {"b": "2"}]}
    with Stranger(tmp_path / "simulator.db") as one:
        card = one.seen(f"{CARDS}/{one.card()}")
    check_response(spec, "GET", f"{CARDS}/ic_1", 200, card)
    for wrong in ({"status": "frozen"}, {"exp_year": "2030"}, {"colour": "red"}, {"cardholder": "ich_1"}, {"currency": None}):
        with pytest.raises(Nonconforming):
            check_response(spec, "GET", f"{CARDS}/ic_1", 200, card | wrong)
    with pytest.raises(Nonconforming):
        check_response(load(THEN), "GET", f"{CARDS}/ic_1", 200, {"id": "ic_1"}, closed=False)
    with pytest.raises(Nonconforming):
        operation(spec, "DELETE", CARDS)
