"""What the receiver has to say, gathered for a moment and then written as few lines: never a body, a query or a header."""

from __future__ import annotations

import logging
from collections import Counter
from threading import Lock
from typing import Protocol

CATEGORY = "webhook_ingest"
_MOST = 500
"""Different lines between two flushes; what comes beyond them is one more line that counts the rest."""
_BEYOND = ("more", (), logging.WARNING)


class Write(Protocol):
    """`output.log.Log.write`."""

    def __call__(self, category: str, event_type: str, fields: dict[str, object], *, level: int = ...) -> None: ...


class Logbook:
    """Safe for threads; `flush` writes, so that noting waits for no disk. The same words again are counted."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._lines: Counter[tuple[str, tuple[tuple[str, str], ...], int]] = Counter()
        self._lock = Lock()

    def note(self, event_type: str, many: int = 1, *, level: int = logging.INFO, **fields: str) -> None:
        line = event_type, tuple(fields.items()), level
        with self._lock:
            self._lines[line if line in self._lines or len(self._lines) < _MOST else _BEYOND] += many

    def warn(self, text: str) -> None:
        """A problem that a person should see."""
        self.note("problem", level=logging.WARNING, message=text)

    def flush(self) -> None:
        with self._lock:
            lines, self._lines = self._lines, Counter()
        for (event_type, fields, level), many in lines.items():
            self._write(CATEGORY, event_type, {**dict(fields), "count": many}, level=level)
