"""Square's notifications: genuine, tampered, another address, rotated; hints, merged customers, types that nobody knows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.events import Incoming, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.domain.things import Kind, Named
from cardctl.errors import BadConfig, BadEvent
from cardctl.providers import registry
from cardctl.providers.square.webhooks import HEADER, SIGNATURE_KEY, SIMULATED_URL, SquareWebhooks
from cardctl.services.deeds.inbox import kept_headers
from tests.providers.square import objects
from tests.providers.square.objects import CARD, CUSTOMER, PAYMENT

KEY, URL = "asdf1234", "https://example.com/webhook"
BODY = json.dumps(objects.event("payment.updated", objects.payment())).encode()
NOW = datetime(2026, 11, 22, 21, 17, tzinfo=UTC)


def sign(body: bytes = BODY, key: str = KEY, url: str = URL) -> str:
    return base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()


def verdict(
    header: str | None, body: bytes = BODY, keys: tuple[str, ...] = (KEY,), settings: Any = None, **how: bool
) -> Signature:
    webhooks = SquareWebhooks(settings or {"notification_url": URL}, **how)
    headers = {} if header is None else {HEADER: header}
    return webhooks.verify(Incoming(body, headers, NOW), {SIGNATURE_KEY: [Secret(key) for key in keys]})


def told(kind: str, about: Any, **more: Any) -> Told:
    webhooks = SquareWebhooks()
    (notice,) = webhooks.notices(json.dumps(objects.event(kind, about, **more)).encode())
    return webhooks.told(notice)


def test_the_example_of_squares_own_helper() -> None:
    """Held against the official SDK's (46.0.0) is_valid_webhook_event_signature by hand: HMAC-SHA256 over address and body."""
    assert verdict(sign()) is Signature.VALID


@pytest.mark.parametrize(
    ("header", "verdict_is"),
    [
        (None, Signature.ABSENT),
        ("", Signature.ABSENT),
        (sign(key="another"), Signature.INVALID),
        (sign(url=URL + "/"), Signature.INVALID),
        (sign(body=BODY + b" "), Signature.INVALID),
        (sign().lower(), Signature.INVALID),
        (sign().rstrip("="), Signature.INVALID),
        (sign() + " ", Signature.INVALID),
        ("é\ud800", Signature.INVALID),
    ],
)
def test_verdicts(header: str | None, verdict_is: Signature) -> None:
    assert verdict(header) is verdict_is


def test_a_key_that_is_not_there_or_empty_proves_nothing() -> None:
    assert verdict(sign(), keys=()) is Signature.INVALID
    assert verdict(sign(key=""), keys=("", " ")) is Signature.INVALID


def test_both_keys_are_valid_while_one_is_rotated() -> None:
    assert verdict(sign(key="old"), keys=("new", "old")) is Signature.VALID


def test_the_simulator_needs_no_address_and_nobody_else_goes_without() -> None:
    nothing = {"notification_url": None}
    assert verdict(sign(url=SIMULATED_URL), settings=nothing) is Signature.VALID
    assert SIMULATED_URL == "http://127.0.0.1:8421/webhooks/square"
    with pytest.raises(BadConfig, match=r"square\.notification_url"):
        verdict(sign(url=SIMULATED_URL), settings=nothing, simulated=False)


def test_the_registry_leads_here() -> None:
    webhooks = registry.webhooks("square", {"notification_url": URL}, simulated=False)
    assert (webhooks.name, webhooks.secret_names) == ("square", (SIGNATURE_KEY,))
    assert webhooks.verify(Incoming(BODY, {HEADER: sign()}, NOW), {SIGNATURE_KEY: [Secret(KEY)]}) is Signature.VALID
    assert webhooks.kept_body(BODY) == BODY
    assert registry.webhooks("square").name == "square"


def test_the_signature_is_kept_as_it_is() -> None:
    looks_like_a_card = "4111111111111111AAAA="
    assert kept_headers({HEADER: looks_like_a_card})[HEADER] == looks_like_a_card


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff",
        b"[" * 100_000,
        b"{}",
        b'{"type": "payment.created"}',
        b'{"type": "payment.created", "event_id": "e", "data": 7}',
        b'{"type": "", "event_id": "e", "data": {}}',
        b'{"type": "payment.created", "event_id": 7, "data": {}}',
        b'{"type": "payment.created", "event_id": "a\\nb", "data": {}}',
        b'{"type": "payment.created", "event_id": "e", "data": {}, "x": NaN}',
    ],
)
def test_what_is_no_event(body: bytes) -> None:
    with pytest.raises(BadEvent):
        SquareWebhooks().notices(body)


