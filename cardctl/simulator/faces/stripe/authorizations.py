"""/v1/issuing/authorizations, and its test helpers."""

from __future__ import annotations

from cardctl.simulator import spending
from cardctl.simulator.faces.stripe import tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, update_metadata
from cardctl.simulator.faces.stripe.errors import Problem
from cardctl.simulator.purchase import Purchase
from cardctl.simulator.rows import Record, find

_PATH = "/v1/issuing/authorizations"
_HELPERS = "/v1/test_helpers/issuing/authorizations"


def same_currency(call: Call, card: Record) -> None:
    """Here cards are charged in their own currency only; Stripe would convert."""
    if call.params.get("currency", card["currency"]) != card["currency"]:
        raise Problem(400, f"This card's currency is {card['currency']}.").about("currency")


def _create(call: Call) -> Record:
    wish = call.wish
    same_currency(call, find(call.desk, "cards", wish["card"]))
    amount = wish.get("amount", wish.get("merchant_amount"))
    if amount is None:
        raise Problem(400, "Missing required param: amount.", code="parameter_missing").about("amount")
    purchase = Purchase(
        amount,
        wish.get("merchant_data", {}),
        wish.get("merchant_amount"),
        wish.get("merchant_currency"),
        wish.get("authorization_method", "online"),
        wish.get("wallet"),
        wish.get("verification_data", {}),
        _filled(wish.get("amount_details"), "atm_fee", "cashback_amount"),
        _filled(wish.get("network_data"), "acquiring_institution_id", "system_trace_audit_number", "transaction_id"),
    )
    return shown(call, "authorizations", spending.authorise(call.desk, wish["card"], purchase))


def _capture(call: Call) -> Record:
    close = call.params.get("close_authorization", True)
    spending.capture(call.desk, call.ref, call.params.get("capture_amount"), close=close)
    return shown(call, "authorizations", find(call.desk, "authorizations", call.ref))


def _reverse(call: Call) -> Record:
    return shown(call, "authorizations", spending.reverse(call.desk, call.ref, call.params.get("reverse_amount")))


def _expire(call: Call) -> Record:
    return shown(call, "authorizations", spending.expire(call.desk, call.ref))


def _increment(call: Call) -> Record:
    return shown(call, "authorizations", spending.increment(call.desk, call.ref, call.params["increment_amount"]))


def _list(call: Call) -> Record:
    return listed(call, "authorizations", filters(call, cardholder="holder"))


def _filled(given: Record | None, *names: str) -> Record | None:
    return None if given is None else {**dict.fromkeys(names), **given}


ENDPOINTS = (
    Endpoint("GET", _PATH, tables.AUTHORIZATION_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{authorization}}", tables.ONLY_EXPAND, retrieve("authorizations")),
    Endpoint("POST", f"{_PATH}/{{authorization}}", tables.ONLY_METADATA, update_metadata("authorizations")),
    Endpoint("POST", _HELPERS, tables.AUTHORIZATION_CREATE, _create),
    Endpoint("POST", f"{_HELPERS}/{{authorization}}/capture", tables.CAPTURE, _capture),
    Endpoint("POST", f"{_HELPERS}/{{authorization}}/reverse", tables.REVERSE, _reverse),
    Endpoint("POST", f"{_HELPERS}/{{authorization}}/expire", tables.ONLY_EXPAND, _expire),
    Endpoint("POST", f"{_HELPERS}/{{authorization}}/increment", tables.INCREMENT, _increment),
)
