"""How long lists take, against importing what they stand on: `python -m tests.bench.lists [RUNS]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.measuring import Command, Series, alternate, cardctl, home_env, once, python, ratios

BASE = "import typer, sqlmodel, rich.table"
RUNS = 15
MANY, FEW = 10_000, 3
_SLACK_MS = 150


def main(runs: int = RUNS) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        homes = {count: Path(place, str(count)) for count in (FEW, MANY)}
        for count, home in homes.items():
            once(Command([sys.executable, "-m", "tests.bench.seed", str(home), str(count), str(count)]))
        series = alternate({BASE: Command(python(BASE)), **_few(homes[FEW]), **_many(homes[MANY])}, runs=runs)
    few = f"card list -o json, {FEW}"
    ratios(series, BASE, {few: "1.2", **{name: "1000 ms" for name in series if "table" in name and "card list" in name}})
    _say_allowance(series, f"card list -o json, {MANY}")


def _few(home: Path) -> dict[str, Command]:
    env = home_env(home)
    return {
        f"card list -o json, {FEW}": Command(cardctl("card", "list", "-o", "json"), env),
        f"card list as a table in a pipe, {FEW}": Command(cardctl("card", "list"), env),
        f"card list as a table on a terminal, {FEW}": Command(cardctl("card", "list"), env, terminal=True),
        f"account list -o json, {FEW // 10 + 1}": Command(cardctl("account", "list", "-o", "json"), env),
        f"transaction list -o json, {FEW}": Command(cardctl("transaction", "list", "-o", "json"), env),
    }


def _many(home: Path) -> dict[str, Command]:
    env = home_env(home)
    cards = {
        f"card list -o {each}, {MANY}": Command(cardctl("card", "list", "-o", each), env) for each in ("json", "ndjson", "csv")
    }
    return cards | {
        f"card list as a table in a pipe, {MANY}": Command(cardctl("card", "list"), env),
        f"card list as a table on a terminal, {MANY}": Command(cardctl("card", "list"), env, terminal=True),
        f"account list -o json, {MANY // 10}": Command(cardctl("account", "list", "-o", "json"), env),
        f"transaction list -o json, {MANY}": Command(cardctl("transaction", "list", "-o", "json"), env),
    }


def _say_allowance(series: Mapping[str, Series], name: str) -> None:
    base, took = series[BASE], series[name]
    pairs = [("least", base.least, took.least), ("median", base.median, took.median), ("processor", base.cpu, took.cpu)]
    print(f"\n{name}: 1.3 times the base and {_SLACK_MS} ms")
    for word, standard, seconds in pairs:
        print(f"  by {word:9} allowed {standard * 1300 + _SLACK_MS:6.0f} ms, took {seconds * 1000:6.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
