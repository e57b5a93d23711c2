"""What goes on at a provider after it has said yes: a card that starts by itself, money that is on its way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from cardctl.domain.cards import Card
from cardctl.domain.states import CardState
from cardctl.domain.transactions import TransactionState
from cardctl.errors import Busy, ProviderHasNot, ProviderUnavailable
from cardctl.services.deeds.pulling import sync_card
from cardctl.services.desk import Desk, Done, Warned

WAIT = 30.0
"""Seconds; how long a command waits unless it is told otherwise."""
_POLLS = (1.0, 2.0, 3.0, 5.0)


def await_card(desk: Desk, done: Done, *, wait: float = WAIT) -> Done:
    """A card that becomes what it will be a while after it was made: waits for that, or warns CARD_PENDING. One whose making
    did not tell what it can spend is read once."""
    card = done.object
    if not isinstance(card, Card) or not wait:
        return done
    if "allowance" not in desk.provider.issue_carries:
        return replace(done, object=_read(desk, card))
    if not desk.provider.starts_itself or card.state is not CardState.PENDING:
        return done
    card = _seen(desk, card, wait, lambda seen: seen.state is not CardState.PENDING)
    if card.state is not CardState.PENDING:
        return replace(done, object=card)
    text = f"{desk.provider.name} is still making it: `cardctl card sync {card.id}` tells how it goes on"
    return Done(card, done.operation, (*done.warnings, Warned("CARD_PENDING", text)))


def await_money(desk: Desk, done: Done, *, wait: float = WAIT) -> Done:
    """Money that settles later: waits for the provider's word that it has, or warns FUNDING_PENDING."""
    card, operation = done.object, done.operation
    if operation is None or not isinstance(card, Card) or _settled(desk, operation.id, card):
        return done
    name = operation.id
    card = _seen(desk, card, wait, lambda seen: _settled(desk, name, seen))
    if _settled(desk, name, card):
        return replace(done, object=card)
    text = f"{desk.provider.name} has taken the order and not settled it yet: `cardctl card sync {card.id}` looks again"
    return Done(card, operation, (*done.warnings, Warned("FUNDING_PENDING", text)))


def _seen(desk: Desk, card: Card, wait: float, enough: Callable[[Card], bool]) -> Card:
    """The card as it is read again and again until it is as wanted, or the waiting is over."""
    waited, polls = 0.0, iter(_POLLS)
    while True:
        card = _read(desk, card)
        pause = next(polls, _POLLS[-1])
        if enough(card) or waited + pause > wait:
            return card
        desk.sleep(pause)
        waited += pause


def _read(desk: Desk, card: Card) -> Card:
    with suppress(ProviderUnavailable, ProviderHasNot, Busy):  # it is there already: what cannot be seen now is seen later
        return sync_card(desk, card)
    return card


def _settled(desk: Desk, operation_id: str, card: Card) -> bool:
    with desk.books.read() as unit:
        event = unit.transactions.by_ref(card.programme, operation_id)
    return event is None or event.state is not TransactionState.PENDING
