"""Signs of life: a killed process's lease is dead at once, a live one's is not, and another place's cannot be told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cardctl.db.leases import FileLease
from cardctl.errors import BooksReadOnly

_HOLD = """
import sys, time
from pathlib import Path
from cardctl.db.leases import FileLease
lease = FileLease(Path(sys.argv[1]))
print(lease.name, flush=True)
time.sleep(60)
"""


@pytest.fixture
def leases(tmp_path: Path) -> Path:
    directory = tmp_path / "leases"
    directory.mkdir(mode=0o700)
    return directory


def test_our_own_lease_lives(leases: Path) -> None:
    lease = FileLease(leases)
    assert lease.alive(lease.name) is True
    lease.release()


def test_two_leases_of_one_place_see_each_other(leases: Path) -> None:
    first, second = FileLease(leases), FileLease(leases)
    assert first.name != second.name
    assert first.alive(second.name) is True
    second.release()
    assert first.alive(second.name) is False
    first.release()


def test_a_killed_process_is_dead_and_a_live_one_is_not(leases: Path) -> None:
    ours = FileLease(leases)
    holder = subprocess.Popen([sys.executable, "-c", _HOLD, str(leases)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder.stdout:
        name = holder.stdout.readline().strip()
        assert ours.alive(name) is True
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert ours.alive(name) is False
    assert ours.alive(name) is False
    ours.release()


def test_another_place_cannot_be_told(leases: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ours, theirs = FileLease(leases), FileLease(elsewhere)
    assert ours.alive(theirs.name) is None
    assert ours.alive(f"{ours.name.split('/')[0]}/never-was") is False
    ours.release()
    theirs.release()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BooksReadOnly):
        FileLease(tmp_path / "file")


def test_nothing_is_left_of_a_process_that_ended(leases: Path) -> None:
    FileLease(leases).release()
    assert [file.name for file in leases.iterdir()] == ["place"]
    assert all(file.stat().st_mode & 0o077 == 0 for file in leases.iterdir())
    assert os.access(leases, os.W_OK)
