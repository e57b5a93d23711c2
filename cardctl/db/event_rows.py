"""How an event stands in its row: the plain columns of `events` ⇄ `Event`. No queries here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cardctl.db.columns import moment_from_text, moment_or_none, moment_to_text
from cardctl.db.event_tables import EventRow
from cardctl.db.many import Values
from cardctl.db.selecting import plain_columns
from cardctl.db.tables import table_of
from cardctl.domain.events import Event, EventState, Signature, Source

PLAIN = [column for column in plain_columns(table_of(EventRow)) if column.name != "carrier"]
FIELDS = [column.name for column in PLAIN]
STATES = {str(state): state for state in EventState}
_SIGNATURES = {str(word): word for word in Signature}
_SOURCES = {str(source): source for source in Source}


def place_of(event: Event) -> tuple[str, str]:
    """Where an event stands in the order in which events came, for `Events.page`."""
    return moment_to_text(event.received_at), event.id


def event_from_row(row: Sequence[Any]) -> Event:
    """An event of the plain columns in the table's order; by position, since there may be a million."""
    # fmt: off
    (
        id_, provider, programme, event_id, type_, object_ref, card_ref, occurred_at, received_at, signature, source, state,
        attempts, error, waits_for, times, position, digest,
    ) = row
    # fmt: on
    return Event(
        id_,
        provider,
        programme,
        event_id,
        type_,
        object_ref,
        card_ref,
        moment_from_text(occurred_at),
        datetime.fromisoformat(received_at),
        _SIGNATURES[signature],
        _SOURCES[source],
        STATES[state],
        attempts,
        error,
        waits_for,
        times,
        position,
        digest,
    )


def values_of(event: Event) -> Values:
    """The plain columns of an event but `carrier`, in the table's order."""
    return (
        event.id,
        event.provider,
        event.programme,
        event.event_id,
        event.type,
        event.object_ref,
        event.card_ref,
        moment_or_none(event.occurred_at),
        moment_to_text(event.received_at),
        str(event.signature),
        str(event.source),
        str(event.state),
        event.attempts,
        event.error,
        event.waits_for,
        event.times,
        event.position,
        event.digest,
    )
