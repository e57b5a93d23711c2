"""A paid order from end to end, as both providers and the books tell of it (words only)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cardctl.domain.breaks import Finding, Severity
from cardctl.domain.fulfilment import Why
from cardctl.domain.money import Money
from cardctl.domain.orders import Order, SaleRefund, Step, WalletTopUp
from cardctl.domain.topups import TopUpState


class Pick(StrEnum):
    """Which orders: all, or those of which a top-up or a purchase failed, or that have a break."""

    ALL = "all"
    FAILED_TOPUPS = "failed-topups"
    FAILED_PURCHASES = "failed-purchases"
    BREAKS = "breaks"


@dataclass(frozen=True, slots=True)
class Chain:
    """One order from the payment to the delivery. `paid` and `given_back` are the provider's word about its payment, `purchase`
    the supplier's state of its purchase, `cost` what it says that this costs, `charged` what the wallet paid or holds for it
    (None: not told). `spent` is what the cards that topped up for it spent in all."""

    order: Order
    steps: tuple[Step, ...]
    topups: tuple[WalletTopUp, ...]
    refunds: tuple[SaleRefund, ...]
    paid: Money | None = None
    given_back: Money | None = None
    purchase: str | None = None
    cost: Money | None = None
    charged: Money | None = None
    spent: Money | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether somebody must see to it."""
        return any(each.kind.severity is not Severity.INFO for each in self.findings)


def is_picked(chain: Chain, pick: Pick) -> bool:
    """Whether it is one of those."""
    if pick is Pick.FAILED_TOPUPS:
        return any(top.state in (TopUpState.FAILED, TopUpState.REVERSED) for top in chain.topups)
    if pick is Pick.FAILED_PURCHASES:
        failed = chain.order.reason_code in (Why.PURCHASE_FAILED, Why.PURCHASE_REFUSED)
        return failed or chain.purchase == "failed" or chain.order.attempt > 1
    return pick is Pick.ALL or chain.broken
