"""What the `simulator` commands do to the far side: swipe, fault, edit, advance, status, reset; nothing of the wire."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator import categories, editing, faults, purses, spending
from cardctl.simulator.books import FACES, Desk, FarSide
from cardctl.simulator.rows import Record, select
from cardctl.simulator.schema import LISTED
from cardctl.simulator.transport import BASE_URLS


@dataclass(frozen=True, slots=True)
class Swipe:
    """What became of a purchase; `reason` is the bank's word (`card_active` when approved), `message` its sentence if any."""

    approved: bool
    reason: str
    message: str | None
    authorization_ref: str
    transaction_ref: str | None
    amount: Money


class Control:
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
    ) -> Swipe:
        """A purchase: authorised and, unless `hold`, captured at once. `category` is Stripe's name, `mcc` four digits."""
        if amount.minor <= 0:
            raise BadInput(f"a purchase of {amount} is none", hint="swipe more than nothing")
        named = {"name": merchant, "country": country, "city": city, **_category(category, mcc)}
        with self._far_side.transaction() as desk:
            card = _card(desk, card_ref)
            if card["currency"] != amount.currency.lower():
                raise BadInput(f"this card spends {card['currency'].upper()}, not {amount.currency}")
            visit = Desk(desk.db, card["face"], desk.now)
            authorization = spending.authorise(visit, card_ref, spending.Purchase(amount.minor, named))
            taken = authorization["approved"] and not hold
            transaction = spending.capture(visit, authorization["ref"]) if taken else None
        decision = authorization["request_history"][-1]
        return Swipe(
            bool(authorization["approved"]),
            decision["reason"],
            decision["reason_message"],
            authorization["ref"],
            None if transaction is None else transaction["ref"],
            amount,
        )

    def fault(self, kind: str, times: int = 1, delay: float | None = None) -> None:
        """The next `times` writes, of any process, meet this fault."""
        faults.arm(self._far_side, kind, times, delay)

    def fault_random(self, seed: int, rate: float) -> None:
        """Every request meets some fault with this probability, the same sequence for the same seed."""
        faults.arm_random(self._far_side, seed, rate)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        faults.clear(self._far_side)

    def edit(self, ref: str, fields: Mapping[str, Any]) -> tuple[Record, Record]:
        """Changes fields silently; the edited ones before and after."""
        with self._far_side.transaction() as desk:
            return editing.edit(desk, ref, fields)

    def advance(self, by: timedelta) -> datetime:
        """Moves the far side's clock on; returns its new time."""
        if by < timedelta(0):
            raise BadInput("the simulator's clock only goes forward")
        try:
            datetime.fromtimestamp(self._far_side.now(), UTC) + by
        except OverflowError:
            raise BadInput(f"the simulator's clock cannot be moved by {by.days} days", hint="its last year is 9999") from None
        return datetime.fromtimestamp(self._far_side.advance(int(by.total_seconds())), UTC)

    def status(self) -> dict[str, Any]:
        """Path, clock, float (Money by face), counts of objects, faults that wait, base URLs in this process."""
        waiting, random = faults.armed(self._far_side)
        with self._far_side.reading() as desk:
            counted = {table: _count(desk, table) for table in LISTED}
            money = {face: _float(Desk(desk.db, face, desk.now)) for face in FACES}
        return {
            "path": str(self._far_side.path),
            "clock": datetime.fromtimestamp(desk.now, UTC),
            "float": money,
            "objects": {"cardholders": counted.pop("holders"), **counted},
            "faults": [asdict(fault) for fault in waiting],
            "random_faults": random and {"seed": random[0], "rate": random[1]},
            "base_urls": dict(BASE_URLS),
        }

    def reset(self) -> None:
        """A new bank: no objects, no faults, the machine's clock, the opening float."""
        self._far_side.reset()

    def close(self) -> None:
        self._far_side.close()


def _card(desk: Desk, ref: str) -> Record:
    found = select(desk, "cards", "ref = ? AND deleted = 0", (ref,))
    if not found:
        raise NotFound("card", ref)
    if not select(desk, "holders", "ref = ? AND deleted = 0", (found[0]["holder"],)):
        raise NotFound("cardholder", found[0]["holder"])
    return found[0]


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


def _count(desk: Desk, table: str) -> int:
    return int(desk.db.execute(f"SELECT count(*) FROM {table} WHERE deleted = 0").fetchone()[0])  # noqa: S608  (our own names)


def _float(desk: Desk) -> list[Money]:
    return [Money(amount, currency.upper()) for currency, amount in purses.available(desk).items()]
