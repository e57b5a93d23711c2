"""What a person calls a thing, turned into the far side's name for it; what may not be shown of it is not shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cardctl.runtime import Run

_ORDER = "order_"


@dataclass(frozen=True, slots=True)
class FarName:
    """`ref` is the far side's; `shown` is what may be written: of a saved card our own id, since its ref is a secret."""

    ref: str
    shown: str


def far_name(run: Run, name: str) -> FarName:
    """Behind our id of a card, an account, a transaction, a payment, an order (its customer's payment, or the checkout) or a
    saved card; anything else is a ref already."""
    from cardctl.errors import NotFound  # noqa: PLC0415
    from cardctl.services.flows import finding, finding_orders, finding_saved  # noqa: PLC0415

    if name.startswith(_ORDER):  # not by what else an order answers to: that of a purchase is a ref at the supplier
        order = finding_orders.find_order(run.books, name)
        ref = order.payment_ref or order.checkout_ref or name
        return FarName(ref, ref)
    for find in (finding.find_card, finding.find_account, finding.find_transaction, finding_saved.find_payment):
        try:
            ref = find(run.books, name).ref or name
        except NotFound:
            continue
        return FarName(ref, ref)
    try:
        saved = finding_saved.find_saved_card(run.books, name)
    except NotFound:
        return FarName(name, name)
    return FarName(saved.ref or saved.customer_ref or name, saved.id)
