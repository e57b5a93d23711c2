"""Whatever clients, merchants and the clock do, in any order: no cent appears or vanishes, and no card spends what it lacks."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.strowallet import counter
from tests.simulator.strowallet.client import Nfc, Virtual

CENTS = st.integers(1, 6000)
PICKS = st.integers(0, 1)


class Bank(RuleBasedStateMachine):
    """A virtual card and an NFC card over one float; what clients can see of both."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "simulator.db"
        self.virtual, self.nfc, self.far_side = Virtual(path), Nfc(path), FarSide(path)

    @initialize()
    def two_cards(self) -> None:
        self.cards = (self.virtual.card("30"), self.nfc.card("30"))

    def teardown(self) -> None:
        for each in (self.virtual.http, self.nfc.http, self.far_side):
            each.close()
        self.folder.cleanup()

    @rule(pick=PICKS, cents=CENTS, kind=st.sampled_from(["fund", "withdraw"]))
    def move(self, pick: int, cents: int, kind: str) -> None:
        amount = f"{cents // 100}.{cents % 100:02d}"
        if pick:
            self.nfc.move(self.cards[1], amount, kind)
        else:
            getattr(self.virtual, kind)(self.cards[0], amount)

    @rule(pick=PICKS, cents=CENTS, hold=st.booleans())
    def buy(self, pick: int, cents: int, hold: bool) -> None:
        able = self.balance(pick) >= cents and self.status(pick) == "active"
        with self.far_side.transaction() as desk:
            done = counter.swipe(desk, self.cards[pick], cents, {"name": "EXAMPLE SHOP"}, hold)
        assert done is not None
        assert done["approved"] is able

    @rule(action=st.sampled_from(["freeze", "unfreeze"]))
    def turn(self, action: str) -> None:
        self.virtual.act(self.cards[0], action)

    @rule(times=st.integers(1, 3))
    def delay(self, times: int) -> None:
        with self.far_side.transaction() as desk:
            counter.delay_next(desk, times)

    @rule(seconds=st.integers(1, 70))
    def wait(self, seconds: int) -> None:
        self.far_side.advance(seconds)

    @rule()
    def settle(self) -> None:
        with self.far_side.transaction() as desk:
            counter.settle_pending(desk)

    @invariant()
    def every_cent_is_somewhere(self) -> None:
        balances = [self.balance(pick) for pick in (0, 1)]
        rows = self.rows()
        waiting = sum(abs(cents) for _, cents, status, shop in rows if status == "pending" and not shop)
        spent = -sum(cents for _, cents, status, shop in rows if status != "failed" and shop)
        assert int(self.virtual.float() * 100) + sum(balances) + waiting + spent == OPENING_FLOAT
        assert min(balances) >= 0

    @invariant()
    def a_balance_is_the_sum_of_its_rows(self) -> None:
        for pick in (0, 1):
            counted = [
                cents
                for card, cents, status, _ in self.rows()
                if card == self.cards[pick] and status != "failed" and not (status == "pending" and cents > 0)
            ]
            assert self.balance(pick) == 30_00 + sum(counted)

    def balance(self, pick: int) -> int:
        return int((self.nfc if pick else self.virtual).balance(self.cards[pick]) * 100)

    def status(self, pick: int) -> str:
        return str((self.nfc if pick else self.virtual).detail(self.cards[pick])["card_status"])

    def rows(self) -> list[tuple[str, int, str, bool]]:
        """Card, cents, status, and whether a merchant or the bank got it."""
        history = self.virtual.done("GET", "apicard-transactions/", card_id=self.cards[0], take=50)["response"]
        other = self.nfc.done("GET", "bitvcard/nfc-card-transactions", card_id=self.cards[1])["response"]
        both = [*history["card_transactions"], *other.get("card_transactions", [])]
        shops = ("EXAMPLE SHOP", "Decline fee")
        return [(row["cardId"], int(row["centAmount"]), row["status"], row["narrative"] in shops) for row in both]


TestBank = Bank.TestCase
TestBank.settings = settings(
    max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
