"""Is an event from Stripe: the signature, by the SDK's own verifier; nothing is translated here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

import stripe

from cardctl.domain.redaction import Secret

TOLERANCE = 300


class Verdict(StrEnum):
    """What can be said of a signature."""

    VALID = "valid"
    INVALID = "invalid"
    STALE = "stale"
    ABSENT = "absent"


def verify(
    body: bytes, header: str | None, secrets: Iterable[Secret], received_at: datetime, tolerance: int = TOLERANCE
) -> Verdict:
    """The verdict over the raw `body` and its `Stripe-Signature`; during rotation any of `secrets` may have signed it.

    Age is judged against the time of receipt, so that the verdict on a stored event never changes: the SDK (16.1.0) would ask
    the wall clock, so it is not given a tolerance. STALE: genuine, but signed more than `tolerance` seconds earlier.
    """
    if not header:
        return Verdict.ABSENT
    if not any(_signed(body, header, secret) for secret in secrets):
        return Verdict.INVALID
    return Verdict.VALID if received_at.timestamp() - _signed_at(header) <= tolerance else Verdict.STALE


def _signed(body: bytes, header: str, secret: Secret) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, header, secret.reveal(), tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeDecodeError, TypeError):
        return False  # TypeError: compare_digest takes no other text than ASCII
    return True


def _signed_at(header: str) -> int:
    """The first `t`, the one that the SDK's verifier signs with."""
    return int(next(item.split("=")[1] for item in header.split(",") if item.split("=")[0] == "t"))
