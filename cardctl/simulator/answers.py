"""Answers saved under idempotency keys: looked up, saved, forgotten after a day; what goes into one is the face's matter."""

from __future__ import annotations

from dataclasses import dataclass

from cardctl.simulator.desk import Desk

LIFE = 24 * 3600
"""Seconds of the far side's clock (docs.stripe.com/api/idempotent_requests)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer under a key; `fingerprint` is of the request's parameters."""

    key: str
    fingerprint: str
    path: str
    request_id: str
    status: int
    body: bytes


def saved(desk: Desk, key: str) -> Answer | None:
    """The answer that is still remembered."""
    row = desk.db.execute(
        "SELECT key, fingerprint, path, request_id, status, body FROM answers WHERE face = ? AND key = ? AND saved_at > ?",
        (desk.face, key, desk.now - LIFE),
    ).fetchone()
    return Answer(*row) if row else None


def save(desk: Desk, answer: Answer) -> None:
    """In the transaction of the effect itself; what is a day old is forgotten on the way."""
    desk.db.execute("DELETE FROM answers WHERE saved_at <= ?", (desk.now - LIFE,))
    desk.db.execute(
        "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (desk.face, answer.key, answer.fingerprint, answer.path, answer.request_id, answer.status, answer.body, desk.now),
    )
