"""Events that are kept, found again: as lists, by name, and as the line that a file of events holds. Writes nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from cardctl.db.events import EventFilter
from cardctl.db.quarantine import Quarantine, as_event
from cardctl.db.unit import Books
from cardctl.domain.cards import Card
from cardctl.domain.events import Event, EventState
from cardctl.domain.redaction import redact, redact_body
from cardctl.errors import AmbiguousName, NotFound


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events; that came from `since` on and before `until`. `type` may end in `*`."""

    provider: str | None = None
    type: str | None = None
    card: Card | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What came, for a file: `body` is its text, `body_base64` what can be none; both None where it was dropped. `redacted`: it
    is not what came, and no signature fits it."""

    headers: Mapping[str, str]
    body: str | None
    body_base64: str | None = None
    redacted: bool = False


def list_events(books: Books, wanted: Wanted, state: EventState | None, limit: int | None) -> Iterator[Event]:
    """Events of the books, the last that came first, streamed."""
    chosen = EventFilter(
        provider=wanted.provider,
        programme=wanted.card.programme if wanted.card else None,
        type=wanted.type,
        states=(state,) if state else (),
        card_ref=wanted.card.ref if wanted.card else None,
        since=wanted.since,
        until=wanted.until,
        limit=limit,
    )
    with books.read() as unit:
        yield from unit.events.rows(chosen)


def list_quarantined(quarantine: Quarantine, wanted: Wanted) -> Iterator[Event]:
    """What was not believed, the last that came first. It is about no card: whoever forges it may name any."""
    for row in quarantine.rows(provider=wanted.provider, since=wanted.since):
        known = [row.types[0] if row.types else "unknown", *row.types]
        if wanted.card is None and _fits(wanted, known, row.last_at):
            yield as_event(row)


def find_event(books: Books, quarantine: Quarantine, name: str) -> Event:
    """The event with that id, or a prefix of it (8 or more), or the provider's own id; of the quarantine by its id alone."""
    with books.read() as unit:
        found = unit.events.find(name)
    if len(found) > 1:
        raise AmbiguousName(f"more than one event answers to {name!r}", hint="give more of our id")
    row = None if found else quarantine.get(name)
    if not found and row is None:
        raise NotFound("event", name, hint="see `cardctl webhook list`")
    return found[0] if row is None else as_event(row)


def card_of(books: Books, event: Event) -> Card | None:
    """The card that an event is about, where the books have it."""
    if event.card_ref is None:
        return None
    with books.read() as unit:
        return unit.cards.by_ref(event.programme, event.card_ref)


def stored(books: Books, quarantine: Quarantine, event: Event) -> Stored:
    """The raw body and the headers of an event, without card numbers and secrets."""
    if event.state is EventState.QUARANTINED:
        body, headers = quarantine.body(event.id), quarantine.headers(event.id)
    else:
        with books.read() as unit:
            body, headers = unit.events.bodies([event]).get(event.id), unit.events.headers(event.id)
    if body is None:
        return Stored(headers, None)
    safe = redact_body(body)
    text = _text(safe)
    encoded = base64.b64encode(safe).decode("ascii") if text is None else None
    return Stored(headers, text, encoded, redacted=safe != body)


def _fits(wanted: Wanted, types: list[str], at: datetime) -> bool:
    if wanted.until is not None and at >= wanted.until:
        return False
    if wanted.type is None:
        return True
    whole = wanted.type.removesuffix("*")
    return any(each.startswith(whole) if wanted.type.endswith("*") else each == whole for each in types)


def _text(body: bytes) -> str | None:
    """None where it is no text, or one that the last guard would change by mistake: it takes what stands between two members
    for a password in a URL."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if redact(text) == text else None
