"""Zendit and the top-up endpoint on a port: the same bank, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.simulator.server import Server
from tests.simulator.served import port
from tests.simulator.zendit.client import COST, OPENING, Partner


@pytest.fixture
def server(path: Path) -> Iterator[Server]:
    with port(path) as one:
        yield one


@pytest.fixture
def remote(path: Path, server: Server) -> Iterator[Partner]:
    with Partner(path, url=server.base_urls["zendit"]) as one:
        yield one


def test_it_is_the_same_shop(remote: Partner, partner: Partner) -> None:
    name = remote.buy()
    assert remote.purchase(name) == partner.purchase(name)
    assert remote.balance() == OPENING - COST
    picture = remote.http.get(f"/esim/purchases/{name}/qrcode", headers={"Accept": "image/png"})
    assert picture.content == partner.http.get(f"/esim/purchases/{name}/qrcode", headers={"Accept": "image/png"}).content
    assert remote.refused("POST", "/wallet/topup", {}) == (404, "NOT_FOUND")


def test_a_report_is_fetched_from_this_port(remote: Partner, server: Server) -> None:
    """Its address never names a host that is somebody else's."""
    name = remote.buy()
    remote.state(name)
    period = {"startGte": "2020-01-01T00:00:00Z", "endLt": "2099-01-01T00:00:00Z"}
    ref = remote.done("POST", "/reports/transactions", period)["reportId"]
    url = remote.done("GET", f"/reports/transactions/{ref}")["file"]["downloadUrl"]
    assert url.startswith(server.base_urls["zendit"])
    assert name in remote.http.get(url).text


def test_a_card_tops_the_wallet_up(remote: Partner, server: Server, card: dict[str, Any]) -> None:
    url = f"{server.base_urls['topup']}/v1/topups"
    body = {"reference": "op-1", "amount": 500, "currency": "USD", "card": card}
    made = httpx.post(url, json=body, headers={"Idempotency-Key": "op-1"})
    assert (made.status_code, httpx.get(f"{url}/op-1").json()) == (201, made.json())
    assert remote.balance() == OPENING + 500
