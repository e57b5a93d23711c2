"""A far side for one test: it answers what the test says, or what Zendit's documentation shows, and keeps every request."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx

from cardctl.domain.cards import Credentials
from cardctl.domain.redaction import Secret
from cardctl.errors import SecretMissing
from cardctl.providers.base import Handed
from tests.providers.zendit import objects
from tests.providers.zendit.objects import ICCID, KEY, OFFER, REF

PNG = b"\x89PNG\r\n\x1a\n" + b"as good as a picture" + b"\x00\x00\x00\x00IEND\xaeB`\x82"
CARD = Credentials("4242424242424242", "987", 11, 2029)
BUY = "POST /v1/esim/purchases"
READ = f"GET /v1/esim/purchases/{REF}"
REFUND = f"{READ}/refund"
TOPUP_URL = "https://pay.example.com/topups"
Answer = httpx.Response | Exception | dict[str, Any]
_PLAIN: dict[str, dict[str, Any]] = {
    "GET /v1/balance": {"availableBalance": 125050, "currency": "USD", "currencyDivisor": 100},
    "GET /v1/esim/offers": objects.page(objects.offer()),
    f"GET /v1/esim/offers/{OFFER}": objects.offer(),
    BUY: objects.accepted(),
    "GET /v1/esim/purchases": objects.page(objects.purchase()),
    READ: objects.purchase(),
    f"{READ}/qrcode": {"imageBase64": base64.b64encode(PNG).decode()},
    f"POST /v1/esim/purchases/{REF}/refund": {"status": "ACCEPTED"},
    f"GET /v1/esim/{ICCID}/plans": {"total": 1, "firstInstalledAt": objects.MADE, "list": [objects.plan()]},
    "GET /v1/transactions": objects.page(objects.transaction()),
}


def refused(status: int, code: str, message: str = "No.", **more: Any) -> httpx.Response:
    """An error as Zendit words it."""
    return httpx.Response(status, json={"errorCode": code, "message": message, **more})


class Far(httpx.BaseTransport):
    """`answers`: by `METHOD /path`, one answer or a list of them, of which the last one stays."""

    def __init__(self, answers: Mapping[str, Answer | list[Answer]] | None = None) -> None:
        self._answers = {key: list(told) if isinstance(told, list) else [told] for key, told in (answers or {}).items()}
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self._next(f"{request.method} {request.url.path}")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return httpx.Response(200, content=json.dumps(answer))
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def _next(self, call: str) -> Answer:
        told = self._answers.get(call)
        if told is not None:
            return told.pop(0) if len(told) > 1 else told[0]
        return _PLAIN[call] if call in _PLAIN else refused(404, "NOT_FOUND")

    @property
    def calls(self) -> list[str]:
        return [f"{one.method} {one.url.path}" for one in self.requests]

    @property
    def bodies(self) -> list[Any]:
        """What the writes said; None where they had no body."""
        return [json.loads(one.content) if one.content else None for one in self.requests if one.method != "GET"]


def handed(transport: httpx.BaseTransport | None, *, key: str = KEY, token: str | None = None, **parts: Any) -> Handed:
    """What the provider is built of; every part of it can be said."""

    def secret(name: str) -> Secret:
        found = {"zendit.api_key": key, "zendit.topup_token": token}[name]
        if found is None:
            raise SecretMissing(f"{name} is nowhere")
        return Secret(found)

    defaults: dict[str, Any] = {
        "environment": "sandbox",
        "programme": "zendit/default",
        "settings": {},
        "timeout": 5.0,
        "sleep": lambda _seconds: None,
        "random": lambda: 0.0,
    }
    return Handed(secret=secret, transport=transport, **{**defaults, **parts})
