"""How near a reconcile comes to the rate limit: `python -m tests.bench.reconciling_rate CARDS RATE LATENCY_MS HOME`.

A far side with so many cards, made over a year, and three money events for each two of them, is served by a process of its own;
the books are filled by a sync without a limit. Then another process runs `cardctl reconcile --provider stripe` at RATE requests
a second. Told are the requests that were needed and made, the time, and its ratio to requests ÷ RATE; asserted is that
everything was compared, and no break found.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.bench.measuring import CARDCTL
from tests.bench.serving import configure, served
from tests.bench.syncing import copies, seed_stripe

WANTED = 1.10
PAGE = 100


def main(argv: list[str]) -> None:
    cards, rate, latency, home = int(argv[0]), int(argv[1]), int(argv[2]), Path(argv[3])
    home.mkdir(parents=True)
    env = os.environ | {"CARDCTL_HOME": str(home), "CARDCTL_PROFILE": "bench"}
    configure(home, "http://127.0.0.1:1", rate)
    purchases = cards * 3 // 4
    _seed(home / "state" / "simulator.db", cards, purchases)
    with served(env, 0) as url:
        configure(home, url, 0)
        _cardctl(env, "card", "sync", "--provider", "stripe", "-o", "json")
    with served(env, latency) as url:
        configure(home, url, rate)
        begun = time.monotonic()
        told = _cardctl(env, "reconcile", "--provider", "stripe", "-o", "json")
        wall = time.monotonic() - begun
    _tell(told["run"], cards, purchases, rate, wall)


def _tell(run: dict[str, Any], cards: int, purchases: int, rate: int, wall: float) -> None:
    (figures,) = run["figures"]["programmes"].values()
    assert run["found"] == 0, run
    assert figures["cards"] == {"here": cards, "there": cards, "differing": 0}, figures
    assert figures["transactions"]["there"] == figures["transactions"]["here"] == 2 * purchases, figures
    needed = sum(-(-many // PAGE) for many in (figures["accounts"]["there"], cards, purchases, purchases))
    made, seconds = figures["requests"], run["figures"]["seconds"]
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{cards} cards, {2 * purchases} money events: {wall:.1f} s ({seconds}), {needed} requests needed, {made} made")
    print(
        f"at {rate} a second: {wall / (made / rate):.3f} of made ÷ limit, {wall / (needed / rate):.3f} of needed ÷ limit"
        f" ({WANTED} is wanted); reading alone {seconds['reading'] / (made / rate):.3f} of made ÷ limit; peak {peak} MB"
    )


def _cardctl(env: dict[str, str], *words: str) -> dict[str, Any]:
    ended = subprocess.run([sys.executable, "-c", CARDCTL, *words], env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return dict(json.loads(ended.stdout)["data"])


def _seed(far_side: Path, cards: int, purchases: int) -> None:
    """Each purchase an authorization and its capture, all over the year."""
    far_side.parent.mkdir(parents=True, exist_ok=True)
    seed_stripe(far_side, cards)
    control = Control(far_side)
    with closing(sqlite3.connect(far_side)) as bank:
        (card,) = bank.execute("SELECT ref FROM cards WHERE seq = 1").fetchone()
    control.swipe(card, Money(12_50, "USD"))
    control.close()
    owner = f"FROM cards WHERE seq = 1 + (n * 7919) % {cards}"
    whose = {"card": f"(SELECT ref {owner})", "holder": f"(SELECT holder {owner})"}
    asked, captured = (f"printf('{kind}_1N%06x%06x', n, n * 7919 % 16777216)" for kind in ("iauth", "ipi"))
    copies(far_side, "authorizations", purchases, {"ref": asked} | whose)
    copies(far_side, "transactions", purchases, {"ref": captured, "authorization": asked} | whose)


if __name__ == "__main__":
    main(sys.argv[1:])
