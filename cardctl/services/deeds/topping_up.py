"""Money put into the supplier's wallet with a card, for one order: esim.topup. Which card, and why, is the chain's to
decide."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.cards import Card
from cardctl.domain.esims import RemoteWalletTopUp
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.orders import Order, OrderState, WalletTopUp
from cardctl.errors import StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.selling import TopsUpWallet
from cardctl.services.desk import Desk, Done
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import run_once


def top_up(desk: Desk, order: Order, card: Card, amount: Money, *, name: str) -> Done:
    """Top the wallet up by `amount`, once under a `name`; the desk's provider has the card's numbers at hand (`paying_with`).
    ProviderRefused (7) where the card is declined."""
    told = {"card": card.id, "name": name}
    return run_once(desk, TopUp(), Wish(order.id, told, amount=amount, caller_key=f"{name}:topup"))


class TopUp:
    """esim.topup: the endpoint knows it by our operation's id, and takes each once."""

    kind: ClassVar[str] = "esim.topup"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> None:
        order = unit.orders.named(operation.target)
        if order.state is not OrderState.FUNDING:
            raise StateForbids(f"{order.id} is {order.state}: no money is put into the wallet for it")

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        assert operation.amount is not None
        return require(desk.provider, TopsUpWallet).draft_wallet_topup(operation.amount, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteWalletTopUp)
        now = desk.clock()
        known = unit.order_money.topup(operation.id)
        topup = WalletTopUp(
            id=operation.id,
            order_id=operation.target,
            programme=operation.programme,
            ref=remote.ref,
            card_id=operation.arguments["card"],
            amount=remote.amount,
            state=remote.state,
            created_at=known.created_at if known else now,
            updated_at=now,
            reason=remote.reason,
        )
        unit.order_money.put_topup(topup)
        return Change(self.load(unit, operation), {}, {"topup": str(topup.amount), "state": str(topup.state), "ref": topup.ref})

    def load(self, unit: Unit, operation: Operation) -> Order:
        return unit.orders.named(operation.target)


def take_topup(desk: Desk, topup: WalletTopUp, remote: RemoteWalletTopUp) -> WalletTopUp:
    """What has become of a top-up that was under way."""
    with desk.books.write() as unit:
        known = unit.order_money.topup(topup.id) or topup
        told = replace(known, state=remote.state, amount=remote.amount, ref=remote.ref, reason=remote.reason)
        taken = replace(told, updated_at=desk.clock())
        unit.order_money.put_topup(taken)
    return taken
