"""A far side for one test: it answers what the test says, or what Marqeta's description shows, and keeps every request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from tests.providers.marqeta import objects

Answer = httpx.Response | Exception | dict[str, Any]
_PLAIN: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/ping"): {"success": True, "version": "3.0.39", "env": "sandbox"},
    ("GET", "/users"): objects.listed(objects.user()),
    ("GET", "/users/user_1"): objects.user(),
    ("GET", "/users/user_1/children"): objects.listed(),
    ("POST", "/users"): objects.user(token="op_1"),
    ("PUT", "/users/user_1"): objects.user(),
    ("POST", "/usertransitions"): objects.user_transition(),
    ("GET", "/balances/user_1"): objects.balance(),
    ("GET", "/cards/card_1"): objects.card(),
    ("GET", "/cards/user/user_1"): objects.listed(objects.card()),
    ("POST", "/cards"): objects.card(token="op_1", state="UNACTIVATED"),
    ("GET", "/cardproducts"): objects.listed(objects.product()),
    ("POST", "/cardproducts"): objects.product(token="cardctl_virtual"),
    ("POST", "/cardtransitions"): objects.card_transition(),
    ("GET", "/velocitycontrols"): objects.listed(),
    ("POST", "/velocitycontrols"): objects.control("DAY", 20, token="op_1"),
    ("PUT", "/velocitycontrols/vc_DAY"): objects.control("DAY", 20),
    ("POST", "/gpaorders"): objects.order(),
    ("POST", "/gpaorders/unloads"): objects.unload(),
    ("GET", "/transactions"): objects.listed(),
    ("GET", "/cards/card_1/showpan"): objects.card(pan=objects.NUMBER, cvv_number="123"),
    ("POST", "/simulate/authorization"): {"transaction": objects.transaction(), "raw_iso8583": {"2": objects.NUMBER}},
    ("POST", "/simulate/clearing"): {"transaction": objects.transaction("authorization.clearing", "COMPLETION", token="t_2")},
    ("POST", "/digitalwalletprovisionrequests/applepay"): {
        "card_token": "card_1",
        "activation_data": "a",
        "pan": objects.NUMBER,
    },
    ("POST", "/digitalwalletprovisionrequests/androidpay"): {"card_token": "card_1", "push_tokenize_request_data": {}},
}


def refused(status: int, code: str = "", message: str = "No.") -> httpx.Response:
    """An error as Marqeta words it."""
    return httpx.Response(status, json={"error_code": code or f"{status}001", "error_message": message})


class Far(httpx.BaseTransport):
    """`answers`: by `METHOD /path`, one answer or a list of them, of which the last one stays."""

    def __init__(self, answers: Mapping[str, Answer | list[Answer]] | None = None) -> None:
        self._answers = {key: list(told) if isinstance(told, list) else [told] for key, told in (answers or {}).items()}
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v3")
        answer = self._next(request.method, path)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return httpx.Response(201 if request.method == "POST" else 200, content=json.dumps(answer))
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def _next(self, method: str, path: str) -> Answer:
        told = self._answers.get(f"{method} {path}")
        if told is not None:
            return told.pop(0) if len(told) > 1 else told[0]
        return _PLAIN.get((method, path)) or refused(404, "404001", "not found")

    @property
    def calls(self) -> list[str]:
        return [f"{one.method} {one.url.path.removeprefix('/v3')}" for one in self.requests]

    @property
    def writes(self) -> list[tuple[str, dict[str, Any]]]:
        """What was written: where to, and the body with exact numbers."""
        paths = [
            (f"{one.method} {one.url.path.removeprefix('/v3')}", one.content) for one in self.requests if one.method != "GET"
        ]
        return [(path, json.loads(content, parse_float=Decimal)) for path, content in paths]
