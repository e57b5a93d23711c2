"""What was missed, had from the provider again and merged; and from when to when the record is complete, where that shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cardctl.db.cards import CardFilter
from cardctl.domain.events import Arrival, Expected, own_id
from cardctl.errors import BadEvent, ProviderHasNot
from cardctl.providers.notifying import ListsEvents, ResendsEvents
from cardctl.services.applying import Applied, apply
from cardctl.services.deeds.completeness import complete, keep_complete
from cardctl.services.deeds.inbox import Reception, given, keep
from cardctl.services.deeds.pulling import pull_transactions
from cardctl.services.desk import Desk
from cardctl.sidebyside import side_by_side

_LAG = timedelta(hours=1)
_WORKERS = 4


@dataclass(slots=True)
class Backfilled:
    """`listed` were looked at, `new` were missing here. The record is complete from `since` to `until`; None: that cannot be
    proven, and `why` says why not. `lost`: a time of which events may be missing that nobody can give any more."""

    listed: int = 0
    new: int = 0
    applied: Applied = field(default_factory=Applied)
    since: datetime | None = None
    until: datetime | None = None
    why: str | None = None
    lost: tuple[datetime, datetime] | None = None


def backfill(
    desk: Desk, reception: Reception, since: datetime | None, *, progress: Callable[[int], None] = lambda _count: None
) -> Backfilled:
    """Fetch what is missing since then (default: since the record was complete last, else as far back as the provider goes)."""
    if isinstance(desk.provider, ListsEvents):
        return _from_list(desk, reception, desk.provider, since, progress)
    if isinstance(desk.provider, ResendsEvents):
        return _by_resending(desk, reception, desk.provider, since, progress)
    text = f"{desk.provider.name} neither lists its events nor sends them again: `cardctl card sync` reads what they were about"
    return Backfilled(why=text)


def _from_list(
    desk: Desk, reception: Reception, provider: ListsEvents, since: datetime | None, progress: Callable[[int], None]
) -> Backfilled:
    now, known = desk.clock(), complete(desk.books, desk.programme)
    window = now - provider.events_kept
    start = max(since or (known[1] - _LAG if known else window), window)
    done = Backfilled()
    for page in provider.events(since=start):
        _take(desk, reception, done, page, now)
        progress(len(page))
    joins = known is not None and start <= known[1]
    done.since = min(start, known[0]) if known and joins else start
    done.until = now
    done.lost = (known[1], start) if known and not joins and since is None else None
    if not provider.lists_every_event:
        done.why = f"{desk.provider.name} lists only what happened while its search of events was enabled"
    keep_complete(desk.books, desk.programme, done.since, done.until)
    return done


def _by_resending(
    desk: Desk, reception: Reception, provider: ResendsEvents, since: datetime | None, progress: Callable[[int], None]
) -> Backfilled:
    """What must have been notified is told by the provider's lists; each that is missing is sent again. The lists lag, and tell
    of no other kinds: so nothing is proven."""
    start = since or desk.clock() - timedelta(days=30)
    done, refs = (
        Backfilled(why=f"{desk.provider.name} has no list of its events: only purchases and card states can be compared"),
        [],
    )
    with desk.books.read() as unit:
        refs = [card.ref for card in unit.cards.rows(CardFilter(programme=desk.programme))]
    for page in provider.expected(start, refs):
        missing = _missing(desk, page)
        done.listed += len(page)
        bodies, absent = _resent(provider, missing)
        done.listed -= len(bodies)
        _take(desk, reception, done, bodies, desk.clock())
        if absent:  # no endpoint that could be sent to: what they were about is read instead
            pull_transactions(desk, since=start)
        progress(len(page))
    return done


def _missing(desk: Desk, page: Sequence[Expected]) -> list[Expected]:
    by_id = {own_id(desk.programme, one.event_id): one for one in page}
    with desk.books.read() as unit:
        known = unit.events.known_of(by_id)
    return [one for id_, one in by_id.items() if id_ not in known]


def _resent(provider: ResendsEvents, missing: Sequence[Expected]) -> tuple[list[bytes], int]:
    bodies, absent = [], 0
    for _, answer in side_by_side(provider.resend, missing, workers=_WORKERS):
        if isinstance(answer, ProviderHasNot):
            absent += 1
        elif isinstance(answer, Exception):
            raise answer
        else:
            bodies.append(answer)
    return bodies, absent


def _take(desk: Desk, reception: Reception, done: Backfilled, bodies: Sequence[bytes], at: datetime) -> None:
    arrivals = list(_arrivals(reception, bodies, at))
    receipts = keep(desk.books, arrivals)
    wanted = [receipt.id for receipt in receipts if receipt.new or receipt.proven]
    done.listed += len(bodies)
    done.new += len(wanted)
    with desk.books.read() as unit:
        events = unit.events.get_many(wanted)
    done.applied.add(apply(desk, reception.webhooks, events))


def _arrivals(reception: Reception, bodies: Sequence[bytes], at: datetime) -> Iterator[Arrival]:
    for body in bodies:
        try:
            yield given(reception, body, at)
        except BadEvent:  # a list may hold what is no notification of ours
            continue
