"""Operations: writes to a provider, journalled before they are sent (the words; services/operations.py does it)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardctl.domain.money import Money


class OperationState(StrEnum):
    INTENDED = "intended"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    IN_DOUBT = "in_doubt"


OPEN = frozenset({OperationState.INTENDED, OperationState.SENT, OperationState.IN_DOUBT})
"""States in which nobody knows yet how it ends."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One request exactly as it will be sent: what --dry-run shows and the journal keeps, so that a resend is the same bytes.

    `body` is plain JSON (nested; integers, strings and Decimals). `before` is what was observed of the object just before, for
    look-ups. `subject` says what kind of object the answer is: "card" or "account", or one of saved_cards.Kind. `prelude` are
    requests (`method`, `path`, `body`) that are sent before it, each of which may be repeated and alone does no harm.
    `urgent`: it stops a card, and waits for no breaker and no budget. `repeatable`: it says what shall be, so that sending it
    again does no harm, key or no key. `real`: it moves real things although the environment is a sandbox. `secret` are texts in
    the path or a body that nobody is shown, such as a provider's name of a buyer's card.
    """

    method: str
    path: str
    subject: str
    body: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    prelude: list[dict[str, Any]] = field(default_factory=list)
    urgent: bool = False
    repeatable: bool = False
    real: bool = False
    secret: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Operation:
    """One journalled write. `caller_key` is the user's own --idempotency-key; `idempotency_key` is what the provider sees.

    `kind` is noun.verb; `target` the id (ours) of the card or account it is about. `arguments` are plain JSON and enough to
    make the draft again; `draft` is set once it was about to be sent. `lease` names the process that works on it. `entered` is
    the number of its intent in the audit: an order of operations that no clock can move. `about` names in clear what a creation
    is to make, where its maker has a name for that: two that are about the same would be one thing twice.
    """

    id: str
    kind: str
    target: str
    provider: str
    programme: str
    state: OperationState
    arguments: dict[str, Any]
    digest: str
    idempotency_key: str
    created_at: datetime
    lease: str
    leased_until: datetime
    actor: str
    correlation_id: str
    entered: int = 0
    caller_key: str | None = None
    amount: Money | None = None
    reason: str | None = None
    draft: Draft | None = None
    sent_at: datetime | None = None
    finished_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None
    about: str | None = None
