"""Whatever is asked, in whatever order: opening + credits - debits - holds is what can be spent, to the cent."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cardctl.domain.money import Money
from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.stranger import Stranger
from tests.simulator.zendit.client import NUMBERS, OPENING, Partner, TopUps

OFFERS = ["ESIM-TR-7D-1GB", "ESIM-FAIL", "ESIM-SLOW", "ESIM-OUTAGE", "ESIM-FEE", "ESIM-MILLS", "ESIM-NOCODE"]
STATES = ["PENDING", "AUTHORIZED", "IN_PROGRESS", "DONE", "FAILED"]
AMOUNTS = st.integers(1, 700)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.sampled_from(OFFERS)),
        st.tuples(st.just("again"), st.integers(0, 5)),
        st.tuples(st.just("refund"), st.integers(0, 5)),
        st.tuples(st.just("advance"), st.sampled_from([1, 60, 3600, 90000])),
        st.tuples(st.just("pace"), st.sampled_from([0, 30])),
        st.tuples(st.just("recharge"), AMOUNTS),
        st.tuples(st.just("set"), st.integers(0, 700)),
        st.tuples(st.just("topup"), AMOUNTS),
        st.tuples(st.just("decline"), AMOUNTS),
        st.tuples(st.just("edit"), st.tuples(st.integers(0, 5), st.sampled_from(STATES))),
    ),
    max_size=15,
)


class World:
    """Everybody at one far side."""

    def __init__(self, partner: Partner, topups: TopUps, control: Control, stranger: Stranger) -> None:
        self.partner, self.topups, self.control = partner, topups, control
        ref = stranger.card(stranger.holder())
        shown = stranger.seen(f"/v1/issuing/cards/{ref}", **NUMBERS)
        self.card = {name: shown[name] for name in ("number", "exp_month", "exp_year", "cvc")}
        self.bought: list[str] = []
        self.paid = 0
        self.references = 0

    def step(self, name: str, value: Any) -> None:
        match name:
            case "buy":
                self.bought.append(self.partner.buy(value))
            case "again" if self.bought:
                body = self.partner.buying(OFFERS[0], self._pick(value))
                assert self.partner.refused("POST", "/esim/purchases", body)[0] == 400
            case "refund" if self.bought:
                self.partner.http.post(f"/esim/purchases/{self._pick(value)}/refund")
            case "advance":
                self.control.advance(timedelta(seconds=value))
            case "pace":
                self.control.set_esim_pace(value, topups=2 * value)
            case "recharge":
                self.control.recharge_wallet(Money(value, "USD"))
            case "set":
                self.control.set_wallet(Money(value, "USD"))
            case "topup" | "decline":
                self._top_up(value, declined=name == "decline")
            case "edit" if self.bought:
                self.control.edit(self._pick(value[0]), {"status": value[1]})

    def _pick(self, place: int) -> str:
        return self.bought[place % len(self.bought)]

    def _top_up(self, amount: int, *, declined: bool) -> None:
        self.references += 1
        card = {**self.card, "exp_month": self.card["exp_month"] % 12 + 1} if declined else self.card
        replies = [self.topups.send(f"op-{self.references}", amount, card) for _ in range(2)]
        assert [reply.status_code for reply in replies] == ([402, 402] if declined else [201, 200])
        self.paid += 0 if declined else amount

    def check(self) -> None:
        spendable, entries = self.partner.balance(), self.partner.ledger()
        assert spendable == OPENING + sum(_moved(each) for each in entries)
        purchases = {each["transactionId"]: each for each in self.partner.all("/esim/purchases")}
        assert set(purchases) == set(self.bought)
        for each in entries:
            if each["productType"] == "ESIM":
                bought = purchases[each["transactionId"]]
                assert (bought["status"], bought["cost"], bought["log"]) == (each["status"], each["amount"], each["log"])
                assert (bought["error"] is not None) == (bought["status"] == "FAILED")
                assert ("confirmation" in bought) == (bought["status"] == "DONE")
        (left,) = self.control.status()["float"]["stripe"]
        assert OPENING_FLOAT - left.minor == self.paid


def _moved(entry: dict[str, Any]) -> int:
    """What an entry means for the wallet, in cents: a hold counts as much as a charge."""
    cents = -(-entry["amount"] * 100 // entry["currencyDivisor"])
    if entry["type"] == "CREDIT":
        return cents if entry["status"] == "DONE" else 0
    return -cents if entry["status"] in ("AUTHORIZED", "IN_PROGRESS", "DONE") else 0


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_the_sums_always_agree(steps: list[tuple[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "simulator.db"
        control = Control(path)
        with Partner(path) as partner, TopUps(path) as topups, Stranger(path) as stranger:
            world = World(partner, topups, control, stranger)
            for name, value in steps:
                world.step(name, value)
                world.check()
        control.close()
