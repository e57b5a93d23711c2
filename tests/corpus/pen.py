"""What is written of: a holder with cards, each as the books and as the provider have it; and the pen that writes events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from cardctl.db.columns import moment_to_text
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide
from tests.corpus.houses import House

MINUTE, HOUR, DAY, SECOND = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)


class Truth(NamedTuple):
    """What must be found: a break's type, what it is about, our id of the card; `info`: it is no break, but is told."""

    type: str
    subject: str
    card_id: str | None
    info: bool = False


def first_of(currency: str) -> str:
    """Stands for our id of the first of a holder's cards of a currency, which is known once all cards are there."""
    return f"first of {currency}"


class Shop(NamedTuple):
    name: str
    mcc: str


@dataclass(slots=True)
class Holding:
    """A card on both sides, None where a side has it not, and its money events. `funds` is what was put on it (None: nothing
    limits it); `drift_here` and `drift_there` are what nothing explains. `frozen_at`: when the audit says that it was."""

    id: str
    here: CardSide | None
    there: CardSide | None
    funds: int | None
    ours: list[MoneySide] = field(default_factory=list)
    theirs: list[MoneySide] = field(default_factory=list)
    drift_here: int = 0
    drift_there: int = 0
    unlimited_there: bool = False
    frozen_at: str | None = None


@dataclass(slots=True)
class Holder:
    """An account on both sides with its cards. `strays` are events of the provider on cards that nobody lists."""

    id: str
    here: AccountSide | None
    there: AccountSide | None
    holdings: list[Holding] = field(default_factory=list)
    strays: list[MoneySide] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)


class Dice(Random):
    """Everything that is by chance, from one seed."""

    def hex(self, prefix: str, length: int = 20) -> str:
        return f"{prefix}_{self.getrandbits(4 * length):0{length}x}"

    def chance(self, percent: int) -> bool:
        return self.random() * 100 < percent

    def between(self, least: timedelta, most: timedelta) -> timedelta:
        return least + (most - least) * self.random()


class Pen:
    """Writes money events of one card, on both sides unless told otherwise."""

    def __init__(self, house: House, dice: Dice, holding: Holding) -> None:
        card = holding.here or holding.there
        assert card is not None
        self.house = house
        self.dice = dice
        self.holding = holding
        self.card_ref = card.ref
        self.currency = card.currency

    def row(
        self,
        kind: str,
        state: str,
        amount: int,
        impact: int,
        at: datetime,
        shop: Shop | None = None,
        *,
        parent: str | None = None,
        code: str | None = None,
        progress: str | None = None,
        prefix: str = "tx",
    ) -> MoneySide:
        """An event that is on no side yet."""
        name, mcc = shop or (None, None)
        if not self.house.links:
            mcc = code = None  # its history has neither
        ref, at_ = self.dice.hex(prefix, 24), moment_to_text(at)
        return MoneySide(
            ref, kind, state, amount, impact, self.currency, parent, at_, name, mcc, code, progress, None, self.card_ref
        )

    def both(self, *rows: MoneySide) -> None:
        self.holding.ours += rows
        self.holding.theirs += rows

    def amount(self) -> int:
        return self.dice.randint(300, 40_000)

    def code(self) -> str:
        return f"{self.dice.randrange(10**6):06d}"

    def ended(self, amount: int, at: datetime, shop: Shop, state: str = "settled") -> MoneySide:
        """A hold that holds nothing any more."""
        return self.row("authorization", state, amount, 0, at, shop, code=self.code(), progress="1.1.1", prefix="auth")

    def held(self, amount: int, at: datetime, shop: Shop, held: int | None = None) -> MoneySide:
        """A hold that still stands, of all that was asked for unless told otherwise."""
        left = amount if held is None else held
        return self.row("authorization", "approved", amount, -left, at, shop, code=self.code(), progress="0.1.0", prefix="auth")

    def capture(self, hold: MoneySide | None, amount: int, at: datetime, shop: Shop) -> MoneySide:
        parent, code = (hold.ref, hold.code) if hold is not None else (None, None)
        return self.row("settlement", "settled", amount, -amount, at, shop, parent=parent, code=code)

    def refund(self, amount: int, at: datetime, shop: Shop, parent: str | None = None) -> MoneySide:
        return self.row("refund", "settled", amount, amount, at, shop, parent=parent)

    def decline(self, amount: int, at: datetime, shop: Shop) -> MoneySide:
        return self.row("decline", "declined", amount, 0, at, shop, progress="1.1.0", prefix="auth")

    def told(self, type_: str, subject: str, *, info: bool = False) -> Truth:
        return Truth(type_, subject, self.holding.id if self.holding.here is not None else None, info)
