"""What any command line may say beside its own options: how much to tell, and which books. The frame sets it."""

from __future__ import annotations

from contextvars import ContextVar
from enum import IntEnum


class Verbosity(IntEnum):
    """`CALLS` tells every request to a provider, `LOG` every line that the log gets."""

    RESULT = 0
    CALLS = 1
    LOG = 2


_verbosity = ContextVar("verbosity", default=Verbosity.RESULT)
_database: ContextVar[str | None] = ContextVar("database", default=None)


def forget() -> None:
    """Nothing was said yet: the beginning of a command line."""
    _verbosity.set(Verbosity.RESULT)
    _database.set(None)


def tell(level: Verbosity) -> None:
    """Tell as much as `level`, or more where more was said."""
    _verbosity.set(max(level, _verbosity.get()))


def told(level: Verbosity) -> bool:
    """Whether as much as `level` is to be told."""
    return _verbosity.get() >= level


def use_database(target: str) -> None:
    """These books instead of the profile's: a path, or a postgresql:// URL without a password."""
    _database.set(target)


def database() -> str | None:
    """The books that --db names, if it does."""
    return _database.get()
