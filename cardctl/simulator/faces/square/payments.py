"""/v2/payments: take, hold, change, complete, cancel, find and list."""

from __future__ import annotations

from cardctl.simulator.faces.square import objects
from cardctl.simulator.faces.square.calls import WINDOW, Call, Endpoint, listed, windowed
from cardctl.simulator.faces.square.parameters import ADDRESS, KEY, MONEY, Fields, flag, one_of, text, whole
from cardctl.simulator.rows import Record
from cardctl.simulator.square import captures, payments
from cardctl.simulator.square.lists import Condition
from cardctl.simulator.square.sellers import main_location
from cardctl.simulator.square.tables import PAYMENTS
from cardctl.simulator.square.words import FAILED

_PATH = "/v2/payments"
_ONE = f"{_PATH}/{{payment_id}}"
_ACTION = one_of(("CANCEL", "COMPLETE"))

_CREATE = Fields(
    {
        "source_id": text(16384, 1),
        "idempotency_key": KEY,
        **dict.fromkeys(("amount_money", "tip_money", "app_fee_money"), MONEY),
        "delay_duration": text(40),
        "delay_action": _ACTION,
        **dict.fromkeys(("autocomplete", "accept_partial_authorization"), flag),
        **dict.fromkeys(("order_id", "team_member_id"), text(192)),
        "customer_id": text(191),
        "location_id": text(50),
        "reference_id": text(40),
        "verification_token": text(),
        "buyer_email_address": text(255),
        "buyer_phone_number": text(22),
        **dict.fromkeys(("billing_address", "shipping_address"), ADDRESS),
        "note": text(500),
        "statement_description_identifier": text(20),
        "cash_details": Fields({"buyer_supplied_money": MONEY, "change_back_money": MONEY}, required=("buyer_supplied_money",)),
        "external_details": Fields(
            {"type": text(50), "source": text(255), "source_id": text(255), "source_fee_money": MONEY},
            required=("type", "source"),
        ),
        "customer_details": Fields({"customer_initiated": flag, "seller_keyed_in": flag}),
    },
    required=("source_id", "idempotency_key"),
)
_CHANGED = Fields(
    {"amount_money": MONEY, "tip_money": MONEY, "delay_action": _ACTION, "version_token": text()},
    nullable=True,
)
_UPDATE = Fields({"idempotency_key": KEY, "payment": _CHANGED}, required=("idempotency_key",))
_LIST = {
    **WINDOW,
    "location_id": text(50),
    "total": whole,
    "last_4": text(4),
    "card_brand": text(50),
    "is_offline_payment": flag,
}


def _pay(call: Call) -> Record:
    """UNCONFIRMED: that a decline shows the failed payment beside its errors."""
    row = payments.pay(call.desk, call.merchant, call.body)
    shown = _shown(call, row)
    return {"errors": row["errors"], **shown} if row["status"] == FAILED else shown


def _retrieve(call: Call) -> Record:
    return _shown(call, payments.payment(call.desk, call.merchant, call.ref))


def _update(call: Call) -> Record:
    row = payments.payment(call.desk, call.merchant, call.ref)
    return _shown(call, captures.update(call.desk, row, call.body.get("payment", {})))


def _complete(call: Call) -> Record:
    row = payments.payment(call.desk, call.merchant, call.ref)
    return _shown(call, captures.complete(call.desk, row, call.body.get("version_token")))


def _cancel(call: Call) -> Record:
    return _shown(call, captures.cancel(call.desk, payments.payment(call.desk, call.merchant, call.ref)))


def _cancel_by_key(call: Call) -> Record:
    payments.cancel_by_key(call.desk, call.merchant, call.body["idempotency_key"])
    return {}


def _list(call: Call) -> Record:
    """CONFIRMED: of the main location, where none is named."""
    query = call.query
    conditions: list[Condition] = [("location_id = ?", [query.get("location_id") or main_location(call.merchant)])]
    if "total" in query:
        conditions.append(("amount + coalesce(tip, 0) = ?", [query["total"]]))
    conditions += [(f"card ->> '$.{name}' = ?", [query[name]]) for name in ("last_4", "card_brand") if name in query]
    if query.get("is_offline_payment"):
        conditions.append(("0", []))
    found = windowed(call, PAYMENTS, conditions)
    return listed("payments", found, objects.payments(call.desk, found.rows))


def _shown(call: Call, row: Record) -> Record:
    return {"payment": objects.payments(call.desk, [row])[0]}


ENDPOINTS = (
    Endpoint("POST", _PATH, _pay, body=_CREATE, keyed=True),
    Endpoint("GET", _PATH, _list, _LIST),
    Endpoint("POST", f"{_PATH}/cancel", _cancel_by_key, body=Fields({"idempotency_key": KEY}, required=("idempotency_key",))),
    Endpoint("GET", _ONE, _retrieve),
    Endpoint("PUT", _ONE, _update, body=_UPDATE, keyed=True),
    Endpoint("POST", f"{_ONE}/complete", _complete, body=Fields({"version_token": text()})),
    Endpoint("POST", f"{_ONE}/cancel", _cancel),
)
