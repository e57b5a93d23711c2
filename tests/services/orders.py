"""A shop over the simulator: customers pay at Stripe, eSIMs come from Zendit, mails go into a list; both purses asked."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx

from cardctl import runtime
from cardctl.db.leases import FileLease
from cardctl.domain.accounts import Address, NewAccount
from cardctl.domain.esims import PurchaseState
from cardctl.domain.fulfilment import Terms, Topup
from cardctl.domain.letters import Letter, LetterKind
from cardctl.domain.money import Money
from cardctl.domain.operations import Operation
from cardctl.domain.orders import Order, OrderState, SaleRefund, Step, StepName, WalletTopUp
from cardctl.domain.redaction import Secret
from cardctl.domain.sales import NewCheckout, OrderData
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.providers.guarding import Breaker
from cardctl.services.deeds.checking_out import check_out
from cardctl.services.flows.fulfilling.advancing import advance
from cardctl.services.flows.fulfilling.beginning import WhichOrder, begin
from cardctl.services.flows.fulfilling.running import Ran, run
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.simulator.delivering import Posted
from tests.services import mail
from tests.services.world import World, refuse, usd
from tests.simulator.shop import purse

OFFER, COST, PRICE = "ESIM-TR-7D-1GB", 150, 490
"""An ordinary offer, what it costs at Zendit, and what its customers pay here, in cents."""
BUYER = "ada@example.com"
PURCHASES = "/v1/esim/purchases"
REFUNDS = "/v1/refunds"
TOPUPS = "/v1/topups"
_HOLDER = NewAccount(
    name="eSIM wallet",
    external_id="esim-wallet",
    email="wallet@example.com",
    address=Address(line1="1 Main St", city="Oakland", postal_code="94612", country="US", state="CA"),
)


class Ground:
    """`world` is Stripe's, `supply` the same world at Zendit. `mails` is every letter that was sent; `post` may be replaced by
    a server that refuses. The clock is ours: it ticks when it is looked at, and is moved by `later` and by every sleep of the
    chain's."""

    def __init__(self, world: World, terms: Terms | None = None) -> None:
        self.world = world
        self._begun, self._ticks, self.offset = runtime.now(), count(), timedelta(0)
        self.mails: list[Letter] = []
        self.post: Callable[[Letter], None] = self.mails.append
        self.terms = terms or Terms()
        world.desk = replace(world.desk, clock=self.now, sleep=self._sleep)
        self.supply = copy.copy(world)
        self._handed = Handed(
            environment="simulator",
            programme="zendit/default",
            settings={},
            secret=lambda _name: Secret("sand_simulator"),
            transport=world.wire,
            timeout=60.0,
            sleep=world.slept.append,
            random=lambda: 0.0,
        )
        self.supply.desk = replace(world.desk, provider=registry.build("zendit", self._handed))
        self.opening = self.wallet
        self.shop = self.a_shop()
        self._told = 0

    def close(self) -> None:
        self.supply.desk.provider.close()

    def now(self) -> datetime:
        return self._begun + self.offset + timedelta(milliseconds=next(self._ticks))

    def later(self, **span: float) -> None:
        """Time passes here and at the far side."""
        self.offset += timedelta(**span)
        self.control.advance(timedelta(**span))

    def a_shop(self, lease: FileLease | None = None, **terms: Any) -> Shop:
        """A shop of its own, as another process opens it; in that process, where `lease` is another's."""
        sides = [replace(side.desk, lease=lease or side.lease) for side in (self.world, self.supply)]
        return Shop(
            sales=sides[0],
            supply=sides[1],
            terms=replace(self.terms, **terms),
            holder=_HOLDER,
            mail=self._post,
            mail_domain="shop.example",
        )

    def trade(self, topup: Topup, **terms: Any) -> None:
        """From now on the wallet is filled like that."""
        self.terms = replace(self.terms, topup=topup, **terms)
        self.shop = self.a_shop()

    def restart(self) -> None:
        """A new process: nothing is remembered but the books."""
        self.shop = self.a_shop()

    # --- customers

    @property
    def control(self) -> Any:
        return self.world.control

    def sell(self, name: str | None = "A-1", *, offer: str = OFFER, price: int = PRICE, recipient: str | None = BUYER) -> str:
        """A customer has paid for the order `name`: the payment."""
        told = {"offerId": offer, "fullName": "Ada L."}
        told |= {"transactionId": name} if name else {}
        told |= {"recipientEmail": recipient} if recipient else {}
        return str(self.control.sell(Money(price, "USD"), told, None))

    def checkout(self, name: str = "A-1", *, offer: str = OFFER, price: int = PRICE) -> str:
        """`esim checkout`: a page on which nobody has paid yet."""
        wanted = NewCheckout(
            OrderData(offer, BUYER, "Ada L.", name), Money(price, "USD"), "eSIM", "https://shop.example/thanks"
        )
        made = check_out(self.shop.sales, wanted).object
        assert isinstance(made, Order)
        return str(made.checkout_ref)

    def bring_checkout(self, checkout: str) -> Order:
        """`esim fulfil --session`."""
        return self.advanced(begin(self.shop, WhichOrder(checkout=checkout)).id)

    def bring(self, payment: str, data: OrderData | None = None, *, patience: float = 0.0) -> Order:
        """`esim fulfil --payment`."""
        return self.advanced(begin(self.shop, WhichOrder(payment=payment, data=data)).id, patience=patience)

    def begin(self, payment: str) -> Order:
        """Its order, and nothing is done for it yet."""
        return begin(self.shop, WhichOrder(payment=payment))

    def advanced(self, order_id: str, *, patience: float = 0.0) -> Order:
        """The order, taken as far as it goes, as the books have it then."""
        advance(self.shop, order_id, patience=patience, wait=True)
        return self.shop.order(order_id)

    def go_on(self, order: Order | None = None) -> Order:
        """`esim retry ORDER`, or all that are due; the only order."""
        ran = run(self.shop, [order]) if order is not None else self.run()
        assert not ran.errors, ran.errors
        return self.order()

    def run(self, workers: int = 1) -> Ran:
        """`esim retry`."""
        return run(self.shop, workers=workers)

    def until(self, state: OrderState, *, tries: int = 20) -> Order:
        """Time passes, and the scheduler runs, until the only order is so."""
        for _ in range(tries):
            order = self.go_on()
            if order.state is state:
                return order
            self.later(minutes=16)
        raise AssertionError(f"{order.state}: {order.reason}")

    # --- what goes wrong on the way

    def down(self, host: str, method: str = "") -> None:
        """Nobody answers there any more, or no requests of that method."""

        def gone(request: httpx.Request) -> None:
            if request.url.host == host and request.method.startswith(method):
                refuse(request)

        self.world.wire.before = gone

    def up(self) -> None:
        self.world.wire.before = lambda _request: None

    def every(self, path: str, act: Callable[[], object]) -> None:
        """`act` happens before each write to that path."""

        def passed(request: httpx.Request) -> None:
            if request.method != "GET" and request.url.path == path:
                act()

        self.world.wire.before = passed

    def guard(self, breaker: Breaker) -> None:
        """From now on Zendit is asked as far as the breaker lets it be."""
        self.supply.desk.provider.close()
        built = registry.build("zendit", replace(self._handed, breaker=breaker))
        self.supply.desk = replace(self.supply.desk, provider=built)
        self.shop = self.a_shop()

    def turned_away(self, path: str, status: int) -> None:
        """Every request to that path is answered so, in nobody's words."""
        inner = self.world.wire.handle_request

        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith(path):
                self.world.wire.asked.append(f"{request.method} {request.url.path}")
                return httpx.Response(status, json={"message": "no"}, request=request)
            return inner(request)

        self.world.wire.handle_request = handle  # type: ignore[method-assign]

    def let_in(self) -> None:
        del self.world.wire.handle_request

    # --- what there is

    @property
    def paid(self) -> int:
        """Stripe's purse, in cents."""
        return purse(self.world.merchant)

    @property
    def wallet(self) -> int:
        """Zendit's, in cents; what is held is not in it."""
        return int(self.control.wallet_balance().minor)

    @property
    def spent(self) -> int:
        """What left the wallet since the ground was laid."""
        return self.opening - self.wallet

    def fill(self, cents: int) -> None:
        """The wallet holds so much from now on; what is spent counts from there."""
        self.control.set_wallet(Money(cents, "USD"))
        self.opening = cents

    def orders(self) -> list[Order]:
        """Oldest first."""
        with self.world.books.read() as unit:
            return sorted(unit.orders.rows(), key=lambda order: (order.created_at, order.id))

    def order(self, name: str | None = None) -> Order:
        """The only one, or the seller's `name`."""
        (found,) = [order for order in self.orders() if name in (None, order.transaction_id)]
        return found

    def steps(self, order: Order) -> dict[StepName, Step]:
        with self.world.books.read() as unit:
            return {step.name: step for step in unit.orders.steps(order.id)}

    def refunds(self, order: Order) -> list[SaleRefund]:
        with self.world.books.read() as unit:
            return unit.order_money.refunds_of(order.id)

    def topups(self, order: Order) -> list[WalletTopUp]:
        with self.world.books.read() as unit:
            return unit.order_money.topups_of(order.id)

    def operations(self, kind: str) -> list[Operation]:
        return [operation for operation in self.world.operations() if operation.kind == kind]

    def letters(self, kind: LetterKind | None = None) -> list[tuple[str, str]]:
        """What was mailed: to whom, and about which order."""
        return [(letter.to, letter.order_id) for letter in self.mails if kind in (None, letter.kind)]

    def purchases(self) -> list[tuple[str, str]]:
        """What Zendit sold, oldest first: our name of it, and how it stands."""
        reply = self._zendit(f"{PURCHASES}?_limit=1000&_offset=0")
        return [(one["transactionId"], one["status"]) for one in reply["list"]][::-1]

    def purchase(self, ref: str) -> dict[str, Any]:
        return self._zendit(f"{PURCHASES}/{ref}")

    def charge(self, payment: str) -> str:
        """What the payment took."""
        return str(self.world.merchant.seen(f"/v1/payment_intents/{payment}")["latest_charge"])

    def asked(self, verb: str) -> int:
        """How many requests were sent to a path that begins so: `POST /v1/refunds`."""
        return sum(each.startswith(verb) for each in self.world.wire.asked)

    def _zendit(self, path: str) -> dict[str, Any]:
        with self.stranger() as client:
            reply = client.get(path)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())

    @contextmanager
    def stranger(self) -> Iterator[httpx.Client]:
        """Somebody else with a key of the same account at Zendit."""
        headers = {"Authorization": "Bearer sand_stranger", "Accept": "application/json"}
        transport = self.world.wire._inner
        yield httpx.Client(transport=transport, base_url="https://test-api.zendit.io", headers=headers)

    # --- notifications

    def news(self, side: World | None = None, **wanted: Any) -> list[Posted]:
        """What one side has to tell."""
        return mail.posts(side or self.world, **wanted)

    def tell(self, *kinds: str, side: World | None = None) -> None:
        """Everything that one side has to tell, or its events of these types, applied here."""
        told = [one for one in self.news(side) if not kinds or _kind(one) in kinds]
        assert told or not kinds, kinds
        mail.deliver(side or self.world, told)

    # --- judgement

    def delivered(self, order: Order) -> None:
        """One purchase, one mail, the money where it belongs: of an ordinary order that is the only one."""
        assert (order.state, order.purchase) == (OrderState.DELIVERED, PurchaseState.DONE), order
        assert self.letters() == [(BUYER, order.id)]
        assert [state for _, state in self.purchases()] == ["DONE"]
        assert (self.paid, self.spent) == (PRICE, COST)
        assert order.reserved is None
        assert self.world.audit()

    def refunded(self, order: Order, *, mailed: bool = True) -> None:
        """Everything given back once and told once, nothing spent: of an order that is the only one."""
        assert order.state is OrderState.REFUNDED, order
        assert (self.paid, self.spent) == (0, 0)
        assert [refund.amount for refund in self.refunds(order)] == [order.price]
        assert self.letters(LetterKind.REFUND) == ([(order.recipient, order.id)] if mailed else [])
        assert self.letters(LetterKind.DELIVERY) == []
        assert (order.refunded, order.reserved) == (order.price, None)
        assert self.world.audit()

    def waits(self, order: Order, state: OrderState, why: str) -> None:
        """Nothing bought, nothing given back, nobody told."""
        assert (order.state, order.reason_code) == (state, why), order
        assert (self.spent, self.letters(), self.refunds(order)) == (0, [], [])

    def _post(self, letter: Letter) -> None:
        self.post(letter)

    def _sleep(self, seconds: float) -> None:
        self.world.slept.append(seconds)
        self.offset += timedelta(seconds=seconds)


def facts(order: Order) -> Order:
    """An order without the moment at which its payment was last looked at."""
    return replace(order, seen_at=None)


def _kind(posted: Posted) -> str:
    import json

    told = json.loads(posted.posting.body)
    return str(told.get("type") or told.get("status"))


__all__ = ["BUYER", "COST", "OFFER", "PRICE", "PURCHASES", "REFUNDS", "TOPUPS", "Ground", "facts", "usd"]
