"""A client who knows Square's documentation and nothing of cardctl: plain httpx, JSON bodies, keys in them."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cardctl.simulator.transport import SimulatorTransport
from tests.simulator.stranger import no_sleep

OK = "cnon:card-nonce-ok"
ADA = {"given_name": "Ada", "email_address": "ada@example.test", "reference_id": "ada@example.test"}


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


class Seller:
    """One seller, by its access token."""

    def __init__(self, path: Path, *, token: str = "EAAA-one", host: str = "connect.squareupsandbox.com") -> None:
        self.http = httpx.Client(
            transport=SimulatorTransport(path, sleep=no_sleep),
            base_url=f"https://{host}",
            headers={"Authorization": f"Bearer {token}", "Square-Version": "2025-08-20"},
        )
        self._keys = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def key(self) -> str:
        """Never twice."""
        return f"key-{next(self._keys)}"

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> httpx.Response:
        sent = {"json": body} if body is not None else {}
        return self.http.request(method, path, params=query, **sent)

    def done(self, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        reply = self.send(method, path, body, **query)
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str, str | None]:
        """Status, code and field of the first error."""
        reply = self.send(method, path, body, **query)
        first = reply.json()["errors"][0]
        return reply.status_code, first["code"], first.get("field")

    def customer(self, **wish: Any) -> str:
        made = self.done("POST", "/v2/customers", {"idempotency_key": self.key(), **(wish or ADA)})
        return str(made["customer"]["id"])

    def saving(self, customer: str, nonce: str = OK, **card: Any) -> dict[str, Any]:
        return {"idempotency_key": self.key(), "source_id": nonce, "card": {"customer_id": customer, **card}}

    def card(self, customer: str, nonce: str = OK, **card: Any) -> str:
        return str(self.done("POST", "/v2/cards", self.saving(customer, nonce, **card))["card"]["id"])

    def shown(self, card: str) -> dict[str, Any]:
        found: dict[str, Any] = self.done("GET", f"/v2/cards/{card}")["card"]
        return found

    def buyer(self, nonce: str = OK) -> dict[str, Any]:
        """A customer with a card, as a payment names them."""
        customer = self.customer()
        return {"source_id": self.card(customer, nonce), "customer_id": customer}

    def paying(self, buyer: dict[str, Any], amount: int, **wish: Any) -> dict[str, Any]:
        return {"idempotency_key": self.key(), "amount_money": usd(amount), **buyer, **wish}

    def pay(self, buyer: dict[str, Any], amount: int, **wish: Any) -> dict[str, Any]:
        paid: dict[str, Any] = self.done("POST", "/v2/payments", self.paying(buyer, amount, **wish))["payment"]
        return paid

    def hold(self, buyer: dict[str, Any], amount: int, **wish: Any) -> dict[str, Any]:
        return self.pay(buyer, amount, autocomplete=False, **wish)

    def payment(self, ref: str) -> dict[str, Any]:
        found: dict[str, Any] = self.done("GET", f"/v2/payments/{ref}")["payment"]
        return found

    def refund(self, ref: str, amount: int, **wish: Any) -> dict[str, Any]:
        body = {"idempotency_key": self.key(), "payment_id": ref, "amount_money": usd(amount), **wish}
        made: dict[str, Any] = self.done("POST", "/v2/refunds", body)["refund"]
        return made

    def all(self, noun: str, **query: Any) -> list[dict[str, Any]]:
        """Every page."""
        rows: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.done("GET", f"/v2/{noun}", **query, **cursor)
            rows += page.get(noun, [])
            if not page.get("cursor"):
                return rows
            cursor = {"cursor": page["cursor"]}
