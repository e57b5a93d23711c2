"""The audit's hash chain: what an entry is and how its hash is made; keeping it is the books' work."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
GENESIS = "0" * 64
"""The hash before the first entry."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change of a card, an account or an operation; `before` and `after` hold only what changed."""

    seq: int
    at: datetime
    actor: str
    action: str
    object: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str | None
    correlation_id: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """How far the chain goes: the number of its last entry and that entry's hash; kept apart from the entries."""

    seq: int
    hash: str


def chain_hash(
    previous: str,
    *,
    seq: int,
    at: str,
    actor: str,
    action: str,
    object: str,  # noqa: A002 - the audit entry's own word
    before: str,
    after: str,
    reason: str | None,
    correlation_id: str,
) -> str:
    """SHA-256, hex, over the previous hash and every field as it is stored (texts, so that any changed byte shows)."""
    fields = [previous, seq, at, actor, action, object, before, after, reason, correlation_id]
    return hashlib.sha256(_JSON.encode(fields).encode()).hexdigest()
