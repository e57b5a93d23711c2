"""/v1/payment_intents."""

from __future__ import annotations

from cardctl.simulator.faces.stripe import objects, sale_tables
from cardctl.simulator.faces.stripe.calls import Call, Endpoint, filters, listed, retrieve, shown, with_metadata
from cardctl.simulator.faces.stripe.errors import Problem
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.rows import Record, find
from cardctl.simulator.sales import payments
from cardctl.simulator.sales.methods import method
from cardctl.simulator.sales.tables import INTENTS

_PATH = "/v1/payment_intents"
_NO_COLUMNS = ("confirm", "payment_method", "return_url", "error_on_requires_action", "off_session")


def _create(call: Call) -> Record:
    """Without `confirm` a payment method only makes it wait to be confirmed."""
    named = call.params.get("payment_method")
    wish = {name: value for name, value in with_metadata(call.wish, {}).items() if name not in _NO_COLUMNS}
    if named is not None:
        method(named)
        wish |= {"payment_method": named, "status": payments.CONFIRMABLE}
    intent = payments.open_intent(call.desk, wish)
    return _confirmed(call, intent, named) if call.params.get("confirm") else shown(call, INTENTS, intent)


def _update(call: Call) -> Record:
    before = find(call.desk, INTENTS, call.ref)
    changed = payments.change_intent(call.desk, call.ref, with_metadata(call.wish, before["metadata"]))
    return shown(call, INTENTS, changed)


def _confirm(call: Call) -> Record:
    intent = find(call.desk, INTENTS, call.ref)
    return _confirmed(call, intent, call.params.get("payment_method") or intent["payment_method"])


def _cancel(call: Call) -> Record:
    find(call.desk, INTENTS, call.ref)
    try:
        canceled = payments.cancel(call.desk, call.ref, call.params.get("cancellation_reason"))
    except BankRefuses as refusal:
        raise _about(call, refusal) from refusal
    return shown(call, INTENTS, canceled)


def _confirmed(call: Call, intent: Record, named: str | None) -> Record:
    """402 after a decline, of which everything is kept: the intent, its failed charge, the events."""
    if named is None:
        words = "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent with a"
        raise Problem(400, f"{words} payment method and then confirm it again.", code=payments.UNEXPECTED)
    try:
        paid = payments.confirm(call.desk, intent, method(named), email=intent["receipt_email"])
    except BankRefuses as refusal:
        if refusal.code != payments.UNEXPECTED:
            raise
        raise _about(Call(call.desk, call.path, intent["ref"], call.params), refusal) from refusal
    if paid["status"] == payments.WAITING:
        raise _declined(call, paid)
    return shown(call, INTENTS, paid)


def _declined(call: Call, paid: Record) -> Problem:
    error = paid["last_payment_error"]
    more = {name: error.get(name) for name in ("charge", "decline_code")}
    problem = Problem(402, error["message"], kind="card_error", code=error["code"])
    return problem.with_effect().saying(**more, payment_intent=_rendered(call, paid))


def _about(call: Call, refusal: BankRefuses) -> Problem:
    """What says what state the intent is in says how it is, too."""
    problem = Problem(400, refusal.message, code=refusal.code).about(refusal.field)
    return problem.saying(payment_intent=_rendered(call, find(call.desk, INTENTS, call.ref)))


def _rendered(call: Call, intent: Record) -> Record:
    return objects.RENDER[INTENTS](call.desk, [intent])[0]


def _list(call: Call) -> Record:
    return listed(call, INTENTS, filters(call))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("POST", _PATH, sale_tables.INTENT_CREATE, _create),
    Endpoint("GET", _PATH, sale_tables.INTENT_LIST, _list),
    Endpoint("GET", f"{_PATH}/{{intent}}", sale_tables.INTENT_RETRIEVE, retrieve(INTENTS)),
    Endpoint("POST", f"{_PATH}/{{intent}}", sale_tables.INTENT_UPDATE, _update),
    Endpoint("POST", f"{_PATH}/{{intent}}/confirm", sale_tables.INTENT_CONFIRM, _confirm),
    Endpoint("POST", f"{_PATH}/{{intent}}/cancel", sale_tables.INTENT_CANCEL, _cancel),
)
