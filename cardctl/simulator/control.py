"""What the `simulator` commands do to the far side: swipe, fault, edit, advance, status, reset; knows no wire."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator import (
    arming,
    asking,
    categories,
    counter,
    delivering,
    disputes,
    editing,
    purses,
    refunds,
    schema,
    serving,
    webhook_secrets,
)
from cardctl.simulator.books import FACES, FarSide
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.marqeta import counter as marqeta
from cardctl.simulator.outbox import Registered
from cardctl.simulator.rows import Record
from cardctl.simulator.server import Manner
from cardctl.simulator.square import counter as square
from cardctl.simulator.strowallet import counter as strowallet
from cardctl.simulator.till import Till
from cardctl.simulator.transport import BASE_URLS
from cardctl.simulator.zendit import console

KYC = ("pending", "verified", "rejected")
"""What a bank can think of a holder."""


@dataclass(frozen=True, slots=True)
class Swipe:
    """What became of a purchase; `reason` is the bank's word (`card_active` when approved), `message` its sentence if any."""

    approved: bool
    reason: str
    message: str | None
    authorization_ref: str
    transaction_ref: str | None
    amount: Money


class Control(Till, console.Console):
    """The far side in the file `path`, seen from behind the counter. Errors are CardctlErrors."""

    def __init__(self, path: Path) -> None:
        self._far_side = FarSide(path)

    def swipe(
        self,
        card_ref: str,
        amount: Money,
        *,
        merchant: str = "Rocket Rides",
        category: str | None = None,
        mcc: str | None = None,
        country: str = "US",
        city: str = "San Francisco",
        hold: bool = False,
        decide: asking.Decide | None = None,
    ) -> Swipe:
        """A purchase: authorised and, unless `hold`, captured at once. `category` is Stripe's name, `mcc` four digits.

        `decide` is asked before a Stripe card's purchase is approved; it gets the signed request, and gives the JSON of its
        answer, or None where that comes too late. NotFound, also for a card whose holder is gone; BadInput for nothing, another
        currency or no merchant.
        """
        if amount.minor <= 0:
            raise BadInput(f"a purchase of {amount} is none", hint="swipe more than nothing")
        named = {"name": merchant, "country": country, "city": city, **_category(category, mcc)}
        if (currency := self.card_currency(card_ref)) != amount.currency:
            raise BadInput(f"this card spends {currency}, not {amount.currency}")
        asked = decide and asking.verdict(self._far_side, card_ref, amount.minor, named, decide)
        with self._far_side.transaction() as desk:
            if asked is not None:
                done = counter.swipe(desk, card_ref, amount.minor, named, hold, asked)
            else:
                done = _bank(desk, card_ref)[0].swipe(desk, card_ref, amount.minor, named, hold)
        if done is None:
            raise NotFound("card", card_ref)
        return Swipe(**done, amount=amount)

    def captured(self, transaction_ref: str) -> Money:
        """What a purchase took. NotFound; BadInput for a transaction that took nothing."""
        with self._far_side.reading() as desk:
            return refunds.captured(desk, transaction_ref, _BANKS)

    def refund(self, transaction_ref: str, amount: Money | None = None, *, times: int = 1) -> refunds.Refunded:
        """A merchant gives back a purchase: all that is left of it, or `amount`. More than it took only where it does so
        several `times`, by mistake: then nobody counts, and all of it is given back each time. NotFound, BadInput."""
        with self._far_side.transaction() as desk:
            return refunds.refund(desk, transaction_ref, amount, times, _BANKS)

    def card_currency(self, card_ref: str) -> str:
        """What a card spends, as an ISO code; NotFound."""
        with self._far_side.reading() as desk:
            return _bank(desk, card_ref)[1].upper()

    def set_kyc(self, ref: str, word: str) -> None:
        """What the bank found out about a holder: `pending`, `verified` or `rejected`. BadInput, NotFound."""
        if word not in KYC:
            raise BadInput(f"{word!r} is no verdict on a holder", hint=f"there are {', '.join(KYC)}")
        with self._far_side.transaction() as desk:
            if not any(bank.set_kyc(desk, ref, word) for bank in _BANKS.values()):
                raise NotFound("cardholder", ref)

    def dispute(self, ref: str, amount: Money | None = None, reason: str | None = None) -> str:
        """A buyer's bank wants a payment back, all of it or `amount`; the dispute's name. NotFound, BadInput."""
        with self._far_side.transaction() as desk:
            made = square.contest(desk, ref, amount, reason) or counter.contest(desk, ref, amount, reason)
        if made is None:
            raise NotFound("payment", ref)
        return made

    def decide_dispute(self, ref: str, verdict: str) -> None:
        """What the networks found about a dispute that was handed in: `won` or `lost`. BadInput, NotFound."""
        if verdict not in disputes.VERDICTS:
            raise BadInput(f"a dispute is {' or '.join(disputes.VERDICTS)}, not {verdict!r}")
        with self._far_side.transaction() as desk:
            try:
                decided = any(each.decide(desk, ref, verdict) for each in (disputes, square, counter))
            except BankRefuses as refused:
                raise BadInput(refused.message) from refused
        if not decided:
            raise NotFound("dispute", ref)

    def deliveries(
        self,
        *,
        face: str | None = None,
        since_seq: int | None = None,
        event_ids: Sequence[str] | None = None,
        undelivered: bool = True,
        limit: int | None = None,
        to: Registered | None = None,
        seed: int = 0,
        rate: float = 0.0,
        kinds: Sequence[str] = (),
        live: bool = False,
    ) -> Iterator[delivering.Posted]:
        """What the banks have to tell as signed requests, in the order of sending (see `delivering` for each word). With `to`
        what was registered there hears of, with its own secrets. BadInput for faults that make no sense."""
        wanted = delivering.Wanted(face, since_seq, event_ids, undelivered, limit, to.types if to else ("*",))
        manner = delivering.Manner(seed, rate, kinds, live, to.secrets if to else {})
        return delivering.deliveries(self._far_side, wanted, manner)

    def mark_delivered(self, event_ids: Sequence[str]) -> None:
        """They need not be sent again."""
        delivering.mark_delivered(self._far_side, event_ids)

    def last_told(self) -> int:
        """The `seq` of the newest event, for `deliveries(since_seq=…)`."""
        return delivering.last_told(self._far_side)

    def registered_urls(self) -> dict[str, list[Registered]]:
        """By face, where its clients asked to be told."""
        return delivering.registered(self._far_side)

    def webhook_secrets(self) -> dict[str, list[str]]:
        """By name (`stripe.webhook_secret`, …): the one in use, and the one before it where there was one."""
        return webhook_secrets.known(self._far_side)

    def rotate_webhook_secrets(self) -> dict[str, list[str]]:
        """New ones in use, beside those that were."""
        return webhook_secrets.rotate(self._far_side)

    def fault(self, kind: str, times: int = 1, delay: float | None = None) -> None:
        """The next `times` requests that it strikes, of any process, meet this fault: writes, or reads and lists alone."""
        arming.arm(self._far_side, kind, times, delay)

    def fault_random(self, seed: int, rate: float) -> None:
        """Every request meets some fault with this probability, the same sequence for the same seed."""
        arming.arm_random(self._far_side, seed, rate)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        arming.clear(self._far_side)

    def edit(self, ref: str, fields: Mapping[str, Any], *, tell: bool = False) -> tuple[Record, Record]:
        """Changes fields, silently unless the bank is to `tell` of it; the edited ones before and after."""
        with self._far_side.transaction(silent=not tell) as desk:
            return editing.edit(desk, ref, fields)

    def advance(self, by: timedelta) -> datetime:
        """Moves the far side's clock on; returns its new time."""
        if by < timedelta(0):
            raise BadInput("the simulator's clock only goes forward")
        try:
            datetime.fromtimestamp(self._far_side.now(), UTC) + by
        except OverflowError:
            raise BadInput(f"the simulator's clock cannot be moved by {by.days} days", hint="its last year is 9999") from None
        moved = datetime.fromtimestamp(self._far_side.advance(int(by.total_seconds())), UTC)
        with self._far_side.transaction() as desk:
            for bank in (square, counter, console):  # so that what has lapsed is told, whoever asks first
                bank.settle(desk)
        return moved

    def status(self) -> dict[str, Any]:
        """Path, clock, float (Money by face), counts of objects together and by provider, faults that wait, base URLs in this
        process, and who serves now."""
        waiting, random = arming.armed(self._far_side)
        with self._far_side.reading() as desk:
            counted = {name: _counted(desk, tables) for name, tables in schema.OF_PROVIDER.items()}
            money = {face: _float(Desk(desk.db, face, desk.now)) for face in FACES}
        return {
            "path": str(self._far_side.path),
            "clock": datetime.fromtimestamp(desk.now, UTC),
            "float": money,
            "objects": _together(counted),
            "providers": counted,
            "faults": [asdict(fault) for fault in waiting],
            "random_faults": random and {"seed": random[0], "rate": random[1]},
            "base_urls": dict(BASE_URLS),
            "served": serving.served(self._far_side.path),
        }

    @contextmanager
    def serving(
        self, host: str, port: int, *, rate_limit: int | None, latency: float, version: str
    ) -> Iterator[serving.Served]:
        """The far side on a port of this machine, for as long as the block lasts; `latency` in seconds. BadInput."""
        self._far_side.now()  # a file that cannot be used is said here, not to a client
        with serving.running(self._far_side.path, host, port, Manner(rate_limit, latency, version)) as served:
            yield served

    def reset(self) -> None:
        """A new bank: no objects, no faults, the machine's clock, the opening float."""
        self._far_side.reset()

    def close(self) -> None:
        self._far_side.close()


