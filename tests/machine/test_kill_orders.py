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
from tests.machine.bank_orders import orders, staff
from tests.machine.processes import KILLED, Processes, Wanted, alone
from tests.machine.slicing import chosen
from tests.smtp import Sink, sinking

Copy = Callable[[Path], Path]
BUYER = "buyer@example.com"
RETRY = ["esim", "retry", "-o", "json"]
_CARD = 'topup = "card"'
_REUSED = f'{_CARD}\ntopup_card = "reused"'


@dataclass(frozen=True, slots=True)
class Scenario:
    """A paid order, and what becomes of it: `zendit` are lines of the profile's table, `wallet` what is in the wallet (cents),
    `kinds` the operations that it takes; `first`: another order was delivered before it.

    Of the points every `step`th is killed (tests/machine/slicing.py); with --whole all.
    """

    kinds: Sequence[str]
    offer: str = "ESIM-TR-7D-1GB"
    zendit: str = ""
    wallet: int = 1000
    ends: str = "delivered"
    first: bool = False
    step: int = 25


SCENARIOS = {
    "request": Scenario(["esim.buy"], step=14),
    "picture": Scenario(["esim.buy"], offer="ESIM-NOCODE"),
    "card": Scenario(
        ["account.create", "card.issue", "esim.topup", "esim.buy", "card.close"], zendit=_CARD, wallet=100, step=35
    ),
    "reused": Scenario(["card.fund", "esim.topup", "esim.buy"], zendit=_REUSED, wallet=100, first=True),
    "refund": Scenario(["esim.buy", "sale.refund"], offer="ESIM-FAIL", ends="refunded", step=20),
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

    def killed(self, point: int, *, home: Path | None = None, argv: Sequence[str] | None = None) -> tuple[Path, int]:
        """A copy of the home in which the command was killed at the point, and how many mails there are once all is done."""
        if argv is None:
            self.sink.got.clear()
        copied = self.copy(home or self.home)
        ended = self.processes.run(copied, *(argv or self.argv), kill=point)
        assert ended.status == KILLED, ended
        return copied, letters_of(ended.points)

    def points(self) -> list[str]:
        """Every point that the command passes when nobody kills it."""
        self.sink.got.clear()
        home = self.copy(self.home)
        ended = self.processes.run(home, *self.argv, watch=True)
        assert ended.only.code == (0 if self.scenario.ends == "delivered" else 3), ended.only
        self.check(home, mails=1)
        return ended.points

    def retry(self, home: Path) -> None:
        """What the scheduler runs: once is enough. Then the same command line once more, if it had not begun."""
        assert self.processes.run(home, *RETRY).only.code == 0
        again = self.processes.run(home, *self.argv).only
        assert again.code == (0 if self.scenario.ends == "delivered" else 3), again

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
        cards = [["card", "sync"], ["transaction", "pull"]] if self.scenario.zendit else []
        looks = [*cards, ["reconcile"], ["esim", "reconcile"], ["audit", "verify"]]
        [ended] = self.processes.together([Wanted(home, [[*look, "-o", "json"] for look in looks])])
        assert [ran.code for ran in ended.runs] == [0] * len(looks), [ran for ran in ended.runs if ran.code]
        assert_agreement(home)
        if self.scenario.zendit == _CARD:
            assert {row["state"] for row in rows(home, "SELECT state FROM cards")} == {"closed"}


def letters_of(passed: Sequence[str]) -> int:
    """One, and one more where a process died after these points: the server may have it, and nobody has noted that."""
    if "mail after" not in passed:
        return 1
    return 1 if "books after" in passed[passed.index("mail after") :] else 2


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
            home, mails = trial.killed(number)
            trial.retry(home)
            trial.check(home, mails=mails)


@pytest.mark.parametrize("trial", ["request", "card", "refund"], indirect=True)
def test_killed_while_going_on_too(trial: Trial, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    """From the wrecks that a kill leaves around each write: not sent, sent, and done without our knowing."""
    points, whole = trial.points(), pytestconfig.getoption("--whole")
    posts = [at for at, name in enumerate(points, 1) if name in ("POST before", "POST after")]
    for wreck_at in chosen([points[at - 1] for at in posts], "wrecks", 4, whole=whole):
        number = posts[wreck_at - 1]
        wreck, _ = trial.killed(number)
        going_on = trial.processes.run(trial.copy(wreck), *RETRY, watch=True).points
        for second in chosen(going_on, f"{trial.scenario.kinds} {number}", 4 if whole else 30, whole=False):
            with subtests.test(wreck=f"{number} {points[number - 1]}", point=f"{second} {going_on[second - 1]}"):
                trial.sink.got.clear()
                home, mails = trial.killed(second, home=wreck, argv=RETRY)
                trial.retry(home)
                trial.check(home, mails=mails)


@pytest.mark.parametrize("trial", ["card", "reused"], indirect=True)
def test_the_wallet_has_changed_since_a_card_was_made_for_it(trial: Trial) -> None:
    """The card can pay what lacked then, and that is what it is asked for."""
    points = trial.points()
    made = [at for at, name in enumerate(points, 1) if name == "POST after"][trial.scenario.kinds.index("esim.topup") - 1]
    home, _ = trial.killed(made)
    far_side = Control(home / "state" / "simulator.db")
    far_side.recharge_wallet(Money(20, "USD"))
    far_side.close()
    trial.retry(home)
    trial.check(home, mails=1)


def test_a_checkout_killed_at_every_point(
    processes: Processes, tmp_path: Path, copies: Copy, sink: Sink, pytestconfig: pytest.Config, subtests: pytest.Subtests
) -> None:
    """The same command line with its key gives the same page; paid, it is one order."""
    home = tmp_path / "shop"
    _configure(home, sink, "")
    argv = [*_checkout("ESIM-TR-7D-1GB", "T-1"), "--idempotency-key", "shop-1"]
    points = processes.run(copies(home), *argv, watch=True).points
    for number in chosen(points, "checkout", 9, whole=pytestconfig.getoption("--whole")):
        with subtests.test(point=f"{number} {points[number - 1]}"):
            killed = copies(home)
            sink.got.clear()
            assert processes.run(killed, *argv, kill=number).status == KILLED
            session = str(processes.do(killed, *argv).data["order"]["checkout_ref"])
            assert [row["ref"] for row in staff(killed, "SELECT ref FROM stripe_checkout_sessions")] == [session]
            Control(killed / "state" / "simulator.db").pay(session)
            processes.do(killed, "esim", "fulfil", "--session", session, "-o", "json")
            bank_orders.assert_ended(killed)
            assert len(sink.got) == 1


@pytest.mark.parametrize("trial", ["request"], indirect=True)
def test_killed_in_a_process_with_an_interpreter_of_its_own(trial: Trial) -> None:
    """It is bought, and nobody here has written that down: the worst moment, without any fork."""
    home, number = trial.copy(trial.home), trial.points().index("POST after") + 1
    trial.sink.got.clear()
    assert alone(home, *trial.argv, kill=number).returncode == KILLED
    assert [row["status"] for row in staff(home, "SELECT status FROM zendit_purchases")] == ["ACCEPTED"]
    assert [(row["state"], row["iccid"]) for row in orders(home)] == [("buying", None)]
    assert alone(home, *RETRY).returncode == 0
    trial.check(home, mails=1)
