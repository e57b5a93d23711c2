"""What becomes of a notification that came: judged without books, then kept durably; what it changes is services/folding.py."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from cardctl.db.unit import Books
from cardctl.domain.events import Arrival, Event, EventState, Incoming, Notice, Receipt, Signature, Source, own_id
from cardctl.domain.redaction import Secret, redact
from cardctl.errors import BadEvent
from cardctl.providers.notifying import ProvesByHeader, Webhooks

_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
"""Headers that are cut before anything is kept."""
_HARMLESS = frozenset(
    {"accept", "accept-encoding", "cache-control", "connection", "content-length", "content-type", "host", "user-agent"}
    | {"stripe-signature", "x-marqeta-signature", "x-strowallet-signature", "x-strowallet-timestamp"}
    | {"x-square-hmacsha256-signature"}
)
"""Headers in which there is nothing to look for; whatever else a gateway adds is looked through."""


@dataclass(frozen=True, slots=True)
class Reception:
    """How one programme's notifications are received: who reads them, which secrets prove them (by name, the one in use first,
    then those that are still valid), and whether they must be about real money."""

    webhooks: Webhooks
    programme: str
    secrets: Mapping[str, Sequence[Secret]]
    live: bool

    @property
    def provider(self) -> str:
        return self.webhooks.name

    @property
    def can_prove(self) -> bool:
        """Whether any secret is set that could prove an event."""
        return any(self.secrets.values())

    def check(self) -> None:
        """BadConfig where a setting is missing without which nothing can be proven: better told before events come."""
        self.webhooks.verify(Incoming(b"", {}, datetime.fromtimestamp(0, UTC)), self.secrets)


@dataclass(frozen=True, slots=True)
class Judged:
    """`arrival` is what may be kept in the books; None: it belongs into quarantine, and `reason` says why."""

    signature: Signature
    arrival: Arrival | None
    reason: str | None = None
    types: tuple[str, ...] = ()


def judge(reception: Reception, incoming: Incoming, source: Source) -> Judged:
    """What came, verified and read; opens no books. Only who comes by our own hand (a file) may come without proof."""
    signature = reception.webhooks.verify(incoming, reception.secrets)
    if signature is Signature.ABSENT and source is Source.SERVED:
        return Judged(signature, None, "nothing proves where it came from")
    if signature in (Signature.INVALID, Signature.STALE):
        return Judged(signature, None, "the signature does not fit" if signature is Signature.INVALID else "it is too old")
    try:
        notices = reception.webhooks.notices(incoming.body)
    except BadEvent as error:
        return Judged(signature, None, error.message)
    types = tuple(notice.type for notice in notices)
    strange = next((notice for notice in notices if notice.live is not None and notice.live is not reception.live), None)
    if strange is not None:
        told = "about real money" if strange.live else "a test event"
        return Judged(signature, None, f"it is {told}, and this profile is not for that", types)
    return Judged(signature, _arrival(reception, incoming, notices, signature, source), None, types)


def given(reception: Reception, body: bytes, at: datetime) -> Arrival:
    """A notification that the provider's own API gave: believed, since nobody else could have given it. BadEvent."""
    incoming = Incoming(body, {}, at)
    return _arrival(reception, incoming, reception.webhooks.notices(body), Signature.ABSENT, Source.BACKFILLED)


def keep(books: Books, arrivals: Sequence[Arrival]) -> list[Receipt]:
    """All of them durable, each event once, in one commit."""
    with books.write() as unit:
        return unit.events.keep(arrivals)


def keep_in_turn(books: Books, batches: Iterable[Sequence[Arrival]]) -> Iterator[list[Receipt]]:
    """Batch after batch, each in one commit; the next is judged while the last is being written."""
    with ThreadPoolExecutor(1) as writer:
        written: Future[list[Receipt]] | None = None
        for batch in batches:
            if written is not None:
                yield written.result()
            written = writer.submit(keep, books, batch)
        if written is not None:
            yield written.result()


def kept_headers(headers: Mapping[str, str], webhooks: Webhooks | None = None) -> dict[str, str]:
    """The headers as they may be kept: without credentials, of which `webhooks` may have one of its own."""
    cut = _CREDENTIALS | {webhooks.proof_header} if isinstance(webhooks, ProvesByHeader) else _CREDENTIALS
    return {name: value if name in _HARMLESS else redact(value) for name, value in headers.items() if name not in cut}


def _arrival(
    reception: Reception, incoming: Incoming, notices: Iterable[Notice], signature: Signature, source: Source
) -> Arrival:
    digest = hashlib.sha256(incoming.body).hexdigest()
    events = tuple(_event(reception, notice, incoming.received_at, signature, source, digest) for notice in notices)
    headers = kept_headers(incoming.headers, reception.webhooks)
    return Arrival(events, reception.webhooks.kept_body(incoming.body), headers)


def _event(
    reception: Reception, notice: Notice, received_at: datetime, signature: Signature, source: Source, digest: str
) -> Event:
    return Event(
        id=own_id(reception.programme, notice.event_id),
        provider=reception.provider,
        programme=reception.programme,
        event_id=notice.event_id,
        type=notice.type,
        object_ref=notice.object_ref,
        card_ref=notice.card_ref,
        occurred_at=notice.occurred_at,
        received_at=received_at,
        signature=signature,
        source=source,
        state=EventState.RECEIVED,
        position=notice.position,
        digest=digest,
    )
