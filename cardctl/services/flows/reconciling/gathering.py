"""What else is out of order in a programme: events that failed or are missing, writes in doubt, a float that is nearly gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cardctl.db.events import EventFilter
from cardctl.db.operations import OperationFilter
from cardctl.domain.breaks import BreakType, Finding
from cardctl.domain.events import EventState, own_id
from cardctl.domain.money import Money
from cardctl.domain.operations import OperationState
from cardctl.errors import BadEvent, Unsupported
from cardctl.providers.base import ReportsBalance
from cardctl.providers.notifying import ListsEvents, Webhooks
from cardctl.providers.saving import ReadsSavedCards
from cardctl.services.deeds.completeness import complete
from cardctl.services.desk import Desk

EVENT_PAGES = 200
"""So many pages of a provider's list of events are looked through; `webhook backfill` is for more."""
_DAY = timedelta(days=1)
_MOST = 1_000
_NAMED = 20


@dataclass(slots=True)
class Gathered:
    """`findings` beside the comparison's own, `floats` as the provider has them, and what could not be checked."""

    findings: list[Finding] = field(default_factory=list)
    floats: list[Money] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)


def gather(desk: Desk, webhooks: Webhooks | None, *, margin: timedelta, float_low: Money | None) -> Gathered:
    """Everything beside accounts, cards and money events."""
    found = Gathered()
    found.findings += _events(desk)
    found.findings += _operations(desk)
    if isinstance(desk.provider, ReadsSavedCards):
        _unlisted(desk, found)
    else:
        _float(desk, found, float_low)
    _gap(desk, webhooks, found, margin)
    return found


def _events(desk: Desk) -> Iterator[Finding]:
    broken = EventFilter(programme=desk.programme, states=(EventState.FAILED, EventState.DEAD), limit=_MOST)
    with desk.books.read() as unit:
        for event in unit.events.rows(broken):
            evidence = {"events": [event.id], "objects": [event.object_ref] if event.object_ref else []}
            told = {"state": str(event.state), "type": event.type, "attempts": event.attempts, "error": event.error}
            yield Finding(BreakType.EVENT_FAILED, event.id, desk.provider.name, desk.programme, local=told, evidence=evidence)


def _operations(desk: Desk) -> Iterator[Finding]:
    doubtful = OperationFilter(state=OperationState.IN_DOUBT, limit=_MOST)
    with desk.books.read() as unit:
        for operation in unit.operations.rows(doubtful):
            if operation.programme != desk.programme:
                continue
            told = {"kind": operation.kind, "target": operation.target, "error": operation.error_code}
            card = operation.target if operation.target.startswith(("card_", "sc_")) else None
            yield Finding(
                BreakType.OPERATION_IN_DOUBT,
                operation.id,
                desk.provider.name,
                desk.programme,
                card,
                local=told,
                at_risk=operation.amount,
                evidence={"operations": [operation.id]},
            )


def _unlisted(desk: Desk, found: Gathered) -> None:
    """What a seller's provider gives no whole list of. A float it has none: what is paid is the seller's."""
    found.not_checked.append(f"{desk.programme}: customers and disputes, of which events alone tell")


def _float(desk: Desk, found: Gathered, low: Money | None) -> None:
    if not isinstance(desk.provider, ReportsBalance):
        found.not_checked.append(f"{desk.programme}: the float, which {desk.provider.name} does not tell")
        return
    found.floats = list(desk.provider.float_balances())
    for held in found.floats:
        least = low.minor if low is not None and low.currency == held.currency else 0
        if held.minor <= least:
            here, there = {"wanted": str(Money(least, held.currency))}, {"float": str(held)}
            subject = f"float:{held.currency}"
            told = Finding(BreakType.FLOAT_LOW, subject, desk.provider.name, desk.programme, local=here, remote=there)
            found.findings.append(told)


def _gap(desk: Desk, webhooks: Webhooks | None, found: Gathered, margin: timedelta) -> None:
    """Events that the provider says it sent, of types that do come here, and that did not come."""
    if webhooks is None or not isinstance(desk.provider, ListsEvents):
        found.not_checked.append(f"{desk.programme}: whether events are missing, which {desk.provider.name} cannot tell")
        return
    since, types = _heard(desk, desk.provider)
    if since is None:
        found.not_checked.append(f"{desk.programme}: whether events are missing: none ever came")
        return
    if not desk.provider.lists_every_event:
        found.not_checked.append(f"{desk.programme}: events from while {desk.provider.name}'s search of them was not enabled")
    missing: list[tuple[str, str | None]] = []
    until = desk.clock() - margin
    try:
        for number, page in enumerate(desk.provider.events(since=since, until=until if margin else None), 1):
            missing += _not_here(desk, webhooks, page, types)
            if number == EVENT_PAGES:
                found.not_checked.append(f"{desk.programme}: older events than the newest {EVENT_PAGES} pages of them")
                break
    except Unsupported as error:  # a list of events that is off until somebody switches it on (Square)
        found.not_checked.append(f"{desk.programme}: whether events are missing: {error.message}")
        return
    if missing:
        events, objects = [id_ for id_, _ in missing], [ref for _, ref in missing if ref]
        evidence = {"events": events[:_NAMED], "objects": list(dict.fromkeys(objects))[:_NAMED]}
        here, there = {"events": 0}, {"events": len(missing)}
        gap = Finding(BreakType.EVENT_GAP, "events", desk.provider.name, desk.programme, None, here, there, evidence=evidence)
        found.findings.append(gap)


def _heard(desk: Desk, provider: ListsEvents) -> tuple[datetime | None, set[str]]:
    """From when on events should be here (None: none ever came), and the types that do come.

    From the first that came; what was proven complete since, and what the provider has no more, need no look.
    """
    known = complete(desk.books, desk.programme)
    with desk.books.read() as unit:
        first, types = unit.events.heard(desk.programme)
    if first is None:
        return None, set()
    since = max(first, desk.clock() - provider.events_kept)
    return max(since, known[1] - _DAY) if known and known[0] <= since else since, types


def _not_here(desk: Desk, webhooks: Webhooks, page: list[bytes], types: set[str]) -> list[tuple[str, str | None]]:
    notices = []
    for body in page:
        try:
            notices += [each for each in webhooks.notices(body) if each.type in types]
        except BadEvent:  # a list may hold what is no notification of ours
            continue
    ids = {own_id(desk.programme, each.event_id): each for each in notices}
    with desk.books.read() as unit:
        known = unit.events.known_of(ids)
    return [(each.event_id, each.object_ref) for id_, each in ids.items() if id_ not in known]
