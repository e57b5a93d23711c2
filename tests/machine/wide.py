"""A wide programme: thousands of cards in the books and at the bank, some different; a process that tells what it reads.

python -m tests.machine.wide LOG [POINT] -- reconcile …     killed at POINT (`remembered`, `finish`), where one is named
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.bench.syncing import copies, seed_stripe
from tests.machine.processes import ROOT, environ

CARDS, PURCHASES = 3_000, 4_500
ALLOWANCE = 10_000_00
PRICE = 12_50
WORKERS = 48


def make(home: Path) -> None:
    """Both sides equal, each purchase an authorization and its capture; then breaks on every hundredth card."""
    far_side = home / "state" / "simulator.db"
    far_side.parent.mkdir(parents=True, mode=0o700)
    seed_stripe(far_side, CARDS)
    with closing(sqlite3.connect(far_side)) as bank:
        (card,) = bank.execute("SELECT ref FROM cards WHERE seq = 1").fetchone()
    control = Control(far_side)
    control.edit(card, {"spending_controls.spending_limits.all_time": ALLOWANCE})
    control.edit(card, {"spending_controls.spending_limits.daily": 50_000})
    control.swipe(card, Money(PRICE, "USD"))
    control.close()
    _behind(far_side, "UPDATE cards SET spending_controls = (SELECT spending_controls FROM cards WHERE seq = 1)")
    owner = f"FROM cards WHERE seq = 1 + (n * 7919) % {CARDS}"
    whose = {"card": f"(SELECT ref {owner})", "holder": f"(SELECT holder {owner})"}
    mark = "{}%05x%06x"
    auth = f"printf('{mark.format('iauth_1N')}', n, n * 7919 % 16777216)"
    copies(far_side, "authorizations", PURCHASES, {"ref": auth} | whose)
    copies(
        far_side,
        "transactions",
        PURCHASES,
        {"ref": f"printf('{mark.format('ipi_1N')}', n, n * 7919 % 16777216)", "authorization": auth} | whose,
    )
    ended = run(home, home / "log", "card", "sync", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    _plant(home, far_side)


def _plant(home: Path, far_side: Path) -> None:
    """States and limits at the bank, an event and a balance here."""
    _behind(far_side, "UPDATE cards SET status = 'inactive' WHERE seq % 300 = 7")
    limit = "replace(spending_controls, '50000', '60000')"
    _behind(far_side, f"UPDATE cards SET spending_controls = {limit} WHERE seq % 300 = 8")
    books = home / "state" / "books" / "dev.db"
    _behind(books, "DELETE FROM transactions WHERE kind = 'settlement' AND rowid % 500 = 3")
    _behind(books, "UPDATE cards SET balance_minor = balance_minor + 100 WHERE rowid % 300 = 9")


def _behind(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute(statement).rowcount
        database.commit()


@dataclass(frozen=True)
class Log:
    """What processes told, in order: `turn` of a position that is asked for, `kept` once it is in the stage."""

    lines: list[tuple[str, str]]

    @staticmethod
    def read(path: Path) -> Log:
        told = path.read_text().splitlines() if path.exists() else []
        return Log([(word, rest) for word, _, rest in (line.partition(" ") for line in told)])

    def asked(self) -> list[str]:
        return [rest for word, rest in self.lines if word == "turn"]

    def read_again(self) -> list[str]:
        """Positions that were asked for although they had been kept."""
        kept, again = set[str](), list[str]()
        for word, rest in self.lines:
            if word == "turn" and rest in kept:
                again.append(rest)
            elif word == "kept":
                kept.add(rest)
        return again


def command(log: Path, *argv: str, point: str | None = None, slow: float = 0.0) -> list[str]:
    points = [point] if point else []
    return [sys.executable, "-m", "tests.machine.wide", str(log), str(slow), *points, "--", *argv]


def run(
    home: Path, log: Path, *argv: str, point: str | None = None, kill: Callable[[], bool] = lambda: False, slow: float = 0.0
) -> subprocess.CompletedProcess[str]:
    """One process, killed as soon as `kill` says so, if it is still at work then."""
    line = command(log, *argv, point=point, slow=slow)
    with (
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
        subprocess.Popen(line, cwd=ROOT, env=environ(home), stdout=out, stderr=err) as process,
    ):
        while process.poll() is None:
            if kill():
                process.send_signal(signal.SIGKILL)
                process.wait(30)
            time.sleep(0.002)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(line, process.returncode, out.read(), err.read())


def after_lines(log: Path, lines: int, seconds: float) -> Callable[[], bool]:
    """That so much more than now was told, and then so many seconds have passed."""
    wanted, since = _lines(log) + lines, list[float]()

    def passed() -> bool:
        if not since and _lines(log) >= wanted:
            since.append(time.monotonic())
        return bool(since) and time.monotonic() - since[0] >= seconds

    return passed


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def main() -> None:
    split = sys.argv.index("--")
    log, slow, *points = sys.argv[1:split]
    told = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    _watch(lambda word, rest: os.write(told, f"{word} {rest}\n".encode()), float(slow), set(points))
    sys.argv = ["cardctl", *sys.argv[split + 1 :]]
    from cardctl import cli

    sys.exit(cli.run(sys.argv[1:], sys.stdout, sys.stderr, sys.stdin))


def _watch(tell: Callable[[str, str], object], slow: float, points: set[str]) -> None:
    from cardctl.db.stage import Stage
    from cardctl.providers.stripe_issuing.provider import StripeProvider
    from cardctl.services.flows.reconciling import running
    from cardctl.services.flows.reconciling.places import Places

    turn, turned, finish, remember = StripeProvider.turn, Stage.turned, Places.finish, running._remember

    def watched_turn(self: StripeProvider, spot: Any, *, share: bool) -> Any:
        tell("turn", _named(spot.source, spot.position))
        time.sleep(slow)
        return turn(self, spot, share=share)

    def watched_turned(self: Stage, n: int, *args: Any, **named: Any) -> None:
        ((source, position),) = self.rows("SELECT source, position FROM spots WHERE n = ?", (n,))
        turned(self, n, *args, **named)
        tell("kept", _named(source, json.loads(position)))

    def watched_finish(self: Places, run_id: str) -> None:
        _die("remembered", points)
        finish(self, run_id)
        _die("finish", points)

    def watched_remember(*args: Any) -> Any:
        _die("compared", points)
        return remember(*args)

    setattr(StripeProvider, "turn", watched_turn)  # noqa: B010 - a method, which mypy would not have assigned
    setattr(Stage, "turned", watched_turned)  # noqa: B010
    setattr(Places, "finish", watched_finish)  # noqa: B010
    setattr(running, "_remember", watched_remember)  # noqa: B010


def _die(point: str, points: set[str]) -> None:
    if point in points:
        os.kill(os.getpid(), signal.SIGKILL)


def _named(source: Any, position: Any) -> str:
    return f"{source} {json.dumps(dict(position), sort_keys=True)}"


if __name__ == "__main__":
    main()
