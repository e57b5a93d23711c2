"""The answers of Square judged: a yes, a no in plain words, or nobody knows; no message names a customer or a card."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NoReturn, cast

from cardctl.domain.redaction import redact
from cardctl.errors import (
    CardctlError,
    CardExpired,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    SecretRefused,
    ServerFailed,
)
from cardctl.providers.http import Reply
from cardctl.providers.square.declines import DECLINES, EXPIRED, REFUSALS
from cardctl.providers.square.wire import SquareError

_TOKENS = frozenset({"UNAUTHORIZED", "ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_REVOKED", "V1_ACCESS_TOKEN"})
_MISSING = frozenset({"NOT_FOUND", "CUSTOMER_NOT_FOUND"})
_TEMPORARY = frozenset({"TEMPORARY_ERROR", "REQUEST_TIMEOUT"})
_REUSED = "IDEMPOTENCY_KEY_REUSED"
VERSION_MISMATCH = "VERSION_MISMATCH"
"""The conflict that says what is the matter; any other may be a request under the same key that still runs (UNCONFIRMED)."""
_NAME = re.compile(r"\b(?:ccof|cnon|verf):[\w-]+|\b(?=[\w-]*\d)[A-Za-z0-9_-]{16,}")
"""What may be the name of a customer or card (26 letters and digits, or `ccof:…`), or a token."""


class RefusedAgain(ReplyLost):
    """A no to the repetition of a request that may have run, or a no since its key was used: what it would have made may be
    there."""


def answered(reply: Reply, *, write: bool, secret: Iterable[str] = ()) -> dict[str, Any]:
    """The JSON of a yes. Errors: ProviderRefused and its kinds, SecretRefused; of a write ReplyLost or ServerFailed where it
    may have run; of a read ProviderUnavailable. `secret` are names that the request had in it."""
    errors = errors_of(reply)
    if not isinstance(reply.data, dict) or (reply.status >= 300 and not errors):
        raise _strange(reply, write=write)
    if errors:
        refuse(reply, errors, write=write, secret=secret)
    data: dict[str, Any] = reply.data
    return data


def errors_of(reply: Reply) -> list[SquareError]:
    """The errors in an answer; a 200 may have some too (SPEC)."""
    told = reply.data.get("errors") if isinstance(reply.data, dict) else None
    return [cast(SquareError, each) for each in told if isinstance(each, dict)] if isinstance(told, list) else []


def wants_new_token(reply: Reply) -> bool:
    """Whether the token is all that is wrong. UNCONFIRMED that an expired one is always called so: so is UNAUTHORIZED."""
    codes = {each.get("code") for each in errors_of(reply)}
    return reply.status == 401 and not codes - {"ACCESS_TOKEN_EXPIRED", "UNAUTHORIZED"}


def refuse(reply: Reply, errors: list[SquareError], *, write: bool, secret: Iterable[str]) -> NoReturn:
    """Raises what an answer with errors means.

    Which status goes with which code is UNCONFIRMED, so the code decides. A refusal of a repetition does not tell what became
    of the attempt before it: Square gives a first success again, but UNCONFIRMED, it may still be at work on it. A key of ours
    is one write's, so one that was used speaks for that write having run.
    """
    error = _chief(errors)
    code, message = str(error.get("code") or ""), _message(reply, error, secret)
    if write and reply.doubtful:
        raise RefusedAgain(f"a request to square may have run; to its repetition {message}")
    if write and code == _REUSED:
        raise RefusedAgain(message)
    if code == "RATE_LIMITED":
        raise RateLimited(message)
    if code in _TEMPORARY or error.get("category") == "API_ERROR":
        raise ServerFailed(message) if write else ProviderUnavailable(message)
    if reply.status == 409 and code != VERSION_MISMATCH:
        raise ReplyLost(message) if write else ProviderUnavailable(message)
    raise refusal(code, reply.status, message, reply.headers.get("x-request-id"))


def refusal(code: str, status: int, message: str, request_id: str | None = None) -> CardctlError:
    """A definite no, as the error that it is."""
    if status == 401 or code in _TOKENS:
        return SecretRefused(message)
    kind: type[ProviderRefused] = ProviderRefused
    if status == 404 or code in _MISSING:
        kind = ProviderHasNot
    elif code == EXPIRED:
        kind = CardExpired
    meaning = DECLINES.get(code) or REFUSALS.get(code)
    return kind(message, hint=meaning.hint if meaning else None, vendor_code=code or None, request_id=request_id)


def declined(code: str | None) -> CardctlError:
    """A payment that was taken and came to nothing."""
    code = code or "GENERIC_DECLINE"
    return refusal(code, 200, _plain(code) or f"square declined it ({code})")


def scrubbed(text: str, secret: Iterable[str] = ()) -> str:
    """Text of Square's without the names in `secret`, and without what looks like one."""
    names = list(secret)
    bare = [name.rpartition(":")[2] for name in names]  # `ccof:…` may be told without what it is
    for name in (*names, *bare):
        text = text.replace(name, "***") if len(name) > 3 else text
    return redact(_NAME.sub("***", text))


def _chief(errors: list[SquareError]) -> SquareError:
    """The one that says most: the first that we can explain, else the first."""
    return next((each for each in errors if each.get("code") in DECLINES), errors[0])


def _message(reply: Reply, error: SquareError, secret: Iterable[str]) -> str:
    code = str(error.get("code") or "no code")
    plain = _plain(code)
    if plain:
        return plain
    field = f", {error['field']}" if error.get("field") else ""
    detail = scrubbed(str(error.get("detail") or "no reason"), secret)
    return f"square said no ({reply.status} {scrubbed(code)}{scrubbed(field, secret)}): {detail}"


def _plain(code: str) -> str | None:
    if code in DECLINES:
        return f"square declined it: {DECLINES[code].words} ({code})"
    return f"square said no: {REFUSALS[code].words} ({code})" if code in REFUSALS else None


def _strange(reply: Reply, *, write: bool) -> CardctlError:
    message = f"an answer of {reply.status} came that is not in Square's words"
    if not write:
        return ProviderUnavailable(message)
    return ReplyLost(f"{message}; the request may have run")  # who answered may have passed the request on
