"""Zendit's objects as its SDK and documentation show them, for a far side that is played; all values are invented."""

from __future__ import annotations

from typing import Any

KEY = "sand_0f1e2d3c4b5a69788796a5b4c3d2e1f0"
LIVE_KEY = "prod_0f1e2d3c4b5a69788796a5b4c3d2e1f0"
REF = "fulfil-0001"
OFFER = "ESIM-TR-7D-1GB"
ICCID = "8900000000000000001"
SMDP = "rsp.example.test"
CODE = "K2-9XQ7LP-1R0TZA"
MADE, CHANGED = "2026-05-01T12:00:00Z", "2026-05-01T12:00:09Z"
MARK = "op_0123456789abcdefghij"


def cost(**more: Any) -> Any:
    return {"currency": "USD", "currencyDivisor": 100, "fixed": 150, "fee": 0, "feePct": 0, "discount": 0} | more


def offer(**more: Any) -> Any:
    told = {
        "offerId": OFFER,
        "brand": "acmetel",
        "brandName": "Acme Tel",
        "country": "TR",
        "regions": [],
        "enabled": True,
        "priceType": "FIXED",
        "productType": "ESIM",
        "subTypes": ["Standard"],
        "durationDays": 7,
        "dataGB": 1,
        "dataUnlimited": False,
        "dataSpeeds": ["4G", "5G"],
        "roaming": [{"country": "TR", "dataSpeeds": ["4G"]}],
        "notes": "All the notes.",
        "shortNotes": "Notes.",
        "cost": cost(),
        "price": {"currency": "USD", "currencyDivisor": 100, "fixed": 300, "fee": 0},
        "createdAt": MADE,
        "updatedAt": MADE,
    }
    return told | more


def confirmation(**more: Any) -> Any:
    told = {"iccid": ICCID, "smdpAddress": SMDP, "activationCode": CODE, "externalReferenceId": "x-1"}
    return told | {"redemptionInstructions": f"Scan it, or type {CODE}."} | more


def accepted(ref: str = REF, **more: Any) -> Any:
    return {"status": "ACCEPTED", "transactionId": ref} | more


def purchase(status: str = "DONE", **more: Any) -> Any:
    told = {
        "transactionId": REF,
        "status": status,
        "productType": "ESIM",
        "offerId": OFFER,
        "brand": "acmetel",
        "country": "TR",
        "priceType": "FIXED",
        "cost": 150,
        "costBase": 150,
        "costFee": 0,
        "costCurrency": "USD",
        "costCurrencyDivisor": 100,
        "price": 300,
        "priceCurrency": "USD",
        "priceCurrencyDivisor": 100,
        "confirmation": confirmation() if status == "DONE" else None,
        "error": None,
        "refund": None,
        "log": [{"dateTime": MADE, "status": "ACCEPTED", "statusMessage": "taken"}],
        "createdAt": MADE,
        "updatedAt": CHANGED,
    }
    return told | more


def failed(code: str = "INSUFFICIENT_FUNDS", **more: Any) -> Any:
    error = {"code": code, "description": "There is not enough in the wallet.", "message": "Not enough."}
    return purchase("FAILED", error=error, **more)


def transaction(**more: Any) -> Any:
    told = {
        "transactionId": REF,
        "productType": "ESIM",
        "type": "DEBIT",
        "status": "DONE",
        "amount": 150,
        "currency": "USD",
        "currencyDivisor": 100,
        "log": [],
        "error": None,
        "createdAt": MADE,
        "updatedAt": CHANGED,
    }
    return told | more


def plan(**more: Any) -> Any:
    told = {"iccid": ICCID, "offerId": OFFER, "description": "1 GB", "status": "ACTIVE", "initialDataGB": 1}
    return told | {"remainingDataGB": 0.4, "unlimited": False, "startAt": MADE, "endAt": "2026-05-08T12:00:00Z"} | more


def page(*rows: Any, offset: int = 0, total: int | None = None) -> Any:
    return {"limit": 500, "offset": offset, "total": offset + len(rows) if total is None else total, "list": list(rows)}


def topup(mark: str = MARK, status: str = "succeeded", **more: Any) -> Any:
    return {"id": "tu_1", "reference": mark, "status": status, "amount": 2500, "currency": "USD"} | more
