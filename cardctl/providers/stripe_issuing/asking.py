"""Stripe's questions about purchases (`issuing_authorization.request`): who asks, and what; the answer is decided elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cardctl.domain.authorizations import Asked
from cardctl.domain.events import Incoming, Signature
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.errors import BadEvent
from cardctl.providers.stripe_issuing import translate
from cardctl.providers.stripe_issuing.client import API_VERSION
from cardctl.providers.stripe_issuing.webhooks import StripeWebhooks, verify_with

_TYPE = "issuing_authorization.request"
_STRANGE = (LookupError, TypeError, ValueError, AttributeError)


class StripeQuestions:
    """Answered with 200 within two seconds, the header Stripe-Version and `{"approved": …}` (docs.stripe.com/issuing/controls/
    real-time-authorizations); a secret of its own signs the question."""

    secret_name: ClassVar[str] = "stripe.authorization_secret"  # noqa: S105 - a name
    headers: ClassVar[Mapping[str, str]] = {"Stripe-Version": API_VERSION}

    def verify(self, incoming: Incoming, secrets: Sequence[Secret]) -> Signature:
        return verify_with(incoming, secrets)

    def asked(self, body: bytes) -> Asked:
        """`pending_request.amount` is what this decision adds (SDK 16.1.0); without one, the whole amount is asked for."""
        (notice,) = StripeWebhooks().notices(body)
        if notice.type != _TYPE:
            raise BadEvent(f"{notice.type} is no question about a purchase")
        try:
            return _asked(notice.item["data"]["object"])
        except _STRANGE:
            raise BadEvent(f"the question {notice.event_id} does not say what is asked") from None


def _asked(authorization: Mapping[str, Any]) -> Asked:
    card, pending = authorization["card"], authorization.get("pending_request") or {}
    amount, currency = pending.get("amount", authorization["amount"]), pending.get("currency") or authorization["currency"]
    if not isinstance(amount, int):
        raise TypeError("an amount is a whole number of minor units")
    return Asked(
        ref=authorization["id"],
        card_ref=card if isinstance(card, str) else card["id"],
        amount=Money(amount, currency.upper()),
        merchant=translate.merchant_from_wire(authorization.get("merchant_data")),
    )
