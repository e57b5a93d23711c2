"""Lots of a pre-authorisation policy and the steps of a run, as the JSON that scripts rely on and as lines. Writes nothing."""

from __future__ import annotations

from cardctl.domain.lots import Action, Cover, Judgement, Step
from cardctl.domain.payments import Payment
from cardctl.errors import CardctlError
from cardctl.output.shapes import Shape, instant, money

_SAID = {
    Action.HOLD: "hold",
    Action.TOP_UP: "hold the whole of",
    Action.RENEW: "renew the hold of",
    Action.CAPTURE: "capture",
    Action.CHARGE: "charge",
    Action.RELEASE: "release",
}
_COVERS = {
    Cover.WAITING: "its window is not open",
    Cover.COVERED: "covered",
    Cover.LAPSING: "COVERED, NOT TO THE END",
    Cover.MISSING: "NOT COVERED",
    Cover.DUE: "TO BE SETTLED",
    Cover.PAID: "paid",
    Cover.RELEASED: "released",
    Cover.OVERDUE: "OVERDUE",
}


def lot_shape(value: Judgement) -> Shape:
    """A lot: what the file says, how it stands, and why where that is not as wanted."""
    lot = value.lot
    return {
        "person": lot.person,
        "invoice": lot.invoice,
        "status": lot.status.value,
        "start": instant(lot.start),
        "end": instant(lot.end),
        "amount": money(lot.amount),
        "due": money(lot.due),
        "state": value.cover.value,
        "held": money(value.held),
        "captured": money(value.taken),
        "reason": value.reason,
    }


def step_shape(step: Step, payment: Payment | None = None, error: CardctlError | None = None) -> Shape:
    """A step, and what came of it: the payment that it made or ended, or the error; neither: it was not tried."""
    done = payment or step.payment
    return {
        "action": step.action.value,
        "person": step.lot.person,
        "invoice": step.invoice or (step.payment.invoice if step.payment else None),
        "amount": money(step.amount),
        "tip": money(step.tip),
        "payment_id": done.id if done else None,
        "state": payment.state.value if payment else None,
        "error_code": error.code if error else None,
        "message": error.message if error else None,
    }


def lot_line(value: Judgement) -> str:
    """A lot in one line."""
    lot, why = value.lot, f" ({value.reason})" if value.reason else ""
    wanted = lot.due if lot.due.minor else lot.amount
    return f"{lot.invoice}  {lot.person}  {wanted}: {_COVERS[value.cover]}{why}; held {value.held}, captured {value.taken}"


def step_line(step: Step, error: CardctlError | None = None) -> str:
    """A step in one line."""
    failed = f"FAILED ({error.message}): " if error else ""
    named = step.payment.id if step.payment else step.invoice
    return f"{failed}{_SAID[step.action]} {step.amount}  {named}  {step.lot.person}"
