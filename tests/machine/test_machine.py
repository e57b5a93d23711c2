"""Any order of writes, purchases, faults, crashes and resumes: after recovery both books agree, and nothing happened twice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.operations import OPEN, OperationState
from cardctl.domain.states import MOVES, Move
from cardctl.errors import CardctlError, ExitCode
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card, set_limits, withdraw
from cardctl.services.deeds.issuing import CardWish
from cardctl.services.deeds.pulling import sync_accounts, sync_cards
from cardctl.services.desk import Done
from cardctl.services.opening import issue_card
from cardctl.simulator.faults import FAULTS
from tests.machine.bank import assert_agreement, far_cards, our_cards, rows
from tests.machine.world import World

EXAMPLES, WHOLE_EXAMPLES, STEPS = 25, 2_000, 25
HONEST = {ExitCode.REFUSED, ExitCode.PROVIDER_SAID_NO, ExitCode.UNAVAILABLE, ExitCode.IN_DOUBT}
"""How a write may fail here: everything else is a bug."""

which = st.integers(0, 5)
cents = st.integers(1, 5_000)


class Killed(BaseException):
    """The process is gone; nobody may catch it and go on, so every later point raises it again."""


class BankMachine(RuleBasedStateMachine):
    """Our side may be lost at any commit or request; the far side lives on. `template` is a home to begin from."""

    template: ClassVar[Path]

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir=self.template.parent))
        shutil.copytree(self.template, self.home, dirs_exist_ok=True)
        self.left: int | None = None  # points until the process is lost; 0 when it is
        self.world = self._process()
        self.edited: dict[str, int] = {}
        self.first = {ref: card.allowance or 0 for ref, card in far_cards(self.home).items()}
        self.old = {row["id"] for row in rows(self.home, "SELECT id FROM operations")}
        self.closed: set[str] = set()

    @rule(index=which, amount=cents)
    def fund(self, index: int, amount: int) -> None:
        self._write(lambda: fund_card(self.world.desk, self._card(index), Money(amount, "USD")))

    @rule(index=which, amount=cents)
    def withdraw(self, index: int, amount: int) -> None:
        self._write(lambda: withdraw(self.world.desk, self._card(index), Money(amount, "USD")))

    @rule(index=which, weekly=st.one_of(st.none(), cents))
    def limits(self, index: int, weekly: int | None) -> None:
        self._write(lambda: set_limits(self.world.desk, self._card(index), {"weekly": weekly}))

    @rule(
        index=which, move=st.sampled_from([Move.FREEZE, Move.UNFREEZE, Move.FREEZE, Move.UNFREEZE, Move.ACTIVATE, Move.CLOSE])
    )
    def move(self, index: int, move: Move) -> None:
        card = self._card(index)
        doubtful = any(one.target == card.id for one in self.world.open())
        done = self._write(lambda: move_card(self.world.desk, card, move))
        if done is not None and done.operation is not None and not doubtful:
            assert card.state in MOVES[move][0]
            assert isinstance(done.object, Card)
            assert done.object.state is MOVES[move][1]

    @rule(index=which, amount=cents, active=st.booleans())
    def issue(self, index: int, amount: int, active: bool) -> None:
        wish = CardWish(self._card(index).account_id, "USD", active=active, allowance=Money(amount, "USD"))
        self._write(lambda: issue_card(self.world.desk, wish))

    @rule(index=which, amount=cents, hold=st.booleans())
    def swipe(self, index: int, amount: int, hold: bool) -> None:
        self.world.far_side.swipe(self._card(index).ref, Money(amount, "USD"), hold=hold)

    @rule(index=which, status=st.sampled_from(["active", "inactive"]))
    def edit_the_state_behind_our_back(self, index: int, status: str) -> None:
        ref = self._card(index).ref
        if far_cards(self.home)[ref].state != "closed":
            self.world.far_side.edit(ref, {"status": status})

    @precondition(lambda self: not self.world.open())
    @rule(index=which, more=cents)
    def edit_the_allowance_behind_our_back(self, index: int, more: int) -> None:
        """Not while a write is in doubt: then nobody could tell, and only a person may."""
        ref = self._card(index).ref
        field = "spending_controls.spending_limits.all_time"
        self.world.far_side.edit(ref, {field: (far_cards(self.home)[ref].allowance or 0) + more})
        self.edited[ref] = self.edited.get(ref, 0) + more

    @rule(kind=st.sampled_from(list(FAULTS)), times=st.integers(1, 6))
    def arm_a_fault(self, kind: str, times: int) -> None:
        self.world.far_side.fault(kind, times)

    @rule()
    def clear_the_faults(self) -> None:
        self.world.far_side.clear_faults()

    @rule(points=st.integers(1, 14))
    def lose_the_process_soon(self, points: int) -> None:
        self.left = points

    @rule(hours=st.integers(1, 30))
    def advance_their_clock(self, hours: int) -> None:
        self.world.far_side.advance(timedelta(hours=hours))

    @rule()
    def resume(self) -> None:
        self._survive(self.world.resume)

    @rule()
    def sync(self) -> None:
        self._survive(self._sync)

    @rule()
    def recover(self) -> None:
        """Nothing goes wrong any more; then all is settled, and both books tell the same."""
        self.left = None
        self.world.far_side.clear_faults()
        assert self.world.resume().left == ()
        self._sync()
        assert_agreement(self.home)
        assert self.world.audit_is_whole()
        self._nothing_happened_twice()

    @invariant()
    def what_is_closed_stays_closed(self) -> None:
        now = {ref for ref, card in our_cards(self.home).items() if card.state == "closed"}
        assert self.closed <= now
        self.closed = now

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.recover()
        finally:
            self.world.close()
            shutil.rmtree(self.home)

    def _nothing_happened_twice(self) -> None:
        """Every allowance is the first one, what staff has added, and each done write once."""
        wanted = dict(self.first)
        refs = {row["id"]: row["ref"] for row in rows(self.home, "SELECT id, ref FROM cards")}
        signs = {"card.issue": 1, "card.fund": 1, "card.withdraw": -1}
        new = [one for one in self.world.operations() if one.id not in self.old and one.kind in signs]
        for one in new:
            assert one.state not in OPEN
            if one.state is OperationState.DONE and one.amount is not None:
                wanted[refs[one.target]] = wanted.get(refs[one.target], 0) + signs[one.kind] * one.amount.minor
        for ref, more in self.edited.items():
            wanted[ref] += more
        assert {ref: card.allowance for ref, card in far_cards(self.home).items()} == wanted

    def _sync(self) -> None:
        sync_accounts(self.world.desk, lambda _: None)
        sync_cards(self.world.desk, lambda _: None)

    def _card(self, index: int) -> Card:
        cards = rows(self.home, "SELECT id FROM cards ORDER BY created_at, id")
        with self.world.desk.books.read() as unit:
            return unit.cards.named(cards[index % len(cards)]["id"])

    def _write(self, act: Callable[[], Done]) -> Done | None:
        found: list[Done] = []
        self._survive(lambda: found.append(act()))
        return found[0] if found else None

    def _survive(self, act: Callable[[], Any]) -> None:
        try:
            act()
        except CardctlError as error:
            if error.exit_code not in HONEST:
                raise
        except Killed:
            self.left = None
            self.world.die()
            self.world = self._process()

    def _process(self) -> World:
        world = World(self.home, self._point)
        world.wire.before = world.wire.after = lambda request: self._point(request.method)
        return world

    def _point(self, _: str | httpx.Request) -> None:
        if self.left is None:
            return
        self.left = max(self.left - 1, 0)
        if not self.left:
            raise Killed


def test_the_machine(programme: Path, pytestconfig: pytest.Config) -> None:
    class Machine(BankMachine):
        template = programme

    whole = pytestconfig.getoption("--whole")
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=WHOLE_EXAMPLES if whole else EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            print_blob=False,
        ),
    )
