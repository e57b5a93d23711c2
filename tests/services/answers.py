"""Answers of the far side that the simulator would not give, and the time in which the chain is run again and again."""

from __future__ import annotations

from collections.abc import Callable

import httpx

from cardctl.domain.cards import Card
from cardctl.errors import CardctlError
from tests.services.orders import Ground


def answers(ground: Ground, act: Callable[[httpx.Request], httpx.Response | None]) -> None:
    """`act` is asked first; where it gives nothing, the simulator answers."""
    inner = type(ground.world.wire).handle_request

    def handle(request: httpx.Request) -> httpx.Response:
        told = act(request)
        if told is None:
            return inner(ground.world.wire, request)
        ground.world.wire.asked.append(f"{request.method} {request.url.path}")
        told.request = request
        return told

    ground.world.wire.handle_request = handle  # type: ignore[method-assign]


def answered(ground: Ground, method: str, path: str, status: int, body: object) -> None:
    """Requests to that path are answered so, and do nothing."""
    answers(ground, lambda one: httpx.Response(status, json=body) if _is(one, method, path) else None)


def lost(ground: Ground, path: str, *, method: str = "") -> None:
    """Whoever asks there hears nothing, and nothing is done."""

    def gone(request: httpx.Request) -> None:
        if _is(request, method, path):
            raise httpx.ReadTimeout("lost", request=request)

    answers(ground, gone)


def pumped(ground: Ground, times: int = 8, *, minutes: int = 20) -> list[CardctlError]:
    """The scheduler runs so often, with time between; what it raised."""
    raised: list[CardctlError] = []
    for _ in range(times):
        try:
            ground.run()
        except CardctlError as error:
            raised.append(error)
        ground.later(minutes=minutes)
    return raised


def cards(ground: Ground) -> list[Card]:
    with ground.world.books.read() as unit:
        return list(unit.cards.rows())


def _is(request: httpx.Request, method: str, path: str) -> bool:
    return request.method.startswith(method) and request.url.path.startswith(path)
