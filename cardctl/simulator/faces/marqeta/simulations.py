"""/simulate (the older way) and /simulations/cardtransactions (2.0): card messages that a sandbox makes up on request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.faces.marqeta import messages
from cardctl.simulator.faces.marqeta.calls import Call, Endpoint, minor
from cardctl.simulator.faces.marqeta.errors import invalid
from cardctl.simulator.faces.marqeta.statements import simulated, transactions
from cardctl.simulator.marqeta import purchases
from cardctl.simulator.marqeta.accounts import CURRENCY
from cardctl.simulator.marqeta.lists import get
from cardctl.simulator.marqeta.purchases import Message
from cardctl.simulator.marqeta.refusals import Kind
from cardctl.simulator.rows import Record

_NEW = "/simulations/cardtransactions"
_ISO = {"authorization": "0100", "authorization.clearing": "0220", "authorization.reversal": "0400", "refund": "0220"}


def _authorization(call: Call) -> Record:
    body = call.body
    get(call.desk, "marqeta_cards", body["card_token"], Kind.INVALID)
    message = Message(_old_acceptor(body), preauthorization=bool(body.get("is_pre_auth")))
    return _old(call, purchases.authorise(call.desk, body["card_token"], _amount(body), message))


def _clearing(call: Call) -> Record:
    body = call.body
    original, amount, merchant = body["original_transaction_token"], _amount(body), _old_acceptor(body)
    if body.get("is_refund"):
        return _old(call, purchases.refund(call.desk, original, amount, merchant))
    return _old(call, purchases.clear(call.desk, original, amount, merchant, forced=bool(body.get("force_post"))))


def _reversal(call: Call) -> Record:
    return _old(call, purchases.reverse(call.desk, call.body["original_transaction_token"], _amount(call.body)))


def _authorization_event(call: Call) -> Record:
    message = _message(call.body, preauthorization=bool(call.body.get("is_preauthorization")))
    return _new(purchases.authorise(call.desk, call.body["card_token"], _amount(call.body), message))


def _clearing_event(call: Call) -> Record:
    """Without a preceding transaction it is an offline one. That a clearing may name one, the description shows in its
    examples alone; the schema, which has no such field, is wrong."""
    body = call.body
    preceding = body.get("preceding_related_transaction_token")
    if preceding is None:
        return _unlinked(call, "authorization.clearing")
    forced = bool(body.get("force_post"))
    return _new(purchases.clear(call.desk, preceding, _amount(body), body.get("card_acceptor", {}), forced=forced))


def _reversal_event(call: Call) -> Record:
    amount = _amount(call.body) if "amount" in call.body else None
    return _new(purchases.reverse(call.desk, call.body["preceding_related_transaction_token"], amount))


def _refund_event(call: Call) -> Record:
    return _unlinked(call, "refund")


def _unlinked(call: Call, kind: str) -> Record:
    if "card_token" not in call.body:
        raise invalid("card_token")
    return _new(purchases.unlinked(call.desk, kind, call.body["card_token"], _amount(call.body), _message(call.body)))


def _old(call: Call, row: Record) -> Record:
    """With the raw message, whose field 2 is the whole card number: also a real sandbox sends it along."""
    card = get(call.desk, "marqeta_cards", row["card_token"])
    raw = {
        "mti": _ISO[row["type"]],
        "2": card["pan"],
        "3": "000000",
        "4": f"{row['amount']:012d}",
        "11": f"{row['seq'] % 10**6:06d}",
        "14": f"{card['expiration'][2:]}{card['expiration'][:2]}",
        "42": row["card_acceptor"]["mid"],
        "49": "840",
    }
    return {"transaction": transactions(call.desk, [row])[0], "raw_iso8583": raw}


def _new(row: Record) -> Record:
    return {"transaction": simulated(row)}


def _amount(body: Mapping[str, Any]) -> int:
    if body.get("currency_code", CURRENCY) != CURRENCY:
        raise invalid("currency_code")  # UNCONFIRMED what becomes of it: the programme has one currency
    return minor(body, "amount", CURRENCY)


def _message(body: Mapping[str, Any], *, preauthorization: bool = False) -> Message:
    return Message(body.get("card_acceptor", {}), body.get("network", "VISA"), preauthorization)


def _old_acceptor(body: Mapping[str, Any]) -> Record:
    names = {"mcc": "mcc", "name": "name", "city": "city", "state": "state", "zip": "postal_code", "country": "country_code"}
    given = body.get("card_acceptor", {})
    acceptor = {new: given[old] for old, new in names.items() if old in given}
    return acceptor | ({"mid": body["mid"]} if "mid" in body else {})


ENDPOINTS = (
    Endpoint("POST", "/simulate/authorization", _authorization, body=messages.OLD_AUTHORIZATION, status=201),
    Endpoint("POST", "/simulate/clearing", _clearing, body=messages.OLD_CLEARING, status=201),
    Endpoint("POST", "/simulate/reversal", _reversal, body=messages.OLD_REVERSAL, status=201),
    Endpoint("POST", f"{_NEW}/authorization", _authorization_event, body=messages.AUTHORIZATION_EVENT, status=201),
    Endpoint("POST", f"{_NEW}/authorization.clearing", _clearing_event, body=messages.CLEARING_EVENT, status=201),
    Endpoint("POST", f"{_NEW}/authorization.reversal", _reversal_event, body=messages.REVERSAL_EVENT, status=201),
    Endpoint("POST", f"{_NEW}/refund", _refund_event, body=messages.REFUND_EVENT, status=201),
)
