"""What a bank tells those who listen: the shapes of what was written and told; who renders, signs and sends is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record


@dataclass(frozen=True, slots=True)
class Touched:
    """One row that a visit wrote, as often as it did; `before` is the row as it was before the visit, None where it is new,
    and `after` as it is now."""

    table: str
    ref: str
    before: Record | None
    after: Record = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification as its provider words it: `body` is what one event is on the wire (Stripe: the whole event object;
    Marqeta: one item of the array called `key`; Strowallet: the flat object). `event_id` names it for good."""

    event_id: str
    type: str
    object_ref: str
    card_ref: str | None
    body: Record
    key: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """One request to a receiver: its exact bytes, the headers that prove them; `query` is for who puts a secret in the URL."""

    headers: dict[str, str]
    body: bytes
    query: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """Where a client asked its provider to send what it tells: the secrets that belong to this address alone (by the names of
    the far side's own), and the types that it listens to (`*` for all of them)."""

    ref: str
    url: str
    secrets: Mapping[str, Sequence[str]]
    types: tuple[str, ...]


class Teller(Protocol):
    """One provider's way to tell (`simulator/faces/<face>/notices.py`, as module-level functions of these names)."""

    def notices(self, desk: Desk, touched: Sequence[Touched]) -> list[Notice]:
        """What is told of these rows, in order; rows that nobody is told of make none."""

    def posted(self, notices: Sequence[Notice], secrets: Mapping[str, Sequence[str]], at: int) -> Posting:
        """The request that carries `notices` (of one key, at most ten; Stripe and Strowallet: one), signed at the far side's
        time `at` (Unix seconds). `secrets` by name (`stripe.webhook_secret`, …), the one in use first."""

    def registered(self, desk: Desk) -> list[Registered]:
        """Where clients of this face asked to be told, those that are switched on."""
