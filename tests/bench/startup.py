"""How fast cardctl tells its version, its help and its completions: `python -m tests.bench.startup [RUNS]`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.measuring import Command, alternate, cardctl, home_env, once, python, ratios

HELLO = "import typer\ndef main() -> None: print('Hello World')\ntyper.run(main)"  # the first example of Typer's documentation
BASE = "hello-world Typer app"
RUNS = 20
CARDS = 100


def _completion(words: str, env: Mapping[str, str]) -> Command:
    shell = {"_CARDCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    return Command(cardctl(), {**env, **shell})


def _commands(home: Path) -> dict[str, Command]:
    env = home_env(home)
    words = ("--version", "--help", "card --help", "card list --help")
    typed = ("cardctl ca", "cardctl card fr", "cardctl card list --pro", "cardctl card freeze card_")
    commands = {f"cardctl {each}": Command(cardctl(*each.split()), env) for each in words}
    return commands | {f"complete `{each}`": _completion(each, env) for each in typed}


def main(runs: int = RUNS) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as place:
        once(Command([sys.executable, "-m", "tests.bench.seed", place, str(CARDS)]))
        commands = {BASE: Command(python(HELLO))} | _commands(Path(place))
        series = alternate(commands, runs=runs)
    ratios(series, BASE, dict.fromkeys(commands, "1.5") | {BASE: "", "cardctl --version": "1.0"})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