def test_an_event_with_half_a_character_is_read() -> None:
    (notice,) = SquareWebhooks().notices(BODY.replace(b"INV-1", b"INV\\ud800"))
    assert notice.object_ref == PAYMENT


def test_an_event_without_a_time_has_none() -> None:
    for at in (None, "soon", 7):
        (notice,) = SquareWebhooks().notices(
            json.dumps(objects.event("card.updated", objects.card()) | {"created_at": at}).encode()
        )
        assert notice.occurred_at is None


@pytest.mark.parametrize("kind", ["payment.exploded", "inventory.count.updated", "customer.custom_attribute.deleted", "x"])
def test_a_type_that_nobody_has_heard_of(kind: str) -> None:
    assert not told(kind, {"id": "x"}).known


def test_what_changes_nothing_is_known() -> None:
    assert told("location.updated", None).known
    assert told("location.updated", None).informs


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("card.updated", Named(Kind.SAVED_CARD, CARD)),
        ("customer.updated", Named(Kind.CUSTOMER, CUSTOMER)),
        ("payment.updated", Named(Kind.PAYMENT, PAYMENT)),
        ("refund.updated", Named(Kind.REFUND, "r1")),
    ],
)
def test_an_event_with_a_name_only_is_a_hint(kind: str, named: Named) -> None:
    assert told(kind, None, id=named.ref).saved.look == (named,)
    for nothing in ("", None, 7, "a\nb"):
        with pytest.raises(BadEvent):
            told(kind, None, id=nothing)


def test_what_is_gone_is_gone_though_only_its_name_is_told() -> None:
    (card,) = told("card.forgotten", None, id=CARD).saved.cards
    assert (card.ref, card.forgotten, card.enabled) == (CARD, True, False)
    (customer,) = told("customer.deleted", None, id=CUSTOMER).saved.customers
    assert (customer.ref, customer.deleted) == (CUSTOMER, True)


def test_merged_customers_say_who_took_their_place() -> None:
    """Whichever of the two events comes first tells all of it."""
    merge = {"merge": {"from_customer_ids": ["a", "b"], "to_customer_id": CUSTOMER}}
    gone = told("customer.deleted", None, object={"customer": objects.customer(id="a"), "event_context": merge})
    (old,) = gone.saved.customers
    assert (old.ref, old.deleted, old.merged_into) == ("a", True, CUSTOMER)
    made = told("customer.created", None, object={"customer": objects.customer(), "event_context": merge})
    new, *olds = made.saved.customers
    assert (new.ref, new.deleted, new.merged_into) == (CUSTOMER, False, None)
    assert [(one.ref, one.deleted, one.merged_into) for one in olds] == [("a", True, CUSTOMER), ("b", True, CUSTOMER)]


@pytest.mark.parametrize("kind", ["dispute.state.changed", "dispute.evidence.added", "dispute.evidence.removed"])
def test_older_names_of_a_disputes_events(kind: str) -> None:
    dispute = objects.dispute()
    dispute["dispute_id"] = dispute.pop("id")
    (found,) = told(kind, dispute).saved.disputes
    assert found.payment_ref == PAYMENT


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        ("payment.updated", objects.payment(amount_money=None)),
        ("payment.updated", objects.payment(amount_money={"amount": 1.5, "currency": "USD"})),
        ("payment.updated", objects.payment(tip_money={"amount": 1, "currency": "EUR"}, total_money=None)),
        ("refund.updated", objects.refund(created_at="never")),
        ("card.updated", objects.card(id=7)),
        ("dispute.created", objects.dispute(disputed_payment=None)),
    ],
)
def test_a_known_event_that_lacks_what_it_must_have(kind: str, about: Any) -> None:
    with pytest.raises(BadEvent):
        told(kind, about)


def test_an_object_that_is_none() -> None:
    for data in ({"object": "x"}, {"object": [1]}, {"object": {"payment": "x"}}):
        with pytest.raises(BadEvent):
            told("payment.updated", None, id="x", **data)
