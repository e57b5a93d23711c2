"""Requests exactly as they will be sent, for what we wish; nothing is asked for or sent here."""

from __future__ import annotations

import re

from cardctl.domain.esims import NewPurchase
from cardctl.domain.operations import Draft
from cardctl.domain.things import Kind
from cardctl.errors import BadInput
from cardctl.providers.zendit.wire import PURCHASES, REFUND, one_of

PURCHASE_REFUND = "purchase_refund"
_REF = re.compile(r"[A-Za-z0-9_-]{1,100}\Z", re.ASCII)
"""Alphanumeric (documentation); that a hyphen and an underscore are taken is what clients do, and how long it may be
UNCONFIRMED."""


def purchase_draft(wanted: NewPurchase) -> Draft:
    """Repeatable: a name is taken once, so that the same again is refused, and does no harm. BadInput for a name that Zendit
    would not take."""
    if not _REF.match(wanted.ref):
        raise BadInput(f"zendit takes no purchase by the name {wanted.ref!r}", hint="letters, digits and hyphens, at most 100")
    body = {"offerId": wanted.offer_id, "transactionId": wanted.ref} | ({"iccid": wanted.iccid} if wanted.iccid else {})
    before = {"not_before": wanted.not_before.isoformat()} if wanted.not_before else {}
    return Draft("POST", PURCHASES, Kind.PURCHASE, body, before, repeatable=True)


def refund_draft(ref: str) -> Draft:
    """UNCONFIRMED what becomes of a second one, so it is looked for and never just repeated."""
    return Draft("POST", one_of(PURCHASES, ref) + REFUND, PURCHASE_REFUND, before={"purchase": ref})
