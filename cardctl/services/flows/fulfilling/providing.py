"""Money in the wallet for an order: spoken for where there is enough; put there with a card, or waited for, where there is
not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta

from cardctl.db.unit import Unit
from cardctl.domain.esims import RemoteWalletTopUp
from cardctl.domain.fulfilment import Topup, Why
from cardctl.domain.money import Money
from cardctl.domain.operations import Operation
from cardctl.domain.orders import Order, OrderState, StepName, StepState, WalletTopUp, purchase_ref_of
from cardctl.errors import CardctlError, ProviderRefused, Unsupported
from cardctl.services.deeds.topping_up import TopUp, take_topup, top_up
from cardctl.services.desk import Desk
from cardctl.services.flows.fulfilling.paying_cards import begun_with, card_for, paying, retire
from cardctl.services.flows.fulfilling.pricing import is_still_priced
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.flows.fulfilling.topups import ON_THE_WAY, Topups, next_name, so_far
from cardctl.services.journal import drafted
from cardctl.services.order_entries import given_up, note_step
from cardctl.services.wallets import Reading

_DECLINES = 4
"""So often a card may be declined, or a top-up fail, before the order is given up."""
_LOOK_SECONDS = 60.0
_ASKED = {
    Topup.REQUEST: "put {} into the wallet",
    Topup.PREFUNDED: "the wallet is short by {}",
    Topup.CARD: "the wallet is short by {}, though a card has topped it up",
}


def provide(shop: Shop, order: Order) -> None:
    """Take the wallet's money for the order into account, or see to it that there is some. The order is BUYING afterwards,
    FUNDING while it waits, or given up."""
    assert order.cost is not None
    if _is_denied(order) and _too_late(shop, order):
        said = order.reason or "the wallet was short"
        shop.change(order, lambda unit, fresh: _give_up(shop, unit, fresh, Why.WALLET_SHORT, said), "order.given_up")
        return
    done = so_far(shop, order) if shop.terms.topup is Topup.CARD else Topups()
    if done.pending is not None:
        _look(shop, order, done.pending)
        return
    if not is_still_priced(shop, order):
        return
    reading = shop.wallet.reading()
    taken = _take(shop, order, reading, filled=done.filled)
    if taken.state is OrderState.BUYING or _moved(taken, order):
        return
    reading = shop.wallet.read_again(reading)
    taken = _take(shop, order, reading, filled=done.filled)
    if taken.state is OrderState.BUYING or _moved(taken, order):
        return
    if shop.terms.topup is Topup.CARD and not done.brought:
        _fill(shop, taken, reading, done)
    else:
        _wait(shop, taken, reading)


@contextmanager
def with_card(shop: Shop, desk: Desk, operation: Operation) -> Iterator[Desk]:
    """The desk on which an operation can be settled: a top-up that is sent again needs its card."""
    if operation.kind != TopUp.kind:
        with nullcontext(desk) as same:
            yield same
        return
    with shop.books.read() as unit:
        card = unit.cards.named(operation.arguments["card"])
    with ExitStack() as opened:
        able = desk
        with suppress(CardctlError):  # without its numbers it can still be looked for
            able = opened.enter_context(paying(shop, card))
        yield able


def _take(shop: Shop, order: Order, reading: Reading, *, filled: bool) -> Order:
    """Speak for the order's money in one unit with the decision; unchanged where there is not enough. `filled`: the wallet was
    topped up for this very order, whose whole cost was spoken for before that."""
    assert order.cost is not None
    cost = order.cost

    def decide(unit: Unit, fresh: Order) -> Order:
        own = fresh.reserved.minor if fresh.reserved is not None else 0
        if not filled and reading.free(unit, shop.supply.programme, cost.currency).minor + own < cost.minor:
            return fresh
        now = shop.now()
        note_step(unit, fresh.id, StepName.FUND, StepState.DONE, now)
        note_step(unit, fresh.id, StepName.BUY, StepState.RUNNING, now)
        ref = _name(unit, shop.supply.programme, fresh)
        bought = replace(fresh, state=OrderState.BUYING, reserved=cost, purchase_ref=ref, due_at=now)
        return replace(bought, tries=0, reason_code=None, reason=None)

    return shop.change(order, decide, "order.buying")


def _name(unit: Unit, supplier: str, order: Order) -> str:
    """Of the purchase; orders of several programmes that are bought in one may have the same name."""
    ref = purchase_ref_of(order)
    other = unit.orders.by_purchases(supplier, [ref]).get(ref)
    return ref if other is None or other.id == order.id else purchase_ref_of(order, taken=True)


def _is_denied(order: Order) -> bool:
    """Whether the supplier was the last to say that the wallet is short, and not the wallet."""
    return order.state is OrderState.PAID and order.reason_code == Why.WALLET_SHORT


def _moved(now: Order, before: Order) -> bool:
    """Whether somebody else has taken the order further meanwhile."""
    return (now.state, now.attempt) != (before.state, before.attempt)


def _short(shop: Shop, unit: Unit, order: Order, reading: Reading) -> Money:
    """What is missing, at least one unit: what others have spoken for is not there for this order."""
    assert order.cost is not None
    own = order.reserved.minor if order.reserved is not None else 0
    free = reading.free(unit, shop.supply.programme, order.cost.currency).minor + own
    return Money(order.cost.minor - max(free, 0), order.cost.currency) if free < order.cost.minor else order.cost


def _wait(shop: Shop, order: Order, reading: Reading) -> None:
    """A person puts the money into the wallet; for how much, the order says. One that waits too long is given up."""

    def waiting(unit: Unit, fresh: Order) -> Order:
        now, short = shop.now(), _short(shop, unit, fresh, reading)
        asked = _ASKED[shop.terms.topup].format(short)
        if _too_late(shop, fresh):
            return _give_up(shop, unit, fresh, Why.WALLET_SHORT, f"no money came in time: {asked}")
        note_step(unit, fresh.id, StepName.FUND, StepState.WAITING, now, error=asked)
        put_off = replace(fresh, state=OrderState.FUNDING, due_at=now + timedelta(seconds=_LOOK_SECONDS), tries=fresh.tries + 1)
        return replace(put_off, reason_code=Why.WALLET_SHORT, reason=asked, short_since=fresh.short_since or now)

    shop.change(order, waiting, "order.waits")


def _fill(shop: Shop, order: Order, reading: Reading, done: Topups) -> None:
    """Top the wallet up with a card, by what the order lacks. What is there is spoken for by this order until then, in one unit
    with the sum, so that two orders do not count on the same money."""
    if done.failed >= _DECLINES:
        said = done.last or "the card was declined"
        shop.change(order, lambda unit, fresh: _give_up(shop, unit, fresh, Why.TOPUP_FAILED, said), "order.given_up")
        return
    name = next_name(shop, order, done)
    amount = begun_with(shop, name)

    def begin(unit: Unit, fresh: Order) -> Order:
        nonlocal amount
        amount = amount or _short(shop, unit, fresh, reading)
        now = shop.now()
        note_step(unit, fresh.id, StepName.FUND, StepState.RUNNING, now)
        begun = replace(fresh, state=OrderState.FUNDING, reserved=fresh.cost, reason_code=None, reason=None)
        return replace(begun, short_since=fresh.short_since or now)

    begun = shop.change(order, begin, "order.funding")
    if begun.state is not OrderState.FUNDING or amount is None:
        return
    with shop.card_turn if shop.terms.reuse_card else nullcontext():
        card = card_for(shop, begun, amount, name)
        try:
            with paying(shop, card) as able:
                top_up(able, begun, card, amount, name=name)
        except Unsupported:
            raise
        except ProviderRefused as error:
            retire(shop, card, name, paid=False)
            shop.put_off(begun, StepName.FUND, Why.TOPUP_FAILED, error.message)


def _look(shop: Shop, order: Order, topup: WalletTopUp) -> None:
    """See what has become of a top-up that is under way."""
    with shop.books.read() as unit:
        operation = unit.operations.named(topup.id)
    remote = shop.supply.provider.look_up(drafted(operation), operation.id).remote
    now = take_topup(shop.supply, topup, remote) if isinstance(remote, RemoteWalletTopUp) else topup
    if now.state not in ON_THE_WAY:
        return
    if _too_late(shop, order):
        said = f"the top-up {topup.id} did not arrive in time"
        shop.change(order, lambda unit, fresh: _give_up(shop, unit, fresh, Why.TOPUP_FAILED, said), "order.given_up")
        return
    shop.put_off(order, StepName.FUND, Why.TOPUP_PENDING, f"the top-up {topup.id} of {topup.amount} is under way")


def _too_late(shop: Shop, order: Order) -> bool:
    return order.short_since is not None and shop.now() - order.short_since >= shop.terms.funds_within


def _give_up(shop: Shop, unit: Unit, order: Order, why: Why, reason: str) -> Order:
    note_step(unit, order.id, StepName.FUND, StepState.FAILED, shop.now(), error=reason)
    return given_up(order, why, reason, shop.now())
