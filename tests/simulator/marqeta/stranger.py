"""A client who knows Marqeta's documentation and nothing of cardctl: plain httpx, JSON both ways, numbers read as Decimal."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cardctl.simulator.transport import SimulatorTransport

SANDBOX = "sandbox_program_funding"
SIMULATIONS = "/simulations/cardtransactions"


def no_sleep(_: float) -> None:
    """Tests do not wait."""


def read(reply: httpx.Response) -> Any:
    """The JSON of a reply, every fraction exact."""
    return json.loads(reply.content, parse_float=Decimal)


class Stranger:
    """`get`, `post` and `put` give the whole reply; `done` the object of a 201, `seen` that of a 200, `refused` the error."""

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = no_sleep) -> None:
        self.http = httpx.Client(
            transport=SimulatorTransport(path, sleep=sleep),
            base_url="https://sandbox-api.marqeta.com/v3",
            auth=("application-token", "admin-access-token"),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query)

    def post(self, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return self.http.post(path, json={} if body is None else body, params=query)

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.http.put(path, json=body)

    def done(self, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        reply = self.post(path, body, **query)
        assert reply.status_code == 201, reply.text
        return dict(read(reply))

    def seen(self, path: str, **query: Any) -> dict[str, Any]:
        reply = self.get(path, **query)
        assert reply.status_code == 200, reply.text
        return dict(read(reply))

    def changed(self, path: str, body: Any) -> dict[str, Any]:
        reply = self.put(path, body)
        assert reply.status_code == 200, reply.text
        return dict(read(reply))

    def refused(self, path: str, body: Any = None, status: int = 400) -> dict[str, Any]:
        reply = self.post(path, body)
        return refusal(reply, status)

    def listed(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return list(self.seen(path, **query)["data"])

    def user(self, **more: Any) -> str:
        return str(self.done("/users", {"first_name": "Ada", "last_name": "Lovelace", **more})["token"])

    def product(self, *, active: bool = True, **config: Any) -> str:
        life = {"activate_upon_issue": active}
        wish = {
            "name": "Virtual",
            "start_date": "2026-01-01",
            "config": {"card_life_cycle": life, "fulfillment": {"payment_instrument": "VIRTUAL_PAN"}, **config},
        }
        return str(self.done("/cardproducts", wish)["token"])

    def card(self, user: str, product: str | None = None, **more: Any) -> str:
        wish = {"user_token": user, "card_product_token": product or self.product(), **more}
        return str(self.done("/cards", wish)["token"])

    def load(self, user: str, amount: Any, **more: Any) -> dict[str, Any]:
        wish = {"user_token": user, "amount": amount, "currency_code": "USD", "funding_source_token": SANDBOX}
        return self.done("/gpaorders", {**wish, **more})

    def move(self, card: str, state: str, **more: Any) -> dict[str, Any]:
        return self.done("/cardtransitions", {"card_token": card, "state": state, "channel": "API", **more})

    def authorise(self, card: str, amount: Any, **more: Any) -> dict[str, Any]:
        """The transaction of a simulated authorization, by the older way."""
        wish = {"card_token": card, "amount": amount, "mid": "123456890", **more}
        return dict(self.done("/simulate/authorization", wish)["transaction"])

    def clear(self, authorization: str, amount: Any, **more: Any) -> dict[str, Any]:
        wish = {"original_transaction_token": authorization, "amount": amount, **more}
        return dict(self.done("/simulate/clearing", wish)["transaction"])

    def reverse(self, authorization: str, amount: Any) -> dict[str, Any]:
        wish = {"original_transaction_token": authorization, "amount": amount}
        return dict(self.done("/simulate/reversal", wish)["transaction"])

    def gpa(self, user: str) -> tuple[float | Decimal, float | Decimal]:
        """Ledger and available balance."""
        shown = self.seen(f"/balances/{user}")["gpa"]
        return shown["ledger_balance"], shown["available_balance"]

    def limit(self, owner: dict[str, str], window: str, amount: Any, **more: Any) -> dict[str, Any]:
        wish = {"association": owner, "velocity_window": window, "amount_limit": amount, "currency_code": "USD"}
        return self.done("/velocitycontrols", {"active": True, **wish, **more})


def refusal(reply: httpx.Response, status: int) -> dict[str, Any]:
    """The error of a reply: two texts, the first of which begins with the status."""
    assert reply.status_code == status, reply.text
    error = dict(reply.json())
    assert error.keys() == {"error_code", "error_message"}
    assert error["error_code"][:3] == str(status)
    return error
