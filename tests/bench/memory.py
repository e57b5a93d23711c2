"""How much memory lists need, over few rows and over many: `python -m tests.bench.memory [ROWS [HOME]]`.

A HOME that is named is seeded where it is not there yet, and kept: a million rows take minutes to make.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.bench.measuring import Command, cardctl, home_env, once

MANY, FEW = 1_000_000, 1_000
WANTED_MB = 150
_LISTS = [f"card list -o {output}" for output in ("ndjson", "json", "csv", "table")]
_LISTS += ["transaction list -o ndjson", "account list -o ndjson"]


def main(many: int = MANY, home: str | None = None) -> None:
    """Print peaks of resident memory, and seconds."""
    with tempfile.TemporaryDirectory() as place:
        homes = {FEW: Path(place, "few"), many: Path(home) if home else Path(place, "many")}
        for count, path in homes.items():
            if not path.exists():
                once(Command([sys.executable, "-m", "tests.bench.seed", str(path), str(count), str(count)]))
        print(f"{f'under {WANTED_MB} MB is wanted':30}", *(f"{f'{count} rows: MB':>20} seconds" for count in homes))
        for words in _LISTS:
            taken = [once(Command(cardctl(*words.split()), home_env(path))) for path in homes.values()]
            print(f"{words:30}", *(f"{run.peak:20.1f} {run.wall:7.2f}" for run in taken), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else MANY, *sys.argv[2:3])
