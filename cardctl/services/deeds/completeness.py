"""From when to when the record of a programme's events is complete, and when what was not fetched yet is gone for good."""

from __future__ import annotations

from datetime import datetime, timedelta

from cardctl.db.unit import Books

WARN_BEFORE = timedelta(hours=72)
"""So long before events leave the provider's own list it is said that they were not fetched yet."""
_FROM, _TO = "events:complete-from", "events:complete-to"


def complete(books: Books, programme: str) -> tuple[datetime, datetime] | None:
    """None where nothing is known."""
    with books.read() as unit:
        told = [unit.cursors.get(programme, stream) for stream in (_FROM, _TO)]
    return None if None in told else (datetime.fromisoformat(told[0] or ""), datetime.fromisoformat(told[1] or ""))


def keep_complete(books: Books, programme: str, since: datetime, until: datetime) -> None:
    """Everything between these is in the books."""
    with books.write() as unit:
        unit.cursors.set(programme, _FROM, since.isoformat())
        unit.cursors.set(programme, _TO, until.isoformat())


def leaving(books: Books, programme: str, kept: timedelta, now: datetime) -> datetime | None:
    """When events that were not fetched yet leave the provider's list (which keeps them for `kept`), where that is within
    72 hours or was already."""
    known = complete(books, programme)
    leaves = known[1] + kept if known else None
    return leaves if leaves is not None and now >= leaves - WARN_BEFORE else None
