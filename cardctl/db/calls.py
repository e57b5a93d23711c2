"""The repository of calls: every attempt at a provider, for latency and failures; what an attempt is, providers say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, select

from cardctl.db.columns import free, moment_to_text
from cardctl.db.selecting import narrowed, stream, within
from cardctl.db.tables import CallRow, table_of

_C = table_of(CallRow)
_LOGGED = select(*(column for column in _C.columns if column.name != "id"))
_FAILED = _C.c.status.is_(None) | (_C.c.status == 429) | (_C.c.status >= 500)


class Attempt(Protocol):
    """What a provider tells of one attempt."""

    @property
    def provider(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def status(self) -> int | None: ...
    @property
    def latency_ms(self) -> int: ...
    @property
    def attempt(self) -> int: ...
    @property
    def request_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """An attempt as it is kept: `operation` is method and path; `status` None: no whole answer came."""

    at: datetime
    provider: str
    programme: str | None
    operation: str
    status: int | None
    latency_ms: int
    attempt: int
    request_id: str | None


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls; made from `since` on and before `until`."""

    provider: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None


class Calls:
    """The call log of our books. It is trimmed, and no part of the audit."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_many(self, rows: Sequence[tuple[datetime, Attempt]], *, programme: str | None = None) -> None:
        """Attempts with the times at which they ended."""
        if rows:
            self._connection.execute(insert(_C), [_call_to_row(at, call, programme) for at, call in rows])

    def rows(self, filter: CallFilter = CallFilter()) -> Iterator[LoggedCall]:  # noqa: A002
        """The calls, newest first, streamed."""
        query = narrowed(_LOGGED, (_C.c.provider, filter.provider))
        query = within(query, _C.c.at, filter.since, filter.until).order_by(_C.c.at.desc(), _C.c.id.desc()).limit(filter.limit)
        return (LoggedCall(datetime.fromisoformat(at), *rest) for at, *rest in stream(self._connection, query))

    def summary(self, provider: str | None, since: datetime | None) -> tuple[int, int, int | None]:
        """How many calls, how many of them failed (no answer, 429 or 5xx), and their mean latency in ms (None: no calls)."""
        failed = func.sum(case((_FAILED, 1), else_=0))
        figures: tuple[ColumnElement[Any], ...] = func.count(), failed, func.sum(_C.c.latency_ms)
        query = within(narrowed(select(*figures).select_from(_C), (_C.c.provider, provider)), _C.c.at, since, None)
        count, failures, latency = self._connection.execute(query).one()
        return count, failures or 0, round(latency / count) if count else None

    def trim(self, before: datetime) -> int:
        """Forget the calls that were made before; how many that were."""
        return self._connection.execute(delete(_C).where(_C.c.at < moment_to_text(before))).rowcount


def _call_to_row(at: datetime, call: Attempt, programme: str | None) -> dict[str, Any]:
    return {
        "at": moment_to_text(at),
        "provider": call.provider,
        "programme": programme,
        "operation": free(f"{call.method} {call.path}"),
        "status": call.status,
        "latency_ms": call.latency_ms,
        "attempt": call.attempt,
        "request_id": free(call.request_id),
    }
