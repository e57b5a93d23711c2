"""One HTTP client for every provider: timeouts, retries, rate limit, breaker, what a lost reply means; no provider's words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from time import perf_counter

import httpx
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt

from cardctl.domain.redaction import redact
from cardctl.errors import CardctlError, ProviderUnavailable, RateLimited, ReplyLost, ServerFailed
from cardctl.providers.attempts import MAYBE_RAN, NOBODY_THERE, Attempt, Fate, Reply, http_date, judged, may_follow, unanswered
from cardctl.providers.guarding import Breaker, Budget, Call

__all__ = ["Http", "Reply"]

for _name in ("httpx", "httpcore"):  # they log whole URLs and headers, and some providers keep a key in one
    logging.getLogger(_name).setLevel(logging.WARNING)

BASE_DELAY = 0.5
MAX_DELAY = 8.0
MAX_RETRY_AFTER = 60.0
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=128)
"""As many as threads that a list may have; by itself httpx keeps 20, and the others would be made anew for each request."""


class Http:
    """One httpx.Client with the house's retry rules.

    `timeout` is seconds for one attempt, the whole body included. `busy` are statuses by which the provider says that another
    request under the same key is still running. Redirects are not followed. Every attempt is booked on `budget`; `breaker`
    hears of whole requests, and takes a 429 and a `busy` for answers: whoever gives them is there. `shown_path` says how the
    call log names a path, where a name in it must not be kept in clear.
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
        budget: Budget | None = None,
        breaker: Breaker | None = None,
        any_text: bool = False,
        shown_path: Callable[[str], str] | None = None,
    ) -> None:
        self._provider = provider
        self._timeout = timeout
        self._sleep = sleep
        self._random = random
        self._busy = frozenset(busy)
        self._on_call = on_call
        self._budget = budget
        self._breaker = breaker
        self._any_text = any_text
        self._shown_path = shown_path or str
        self._retrying = Retrying(
            sleep=sleep,
            wait=self._wait,
            stop=stop_after_attempt(retries + 1),
            retry=retry_if_result(lambda attempt: attempt.again),
            retry_error_callback=_last,
        )
        self._client = httpx.Client(transport=transport, timeout=timeout, limits=_LIMITS, follow_redirects=False)

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
        whose key makes any repetition harmless. Errors, where no answer of 2xx to 4xx came: CircuitOpen (nothing was sent),
        ProviderUnavailable or RateLimited (a read, or surely nothing ran), ReplyLost or ServerFailed (a write that may have
        run).
        """
        request = self._client.build_request(method.upper(), url, headers=dict(headers), content=content)
        doubts: list[Attempt] = []
        number = 0

        def once() -> Attempt:
            nonlocal number
            number += 1
            self._book(urgent)
            attempt = self._attempt(request, number)
            attempt = replace(attempt, again=may_follow(attempt, keyed))
            if keyed is not None and attempt.fate in MAYBE_RAN:
                doubts.append(attempt)
            return attempt

        last = self._guarded(lambda: self._retrying(once), urgent)
        if last.fate is Fate.ANSWERED:
            assert last.reply is not None
            return replace(last.reply, doubtful=bool(doubts))
        raise self._error(last, doubts)

    def _guarded(self, work: Callable[[], Attempt], urgent: bool) -> Attempt:
        """The breaker is asked before a request and told after it, however many attempts it took."""
        if self._breaker is None:
            return work()
        if not urgent:
            self._breaker.check()
        try:
            last = work()
        except BaseException:  # Ctrl-C, or a bug
            self._breaker.released()
            raise
        self._breaker.failed() if last.fate in NOBODY_THERE else self._breaker.succeeded()
        return last

    def _book(self, urgent: bool) -> None:
        if self._budget is not None and (wait := self._budget.take(wait=not urgent)):
            self._sleep(wait)

    def _attempt(self, request: httpx.Request, number: int) -> Attempt:
        start = perf_counter()
        try:
            status, headers, body = self._read(request, start)
            attempt = judged(status, headers, body, _since(start), self._busy, any_text=self._any_text)
        except httpx.RequestError as error:
            attempt = unanswered(error)
        if self._budget is not None and attempt.fate is Fate.TURNED_AWAY and (asked := _retry_after(attempt.reply)):
            self._budget.penalise(asked)  # the other processes would only be turned away too
        if self._on_call:
            headers = attempt.reply.headers if attempt.reply else httpx.Headers()
            request_id = headers.get("request-id") or headers.get("x-request-id")
            path = redact(self._shown_path(request.url.path))
            answered = attempt.reply.status if attempt.reply else None
            self._on_call(Call(self._provider, request.method, path, answered, _since(start), number, request_id))
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

    def _wait(self, state: RetryCallState) -> float:
        """Exponential backoff with full jitter, but never sooner than the provider asked for."""
        ceiling: float = min(MAX_DELAY, BASE_DELAY * 2 ** (state.attempt_number - 1))
        return max(_retry_after(_last(state).reply), self._random() * ceiling)

    def _error(self, last: Attempt, doubts: list[Attempt]) -> CardctlError:
        if not doubts:
            kind = RateLimited if last.fate is Fate.TURNED_AWAY else ProviderUnavailable
            return kind(f"{self._provider} is not available: {last.problem}")
        doubt = doubts[-1]
        message = f"a request to {self._provider} may have run: {doubt.problem}"
        return ServerFailed(message, saved=doubt.saved) if doubt.fate is Fate.FAILED else ReplyLost(message)


def _last(state: RetryCallState) -> Attempt:
    assert state.outcome is not None
    attempt: Attempt = state.outcome.result()
    return attempt


def _retry_after(reply: Reply | None) -> float:
    """Seconds asked for, as a number or as a date held against the server's own clock (RFC 9110), at most MAX_RETRY_AFTER."""
    if reply is None:
        return 0.0
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    until, now = http_date(text), reply.date
    return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER) if until and now else 0.0


def _since(start: float) -> int:
    return round((perf_counter() - start) * 1000)
