"""What each request is answered: routes, bodies, verdicts; 200 only for what is durable. Sockets are serving.py's matter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from aiohttp.web_exceptions import HTTPRequestEntityTooLarge

from cardctl.domain.events import Incoming, Signature, Source
from cardctl.receiver.counting import CONTENT_TYPE, Counts, Outcome
from cardctl.receiver.deciding import Decider
from cardctl.receiver.limits import Limits
from cardctl.receiver.logbook import Logbook
from cardctl.receiver.refusing import Refusals
from cardctl.receiver.writing import Kept, Writer
from cardctl.services.deeds.inbox import Judged, Reception, judge

ALIASES = {"/api/webhooks/marqeta": "marqeta", "/api/webhooks/stripe-issuing": "stripe"}
"""Paths that older programs gave to providers."""
AUTHORIZATION = "/webhooks/stripe/authorization"
SHIELDWALL = "/webhooks/zendit/shieldwall"
"""Where Zendit asks whether a purchase is ours: it reads 200 as yes, and 404 as no (its ShieldWall page)."""
_CONFIRM_SECONDS = 5.0
_CHALLENGES = {"marqeta": 'Basic realm="webhooks"'}
"""Providers that prove themselves by a name and a password."""
_PROBE_SECONDS, _PROBE_FRESH, _FAILED_FRESH = 2.0, 1.0, 10.0
_AGAIN = {"Retry-After": "5"}

Handler = Callable[[web.BaseRequest], Awaitable[web.Response]]


def path_of(provider: str) -> str:
    """Where a provider's notifications come."""
    return f"/webhooks/{provider}"


