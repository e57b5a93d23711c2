"""`kill -9` at every point of a run over a policy: it tops up, releases, captures, charges; then the next run, as by cron."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.machine.bank import rows
from tests.machine.processes import KILLED, ROOT, Processes, Wanted, environ
from tests.machine.slicing import chosen

Copy = Callable[[Path], Path]
PEOPLE = ("ann", "bob", "cid", "dan")
BEFORE = {
    "A/ann": [("APPROVED", 4000)],
    "A/bob": [("APPROVED", 4000)],
    "A/cid": [("APPROVED", 4000)],
    "A/dan": [("APPROVED", 4000)],
}
AFTER = {
    "A/ann": [("CANCELED", 4000)],
    "A/ann~2": [("APPROVED", 5000)],
    "A/bob": [("COMPLETED", 3000)],
    "A/cid": [("CANCELED", 4000)],
    "A/dan": [("COMPLETED", 4000)],
    "A/dan~2": [("COMPLETED", 2000)],
}
KINDS = ["saved_card.cancel"] * 2 + ["saved_card.capture"] * 2 + ["saved_card.charge"] + ["saved_card.preauth"] * 5
STEP = 24
"""Of the points every so manieth is killed; with --whole all."""


def lots(**said: dict[str, str]) -> str:
    start = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    tables = []
    for person in PEOPLE:
        told = {"person": person, "amount": "40.00", "invoice": f"A/{person}", "start": start} | said.get(person, {})
        tables.append("\n".join(["[[lots]]", *(f'{key} = "{value}"' for key, value in told.items()), ""]))
    return 'currency = "USD"\n' + "".join(tables)


@pytest.fixture(scope="module")
def held(processes: Processes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four buyers, on each of whose cards 40.00 are held; and the file that wants something else of each."""
    home = tmp_path_factory.mktemp("auction") / "home"
    for person in PEOPLE:
        argv = [sys.executable, "-m", "cardctl", "saved-card", "add", "--person", person, "--nonce", "-"]
        subprocess.run(
            argv, input=b"cnon:card-nonce-ok", env=environ(home), cwd=ROOT, check=True, capture_output=True, timeout=60
        )
    file = home.parent / "auction.toml"
    file.write_text(lots(), "utf-8")
    processes.do(home, "saved-card", "preauth", "--policy", str(file))
    assert far(home) == BEFORE
    completed, cancelled = {"status": "completed"}, {"status": "cancelled"}
    dan = completed | {"final": "60.00"}
    file.write_text(lots(ann={"amount": "50.00"}, bob=completed | {"final": "30.00"}, cid=cancelled, dan=dan), "utf-8")
    return home


def command(held: Path) -> list[str]:
    return ["saved-card", "preauth", "--policy", str(held.parent / "auction.toml"), "-o", "json"]


def far(home: Path) -> dict[str, list[tuple[str, int]]]:
    """Every payment of the far side, by its invoice."""
    found: dict[str, list[tuple[str, int]]] = {}
    with closing(sqlite3.connect(home / "state" / "simulator.db")) as db:
        for invoice, status, amount in db.execute("SELECT reference_id, status, amount FROM square_payments ORDER BY seq"):
            found.setdefault(invoice, []).append((status, amount))
    return found


def check_done(home: Path) -> None:
    """All of it was done, once, and our books tell the same."""
    assert far(home) == AFTER
    told = rows(home, "SELECT invoice, upper(state) AS state, amount_minor, captured_minor FROM payments")
    assert {one["invoice"]: [(one["state"], one["amount_minor"])] for one in told} == AFTER
    assert all(one["captured_minor"] == (one["amount_minor"] if one["state"] == "COMPLETED" else 0) for one in told)
    done = rows(
        home, "SELECT kind, state FROM operations WHERE kind LIKE 'saved_card.%' AND kind <> 'saved_card.add' ORDER BY kind"
    )
    assert [one["kind"] for one in done if one["state"] == "done"] == KINDS


def check_safe(home: Path) -> None:
    """Nothing that is open to a killed run takes more than is due, or leaves a buyer with less than was held."""
    seen = far(home)
    assert set(seen) <= set(AFTER)
    assert all(len(found) == 1 for found in seen.values())
    taken = {name: sum(amount for status, amount in found if status == "COMPLETED") for name, found in seen.items()}
    assert taken.get("A/ann", 0) == taken.get("A/ann~2", 0) == taken.get("A/cid", 0) == 0
    assert taken.get("A/bob", 0) in (0, 3000)
    assert taken.get("A/dan", 0) + taken.get("A/dan~2", 0) in (0, 4000, 6000)
    assert any(status == "APPROVED" for name in ("A/ann", "A/ann~2") for status, _ in seen.get(name, [])), "ann stays covered"


def test_a_run_killed_at_every_point(
    processes: Processes, held: Path, copies: Copy, pytestconfig: pytest.Config, subtests: pytest.Subtests
) -> None:
    home = copies(held)
    ended = processes.run(home, *command(held), watch=True)
    assert ended.only.code == 0, ended.only
    check_done(home)
    points = ended.points
    kinds = ["bank before", "POST after", "result before"]
    for number in chosen(points, "policy", STEP, whole=pytestconfig.getoption("--whole"), kinds=kinds):
        with subtests.test(point=f"{number} {points[number - 1]}"):
            home = copies(held)
            assert processes.run(home, *command(held), kill=number).status == KILLED
            check_safe(home)
            second = processes.run(home, *command(held), kill=1 + number // 2)
            assert second.status in (0, KILLED)
            check_safe(home)
            again = processes.run(home, *command(held)).only
            assert again.code == 0, again
            check_done(home)
            assert processes.run(home, *command(held)).only.data["steps"] == []
            check_done(home)


def test_two_runs_at_once(processes: Processes, held: Path, copies: Copy) -> None:
    """One works, the other is told so or finds nothing left; whoever settles by hand meanwhile does no harm either."""
    home = copies(held)
    wanted = [
        Wanted(home, [command(held)]),
        Wanted(home, [command(held)]),
        Wanted(home, [["operation", "resume", "-o", "json"]]),
    ]
    ended = processes.together(wanted)
    codes = sorted(one.only.code for one in ended[:2])
    assert codes in ([0, 0], [0, 11]), ended
    assert processes.run(home, *command(held)).only.code == 0
    check_done(home)
