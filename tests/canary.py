"""Looks through files for what must never be written: card numbers and activation codes that the simulator gave out, security
codes, secrets.

The numbers and activation codes are asked of the simulator's own files, which are the bank's and may have them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FAR_SIDE = "simulator.db"
_DIGITS = bytes(byte if 48 <= byte <= 57 else 32 for byte in range(256))
"""Everything that is no digit as a space: to split by these finds the runs of digits many times as fast as to search does."""
_CODE = re.compile(rb"""["']?(?:cvc|cvv2?)["']?\s*[:=]\s*["']?[0-9]{3,4}\b""", re.IGNORECASE)
_KEY = re.compile(rb"\b(?:sk|rk)_(?:live|test)_(?!simulator)[0-9A-Za-z]{6,}")
_MARKED = re.compile(rb"cvc|cvv|k_(?:live|test)_", re.IGNORECASE)
"""In what has none of these there is no security code and no key."""
_ACTIVATION = re.compile(rb"\b[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}\b")
"""How the simulator's activation codes look."""
_OURS = {".db", ".db-wal", ".db-shm", ".log", ".json", ".ndjson", ".csv", ".html"}


def look(base: Path) -> list[str]:
    """Every place below `base`, outside the far side's own files, that holds what it must not."""
    return Watch().look(base)


class Watch:
    """Looks at one place after another, and forgets neither the numbers that were given out nor those that it saw: what a bank
    of one place gave out may lie at another, which is gone by the time that this is known."""

    def __init__(self) -> None:
        self._given: set[bytes] = set()
        self._activations: set[bytes] = set()
        self._seen: dict[bytes, str] = {}

    def look(self, base: Path) -> list[str]:
        """Every place below `base`, outside the far side's own files, that holds what it must not."""
        files = [file for file in base.rglob("*") if file.is_file() and not file.is_symlink()]
        far_sides = [file for file in files if file.name == FAR_SIDE]
        self._given.update(number for file in far_sides for number in _column(file, "SELECT number FROM cards"))
        activations = "SELECT activationCode FROM zendit_purchases WHERE activationCode IS NOT NULL"
        self._activations.update(code for file in far_sides for code in _column(file, activations))
        return [found for file in files if not file.name.startswith(FAR_SIDE) for found in self._in_file(file)]

    def late(self) -> list[str]:
        """The places that held a number which, as was seen only later, a bank had given out (or as was told already)."""
        return [f"{place}: a card number" for number, place in self._seen.items() if number in self._given]

    def _in_file(self, file: Path) -> Iterator[str]:
        try:
            data = file.read_bytes()
        except OSError:
            return  # a test took the right to read it away
        numbers = {run for run in data.translate(_DIGITS).split() if 13 <= len(run) <= 19}
        if not numbers.isdisjoint(self._given):
            yield f"{file}: a card number"
        for number in filter(_is_card_number, numbers):
            self._seen.setdefault(number, str(file))
        if file.suffix in _OURS and _MARKED.search(data):
            yield from _marked(file, data)
        if file.suffix in _OURS and self._activations and not self._activations.isdisjoint(_ACTIVATION.findall(data)):
            yield f"{file}: an activation code"


def _marked(file: Path, data: bytes) -> Iterator[str]:
    if _CODE.search(data):
        yield f"{file}: a security code"
    if _KEY.search(data):
        yield f"{file}: a secret key"


def _is_card_number(run: bytes) -> bool:
    """Whether its last digit is the right one (Luhn), as it is in all that the simulator gives out."""
    digits = [digit - 48 for digit in reversed(run)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def _column(file: Path, query: str) -> list[bytes]:
    """What one simulator has given out."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as far_side:
            return [str(value).encode() for (value,) in far_side.execute(query)]
    except sqlite3.Error:
        return []  # a test damaged it
