"""Many paid orders, and everything that gets in their way: processes that are killed, requests that fail, cards that are
declined, a wallet that runs short, mails that are not taken. What must come out, tests/machine/test_orders.py knows."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from cardctl.simulator.delivering import to_line
from tests.machine.processes import ROOT, Ended, Processes, Wanted, environ
from tests.smtp import Sink

WORKERS = 8
_MAIN = "from cardctl.__main__ import main; main()"
_LOCKED = 1_000_000_000_00
_POINTS = 60
"""A forked process passes about so many for each order (tests/machine/crashing.py)."""
NAMED = 100
"""So many orders are named in one go."""
_OFFERS = (
    (60, "ESIM-TR-7D-1GB", 490),
    (12, "ESIM-JP-15D-3GB", 900),
    (8, "ESIM-GLOBAL-30D-5GB", 1990),
    (3, "ESIM-FEE", 490),
    (3, "ESIM-NOCODE", 490),
    (2, "ESIM-SLOW", 490),
    (6, "ESIM-FAIL", 490),
    (2, "ESIM-DISABLED", 490),
    (2, "ESIM-US-30D-10GB", 500),
    (2, "ESIM-NOWHERE", 490),
)
"""How many of a hundred, what they buy, and what they pay in cents. The last four come to nothing: it fails, it is not sold any
more, it is dearer than what was paid, there is none."""
_NAME = re.compile(r"/(?:[a-z]+_[0-9A-Za-z]{14,}|T-[0-9a-f-]+|cc-[0-9a-f-]+|ESIM-[0-9A-Z-]+)")
_PAID_TWICE, _NOBODY = 0.01, 0.01
"""Orders that are paid a second time, and that name nobody to send the eSIM to."""


class Moods(dict[str, str]):
    """What the mail server answers: now and then that it takes nothing now, or it hangs up with the mail in its hands."""

    def __init__(self, sink: Sink, seed: int) -> None:
        super().__init__()
        self._sink, self._dice = sink, Random(seed)
        self.hung_up = 0
        self.good = False

    def get(self, step: str, default: Any = None) -> Any:
        if self.good or step == "QUIT" or self._dice.random() > 0.05:
            return default
        if step == "DATA" and self._dice.random() < 0.5:
            self._sink.dies = True
            self.hung_up += 1
            return default
        return "451 4.3.0 not now"


@dataclass
class Mill:
    """A home with paid orders in it. `ended` are the exit statuses of its processes, of those that were killed too; they have
    interpreters of their own, unless they are `forked` (which saves the seconds that each takes to begin). `asked` is what the
    providers were asked, retries and killed processes included, without names."""

    home: Path
    sink: Sink
    dice: Random
    forked: Processes | None = None
    ended: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    _heard: Counter[int] = field(default_factory=Counter)
    _number: Iterator[int] = field(default_factory=count)

    @property
    def kills(self) -> int:
        return self.ended[-9]

    @property
    def far_side(self) -> Control:
        return Control(self.home / "state" / "simulator.db")

    def sell(self, many: int) -> list[Path]:
        """So many customers pay; what Stripe tells of it, in files."""
        shares = [share for share, *_ in _OFFERS]
        sales = []
        for number in range(many):
            _, offer, cents = self.dice.choices(_OFFERS, shares)[0]
            told = {"offerId": offer, "transactionId": f"T-{number}", "fullName": f"Buyer {number}"}
            if self.dice.random() >= _NOBODY:
                told["recipientEmail"] = f"buyer{number}@example.com"
            sale = Money(cents, "USD"), told, None
            sales += [sale] * (2 if self.dice.random() < _PAID_TWICE else 1)
        far_side = self.far_side
        far_side.sell_all(sales)
        posted = [json.dumps(to_line(each)) for each in far_side.deliveries(face="stripe")]
        far_side.close()
        self.dice.shuffle(posted)
        return [self._written(number, posted[number::4]) for number in range(4)]

    def _written(self, number: int, lines: Sequence[str]) -> Path:
        file = self.home / f"told{number}.jsonl"
        file.write_text("".join(f"{line}\n" for line in lines))
        return file

    def run(self, *argv: str, patience: int | None = None) -> None:
        """One process, killed once `patience` more orders have ended, or about as many; None: it is left alone."""
        if self.forked is not None:
            kill = None if patience is None else self.dice.randint(1, _POINTS * (patience + 1))
            self._ran([self.forked.run(self.home, *argv, kill=kill)])
            return
        process = self._started(*argv)
        if patience is not None:
            self._wait(process, self.done() + patience)
            process.kill()
        self._end(process)

    def together(self, *argvs: Sequence[str]) -> None:
        """Processes at the same time."""
        if self.forked is not None:
            self._ran(self.forked.together([Wanted(self.home, [argv]) for argv in argvs]))
            return
        for process in [self._started(*argv) for argv in argvs]:
            self._end(process)

    def go_on(self, names: Sequence[str] = (), *, patience: int | None = None) -> None:
        """`esim retry` of what is due, or of these alone."""
        self.run("esim", "retry", "--workers", str(WORKERS), "-o", "json", *names[:NAMED], patience=patience)

    def waiting(self) -> list[str]:
        """Orders that are not due yet, in any order; where they are named, they are due at once."""
        waiting = self._books(f"SELECT id FROM orders WHERE due_at BETWEEN '{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}' AND '9000'")
        return self.dice.sample([name for (name,) in waiting], k=len(waiting))

    def unfinished(self) -> list[str]:
        """Orders that have not ended, or whose customer was not told of it."""
        return [row[0] for row in self._books("SELECT id FROM orders WHERE due_at < '9000'")]

    def stuck(self) -> list[str]:
        """Orders that wait for a person."""
        return [row[0] for row in self._books("SELECT id FROM orders WHERE state = 'stuck'")]

    def done(self) -> int:
        return int(self._books("SELECT count(*) FROM orders WHERE state IN ('delivered', 'refunded')")[0][0])

    def payments(self) -> list[str]:
        return [row[0] for row in self._books("SELECT payment_ref FROM orders WHERE state = 'paid'")]

    def listen(self) -> None:
        """Count what the logs say by now; they are turned over, and the oldest thrown away."""
        for file in (self.home / "logs").glob("*.log*"):
            with file.open("rb") as log:
                which = os.fstat(log.fileno()).st_ino
                log.seek(self._heard[which])
                for line in log:
                    if b'"provider_call"' in line and line.endswith(b"}\n"):
                        told = json.loads(line)
                        self.asked[f"{told['provider']} {told['method']} {_NAME.sub('/…', told['path'])}"] += 1
                self._heard[which] = log.tell()

    def check(self, *argv: str) -> None:
        """One command that must find nothing."""
        before = self.ended[0]
        self.run(*argv)
        assert self.ended[0] == before + 1, argv

    def _books(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "state" / "books" / "dev.db", timeout=30)) as books:
            return books.execute(query).fetchall()

    def _ran(self, ended: Sequence[Ended]) -> None:
        self.ended.update(one.status if one.status else one.only.code for one in ended)
        self.listen()

    def _started(self, *argv: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _MAIN, *argv]
        with (self.home / f"said{next(self._number)}").open("w") as said:
            return subprocess.Popen(command, env=environ(self.home), cwd=ROOT, text=True, stdout=said, stderr=said)

    def _wait(self, process: subprocess.Popen[str], until: int) -> None:
        while process.poll() is None and self.done() < until:
            time.sleep(0.05)
        if process.poll() is None:
            time.sleep(self.dice.uniform(0, 0.1))

    def _end(self, process: subprocess.Popen[str]) -> None:
        self.ended[process.wait(1800)] += 1
        self.listen()

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """While the block lasts, somebody else recharges the wallet a little at a time, and locks the cards' money away."""
        over = Event()
        with ThreadPoolExecutor(1) as aside:
            meddling = aside.submit(self._meddle, over, Random(self.dice.random()))
            try:
                yield
            finally:
                over.set()
            meddling.result()

    def _meddle(self, over: Event, dice: Random) -> None:
        """By how much the wallet is recharged follows how many orders have ended: now more, now less than what the next ones
        cost."""
        far_side, before = self.far_side, 0
        while not over.wait(dice.uniform(0.2, 0.6)):
            now = self.done()
            if now > before:
                far_side.recharge_wallet(Money(dice.randint(1, 400) * (now - before), "USD"))
            before = now
            if dice.random() < 0.05:
                self._lock_away(_LOCKED)
                over.wait(dice.uniform(0.5, 3))
                self._lock_away(-_LOCKED)
        far_side.close()

    def _lock_away(self, cents: int) -> None:
        """From Stripe's Issuing balance, which then declines every card; negative: back into it."""
        query = "UPDATE floats SET available = available - ? WHERE face = 'stripe' AND purse = 'issuing'"
        with closing(sqlite3.connect(self.home / "state" / "simulator.db", timeout=30)) as far, far:
            far.execute(query, (cents,))
