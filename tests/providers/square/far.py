"""A far side for one test: it answers what the test says, or what Square's description shows, and keeps every request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.providers.square import objects

Answer = httpx.Response | Exception | dict[str, Any]
_PAYMENT = f"/v2/payments/{objects.PAYMENT}"
_CARD = f"/v2/cards/{objects.CARD}"
_PLAIN: dict[str, dict[str, Any]] = {
    "GET /v2/locations": {"locations": [{"id": objects.LOCATION}]},
    f"GET /v2/locations/{objects.LOCATION}": {"location": {"id": objects.LOCATION}},
    "POST /v2/customers": {"customer": objects.customer()},
    f"GET /v2/customers/{objects.CUSTOMER}": {"customer": objects.customer()},
    "POST /v2/customers/search": {"customers": [objects.customer()]},
    "POST /v2/cards": {"card": objects.card()},
    "GET /v2/cards": {"cards": [objects.card()]},
    f"GET {_CARD}": {"card": objects.card()},
    f"POST {_CARD}/disable": {"card": objects.card(enabled=False, version=2)},
    "POST /v2/payments": {"payment": objects.payment()},
    "GET /v2/payments": {"payments": [objects.payment()]},
    f"GET {_PAYMENT}": {"payment": objects.hold()},
    f"POST {_PAYMENT}/complete": {"payment": objects.payment()},
    f"POST {_PAYMENT}/cancel": {"payment": objects.payment("CANCELED")},
    "POST /v2/payments/cancel": {},
    "POST /v2/refunds": {"refund": objects.refund()},
    "GET /v2/refunds": {"refunds": [objects.refund()]},
    f"GET /v2/refunds/{objects.REFUND}": {"refund": objects.refund()},
    "POST /v2/events": {"events": [objects.event("payment.updated", objects.payment())]},
}


def refused(status: int, code: str, detail: str = "No.", category: str = "INVALID_REQUEST_ERROR") -> httpx.Response:
    """An error as Square words it."""
    return httpx.Response(status, json={"errors": [{"category": category, "code": code, "detail": detail}]})


def _amounts(wish: dict[str, Any]) -> dict[str, Any]:
    changed = {"amount": wish["amount_money"]["amount"]} if "amount_money" in wish else {}
    return changed | ({"tip_money": wish["tip_money"]} if "tip_money" in wish else {})


class Far(httpx.BaseTransport):
    """`answers`: by `METHOD /path`, one answer or a list of them, of which the last one stays."""

    def __init__(self, answers: Mapping[str, Answer | list[Answer]] | None = None) -> None:
        self._answers = {key: list(told) if isinstance(told, list) else [told] for key, told in (answers or {}).items()}
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self._next(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return httpx.Response(200, content=json.dumps(answer))
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def _next(self, request: httpx.Request) -> Answer:
        call = f"{request.method} {request.url.path}"
        told = self._answers.get(call)
        if told is not None:
            return told.pop(0) if len(told) > 1 else told[0]
        if call == f"PUT {_PAYMENT}":
            return {"payment": objects.hold(**_amounts(json.loads(request.content)["payment"]))}
        return _PLAIN[call] if call in _PLAIN else refused(404, "NOT_FOUND")

    @property
    def calls(self) -> list[str]:
        return [f"{one.method} {one.url.path}" for one in self.requests]

    @property
    def bodies(self) -> list[Any]:
        """What the writes said; None where they had no body."""
        return [json.loads(one.content) if one.content else None for one in self.requests if one.method != "GET"]
