"""Stripe's error bodies; who raises them decides when."""

from __future__ import annotations

import json
from typing import Any

DOCS = "https://stripe.com/docs/error-codes/"
_NOUNS = {
    "holders": "issuing cardholder",
    "cards": "issuing card",
    "authorizations": "issuing authorization",
    "transactions": "issuing transaction",
    "topups": "issuing topup",
    "disputes": "issuing dispute",
    "events": "event",
    "webhook_endpoints": "webhook endpoint",
    "stripe_payment_intents": "payment_intent",
    "stripe_charges": "charge",
    "stripe_checkout_sessions": "checkout.session",
    "stripe_refunds": "refund",
    "stripe_payment_disputes": "dispute",
}


class Problem(Exception):
    """An answer that is not 2xx: `{error: {type, code, message, param, doc_url, request_log_url}}`."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param: str | None = None
        self.keeps_effect = False
        self._more: dict[str, Any] = {}

    def about(self, param: str | None) -> Problem:
        """The same, naming the parameter that is wrong."""
        self.param = param
        return self

    def saying(self, **more: Any) -> Problem:
        """The same, with these fields beside the usual ones."""
        self._more |= more
        return self

    def with_effect(self) -> Problem:
        """The same; what was done before it was raised stays done, as a declined attempt to pay does."""
        self.keeps_effect = True
        return self

    def body(self, request_id: str, now: int) -> bytes:
        """Fields without a value are left out, as at Stripe."""
        error: dict[str, Any] = {"code": self.code, "doc_url": self.code and f"{DOCS}{self.code.replace('_', '-')}"}
        error |= {"message": self.message, "param": self.param}
        if self.status < 500:
            error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}?t={now}"
        error |= {**self._more, "type": self.kind}
        return json.dumps({"error": {name: value for name, value in error.items() if value is not None}}, indent=2).encode()


def no_such(table: str, ref: str, param: str | None = None) -> Problem:
    """404 for the object in the path, 400 for one that a parameter names (UNCONFIRMED, but so for the other APIs of Stripe)."""
    problem = Problem(404 if param is None else 400, f"No such {_NOUNS[table]}: '{ref}'", code="resource_missing")
    return problem.about(param or "id")


def unrecognized(method: str, path: str) -> Problem:
    """404: there is no such endpoint here."""
    message = f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or contact support."
    return Problem(404, message)


def server_error() -> Problem:
    """500, which says nothing of whether anything was done."""
    return Problem(500, "An unknown error occurred", kind="api_error")


def expired_key() -> Problem:
    """401 for a key that was good a moment ago (docs.stripe.com/error-codes, api_key_expired)."""
    return Problem(401, "Expired API Key provided.", code="api_key_expired")


def rate_limited() -> Problem:
    """429 (docs.stripe.com/rate-limits)."""
    message = "Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits."
    return Problem(429, message, code="rate_limit")
