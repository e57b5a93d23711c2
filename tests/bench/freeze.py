"""How long a freeze takes in the simulator, against importing what it stands on: `python -m tests.bench.freeze [RUNS]`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.bench.measuring import Command, alternate, cardctl, home_env, once, python, ratios

BASE = "import typer, sqlmodel, httpx, stripe"
RUNS = 15


def main(runs: int = RUNS) -> None:
    """Print the table. Freeze and unfreeze take turns, so that each has something to do."""
    with tempfile.TemporaryDirectory() as place:
        env = home_env(Path(place))
        once(Command(cardctl("provision", "--dev"), env))
        card = _first_card(env)
        commands = {
            BASE: Command(python(BASE)),
            "card freeze": Command(cardctl("card", "freeze", card), env),
            "card unfreeze": Command(cardctl("card", "unfreeze", card), env),
            "card fund": Command(cardctl("card", "fund", card, "--amount", "1"), env),
            "card show": Command(cardctl("card", "show", card), env),
        }
        series = alternate(commands, runs=runs)
    ratios(series, BASE, {"card freeze": "1.5"})


def _first_card(env: Mapping[str, str]) -> str:
    argv = cardctl("card", "list", "-o", "json")
    listed = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, check=True).stdout
    return str(json.loads(listed)["data"][0]["id"])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
