"""The log: JSON lines in the log directory, rotated, 0600, made on the first line. What to log is decided elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import cached_property
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from cardctl.domain.redaction import redact, redact_json

CATEGORIES = ("card_lifecycle", "webhook_ingest", "balance_reconcile", "security", "provider_call")
_FIELDS = ("category", "event_type", "card_id", "account_id", "correlation_id", "diff")
"""Every line has these, and `timestamp` and `level`; null where they say nothing."""
_SIZE, _KEPT = 5_000_000, 5


class Log:
    """One process's log. A log that cannot be written never stops the work that it tells of."""

    def __init__(self, directory: Path, *, correlation_id: str, mirror: Callable[[str], None] | None = None) -> None:
        self._file = directory / "cardctl.log"
        self._correlation_id = correlation_id
        self._mirror = mirror

    def write(self, category: str, event_type: str, fields: dict[str, Any], *, level: int = logging.INFO) -> None:
        """One line; an `object` that is a card or an account is named as such."""
        told = dict(redact_json(fields))
        subject = str(told.pop("object", ""))
        told |= {"card_id": subject} if subject.startswith("card_") else {}
        told |= {"account_id": subject} if subject.startswith("account_") else {}
        line = dict.fromkeys(_FIELDS) | told | {"category": category, "correlation_id": self._correlation_id}
        self._logger.log(level, {**line, "event_type": event_type})  # as the message: `extra` takes not every name
        if self._mirror:
            self._mirror(" ".join([category, event_type, *(f"{name}={value}" for name, value in told.items())]))

    def traceback(self, text: str) -> Path:
        """A bug's traceback, redacted, as one line; returns the file."""
        self.write("security", "bug", {"traceback": redact(text)}, level=logging.ERROR)
        return self._file

    def close(self) -> None:
        """Give the file back, where it was opened."""
        for handler in self._logger.handlers if "_logger" in self.__dict__ else ():
            handler.close()

    @cached_property
    def _logger(self) -> logging.Logger:
        from pythonjsonlogger.json import JsonFormatter  # noqa: PLC0415 - most commands log nothing

        logger = logging.Logger("cardctl")
        try:
            handler = _PrivateFile(self._file, maxBytes=_SIZE, backupCount=_KEPT, encoding="utf-8")
        except OSError:
            logger.addHandler(logging.NullHandler())
            return logger
        names = {"levelname": "level"}
        formatter = JsonFormatter(
            "%(levelname)s", timestamp=True, rename_fields=names, json_ensure_ascii=False, reserved_attrs=_RESERVED
        )
        handler.setFormatter(formatter)
        logger.addHandler(handler)
        return logger


_RESERVED = [*logging.LogRecord("", 0, "", 0, "", None, None).__dict__, "message", "asctime", "taskName"]


class _PrivateFile(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        file = Path(self.baseFilename)
        for directory in reversed(file.parents):  # `parents=True` would make the upper ones for everybody to read
            directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding=self.encoding, errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """A full disk must not stop a freeze, nor print a traceback."""
