"""The tables of what providers tell: events as they came, and top-ups of a float; the other tables are in tables.py."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, text

from cardctl.db.fields import Row, currency_field, id_field, minor_field, one_of, sealed_bytes_field, text_field
from cardctl.domain.events import EventState, Signature, Source
from cardctl.domain.topups import TopUpState

UNFINISHED = "state IN ('received', 'failed', 'dead')"
WAITING = "waits_for IS NOT NULL"
"""Nearly every event is finished and waits for nothing, and costs these indexes nothing (on SQLite)."""


class EventRow(Row, table=True):
    """One notification. `id` is made of programme and event id, so that its key alone tells a duplicate. Of several that came
    in one request, the first that was new has it (`message`: headers, then the raw body), and the others name that one
    (`carrier`)."""

    __tablename__ = "events"
    __table_args__ = (
        one_of("state", EventState),
        one_of("signature", Signature),
        one_of("source", Source),
        CheckConstraint("attempts >= 0 AND times >= 1", name="counts"),
        Index(None, "received_at", "id"),
        Index(None, "programme", "card_ref"),
        Index(None, "state", "received_at", "id", sqlite_where=text(UNFINISHED)),
        Index(None, "programme", "waits_for", sqlite_where=text(WAITING)),
    )
    id: str = id_field()
    provider: str = text_field()
    programme: str = text_field()
    event_id: str = text_field()
    type: str = text_field()
    object_ref: str | None = text_field()
    card_ref: str | None = text_field()
    occurred_at: str | None = text_field()
    received_at: str = text_field()
    signature: str = text_field()
    source: str = text_field()
    state: str = text_field()
    attempts: int
    error: str | None = text_field()
    waits_for: str | None = text_field()
    times: int
    position: int
    digest: str = text_field()
    carrier: str | None = text_field()
    message: bytes | None = sealed_bytes_field()


class TopUpRow(Row, table=True):
    """Money on its way into a programme's float."""

    __tablename__ = "topups"
    __table_args__ = (one_of("state", TopUpState), CheckConstraint("amount_minor >= 0", name="amount"))
    programme: str = id_field()
    ref: str = id_field()
    amount_minor: int = minor_field()
    amount_currency: str = currency_field()
    state: str = text_field()
    occurred_at: str = text_field()
