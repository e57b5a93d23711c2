"""Whether what differs is still moving, and so no difference yet. Pure."""

from __future__ import annotations

from cardctl.domain.comparing.sides import Rules

_SECOND = len("2026-06-01T12:00:00")


def moves(updated_at: str, rules: Rules) -> bool:
    """Whether its event may be on its way still, or, of what happened since reading began, the reading may have missed it. When
    that was, the provider's clock tells to the second only (HTTP's Date)."""
    return updated_at[:_SECOND] > rules.begun[:_SECOND] or (rules.cutoff is not None and updated_at >= rules.cutoff)
