"""Breaks: the kinds of difference between our books and a provider's, what each means, and its fingerprint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cardctl.domain.money import Money


class Severity(StrEnum):
    """`info` is worth knowing and wants nothing done: it makes no run unclean."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class BreakType(StrEnum):
    ACCOUNT_MISSING_HERE = "account_missing_here"
    ACCOUNT_MISSING_THERE = "account_missing_there"
    ACCOUNT_STATE = "account_state"
    ACCOUNT_KYC = "account_kyc"
    CARD_MISSING_HERE = "card_missing_here"
    CARD_MISSING_THERE = "card_missing_there"
    CARD_STATE = "card_state"
    CARD_LIMITS = "card_limits"
    CARD_CURRENCY = "card_currency"
    CARD_DETAILS = "card_details"
    REOPENED_CLOSED = "reopened_closed"
    BALANCE = "balance"
    TRANSACTION_MISSING_HERE = "transaction_missing_here"
    TRANSACTION_MISSING_THERE = "transaction_missing_there"
    TRANSACTION_AMOUNT = "transaction_amount"
    TRANSACTION_STATE = "transaction_state"
    TRANSACTION_DUPLICATE = "transaction_duplicate"
    TRANSACTION_ORPHAN = "transaction_orphan"
    OVER_CAPTURE = "over_capture"
    CAPTURE_WITHOUT_AUTHORIZATION = "capture_without_authorization"
    CAPTURE_AFTER_FREEZE = "capture_after_freeze"
    AUTHORIZATION_STALE = "authorization_stale"
    REFUND_WITHOUT_PURCHASE = "refund_without_purchase"
    REFUND_ABOVE_PURCHASE = "refund_above_purchase"
    DECLINED_THEN_SETTLED = "declined_then_settled"
    FUNDING_UNMATCHED = "funding_unmatched"
    EVENT_GAP = "event_gap"
    EVENT_FAILED = "event_failed"
    OPERATION_IN_DOUBT = "operation_in_doubt"
    FLOAT_LOW = "float_low"
    UNKNOWN_WORD = "unknown_word"


class BreakState(StrEnum):
    """`open` and `reopened` wait for somebody; the others were seen to, or are gone (`resolved`)."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"
    REOPENED = "reopened"


WAITING = frozenset({BreakState.OPEN, BreakState.REOPENED})
"""States in which nobody has seen to a break yet."""


class RunState(StrEnum):
    """`partial`: some of it could not be read; `stopped`: a safety stop, nothing was concluded."""

    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    STOPPED = "stopped"


class Remedy(StrEnum):
    """What mends a break: taking the provider's word (`take`), or another of cardctl's own doings, none of which moves money;
    `propose`: a person must act, and is told how."""

    TAKE = "take"
    BACKFILL = "backfill"
    REPLAY = "replay"
    RESUME = "resume"
    PROPOSE = "propose"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type of break means: how grave, why it happens, what to do, and how cardctl mends it."""

    severity: Severity
    cause: str
    fix: str
    remedy: Remedy = Remedy.TAKE


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference as one run sees it. `subject` is the provider's name for the object (ours, where it has none).

    `local` and `remote` hold only what differs, as plain JSON; `delta` is how much more the provider's side lets the card
    spend, in minor units, because of it. `evidence` names objects, events and operations. `severity`, `cause`, `fix` and
    `remedy` None are those of its kind.
    """

    type: BreakType
    subject: str
    provider: str
    programme: str
    card_id: str | None = None
    local: dict[str, Any] = field(default_factory=dict)
    remote: dict[str, Any] = field(default_factory=dict)
    at_risk: Money | None = None
    delta: int = 0
    evidence: dict[str, list[str]] = field(default_factory=dict)
    severity: Severity | None = None
    cause: str | None = None
    fix: str | None = None
    remedy: Remedy | None = None

    @property
    def kind(self) -> Kind:
        """What its type means, with what this one knows better."""
        known = KINDS[self.type]
        return Kind(
            self.severity or known.severity, self.cause or known.cause, self.fix or known.fix, self.remedy or known.remedy
        )

    @property
    def fingerprint(self) -> str:
        """The same from run to run: it is made of what it is about, and of nothing that moves."""
        return fingerprint(self.programme, self.type, self.subject)

    def plain(self) -> dict[str, Any]:
        """As JSON; `from_plain` reads it."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return told | {"at_risk": [self.at_risk.minor, self.at_risk.currency] if self.at_risk else None}

    @staticmethod
    def from_plain(told: dict[str, Any]) -> Finding:
        risk, severity, remedy = told["at_risk"], told["severity"], told["remedy"]
        words = {
            "type": BreakType(told["type"]),
            "at_risk": Money(*risk) if risk else None,
            "severity": Severity(severity) if severity else None,
            "remedy": Remedy(remedy) if remedy else None,
        }
        return Finding(**{**told, **words})


