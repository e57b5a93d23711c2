"""Many real processes at once: nothing is lost, nothing is counted twice, and nobody is told that the database is locked."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cardctl.db.leases import FileLease
from tests.machine.bank import assert_agreement, far_cards, operations, rows
from tests.machine.processes import ROOT, Processes, Ran, Wanted, environ

Copy = Callable[[Path], Path]
WRITERS = 16
SECONDS, WHOLE_SECONDS = 5.0, 60.0
CENTS = 101


def _cards(home: Path) -> dict[str, str]:
    return {row["id"]: row["ref"] for row in rows(home, "SELECT id, ref FROM cards ORDER BY id")}


def _words(line: str) -> list[str]:
    return [*line.split(), "-o", "json"]


def test_sixteen_writers_at_once(processes: Processes, programme: Path, copies: Copy, pytestconfig: pytest.Config) -> None:
    """Funding one card and others, freezing and unfreezing, limiting, listing: for a while, all on the same books."""
    home, seconds = copies(programme), WHOLE_SECONDS if pytestconfig.getoption("--whole") else SECONDS
    first, second, third = cards = list(_cards(home))
    before = {ref: card.allowance or 0 for ref, card in far_cards(home).items()}
    roles = [
        [f"card fund {first} --amount 1.01"],
        [f"card fund {cards[i % 3]} --amount 1.01" for i in range(3)],
        [f"card withdraw {second} --amount 1.01", f"card fund {second} --amount 1.01"],
        [f"card freeze {third}", f"card unfreeze {third}", f"card fund {third} --amount 1.01"],
        [f"card limits {first} --weekly {100 + i}" for i in range(5)],
        ["card list", "operation list --limit 20", "operation resume"],
    ]
    wanted = [
        Wanted(home, [_words(line) for line in roles[i % len(roles)]], seconds=seconds, waits=True) for i in range(WRITERS)
    ]
    ended = processes.together(wanted)
    runs = [ran for one in ended for ran in one.runs]
    assert all(one.status == 0 and one.runs for one in ended), [one.stderr for one in ended]
    assert not [ran for ran in runs if "locked" in (ran.stdout + ran.stderr).lower()]
    odd = [ran for ran in runs if ran.code not in _allowed(ran, third)]
    assert not odd, odd[:3]
    assert Counter(one["state"] for one in operations(home)).keys() <= {"done", "refused"}
    moved = Counter[str]()
    for ran in runs:
        if ran.code == 0 and ran.argv[1] in ("fund", "withdraw"):
            moved[_cards(home)[ran.argv[2]]] += CENTS if ran.argv[1] == "fund" else -CENTS
    assert len(runs) > WRITERS
    assert all(any(ran.code == 0 for ran in one.runs) for one in ended)
    assert {ref: card.allowance for ref, card in far_cards(home).items()} == {ref: before[ref] + moved[ref] for ref in before}
    assert_agreement(home)
    assert processes.run(home, "audit", "verify").only.code == 0


def _allowed(ran: Ran, frozen: str) -> set[int]:
    """Busy where the wait for another writer was over; refused only on the card that somebody freezes and unfreezes."""
    if ran.argv[:2] == ["operation", "resume"]:
        return {0, 11}
    return {0, 6, 11} if frozen in ran.argv else {0, 11}


@pytest.mark.parametrize(
    "line", ["card fund CARD --amount 10", "card issue --account ACCOUNT --fund 10", "account create --name Annie"]
)
def test_one_key_in_many_processes_is_one_effect(processes: Processes, programme: Path, copies: Copy, line: str) -> None:
    home = copies(programme)
    card = rows(home, "SELECT id, ref, account_id FROM cards LIMIT 1")[0]
    argv = _words(line.replace("CARD", card["id"]).replace("ACCOUNT", card["account_id"]) + " --idempotency-key mine")
    before, known = far_cards(home), len(operations(home))
    ended = processes.together([Wanted(home, [argv], waits=True)] * 8)
    told = [one.only for one in ended]
    assert [ran.code for ran in told] == [0] * 8, told
    noun = next(iter(told[0].data))
    assert {str(ran.data[noun]["id"]) for ran in told} == {told[0].data[noun]["id"]}
    assert len({str(ran.data) for ran in told}) == 1
    assert len(operations(home)) == known + 1
    after = far_cards(home)
    funded = (after[card["ref"]].allowance or 0) - (before[card["ref"]].allowance or 0)
    assert (len(after) - len(before), funded) == ((1, 0) if "issue" in line else (0, 1_000 if "fund CARD" in line else 0))
    assert_agreement(home)


@pytest.mark.parametrize("moment", ["POST before", "POST after"])
def test_a_live_process_is_left_alone(processes: Processes, programme: Path, copies: Copy, moment: str) -> None:
    """A process that is stopped while it writes is not dead: a resume touches nothing of it, and it ends its work itself."""
    home = copies(programme)
    card, ref = next(iter(_cards(home).items()))
    argv = _words(f"card fund {card} --amount 10")
    point = processes.run(copies(programme), *argv, watch=True).points.index(moment) + 1
    before = far_cards(home)[ref].allowance or 0
    command = [sys.executable, "-m", "tests.machine.crashing", "--stop", str(point), "--", *argv]
    with subprocess.Popen(command, cwd=ROOT, env=environ(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as stopped:
        try:
            os.waitid(os.P_PID, stopped.pid, os.WSTOPPED)
            resumed = processes.run(home, "operation", "resume", "-o", "json").only
            assert (resumed.code, resumed.data) == (0, {"settled": [], "left": [], "not_reached": 0})
            assert operations(home)[-1]["state"] == "sent"
            frozen = processes.run(home, "card", "freeze", card).only
            assert frozen.code == 0, frozen
        finally:
            os.kill(stopped.pid, signal.SIGCONT)
        stopped.communicate(timeout=60)
    assert stopped.returncode == 0
    assert {one["state"] for one in operations(home)} == {"done"}
    assert far_cards(home)[ref].allowance == before + 1_000
    assert_agreement(home)


def test_two_resumes_at_once_settle_each_operation_once(processes: Processes, programme: Path, copies: Copy) -> None:
    home = copies(programme)
    before = {ref: card.allowance or 0 for ref, card in far_cards(home).items()}
    for card in _cards(home):
        argv = _words(f"card fund {card} --amount 10")
        points = processes.run(copies(home), *argv, watch=True).points
        processes.run(home, *argv, kill=points.index("POST before") + 1)
    ended = processes.together([Wanted(home, [_words("operation resume")], waits=True)] * 6)
    assert {ran.code for one in ended for ran in one.runs} <= {0, 11}
    assert {one["state"] for one in operations(home)} == {"done"}
    assert {ref: card.allowance for ref, card in far_cards(home).items()} == {ref: was + 1_000 for ref, was in before.items()}
    assert_agreement(home)


def test_two_who_look_at_once_do_not_take_each_other_for_the_owner(tmp_path: Path) -> None:
    """Else each resume would leave a killed process's operation to the other."""
    first, second = FileLease(tmp_path), FileLease(tmp_path)
    assert first.alive(second.name) is True
    second._lock.release(force=True)  # as the kernel does at a kill: the file stays
    _, _, lease = second.name.partition("/")
    with (tmp_path / f"{lease}.lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert first.alive(second.name) is False
    assert first.alive(second.name) is False
    assert first.alive("elsewhere/0") is None
    first.release()
