"""One HTTP client for every provider: timeouts, retries and what a lost reply means; knows no provider's words."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from enum import Enum
from time import perf_counter
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt

from cardctl.domain.redaction import redact
from cardctl.errors import CardctlError, ProviderUnavailable, RateLimited, ReplyLost, ServerFailed
from cardctl.providers.base import Call

for _name in ("httpx", "httpcore"):  # they log whole URLs and headers, and some providers keep a key in one
    logging.getLogger(_name).setLevel(logging.WARNING)

BASE_DELAY = 0.5
MAX_DELAY = 8.0
MAX_RETRY_AFTER = 60.0


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
        return _http_date(self.headers.get("date", ""))

    def __repr__(self) -> str:
        return f"Reply({self.status}, {len(self.body)} bytes)"  # the body may hold card numbers


class Http:
    """One httpx.Client with the house's retry rules.

    `timeout` is seconds for one attempt, the whole body included. `busy` are statuses by which the provider says that another
    request under the same key is still running. Redirects are not followed.
    """

    def __init__(
        self,
        provider: str,
        *,
        transport: httpx.BaseTransport | None,
        timeout: float,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        retries: int = 3,
        busy: Collection[int] = (),
        on_call: Callable[[Call], None] | None = None,
    ) -> None:
        self._provider = provider
        self._timeout = timeout
        self._random = random
        self._busy = frozenset(busy)
        self._on_call = on_call
        self._retrying = Retrying(
            sleep=sleep,
            wait=self._wait,
            stop=stop_after_attempt(retries + 1),
            retry=retry_if_result(lambda attempt: attempt.again),
            retry_error_callback=_last,
        )
        self._client = httpx.Client(transport=transport, timeout=timeout, follow_redirects=False)

    def close(self) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | str | None = None,
        keyed: bool | None = None,
        urgent: bool = False,
    ) -> Reply:
        """The answer, after as many attempts as are safe. An `urgent` request waits for no breaker and no budget.

        `keyed` None is a read. False is a write that is sent again only where the last attempt surely did not run; True is one
        whose key makes any repetition harmless. Errors, where no answer of 2xx to 4xx came: ProviderUnavailable or RateLimited
        (a read, or surely nothing ran), ReplyLost or ServerFailed (a write that may have run).
        """
        request = self._client.build_request(method.upper(), url, headers=dict(headers), content=content)
        doubts: list[_Attempt] = []
        number = 0

        def once() -> _Attempt:
            nonlocal number
            number += 1
            attempt = self._attempt(request, number)
            attempt = replace(attempt, again=_again(attempt, keyed))
            if keyed is not None and attempt.fate in _MAYBE_RAN:
                doubts.append(attempt)
            return attempt

        last: _Attempt = self._retrying(once)
        if last.fate is _Fate.ANSWERED:
            assert last.reply is not None
            return replace(last.reply, doubtful=bool(doubts))
        raise self._error(last, doubts)

    def _attempt(self, request: httpx.Request, number: int) -> _Attempt:
        start = perf_counter()
        try:
            attempt = self._judged(*self._read(request, start), start)
        except _NOT_SENT as error:
            attempt = _Attempt(_Fate.NOT_SENT, _said(error))
        except httpx.RequestError as error:
            attempt = _Attempt(_Fate.LOST, _said(error))
        if self._on_call:
            headers = attempt.reply.headers if attempt.reply else httpx.Headers()
            request_id = headers.get("request-id") or headers.get("x-request-id")
            status = attempt.reply.status if attempt.reply else None
            path = redact(request.url.path)
            self._on_call(Call(self._provider, request.method, path, status, _since(start), number, request_id))
        return attempt

    def _read(self, request: httpx.Request, start: float) -> tuple[int, httpx.Headers, bytes]:
        response = self._client.send(request, stream=True)
        try:
            chunks = []
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                if perf_counter() - start > self._timeout:  # httpx's own limit is for each chunk, and a trickle has no end
                    raise httpx.ReadTimeout("the answer took too long")
        finally:
            response.close()
        return response.status_code, response.headers, b"".join(chunks)

    def _judged(self, status: int, headers: httpx.Headers, body: bytes, start: float) -> _Attempt:
        data, whole = _parsed(body)
        reply = Reply(status, headers, body, data, _since(start))
        if status == 429:
            fate = _Fate.TURNED_AWAY
        elif status >= 500:
            fate = _Fate.FAILED
        elif status in self._busy:
            fate = _Fate.BUSY
        else:
            fate = _Fate.ANSWERED if whole or not 200 <= status < 300 else _Fate.LOST
        problem = f"the answer was {status}" if whole or status >= 300 else "the answer was torn"
        return _Attempt(fate, problem, reply, saved=fate is _Fate.FAILED and _replayed(headers))

    def _wait(self, state: RetryCallState) -> float:
        """Exponential backoff with full jitter, but never sooner than the provider asked for."""
        reply = _last(state).reply
        asked = _retry_after(reply) if reply else 0.0
        ceiling: float = min(MAX_DELAY, BASE_DELAY * 2 ** (state.attempt_number - 1))
        return max(asked, self._random() * ceiling)

    def _error(self, last: _Attempt, doubts: list[_Attempt]) -> CardctlError:
        if not doubts:
            kind = RateLimited if last.fate is _Fate.TURNED_AWAY else ProviderUnavailable
            return kind(f"{self._provider} is not available: {last.problem}")
        doubt = doubts[-1]
        message = f"a request to {self._provider} may have run: {doubt.problem}"
        return ServerFailed(message, saved=doubt.saved) if doubt.fate is _Fate.FAILED else ReplyLost(message)


class _Fate(Enum):
    """What became of one attempt."""

    ANSWERED = "a definite answer"
    NOT_SENT = "it never left"
    TURNED_AWAY = "429"
    BUSY = "another request under the key runs"
    LOST = "no whole answer"
    FAILED = "5xx"


_MAYBE_RAN = frozenset({_Fate.BUSY, _Fate.LOST, _Fate.FAILED})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class _Attempt:
    fate: _Fate
    problem: str
    reply: Reply | None = None
    saved: bool = False
    again: bool = False


def _again(attempt: _Attempt, keyed: bool | None) -> bool:
    #                     read   write with a key   write without
    # answered            no     no                 no
    # surely did not run  yes    yes                yes
    # may have run        yes    yes, unless saved  no
    if attempt.fate is _Fate.ANSWERED:
        return False
    if attempt.fate in _MAYBE_RAN and keyed is not None:
        return keyed and not attempt.saved
    return True


def _last(state: RetryCallState) -> _Attempt:
    assert state.outcome is not None
    attempt: _Attempt = state.outcome.result()
    return attempt


def _parsed(body: bytes) -> tuple[Any, bool]:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number), True
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        return None, False


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _replayed(headers: httpx.Headers) -> bool:
    """The provider keeps this failure under the key: asking again would only bring it back.

    `Stripe-Should-Retry` (SDK 16.1.0) says so; `Idempotent-Replayed` is UNCONFIRMED, so its absence means nothing.
    """
    said = {name: str(headers.get(name, "")).lower() for name in ("idempotent-replayed", "stripe-should-retry")}
    return said["idempotent-replayed"] == "true" or said["stripe-should-retry"] == "false"


def _retry_after(reply: Reply) -> float:
    """Seconds asked for, as a number or as a date held against the server's own clock (RFC 9110), at most MAX_RETRY_AFTER."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    until, now = _http_date(text), reply.date
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER) if until and now else 0.0


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _said(error: httpx.RequestError) -> str:
    return f"{type(error).__name__}: {redact(str(error))}" if str(error) else type(error).__name__


def _since(start: float) -> int:
    return round((perf_counter() - start) * 1000)
