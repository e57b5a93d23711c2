"""The answers of Zendit judged: a yes, a no in plain words, or nobody knows; no message has an activation code in it.

An HTTP error has `errorCode`, `message` and `fields`; the error in a transaction, which comes with a 200, has `code`, `message`
and `description` (both SDK 1.9.0). Either is understood in either place. The codes are an open set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cardctl.domain.redaction import redact
from cardctl.errors import (
    CardctlError,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    ReplyLost,
    SecretRefused,
    ServerFailed,
)
from cardctl.providers.http import Reply

ALLOW_LIST = "put this machine's address on the API IP allow-list in Zendit's console"
"""What a 403 means (documentation): who asks is not on it."""
_DOWN = "SYSTEM_UNAVAILABLE"
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z", re.ASCII)
_ACTIVATION = re.compile(r"LPA:[^\s\"'<>]*", re.IGNORECASE)
_LONGEST = 300


def answered(reply: Reply, *, write: bool) -> dict[str, Any]:
    """The JSON of a yes. Errors: ProviderRefused and its kinds, SecretRefused; of a write ReplyLost or ServerFailed where it
    may have run; of a read ProviderUnavailable."""
    if 200 <= reply.status < 300 and isinstance(reply.data, dict):
        data: dict[str, Any] = reply.data
        return data
    raise refusal(reply, write=write)


def refusal(reply: Reply, *, write: bool) -> CardctlError:
    """What an answer means that is no yes.

    401 and 403 are the door's, whatever stands in them: nothing ran. Any other no has to be in Zendit's words, since who else
    answered may have passed the request on.
    """
    told = reply.data if isinstance(reply.data, dict) else {}
    code, message = error_of(told)
    if reply.status in (401, 403):
        error = _turned_away(reply, code, message)
    elif reply.status < 400 or not code:
        error = _strange(reply.status, write=write)
    elif code == _DOWN:
        error = ServerFailed(_said(reply, told)) if write else ProviderUnavailable(_said(reply, told))
    else:
        kind = ProviderHasNot if reply.status == 404 else ProviderRefused
        error = kind(_said(reply, told), vendor_code=code, request_id=reply.headers.get("x-request-id"))
    if write and reply.doubtful and not isinstance(error, ReplyLost):
        return ReplyLost(f"a request to zendit may have run; to its repetition {error.message}")
    return error


def error_of(told: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Code and words of an error, in either shape; None where there is none."""
    inner = told.get("error")
    if isinstance(inner, Mapping):
        told = {**inner, **told}
    code = next((told[name] for name in ("errorCode", "code") if _is_code(told.get(name))), None)
    texts = (told.get(name) for name in ("message", "description"))
    return code, next((scrubbed(text) for text in texts if isinstance(text, str) and text.strip()), None)


def scrubbed(text: str) -> str:
    """Text of Zendit's, cut where it is long, without activation codes and what looks like a secret."""
    return redact(_ACTIVATION.sub("LPA:***", text.strip()))[:_LONGEST]


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and _CODE.match(value) is not None


def _turned_away(reply: Reply, code: str | None, message: str | None) -> CardctlError:
    words = f"({reply.status}{f' {code}' if code else ''}){f': {message}' if message else ''}"
    if reply.status == 403:
        return SecretRefused(f"zendit does not let this machine in {words}", hint=ALLOW_LIST)
    return SecretRefused(f"zendit does not know the key {words}")


def _said(reply: Reply, told: Mapping[str, Any]) -> str:
    code, message = error_of(told)
    fields = told.get("fields")
    named = sorted(fields.items(), key=str) if isinstance(fields, Mapping) else []
    problems = "; ".join(f"{scrubbed(str(name))}: {scrubbed(str(problem))}" for name, problem in named)
    return f"zendit said no ({reply.status} {code}): {message or 'no reason'}" + (f" ({problems})" if problems else "")


def _strange(status: int, *, write: bool) -> CardctlError:
    message = f"an answer of {status} came that is not in Zendit's words"
    return ReplyLost(f"{message}; the request may have run") if write else ProviderUnavailable(message)
