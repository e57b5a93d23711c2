"""Zendit's objects as JSON: what the wire has in place of a row; which fields there are is the fact sheet's word."""

from __future__ import annotations

from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record
from cardctl.simulator.zendit import refunds
from cardctl.simulator.zendit.purchases import cost_of
from cardctl.simulator.zendit.wallet import instant
from cardctl.simulator.zendit.words import DONE, ESIM

_PLAN = ("brand", "brandName", "country", "regions", "subTypes", "dataGB", "dataSpeeds", "durationDays", "roaming")
_NO_VOICE = {"voiceMinutes": 0, "voiceUnlimited": False, "smsNumber": 0, "smsUnlimited": False}
_TOLD = ("status", "amount", "currency", "currencyDivisor", "log", "error")


def offer(row: Record) -> Record:
    money = {name: row[name] for name in ("currency", "currencyDivisor")}
    return {
        "offerId": row["ref"],
        "enabled": bool(row["enabled"]),
        "priceType": "FIXED",
        "productType": ESIM,
        **_plan(row),
        "cost": {**money, "fixed": row["cost_fixed"], "fee": row["cost_fee"], "feePct": 0, "discount": 0},
        "price": {**money, "fixed": row["price_fixed"], "fee": row["price_fee"]},
        **_times(row),
    }


def purchase(desk: Desk, row: Record) -> Record:
    """CONFIRMED: what is not known yet is absent. UNCONFIRMED: that an `error` and a `refund` of none are null, as in the
    samples, and what a refund looks like here."""
    price = row["priceBase"] + row["priceFee"]
    told = {
        "transactionId": row["ref"],
        "status": row["status"],
        "productType": ESIM,
        "offerId": row["offerId"],
        "priceType": "FIXED",
        **_plan(row["offer"]),
        **_amounts(row, "cost", cost_of(row)),
        **_amounts(row, "price", price),
        "error": row["error"],
        "refund": _refund(desk, row),
        "log": row["log"],
        **_times(row),
    }
    return told | ({"confirmation": _confirmation(row)} if row["status"] == DONE and row["iccid"] else {})


def entry(row: Record) -> Record:
    """An item of /transactions; a refund names what it is of."""
    told = {"transactionId": row["transactionId"], "productType": row["productType"], "type": row["type"]}
    of = {"refundedTransactionId": row["refundedTransactionId"]} if row["refundedTransactionId"] else {}
    return {**told, **of, **{name: row[name] for name in _TOLD}, **_times(row)}


def plan(row: Record, active: bool, started: int | None) -> Record:
    """What is left of one purchase on its eSIM. CONFIRMED: startAt and endAt are optional; here they are there once it
    began."""
    bought: Record = row["offer"]
    total = bought["dataGB"]
    left = total if not row["usedMB"] else max(round(total - row["usedMB"] / 1000, 3), 0)
    ends = (started or 0) + bought["durationDays"] * 86400
    span = {} if started is None else {"startAt": instant(started), "endAt": instant(ends)}
    return {
        "iccid": row["iccid"],
        "offerId": row["offerId"],
        "description": bought["notes"],
        "status": "ACTIVE" if active else "QUEUED",
        "initialDataGB": total,
        "remainingDataGB": left,
        "unlimited": bool(bought["dataUnlimited"]),
        **span,
    }


def report(row: Record, base: str) -> Record:
    """The file is there once it is READY. UNCONFIRMED: that its address is whole."""
    url = f"{base}/reports/transactions/{row['ref']}/{row['name']}"
    return {
        "reportId": row["ref"],
        "status": row["status"],
        "period": {name: instant(row[name]) for name in ("startGte", "endLt")},
        "file": {"name": row["name"], "downloadUrl": url} if row["name"] else None,
        "error": None,
        "log": row["log"],
        **_times(row),
    }


def _plan(row: Record) -> Record:
    shown: dict[str, Any] = {name: row[name] for name in _PLAN}
    notes = {"notes": row["notes"], "shortNotes": row["notes"]}
    return {**shown, "dataUnlimited": bool(row["dataUnlimited"]), **_NO_VOICE, **notes}


def _amounts(row: Record, name: str, whole: int) -> Record:
    """Flat, each with its own currency; UNCONFIRMED: that the whole has the fee in it."""
    parts = {name: whole, f"{name}Base": row[f"{name}Base"], f"{name}Fee": row[f"{name}Fee"]}
    return {**parts, f"{name}Currency": row["currency"], f"{name}CurrencyDivisor": row["currencyDivisor"]}


def _refund(desk: Desk, row: Record) -> Record | None:
    found = refunds.of_purchase(desk, row["ref"])
    return found and {"transactionId": found["transactionId"], "status": found["status"]}


def _confirmation(row: Record) -> Record:
    code = {} if row["codeless"] else {name: row[name] for name in ("smdpAddress", "activationCode") if row[name]}
    told = "Scan the QR code in the settings of your phone."
    return {"iccid": row["iccid"], **code, "externalReferenceId": row["externalReferenceId"], "redemptionInstructions": told}


def _times(row: Record) -> Record:
    return {"createdAt": instant(row["created"]), "updatedAt": instant(row["updated"])}
