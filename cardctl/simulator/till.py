"""What a customer does at the far side, as tests and `simulator pay` ask for it: pays a page, or has paid a shop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cardctl.domain.money import Money
from cardctl.simulator.books import FarSide
from cardctl.simulator.sales import counter
from cardctl.simulator.sales.counter import Paid

Sale = tuple[Money, Mapping[str, str], str | None]
"""What was paid, the metadata of the payment, the customer's address."""


class Till:
    """The part of `Control` where customers pay."""

    _far_side: FarSide

    def pay(self, ref: str, *, declined: bool = False, later: bool = False, email: str | None = None) -> Paid:
        """A customer pays the checkout `cs_…` or the payment intent `pi_…` with a card that is good, or `declined`.

        `later`: by a bank debit, whose bank answers when it is paid once more (`declined`: with a no). `email` is what the
        customer gives, where the checkout did not say. NotFound; BadInput where it is paid, expired or canceled.
        """
        with self._far_side.transaction() as desk:
            return counter.pay(desk, ref, declined=declined, later=later, email=email)

    def sell(self, amount: Money, metadata: Mapping[str, str], email: str | None = None) -> str:
        """A customer has paid `amount` with a card: the payment intent, of which Stripe tells. BadInput."""
        return self.sell_all([(amount, metadata, email)])[0]

    def sell_all(self, sales: Iterable[Sale]) -> list[str]:
        """Many at once, in one transaction; their payment intents, in order."""
        with self._far_side.transaction() as desk:
            return [counter.sell(desk, *sale) for sale in sales]
