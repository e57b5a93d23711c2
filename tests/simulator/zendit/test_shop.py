"""Offers, envelopes, filters and refusals, as the fact sheet has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport
from tests.simulator.zendit.client import TURKEY, Partner

OFFER = {
    *("offerId", "brand", "brandName", "country", "regions", "enabled", "priceType", "productType", "subTypes", "durationDays"),
    *("dataGB", "dataUnlimited", "dataSpeeds", "roaming", "voiceMinutes", "voiceUnlimited", "smsNumber", "smsUnlimited"),
    *("notes", "shortNotes", "cost", "price", "createdAt", "updatedAt"),
}


def test_an_offer_is_the_documented_object(partner: Partner) -> None:
    found = partner.done("GET", f"/esim/offers/{TURKEY}")
    assert set(found) == OFFER
    assert found["cost"] == {"currency": "USD", "currencyDivisor": 100, "fixed": 150, "fee": 0, "feePct": 0, "discount": 0}
    assert found["price"] == {"currency": "USD", "currencyDivisor": 100, "fixed": 300, "fee": 0}
    assert (found["country"], found["durationDays"], found["dataGB"], found["priceType"]) == ("TR", 7, 1, "FIXED")
    assert [one["country"] for one in found["roaming"]] == ["TR"]
    assert partner.refused("GET", "/esim/offers/ESIM-NOWHERE") == (404, "NOT_FOUND")


def test_the_shop_is_filtered_and_paged(partner: Partner) -> None:
    whole = partner.all("/esim/offers")
    names = [one["offerId"] for one in whole]
    assert [one["offerId"] for one in partner.all("/esim/offers", limit=7)] == names
    assert len(set(names)) == len(names) > 40
    assert {"ESIM-GLOBAL-30D-5GB", TURKEY, "ESIM-FAIL", "ESIM-SLOW", "ESIM-OUTAGE", "ESIM-NOCODE", "ESIM-FEE"} <= set(names)
    german = partner.all("/esim/offers", country="DE")
    assert german == [one for one in whole if one["country"] == "DE"]
    assert german
    world = partner.all("/esim/offers", regions="Global")
    assert world == [one for one in whole if "Global" in one["regions"]]
    assert [one["country"] for one in world] == ["", ""]
    fast = partner.all("/esim/offers", subType="Fast", country="DE", brand="simtel")
    assert [one["offerId"] for one in fast] == ["ESIM-DE-30D-10GB"]
    assert partner.all("/esim/offers", brand="nobody") == []


def test_a_disabled_offer_is_listed_and_not_sold(partner: Partner) -> None:
    assert [one["enabled"] for one in partner.all("/esim/offers") if one["offerId"] == "ESIM-DISABLED"] == [False]
    assert partner.refused("POST", "/esim/purchases", partner.buying("ESIM-DISABLED", "d-1")) == (404, "NOT_FOUND")
    assert partner.refused("GET", "/esim/purchases/d-1") == (404, "NOT_FOUND")
    assert partner.ledger() == []


@pytest.mark.parametrize(
    ("listed", "query", "field"),
    [
        ("/esim/offers", {"_offset": 0}, "_limit"),
        ("/esim/offers", {"_limit": 10}, "_offset"),
        ("/esim/purchases", {"_limit": 0, "_offset": 0}, "_limit"),
        ("/transactions", {"_limit": 1025, "_offset": 0}, "_limit"),
        ("/transactions", {"_limit": 10, "_offset": -1}, "_offset"),
        ("/esim/offers", {"_limit": 10, "_offset": 0, "country": "TUR"}, "country"),
        ("/esim/offers", {"_limit": 10, "_offset": 0, "regions": "Atlantis"}, "regions"),
        ("/esim/purchases", {"_limit": 10, "_offset": 0, "status": "done"}, "status"),
        ("/esim/purchases", {"_limit": 10, "_offset": 0, "createdAt": "gte2026-01-01"}, "createdAt"),
        ("/transactions", {"_limit": 10, "_offset": 0, "type": "BOTH"}, "type"),
        ("/transactions", {"_limit": 10, "_offset": 0, "limit": 5}, "limit"),
    ],
)
def test_a_wrong_parameter_is_named(partner: Partner, listed: str, query: dict[str, Any], field: str) -> None:
    reply = partner.http.get(listed, params=query)
    assert (reply.status_code, reply.json()["errorCode"], list(reply.json()["fields"])) == (400, "INVALID_REQUEST", [field])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"offerId": TURKEY}, "transactionId"),
        ({"transactionId": "t-1"}, "offerId"),
        ({"offerId": TURKEY, "transactionId": "with space"}, "transactionId"),
        ({"offerId": TURKEY, "transactionId": "späti"}, "transactionId"),
        ({"offerId": TURKEY, "transactionId": 7}, "transactionId"),
        ({"offerId": TURKEY, "transactionId": "t-1", "value": "9"}, "value"),
        ({"offerId": TURKEY, "transactionId": "t-1", "iccid": "8900000000000000001"}, "iccid"),
    ],
)
def test_a_wrong_purchase_is_refused(partner: Partner, body: dict[str, Any], field: str) -> None:
    reply = partner.http.post("/esim/purchases", json=body)
    assert (reply.status_code, list(reply.json()["fields"])) == (400, [field])
    assert partner.all("/esim/purchases") == []


def test_what_is_no_json_and_what_is_nowhere(partner: Partner) -> None:
    assert partner.http.post("/esim/purchases", content=b"{").status_code == 400
    assert partner.http.post("/esim/purchases", content=b"[]").status_code == 400
    assert partner.refused("POST", "/wallet/topup", {"amount": 5}) == (404, "NOT_FOUND")
    assert partner.refused("GET", "/wallet/balance") == (404, "NOT_FOUND")
    assert partner.refused("GET", "/esim/offers/a/b")[0] == 404
    assert partner.refused("DELETE", "/balance") == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer prod_1", "Basic sand_1", "sand_1"])
def test_who_has_no_key_of_the_test_mode_is_nobody(path: Path, control: Control, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with httpx.Client(transport=SimulatorTransport(path), base_url="https://test-api.zendit.io/v1", headers=headers) as nobody:
        reply = nobody.post("/esim/purchases", json={"offerId": TURKEY, "transactionId": "t-1"})
        assert (reply.status_code, reply.json()["errorCode"]) == (401, "NOT_AUTHORIZED")
    assert control.status()["providers"]["zendit"]["purchases"] == 0


def test_every_key_is_the_same_account(path: Path, partner: Partner) -> None:
    name = partner.buy()
    with Partner(path, key="sand_other") as other:
        assert other.purchase(name) == partner.purchase(name)
