"""A cheap client that loads a receiver, in a process of its own, so that what is measured is the server.

It reads one JSON job from stdin, and tells how it went on stdout: `python -m tests.bench.loading`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import cast

import uvloop

from tests.bench.events import SECRET, bodies


@dataclass(frozen=True, slots=True)
class Job:
    """`requests` events, from number `start` on, to a port of this machine; `rate` a second (0: as fast as answered)."""

    port: int
    requests: int
    start: int = 0
    connections: int = 32
    rate: float = 0.0
    path: str = "/webhooks/stripe"


@dataclass(frozen=True, slots=True)
class Loaded:
    """How it went: answers by status, seconds on the wall, and of single requests the median and the 99th percentile (ms)."""

    statuses: dict[str, int]
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        return sum(self.statuses.values()) / self.seconds


def load(job: Job) -> Loaded:
    """The job, done by another process."""
    command = [sys.executable, "-m", "tests.bench.loading"]
    done = subprocess.run(command, input=json.dumps(asdict(job)), capture_output=True, text=True, check=True)
    return Loaded(**json.loads(done.stdout))


def requests(job: Job) -> Iterator[bytes]:
    """Whole requests, each with an event and a signature of its own."""
    at = int(time.time())
    for body in islice(bodies(job.start + job.requests), job.start, None):
        proof = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        head = (
            f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\nAccept: */*; q=0.5, application/xml\r\n"
            f"Stripe-Signature: t={at},v1={proof}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


@dataclass(slots=True)
class _Work:
    left: Iterator[bytes]
    done: asyncio.Event = field(default_factory=asyncio.Event)
    statuses: dict[str, int] = field(default_factory=dict)
    taken: list[float] = field(default_factory=list)
    open: int = 0
    pause: float = 0.0
    """Seconds from one request of a connection to its next; 0: as soon as it is answered."""


class _Connection(asyncio.Protocol):
    def __init__(self, work: _Work) -> None:
        self._work, self._loop = work, asyncio.get_running_loop()
        self._sent = self._due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._work.open += 1
        self._due = self._loop.time()
        self._send()

    def data_received(self, data: bytes) -> None:
        """An answer is one small packet on this machine's own network."""
        work, now = self._work, self._loop.time()
        status = data[9:12].decode()
        work.statuses[status] = work.statuses.get(status, 0) + 1
        work.taken.append(now - self._sent)
        if work.pause:
            self._due = max(self._due + work.pause, now)
            self._loop.call_at(self._due, self._send)
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        self._work.open -= 1
        if not self._work.open:
            self._work.done.set()

    def _send(self) -> None:
        request = next(self._work.left, None)
        if request is None:
            self._transport.close()
            return
        self._sent = self._loop.time()
        self._transport.write(request)


async def _run(job: Job) -> Loaded:
    work = _Work(iter(list(requests(job))), pause=job.connections / job.rate if job.rate else 0.0)
    loop, begun = asyncio.get_running_loop(), time.perf_counter()
    for number in range(job.connections):
        await loop.create_connection(lambda: _Connection(work), "127.0.0.1", job.port)
        if work.pause:
            await asyncio.sleep(work.pause / job.connections * (number > 0))
    await work.done.wait()
    seconds, taken = time.perf_counter() - begun, sorted(work.taken)
    return Loaded(work.statuses, seconds, taken[len(taken) // 2] * 1000, taken[len(taken) * 99 // 100] * 1000)


if __name__ == "__main__":
    print(json.dumps(asdict(uvloop.run(_run(Job(**json.load(sys.stdin)))))))
