"""The port behind `webhook serve`: sockets, how many and how slow, a graceful stop; what is answered is answering.py's."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from typing import cast

import uvloop
from aiohttp import web

from cardctl.errors import BadInput
from cardctl.receiver.answering import Front
from cardctl.receiver.limits import Limits

_BACKLOG = 1024
_LINGERING = 1.0
"""Seconds for which the rest of a body is read that is not wanted any more, so that its sender sees the answer."""
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Served:
    """A port that is open. `wait` returns when Ctrl-C or SIGTERM asks to stop."""

    base_url: str
    paths: Mapping[str, str]
    wait: Callable[[], object]


@dataclass(slots=True)
class Port:
    """The server in a thread of its own, from `start` to `stop`."""

    listening: socket.socket
    front: Front
    limits: Limits
    _thread: threading.Thread | None = None
    _started: Future[asyncio.AbstractEventLoop] = field(default_factory=Future)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def base_url(self) -> str:
        host, port = self.listening.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self, before: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        """Serves once this returns; `before` is called with the loop before anything is accepted."""
        self._thread = threading.Thread(target=self._run, args=(before,), name="receiver", daemon=True)
        self._thread.start()
        self._started.result()

    def stop(self) -> None:
        """Accept nothing more, answer what came whole, close every connection."""
        if self._thread is not None and self._thread.is_alive():
            self._started.result().call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self.listening.close()

    def _run(self, before: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(before))
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self, before: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        loop = asyncio.get_running_loop()
        before(loop)
        server = _server(self.front, self.limits)
        listener = await loop.create_server(partial(_connection, server, self.limits), sock=self.listening, backlog=_BACKLOG)
        self._started.set_result(loop)
        await self._stop.wait()
        listener.close()
        await self.front.finish(self.limits.grace)
        server.pre_shutdown()
        await server.shutdown(_LINGERING)


class _TurnedAway(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        open_for_writing = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        open_for_writing.write(_FULL)
        open_for_writing.close()


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address of this machine; BadInput where that cannot be. Port 0 picks one."""
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise BadInput(f"{host!r} is no address", hint="give one of this machine's own, such as 127.0.0.1") from None
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        listening = socket.create_server((str(address), port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise BadInput(f"port {port} of {host} cannot be used: {error}", hint="choose another, or 0 for any") from None
    return listening


def is_loopback(host: str) -> bool:
    """Whether an address (which `bound` took) is for this machine alone."""
    return host == "localhost" or ip_address(host).is_loopback


def _server(front: Front, limits: Limits) -> web.Server:
    """Its own words go nowhere: a client's mistakes are no news, and ours are in the log."""
    quiet = logging.Logger("cardctl.receiver")
    quiet.addHandler(logging.NullHandler())
    return web.Server(
        front.answer,
        request_factory=partial(_request, limits.body),
        access_log=None,
        logger=quiet,
        keepalive_timeout=limits.header_seconds,
        lingering_time=_LINGERING,
        auto_decompress=False,  # what is signed is what came
    )


def _request(largest: int, message, payload, protocol, writer, task) -> web.BaseRequest:  # type: ignore[no-untyped-def]
    return web.BaseRequest(message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=largest)


def _connection(server: web.Server, limits: Limits) -> asyncio.Protocol:
    return server() if len(server.connections) < limits.connections else _TurnedAway()
