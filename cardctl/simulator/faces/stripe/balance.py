"""/v1/balance and /v1/topups."""

from __future__ import annotations

from cardctl.simulator import purses
from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, retrieve, shown, with_metadata
from cardctl.simulator.rows import Record


def _balance(call: Call) -> Record:
    payments = _amounts(purses.available(call.desk, "payments")) or _amounts({"usd": 0})
    return {
        "object": "balance",
        "available": payments,
        "issuing": {"available": _amounts(purses.available(call.desk))},
        "livemode": False,
        "pending": _amounts({"usd": 0}),
    }


def _create(call: Call) -> Record:
    """A top-up succeeds at once; in Stripe's own test mode it is said to stay pending (UNCONFIRMED)."""
    columns = with_metadata(call.wish, {})
    columns["purse"] = columns.pop("destination_balance", "payments")
    for name in ("payment_method", "source"):
        columns.pop(name, None)
    return shown(call, "topups", purses.top_up(call.desk, columns))


def _amounts(by_currency: dict[str, int]) -> list[Record]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"bank_account": 0, "card": amount}}
        for currency, amount in by_currency.items()
    ]


ENDPOINTS = (
    Endpoint("GET", "/v1/balance", tables.ONLY_EXPAND, _balance),
    Endpoint("POST", "/v1/topups", tables.TOPUP_CREATE, _create),
    Endpoint("GET", "/v1/topups/{topup}", tables.ONLY_EXPAND, retrieve("topups")),
)
