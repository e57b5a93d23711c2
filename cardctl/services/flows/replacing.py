"""Replacing a card: the old one closed, a new one issued in its place, with its limits and what was left to spend."""

from __future__ import annotations

from cardctl.domain.cards import Card
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadInput, StateForbids
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.issuing import CardWish, issue_card
from cardctl.services.desk import Desk, Done

REASONS = ("lost", "stolen", "damaged", "expired")


def replace_card(desk: Desk, card: Card, why: str, *, reason: str | None = None, caller_key: str | None = None) -> Done:
    """Close `card` (lost, stolen, damaged, expired) and issue its successor; repeated after a kill, it goes on where it was.

    The successor's allowance is what the old card could still spend when it was closed. Held money that settles later on the
    old card (a capture passes a closed card) was not unspent, and stays behind.
    """
    if why not in REASONS:
        raise BadInput(f"{why!r} is no reason to replace a card", hint=f"one of {', '.join(REASONS)}")
    if card.state is CardState.FAILED:
        raise StateForbids(f"{card.id} failed to be made: there is nothing to replace", hint="issue a new card")
    if card.state is not CardState.CLOSED:
        closed = move_card(desk, card, Move.CLOSE, reason=reason or why, extra=why).object
        assert isinstance(closed, Card)
        card = closed
    wish = CardWish(
        account_id=card.account_id,
        currency=card.currency,
        type=card.type,
        limits=card.limits,
        allowance=card.balance,
        replaces=card.id,
        replaces_reason=why,
    )
    return issue_card(desk, wish, caller_key=caller_key or f"replace:{card.id}", reason=reason or why)
