"""What became of one attempt at a request, and whether another may follow; nothing is sent here, and nobody waits."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import httpx
import msgspec

from cardctl.domain.redaction import redact

_INEXACT = re.compile(rb"[:\[,]\s*-?(?:[0-9]+[.eE]|[0-9]{16})")
"""Numbers that a float may not hold exactly."""
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
"""It reads numbers as they stand, and takes no longer than a parser that makes floats of them: a page of a list is 300 kB."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that arrived whole. `data` is its JSON (numbers with a point as Decimal), None where it is no JSON.

    `doubtful`: an earlier attempt of the same write may have run, so a refusal of this attempt alone says nothing of it.
    """

    status: int
    headers: httpx.Headers
    body: bytes
    data: Any
    latency_ms: int
    doubtful: bool = False

    @property
    def date(self) -> datetime | None:
        """The server's clock, from the Date header."""
        return http_date(self.headers.get("date", ""))

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"  # the body may hold card numbers


class Fate(Enum):
    """What became of one attempt."""

    ANSWERED = "a definite answer"
    NOT_SENT = "it never left"
    TURNED_AWAY = "429"
    BUSY = "another request under the key runs"
    LOST = "no whole answer"
    FAILED = "5xx"


MAYBE_RAN = frozenset({Fate.BUSY, Fate.LOST, Fate.FAILED})
NOBODY_THERE = frozenset({Fate.NOT_SENT, Fate.LOST, Fate.FAILED})
"""Nobody answered who could have done it; a 429 and a 409 come from a provider that works."""
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Attempt:
    """`saved`: the provider keeps this failure under the key. `again`: another attempt is safe, and may help."""

    fate: Fate
    problem: str
    reply: Reply | None = None
    saved: bool = False
    again: bool = False


def judged(
    status: int, headers: httpx.Headers, body: bytes, latency_ms: int, busy: Collection[int], *, any_text: bool = False
) -> Attempt:
    """An answer that came to its end, though it may be torn; `busy` are statuses that say that the key is in use. `any_text`:
    an answer need not be JSON."""
    data, whole = _parsed(body)
    whole = whole or any_text
    reply = Reply(status, headers, body, data, latency_ms)
    if status == 429:
        fate = Fate.TURNED_AWAY
    elif status >= 500:
        fate = Fate.FAILED
    elif status in busy:
        fate = Fate.BUSY
    else:
        fate = Fate.ANSWERED if whole or not 200 <= status < 300 else Fate.LOST
    problem = f"the answer was {status}" if whole or status >= 300 else "the answer was torn"
    return Attempt(fate, problem, reply, saved=fate is Fate.FAILED and _replayed(headers))


def unanswered(error: httpx.RequestError) -> Attempt:
    """No answer, or none to its end."""
    problem = f"{type(error).__name__}: {redact(str(error))}" if str(error) else type(error).__name__
    return Attempt(Fate.NOT_SENT if isinstance(error, _NOT_SENT) else Fate.LOST, problem)


def may_follow(attempt: Attempt, keyed: bool | None) -> bool:
    """Whether another attempt is safe, and may help."""
    #                     read   write with a key   write without
    # answered            no     no                 no
    # surely did not run  yes    yes                yes
    # may have run        yes    yes, unless saved  no
    if attempt.fate is Fate.ANSWERED:
        return False
    if attempt.fate in MAYBE_RAN and keyed is not None:
        return keyed and not attempt.saved
    return True


def http_date(text: str) -> datetime | None:
    """A date of a header, aware; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parsed(body: bytes) -> tuple[Any, bool]:
    try:
        return _EXACT.decode(body), True
    except (ValueError, ArithmeticError, RecursionError):  # UnicodeDecodeError and msgspec's own are ValueErrors
        return _parsed_with_halves(body)


def _parsed_with_halves(body: bytes) -> tuple[Any, bool]:
    """Half a surrogate pair, which a name that was cut may end in, is taken where amounts are decimals, and by this parser."""
    try:
        if _INEXACT.search(body):
            return json.loads(body, parse_float=Decimal, parse_constant=_no_number), True
    except (ValueError, ArithmeticError, RecursionError):
        pass
    return None, False


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _replayed(headers: httpx.Headers) -> bool:
    """The provider keeps this failure under the key: asking again would only bring it back.

    `Stripe-Should-Retry` (SDK 16.1.0) says so; `Idempotent-Replayed` is UNCONFIRMED, so its absence means nothing.
    """
    said = {name: str(headers.get(name, "")).lower() for name in ("idempotent-replayed", "stripe-should-retry")}
    return said["idempotent-replayed"] == "true" or said["stripe-should-retry"] == "false"
