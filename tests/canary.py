"""Looks through files for what must never be written: card numbers that the simulator gave out, security codes, secrets.

The numbers are asked of the simulator's own files, which are the bank's and may have them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FAR_SIDE = "simulator.db"
_RUN = re.compile(rb"(?<![0-9])[0-9]{13,19}(?![0-9])")
_CODE = re.compile(rb"""["']?(?:cvc|cvv2?)["']?\s*[:=]\s*["']?[0-9]{3,4}\b""", re.IGNORECASE)
_KEY = re.compile(rb"\b(?:sk|rk)_(?:live|test)_(?!simulator)[0-9A-Za-z]{6,}")
_OURS = {".db", ".db-wal", ".db-shm", ".log", ".json", ".ndjson", ".csv", ".html"}


def look(base: Path) -> list[str]:
    """Every place below `base`, outside the far side's own files, that holds what it must not."""
    files = [file for file in base.rglob("*") if file.is_file() and not file.is_symlink()]
    numbers = {number for file in files if file.name == FAR_SIDE for number in _numbers(file)}
    return [found for file in files if not file.name.startswith(FAR_SIDE) for found in _in_file(file, numbers)]


def _in_file(file: Path, numbers: set[bytes]) -> Iterator[str]:
    try:
        data = file.read_bytes()
    except OSError:
        return  # a test took the right to read it away
    if any(run in numbers for run in _RUN.findall(data)):
        yield f"{file}: a card number"
    if file.suffix in _OURS and _CODE.search(data):
        yield f"{file}: a security code"
    if file.suffix in _OURS and _KEY.search(data):
        yield f"{file}: a secret key"


def _numbers(file: Path) -> list[bytes]:
    """Every card number of one simulator."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as far_side:
            return [str(number).encode() for (number,) in far_side.execute("SELECT number FROM cards")]
    except sqlite3.Error:
        return []  # a test damaged it
