"""The faces on a port of this machine: sockets, limits, how a fault looks on a wire; what a face answers is its own matter."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import unquote

from cardctl.errors import BadInput, CardctlError
from cardctl.simulator.books import FarSide
from cardctl.simulator.carrying import Asked, Carried, Carrier
from cardctl.simulator.faults import Arrival, Connection
from cardctl.simulator.lobby import Lobby, problem
from cardctl.simulator.transport import MOUNTS, PAUSES
from cardctl.simulator.wire import Reply

LARGEST_BODY = 10_000_000
"""Bytes of a request's body; more is answered 413."""

MOST_THREADS = 256
"""Connections served at a time, each by a thread; one more is closed at once."""

_PATIENCE = 60.0
"""Seconds that a connection may stay silent."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How the port answers: `rate_limit` requests a second for each face (None: any), each `latency` seconds late."""

    rate_limit: int | None = None
    latency: float = 0.0
    version: str = ""


class Bucket:
    """A token bucket that holds one second's worth; `take` says whether there was one left."""

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._clock = rate, clock
        self._left, self._at = float(rate), clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            now = self._clock()
            self._left = min(self._rate, self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Server(ThreadingHTTPServer):
    """Bound from its making on; serves the far side in the file `path` until `shutdown`. BadInput for a host that is not this
    machine's own, or a port that is taken. Port 0 picks one."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, path: Path, host: str, port: int, manner: Manner) -> None:
        self.far_side = FarSide(path)
        self.carrier = Carrier(self.far_side)
        self.manner = manner
        self.buckets = {name: Bucket(manner.rate_limit) for name in MOUNTS} if manner.rate_limit else {}
        self._free = threading.BoundedSemaphore(MOST_THREADS)
        if (address := _loopback(host)).version == 6:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((str(address), port), _Handler)
        except (OSError, OverflowError) as error:
            raise BadInput(f"port {port} of {host} cannot be used: {error}", hint="choose another, or 0 for any") from None
        self.lobby = Lobby(self.far_side, manner.version, self.base_urls)

    @property
    def base_url(self) -> str:
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}"

    @property
    def base_urls(self) -> dict[str, str]:
        """Face → what an adapter or an SDK takes as its base URL."""
        return {name: f"{self.base_url}{mount}" for name, mount in MOUNTS.items()}

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def server_bind(self) -> None:
        """Without the look-up of the host's name that http.server makes."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; whatever else went wrong has been answered."""

    def close(self) -> None:
        self.server_close()
        self.far_side.close()


class _Refused(Exception):
    """A request that no face gets to see."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = problem(status, message)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _PATIENCE
    disable_nagle_algorithm = True
    server: Server

    def serve(self) -> None:
        """One request of a connection that may bring many."""
        try:
            asked = self._asked()
        except _Refused as refused:
            self.close_connection = True
            self._send(refused.reply)
            return
        try:
            carried = self._answer(asked)
        except CardctlError as error:  # the far side's file cannot be used
            carried = Carried(problem(500, error.message))
        self._deliver(carried)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = serve  # noqa: N815 - its words

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's word
        """Nothing: whoever wants to see requests asks the client."""

    def version_string(self) -> str:
        return "cardctl-simulator"

    def _asked(self) -> Asked:
        target, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Asked(self.command, unquote(target), query, headers, self._body(headers))

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            raise _Refused(411, "Send a Content-Length.")
        told = self.headers.get_all("Content-Length") or ["0"]
        if len(set(told)) != 1 or not (told[0].isascii() and told[0].isdigit()):
            raise _Refused(400, "The Content-Length is no number.")
        length = int(told[0][:20])
        if length > LARGEST_BODY:
            raise _Refused(413, f"A body has at most {LARGEST_BODY} bytes.")
        body = self.rfile.read(length)
        if len(body) < length:
            raise _Refused(400, "The body ended before its Content-Length.")
        return body

    def _answer(self, asked: Asked) -> Carried | Connection:
        for name, mount in MOUNTS.items():
            if asked.path.startswith(f"{mount}/"):
                return self._face(name, asked)
        return Carried(self.server.lobby.answer(asked.method, asked.path))

    def _face(self, name: str, asked: Asked) -> Carried | Connection:
        time.sleep(self.server.manner.latency)
        bucket = self.server.buckets.get(name)
        if bucket is not None and not bucket.take():
            return Carried(self.server.carrier.face(name).turn_away(429))
        inside = Asked(asked.method, asked.path.removeprefix(f"/{name}"), asked.query, asked.headers, asked.body)
        return self.server.carrier.carry(name, inside)

    def _deliver(self, carried: Carried | Connection) -> None:
        """No name is looked up here and no certificate shown: what fails before a request ends its connection unanswered."""
        if isinstance(carried, Connection):
            self.close_connection = True
            return
        if carried.arrival is Arrival.TRICKLE:
            self._trickle(carried)
            return
        time.sleep(carried.delay)
        if carried.arrival in (Arrival.NONE, Arrival.TORN):
            self.close_connection = True
        if carried.arrival is Arrival.TORN:
            self._write(self._head(carried.reply) + carried.reply.body[: len(carried.reply.body) // 2])
        elif carried.arrival is Arrival.WHOLE:
            self._send(carried.reply)

    def _trickle(self, carried: Carried) -> None:
        self._write(self._head(carried.reply))
        body = carried.reply.body
        for start, end in pairwise(len(body) * place // PAUSES for place in range(PAUSES + 1)):
            time.sleep(carried.delay / PAUSES)
            for place in range(start, end):
                self._write(body[place : place + 1])

    def _send(self, reply: Reply) -> None:
        self._write(self._head(reply) + (b"" if self.command == "HEAD" else reply.body))

    def _head(self, reply: Reply) -> bytes:
        headers = {**reply.headers, "Content-Length": str(len(reply.body))}
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}"]
        return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode("latin-1")

    def _write(self, data: bytes) -> None:
        with suppress(OSError):
            self.connection.sendall(data)


def _loopback(host: str) -> Any:
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        address = None
    if address is None or not address.is_loopback:
        raise BadInput(
            f"the simulator does not listen on {host}", hint="only 127.0.0.1, ::1 or localhost: it is for this machine"
        )
    return address
