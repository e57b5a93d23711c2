"""`kill -9` of a reconcile over thousands of cards at any instant: the next goes on, and comes to just what it would have."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.machine import wide
from tests.machine.processes import KILLED, ROOT, environ

Copy = Callable[[Path], Path]
SEED = 20261126
LINES = 328
"""So much an undisturbed run tells: of each page that it asks for it, and that it has it."""
PRIVATE = {"first_seen_at", "last_seen_at", "last_run", "occurrences"}


@pytest.fixture(scope="module")
def broad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a wide programme in it; to be copied."""
    home = tmp_path_factory.mktemp("wide") / "home"
    home.mkdir()
    wide.make(home)
    return home


def data(ended: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended.stdout)["data"]
    return found


def verdict(told: dict[str, Any]) -> tuple[Any, ...]:
    """What a run comes to, without what tells one run from another."""
    breaks = [{name: value for name, value in each.items() if name not in PRIVATE} for each in told["breaks"]]
    run = told["run"]
    figures = {name: value for name, value in run["figures"].items() if name != "seconds"}
    return run["digest"], run["found"], figures, breaks, told["not_checked"]


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(home / "state" / "books" / "dev.db")) as books:
        return books.execute(query).fetchall()


@pytest.fixture(scope="module")
def undisturbed(broad: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ...]:
    home = tmp_path_factory.mktemp("calm") / "home"
    shutil.copytree(broad, home)
    ended = wide.run(home, home / "log", "reconcile", "-o", "json")
    assert ended.returncode == 3, ended.stderr
    told = verdict(data(ended))
    assert told[1] == 39
    log = wide.Log.read(home / "log")
    assert len(log.asked()) == len(set(log.asked())) > 100
    return told


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.whole)])
def test_killed_while_it_reads_and_compares(broad: Path, copies: Copy, undisturbed: tuple[Any, ...], kills: int) -> None:
    dice, killed, trials, gone_on = random.Random(SEED), 0, 0, 0
    while killed < kills:
        home, trials = copies(broad), trials + 1
        log, here = home / "log", 0
        while here < 5:
            left = max(LINES - len(wide.Log.read(log).lines), 0)
            kill = wide.after_lines(log, dice.randint(0, left), dice.uniform(0, 0.1 if left else 1))
            ended = wide.run(home, log, "reconcile", "-o", "json", kill=kill)
            if ended.returncode != KILLED:
                break
            here, killed = here + 1, killed + 1
        else:
            ended = wide.run(home, log, "reconcile", "-o", "json")
        assert ended.returncode == 3, ended.stderr
        assert verdict(data(ended)) == undisturbed
        told = wide.Log.read(log)
        over = rows(home, "SELECT count(*) FROM runs WHERE state = 'done'")[0][0] > 1
        if not over:  # else one was killed after its last word, and the next one is another
            assert told.read_again() == []
            assert len(told.asked()) <= len(set(told.asked())) + here * wide.WORKERS
        gone_on += here > 0 and not over
        states = rows(home, "SELECT state, count(*) FROM runs GROUP BY state")
        assert dict(states).keys() <= {"done", "running"}
        assert rows(home, "SELECT count(*) FROM breaks") == [(39,)]
        assert rows(home, "SELECT count(*) FROM break_moves") == [(39,)]
    assert gone_on
    print(f"{killed} kills in {trials} homes, {gone_on} gone on with")


def test_killed_between_its_last_word_and_the_rest(broad: Path, copies: Copy, undisturbed: tuple[Any, ...]) -> None:
    """Compared and not remembered: it goes on. Remembered: it is over, its evidence is kept, and the next is another."""
    home = copies(broad)
    log = home / "log"
    assert wide.run(home, log, "reconcile", "-o", "json", point="compared").returncode == KILLED
    assert rows(home, "SELECT state, found FROM runs") == [("running", 0)]
    assert rows(home, "SELECT count(*) FROM breaks") == [(0,)]
    asked = len(wide.Log.read(log).asked())

    assert wide.run(home, log, "reconcile", "-o", "json", point="remembered").returncode == KILLED
    assert len(wide.Log.read(log).asked()) == asked, "everything was read"
    ((first,),) = rows(home, "SELECT id FROM runs WHERE state = 'done' AND found = 39")

    ended = wide.run(home, log, "reconcile", "-o", "json")
    told = data(ended)
    assert told["run"]["id"] != first
    assert verdict(told)[:2] == undisturbed[:2]
    assert {each["occurrences"] for each in told["breaks"]} == {2}
    for run, found in ((first, undisturbed[0]), (told["run"]["id"], undisturbed[0])):
        exported = wide.run(home, log, "run", "export", run, str(home / f"{run}.zip"), "-o", "json")
        assert exported.returncode == 0, exported.stderr
        proof = wide.run(home, log, "run", "verify", str(home / f"{run}.zip"), "-o", "json")
        assert (proof.returncode, data(proof)["digest"]) == (0, found), proof.stderr


@pytest.mark.parametrize("kills", [3, pytest.param(60, marks=pytest.mark.whole)])
def test_killed_while_it_mends(broad: Path, copies: Copy, kills: int) -> None:
    """Each break is mended once or again; in the end the books say what the bank says, and the audit holds."""
    dice, killed = random.Random(SEED + 1), 0
    line = ("reconcile", "--fix", "--yes", "-o", "json")
    while killed < kills:
        home = copies(broad)
        for number in range(4):
            kill = wide.after_lines(home / "log", 0 if number else LINES, dice.uniform(0, 3))
            ended = wide.run(home, home / "log", *line, kill=kill)
            if ended.returncode != KILLED:
                break
            killed += 1
        ended = wide.run(home, home / "log", *line)
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
        assert rows(home, "SELECT state, count(*) FROM breaks GROUP BY state") in ([("resolved", 39)], [])
        clean = wide.run(home, home / "log", "reconcile", "-o", "json")
        assert (clean.returncode, data(clean)["breaks"]) == (0, []), clean.stdout[-2000:]
        spent = (
            "SELECT sum(impact_minor) FROM transactions t WHERE t.card_id = c.id AND t.kind NOT IN ('funding', 'withdrawal')"
        )
        wrong = f"SELECT count(*) FROM cards c WHERE balance_minor != allowance_minor + coalesce(({spent}), 0)"
        assert rows(home, wrong) == [(0,)]
        assert rows(home, "SELECT count(*) FROM transactions WHERE kind = 'settlement'") == [(wide.PURCHASES,)]
        assert rows(home, "SELECT state, count(*) FROM cards GROUP BY state") == [("active", 2990), ("frozen", 10)]
        assert wide.run(home, home / "log", "audit", "verify").returncode == 0
        assert rows(home, "SELECT count(*) FROM operations") == [(0,)], "nothing was sent"


def test_of_two_at_once_one_gives_way(broad: Path, copies: Copy, undisturbed: tuple[Any, ...]) -> None:
    home = copies(broad)
    first = subprocess.Popen(
        wide.command(home / "log", "reconcile", "-o", "json", slow=0.2),
        cwd=ROOT, env=environ(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        end = time.monotonic() + 60
        while not wide.Log.read(home / "log").lines and time.monotonic() < end:
            time.sleep(0.02)
        second = wide.run(home, home / "log2", "reconcile", "-o", "json")
        out, _ = first.communicate(timeout=120)
    finally:
        first.kill()
        first.wait(20)
    assert second.returncode == 11
    assert json.loads(second.stdout)["success"] is False
    assert wide.Log.read(home / "log2").lines == []
    assert first.returncode == 3
    assert verdict(json.loads(out)["data"]) == undisturbed
