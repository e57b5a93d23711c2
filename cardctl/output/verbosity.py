"""How much is said on stderr of what goes on: set by -v and --debug, asked by whoever opens a run. Says nothing itself."""

from __future__ import annotations

from contextvars import ContextVar
from enum import IntEnum


class Verbosity(IntEnum):
    """`CALLS` tells every request to a provider, `LOG` every line that the log gets."""

    RESULT = 0
    CALLS = 1
    LOG = 2


_level = ContextVar("verbosity", default=Verbosity.RESULT)


def say(level: Verbosity) -> None:
    """From now on, as much as `level`."""
    _level.set(level)


def said(level: Verbosity) -> bool:
    """Whether as much as `level` is to be told."""
    return _level.get() >= level
