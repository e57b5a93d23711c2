"""The rate budget, booking by booking on a clock that the test moves; and a file that cannot be used, which stops nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.db import side_file
from cardctl.db.breakers import FAIL_MAX, SharedBreaker
from cardctl.db.machine import SECOND, Machine, RateBudget
from cardctl.errors import CircuitOpen
from tests.db.machines import Clock, machine_at, most_in_one_second

ROOT = Path(__file__).parents[2]
KEYS = count()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "machine.db"


@pytest.fixture
def machine(file: Path, clock: Clock) -> Iterator[Machine]:
    made = machine_at(file, clock)
    yield made
    made.close()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Clock]]:
    """One file for all examples of a property; each takes a key of its own."""
    clock = Clock()
    made = machine_at(tmp_path_factory.mktemp("lasting") / "machine.db", clock)
    yield made, clock
    made.close()


def test_requests_are_spaced_by_the_rate(machine: Machine) -> None:
    budget = RateBudget(machine, "sandbox:stripe/default", 10)
    assert [budget.take() for _ in range(4)] == [0.0, 0.1, 0.2, 0.3]


def test_a_twentieth_of_a_second_may_go_at_once(machine: Machine) -> None:
    budget = RateBudget(machine, "live:stripe/default", 100)
    waits = [budget.take() for _ in range(7)]
    assert waits[:5] == [0.0] * 5
    assert waits[5:] == [pytest.approx(1 / 96, abs=1e-5), pytest.approx(2 / 96, abs=1e-5)]


def test_time_that_passes_is_time_that_was_waited(machine: Machine, clock: Clock) -> None:
    budget = RateBudget(machine, "k", 2)
    budget.take()
    clock.move(0.2)
    assert budget.take() == 0.3
    clock.move(100)
    assert budget.take() == 0.0
    assert budget.take() == 0.5  # what was not used is not saved up


def test_an_urgent_request_is_booked_and_does_not_wait(machine: Machine) -> None:
    budget = RateBudget(machine, "k", 1)
    assert [budget.take(wait=False) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert budget.take() == 3.0


def test_programmes_do_not_wait_for_one_another(machine: Machine) -> None:
    RateBudget(machine, "live:stripe/a", 1).take()
    assert RateBudget(machine, "live:stripe/b", 1).take() == 0.0
    assert RateBudget(machine, "live:stripe/a", 1).take() == 1.0


def test_a_pause_that_the_provider_asked_for_holds_everybody_back(machine: Machine, file: Path, clock: Clock) -> None:
    budget, other = RateBudget(machine, "k", 100), RateBudget(machine_at(file, clock), "k", 100)
    budget.penalise(7)
    assert [other.take(), other.take()] == [7.0, pytest.approx(7 + 1 / 96, abs=1e-5)]
    budget.penalise(3)
    assert budget.take() >= 7
    assert budget.take(wait=False) == 0.0
    clock.move(7.2)
    assert other.take() == 0.0


@pytest.mark.parametrize("back", [10, 3600, 86400 * 365])
def test_a_clock_that_is_stepped_back_stalls_nobody(machine: Machine, clock: Clock, back: int) -> None:
    budget = RateBudget(machine, "k", 2)
    budget.take()
    clock.move(-back)
    assert [budget.take(), budget.take()] == [0.0, 0.5]


def test_nobody_waits_for_a_row_that_is_beyond_belief(machine: Machine) -> None:
    budget = RateBudget(machine, "k", 2)
    budget.penalise(86400)
    assert [budget.take(), budget.take()] == [0.0, 0.5]


@given(rate=st.integers(1, 300), idle=st.lists(st.integers(0, 400_000), min_size=1, max_size=120))
def test_no_second_ever_sees_more_than_the_rate(lasting: tuple[Machine, Clock], rate: int, idle: list[int]) -> None:
    machine, clock = lasting
    budget = RateBudget(machine, f"k{next(KEYS)}", rate)
    granted = []
    for pause in idle:
        clock.move(pause / SECOND)
        granted.append(machine.now() + round(budget.take() * SECOND))
    assert most_in_one_second(granted) <= rate
    clock.move(100)  # behind this example's queue, and well before any cap


@given(rate=st.integers(1, 300), seconds=st.integers(2, 5))
def test_the_rate_is_used_to_within_a_tenth(lasting: tuple[Machine, Clock], rate: int, seconds: int) -> None:
    machine, _ = lasting
    budget = RateBudget(machine, f"k{next(KEYS)}", rate)
    last = max(budget.take() for _ in range(rate * seconds))
    assert last <= seconds * 1.1


@given(clients=st.integers(2, 6), rate=st.integers(1, 19))
def test_who_comes_first_goes_first(lasting: tuple[Machine, Clock], clients: int, rate: int) -> None:
    """Each waits as it is told and comes again at once: they go round in turn."""
    machine, clock = lasting
    key = f"k{next(KEYS)}"
    budgets = [RateBudget(machine, key, rate) for _ in range(clients)]
    asleep = {client: machine.now() for client in range(clients)}
    served = []
    for _ in range(clients * 5):
        client = min(asleep, key=lambda one: (asleep[one], one))
        clock.move((asleep[client] - machine.now()) / SECOND)
        asleep[client] = machine.now() + round(budgets[client].take() * SECOND)
        served.append((asleep[client], client))
    turns = [client for _, client in sorted(served)]
    assert all(len(set(turns[i : i + clients])) == clients for i in range(clients, len(turns), clients))


def test_threads_share_one_machine(machine: Machine) -> None:
    budget = RateBudget(machine, "k", 10)
    waits: list[float] = []
    threads = [threading.Thread(target=lambda: waits.extend([budget.take() for _ in range(25)])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [slot / 10 for slot in range(200)]


def test_a_forked_process_books_on_the_same_row(file: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from cardctl.db.machine import RateBudget
from tests.db.machines import Clock, machine_at
budget = RateBudget(machine_at(Path(sys.argv[1]), Clock()), "k", 10)
print(budget.take(), flush=True)
if not os.fork():
    print(budget.take(), flush=True)
    os._exit(0)
os.wait()
print(budget.take(), flush=True)
"""
    assert _python(script, file).split() == ["0.0", "0.1", "0.2"]


