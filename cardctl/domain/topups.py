"""Top-ups: money on its way from a bank into a programme's float at its provider; cardctl only hears of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cardctl.domain.money import Money


class TopUpState(StrEnum):
    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"
    REVERSED = "reversed"
    UNKNOWN = "unknown"


ORDER = (TopUpState.UNKNOWN, TopUpState.PENDING, TopUpState.SETTLED, TopUpState.FAILED, TopUpState.REVERSED)
"""A top-up never goes back in this order: where two words came in whatever order, the later one here is the later one."""


@dataclass(frozen=True, slots=True)
class RemoteTopUp:
    """A provider's word about a top-up of the float."""

    ref: str
    amount: Money
    state: TopUpState
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class TopUp:
    """A top-up in our books."""

    programme: str
    ref: str
    amount: Money
    state: TopUpState
    occurred_at: datetime
