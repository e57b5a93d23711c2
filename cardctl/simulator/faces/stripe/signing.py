"""How Stripe proves that a webhook is its own (docs.stripe.com/webhooks#verify-manually); what is sent lives elsewhere."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

HEADER = "Stripe-Signature"


def signature(body: bytes, secrets: Sequence[str], at: int) -> str:
    """`t=…,v1=…`: HMAC-SHA256 of "t.body", once for each secret that is in use (two while one is rolled)."""
    signed = b"%d.%s" % (at, body)
    proofs = (hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets)
    return ",".join([f"t={at}", *(f"v1={proof}" for proof in proofs)])
