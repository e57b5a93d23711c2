"""What one row of a list asks for, and the one service that does it; how rows are read, and in what order done, is not here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account
from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.states import FINAL, FUND_FROM, Move, check_money
from cardctl.errors import BadInput, Refused, StateForbids
from cardctl.providers.base import ClosesCards, ControlsCards, FundsCards, IssuesCards, LimitsCards, require
from cardctl.services.awaiting import await_money
from cardctl.services.deeds.controls import move_card, would_move
from cardctl.services.deeds.funding import fund_card, set_limits
from cardctl.services.deeds.issuing import CardWish, check_holder
from cardctl.services.desk import Desk, Done
from cardctl.services.opening import issue_card

_IN_ONE = frozenset({"limits", "active", "allowance"})


class Task(Protocol):
    """`about` is the account or card that it concerns, `amount` the money that it moves.

    `check` says why it cannot be done, as far as our books and the provider's abilities tell. `meaning` is plain JSON: two rows
    that mean the same are the same write; None where doing it twice does no harm. `urgent` ones wait for nothing.
    """

    @property
    def about(self) -> Card | Account: ...
    @property
    def amount(self) -> Money | None: ...
    @property
    def urgent(self) -> bool: ...

    def meaning(self) -> list[Any] | None: ...
    def moot(self) -> bool:
        """Whether it is already so."""

    def in_one(self, desk: Desk) -> bool:
        """Whether one write does all of it, so that its end is the end of the row."""

    def check(self, unit: Unit, desk: Desk) -> None: ...
    def do(self, desk: Desk, caller_key: str | None) -> Done: ...


@dataclass(frozen=True, slots=True)
class Issue:
    """A new card. `named` are the limits that the row itself names, in minor units; the wish has the profile's too."""

    about: Account
    wish: CardWish
    named: dict[str, int | None]
    urgent = False

    @property
    def amount(self) -> Money | None:
        return self.wish.allowance

    def meaning(self) -> list[Any]:
        wish = self.wish
        return [wish.account_id, wish.key, wish.currency, wish.type, str(wish.allowance), self.named]

    def moot(self) -> bool:
        return False

    def in_one(self, desk: Desk) -> bool:
        return desk.provider.issue_carries >= _IN_ONE

    def check(self, unit: Unit, desk: Desk) -> None:
        require(desk.provider, IssuesCards)
        check_holder(self.about)
        if any(minor is not None for minor in self.named.values()):
            require(desk.provider, LimitsCards)
        if self.wish.allowance is not None:
            require(desk.provider, FundsCards)
            if not self.wish.active and "allowance" not in desk.provider.issue_carries:
                raise BadInput(f"{desk.provider.name} funds only active cards")
        key = self.wish.key
        living = [card.id for card in unit.cards.by_key(self.about.id, key) if card.state not in FINAL] if key else []
        if living:
            raise Refused(f"{self.about.id} has a living card {key!r} already: {living[0]}")

    def do(self, desk: Desk, caller_key: str | None) -> Done:
        return issue_card(desk, self.wish, caller_key=caller_key, wait=0)


@dataclass(frozen=True, slots=True)
class Fund:
    """More to spend for a card."""

    about: Card
    amount: Money
    set_allowance: bool
    urgent = False

    def meaning(self) -> list[Any]:
        return [self.about.id, str(self.amount)]

    def moot(self) -> bool:
        return False

    def in_one(self, desk: Desk) -> bool:
        return True

    def check(self, unit: Unit, desk: Desk) -> None:
        require(desk.provider, FundsCards)
        check_money("fund", self.about.state, FUND_FROM)

    def do(self, desk: Desk, caller_key: str | None) -> Done:
        done = fund_card(desk, self.about, self.amount, set_allowance=self.set_allowance, caller_key=caller_key)
        return await_money(desk, done, wait=0)


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits changed, in minor units (None takes one off); those that are not named stay."""

    about: Card
    changes: dict[str, int | None]
    amount = None
    urgent = False

    def meaning(self) -> None:
        return None

    def moot(self) -> bool:
        told = {name: Money(minor, self.about.currency) if minor is not None else None for name, minor in self.changes.items()}
        return replace(self.about.limits, **told) == self.about.limits

    def in_one(self, desk: Desk) -> bool:
        return desk.provider.limits_together

    def check(self, unit: Unit, desk: Desk) -> None:
        require(desk.provider, LimitsCards)
        if self.about.state in FINAL:
            raise StateForbids(f"{self.about.id} is {self.about.state}, which is final")

    def do(self, desk: Desk, caller_key: str | None) -> Done:
        return set_limits(desk, self.about, self.changes)


@dataclass(frozen=True, slots=True)
class MoveTo:
    """A freeze or a close, which pass everything that is in doubt."""

    about: Card
    move: Move
    reason: str | None
    amount = None
    urgent = True

    def meaning(self) -> None:
        return None

    def moot(self) -> bool:
        return not would_move(self.about, self.move)

    def in_one(self, desk: Desk) -> bool:
        return True

    def check(self, unit: Unit, desk: Desk) -> None:
        require(desk.provider, ClosesCards if self.move is Move.CLOSE else ControlsCards)
        would_move(self.about, self.move)

    def do(self, desk: Desk, caller_key: str | None) -> Done:
        return move_card(desk, self.about, self.move, reason=self.reason)
