"""What becomes of the requests in a file: verified, kept a batch at a time, and applied once they are durable."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from cardctl.db.quarantine import Quarantine, Refusal
from cardctl.db.unit import Books
from cardctl.domain.events import Arrival, Event, EventState, Incoming, Receipt, Signature, Source
from cardctl.domain.redaction import Secret
from cardctl.errors import BadFile, BadInput, SecretMissing
from cardctl.services.applying import apply
from cardctl.services.deeds.inbox import Judged, Reception, judge, keep_in_turn, kept_headers
from cardctl.services.desk import Desk
from cardctl.services.flows.ingesting.files import Found

BATCH = 1_000
LARGE = 16 * 1024 * 1024
"""Bytes: a batch of large bodies ends early."""
LISTED = 20
"""So many of everything are told one by one."""


@dataclass(frozen=True, slots=True)
class Doubted:
    """A request that is not believed, and why."""

    found: Found
    incoming: Incoming
    judged: Judged


@dataclass(frozen=True, slots=True)
class How:
    """`desk` gives the desk for an event; None: nothing is applied. `unverified`: what cannot be verified, since no secret is
    set that could, is taken without proof."""

    books: Books
    quarantine: Quarantine
    reception: Callable[[str], Reception]
    desk: Callable[[Event], Desk] | None
    unverified: bool = False
    progress: Callable[[int], None] = lambda _count: None


@dataclass(slots=True)
class Ingested:
    """How it ended. `read` are requests, of which one may hold several events; `kept` events are new here, `proven` ones had
    come without proof before. `later`: could not be applied now. The lists have the first LISTED of each."""

    read: int = 0
    kept: int = 0
    duplicates: int = 0
    proven: int = 0
    quarantined: int = 0
    applied: int = 0
    ignored: int = 0
    failed: int = 0
    later: int = 0
    bad: int = 0
    events: list[str] = field(default_factory=list)
    not_believed: list[Doubted] = field(default_factory=list)
    bad_places: list[Found] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def ingest(found: Iterable[Found], how: How) -> Ingested:
    """All of it. BadFile where nothing can be read; SecretMissing where something cannot be verified, after what came before
    it in whole batches: the same file again goes on."""
    total, desks, waiting = Ingested(), dict[str, Desk](), deque[list[Event]]()
    for receipts in keep_in_turn(how.books, _believed(found, how, total, desks, waiting)):
        _count(receipts, total)
        events = waiting.popleft()
        if desks:
            _apply(how, desks, _to_apply(how.books, events, receipts), total)
    if not total.read:
        first = total.bad_places[0] if total.bad_places else None
        why = f" ({first.file}, line {first.line}: {first.fault})" if first else ""
        raise BadFile(f"there is no event to be read{why}", hint="a raw body, JSON lines, or a provider's export")
    return total


def judged_as(reception: Reception, incoming: Incoming, source: Source, *, unverified: bool = False) -> Judged:
    """What came, judged. SecretMissing where there is something to verify and no secret for it, unless `unverified`: then it is
    taken as if nothing proved it."""
    judged = judge(reception, incoming, source)
    if judged.signature is not Signature.ABSENT and reception.can_prove:
        return judged
    if not (incoming.headers or incoming.query) or not _has_proof(reception, incoming):
        return judged
    if not unverified:
        names = ", ".join(reception.webhooks.secret_names)
        raise SecretMissing(
            f"no secret is set that could verify what {reception.provider} sent ({names})",
            hint=f"`cardctl secret set {reception.webhooks.secret_names[-1]}`, or --unverified to take it without proof",
        )
    bare = judge(reception, replace(incoming, headers={}, query=""), source)
    return bare if bare.arrival is None else replace(bare, arrival=_with_headers(bare.arrival, incoming, reception))


def _has_proof(reception: Reception, incoming: Incoming) -> bool:
    """Whether there is anything that some secret could verify."""
    any_secret = {name: [Secret("0" * 40)] for name in reception.webhooks.secret_names}
    return reception.webhooks.verify(incoming, any_secret) is not Signature.ABSENT


def _with_headers(arrival: Arrival, incoming: Incoming, reception: Reception) -> Arrival:
    return replace(arrival, headers=kept_headers(incoming.headers, reception.webhooks))


def _batches(found: Iterable[Found]) -> Iterator[list[Found]]:
    batch, size = list[Found](), 0
    for one in found:
        batch.append(one)
        size += len(one.incoming.body) if one.incoming else 0
        if len(batch) == BATCH or size > LARGE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _believed(
    found: Iterable[Found], how: How, total: Ingested, desks: dict[str, Desk], waiting: deque[list[Event]]
) -> Iterator[list[Arrival]]:
    """What may be kept, batch by batch, its events `waiting` to be applied; and what may not, put into quarantine."""
    for batch in _batches(found):
        arrivals, doubted = list[Arrival](), list[Doubted]()
        for one in batch:
            judged = _judged(one, how, total)
            if judged is None or one.incoming is None:
                continue
            total.read += 1
            if judged.arrival is not None:
                arrivals.append(judged.arrival)
            else:
                doubted.append(Doubted(one, one.incoming, judged))
        _set_aside(doubted, how, total)
        if arrivals:
            _prepare(arrivals, how, desks)
            waiting.append([event for arrival in arrivals for event in arrival.events])
            yield arrivals
        how.progress(len(batch))


def _judged(found: Found, how: How, total: Ingested) -> Judged | None:
    """None where there is nothing to judge: a bad place."""
    fault = found.fault
    if found.incoming is not None:
        try:
            judged = judged_as(how.reception(found.provider), found.incoming, Source.INGESTED, unverified=how.unverified)
        except BadInput as error:
            fault = error.message
        else:
            if judged.arrival is not None or judged.types or judged.signature is not Signature.ABSENT:
                return judged
            fault = judged.reason
    total.bad += 1
    if len(total.bad_places) < LISTED:
        total.bad_places.append(replace(found, incoming=None, fault=fault))
    return None


def _set_aside(doubted: Sequence[Doubted], how: How, total: Ingested) -> None:
    if doubted:
        how.quarantine.note_many([_refusal(how, one) for one in doubted])
        total.quarantined += len(doubted)
        total.not_believed += doubted[: LISTED - len(total.not_believed)]


def _refusal(how: How, doubted: Doubted) -> Refusal:
    reception, incoming, judged = how.reception(doubted.found.provider), doubted.incoming, doubted.judged
    return Refusal(
        provider=reception.provider,
        programme=reception.programme,
        received_at=incoming.received_at,
        signature=judged.signature,
        reason=judged.reason or "",
        digest=sha256(incoming.body).hexdigest(),
        body=reception.webhooks.kept_body(incoming.body),
        headers=kept_headers(incoming.headers, reception.webhooks),
        types=judged.types,
    )


def _prepare(arrivals: Iterable[Arrival], how: How, desks: dict[str, Desk]) -> None:
    """The desks that applying needs, before anything is kept: a missing key is told while the file is still all there is."""
    for arrival in arrivals if how.desk else ():
        provider = arrival.events[0].provider
        if how.desk and provider not in desks:
            desks[provider] = how.desk(arrival.events[0])


def _count(receipts: Sequence[Receipt], total: Ingested) -> None:
    for receipt in receipts:
        total.kept += receipt.new
        total.proven += receipt.proven
        total.duplicates += not (receipt.new or receipt.proven)
        if receipt.new and len(total.events) < LISTED:
            total.events.append(receipt.id)


def _to_apply(books: Books, events: Sequence[Event], receipts: Sequence[Receipt]) -> list[Event]:
    """What is new or proven now; and what was here already but was never applied, as after a crash or --no-apply."""
    fresh = {event.id: event for event, receipt in zip(events, receipts, strict=True) if receipt.new or receipt.proven}
    again = [receipt.id for receipt in receipts if receipt.id not in fresh]
    if not again:
        return list(fresh.values())
    with books.read() as unit:
        waiting = [event for event in unit.events.get_many(again) if event.state is EventState.RECEIVED]
    return [*waiting, *fresh.values()]


def _apply(how: How, desks: dict[str, Desk], events: Sequence[Event], total: Ingested) -> None:
    for provider, desk in desks.items():
        mine = [event for event in events if event.provider == provider]
        done = apply(desk, how.reception(provider).webhooks, mine)
        total.applied += done.counts.get(EventState.APPLIED, 0)
        total.ignored += done.counts.get(EventState.IGNORED, 0)
        total.failed += done.counts.get(EventState.FAILED, 0) + done.counts.get(EventState.DEAD, 0)
        total.later += done.later
        total.warnings += [text for text in done.warnings if text not in total.warnings][: LISTED - len(total.warnings)]
        for id_, error in done.failures.items():
            if len(total.failures) < LISTED:
                total.failures[id_] = error