def test_a_fork_in_the_middle_of_another_threads_turn_stops_nothing(file: Path) -> None:
    """To SQLite in the child, the turn never ends: it goes on in memory."""
    script = """
import os, sys, threading
from pathlib import Path
from cardctl.db import side_file
from cardctl.db.machine import Machine, RateBudget
from tests.db.machines import Clock
side_file.BUSY = 0.1
machine = Machine(Path(sys.argv[1]), clock=Clock(), warn=lambda text: print("warned", flush=True))
budget = RateBudget(machine, "k", 10)
begun, forked = threading.Event(), threading.Event()
def turn():
    with machine.turn():
        begun.set()
        forked.wait()
thread = threading.Thread(target=turn)
thread.start()
begun.wait()
if not os.fork():
    print(budget.take(), budget.take(), flush=True)
    os._exit(0)
forked.set()
thread.join()
os.wait()
print(budget.take(), flush=True)
"""
    assert _python(script, file).split() == ["warned", "0.0", "0.1", "0.0"]


def test_the_file_is_private_from_the_first_instant(file: Path, clock: Clock) -> None:
    before = os.umask(0)
    machine = machine_at(file, clock)
    try:
        RateBudget(machine, "k", 1).take()
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [file.parent, *file.parent.iterdir()]}
    finally:
        os.umask(before)
        machine.close()
    assert modes == {"state": 0o700, "machine.db": 0o600, "machine.db-wal": 0o600, "machine.db-shm": 0o600}


def test_to_look_makes_no_file(machine: Machine, file: Path) -> None:
    breaker = SharedBreaker(machine, "k", "bank")
    breaker.check()
    breaker.succeeded()
    assert not file.parent.exists()


def test_a_machine_that_was_closed_opens_again(machine: Machine) -> None:
    budget = RateBudget(machine, "k", 1)
    budget.take()
    machine.close()
    assert budget.take() == 1.0


def test_a_turn_that_breaks_off_leaves_nothing(machine: Machine) -> None:
    def turn() -> None:
        with machine.turn():
            RateBudget(machine, "k", 1).take()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turn()
    assert RateBudget(machine, "k", 1).take() == 0.0


def test_a_turn_that_breaks_off_takes_no_other_threads_booking_with_it(machine: Machine) -> None:
    budget = RateBudget(machine, "k", 10)
    waits: list[float] = []
    other = threading.Thread(target=lambda: waits.append(budget.take()))

    def turn() -> None:
        with machine.turn():
            other.start()
            other.join(0.1)  # if it does not wait for its turn, it has booked by now
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turn()
    other.join()
    assert [*waits, budget.take()] == [0.0, 0.1]


def _directory(file: Path) -> None:
    file.mkdir(parents=True)


def _text(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("this is no database\n" * 500)


def _strange_tables(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as strange:
        strange.execute("CREATE TABLE budgets (key TEXT)")
        strange.execute("CREATE TABLE breakers (key TEXT)")
    strange.close()


def _no_directory(file: Path) -> None:
    file.parent.write_text("a file stands where the directory ought to be")


def _held(file: Path) -> None:
    """As by a process that was stopped in the middle of a turn."""
    made = machine_at(file, Clock())
    RateBudget(made, "k", 1).take()
    made.close()
    HELD.append(sqlite3.connect(file, isolation_level=None))
    HELD[-1].execute("BEGIN IMMEDIATE")


HELD: list[sqlite3.Connection] = []


@pytest.mark.parametrize("spoil", [_directory, _text, _strange_tables, _no_directory, _held])
def test_a_file_that_cannot_be_used_stops_nothing(
    file: Path, clock: Clock, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_file, "BUSY", 0.01)
    spoil(file)
    told: list[str] = []
    machine = Machine(file, clock=clock, warn=told.append)
    budget, breaker = RateBudget(machine, "k", 10), SharedBreaker(machine, "k", "bank")
    assert [budget.take() for _ in range(3)] == [0.0, 0.1, 0.2]
    for _ in range(FAIL_MAX):
        breaker.check()
        breaker.failed()
    with pytest.raises(CircuitOpen):
        breaker.check()
    machine.close()
    assert budget.take() == 0.0
    machine.close()
    assert len(told) == 1
    assert str(file) in told[0]
    while HELD:
        HELD.pop().close()


def test_a_disk_that_fills_up_in_the_middle_stops_nothing(file: Path) -> None:
    script = """
import resource, sys
from pathlib import Path
from cardctl.db.breakers import SharedBreaker
from cardctl.db.machine import Machine, RateBudget
from tests.db.machines import Clock
machine = Machine(Path(sys.argv[1]), clock=Clock(), warn=lambda text: print("warned"))
budget, breaker = RateBudget(machine, "k", 10), SharedBreaker(machine, "k", "bank")
budget.take()
resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))
breaker.failed()
print([budget.take() for _ in range(3)])
"""
    assert _python(script, file).splitlines() == ["warned", "[0.0, 0.1, 0.2]"]


def _python(script: str, *arguments: Path) -> str:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it would fill the disk too
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=environ)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout
