"""What every service works with, laid out by the composition root; no rules live here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cardctl.db.unit import Books
from cardctl.domain.accounts import Account
from cardctl.domain.cards import Card
from cardctl.domain.operations import Operation
from cardctl.domain.orders import Order
from cardctl.domain.payments import Payment
from cardctl.domain.saved_cards import SavedCard
from cardctl.providers.base import Provider

Thing = Card | Account | SavedCard | Payment | Order
"""What a write is about, as it stands in our books."""


class Lease(Protocol):
    """This process's sign of life, which the kernel takes down with it."""

    @property
    def name(self) -> str: ...

    def alive(self, name: str) -> bool | None:
        """Whether the process named so still lives; None where that cannot be told from here."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Books, provider and the means that only the composition root may make: clock, ids, sleep, lease, actor.

    `live` is true where a write to a live programme was said aloud; `log` takes (category, event type, fields).
    """

    books: Books
    provider: Provider
    clock: Callable[[], datetime]
    new_id: Callable[[str], str]
    sleep: Callable[[float], None]
    lease: Lease
    actor: str
    correlation_id: str
    live: bool
    log: Callable[[str, str, dict[str, Any]], None]

    @property
    def programme(self) -> str:
        return self.provider.programme


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a caller should know although the work is done."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """How a write ended: the object now, its operation (None where nothing had to be sent), and warnings."""

    object: Thing
    operation: Operation | None
    warnings: tuple[Warned, ...] = ()
