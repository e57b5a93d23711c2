"""The parts of the receiver put together, started in order and stopped in order, so that nothing acknowledged is lost."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from cardctl.db.events import EventFilter
from cardctl.db.quarantine import Quarantine
from cardctl.db.unit import Books
from cardctl.domain.events import Event, EventState, Incoming
from cardctl.errors import CardctlError
from cardctl.receiver.answering import Front, Parts, path_of
from cardctl.receiver.applying import Applier, Rounds, in_turn
from cardctl.receiver.counting import Counts, Outcome
from cardctl.receiver.deciding import Decider, Rules
from cardctl.receiver.limits import Limits
from cardctl.receiver.logbook import Logbook, Write
from cardctl.receiver.refusing import Refusals
from cardctl.receiver.serving import Port, Served, bound
from cardctl.receiver.writing import Waiting, Writer
from cardctl.services.deeds import inbox
from cardctl.services.desk import Desk
from cardctl.stopping import asked_to_stop, wait_for

ORDERS = 15.0
"""Seconds after which orders are looked at, though no event came: purchases end, wallets are filled."""
_UNAPPLIED = EventFilter(states=(EventState.RECEIVED, EventState.FAILED))


@dataclass(frozen=True, slots=True)
class Setup:
    """What the receiver is handed. `desk` is what an event is applied with (None: nothing is applied here); `rules` decide
    authorizations, and `recognises` tells a supplier whether a purchase is ours (None: that is off, and 404). `orders` takes
    orders that are due further, until it is late; called after events were applied, and every ORDERS seconds."""

    receptions: Mapping[str, inbox.Reception]
    books: Books
    quarantine: Quarantine
    log: Write
    clock: Callable[[], datetime]
    desk: Callable[[Event], Desk] | None = None
    rules: Rules | None = None
    recognises: Callable[[Incoming], bool] | None = None
    orders: Callable[[Callable[[], bool]], object] | None = None
    limits: Limits = field(default_factory=Limits)


class Receiver:
    """All of it but the port."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.logbook = Logbook(setup.log)
        setup.quarantine.warn = self.logbook.warn
        self.writer = Writer(
            partial(inbox.keep, setup.books),
            told=self._told,
            tick=self._tick,
            warn=self.logbook.warn,
            limits=setup.limits,
        )
        self.counts = Counts(waiting=lambda: self.writer.waiting)
        self.refusals = Refusals(setup.quarantine)
        self.applier = self._applier(setup.desk) if setup.desk else None
        self._stopping = threading.Event()
        self.orders = Applier(self._orders_round, self.logbook.warn, interval=ORDERS) if setup.orders else None
        self.decider = Decider(setup.rules, self.logbook.warn) if setup.rules else None

    def front(self) -> Front:
        setup = self._setup
        return Front(
            Parts(
                receptions=setup.receptions,
                writer=self.writer,
                refusals=self.refusals,
                counts=self.counts,
                logbook=self.logbook,
                decider=self.decider,
                recognises=setup.recognises,
                clock=setup.clock,
                oldest=self._oldest,
                limits=setup.limits,
            )
        )

    def stop(self) -> None:
        """Once no request can come any more: what waits becomes durable, then what was refused and said is written down."""
        grace = self._setup.limits.grace
        self._stopping.set()
        self.writer.stop(grace)
        for part in (self.applier, self.orders, self.decider):
            if part is not None:
                part.stop(grace)
        self._tick()

    def _applier(self, desk: Callable[[Event], Desk]) -> Applier:
        rounds = [Rounds(self._setup.books, reception, desk) for reception in self._setup.receptions.values()]
        return Applier(self._then_orders(in_turn(rounds, self.logbook.warn)), self.logbook.warn)

    def _then_orders(self, rounds: Callable[[bool], Iterator[None]]) -> Callable[[bool], Iterator[None]]:
        """What was applied may have made an order, or moved one."""

        def applied(whole: bool) -> Iterator[None]:
            yield from rounds(whole)
            if self.orders is not None:
                self.orders.wake()

        return applied

    def _orders_round(self, _whole: bool) -> Iterator[None]:
        assert self._setup.orders is not None
        self._setup.orders(self._stopping.is_set)
        yield

    def _told(self, batch: Sequence[Waiting]) -> None:
        """After a commit, in the writing thread."""
        lines: Counter[tuple[str, str, Outcome]] = Counter()
        new = False
        for one in batch:
            for event, receipt in zip(one.arrival.events if one.arrival else (), one.kept or (), strict=False):
                lines[event.provider, event.type, Outcome.NEW if receipt.new else Outcome.DUPLICATE] += 1
                new = new or receipt.new or receipt.proven
        for (provider, kind, outcome), many in lines.items():
            self.counts.add(outcome, provider, many)
            self.logbook.note(kind, many, provider=provider, outcome=str(outcome))
        asked = sum(1 for one in batch if one.arrival is not None)
        if asked:
            self.counts.committed(asked) if any(one.kept is not None for one in batch) else self.counts.failed()
        if new and self.applier is not None:
            self.applier.wake()

    def _tick(self) -> None:
        for (provider, reason), many in self.refusals.flush().items():
            self.logbook.note("refused", many, provider=provider, reason=reason)
        self.logbook.flush()

    def _oldest(self) -> float | None:
        """The age of the oldest event that is not applied; None where there is none, or the books cannot be read."""
        try:
            with self._setup.books.read() as unit:
                found = unit.events.page(_UNAPPLIED, None, 1)
        except CardctlError:
            return None
        return (self._setup.clock() - found[0].received_at).total_seconds() if found else None


@contextmanager
def running(setup: Setup, host: str, port: int) -> Iterator[Served]:
    """Receives for as long as the block lasts; BadInput where the port cannot be used. Only in a main thread, whose Ctrl-C and
    SIGTERM are taken meanwhile: `wait` of what is yielded returns on them."""
    setup.books.prepare()
    receiver = Receiver(setup)
    opened = Port(bound(host, port), receiver.front(), setup.limits)
    with asked_to_stop() as asked:
        opened.start(receiver.writer.start)
        for part in (receiver.applier, receiver.orders):
            if part is not None:
                part.start()
        try:
            paths = {name: f"{opened.base_url}{path_of(name)}" for name in setup.receptions}
            yield Served(opened.base_url, paths, partial(wait_for, asked))
        finally:
            opened.stop()
            receiver.stop()
