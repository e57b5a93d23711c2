"""The repository of reconcile runs: rows of `runs` ⇄ `ReconcileRun`, and which breaks each has found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from cardctl.db.columns import canonical, free, moment_from_text, moment_or_none, moment_to_text
from cardctl.db.many import insert_rows
from cardctl.db.reconcile_tables import RunBreakRow, RunRow
from cardctl.db.selecting import find_by_name, found, stream
from cardctl.db.tables import table_of
from cardctl.domain.breaks import ReconcileRun, RunState

_R = table_of(RunRow)
_B = table_of(RunBreakRow)
_NEWEST = _R.c.started_at.desc(), _R.c.id.desc()


class Runs:
    """Reconcile runs of our books."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, id: str) -> ReconcileRun | None:  # noqa: A002 - the house's word for our own name of a thing
        row = self._connection.execute(select(_R).where(_R.c.id == id)).one_or_none()
        return None if row is None else _from_row(row)

    def named(self, id: str) -> ReconcileRun:  # noqa: A002
        """NotFound where there is none."""
        return found(self.get(id), "run", id)

    def find(self, name: str) -> list[ReconcileRun]:
        """Up to three runs that answer to an id or a prefix (8 or more) of it."""
        return [
            _from_row(row) for row in find_by_name(self._connection, select(_R), [_R.c.id], name, programme=None, prefix=True)
        ]

    def rows(self, limit: int | None = None) -> Iterator[ReconcileRun]:
        """The runs, newest first, streamed."""
        return map(_from_row, stream(self._connection, select(_R).order_by(*_NEWEST).limit(limit)))

    def put(self, run: ReconcileRun) -> None:
        """The run as it is now, new or not."""
        row = _to_row(run)
        if not self._connection.execute(update(_R).where(_R.c.id == run.id).values(row)).rowcount:
            self._connection.execute(insert(_R).values(row))

    def add_breaks(self, id: str, fingerprints: Iterable[str]) -> None:  # noqa: A002
        """What a run has found."""
        insert_rows(self._connection, _B, ["run_id", "fingerprint"], ((id, each) for each in fingerprints))


def _to_row(run: ReconcileRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "state": str(run.state),
        "started_at": moment_to_text(run.started_at),
        "finished_at": moment_or_none(run.finished_at),
        "actor": run.actor,
        "correlation_id": run.correlation_id,
        "programmes": canonical(run.programmes),
        "watermark": canonical(run.watermark),
        "figures": canonical(run.figures),
        "not_checked": canonical(run.not_checked),
        "found": run.found,
        "fixed": run.fixed,
        "digest": run.digest,
        "error": free(run.error),
    }


def _from_row(row: Sequence[Any]) -> ReconcileRun:
    """A run of all columns in the table's order."""
    # fmt: off
    (
        id_, state, started_at, finished_at, actor, correlation_id, programmes, watermark, figures, not_checked, many, fixed,
        digest, error,
    ) = row
    # fmt: on
    return ReconcileRun(
        id=id_,
        state=RunState(state),
        started_at=datetime.fromisoformat(started_at),
        finished_at=moment_from_text(finished_at),
        actor=actor,
        correlation_id=correlation_id,
        programmes=json.loads(programmes),
        watermark=json.loads(watermark),
        figures=json.loads(figures),
        not_checked=json.loads(not_checked),
        found=many,
        fixed=fixed,
        digest=digest,
        error=error,
    )
