"""The outbox: what the banks tell of the rows that a visit wrote, kept with them; how it is worded is each face's matter."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import cast

import orjson

from cardctl.simulator.desk import Desk
from cardctl.simulator.outbox import Notice, Teller, Touched
from cardctl.simulator.rows import Record, select
from cardctl.simulator.schema import FACE_OF

TELLERS = {
    "stripe": "cardctl.simulator.faces.stripe.notices",
    "marqeta": "cardctl.simulator.faces.marqeta.notices",
    "strowallet": "cardctl.simulator.faces.strowallet.notices",
    "square": "cardctl.simulator.faces.square.notices",
    "zendit": "cardctl.simulator.faces.zendit.notices",
}
"""Who words what each face tells, imported on first use."""

_APPEND = """INSERT INTO events (face, event_id, type, created, object_ref, card_ref, key, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


def teller(face: str) -> Teller:
    """The words of one face."""
    return cast(Teller, import_module(TELLERS[face]))


def tell(desk: Desk) -> None:
    """Whatever was written since the last time is told, in the same transaction.

    A bank calls this where one visit does two things of which each is told as it was then (authorised, and then captured);
    at the end of a visit it happens by itself. What was taken back meanwhile is as it was, and so is not told.
    """
    for face, rows in _by_face(desk, desk.db.take()).items():
        append(desk, face, teller(face).notices(Desk(desk.db, face, desk.now), rows))


def append(desk: Desk, face: str, notices: list[Notice]) -> None:
    """Keeps notices, in order, to be delivered."""
    desk.db.executemany(_APPEND, [_kept(desk, face, notice) for notice in notices])


def _by_face(desk: Desk, touched: Mapping[tuple[str, str], Record | None]) -> dict[str, list[Touched]]:
    found: dict[str, list[Touched]] = {}
    for (table, ref), before in touched.items():
        after = next(iter(select(desk, table, "ref = ?", (ref,))), None)
        if after is not None and after != before:
            found.setdefault(FACE_OF[table], []).append(Touched(table, ref, before, after))
    return found


def _kept(desk: Desk, face: str, notice: Notice) -> tuple[str, str, str, int, str, str | None, str, bytes]:
    body = orjson.dumps(notice.body)
    return face, notice.event_id, notice.type, desk.now, notice.object_ref, notice.card_ref, notice.key, body
