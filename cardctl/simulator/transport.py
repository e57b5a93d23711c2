"""An httpx transport into the faces, in this process; faults are applied here, as a network would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from importlib import import_module
from pathlib import Path

import httpx

from cardctl.simulator import faults
from cardctl.simulator.books import FarSide
from cardctl.simulator.faults import Delivery, Fault
from cardctl.simulator.wire import Face, Reply

PLACES = {
    "stripe": "cardctl.simulator.faces.stripe:StripeFace",
    "marqeta": "cardctl.simulator.faces.marqeta:MarqetaFace",
    "strowallet": "cardctl.simulator.faces.strowallet:StrowalletFace",
}
"""Every face, imported on first use."""

HOSTS = {
    "api.stripe.com": "stripe",
    "sandbox-api.marqeta.com": "marqeta",
    "strowallet.com": "strowallet",
    "ziiropay.com": "strowallet",
}
"""Host to the face behind it; a path is what it is on the provider's own host (`/v1/…`, `/v3/…`, `/api/…`)."""

BASE_URLS = {
    "stripe": "https://api.stripe.com",
    "marqeta": "https://sandbox-api.marqeta.com/v3",
    "strowallet": "https://strowallet.com/api",
}


class SimulatorTransport(httpx.BaseTransport):
    """Serves every request from the far side in the file `path`; a host that it does not know cannot be connected to.

    `sleep` is what a slow reply does. An effect is committed before its reply is delayed, torn or lost.
    """

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._far_side = FarSide(path)
        self._sleep = sleep
        self._faces: dict[str, Face] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        face = self._face(request.url.host)
        body = request.read()
        fault = faults.draw(self._far_side, write=face.writes(request.method, request.url.path))
        if fault is None:
            return _whole(self._dated(_answer(face, request, body, None)))
        if not fault.connects:
            raise httpx.ConnectError("[Errno 111] Connection refused")
        reply = _answer(face, request, body, fault)
        self._wait(fault.delay, request)
        return _delivered(fault, self._dated(reply))

    def close(self) -> None:
        self._far_side.close()

    def _face(self, host: str) -> Face:
        if host not in HOSTS:
            raise httpx.ConnectError("[Errno -2] Name or service not known")
        if host not in self._faces:
            module, name = PLACES[HOSTS[host]].split(":")
            self._faces[host] = getattr(import_module(module), name)(self._far_side)
        return self._faces[host]

    def _dated(self, reply: Reply) -> Reply:
        """With the far side's clock, as every web server sends its own (RFC 9110, 6.6.1)."""
        return Reply(reply.status, reply.headers | {"Date": formatdate(self._far_side.now(), usegmt=True)}, reply.body)

    def _wait(self, delay: float, request: httpx.Request) -> None:
        if not delay:
            return
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is not None and delay >= patience:
            self._sleep(patience)
            raise httpx.ReadTimeout("The read operation timed out")
        self._sleep(delay)


class _Torn(httpx.SyncByteStream):
    """Half of a body, then what httpx makes of a peer that hangs up."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        half = len(self._body) // 2
        yield self._body[:half]
        raise httpx.RemoteProtocolError(
            f"peer closed connection without sending complete message body (received {half} bytes, expected {len(self._body)})"
        )


def _answer(face: Face, request: httpx.Request, body: bytes, fault: Fault | None) -> Reply:
    if fault is not None and fault.front is not None:
        reply = face.turn_away(fault.front)
        return Reply(reply.status, reply.headers | _retry_after(fault), reply.body)
    query = request.url.query.decode("ascii")
    if fault is None:
        return face.handle(request.method, request.url.path, query, request.headers, body)
    return face.handle(request.method, request.url.path, query, request.headers, body, spoil=fault.spoil)


def _retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}


def _delivered(fault: Fault, reply: Reply) -> httpx.Response:
    if fault.delivery is Delivery.NONE:
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
    if fault.delivery is Delivery.TORN:
        return httpx.Response(reply.status, headers=_headers(reply), stream=_Torn(reply.body))
    return _whole(reply)


def _whole(reply: Reply) -> httpx.Response:
    return httpx.Response(reply.status, headers=_headers(reply), stream=httpx.ByteStream(reply.body))


def _headers(reply: Reply) -> dict[str, str]:
    return {**reply.headers, "Content-Length": str(len(reply.body))}
