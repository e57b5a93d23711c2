"""How much the receiver takes on: sizes, times, how many at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds. `header_seconds` is for the head of a request, and for a connection that says nothing.

    `waiting` and `waiting_bytes` are of what was verified and is not durable yet: beyond either, 503 is answered.
    """

    body: int = 1 << 20
    connections: int = 512
    header_seconds: float = 20.0
    body_seconds: float = 20.0
    waiting: int = 5_000
    waiting_bytes: int = 64 << 20
    grace: float = 10.0
