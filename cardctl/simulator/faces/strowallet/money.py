"""Money of product A, and the float of both: fund-card, card_withdraw, its status, the wallet's balance, the exchange rate."""

from __future__ import annotations

from cardctl.domain.money import exponent
from cardctl.errors import BadInput
from cardctl.simulator.faces.strowallet import objects
from cardctl.simulator.faces.strowallet.calls import CARD_AND_AMOUNT, MODE, STROWALLET, ZIIROPAY, Call, Endpoint
from cardctl.simulator.faces.strowallet.errors import ASKS_FLOAT, FUNDS, WITHDRAWS
from cardctl.simulator.faces.strowallet.parameters import Field, text
from cardctl.simulator.rows import Record
from cardctl.simulator.strowallet import funding, wallet
from cardctl.simulator.strowallet.cards import card_of
from cardctl.simulator.strowallet.history import withdrawal
from cardctl.simulator.strowallet.words import PENDING, SUCCESS, Refused

NAIRA_PER_DOLLAR = "1500.00"
"""An invented rate; the real one moves."""

_REFERENCE = {"reference": Field(text)}
_WALLET = {"currency": Field(text)}


def _fund(call: Call) -> Record:
    """CONFIRMED: `success` is a word here, and the status is pending, whatever became of it."""
    card = card_of(call.desk, call.world, call.params["card_id"])
    row = funding.fund(call.desk, card, call.params["amount"])
    inner = {"message": "Card funding in progress", "data": _move(row)}
    return {"success": "success", "message": "Card funding in progress", "apiresponse": inner}


def _withdraw(call: Call) -> Record:
    """Two shapes were seen: odd cards answer under apiresponse.data, even ones under data."""
    card = card_of(call.desk, call.world, call.params["card_id"])
    row = funding.withdraw(call.desk, card, call.params["amount"])
    message = "Withdrawal in progress"
    if objects.odd(card):
        return {"success": True, "message": message, "apiresponse": {"message": message, "data": _move(row)}}
    return {"success": True, "message": message, "data": {"status": PENDING, "reference": row["reference"]}}


def _withdraw_status(call: Call) -> Record:
    """Two shapes were seen: odd withdrawals have data.status, even ones a status at the top, in another case."""
    row = withdrawal(call.desk, call.world, call.params["reference"])
    status = "completed" if row["status"] == SUCCESS else row["status"]
    if objects.odd(row):
        return {"success": True, "data": {"status": status, "reference": row["reference"]}}
    return {"success": True, "status": status.title(), "reference": row["reference"]}


def _balance(call: Call) -> Record:
    """CONFIRMED: `balance` at the top, and no `success`."""
    currency = call.params["currency"].upper()
    try:
        exponent(currency)
    except BadInput:
        raise Refused(f"Wallet {currency} not found") from None
    return {"balance": objects.major(wallet.holds(call.desk, currency.lower()))}


def _rate(_: Call) -> Record:
    return {"rate": NAIRA_PER_DOLLAR}


def _move(row: Record) -> Record:
    return {
        "id": row["ref"],
        "cardId": row["cardId"],
        "status": PENDING,
        "reference": row["reference"],
        "narrative": row["narrative"],
    }


ENDPOINTS = (
    Endpoint("POST", "bitvcard/fund-card", {**CARD_AND_AMOUNT, **MODE}, _fund, FUNDS, writes=True),
    Endpoint("POST", "bitvcard/card_withdraw", CARD_AND_AMOUNT, _withdraw, WITHDRAWS, writes=True),
    Endpoint("GET", "bitvcard/getcard_withdrawstatus", _REFERENCE, _withdraw_status),
    Endpoint("POST", "bitvcard/getcard_withdrawstatus", _REFERENCE, _withdraw_status),
    Endpoint("GET", "wallet/balance/{currency}", _WALLET, _balance, ASKS_FLOAT, sites=(STROWALLET, ZIIROPAY)),
    Endpoint("GET", "exchange-rate/USD/NGN", {}, _rate, keyed=False),
)
