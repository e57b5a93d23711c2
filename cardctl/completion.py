"""What the shell is offered: names from settings and ids from a local database, read-only and light; never an error."""

from __future__ import annotations

from typing import Any

from cardctl import config


def profiles(prefix: str) -> list[str]:
    """Profile names for the shell."""
    return [name for name in config.quick_profiles() if name.startswith(prefix)]


def providers(prefix: str) -> list[str]:
    """Provider names for the shell."""
    return [name for name in config.PROVIDERS if name.startswith(prefix)]


def cards(prefix: str) -> list[str]:
    """Card ids for the shell, from a local database alone."""
    return _glance("card_ids", prefix)


def accounts(prefix: str) -> list[str]:
    """Account ids for the shell."""
    return _glance("account_ids", prefix)


def saved_cards(prefix: str) -> list[str]:
    """Saved card ids for the shell."""
    return _glance("saved_card_ids", prefix)


def operations(prefix: str) -> list[str]:
    """Operation ids for the shell."""
    return _glance("operation_ids", prefix)


def _glance(what: str, prefix: str) -> list[str]:
    from cardctl.db import glance  # noqa: PLC0415

    path = config.quick_database()
    found: list[Any] = getattr(glance, what)(path, prefix) if path else []
    return [identity for identity, _ in found]
