"""A transport that answers from a list, for what no simulator can be asked to do exactly; it keeps every request that came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

Step = httpx.Response | Exception


class Script(httpx.BaseTransport):
    """Plays its steps one by one; a request too many fails the test."""

    def __init__(self, *steps: Step) -> None:
        self._steps: Iterator[Step] = iter(steps)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        step = next(self._steps, None)
        assert step is not None, f"request {len(self.requests)} was not expected: {request.method} {request.url}"
        if isinstance(step, Exception):
            raise step
        # A copy, since a response can be read only once and one step may stand in many tests.
        return httpx.Response(step.status_code, headers=step.headers, stream=step.stream)


class Broken(httpx.SyncByteStream):
    """A body that stops in its middle, as httpx tells of it."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"id": "ic_'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def ok(data: Any = None, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(200, json=data if data is not None else {"id": "x"}, headers=headers)


def status(code: int, headers: Mapping[str, str] | None = None, /, **error: str) -> httpx.Response:
    """An error as Stripe words it."""
    return httpx.Response(code, json={"error": {"type": "api_error", **error}}, headers=headers)


def torn() -> httpx.Response:
    return httpx.Response(200, content=b'{"id": "ic_')


def broken() -> httpx.Response:
    return httpx.Response(200, stream=Broken())
