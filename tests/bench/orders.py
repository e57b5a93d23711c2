"""What the chain of an order costs beside its bare commits and requests: `python -m tests.bench.orders ORDERS WORKERS HOME`.

So many paid orders are taken in, and `cardctl esim retry` delivers them, without a mail server. Its commits and requests are
counted; then a bare SQLite file commits as often, with as many rows as an order leaves, and a bare client asks the simulator
for as many purchases and readings of them. Told are orders a second, what an order takes, and the ratio of the times.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import sqlalchemy

from cardctl import cli
from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from cardctl.simulator.delivering import to_line
from cardctl.simulator.transport import SimulatorTransport
from tests.bench.measuring import home_env

ORDERS, WORKERS = 200, 8
OFFER = "ESIM-TR-7D-1GB"
WANTED = 0.15
_ROW = "x" * 300


def main(orders: int = ORDERS, workers: int = WORKERS, home: Path | None = None) -> None:
    with tempfile.TemporaryDirectory() as place:
        home = home or Path(place)
        os.environ.update(home_env(home))
        far_side = home / "state" / "simulator.db"
        _take_in(home, far_side, orders)
        with _counted() as counts:
            took = _timed(lambda: _run("esim", "retry", "--workers", str(workers), "-o", "json"))
        _check(home, orders)
        commits, rows = counts["commit"], _rows(home)
        bare = _timed(lambda: _commit(home / "bare.db", commits, rows // commits))
        asked = _timed(lambda: _ask(far_side, orders))
    ratio = (bare + asked) / took
    print(f"{orders} orders in {took:.1f} s: {orders / took:.1f} a second with {workers} workers")
    print(f"an order: {commits / orders:.2f} commits, {rows / orders:.1f} rows, {counts['request'] / orders:.2f} requests")
    print(f"bare: {bare:.2f} s of commits, {asked:.2f} s of requests; ratio {ratio:.2f}   wanted {WANTED}")


def _take_in(home: Path, far_side: Path, orders: int) -> None:
    control = Control(far_side)
    told = [{"offerId": OFFER, "recipientEmail": f"b{n}@example.com", "transactionId": f"T-{n}"} for n in range(orders)]
    control.sell_all((Money(490, "USD"), each, None) for each in told)
    file = home / "told.jsonl"
    file.write_text("".join(json.dumps(to_line(each)) + "\n" for each in control.deliveries(face="stripe")))
    control.close()
    _run("webhook", "ingest", str(file))


def _run(*argv: str) -> None:
    said = io.StringIO()
    if code := cli.run(list(argv), said, said, io.StringIO()):
        sys.exit(f"{argv} ended with {code}: {said.getvalue()[-2000:]}")


@contextmanager
def _counted() -> Iterator[Counter[str]]:
    """Commits of the books, and requests."""
    counts: Counter[str] = Counter()

    def counting(name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            counts[name] += 1
            return act(*arguments, **named)

        return counted

    commit, request = sqlalchemy.Connection.commit, SimulatorTransport.handle_request
    with (
        patch.object(sqlalchemy.Connection, "commit", counting("commit", commit)),
        patch.object(SimulatorTransport, "handle_request", counting("request", request)),
    ):
        yield counts


def _rows(home: Path) -> int:
    """What a run writes: the orders themselves time and again, the steps, the journal, the audit."""
    queries = ("SELECT count(*) * 7 FROM orders", "SELECT sum(tries) FROM order_steps", "SELECT count(*) * 3 FROM operations")
    with closing(sqlite3.connect(home / "state" / "books" / "dev.db")) as books:
        counts = [int(books.execute(query).fetchone()[0]) for query in (*queries, "SELECT count(*) FROM audit")]
    return sum(counts)


def _commit(file: Path, commits: int, rows: int) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
        for _ in range(commits):
            database.execute("BEGIN IMMEDIATE")
            for _ in range(rows):
                database.execute("INSERT INTO bare (text) VALUES (?)", (_ROW,))
            database.execute("COMMIT")


def _ask(far_side: Path, orders: int) -> None:
    transport = SimulatorTransport(far_side)
    key = {"Authorization": "Bearer sand_simulator"}
    with httpx.Client(transport=transport, base_url="https://test-api.zendit.io/v1", headers=key) as client:
        for number in range(orders):
            wish = {"offerId": OFFER, "transactionId": f"bare-{number}"}
            client.post("/esim/purchases", json=wish).raise_for_status()
            client.get(f"/esim/purchases/bare-{number}").raise_for_status()


def _timed(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _check(home: Path, orders: int) -> None:
    with closing(sqlite3.connect(home / "state" / "books" / "dev.db")) as books:
        states = dict(books.execute("SELECT state, count(*) FROM orders GROUP BY state").fetchall())
    assert states == {"delivered": orders}, states


if __name__ == "__main__":
    told = dict(enumerate(sys.argv))
    main(int(told.get(1, ORDERS)), int(told.get(2, WORKERS)), Path(told[3]) if 3 in told else None)
