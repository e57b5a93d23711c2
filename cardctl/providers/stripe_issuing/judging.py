"""Stripe's refusals, and answers that are not Stripe's, as our errors; nothing is sent here."""

from __future__ import annotations

import stripe

from cardctl.domain.redaction import redact
from cardctl.errors import (
    CardctlError,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    SecretRefused,
)
from cardctl.providers.http import Reply

_ERRORS: dict[type[stripe.StripeError], type[CardctlError]] = {  # SDK 16.1.0 `specific_v1_api_error`: by status and type
    stripe.AuthenticationError: SecretRefused,  # 401
    stripe.PermissionError: ProviderRefused,  # 403
    stripe.CardError: ProviderRefused,  # 402
    stripe.InvalidRequestError: ProviderRefused,  # 400, 404
    stripe.RateLimitError: RateLimited,  # 400 with code rate_limit, before 429 was used
    stripe.IdempotencyError: ReplyLost,  # the key was used before, so something ran under it, and we cannot say what
}
_FINAL = (stripe.CardError, stripe.InvalidRequestError)
"""Refusals that end a write even where an earlier attempt's reply was lost: the key gives the first answer again, so had that
attempt run, this would be its answer (docs.stripe.com/api/idempotent_requests). 401, 403 and pages of strangers are no answer
to it."""


def judged(error: stripe.StripeError, reply: Reply) -> CardctlError:
    """The error that a refusal is; its message has nothing secret in it."""
    said = reply.data["error"]
    message = f"stripe answered {reply.status}: {redact(str(said.get('message') or 'no reason given'))}"
    if reply.doubtful and not isinstance(error, _FINAL):
        return ReplyLost(f"a request to stripe may have run; to its repetition {message}")
    kind = _ERRORS.get(type(error), ProviderRefused)
    if not issubclass(kind, ProviderRefused):
        return kind(message)
    code = said.get("decline_code") or said.get("code") or said.get("type")
    kind = ProviderHasNot if reply.status == 404 else kind
    return kind(message, vendor_code=code, request_id=reply.headers.get("request-id"))


def is_stripes(reply: Reply) -> bool:
    """Stripe speaks in objects, and in refusals of the form {"error": {…}}; anything else came from something in between."""
    if not isinstance(reply.data, dict):
        return False
    return 200 <= reply.status < 300 or isinstance(reply.data.get("error"), dict)


def strange(method: str, reply: Reply) -> CardctlError:
    """What it means that somebody else answered."""
    message = f"an answer of {reply.status} came that is not in Stripe's words"
    if method == "get":
        return ProviderUnavailable(message)
    return ReplyLost(f"{message}; the request may have run")  # who answered may have passed the request on