class Unfit(Exception):
    """A request that is answered `status` without being looked at."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass(frozen=True, slots=True)
class Parts:
    """What a front works with. `oldest` is the age of the oldest event not applied, in seconds; asked in another thread, as is
    `recognises` (None: nobody answers that)."""

    receptions: Mapping[str, Reception]
    writer: Writer
    refusals: Refusals
    counts: Counts
    logbook: Logbook
    decider: Decider | None
    recognises: Callable[[Incoming], bool] | None
    clock: Callable[[], datetime]
    oldest: Callable[[], float | None]
    limits: Limits


class Front:
    """Answers requests, all in the server's loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._routes: dict[str, Handler] = {"/healthz": self._health, "/metrics": self._metrics}
        places = {path_of(name): name for name in parts.receptions}
        places |= {path: name for path, name in ALIASES.items() if name in parts.receptions}
        self._routes |= {path: self._receiving(parts.receptions[name]) for path, name in places.items()}
        if parts.decider is not None:
            self._routes[AUTHORIZATION] = self._deciding(parts.decider)
        if parts.recognises is not None:
            self._routes[SHIELDWALL] = self._confirming(parts.recognises)
        self._inside = 0
        self._reading: set[asyncio.Timeout] = set()
        self._closing = False
        self._probed: tuple[float, asyncio.Future[Kept]] | None = None

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Whatever comes is answered."""
        self._inside += 1
        try:
            response = await self._routed(request)
        except Unfit as unfit:
            response = _plain(unfit.status, unfit.text)
            response.force_close()
        except Exception as error:  # a bug, which must not look like a receipt
            self._parts.logbook.warn(f"a request could not be answered: {type(error).__name__}")
            response = _plain(500, "internal error")
        finally:
            self._inside -= 1
        response.headers["Server"] = "cardctl"  # else the library tells its version
        if self._closing:
            response.force_close()
        return response

    async def finish(self, grace: float) -> None:
        """Wait until whatever came whole is answered, `grace` seconds at most; half a request gets a second to be completed."""
        self._closing = True
        loop = asyncio.get_running_loop()
        for timeout in self._reading:
            timeout.reschedule(loop.time() + min(1.0, grace))
        end = loop.time() + grace
        while self._inside and loop.time() < end:
            await asyncio.sleep(0.01)

    async def _routed(self, request: web.BaseRequest) -> web.Response:
        raw = request.raw_path
        path = raw.partition("?")[0] if raw.startswith("/") else request.path  # a proxy may name the whole URL
        handler = self._routes.get(path)
        if handler is None:
            return _plain(404, "no such path")
        return await handler(request)

    def _receiving(self, reception: Reception) -> Handler:
        provider, counts = reception.provider, self._parts.counts

        async def receive(request: web.BaseRequest) -> web.Response:
            if request.method != "POST":
                return _plain(200) if request.method == "HEAD" else _not_allowed("POST, HEAD")
            if not reception.can_prove:
                counts.add(Outcome.UNAVAILABLE, provider)
                self._parts.logbook.note("secret_missing", provider=provider)
                return _plain(503, "not set up", _AGAIN)
            incoming = await self._incoming(request)
            counts.add(Outcome.RECEIVED, provider)
            return await self._kept(reception, incoming)

        return receive

    async def _kept(self, reception: Reception, incoming: Incoming) -> web.Response:
        provider, counts = reception.provider, self._parts.counts
        judged = judge(reception, incoming, Source.SERVED)
        if judged.arrival is None:
            counts.add(Outcome.REFUSED, provider)
            self._parts.refusals.note(reception, incoming, judged)
            return _refused(provider, judged)
        future = self._parts.writer.submit(judged.arrival, len(incoming.body))
        kept = None if future is None else await future
        if kept is None:
            counts.add(Outcome.UNAVAILABLE, provider)
            return _plain(503, "not kept; send it again", _AGAIN)
        counts.add(Outcome.ACCEPTED, provider)
        return web.Response(status=200)

    def _deciding(self, decider: Decider) -> Handler:
        async def decide(request: web.BaseRequest) -> web.Response:
            if request.method != "POST":
                return _plain(200) if request.method == "HEAD" else _not_allowed("POST, HEAD")
            answer = await decider.answer(await self._incoming(request))
            if answer is None:
                self._parts.logbook.note("authorization_refused", provider="stripe")
                return _plain(400, "not believed")
            return web.Response(status=200, body=answer.body, headers=answer.headers, content_type="application/json")

        return decide

    def _confirming(self, recognises: Callable[[Incoming], bool]) -> Handler:
        async def confirm(request: web.BaseRequest) -> web.Response:
            if request.method != "POST":
                return _plain(200) if request.method == "HEAD" else _not_allowed("POST, HEAD")
            asked = asyncio.get_running_loop().run_in_executor(None, recognises, await self._incoming(request))
            try:
                known = await asyncio.wait_for(asked, _CONFIRM_SECONDS)
            except Exception as error:
                # UNCONFIRMED what Zendit makes of any third answer; a no that nobody gave would block the purchase.
                self._parts.logbook.warn(f"whether a purchase is ours could not be told: {type(error).__name__}")
                return _plain(503, "not known now", _AGAIN)
            return _plain(200) if known else _plain(404, "not recognised")

        return confirm

    async def _incoming(self, request: web.BaseRequest) -> Incoming:
        body = await self._body(request)
        headers: dict[str, str] = {}
        for name, value in request.headers.items():
            small = name.lower()
            headers[small] = f"{headers[small]}, {value}" if small in headers else value
        return Incoming(body, headers, self._parts.clock(), request.raw_path.partition("?")[2])

    async def _body(self, request: web.BaseRequest) -> bytes:
        limits = self._parts.limits
        if (request.content_length or 0) > limits.body:
            raise Unfit(413, f"a body has at most {limits.body} bytes")
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        try:
            if request.content.is_eof():
                return await request.read()
            return await self._slow_body(request)
        except HTTPRequestEntityTooLarge:
            raise Unfit(413, f"a body has at most {limits.body} bytes") from None
        except TimeoutError:
            raise Unfit(408, "the body came too slowly") from None
        except (web.RequestPayloadError, ConnectionError, asyncio.IncompleteReadError):
            raise Unfit(400, "the body did not come whole") from None

    async def _slow_body(self, request: web.BaseRequest) -> bytes:
        """What is not here yet, within its time."""
        async with asyncio.timeout(1.0 if self._closing else self._parts.limits.body_seconds) as timeout:
            self._reading.add(timeout)
            try:
                return await request.read()
            finally:
                self._reading.discard(timeout)

    async def _health(self, request: web.BaseRequest) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return _not_allowed("GET, HEAD")
        healthy = await self._healthy()
        return _plain(200 if healthy else 503, "ok" if healthy else "the books cannot be written")

    async def _healthy(self) -> bool:
        """Whether a commit is possible; one that failed just now (a full disk fails no empty one) counts for a while."""
        failed_at = self._parts.writer.failed_at
        if failed_at is not None and time.monotonic() - failed_at < _FAILED_FRESH:
            return False
        now = time.monotonic()
        if self._probed is None or now - self._probed[0] > _PROBE_FRESH:
            self._probed = now, self._parts.writer.probe()
        try:
            return await asyncio.wait_for(asyncio.shield(self._probed[1]), _PROBE_SECONDS) is not None
        except TimeoutError:
            return False

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return _not_allowed("GET, HEAD")
        oldest = await asyncio.get_running_loop().run_in_executor(None, self._parts.oldest)
        return web.Response(body=self._parts.counts.page(oldest), headers={"Content-Type": CONTENT_TYPE})


def _refused(provider: str, judged: Judged) -> web.Response:
    challenge = _CHALLENGES.get(provider)
    if challenge is not None and judged.signature in (Signature.ABSENT, Signature.INVALID):
        return _plain(401, "not believed", {"WWW-Authenticate": challenge})
    return _plain(400, "not believed")


def _not_allowed(methods: str) -> web.Response:
    return _plain(405, "no such method here", {"Allow": methods})


def _plain(status: int, text: str = "", headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=f"{text}\n" if text else "", headers=headers)
