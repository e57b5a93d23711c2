"""An httpx transport into the faces, in this process; what a network would do to a reply is done here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import httpx

from cardctl.simulator.books import FarSide
from cardctl.simulator.carrying import PLACES, Asked, Carried, Carrier
from cardctl.simulator.faults import Arrival, Connection
from cardctl.simulator.wire import Reply

__all__ = ["BASE_URLS", "HOSTS", "PLACES", "SimulatorTransport"]

HOSTS = {
    "api.stripe.com": "stripe",
    "sandbox-api.marqeta.com": "marqeta",
    "strowallet.com": "strowallet",
    "ziiropay.com": "strowallet",
    "connect.squareup.com": "square",
    "connect.squareupsandbox.com": "square",
    "test-api.zendit.io": "zendit",
    "topup.simulator.invalid": "topup",
}
"""Host to the face behind it; a path is what it is on the provider's own host (`/v1/…`, `/v3/…`, `/api/…`, `/v2/…`)."""

BASE_URLS = {
    "stripe": "https://api.stripe.com",
    "marqeta": "https://sandbox-api.marqeta.com/v3",
    "strowallet": "https://strowallet.com/api",
    "square": "https://connect.squareupsandbox.com",
    "zendit": "https://test-api.zendit.io/v1",
    "topup": "https://topup.simulator.invalid",
}

MOUNTS = {
    "stripe": "/stripe",
    "marqeta": "/marqeta/v3",
    "strowallet": "/strowallet/api",
    "square": "/square",
    "zendit": "/zendit/v1",
    "topup": "/topup",
}
"""Where a face stands on a served port; behind `/<face>` its paths are those of the provider's own host."""

PAUSES = 50
"""How often a reply that trickles stops on its way."""


class SimulatorTransport(httpx.BaseTransport):
    """Serves every request from the far side in the file `path`; a host that it does not know cannot be connected to.

    `sleep` is what a slow reply does.
    """

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._far_side = FarSide(path)
        self._carrier = Carrier(self._far_side)
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host not in HOSTS:
            raise httpx.ConnectError(Connection.NAMELESS.value)
        query = request.url.query.decode("ascii")
        asked = Asked(request.method, request.url.path, query, request.headers, request.read())
        carried = self._carrier.carry(HOSTS[request.url.host], asked)
        if isinstance(carried, Connection):
            raise httpx.ConnectError(carried.value)
        if carried.arrival is Arrival.TRICKLE:
            return _response(carried.reply, _Trickle(carried.reply.body, lambda: self._wait(carried.delay / PAUSES, request)))
        self._wait(carried.delay, request)
        return _delivered(carried)

    def close(self) -> None:
        self._far_side.close()

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


class _Trickle(httpx.SyncByteStream):
    """A body byte by byte; the delay is spread over it, so that no single wait is long."""

    def __init__(self, body: bytes, pause: Callable[[], None]) -> None:
        self._body, self._pause = body, pause

    def __iter__(self) -> Iterator[bytes]:
        for start, end in pairwise(len(self._body) * place // PAUSES for place in range(PAUSES + 1)):
            self._pause()
            for place in range(start, end):
                yield self._body[place : place + 1]


def _delivered(carried: Carried) -> httpx.Response:
    if carried.arrival is Arrival.NONE:
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
    if carried.arrival is Arrival.TORN:
        return _response(carried.reply, _Torn(carried.reply.body))
    return _response(carried.reply, httpx.ByteStream(carried.reply.body))


def _response(reply: Reply, stream: httpx.SyncByteStream) -> httpx.Response:
    return httpx.Response(reply.status, headers={**reply.headers, "Content-Length": str(len(reply.body))}, stream=stream)
