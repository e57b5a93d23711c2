"""`kill -9` in the middle of a list: the same command once more finishes the rest, and no row happens twice."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.machine.bank import assert_agreement, far_cards, operations, rows
from tests.machine.processes import KILLED, Processes
from tests.machine.slicing import chosen

Copy = Callable[[Path], Path]
ROWS = 6
STEP = 20
"""Every so many of its points a list of one worker is killed; with --whole at every one."""
MANY = range(5, 60, 11)
"""Points at which a list of several workers is killed, in whatever order they come to them."""


def issues(home: Path) -> tuple[list[str], Path]:
    file = home / "cards.csv"
    file.write_text("account,key,fund\n" + "".join(f"acct_user{n % 3 + 1},k{n},{n + 1}.00\n" for n in range(ROWS)))
    return ["card", "issue", "--from", str(file), "-o", "json"], file


def fundings(home: Path) -> tuple[list[str], Path]:
    file = home / "fund.csv"
    ids = [row["id"] for row in rows(home, "SELECT id FROM cards ORDER BY id")]
    file.write_text("card,amount\n" + "".join(f"{card},{n + 1}.00\n" for n, card in enumerate(ids)))
    return ["card", "fund", "--from", str(file), "-o", "json"], file


def allowances(home: Path) -> list[int]:
    return sorted(card.allowance or 0 for card in far_cards(home).values())


def check(processes: Processes, home: Path, argv: list[str], file: Path, wanted: list[int]) -> None:
    """The second run ends it: every row done, each once, and both sides tell the same to the cent."""
    again = processes.run(home, *argv).only
    count = len(file.read_text().splitlines()) - 1
    assert (again.code, again.data["done"]) == (0, count), again
    assert allowances(home) == wanted
    assert {one["state"] for one in operations(home)} <= {"done", "refused"}
    assert_agreement(home)
    with file.with_suffix(".result.csv").open(newline="") as result:
        told = list(csv.DictReader(result))
    assert {row["error_code"] for row in told} == {""}
    assert len({row["card"] for row in told}) == count


@pytest.mark.parametrize("listed", [issues, fundings])
def test_killed_at_any_point_a_second_run_finishes_the_rest(
    processes: Processes,
    programme: Path,
    copies: Copy,
    listed: Callable[[Path], tuple[list[str], Path]],
    subtests: pytest.Subtests,
    pytestconfig: pytest.Config,
) -> None:
    whole = copies(programme)
    argv, _ = listed(whole)
    ended = processes.run(whole, *argv, "--workers", "1", watch=True)
    assert ended.only.code == 0, ended.only
    wanted = allowances(whole)
    assert wanted != allowances(programme)
    whole_count = pytestconfig.getoption("--whole")
    for number in chosen(ended.points, listed.__name__, STEP, whole=whole_count, kinds=["POST after", "file after"]):
        with subtests.test(point=f"{number} {ended.points[number - 1]}"):
            home = copies(programme)
            argv, file = listed(home)
            assert processes.run(home, *argv, "--workers", "1", kill=number).status == KILLED
            check(processes, home, argv, file, wanted)


def test_killed_with_several_rows_in_flight(
    processes: Processes, programme: Path, copies: Copy, subtests: pytest.Subtests
) -> None:
    ends = []
    for number in MANY:
        with subtests.test(point=number):
            home = copies(programme)
            argv, file = issues(home)
            wanted = sorted([*allowances(home), *((n + 1) * 100 for n in range(ROWS))])
            ends.append(processes.run(home, *argv, "--workers", "4", kill=number).status)
            check(processes, home, argv, file, wanted)
    assert ends.count(KILLED) > len(ends) // 2, "threads may run past a point together, but not past all of them"
