"""How long lists take, against importing what they stand on: `python -m tests.bench.lists [RUNS]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.measuring import Command, Series, alternate, cardctl, home_env, once, python, ratios
from tests.bench.seed import accounts_of

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
        few, many = _lists(homes[FEW], FEW, ["json"]), _lists(homes[MANY], MANY, ["json", "ndjson", "csv"])
        series = alternate({BASE: Command(python(BASE))} | few | many, runs=runs)
    wanted = {_label("card list -o json", FEW): "1.2"}
    wanted |= {_label(name, MANY): "under 1000 ms" for name in ("card list | cat", "card list on a terminal")}
    ratios(series, BASE, wanted)
    _say_allowance(series, _label("card list -o json", MANY))


def _lists(home: Path, count: int, outputs: Sequence[str]) -> dict[str, Command]:
    """Lists of `count` cards and transactions, and of their accounts, under the names of the table."""
    env = home_env(home)
    nouns = ("card", "account", "transaction")
    lists = {f"{noun} list -o {each}": Command(cardctl(noun, "list", "-o", each), env) for noun in nouns for each in outputs}
    lists["card list | cat"] = Command(cardctl("card", "list"), env)
    lists["card list on a terminal"] = Command(cardctl("card", "list"), env, terminal=True)
    return {_label(name, count): command for name, command in lists.items()}


def _label(name: str, count: int) -> str:
    return f"{name}, {accounts_of(count) if name.startswith('account') else count} rows"


def _say_allowance(series: Mapping[str, Series], name: str) -> None:
    base, took = series[BASE], series[name]
    pairs = [("least", base.least, took.least), ("median", base.median, took.median), ("processor", base.cpu, took.cpu)]
    print(f"\n{name}: 1.3 times the base and {_SLACK_MS} ms")
    for word, standard, seconds in pairs:
        print(f"  by {word:9} allowed {standard * 1300 + _SLACK_MS:6.0f} ms, took {seconds * 1000:6.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
