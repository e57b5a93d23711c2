"""`doctor --url`: whether a simulator or a gateway is there and well, asked once, in bounded time, from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from random import random
from urllib.parse import urlsplit, urlunsplit

from cardctl.domain.checks import SKEW, SLOW_MS, Check, Outcome
from cardctl.domain.redaction import printable, redact
from cardctl.errors import BadInput, CardctlError
from cardctl.providers.http import Http, Reply

_WELL = frozenset({"ok", "healthy", "pass", "up", "success", "true"})
_SHOWN = 80


def check_url(url: str) -> str:
    """The URL to ask: a server's own `/health` where only the server was named. BadInput where it is no http(s) URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise BadInput(f"{redact(url)!r} is no URL to ask", hint="such as http://127.0.0.1:8420, without a password")
    return urlunsplit(parts._replace(path=parts.path if parts.path not in ("", "/") else "/health", fragment=""))


def reach(url: str, *, timeout: float, sleep: Callable[[float], None], clock: Callable[[], datetime]) -> Iterator[Check]:
    """Whether it answers in `timeout` seconds, with 2xx, saying that it is well, at the same time as here."""
    target = check_url(url)
    http = Http("the URL", transport=None, timeout=timeout, sleep=sleep, random=random, retries=0, any_text=True)
    try:
        reply = http.send("GET", target, headers={"Accept": "application/json"})
    except CardctlError as error:
        yield Check("reachable", Outcome.FAIL, error.message, "see that it runs, and that this is its address")
        return
    finally:
        http.close()
    yield _speed(target, reply)
    yield _status(reply)
    if 200 <= reply.status < 300:
        yield _health(reply)
    yield _time(reply, clock())


def _speed(target: str, reply: Reply) -> Check:
    outcome = Outcome.OK if reply.latency_ms <= SLOW_MS else Outcome.WARN
    remedy = None if outcome is Outcome.OK else "it is slow: see what keeps it busy"
    return Check("reachable", outcome, f"{redact(target)} answered in {reply.latency_ms} ms", remedy)


def _status(reply: Reply) -> Check:
    if 200 <= reply.status < 300:
        return Check("status", Outcome.OK, str(reply.status))
    where = f", to {printable(redact(reply.headers['location']))}" if "location" in reply.headers else ""
    return Check("status", Outcome.FAIL, f"{reply.status}{where}", "name the path of its health check in the URL")


def _health(reply: Reply) -> Check:
    """By the word of a JSON answer, where it has one; an empty one and a plain `OK` are taken as they are."""
    text = reply.body[:_SHOWN].decode(errors="replace").strip()
    if reply.data is None and text.lower() not in {"", *_WELL}:
        detail = f"what it answered is no health check's: {printable(redact(text))}"
        return Check("health", Outcome.FAIL, detail, "name the path of its health check in the URL")
    said = reply.data.get("status", reply.data.get("success")) if isinstance(reply.data, dict) else None
    if said is None:
        return Check("health", Outcome.OK, "it does not say more than its status")
    word = printable(redact(str(said)))[:_SHOWN]
    if word.lower() in _WELL:
        return Check("health", Outcome.OK, word)
    return Check("health", Outcome.FAIL, f"it says of itself: {word}", "see its own log")


def _time(reply: Reply, now: datetime) -> Check:
    if reply.date is None:
        return Check("clock", Outcome.OK, "it does not tell its time")
    skew = round((now - reply.date).total_seconds())
    detail = f"ours is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} its"
    if abs(skew) <= SKEW:
        return Check("clock", Outcome.OK, detail)
    return Check("clock", Outcome.WARN, detail, "set the clock of whichever is wrong (`simulator advance` moves a simulator's)")
