"""One rate limit and one breaker for real processes: what was granted is counted, and processes are killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cardctl.db.breakers import FAIL_MAX
from cardctl.db.machine import Machine, RateBudget
from tests.db.machines import most_in_one_second, never
from tests.machine.bank import far_cards
from tests.machine.processes import Processes
from tests.machine.world import opened

ROOT = Path(__file__).parents[2]
PROCESSES = 4
RATE = 40
BOOKINGS = 20

WORKER = """
import json, sys, time
from datetime import UTC, datetime
from pathlib import Path
from cardctl.db.machine import Machine, RateBudget
from tests.db.machines import never
machine = Machine(Path(sys.argv[1]), clock=lambda: datetime.now(UTC), warn=never)
budget = RateBudget(machine, "sandbox:stripe/default", float(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
"""
POLITE = """
granted = []
for _ in range(int(sys.argv[3])):
    now = machine.now()
    wait = budget.take()
    granted.append([now + round(wait * 1e6), round(wait * 1e6)])
    time.sleep(wait)
print(json.dumps(granted))
"""
TIRELESS = """
while True:
    budget.take()
"""


def begun(program: str, file: Path, *arguments: object, times: int) -> list[subprocess.Popen[str]]:
    """Processes that have opened the file, and now go on all at once."""
    command = [sys.executable, "-c", WORKER + program, str(file), *map(str, arguments)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    ran = [subprocess.Popen(command, cwd=ROOT, text=True, **pipes) for _ in range(times)]  # type: ignore[call-overload]
    for one in ran:
        assert one.stdout.readline() == "ready\n"
    for one in ran:
        one.stdin.write("go\n")
        one.stdin.flush()
    return ran


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "machine.db"


def test_four_processes_keep_to_one_rate_and_share_it(file: Path) -> None:
    ran = begun(POLITE, file, RATE, BOOKINGS, times=PROCESSES)
    granted = [json.loads(one.communicate(timeout=60)[0]) for one in ran]
    moments = [moment for process in granted for moment, _ in process]
    assert [len(process) for process in granted] == [BOOKINGS] * PROCESSES
    assert most_in_one_second(moments) <= RATE
    # In turn, each is told to wait for one slot of every other, a tenth of a second; who is passed over is told far more.
    assert max(wait for process in granted for _, wait in process) < 1_000_000


def test_a_process_killed_while_booking_leaves_a_whole_file(file: Path) -> None:
    for _ in range(8):
        ran = begun(TIRELESS, file, 1_000_000, times=2)
        for one in ran:
            os.kill(one.pid, signal.SIGKILL)
            one.communicate()
            assert one.returncode == -signal.SIGKILL
        machine = Machine(file, clock=lambda: datetime.now(UTC), warn=never)
        assert RateBudget(machine, "sandbox:stripe/default", RATE).take() < 120
        machine.close()
    with closing(sqlite3.connect(file)) as left:
        assert left.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert left.execute("SELECT count(*) FROM budgets").fetchall() == [(1,)]


def test_an_outage_is_asked_about_no_more_while_a_card_can_still_be_stopped(
    processes: Processes, programme: Path, copies: Callable[[Path], Path]
) -> None:
    home = copies(programme)
    with opened(home) as world:
        card, ref = world.card.id, world.card.ref
        account = world.card.account_id
    issue = ["card", "issue", "--account", account, "-o", "json"]
    balance = ["provider", "balance", "-o", "json"]

    def code(*argv: str) -> int:
        return processes.run(home, *argv).only.code

    before = far_cards(home)[ref]
    assert code("simulator", "fault", "--next", "refused", "--times", str(4 * FAIL_MAX)) == 0
    assert [code(*issue) for _ in range(FAIL_MAX)] == [8] * FAIL_MAX
    refused = processes.run(home, *balance).only  # another process, and the simulator would answer again
    assert (refused.code, json.loads(refused.stdout)["error_code"]) == (8, "CIRCUIT_OPEN")
    assert code("card", "fund", card, "--amount", "10", "--currency", "USD", "-o", "json") == 8
    assert far_cards(home)[ref] == before
    assert code("card", "show", card, "-o", "json") == 0
    assert code("card", "freeze", card, "-o", "json") == 0
    assert (far_cards(home)[ref].state, far_cards(home)[ref].allowance) == ("frozen", before.allowance)
    assert code(*balance) == 0  # the freeze was answered, so that the provider is there
