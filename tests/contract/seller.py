"""A seller at Square who knows its documentation and nothing of cardctl: what is there, and what is done behind our back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cardctl.simulator.transport import SimulatorTransport

VERSION = "2025-08-20"


@dataclass(frozen=True)
class Paid:
    """One payment as Square has it, in minor units; `captured` has the tip in it."""

    state: str
    amount: int
    tip: int
    captured: int
    refunded: int
    currency: str = "USD"


class Seller:
    """`get` and `send` give the whole reply, `seen` and `done` the object of a 200."""

    def __init__(self, path: Path, token: str = "simulator") -> None:
        headers = {"Authorization": f"Bearer {token}", "Square-Version": VERSION}
        transport = SimulatorTransport(path, sleep=lambda _seconds: None)
        self.http = httpx.Client(transport=transport, base_url="https://connect.squareup.com", headers=headers)

    def close(self) -> None:
        self.http.close()

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        return self.http.request(method, path, json=body)

    def done(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        reply = self.send(method, path, body)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def seen(self, path: str, **query: Any) -> dict[str, Any]:
        reply = self.http.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def listed(self, noun: str, **query: Any) -> list[dict[str, Any]]:
        """Every page of `customers`, `cards`, `payments` or `refunds`."""
        return list(self._pages(noun, query))

    def cards(self) -> list[dict[str, Any]]:
        """Disabled ones too."""
        return self.listed("cards", include_disabled="true")

    def card(self, ref: str) -> dict[str, Any]:
        return dict(self.seen(f"/v2/cards/{ref}")["card"])

    def payments(self) -> dict[str, Paid]:
        """By the names that Square has for them; declined ones too."""
        return {one["id"]: _paid(one) for one in self.listed("payments")}

    def taken(self, currency: str = "USD") -> tuple[int, int, int]:
        """Captured, held, and given back, all payments together."""
        of = [one for one in self.payments().values() if one.currency == currency]
        held = sum(one.amount + one.tip for one in of if one.state == "APPROVED")
        return sum(one.captured for one in of), held, sum(one.refunded for one in of)

    def delete_customer(self, ref: str) -> None:
        self.done("DELETE", f"/v2/customers/{ref}")

    def enable_events(self) -> None:
        """From now on what happens can be searched."""
        self.done("PUT", "/v2/events/enable")

    def _pages(self, noun: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        cursor: dict[str, str] = {}
        while True:
            page = self.seen(f"/v2/{noun}", **query, **cursor)
            yield from page.get(noun, [])
            if not page.get("cursor"):
                return
            cursor = {"cursor": page["cursor"]}


def _paid(one: dict[str, Any]) -> Paid:
    amount, tip = one["amount_money"]["amount"], one.get("tip_money", {}).get("amount", 0)
    captured = amount + tip if one["status"] == "COMPLETED" else 0
    refunded = one.get("refunded_money", {}).get("amount", 0)
    return Paid(one["status"], amount, tip, captured, refunded, one["amount_money"]["currency"])