@dataclass(frozen=True, slots=True)
class Break:
    """A difference with its memory. `moves` are its steps, oldest first, where they were asked for."""

    fingerprint: str
    type: BreakType
    severity: Severity
    provider: str
    programme: str
    subject: str
    card_id: str | None
    local: dict[str, Any]
    remote: dict[str, Any]
    at_risk: Money | None
    evidence: dict[str, list[str]]
    cause: str
    proposed_fix: str
    first_seen_at: datetime
    last_seen_at: datetime
    occurrences: int
    state: BreakState
    snoozed_until: datetime | None
    reason: str | None
    last_run: str
    moves: tuple[Move, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether somebody must see to it: it is more than information, and nobody has yet."""
        return self.severity is not Severity.INFO and self.state in WAITING


@dataclass(frozen=True, slots=True)
class Move:
    """One step in a break's life; `before` None: it was found."""

    at: datetime
    actor: str
    before: BreakState | None
    after: BreakState
    reason: str | None
    run_id: str | None


@dataclass(frozen=True, slots=True)
class ReconcileRun:
    """One run as it is remembered. `programmes` is one JSON object per programme that was to be read, `watermark` says per
    programme and source what was read and compared, `figures` counts and sums, `not_checked` what was left out and why."""

    id: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    actor: str
    correlation_id: str
    programmes: list[str]
    watermark: dict[str, Any]
    figures: dict[str, Any]
    not_checked: list[str]
    found: int
    fixed: int
    digest: str
    error: str | None = None


def fingerprint(programme: str, type: BreakType, subject: str) -> str:  # noqa: A002 - the field's own word
    """`brk_` and 20 characters."""
    return "brk_" + hashlib.sha256(f"{programme}\n{type}\n{subject}".encode("utf-8", "backslashreplace")).hexdigest()[:20]


_T, _S, _R = BreakType, Severity, Remedy
_TAKEN = "take the provider's word into the books"
_CLAIM = "raise it with the provider, naming both objects; dispute it where they agree (`break accept` once that is under way)"
KINDS: dict[BreakType, Kind] = {
    _T.ACCOUNT_MISSING_HERE: Kind(_S.WARNING, "it was made elsewhere, or its event never came", _TAKEN),
    _T.ACCOUNT_MISSING_THERE: Kind(
        _S.WARNING, "it was deleted at the provider, or belongs to another programme", "close its cards here", _R.PROPOSE
    ),
    _T.ACCOUNT_STATE: Kind(_S.WARNING, "it was changed at the provider, and the event never came", _TAKEN),
    _T.ACCOUNT_KYC: Kind(_S.WARNING, "the provider's check ended otherwise than the books know", _TAKEN),
    _T.CARD_MISSING_HERE: Kind(_S.CRITICAL, "it was issued elsewhere, or a creation's reply was lost", _TAKEN),
    _T.CARD_MISSING_THERE: Kind(
        _S.CRITICAL,
        "the provider has it no more, or it belongs to another programme",
        "read it by itself; close it here if gone",
    ),
    _T.CARD_STATE: Kind(_S.CRITICAL, "it was changed at the provider, and the event never came", _TAKEN),
    _T.CARD_LIMITS: Kind(_S.WARNING, "its limits were changed at the provider", _TAKEN),
    _T.CARD_CURRENCY: Kind(_S.CRITICAL, "the books were filled from another source", _TAKEN),
    _T.CARD_DETAILS: Kind(_S.WARNING, "the card was renewed, or renamed at the provider", _TAKEN),
    _T.REOPENED_CLOSED: Kind(
        _S.CRITICAL,
        "a card that was closed for good can be used again at the provider",
        "close it again (`card close`), or take the provider's word (`break resolve --fix`)",
        _R.PROPOSE,
    ),
    _T.BALANCE: Kind(_S.CRITICAL, "money was moved at the provider without a transaction that explains it", _TAKEN),
    _T.TRANSACTION_MISSING_HERE: Kind(_S.CRITICAL, "its event never came", _TAKEN),
    _T.TRANSACTION_MISSING_THERE: Kind(
        _S.CRITICAL,
        "it came from an event or a file that the provider does not stand by",
        "void it here: it then takes nothing",
    ),
    _T.TRANSACTION_AMOUNT: Kind(_S.CRITICAL, "a later event (a capture, an increment, a reversal) never came", _TAKEN),
    _T.TRANSACTION_STATE: Kind(_S.WARNING, "a later event never came", _TAKEN),
    _T.TRANSACTION_DUPLICATE: Kind(_S.CRITICAL, "the same thing is there twice", _CLAIM, _R.PROPOSE),
    _T.TRANSACTION_ORPHAN: Kind(_S.WARNING, "it is on a card that neither side lists", _CLAIM, _R.PROPOSE),
    _T.OVER_CAPTURE: Kind(
        _S.CRITICAL, "more was captured than was authorised, beyond what the trade may add", _CLAIM, _R.PROPOSE
    ),
    _T.CAPTURE_WITHOUT_AUTHORIZATION: Kind(_S.WARNING, "it names an authorization that neither side has", _CLAIM, _R.PROPOSE),
    _T.CAPTURE_AFTER_FREEZE: Kind(
        _S.INFO, "what was authorised before a freeze may be captured after it", "nothing", _R.PROPOSE
    ),
    _T.AUTHORIZATION_STALE: Kind(
        _S.WARNING,
        "the merchant neither captured nor released it within its trade's time",
        "ask the provider to release the hold",
        _R.PROPOSE,
    ),
    _T.REFUND_WITHOUT_PURCHASE: Kind(_S.WARNING, "no purchase on this card at this merchant explains it", _CLAIM, _R.PROPOSE),
    _T.REFUND_ABOVE_PURCHASE: Kind(_S.CRITICAL, "more was given back than was ever paid there", _CLAIM, _R.PROPOSE),
    _T.DECLINED_THEN_SETTLED: Kind(_S.CRITICAL, "what was declined was settled all the same", _CLAIM, _R.PROPOSE),
    _T.FUNDING_UNMATCHED: Kind(
        _S.CRITICAL, "one side has a funding or withdrawal that the other has not", "look at both histories", _R.PROPOSE
    ),
    _T.EVENT_GAP: Kind(
        _S.WARNING, "the receiver was not reachable, or the provider gave up", "`cardctl webhook backfill`", _R.BACKFILL
    ),
    _T.EVENT_FAILED: Kind(_S.WARNING, "an event could not be applied", "`cardctl webhook replay --failed`", _R.REPLAY),
    _T.OPERATION_IN_DOUBT: Kind(
        _S.CRITICAL, "a write was sent and its outcome is unknown", "`cardctl operation resume`", _R.RESUME
    ),
    _T.FLOAT_LOW: Kind(_S.CRITICAL, "the programme's own balance is nearly spent", "top it up at the provider", _R.PROPOSE),
    _T.UNKNOWN_WORD: Kind(
        _S.WARNING, "the provider uses a word that this cardctl does not know", "update cardctl, or tell its makers", _R.PROPOSE
    ),
}
"""Every type of break."""
