"""Every write that the services know, as the fault tests make it, and how often it took effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cardctl.domain.accounts import AccountChange, NewAccount
from cardctl.domain.money import Money
from cardctl.domain.states import Move
from cardctl.errors import CardctlError
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.deeds.funding import fund_card, set_limits, withdraw
from cardctl.services.deeds.issuing import CardWish, create_account
from cardctl.services.desk import Done
from cardctl.services.opening import issue_card
from tests.machine.effects import Effect, limited, moved, new_accounts, new_cards, raised, suspended
from tests.machine.world import TIMEOUT, World

DOLLARS = Money(2_500, "USD")


@dataclass(frozen=True, slots=True)
class Verb:
    """One kind of write, how often it took effect, and what comes before it."""

    act: Callable[[World], Done]
    effect: Effect
    before: Callable[[World], Any] = lambda _: None


def _account(world: World) -> Any:
    with world.desk.books.read() as unit:
        return unit.accounts.named(world.card.account_id)


def _move(move: Move) -> Callable[[World], Done]:
    return lambda world: move_card(world.desk, world.card, move)


def _issue(world: World) -> Done:
    return issue_card(world.desk, CardWish(world.card.account_id, "USD", allowance=DOLLARS))


def _suspend(world: World) -> Done:
    return change_account(world.desk, _account(world), AccountChange(active=False))


VERBS = {
    "issue": Verb(_issue, new_cards),
    "fund": Verb(lambda world: fund_card(world.desk, world.card, DOLLARS), raised(DOLLARS.minor)),
    "withdraw": Verb(lambda world: withdraw(world.desk, world.card, DOLLARS), raised(-DOLLARS.minor)),
    "limits": Verb(lambda world: set_limits(world.desk, world.card, {"weekly": 77_700}), limited),
    "freeze": Verb(_move(Move.FREEZE), moved("frozen")),
    "unfreeze": Verb(_move(Move.UNFREEZE), moved("active"), before=_move(Move.FREEZE)),
    "close": Verb(_move(Move.CLOSE), moved("closed")),
    "account": Verb(lambda world: create_account(world.desk, NewAccount("Annie", external_id="annie")), new_accounts),
    "nameless": Verb(lambda world: create_account(world.desk, NewAccount("Annie")), new_accounts),
    "suspend": Verb(_suspend, suspended),
}


def arm(world: World, fault: str, times: int) -> None:
    """The next writes meet the fault; a slow reply comes after our patience."""
    world.far_side.fault(fault, times, TIMEOUT * 2 if fault == "slow" else None)


def exit_code(act: Callable[[World], Done], world: World) -> int:
    """What the command would exit with."""
    try:
        act(world)
    except CardctlError as error:
        return int(error.exit_code)
    return 0
