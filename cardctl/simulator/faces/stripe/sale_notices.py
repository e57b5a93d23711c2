"""Which events tell of a customer's payment: from what a row was and is to Stripe's words (docs.stripe.com/api/events)."""

from __future__ import annotations

from collections.abc import Callable

from cardctl.simulator.outbox import Touched
from cardctl.simulator.rows import Record
from cardctl.simulator.sales.tables import CHARGES, CHECKOUTS, DISPUTES, INTENTS, REFUNDS

DIFFERING = (".updated", ".refunded", "refund.failed")
"""Ends of kinds whose events say what the values were before, where there were any."""

_CHARGED = {"succeeded": "succeeded", "failed": "failed", "pending": "pending"}
_MOVED = {"succeeded": "succeeded", "canceled": "canceled", "processing": "processing"}


def kinds(row: Touched) -> list[str]:
    """Whole event types, in the order of telling; none for a change that Stripe tells nobody of."""
    return _KINDS[row.table](row.before, row.after)


def _intent(before: Record | None, after: Record) -> list[str]:
    """There is no `payment_intent.updated`."""
    if before is None:
        told = _MOVED.get(after["status"])
        return ["payment_intent.created", *([f"payment_intent.{told}"] if told else [])]
    if after["status"] != before["status"] and after["status"] in _MOVED:
        return [f"payment_intent.{_MOVED[after['status']]}"]
    failed = after["last_payment_error"] not in (None, before["last_payment_error"])
    return ["payment_intent.payment_failed"] if failed else []


def _charge(before: Record | None, after: Record) -> list[str]:
    """Of a dispute the dispute's own events tell. UNCONFIRMED: that a charge of which a refund failed is told as updated."""
    if before is None or before["status"] != after["status"]:
        return [f"charge.{_CHARGED[after['status']]}"] if after["status"] in _CHARGED else ["charge.updated"]
    if after["disputed"] != before["disputed"]:
        return []
    more = after["amount_refunded"] > before["amount_refunded"]
    return ["charge.refunded" if more else "charge.updated"]


def _checkout(before: Record | None, after: Record) -> list[str]:
    """Nobody is told of a new one."""
    if before is None:
        return []
    if after["status"] != before["status"]:
        return [f"checkout.session.{verb}" for verb in _ENDS.get(after["status"], ())]
    if after["payment_status"] != before["payment_status"]:
        return ["checkout.session.async_payment_succeeded"] if after["payment_status"] == "paid" else []
    return ["checkout.session.async_payment_failed"] if after["failed"] > before["failed"] else []


def _refund(before: Record | None, after: Record) -> list[str]:
    if before is None:
        return ["refund.created"]
    failed = after["status"] == "failed" != before["status"]
    return ["refund.updated", *(["refund.failed"] if failed else [])]


def _dispute(before: Record | None, after: Record) -> list[str]:
    if before is None:
        return ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    if after["status"] == before["status"] or after["status"] not in _DECIDED:
        return ["charge.dispute.updated"]
    return [f"charge.dispute.{verb}" for verb in _DECIDED[after["status"]]]


_DECIDED = {"won": ("closed", "funds_reinstated"), "lost": ("closed",)}
_ENDS = {"complete": ("completed",), "expired": ("expired",)}
_KINDS: dict[str, Callable[[Record | None, Record], list[str]]] = {
    INTENTS: _intent,
    CHARGES: _charge,
    CHECKOUTS: _checkout,
    REFUNDS: _refund,
    DISPUTES: _dispute,
}

TABLES = tuple(_KINDS)
