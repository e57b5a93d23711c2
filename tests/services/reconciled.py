"""A world reconciled as the command does it, what a run found, and the breaks as they are remembered."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from cardctl.db.breaks import BreakFilter
from cardctl.domain.accounts import Account
from cardctl.domain.breaks import Break, BreakType, Severity
from cardctl.domain.cards import Card
from cardctl.providers import registry
from cardctl.services.flows.reconciling.evidence import Recomputed, export, verify
from cardctl.services.flows.reconciling.fixing import Fixed, fix
from cardctl.services.flows.reconciling.moving import Hand, breaks_of
from cardctl.services.flows.reconciling.places import Places
from cardctl.services.flows.reconciling.running import Outcome, reconcile
from cardctl.services.flows.reconciling.starting import Means, Part, Wish
from tests.services.world import World

T = BreakType
Told = list[tuple[BreakType, str]]


def places(world: World) -> Places:
    return Places(_home(world) / "stages")


def parts(*worlds: World, events: bool = True) -> list[Part]:
    """Programmes; without `events` nobody looks at what their providers told."""
    return [Part(each.desk, registry.webhooks(each.desk.provider.name) if events else None) for each in worlds]


def ran(
    world: World,
    *others: World,
    late: Callable[[], bool] = lambda: False,
    between: Callable[[], Any] = lambda: None,
    events: bool = True,
    **wish: Any,
) -> Outcome:
    """One run over one programme or several; `between` happens once, when everything was read and nothing compared yet."""
    asked = 0

    def seconds() -> float:
        nonlocal asked
        asked += 1
        if asked == 2:  # the first look at the watch is before reading, the second after it
            between()
        return 0.0

    return reconcile(parts(world, *others, events=events), Wish(**wish), Means(places(world), late, seconds=seconds))


def found(world: World, outcome: Outcome | None = None, **wish: Any) -> list[Break]:
    """What a run (a new one, unless it is named) found that is more than information, the gravest first; its evidence is held
    to say the same."""
    outcome = outcome or ran(world, **wish)
    proven(world, outcome)
    breaks = breaks_of(world.books, BreakFilter(run_id=outcome.run.id))
    return [one for one in breaks if one.severity is not Severity.INFO]


def told(breaks: Iterable[Break]) -> Told:
    return sorted((one.type, one.subject) for one in breaks)


def only(world: World, **wish: Any) -> Break:
    """The one break that a new run finds."""
    breaks = found(world, **wish)
    assert len(breaks) == 1, told(breaks)
    return breaks[0]


def clean(world: World, **wish: Any) -> Outcome:
    """A new run that finds nothing."""
    outcome = ran(world, **wish)
    assert told(found(world, outcome)) == []
    assert outcome.waiting == 0
    return outcome


def broken(world: World) -> dict[str, Break]:
    """Every break that is remembered, by its fingerprint."""
    return {one.fingerprint: one for one in breaks_of(world.books, BreakFilter(), moves=True)}


def mended(world: World, breaks: Iterable[Break], **more: Any) -> Fixed:
    """Mends them; what reaches the provider meanwhile are reads alone."""
    world.wire.asked.clear()
    done = fix(world.desk, list(breaks), **more)
    reads = ("/fetch-card-detail", "/card-transactions", "/getcardholder", "/card-history", "/fetch-nfccard-detail")
    assert [one for one in world.wire.asked if not one.startswith("GET ") and not one.rstrip("/").endswith(reads)] == []
    return done


def proven(world: World, outcome: Outcome) -> Recomputed | None:
    """What the evidence of a run says; None where the run has none, since it is not over."""
    if outcome.unread or outcome.late:
        return None
    target = _home(world) / f"{outcome.run.id}.zip"
    if not target.exists():
        export(outcome.run, places(world).ended(outcome.run.id), target, force=False)
    proof = verify(target)
    assert proof.problems == ()
    assert (proof.digest, proof.told) == (outcome.run.digest, outcome.run.digest)
    return proof


def hand(world: World) -> Hand:
    return Hand(world.books, world.desk.clock, "tester", "cor_1")


def behind(world: World, statement: str, *values: Any) -> None:
    """What happens to the bank's own file, without anybody being told."""
    with closing(sqlite3.connect(_home(world) / "simulator.db")) as far:
        assert far.execute(statement, values).rowcount, "nothing was changed"
        far.commit()


def holder(world: World, card: Card) -> Account:
    """Whose card it is."""
    with world.books.read() as unit:
        return unit.accounts.named(card.account_id)


def amend(world: World, statement: str, *values: Any) -> None:
    """What happens to our books, without an audit entry; SQLite and PostgreSQL."""
    with world.books.write() as unit:
        connection = unit.box._connection
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        assert connection.exec_driver_sql(statement.replace("?", mark), values).rowcount, "nothing was changed"


def _home(world: World) -> Path:
    return world.control._far_side.path.parent