class _Bank(Protocol):
    """One bank from behind the counter. A Desk may come without the face's name; None and False: nobody here is called so."""

    def swipe(self, desk: Desk, card_ref: str, amount: int, merchant: Record, hold: bool) -> Record | None: ...
    def card_currency(self, desk: Desk, card_ref: str) -> str | None: ...
    def set_kyc(self, desk: Desk, ref: str, word: str) -> bool: ...
    def purchase(self, desk: Desk, ref: str) -> Record | None: ...
    def refund(self, desk: Desk, ref: str, amount: int) -> str: ...


_BANKS: dict[str, _Bank] = {"stripe": counter, "marqeta": marqeta, "strowallet": strowallet, "square": square}


def _bank(desk: Desk, card_ref: str) -> tuple[_Bank, str]:
    """Whose card it is, and what it spends."""
    for bank in _BANKS.values():
        currency = bank.card_currency(desk, card_ref)
        if currency is not None:
            return bank, currency
    raise NotFound("card", card_ref)


def _category(category: str | None, mcc: str | None) -> Record:
    if mcc is not None:
        if mcc not in categories.NAMES:
            raise BadInput(f"no merchant category has the code {mcc!r}", hint="four digits, such as 5812")
        if category not in (None, categories.NAMES[mcc]):
            raise BadInput(f"{mcc} is {categories.NAMES[mcc]}, not {category}")
        return {"category": categories.NAMES[mcc]}
    if category is not None and category not in categories.CODES:
        near = difflib.get_close_matches(category, categories.CODES, n=1, cutoff=0.4)
        raise BadInput(f"no merchant category is called {category!r}", hint=f"did you mean {near[0]!r}?" if near else None)
    return {} if category is None else {"category": category}


def _counted(desk: Desk, tables: Sequence[str]) -> dict[str, int]:
    """Noun to how many there are, in the bank's own words."""
    count = "SELECT count(*) FROM {} WHERE deleted = 0"
    rows = {table: desk.db.execute(count.format(table)).fetchone()[0] for table in tables}
    return {"cardholders" if table == "holders" else table.partition("_")[2] or table: many for table, many in rows.items()}


def _together(counted: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    together: dict[str, int] = {}
    for each in counted.values():
        for noun, many in each.items():
            together[noun] = together.get(noun, 0) + many
    return together


def _float(desk: Desk) -> list[Money]:
    return [Money(amount, currency.upper()) for currency, amount in purses.available(desk).items()]
