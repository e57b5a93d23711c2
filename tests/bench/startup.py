"""How long cardctl takes to answer what needs no books, against a hello-world Typer app: `python -m tests.bench.startup`."""

from __future__ import annotations

import sys

from tests.bench.measuring import Command, alternate, cardctl, python, ratios

HELLO = "import typer\ndef main() -> None: print('Hello World')\ntyper.run(main)"  # the first example of Typer's documentation
BASE = "hello-world Typer app"
RUNS = 20


def _completion(words: str) -> Command:
    env = {"_CARDCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    return Command(cardctl(), env)


def main(runs: int = RUNS) -> None:
    """Print the table."""
    commands = {
        BASE: Command(python(HELLO)),
        "cardctl --version": Command(cardctl("--version")),
        "cardctl --help": Command(cardctl("--help")),
        "cardctl card --help": Command(cardctl("card", "--help")),
        "cardctl card list --help": Command(cardctl("card", "list", "--help")),
        "complete `cardctl ca`": _completion("cardctl ca"),
        "complete `cardctl card fr`": _completion("cardctl card fr"),
        "complete `cardctl card list --pro`": _completion("cardctl card list --pro"),
    }
    wanted = dict.fromkeys(commands, "1.5") | {BASE: "", "cardctl --version": "1.0"}
    ratios(alternate(commands, runs=runs), BASE, wanted)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
