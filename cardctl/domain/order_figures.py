"""What the books can say of orders: how many became eSIMs, how fast, and what did not (words only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from cardctl.domain.money import Money, zero


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """Orders that were paid since a moment. `ended` are delivered, refunded or stuck; `issued` were delivered in a time that is
    known, which goes from the payment to the mail: `micros` all of them together, `p95_micros` 95 of 100. `refunds` were given
    back to customers, `failed_purchases` and `failed_topups` came to nothing. `states` counts all orders, whenever paid."""

    delivered: int = 0
    ended: int = 0
    issued: int = 0
    micros: int | None = None
    p95_micros: int | None = None
    refunds: int = 0
    failed_purchases: int = 0
    failed_topups: int = 0
    states: Mapping[str, int] = field(default_factory=dict)

    @property
    def success_rate(self) -> Decimal | None:
        """0 to 1, four decimals, cut; None where no order has ended."""
        return (Decimal(self.delivered) / self.ended).quantize(Decimal("0.0001"), ROUND_DOWN) if self.ended else None

    @property
    def mean_ms(self) -> int | None:
        return self.micros // self.issued // 1000 if self.micros is not None and self.issued else None

    @property
    def p95_ms(self) -> int | None:
        return None if self.p95_micros is None else self.p95_micros // 1000


NO_ORDERS = OrderFigures()


@dataclass(frozen=True, slots=True)
class WalletNeed:
    """A wallet in one currency: what orders that wait for its money need (`orders` of them, `ids` the first ones), and what is
    spoken for by others that are not held there yet."""

    supplier: str
    orders: int
    needed: Money
    reserved: Money
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Purse:
    """The wallet in one currency: what is there, what orders have spoken for, and what those that wait need, where any do."""

    available: Money
    reserved: Money
    need: WalletNeed | None

    @property
    def free(self) -> Money:
        return self.available - self.reserved

    @property
    def wanted(self) -> Money:
        return self.need.needed if self.need else zero(self.available.currency)
