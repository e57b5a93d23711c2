"""Deliveries: genuine, tampered, late, rotated, unsigned; what is in a body, and what is none of Stripe's."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from cardctl.domain.events import Incoming, Signature
from cardctl.domain.redaction import Secret
from cardctl.errors import BadEvent
from cardctl.providers import registry
from cardctl.providers.stripe_issuing.webhooks import StripeWebhooks, verify_with
from tests.providers.stripe import objects

WEBHOOKS = StripeWebhooks()
OLD, NEW = Secret("whsec_old0old0old0"), Secret("whsec_new0new0new0")
BODY = '{"id": "evt_1", "object": "event", "name": "Zoë"}'
SIGNED_AT = 1_790_000_000
RECEIVED_AT = datetime.fromtimestamp(SIGNED_AT, UTC)


def signed(secret: Secret = NEW, at: int = SIGNED_AT, body: str = BODY) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(body, secret.reveal(), at)
    return header


def verdict(body: bytes, header: str | None, *secrets: Secret, at: datetime = RECEIVED_AT) -> Signature:
    headers = {} if header is None else {"stripe-signature": header}
    return WEBHOOKS.verify(Incoming(body, headers, at), {"stripe.webhook_secret": secrets})


@pytest.mark.parametrize(
    ("body", "header", "wanted"),
    [
        (BODY, signed(), Signature.VALID),
        (BODY, signed(OLD), Signature.VALID),
        (BODY, f"{signed()},v1=0000,v0=1111", Signature.VALID),
        (BODY, signed().replace("v1=", "v1=0000,v1="), Signature.VALID),
        (BODY, signed(Secret("whsec_another0one")), Signature.INVALID),
        (BODY.replace("evt_1", "evt_2"), signed(), Signature.INVALID),
        (BODY, signed().replace(f"t={SIGNED_AT}", f"t={SIGNED_AT + 1}"), Signature.INVALID),
        (BODY, signed().replace("v1=", "v0="), Signature.INVALID),
        (BODY, signed().upper(), Signature.INVALID),
        (BODY, f"t={SIGNED_AT - 1},{signed()}", Signature.INVALID),
        (BODY, "nonsense", Signature.INVALID),
        (BODY, f"t={SIGNED_AT},v1=é", Signature.INVALID),
        (BODY, f"t={'9' * 5000},v1=00", Signature.INVALID),
        (BODY, "", Signature.ABSENT),
        (BODY, None, Signature.ABSENT),
    ],
)
def test_verdicts(body: str, header: str | None, wanted: Signature) -> None:
    assert verdict(body.encode(), header, NEW, OLD) is wanted


def test_bytes_that_are_no_text_are_not_genuine() -> None:
    assert verdict(b"\xff", signed(), NEW) is Signature.INVALID


def test_without_a_secret_nothing_is_genuine() -> None:
    assert WEBHOOKS.verify(Incoming(BODY.encode(), {"stripe-signature": signed()}, RECEIVED_AT), {}) is Signature.INVALID
    assert verdict(BODY.encode(), signed(), Secret(" ")) is Signature.INVALID


@pytest.mark.parametrize(
    ("late", "wanted"),
    [
        (-3600, Signature.VALID),
        (0, Signature.VALID),
        (300, Signature.VALID),
        (301, Signature.STALE),
        (10**8, Signature.STALE),
    ],
)
def test_age_is_judged_as_of_receipt(late: int, wanted: Signature) -> None:
    assert verdict(BODY.encode(), signed(), NEW, at=RECEIVED_AT + timedelta(seconds=late)) is wanted


def test_a_time_that_no_clock_has_is_no_crash() -> None:
    assert verdict(BODY.encode(), signed(at=10**400), NEW) is Signature.VALID
    assert verdict(BODY.encode(), signed(at=-(10**400)), NEW) is Signature.STALE


def test_the_secret_of_authorization_requests_proves_no_ordinary_event() -> None:
    incoming = Incoming(BODY.encode(), {"stripe-signature": signed(OLD)}, RECEIVED_AT)
    secrets = {"stripe.authorization_secret": [OLD], "stripe.webhook_secret": [NEW]}
    assert WEBHOOKS.verify(incoming, secrets) is Signature.INVALID
    assert verify_with(incoming, secrets["stripe.authorization_secret"]) is Signature.VALID


def event(kind: str = "issuing_card.updated", told: Any = None, **fields: Any) -> bytes:
    whole = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "created": SIGNED_AT,
        "livemode": False,
        "data": {"object": told},
    }
    return json.dumps({**whole, **fields}).encode()


def test_a_notice() -> None:
    (found,) = WEBHOOKS.notices(event(told=objects.card(), livemode=True))
    assert (found.event_id, found.type, found.position, found.live) == ("evt_1", "issuing_card.updated", 0, True)
    assert (found.object_ref, found.card_ref, found.occurred_at) == ("ic_1", "ic_1", RECEIVED_AT)
    assert found.item["data"]["object"]["last4"] == "0005"


@pytest.mark.parametrize(
    ("kind", "told", "object_ref", "card_ref"),
    [
        ("issuing_card.created", {"id": "ic_7"}, "ic_7", "ic_7"),
        ("issuing_authorization.created", objects.authorization(), "iauth_1", "ic_1"),
        ("issuing_authorization.created", objects.authorization(card="ic_2"), "iauth_1", "ic_2"),
        ("issuing_transaction.created", objects.transaction(), "ipi_1", "ic_1"),
        ("issuing_transaction.created", objects.transaction(card=objects.card(id="ic_3")), "ipi_1", "ic_3"),
        ("issuing_cardholder.updated", objects.cardholder(), "ich_1", None),
        ("issuing_dispute.created", {"id": "idp_1", "transaction": "ipi_1"}, "idp_1", None),
        ("issuing_dispute.created", {"id": "idp_1", "transaction": objects.transaction()}, "idp_1", "ic_1"),
        ("issuing_token.created", {"id": "intok_1", "card": "ic_1"}, "intok_1", "ic_1"),
        ("topup.created", {"id": "tu_1"}, "tu_1", None),
        ("balance.available", {"object": "balance"}, None, None),
        ("issuing_card.created", {"id": 7, "card": ["ic_1"]}, None, None),
        ("issuing_card.created", None, None, None),
    ],
)
def test_what_a_notice_is_about(kind: str, told: Any, object_ref: str | None, card_ref: str | None) -> None:
    (found,) = WEBHOOKS.notices(event(kind, told))
    assert (found.object_ref, found.card_ref) == (object_ref, card_ref)


@pytest.mark.parametrize("fields", [{"created": None}, {"created": 10**30}, {"created": "today"}, {"livemode": None}])
def test_what_does_not_decide_may_be_missing(fields: dict[str, Any]) -> None:
    (found,) = WEBHOOKS.notices(event(**fields))
    assert (found.live, found.occurred_at) == ((False, None) if "created" in fields else (None, RECEIVED_AT))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b"7",
        b'"evt_1"',
        b"NaN",
        b"[" * 100_000,
        b'{"id": "evt_1", "type": "x.y"}',
        b'{"object": "list", "data": []}',
        event(object="issuing.card"),
        event(object=["event"]),
        event(id=None),
        event(id=""),
        event(id=7),
        event(id="evt_\u0000"),
        event(id="evt_" + "x" * 300),
        event(type=None),
        event(type=["x"]),
    ],
)
def test_what_is_no_event(body: bytes) -> None:
    with pytest.raises(BadEvent):
        WEBHOOKS.notices(body)


def test_a_thin_event_is_named_as_such() -> None:
    with pytest.raises(BadEvent, match="thin"):
        WEBHOOKS.notices(event(object="v2.core.event"))


def test_the_registry_leads_here() -> None:
    found = registry.webhooks("stripe")
    assert (found.name, found.secret_names) == ("stripe", ("stripe.webhook_secret",))
    assert found.kept_body(b"x") == b"x"
