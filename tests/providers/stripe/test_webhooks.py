"""Signatures: genuine, tampered, late, rotated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from cardctl.domain.redaction import Secret
from cardctl.providers.stripe_issuing.webhooks import Verdict, verify

OLD, NEW = Secret("whsec_old0old0old0"), Secret("whsec_new0new0new0")
BODY = '{"id": "evt_1", "object": "event", "name": "Zoë"}'
SIGNED_AT = 1_790_000_000
RECEIVED_AT = datetime.fromtimestamp(SIGNED_AT, UTC)


def signed(secret: Secret = NEW, at: int = SIGNED_AT) -> str:
    header: str = stripe.WebhookSignature.generate_signature_header(BODY, secret.reveal(), at)
    return header


@pytest.mark.parametrize(
    ("body", "header", "verdict"),
    [
        (BODY, signed(), Verdict.VALID),
        (BODY, signed(OLD), Verdict.VALID),
        (BODY, f"{signed()},v1=0000,v0=1111", Verdict.VALID),
        (BODY, signed().replace("v1=", "v1=0000,v1="), Verdict.VALID),
        (BODY, signed(Secret("whsec_another0one")), Verdict.INVALID),
        (BODY.replace("evt_1", "evt_2"), signed(), Verdict.INVALID),
        (BODY, signed().replace(f"t={SIGNED_AT}", f"t={SIGNED_AT + 1}"), Verdict.INVALID),
        (BODY, signed().replace("v1=", "v0="), Verdict.INVALID),
        (BODY, "nonsense", Verdict.INVALID),
        (BODY, f"t={SIGNED_AT},v1=é", Verdict.INVALID),
        (BODY, "", Verdict.ABSENT),
        (BODY, None, Verdict.ABSENT),
    ],
)
def test_verdicts(body: str, header: str | None, verdict: Verdict) -> None:
    assert verify(body.encode(), header, [NEW, OLD], RECEIVED_AT) is verdict


def test_bytes_that_are_no_text_are_not_genuine() -> None:
    assert verify(b"\xff", signed(), [NEW], RECEIVED_AT) is Verdict.INVALID


def test_without_a_secret_nothing_is_genuine() -> None:
    assert verify(BODY.encode(), signed(), [], RECEIVED_AT) is Verdict.INVALID
    assert verify(BODY.encode(), signed(), [Secret(" ")], RECEIVED_AT) is Verdict.INVALID


@pytest.mark.parametrize(
    ("late", "verdict"),
    [(-3600, Verdict.VALID), (0, Verdict.VALID), (300, Verdict.VALID), (301, Verdict.STALE), (10**8, Verdict.STALE)],
)
def test_age_is_judged_as_of_receipt(late: int, verdict: Verdict) -> None:
    assert verify(BODY.encode(), signed(), [NEW], RECEIVED_AT + timedelta(seconds=late)) is verdict
