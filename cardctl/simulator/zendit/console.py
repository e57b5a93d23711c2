"""What a partner does in Zendit's console, as tests and `simulator recharge` ask: money, addresses, the pace of things."""

from __future__ import annotations

from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.simulator.books import FarSide
from cardctl.simulator.desk import Desk
from cardctl.simulator.posting import knock, local
from cardctl.simulator.zendit import counter, hooks, topping_up, wallet
from cardctl.simulator.zendit.words import ESIM


class Console:
    """The part of `Control` where the eSIM shop's partner is at work."""

    _far_side: FarSide

    def wallet_balance(self) -> Money:
        """What can be spent: without what is held."""
        with self._far_side.reading() as desk:
            return Money(wallet.balance(desk), wallet.CURRENCY)

    def recharge_wallet(self, amount: Money) -> str:
        """Money into the wallet, as by wire; its transactionId in the ledger. BadInput for nothing, or another currency."""
        with self._far_side.transaction() as desk:
            return str(wallet.recharge(desk, _cents(amount, least=1))["transactionId"])

    def set_wallet(self, amount: Money) -> str | None:
        """The balance as the console of the test mode sets it; the transactionId of the difference, None where there was none.
        What is held meanwhile stays held. BadInput."""
        with self._far_side.transaction() as desk:
            entry = wallet.set_balance(desk, _cents(amount))
            return None if entry is None else str(entry["transactionId"])

    def set_esim_pace(self, seconds: int, *, topups: int = 0) -> None:
        """From now on each state of a purchase, refund or report lasts so long on the far side's clock (0: it has ended before
        anybody reads it), and a top-up waits `topups` seconds. BadInput."""
        if seconds < 0 or topups < 0:
            raise BadInput("nothing takes less than no time")
        with self._far_side.transaction() as desk:
            wallet.set_pace(desk, seconds)
            topping_up.set_pace(desk, topups)

    def save_webhook(self, url: str, header: str, value: str, product: str = ESIM) -> bool:
        """Who is told of a product's purchases from now on, and how it is proved; the address is asked with HEAD, and whether
        it answered 2xx is returned: UNCONFIRMED, that one that does not is saved all the same. BadInput for an address
        elsewhere."""
        local(url)
        with self._far_side.transaction() as desk:
            hooks.save(desk, url, header, value, product)
        return knock(url)


def settle(desk: Desk) -> None:
    """Whatever the clock has brought about."""
    counter.settle(desk)


def _cents(amount: Money, least: int = 0) -> int:
    if amount.currency != wallet.CURRENCY or amount.minor < least:
        raise BadInput(f"the wallet takes some {wallet.CURRENCY}, not {amount}")
    return amount.minor
