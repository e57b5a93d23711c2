"""Runs the real command line in a process that kills itself once a step of an order is in the books:
`python -m tests.commands.dying STEP -- esim fulfil …`; the product knows nothing of it."""

from __future__ import annotations

import functools
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.commands.runner import Cardctl, Ran

_ROOT = Path(__file__).parents[2]
_DONE = "SELECT count(*) FROM order_steps WHERE name = ? AND state IN ('done', 'failed')"


def die_after(cardctl: Cardctl, step: str, *argv: str) -> Ran:
    """What it said until it died; it did die."""
    command = [sys.executable, "-m", "tests.commands.dying", step, "--", *argv]
    ended = subprocess.run(command, cwd=_ROOT, env=cardctl.environ(), capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGKILL, ended
    return Ran(ended.returncode, ended.stdout, ended.stderr)


def main() -> None:
    import sqlalchemy

    from cardctl import cli

    step, books = sys.argv[1], Path(os.environ["CARDCTL_HOME"]) / "state" / "books" / "dev.db"
    commit = sqlalchemy.Connection.commit

    @functools.wraps(commit)
    def committed(connection: sqlalchemy.Connection) -> Any:
        commit(connection)
        if _noted(books, step):
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(sqlalchemy.Connection, "commit", committed)  # noqa: B010 - a method is not assigned to
    sys.exit(cli.run(sys.argv[3:], sys.stdout, sys.stderr, sys.stdin))


def _noted(books: Path, step: str) -> bool:
    if not books.exists():  # new ones are made elsewhere, and put in their place whole
        return False
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'order_steps'").fetchone():
            return False
        return bool(db.execute(_DONE, (step,)).fetchone()[0])


if __name__ == "__main__":
    main()
