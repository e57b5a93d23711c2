"""A client who knows Stripe's documentation and nothing of cardctl: plain httpx, form bodies, JSON back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cardctl.simulator.transport import SimulatorTransport

HOLDERS = "/v1/issuing/cardholders"
CARDS = "/v1/issuing/cards"
AUTHORIZATIONS = "/v1/issuing/authorizations"
TRANSACTIONS = "/v1/issuing/transactions"
TEST_AUTHORIZATIONS = "/v1/test_helpers/issuing/authorizations"
TEST_TRANSACTIONS = "/v1/test_helpers/issuing/transactions"

ADA = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "billing[address][line1]": "1 Main St",
    "billing[address][city]": "Oakland",
    "billing[address][state]": "CA",
    "billing[address][postal_code]": "94612",
    "billing[address][country]": "US",
}


def limits(**amounts: int) -> dict[str, str]:
    """`limits(daily=500)` as form parameters."""
    form = {}
    for place, (interval, amount) in enumerate(amounts.items()):
        form[f"spending_controls[spending_limits][{place}][amount]"] = str(amount)
        form[f"spending_controls[spending_limits][{place}][interval]"] = interval
    return form


def no_sleep(_: float) -> None:
    """Tests do not wait."""


class Stranger:
    """`get` and `post` give the whole reply, the named calls the object of a 200."""

    def __init__(self, path: Path, *, key: str = "sk_test_stranger", sleep: Callable[[float], None] = no_sleep) -> None:
        self.http = httpx.Client(
            transport=SimulatorTransport(path, sleep=sleep),
            base_url="https://api.stripe.com",
            headers={"Authorization": f"Bearer {key}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.http.get(path, params=query)

    def post(self, path: str, form: Mapping[str, Any] | None = None, *, key: str | None = None) -> httpx.Response:
        return self.http.post(path, data=form, headers={} if key is None else {"Idempotency-Key": key})

    def done(self, path: str, form: Mapping[str, Any] | None = None) -> dict[str, Any]:
        reply = self.post(path, form)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def seen(self, path: str, **query: Any) -> dict[str, Any]:
        reply = self.get(path, **query)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    def refused(self, path: str, form: Mapping[str, Any] | None = None, status: int = 400) -> dict[str, Any]:
        reply = self.post(path, form)
        assert reply.status_code == status, reply.text
        return dict(reply.json()["error"])

    def holder(self, **more: str) -> str:
        return str(self.done(HOLDERS, ADA | more)["id"])

    def card(self, holder: str | None = None, status: str = "active", **more: str) -> str:
        form = {"cardholder": holder or self.holder(), "currency": "usd", "type": "virtual", "status": status, **more}
        return str(self.done(CARDS, form)["id"])

    def authorise(self, card: str, amount: int, **more: str) -> dict[str, Any]:
        return self.done(TEST_AUTHORIZATIONS, {"card": card, "amount": str(amount), **more})

    def balance(self) -> int:
        (usd,) = self.seen("/v1/balance")["issuing"]["available"]
        assert usd["currency"] == "usd"
        return int(usd["amount"])


def reason(authorization: Mapping[str, Any]) -> str:
    """Why the last request of an authorization was decided as it was."""
    return str(authorization["request_history"][-1]["reason"])
