"""How near a list of new cards comes to the rate limit: `python -m tests.bench.issuing PROVIDER CARDS RATE WORKERS HOME`.

The far side is served by a process of its own; another one runs `cardctl card issue --from` against it at RATE requests a
second (0: without a limit). Told are the time, the requests, the ratio of the time to requests ÷ RATE, the processor that a
card took, and the memory of the client after every thousand cards. Asserted is that both sides have every card once.
"""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from tests.bench.measuring import CARDCTL, home_env
from tests.bench.serving import configure, served

ACCOUNTS = 100
_FAR = {"stripe": "cards", "marqeta": "marqeta_cards", "strowallet": "strowallet_cards"}
_FUND = {"stripe": "25.00", "marqeta": "", "strowallet": "5.00"}
_EVERY = 1_000


class Taken(NamedTuple):
    """Seconds on the wall and of processor, and what the client's memory was (MB now, MB at most) at so many cards."""

    wall: float
    cpu: float
    memory: list[tuple[int, int, int]]


def main(argv: list[str]) -> None:
    provider, cards, rate, workers, home = argv[0], int(argv[1]), int(argv[2]), int(argv[3]), Path(argv[4])
    home.mkdir(parents=True)
    env = os.environ | home_env(home) | {"CARDCTL_PROFILE": "bench"}
    configure(home, "http://127.0.0.1:1", rate)
    with served(env, 0) as url:
        configure(home, url, 0)
        _make_accounts(provider, env, min(ACCOUNTS, cards))
        configure(home, url, rate)
        listed = _written(home / "cards.csv", provider, cards)
        before = _counted(home, "calls")
        taken = _issued(home, env, listed, workers)
    _check(provider, home, cards)
    _tell(cards, rate, taken, _counted(home, "calls") - before)


def _make_accounts(provider: str, env: dict[str, str], count: int) -> None:
    script = f"from tests.bench.issuing import make_accounts; make_accounts({provider!r}, {count})"
    subprocess.run([sys.executable, "-c", script], env=env, check=True)


def make_accounts(provider: str, count: int) -> None:
    """So many accounts at the provider, `user-0` and on, in the profile in use."""
    from cardctl import runtime
    from cardctl.domain.accounts import NewAccount
    from cardctl.services.deeds.issuing import create_account

    with runtime.opened(provider=provider) as run:
        for number in range(count):
            create_account(run.desk(), NewAccount(f"Jenny Rosen {number}", f"user-{number}", f"jenny{number}@example.com"))


def _written(path: Path, provider: str, cards: int) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["account", "key", "fund"])
        rows.writerows([f"user-{n % min(ACCOUNTS, cards)}", f"card-{n}", _FUND[provider]] for n in range(cards))
    return path


def _issued(home: Path, env: dict[str, str], listed: Path, workers: int) -> Taken:
    words = ["card", "issue", "--from", str(listed), "--workers", str(workers), "--yes", "--no-limits", "-o", "json"]
    memory: list[tuple[int, int, int]] = []
    begun = time.monotonic()
    with (home / "said").open("w") as said:
        client = subprocess.Popen([sys.executable, "-c", CARDCTL, *words], env=env, stdout=said, stderr=said)
        while not (ended := os.wait4(client.pid, os.WNOHANG))[0]:
            if (made := _counted(home, "cards")) >= _EVERY * (len(memory) + 1):
                memory.append((made, *_memory(client.pid)))
            time.sleep(0.2)
    wall, (_, status, usage) = time.monotonic() - begun, ended
    client.returncode = os.waitstatus_to_exitcode(status)
    memory.append((_counted(home, "cards"), usage.ru_maxrss // 1024, usage.ru_maxrss // 1024))
    if client.returncode:
        sys.exit(f"it ended with {client.returncode}: {(home / 'said').read_text()[-2000:]}")
    return Taken(wall, usage.ru_utime + usage.ru_stime, memory)


def _memory(pid: int) -> tuple[int, int]:
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return tuple(int(told.get(name, "0 kB").split()[0]) // 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def _check(provider: str, home: Path, cards: int) -> None:
    far = home / "state" / "simulator.db"
    with closing(sqlite3.connect(home / "state" / "books" / "bench.db")) as books, closing(sqlite3.connect(far)) as bank:
        ours = sorted(row[0] for row in books.execute("SELECT ref FROM cards"))
        theirs = sorted(row[0] for row in bank.execute(f"SELECT ref FROM {_FAR[provider]}"))
        keys = books.execute("SELECT count(DISTINCT key) FROM cards").fetchone()[0]
    assert ours == theirs, "the two sides differ"
    assert len(ours) == keys == cards, f"{len(ours)} cards of {keys} rows"


def _counted(home: Path, table: str) -> int:
    with closing(sqlite3.connect(home / "state" / "books" / "bench.db")) as books:
        return int(books.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _tell(cards: int, rate: int, taken: Taken, requests: int) -> None:
    wall, cpu, memory = taken
    print(f"{cards} cards in {wall:.1f} s: {cards / wall:.1f} a second, {cpu / cards * 1000:.2f} ms of processor each")
    if rate:
        print(f"{requests} requests, at {rate} a second {requests / rate:.1f} s: ratio {wall / (requests / rate):.3f}")
    print("memory: " + ", ".join(f"{made} cards {now} MB (peak {peak})" for made, now, peak in memory))


if __name__ == "__main__":
    main(sys.argv[1:])
