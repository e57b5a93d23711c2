"""Whether what differs is still moving, or of before our books, and so no difference. Pure."""

from __future__ import annotations

from datetime import datetime

from cardctl.domain.comparing.sides import Rules

_SECOND = len("2026-06-01T12:00:00")


def moves(updated_at: str, rules: Rules) -> bool:
    """Whether its event may be on its way still, or, of what happened since reading began, the reading may have missed it. When
    that was, the provider's clock tells to the second only (HTTP's Date)."""
    return updated_at[:_SECOND] > rules.begun[:_SECOND] or (rules.cutoff is not None and updated_at >= rules.cutoff)


def is_history(at: str, rules: Rules) -> bool:
    """Whether it is of before the books had any order; what tells no time is not."""
    return bool(at) and at[:_SECOND] < rules.first[:_SECOND]


def is_touched(updated_at: str, rules: Rules) -> bool:
    """Whether the books have written it since reading began, by our own clock."""
    return bool(updated_at) and rules.here is not None and datetime.fromisoformat(updated_at) > rules.here
