"""From the outbox to requests: which events go, with which faults, signed by the far side's clock; nothing is sent here."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import orjson

from cardctl.simulator import forging, webhook_secrets
from cardctl.simulator.books import FarSide
from cardctl.simulator.deliver import Delivery, planned
from cardctl.simulator.desk import Desk
from cardctl.simulator.outbox import Notice, Posting, Registered
from cardctl.simulator.strowallet import counter as strowallet
from cardctl.simulator.telling import TELLERS, teller
from cardctl.simulator.zendit import hooks as zendit

WINDOW = 1000
"""Events that are planned together: what is reordered changes its place among these, and `dropped` loses one of these."""

_TOGETHER = ("marqeta",)
"""Who sends several events in one request."""

_COLUMNS = "seq, face, event_id, type, object_ref, card_ref, key, body"


@dataclass(frozen=True, slots=True)
class Posted:
    """One request to `path` of a receiver. `at`: the far side's time of its signature; `forged`: no provider sent it."""

    face: str
    path: str
    posting: Posting
    at: datetime
    event_ids: tuple[str, ...]
    attempt: int = 1
    forged: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: of one face, told after `since_seq`, these alone, those not yet delivered, the first `limit` of them."""

    face: str | None = None
    since_seq: int | None = None
    event_ids: Sequence[str] | None = None
    undelivered: bool = True
    limit: int | None = None
    types: Sequence[str] = ("*",)


@dataclass(frozen=True, slots=True)
class Manner:
    """What goes wrong on the way (see `deliver.planned`). `live`: the receiver has a clock of its own, so that what is late
    comes last but is signed now, not an hour from now. `secrets` are used in place of the far side's own."""

    seed: int = 0
    rate: float = 0.0
    kinds: Sequence[str] = ()
    live: bool = False
    secrets: Mapping[str, Sequence[str]] = field(default_factory=dict)


def deliveries(far_side: FarSide, wanted: Wanted, manner: Manner) -> Iterator[Posted]:
    """What is to be sent, in that order, of what is in the outbox now; a window of events is in memory at a time."""
    planned([], manner.seed, rate=manner.rate, kinds=manner.kinds)  # what makes no sense is said before anything is done
    return _deliveries(far_side, wanted, manner)


def request(face: str, notices: Sequence[Notice], secrets: Mapping[str, Sequence[str]], at: int) -> Posted:
    """One genuine request that carries `notices`."""
    posting = teller(face).posted(notices, secrets, at)
    ids = tuple(notice.event_id for notice in notices)
    return Posted(face, f"/webhooks/{face}", posting, datetime.fromtimestamp(at, UTC), ids)


def to_line(posted: Posted) -> dict[str, Any]:
    """As a line of a file that `webhook ingest` reads; `query` where the URL had one."""
    posting = posted.posting
    try:
        body = {"body": posting.body.decode()}
    except UnicodeDecodeError:
        body = {"body_base64": base64.b64encode(posting.body).decode()}
    query = {"query": posting.query} if posting.query else {}
    received = posted.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"provider": posted.face, "headers": dict(posting.headers), **body, **query, "received_at": received}


def last_told(far_side: FarSide) -> int:
    """The place of the newest event, 0 where nothing was told; it only grows, whatever is reset."""
    with far_side.reading() as desk:
        row = desk.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(row[0]) if row else 0


def mark_delivered(far_side: FarSide, event_ids: Sequence[str]) -> None:
    """They need not be sent again."""
    with far_side.transaction() as desk:
        desk.db.executemany("UPDATE events SET delivered = 1 WHERE event_id = ?", [(one,) for one in event_ids])


def registered(far_side: FarSide) -> dict[str, list[Registered]]:
    """By face, where its clients asked to be told."""
    with far_side.reading() as desk:
        return {face: teller(face).registered(Desk(desk.db, face, desk.now)) for face in TELLERS}


def _deliveries(far_side: FarSide, wanted: Wanted, manner: Manner) -> Iterator[Posted]:
    secrets = _secrets(far_side, manner)
    for number, window in enumerate(_windows(far_side, wanted)):
        plan = planned(window, manner.seed + number, rate=manner.rate, kinds=manner.kinds)
        now = far_side.now()
        for place, delivery in enumerate(plan):
            at = now if manner.live else now + int(delivery.delay)
            yield from _posted(delivery, secrets, at, manner.seed + number * WINDOW + place)


def _posted(
    delivery: Delivery[tuple[str, Notice]], secrets: Mapping[str, Sequence[str]], at: int, seed: int
) -> Iterator[Posted]:
    """Only some providers send events together, and those of one kind alone; the others send each by itself."""
    given = {name: list(values[::-1]) if delivery.rotated else list(values[:1]) for name, values in secrets.items()}
    for (face, _), events in groupby(delivery.events, key=lambda event: (event[0], event[1].key)):
        notices = [notice for _, notice in events]
        for batch in [notices] if face in _TOGETHER else [[notice] for notice in notices]:
            made = request(face, batch, given, at)
            posting = forging.forged(face, batch, made.posting, at, seed) if delivery.forged else made.posting
            yield Posted(face, made.path, posting, made.at, made.event_ids, delivery.attempt, delivery.forged)


def _secrets(far_side: FarSide, manner: Manner) -> dict[str, Sequence[str]]:
    """What a rotated delivery is signed with must have been in use before."""
    if manner.secrets:
        return dict(manner.secrets)
    known = webhook_secrets.known(far_side)
    if ("rotated" in manner.kinds or (manner.rate and not manner.kinds)) and any(len(each) < 2 for each in known.values()):
        known = webhook_secrets.rotate(far_side)
    with far_side.reading() as desk:
        gateway = {"strowallet.signed": ["1"]} if strowallet.signs_webhooks(desk) else {}
        named = {zendit.NAME: [zendit.header(desk)]}
    return {**known, **gateway, **named}


def _windows(far_side: FarSide, wanted: Wanted) -> Iterator[list[tuple[str, Notice]]]:
    """Only what had been told at the beginning, so that it ends."""
    last, left = last_told(far_side), wanted.limit
    after = wanted.since_seq or 0
    while left is None or left > 0:
        where, values = _condition(wanted, after, last)
        limit = WINDOW if left is None else min(WINDOW, left)
        query = f"SELECT {_COLUMNS} FROM events WHERE {where} ORDER BY seq LIMIT ?"  # noqa: S608  (our own words)
        with far_side.reading() as desk:
            rows = desk.db.execute(query, [*values, limit]).fetchall()
        if not rows:
            return
        after, left = rows[-1][0], None if left is None else left - len(rows)
        yield [(row[1], Notice(row[2], row[3], row[4], row[5], orjson.loads(row[7]), row[6])) for row in rows]


def _condition(wanted: Wanted, after: int, last: int) -> tuple[str, list[Any]]:
    conditions = ["seq > ?", "seq <= ?"]
    values: list[Any] = [after, last]
    if wanted.face is not None:
        conditions.append("face = ?")
        values.append(wanted.face)
    if wanted.undelivered:
        conditions.append("delivered = 0")
    if wanted.event_ids is not None:
        conditions.append("event_id IN (SELECT value FROM json_each(?))")
        values.append(orjson.dumps(list(wanted.event_ids)).decode())
    if "*" not in wanted.types:
        conditions.append(f"({' OR '.join(['type GLOB ?'] * len(wanted.types)) or '0'})")
        values += wanted.types
    return " AND ".join(conditions), values
