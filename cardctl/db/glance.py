"""Ids for shell completion, from a SQLite file alone: read-only, quick, silent. It makes nothing and never fails."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from cardctl.domain.redaction import printable

_CARDS = "SELECT id, last4 || ' ' || state || ', ' || holder FROM cards"
_ACCOUNTS = "SELECT id, name || ', ' || state FROM accounts"
_SAVED_CARDS = "SELECT id, person || ' ' || state FROM saved_cards"
_OPERATIONS = "SELECT id, kind || ' ' || state FROM operations"


def card_ids(path: str | Path, prefix: str = "", limit: int = 50) -> list[tuple[str, str]]:
    """The newest cards whose id begins so, each with a word of help; nothing where the books cannot be read at once."""
    return _ids(path, _CARDS, prefix, limit)


def account_ids(path: str | Path, prefix: str = "", limit: int = 50) -> list[tuple[str, str]]:
    """The newest accounts whose id begins so."""
    return _ids(path, _ACCOUNTS, prefix, limit)


def saved_card_ids(path: str | Path, prefix: str = "", limit: int = 50) -> list[tuple[str, str]]:
    """The newest saved cards whose id begins so."""
    return _ids(path, _SAVED_CARDS, prefix, limit)


def operation_ids(path: str | Path, prefix: str = "", limit: int = 50) -> list[tuple[str, str]]:
    """The newest operations whose id begins so."""
    return _ids(path, _OPERATIONS, prefix, limit)


def _ids(path: str | Path, query: str, prefix: str, limit: int) -> list[tuple[str, str]]:
    ordered = f"{query} WHERE id >= ? AND id < ? ORDER BY created_at DESC, id DESC LIMIT ?"
    try:
        # Read-only alone would still make a -shm file beside a WAL database; a file without a log is read as it is.
        still = "" if os.path.exists(f"{path}-wal") else "&immutable=1"
        with closing(sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro{still}", uri=True, timeout=0.1)) as books:
            rows = books.execute(ordered, (prefix, prefix + "\U0010ffff", limit)).fetchall()
        return [(str(id_), printable(str(words))) for id_, words in rows]
    except Exception:
        return []
