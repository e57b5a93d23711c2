"""What was refused, held in memory until the writer puts it into quarantine: a flood costs an HMAC each, and stores little."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from cardctl.db.quarantine import Quarantine, Refusal
from cardctl.domain.events import Incoming
from cardctl.services.deeds.inbox import Judged, Reception, kept_headers

MOST_HELD = 200
MOST_BYTES = 4 << 20
"""Of bodies, between two flushes; what comes beyond either is counted, and not looked at again."""
_MOST_TYPES, _LONGEST_TYPE = 10, 100


@dataclass(slots=True)
class _Held:
    reception: Reception
    incoming: Incoming
    judged: Judged
    digest: str
    times: int = 1


class Refusals:
    """Noted by the server's thread, flushed by the writer's."""

    def __init__(self, quarantine: Quarantine) -> None:
        self._quarantine = quarantine
        self._held: dict[tuple[str, str], _Held] = {}
        self._bytes = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def note(self, reception: Reception, incoming: Incoming, judged: Judged) -> None:
        """Waits for nothing."""
        with self._lock:
            self._counts[reception.provider, judged.reason or ""] += 1
            if len(self._held) >= MOST_HELD or self._bytes >= MOST_BYTES:
                return
            digest = hashlib.sha256(incoming.body).hexdigest()
            key = reception.provider, digest
            if key in self._held:
                self._held[key].times += 1
                return
            self._held[key] = _Held(reception, incoming, judged, digest)
            self._bytes += len(incoming.body)

    def flush(self) -> dict[tuple[str, str], int]:
        """Into the quarantine; how many were refused since the last time, by provider and reason."""
        with self._lock:
            held, self._held, self._bytes = list(self._held.values()), {}, 0
            counts, self._counts = dict(self._counts), Counter()
        self._quarantine.note_many([_refusal(each) for each in held])
        return counts


def _refusal(held: _Held) -> Refusal:
    webhooks, incoming, body = held.reception.webhooks, held.incoming, None
    with suppress(Exception):  # it may be anything; what cannot be read may hold what must not be kept
        body = webhooks.kept_body(incoming.body)
    return Refusal(
        provider=held.reception.provider,
        programme=held.reception.programme,
        received_at=incoming.received_at,
        signature=held.judged.signature,
        reason=held.judged.reason or "",
        digest=held.digest,
        body=body,
        headers=kept_headers(incoming.headers, webhooks),
        types=held.judged.types or _claimed(held),
        times=held.times,
    )


def _claimed(held: _Held) -> tuple[str, ...]:
    """What it says it is, whoever sent it."""
    with suppress(Exception):
        return tuple(notice.type[:_LONGEST_TYPE] for notice in held.reception.webhooks.notices(held.incoming.body))[
            :_MOST_TYPES
        ]
    return ()
