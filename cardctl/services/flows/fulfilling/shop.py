"""What the chain works with: both desks, the terms, the mail; and one order at a time for one worker. No step is done here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cardctl.db.unit import Books, Unit
from cardctl.domain.accounts import NewAccount
from cardctl.domain.esims import Offer
from cardctl.domain.fulfilment import Terms, Why, is_stale, pause
from cardctl.domain.letters import Letter
from cardctl.domain.orders import GIVEN_UP, Order, StepName, StepState
from cardctl.domain.redaction import redact
from cardctl.errors import Refused, TargetBusy
from cardctl.providers.base import require
from cardctl.providers.selling import SellsEsims
from cardctl.services.desk import Desk
from cardctl.services.flows.fulfilling.wallet import Wallet
from cardctl.services.journal import LEASE
from cardctl.services.order_entries import note_step, put_order

_DECIDED_BY = "state", "purchase", "attempt", "recipient"
"""What a step is decided by: where it has changed meanwhile, what was done is not what is wanted now."""
_OFFER_SECONDS = 60
_WAIT = 30.0
_POLL = 0.2


@dataclass(slots=True)
class Shop:
    """`sales` is where customers pay, `supply` where it is bought. `holder` is who cards are issued to that top the wallet up;
    `mail` sends a letter (None: there is no server), which is of `mail_domain`. May be shared by threads."""

    sales: Desk
    supply: Desk
    terms: Terms
    holder: NewAccount
    mail: Callable[[Letter], None] | None = None
    mail_domain: str = "cardctl.invalid"
    wallet: Wallet = field(init=False)
    card_turn: threading.Lock = field(default_factory=threading.Lock, init=False)
    """Whose turn it is with a card that is used for one top-up after the other."""
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)
    _at_work: set[str] = field(default_factory=set, init=False)
    _offers: dict[str, tuple[datetime, Offer]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.wallet = Wallet(self.supply)

    @property
    def books(self) -> Books:
        return self.supply.books

    def now(self) -> datetime:
        return self.supply.clock()

    def is_stale(self, order: Order) -> bool:
        """Whether what is known of its payment is too old to move money for."""
        return is_stale(order, self.now())

    def order(self, order_id: str) -> Order:
        with self.books.read() as unit:
            return unit.orders.named(order_id)

    def offer(self, offer_id: str) -> Offer:
        """An offer, asked for at most once a minute. ProviderHasNot where there is none."""
        with self._guard:
            known = self._offers.get(offer_id)
        if known is not None and (self.now() - known[0]).total_seconds() < _OFFER_SECONDS:
            return known[1]
        offer = require(self.supply.provider, SellsEsims).offer(offer_id)
        with self._guard:
            self._offers[offer_id] = self.now(), offer
        return offer

    def sells_anything(self) -> bool:
        """Whether the supplier lists any offer that is sold; asked only where one is gone."""
        return any(one.enabled for page in require(self.supply.provider, SellsEsims).offers() for one in page)

    @contextmanager
    def working_on(self, order_id: str, *, wait: bool) -> Iterator[Order | None]:
        """The order, this worker's alone while the block lasts; None where somebody else works on it. `wait`: up to 30 s for
        them, then TargetBusy (11). Refused for an order that is bought in another programme."""
        claimed = self._claim(order_id)
        waited = 0.0
        while claimed is None and wait:
            if waited >= _WAIT:
                raise TargetBusy(f"another process has been at work on {order_id} for over {_WAIT:.0f} s")
            self.supply.sleep(_POLL)
            waited += _POLL
            claimed = self._claim(order_id)
        try:
            yield claimed
        finally:
            if claimed is not None:
                self._lay_down(order_id)

    def stay(self, order_id: str, seconds: float) -> None:
        """The order stays this worker's while it waits so long: other machines count by the clock."""
        with self.books.write() as unit:
            order = unit.orders.named(order_id)
            unit.orders.put(replace(order, leased_until=self.now() + timedelta(seconds=seconds) + LEASE))

    def change(self, order: Order, make: Callable[[Unit, Order], Order], action: str) -> Order:
        """The order changed in one unit, where it stands as it did when that was decided; else as it is now, unchanged:
        somebody (a notification) was faster, and what is to be done is decided anew."""
        with self.books.write() as unit:
            now = unit.orders.named(order.id)
            if any(getattr(now, word) != getattr(order, word) for word in _DECIDED_BY):
                return now
            return put_order(self.supply, unit, now, make(unit, now), action=action)

    def forget_short(self, order: Order) -> None:
        """It waits for no money any more, and nothing is left of what was to bring some."""
        with self.books.write() as unit:
            now = unit.orders.named(order.id)
            if now.state is order.state and now.short_since is not None:
                unit.orders.put(replace(now, short_since=None))

    def put_off(self, order: Order, name: StepName, why: Why, reason: str, *, seconds: float | None = None) -> Order:
        """The step is tried again later: after `seconds`, or ever longer pauses. The reason of an order whose money goes back
        stays why it does; what holds that up, its step says."""
        said, now = redact(reason), self.now()

        def waiting(unit: Unit, fresh: Order) -> Order:
            note_step(unit, fresh.id, name, StepState.WAITING, now, error=said)
            wait = pause(fresh.tries + 1) if seconds is None else timedelta(seconds=seconds)
            put_off = replace(fresh, tries=fresh.tries + 1, due_at=now + wait)
            return put_off if fresh.state in GIVEN_UP else replace(put_off, reason_code=why, reason=said)

        return self.change(order, waiting, "order.waits")

    def _claim(self, order_id: str) -> Order | None:
        with self._guard:
            if order_id in self._at_work:
                return None
            self._at_work.add(order_id)
        order: Order | None = None
        try:
            with self.books.write() as unit:
                order = self._leased(unit, order_id)
        finally:
            if order is None:
                self._leave(order_id)
        return order

    def _leased(self, unit: Unit, order_id: str) -> Order | None:
        order, lease = unit.orders.named(order_id), self.supply.lease
        if order.supplier not in (None, self.supply.programme) or order.programme != self.sales.programme:
            raise Refused(
                f"{order.id} belongs to {order.programme} and {order.supplier or 'no supplier'}, not to this profile",
                hint="choose the profile of that programme",
            )
        if order.lease and order.lease != lease.name:
            alive = lease.alive(order.lease)
            if alive if alive is not None else order.leased_until is not None and self.now() < order.leased_until:
                return None
        claimed = replace(order, supplier=self.supply.programme, lease=lease.name, leased_until=self.now() + LEASE)
        unit.orders.put(claimed)
        return claimed

    def _lay_down(self, order_id: str) -> None:
        """What has ended was laid down with its end."""
        try:
            if self.order(order_id).lease != self.supply.lease.name:
                return
            with self.books.write() as unit:
                order = unit.orders.named(order_id)
                if order.lease == self.supply.lease.name:
                    unit.orders.put(replace(order, lease="", leased_until=None))
        finally:
            self._leave(order_id)

    def _leave(self, order_id: str) -> None:
        with self._guard:
            self._at_work.discard(order_id)
