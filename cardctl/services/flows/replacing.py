"""Replacing a card: the old one closed, a new one issued in its place, with its limits and what was left to spend."""

from __future__ import annotations

from dataclasses import replace

from cardctl.domain.cards import Card
from cardctl.domain.operations import Draft, Operation, OperationState
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadInput, StateForbids
from cardctl.providers.base import ClosesCards, require
from cardctl.services.deeds.controls import move_card, rehearse_move
from cardctl.services.deeds.issuing import CardWish, check_holder, rehearse_card
from cardctl.services.deeds.pulling import unspent
from cardctl.services.desk import Desk, Done, Thing
from cardctl.services.journal import give_back
from cardctl.services.opening import issue_card

_KEY = "replace"
REASONS = ("lost", "stolen", "damaged", "expired")


def replace_card(desk: Desk, card: Card, why: str, *, reason: str | None = None, caller_key: str | None = None) -> Done:
    """Close `card` (lost, stolen, damaged, expired) and issue its successor; repeated after a kill, it goes on where it was.

    The successor's allowance is what the old card could still spend when it was closed. Held money that settles later on the
    old card (a capture passes a closed card) was not unspent, and stays behind.
    """
    _check(desk, card, why)
    if card.state is not CardState.CLOSED:
        closed = move_card(desk, card, Move.CLOSE, reason=reason or why, extra=why).object
        assert isinstance(closed, Card)
        card = closed
    prior = _begun(desk, card) if caller_key is None else None
    if prior is None:
        return issue_card(desk, _successor(desk, card, why), caller_key=caller_key or f"{_KEY}:{card.id}", reason=reason or why)
    wish = replace(_successor(desk, card, prior.arguments["replaces_reason"]), allowance=prior.amount)
    return issue_card(desk, wish, caller_key=prior.caller_key, reason=reason or why)


def rehearse_replacement(desk: Desk, card: Card, why: str, *, reason: str | None = None) -> tuple[Draft | Thing, Draft | Thing]:
    """What would be sent to close the card, and to issue its successor as things are now."""
    _check(desk, card, why)
    return rehearse_move(desk, card, Move.CLOSE, reason=reason or why), rehearse_card(desk, _successor(desk, card, why))


def _begun(desk: Desk, card: Card) -> Operation | None:
    """The run that is repeated, where an earlier one asked for a successor and was not refused: its key, reason and amount."""
    with desk.books.write() as unit:
        prior = unit.operations.by_caller_key(desk.programme, f"{_KEY}:{card.id}")
        if prior is not None and prior.state is OperationState.REFUSED:  # what refused it may be gone: the key serves again
            give_back(desk, unit, prior)
            return None
    return prior


def _check(desk: Desk, card: Card, why: str) -> None:
    """Everything that would refuse the successor, before the old card is closed."""
    if why not in REASONS:
        raise BadInput(f"{why!r} is no reason to replace a card", hint=f"one of {', '.join(REASONS)}")
    require(desk.provider, ClosesCards)
    if card.state is CardState.FAILED:
        raise StateForbids(f"{card.id} failed to be made: there is nothing to replace", hint="issue a new card")
    with desk.books.read() as unit:
        check_holder(unit.accounts.named(card.account_id))


def _successor(desk: Desk, card: Card, why: str) -> CardWish:
    """What is unspent is asked of the provider: a purchase that our books do not know yet must not be spent again."""
    with desk.books.read() as unit:
        key = unit.cards.key(card.id)
    return CardWish(
        account_id=card.account_id,
        currency=card.currency,
        type=card.type,
        limits=card.limits,
        allowance=unspent(desk, card),
        key=key,
        replaces=card.id,
        replaces_reason=why,
    )
