"""A client who knows Zendit's fact sheet and nothing of cardctl: plain httpx, a bearer key, JSON; and one who tops up."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from cardctl.simulator.transport import SimulatorTransport
from tests.simulator.stranger import no_sleep

OPENING = 10_000_000_00
TURKEY = "ESIM-TR-7D-1GB"
COST = 150
NUMBERS = {"expand[]": ["number", "cvc"]}
"""How a card's owner asks Stripe for them."""


class Partner:
    """One partner of Zendit's test mode, by its key."""

    def __init__(self, path: Path, *, key: str = "sand_stranger", url: str = "https://test-api.zendit.io/v1") -> None:
        sent = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        own = {"transport": SimulatorTransport(path, sleep=no_sleep)} if url.startswith("https://") else {}
        self.http = httpx.Client(base_url=url, headers=sent, **own)  # type: ignore[arg-type]
        self._names = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def done(self, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
        reply = self.http.request(method, path, params=query, **({} if body is None else {"json": body}))
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        return found

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        """Status and errorCode of a no, whose other fields are as documented."""
        reply = self.http.request(method, path, params=query, **({} if body is None else {"json": body}))
        said = reply.json()
        assert set(said) <= {"errorCode", "message", "fields"}
        assert said["message"]
        return reply.status_code, said["errorCode"]

    def buying(self, offer: str = TURKEY, name: str | None = None, **more: Any) -> dict[str, Any]:
        return {"offerId": offer, "transactionId": name or f"buy-{next(self._names)}", **more}

    def buy(self, offer: str = TURKEY, name: str | None = None, **more: Any) -> str:
        body = self.buying(offer, name, **more)
        assert self.done("POST", "/esim/purchases", body) == {"status": "ACCEPTED", "transactionId": body["transactionId"]}
        return str(body["transactionId"])

    def purchase(self, name: str) -> dict[str, Any]:
        return self.done("GET", f"/esim/purchases/{name}")

    def state(self, name: str) -> str:
        return str(self.purchase(name)["status"])

    def balance(self) -> int:
        found = self.done("GET", "/balance")
        available = found.pop("availableBalance")
        assert found == {"currency": "USD", "currencyDivisor": 100}
        return int(available)

    def all(self, path: str, limit: int = 1024, **query: Any) -> list[dict[str, Any]]:
        """Every page."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.done("GET", path, _limit=limit, _offset=len(rows), **query)
            assert (page["limit"], page["offset"]) == (limit, len(rows))
            rows += page["list"]
            if len(rows) >= page["total"] or not page["list"]:
                return rows

    def ledger(self, **query: Any) -> list[dict[str, Any]]:
        return self.all("/transactions", **query)


class TopUps:
    """Who asks the endpoint that takes cards."""

    def __init__(self, path: Path) -> None:
        self.http = httpx.Client(
            transport=SimulatorTransport(path, sleep=no_sleep),
            base_url="https://topup.simulator.invalid/v1",
            headers={"Authorization": "Bearer whoever"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def send(self, reference: str, amount: int, card: dict[str, Any], **more: Any) -> httpx.Response:
        body = {"reference": reference, "amount": amount, "currency": "USD", "card": card, **more}
        return self.http.post("/topups", json=body, headers={"Idempotency-Key": reference})

    def find(self, reference: str) -> httpx.Response:
        return self.http.get(f"/topups/{reference}")
