"""Drafts that are computed from what was read of an object: never from a reading that is older than our own last write."""

from __future__ import annotations

from collections.abc import Callable

from cardctl.domain.operations import Draft, Operation, OperationState
from cardctl.errors import ProviderUnavailable
from cardctl.services.desk import Desk

_MARKING = frozenset({"card.issue", "card.fund", "card.withdraw", "card.limits"})
"""Writes that leave their mark on the card, where the provider keeps marks."""
_TRIES = 4


def fresh_draft(desk: Desk, operation: Operation, draft: Callable[[], Draft]) -> Draft:
    """What `draft` makes, once it was made from a reading that has our last write in it.

    A whole list that is sent absolutely would take back what a stale reading does not show. ProviderUnavailable where the
    provider goes on answering from before.
    """
    for _ in range(_TRIES):
        made = draft()
        if not _is_stale(desk, operation, made):
            return made
        desk.sleep(1.0)
    raise ProviderUnavailable(
        f"{desk.provider.name} still answers from before the last write to {operation.target}", hint="try again later"
    )


def _is_stale(desk: Desk, operation: Operation, made: Draft) -> bool:
    """Whether the mark that was read is an earlier one of ours than the last; a stranger's mark, or none, proves nothing."""
    mark = made.before.get("mark")
    if not isinstance(mark, str):
        return False
    with desk.books.read() as unit:
        near = unit.operations.for_target(operation.target)
    # what a person resolved may not have happened, and is no proof
    sure = [other for other in near if other.kind in _MARKING and other.state is OperationState.DONE and other.error is None]
    marks = [other.id for other in sure]
    return mark in marks and mark != marks[-1]
