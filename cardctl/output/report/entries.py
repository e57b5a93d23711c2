"""A break as a person reads it: its two sides next to one another, what it is about, its history. Marks nothing up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cardctl.domain.breaks import Break
from cardctl.output.break_shapes import break_shape
from cardctl.output.cells import fields
from cardctl.output.guard import clean
from cardctl.output.report import wording
from cardctl.output.report.tally import NEW, bucket
from cardctl.output.report.wording import NONE, said, shown, title, words

_FIELDS, _NAMES, _MOVES = 60, 20, 50
"""Of one break's differences, of one kind of its evidence and of its steps no more are shown; the JSON file has them."""
_NOT_THERE = "not there"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the two sides say differently."""

    name: str
    here: str
    there: str

    @property
    def differs(self) -> bool:
        return self.here != self.there


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a break's history, newest last."""

    at: str
    text: str
    actor: str
    reason: str | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One break; every text is harmless, none is marked up. `more` says what was left out."""

    fingerprint: str
    severity: str
    type: str
    subject: str
    card_id: str | None
    provider: str
    programme: str
    at_risk: str | None
    state: str
    until: str | None
    reason: str | None
    waits: bool
    differences: list[Difference]
    evidence: list[tuple[str, list[str]]]
    cause: str
    fix: str
    age: str
    first_seen: str
    last_seen: str
    occurrences: int
    steps: list[Step]
    more: list[str]


def entry(found: Break, started_at: datetime) -> Entry:
    """A break as the run that began at `started_at` sees it."""
    shape = clean(break_shape(found, moves=True))
    differences, evidence, moves = list(_differences(shape)), shape["evidence"], shape["moves"]
    return Entry(
        fingerprint=shown(found.fingerprint),
        severity=found.severity.value,
        type=title(found.type.value),
        subject=shown(shape["subject"]),
        card_id=_maybe(shape["card_id"]),
        provider=shown(shape["provider"]),
        programme=shown(shape["programme"]),
        at_risk=None if found.at_risk is None else wording.money(found.at_risk),
        state=found.state.value,
        until=None if found.snoozed_until is None else wording.instant(found.snoozed_until),
        reason=_maybe(shape["reason"]),
        waits=found.waits,
        differences=differences[:_FIELDS],
        evidence=[(words(kind), [shown(str(name)) for name in names[:_NAMES]]) for kind, names in evidence.items() if names],
        cause=shown(shape["cause"]),
        fix=shown(shape["proposed_fix"]),
        age=_age(started_at, found.first_seen_at),
        first_seen=wording.instant(found.first_seen_at),
        last_seen=wording.instant(found.last_seen_at),
        occurrences=found.occurrences,
        steps=[_step(move) for move in moves[-_MOVES:]],
        more=list(_left_out(len(differences), evidence, len(moves))),
    )


def _age(started_at: datetime, first_seen_at: datetime) -> str:
    return NEW if bucket(started_at, first_seen_at) == NEW else f"{wording.lasted(started_at - first_seen_at)} before this run"


def _differences(shape: dict[str, Any]) -> Iterator[Difference]:
    """Ours in their order, then what the provider alone says; a side that says nothing at all is not there."""
    here, there = dict(fields(shape["local"])), dict(fields(shape["remote"]))
    for name in here | there:
        last = name.rpartition(".")[2]
        yield Difference(words(name.replace(".", " ")), _side(here, name, last), _side(there, name, last))


def _side(side: dict[str, Any], name: str, last: str) -> str:
    if not side:
        return _NOT_THERE
    return said(last, side[name]) if name in side else NONE


def _step(move: dict[str, Any]) -> Step:
    before, after = move["before"], move["after"]
    return Step(
        at=wording.instant(datetime.fromisoformat(move["at"])),
        text="found" if before is None else f"{words(before)} → {words(after)}",
        actor=shown(move["actor"]),
        reason=_maybe(move["reason"]),
        run_id=_maybe(move["run_id"]),
    )


def _left_out(differences: int, evidence: dict[str, list[str]], moves: int) -> Iterator[str]:
    if differences > _FIELDS:
        yield f"{differences - _FIELDS:,} more differences"
    for kind, names in evidence.items():
        if len(names) > _NAMES:
            yield f"{len(names) - _NAMES:,} more {words(kind)}"
    if moves > _MOVES:
        yield f"{moves - _MOVES:,} earlier steps"


def _maybe(value: str | None) -> str | None:
    return None if value is None else shown(value)
