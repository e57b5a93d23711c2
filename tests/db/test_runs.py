"""Reconcile runs in the books: kept whole, replaced in place, newest first, each with what it found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cardctl.db.unit import Books
from cardctl.domain.breaks import ReconcileRun, RunState
from cardctl.errors import NotFound
from tests.db.builders import NOW, PROGRAMME, later


def a_run(id: str = "run_00000001", **fields: Any) -> ReconcileRun:  # noqa: A002
    given: dict[str, Any] = {
        "id": id,
        "state": RunState.RUNNING,
        "started_at": NOW,
        "finished_at": None,
        "actor": "ada",
        "correlation_id": "cor_1",
        "programmes": [PROGRAMME],
        "watermark": {},
        "figures": {},
        "not_checked": [],
        "found": 0,
        "fixed": 0,
        "digest": "",
    }
    return ReconcileRun(**given | fields)


def test_every_field_comes_back_and_is_replaced(books: Books) -> None:
    first = a_run()
    with books.write() as unit:
        unit.runs.put(first)
    with books.read() as unit:
        assert unit.runs.get(first.id) == first
    ended = replace(
        first,
        state=RunState.PARTIAL,
        finished_at=later(9),
        programmes=[PROGRAMME, "marqeta/default"],
        watermark={PROGRAMME: {"newest": None, "read_to": "é"}},
        figures={"totals": [{"currency": "JPY", "drift": -(2**53)}]},
        not_checked=["the float"],
        found=3,
        fixed=2,
        digest="f" * 64,
        error="naïve",
    )
    with books.write() as unit:
        unit.runs.put(ended)
    with books.read() as unit:
        assert unit.runs.named(first.id) == ended
        assert list(unit.runs.rows()) == [ended]
        with pytest.raises(NotFound):
            unit.runs.named("run_none")


def test_newest_first_and_found_by_a_beginning(books: Books) -> None:
    runs = [a_run(f"run_0000000{number}", started_at=later(number // 2)) for number in range(5)]
    with books.write() as unit:
        for run in runs:
            unit.runs.put(run)
    with books.read() as unit:
        assert [run.id[-1] for run in unit.runs.rows()] == ["4", "3", "2", "1", "0"]
        assert [run.id[-1] for run in unit.runs.rows(2)] == ["4", "3"]
        assert unit.runs.find("run_00000003") == [runs[3]]
        assert len(unit.runs.find("run_0000")) == 3, "as many as tell that it means several"
        assert unit.runs.find("run_") == []


def test_what_a_run_has_found_must_be_there(books: Books) -> None:
    from tests.db.test_breaks import a_break

    one = a_break()
    with books.write() as unit:
        unit.runs.put(a_run())
        unit.breaks.add_many([one])
        unit.runs.add_breaks("run_00000001", [one.fingerprint])
    for run, mark in (("run_none", one.fingerprint), ("run_00000001", "brk_none"), ("run_00000001", one.fingerprint)):
        with pytest.raises(Exception, match=r"(?i)foreign|unique"), books.write() as unit:
            unit.runs.add_breaks(run, [mark])
