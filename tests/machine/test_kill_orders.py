"""`kill -9` at every point of the chain from a paid order to its eSIM, or to its refund, the talk with the mail server
included: `esim retry` goes on, and there is one purchase, one mail, at most one refund, and the purses agree to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.machine import bank_orders
from tests.machine.bank import assert_agreement, operations, rows
from tests.machine.bank_orders import orders
from tests.machine.processes import KILLED, Ended, Processes, Wanted
from tests.machine.slicing import chosen
from tests.smtp import Sink, sinking

Copy = Callable[[Path], Path]
BUYER, PRICE = "buyer@example.com", 490
_CARD = 'topup = "card"'
_REUSED = f'{_CARD}\ntopup_card = "reused"'


@dataclass(frozen=True, slots=True)
class Scenario:
    """A paid order, and what becomes of it: `zendit` are lines of the profile's table, `wallet` what is in the wallet (cents),
    `kinds` the operations that it takes; `first`: another order was delivered before it.

    Of the points every `step`th is killed; with --whole all.
    """

    kinds: Sequence[str]
    offer: str = "ESIM-TR-7D-1GB"
    zendit: str = ""
    wallet: int = 1000
    ends: str = "delivered"
    first: bool = False
    step: int = 12


SCENARIOS = {
    "request": Scenario(["esim.buy"], step=6),
    "picture": Scenario(["esim.buy"], offer="ESIM-NOCODE"),
    "card": Scenario(
        ["account.create", "card.issue", "esim.topup", "esim.buy", "card.close"], zendit=_CARD, wallet=100, step=15
    ),
    "reused": Scenario(["card.fund", "esim.topup", "esim.buy"], zendit=_REUSED, wallet=100, first=True),
    "refund": Scenario(["esim.buy", "sale.refund"], offer="ESIM-FAIL", ends="refunded", step=8),
    "gone": Scenario(["sale.refund"], offer="ESIM-DISABLED", ends="refunded"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A scenario in the home that it starts from, which is only ever copied: somebody has paid `session`."""

    scenario: Scenario
    processes: Processes
    copy: Copy
    sink: Sink
    home: Path
    session: str

    @property
    def argv(self) -> list[str]:
        return ["esim", "fulfil", "--session", self.session, "-o", "json"]

    def killed(self, point: int, *, home: Path | None = None, argv: Sequence[str] | None = None) -> Path:
        """A copy of the home in which the command was killed at the point."""
        self.sink.got.clear()
        home = self.copy(home or self.home)
        ended = self.processes.run(home, *(argv or self.argv), kill=point)
        assert ended.status == KILLED, ended
        return home

    def points(self) -> list[str]:
        """Every point that the command passes when nobody kills it."""
        self.sink.got.clear()
        home = self.copy(self.home)
        ended = self.processes.run(home, *self.argv, watch=True)
        assert ended.only.code == (0 if self.scenario.ends == "delivered" else 3), ended.only
        self.check(home, mails=1)
        return ended.points

    def retry(self, home: Path, *, watch: bool = False) -> Ended:
        """What the scheduler runs: once is enough."""
        return self.processes.run(home, "esim", "retry", "-o", "json", watch=watch)

    def check(self, home: Path, *, mails: int) -> None:
        """Delivered or refunded, once; then nobody finds anything that is out of order."""
        bank_orders.assert_ended(home)
        last = orders(home)[-1]
        assert (last["checkout_ref"], last["state"]) == (self.session, self.scenario.ends)
        done = Counter(one["kind"] for one in operations(home)) - Counter(one["kind"] for one in operations(self.home))
        assert done == Counter(self.scenario.kinds)
        letter = "delivery" if self.scenario.ends == "delivered" else "refund"
        told = Counter(each.mail["Message-ID"] for each in self.sink.got)
        assert told == {f"<{last['id']}.{letter}@example.com>": mails}
        self._check_books(home)

    def _check_books(self, home: Path) -> None:
        far_side = Control(home / "state" / "simulator.db")
        far_side.recharge_wallet(Money(100, "USD"))  # an empty one is a break of its own
        far_side.close()
        looks = [["card", "sync"], ["transaction", "pull"], ["reconcile"], ["esim", "reconcile"], ["audit", "verify"]]
        [ended] = self.processes.together([Wanted(home, [[*look, "-o", "json"] for look in looks])])
        assert [ran.code for ran in ended.runs] == [0] * len(looks), [ran for ran in ended.runs if ran.code]
        assert_agreement(home)
        if self.scenario.zendit == _CARD:
            assert {row["state"] for row in rows(home, "SELECT state FROM cards")} == {"closed"}


def twice(points: Sequence[str]) -> set[int]:
    """The numbers of points at which a kill sends a mail again: the server may have it, and we have not noted that."""
    first = points.index("mail after") if "mail after" in points else len(points)
    noted = next((at for at in range(first, len(points)) if points[at] == "books before"), len(points))
    return set(range(first + 1, noted + 2))


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    with sinking(tmp_path_factory.mktemp("mail")) as made:
        yield made


@pytest.fixture
def trial(request: pytest.FixtureRequest, processes: Processes, tmp_path: Path, copies: Copy, sink: Sink) -> Trial:
    scenario: Scenario = SCENARIOS[request.param]
    home = tmp_path / "paid"
    _configure(home, sink, scenario.zendit)
    far_side = Control(home / "state" / "simulator.db")
    if scenario.first:
        far_side.set_wallet(Money(0, "USD"))
        session = _paid(processes, far_side, home, "ESIM-TR-7D-1GB", "T-1")
        processes.do(home, "esim", "fulfil", "--session", session, "-o", "json")
    session = _paid(processes, far_side, home, scenario.offer, "T-2")
    far_side.set_wallet(Money(scenario.wallet, "USD"))
    far_side.close()
    return Trial(scenario, processes, copies, sink, home, session)


def _configure(home: Path, sink: Sink, zendit: str) -> None:
    (home / "config").mkdir(parents=True)
    text = f'[profiles.dev]\nenvironment = "simulator"\n[profiles.dev.mail]\n{sink.table}\n[profiles.dev.zendit]\n{zendit}\n'
    (home / "config" / "config.toml").write_text(text)


def _paid(processes: Processes, far_side: Control, home: Path, offer: str, name: str) -> str:
    """A page that somebody has paid; one offer is not sold any more since."""
    far_side.edit(offer, {"enabled": "true"})
    session = str(processes.do(home, *_checkout(offer, name)).data["order"]["checkout_ref"])
    far_side.pay(session)
    far_side.edit(offer, {"enabled": str(offer != "ESIM-DISABLED").lower()})
    return session


def _checkout(offer: str, name: str) -> list[str]:
    price = ["--price", "4.90", "--currency", "USD"]
    return ["esim", "checkout", offer, "--recipient", BUYER, *price, "--transaction-id", name, "-o", "json"]


@pytest.mark.parametrize("trial", SCENARIOS, indirect=True)
def test_killed_at_every_point(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    points = trial.points()
    assert {"books before", "bank before", "POST after", "mail after", "answer after", "result before"} <= set(points)
    whole, salt = pytestconfig.getoption("--whole"), str(trial.scenario.kinds)
    for number in chosen(points, salt, trial.scenario.step, whole=whole):
        with subtests.test(point=f"{number} {points[number - 1]}"):
            home = trial.killed(number)
            assert trial.retry(home).only.code == 0
            again = trial.processes.run(home, *trial.argv).only
            assert again.code == (0 if trial.scenario.ends == "delivered" else 3), again
            trial.check(home, mails=1 + (number in twice(points)))
