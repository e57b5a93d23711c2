"""Sends what the banks tell to a receiver on this machine, many at a time; what is sent, and when, is planned elsewhere."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

import orjson

from cardctl.errors import BadInput
from cardctl.sidebyside import side_by_side
from cardctl.simulator.delivering import Posted

_LOST = (OSError, http.client.HTTPException)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requests were sent, answered 2xx, answered anything else, and not answered at all."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    failed: int = 0


def post(url: str, posted: Posted, timeout: float = 10.0) -> int:
    """Sends one request and returns the status of its answer. A `url` without a path gets the delivery's own.

    BadInput for a URL that is not of this machine; OSError or http.client.HTTPException where there is no answer.
    """
    sender = _Sender(url, timeout)
    try:
        return sender.send(posted)[0]
    finally:
        sender.close()


def knock(url: str, timeout: float = 2.0) -> bool:
    """Whether an address answers HEAD with a 2xx, as who saves it would like to know. BadInput as in `post`."""
    sender = _Sender(url, timeout)
    try:
        return 200 <= sender.knock() < 300
    except _LOST:
        return False
    finally:
        sender.close()


def ask(url: str, timeout: float = 2.0) -> Callable[[Posted], Mapping[str, Any] | None]:
    """Who decides on purchases at this address, as `Control.swipe` takes it: the JSON of a 200 within `timeout` seconds (two
    are what Stripe waits), `{}` for any other answer, None for none."""
    local(url)

    def decide(posted: Posted) -> Mapping[str, Any] | None:
        sender = _Sender(url, timeout)
        try:
            status, body = sender.send(posted)
            answer = orjson.loads(body) if status == 200 else {}
        except _LOST:
            return None
        except orjson.JSONDecodeError:
            return {}
        finally:
            sender.close()
        return answer if isinstance(answer, dict) else {}

    return decide


def deliver_to(
    url: str,
    deliveries: Iterable[Posted],
    *,
    workers: int = 16,
    timeout: float = 10.0,
    progress: Callable[[int], None] | None = None,
    accepted: Callable[[Posted], None] | None = None,
) -> Tally:
    """Sends them all, at most `workers` at a time (with one: in their order), each on a connection that stays open.

    `progress` is told how many were answered or lost so far; `accepted` each that was answered 2xx. BadInput as in `post`.
    """
    local(url)
    pool = _Pool(url, timeout)
    counts = {"accepted": 0, "refused": 0, "failed": 0}
    try:
        for number, (posted, status) in enumerate(side_by_side(pool.send, deliveries, workers=workers), 1):
            ended = _ended(status)
            counts[ended] += 1
            if ended == "accepted" and accepted is not None:
                accepted(posted)
            if progress is not None:
                progress(number)
    finally:
        pool.close()
    return Tally(sum(counts.values()), **counts)


def local(url: str) -> SplitResult:
    """The parts of a URL of this machine; BadInput for any other: simulated events are nobody else's."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadInput(f"{url!r} is no URL") from None
    if parts.scheme not in ("http", "https") or not _is_loopback(host):
        hint = "an address of this machine: http://127.0.0.1:8421, or with a path of its own"
        raise BadInput(f"simulated webhooks are not sent to {url!r}", hint=hint)
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _ended(status: int | Exception) -> str:
    if isinstance(status, Exception):
        if not isinstance(status, _LOST):
            raise status
        return "failed"
    return "accepted" if 200 <= status < 300 else "refused"


class _Sender:
    """One connection, opened when it is needed and kept as long as the receiver likes."""

    def __init__(self, url: str, timeout: float) -> None:
        self._parts, self._timeout = local(url), timeout
        self._connection: http.client.HTTPConnection | None = None

    def send(self, posted: Posted) -> tuple[int, bytes]:
        """A connection that the receiver had closed meanwhile is no failure: the request is sent again on a new one."""
        kept = self._connection is not None
        try:
            return self._once(posted)
        except (ConnectionError, http.client.RemoteDisconnected):
            self.close()
            if not kept:
                raise
        except _LOST:
            self.close()
            raise
        return self._once(posted)

    def knock(self) -> int:
        """The status of a HEAD."""
        self._connection = self._opened()
        self._connection.request("HEAD", self._parts.path or "/")
        return self._connection.getresponse().status

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(self, posted: Posted) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._opened()
        self._connection.request("POST", self._target(posted), posted.posting.body, posted.posting.headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def _opened(self) -> http.client.HTTPConnection:
        """A certificate of this machine's own is signed by nobody."""
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        context = ssl._create_unverified_context()  # noqa: S323 - loopback alone
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)

    def _target(self, posted: Posted) -> str:
        path = posted.path if self._parts.path in ("", "/") else self._parts.path
        query = "&".join(part for part in (self._parts.query, posted.posting.query) if part)
        return f"{path}?{query}" if query else path


class _Pool:
    """A sender for each thread."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url, self._timeout = url, timeout
        self._own = threading.local()
        self._all: list[_Sender] = []

    def send(self, posted: Posted) -> int:
        sender: _Sender | None = getattr(self._own, "sender", None)
        if sender is None:
            sender = self._own.sender = _Sender(self._url, self._timeout)
            self._all.append(sender)
        return sender.send(posted)[0]

    def close(self) -> None:
        for sender in self._all:
            sender.close()
