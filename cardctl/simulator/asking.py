"""Asking the account's own server about a purchase while the merchant waits; neither the bank's rules nor the sending.

Stripe alone asks (docs.stripe.com/issuing/controls/real-time-authorizations): after its own rules, which ask nobody where they
decline, and with its account's default, here to approve, where nothing is decided in time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cardctl.simulator import counter, webhook_secrets
from cardctl.simulator.books import FarSide
from cardctl.simulator.delivering import Posted, request
from cardctl.simulator.outbox import Notice
from cardctl.simulator.purchase import Purchase, Verdict
from cardctl.simulator.rows import Record
from cardctl.simulator.spending import authorise

Decide = Callable[[Posted], Mapping[str, Any] | None]
"""Gets the signed `issuing_authorization.request`; the JSON of its answer, or None where there was none in time."""


def verdict(far_side: FarSide, card_ref: str, amount: int, merchant: Record, decide: Decide) -> Verdict | None:
    """What `decide` says of a purchase that the bank would approve; None where nobody is to be asked.

    Nothing is kept of the question, and no lock is held meanwhile: the purchase is made when there is an answer.
    """
    notice = _question(far_side, card_ref, amount, merchant)
    if notice is None:
        return None
    secrets = {name: values[:1] for name, values in webhook_secrets.known(far_side).items()}
    answer = decide(request("stripe", [notice], secrets, far_side.now()))
    if answer is None:
        return Verdict(approved=True, reason="webhook_timeout", ref=notice.object_ref)
    said = answer.get("approved")
    if not isinstance(said, bool):
        return Verdict(approved=True, reason="webhook_error", ref=notice.object_ref)
    metadata = {str(name): str(value) for name, value in (answer.get("metadata") or {}).items()}
    return Verdict(said, "webhook_approved" if said else "webhook_declined", notice.object_ref, metadata)


def _question(far_side: FarSide, card_ref: str, amount: int, merchant: Record) -> Notice | None:
    from cardctl.simulator.faces.stripe import notices  # noqa: PLC0415 - only who asks loads the face's words

    with far_side.trying() as desk:
        visit = counter.visit_of(desk, card_ref)
        if visit is None:
            return None
        authorization = authorise(visit, card_ref, Purchase(amount, merchant))
        return notices.request(visit, authorization) if authorization["approved"] else None
