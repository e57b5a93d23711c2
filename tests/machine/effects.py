"""How often a write took effect at the far side, told from how it was before and how it is after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.machine.bank import CardSeen, far_accounts, far_cards


@dataclass(frozen=True, slots=True)
class Far:
    """The far side at one moment; `card` is the card that a test is about, as it is there."""

    card: CardSeen | None
    cards: int
    accounts: Mapping[str, str]


Effect = Callable[[Far, Far], int]


def look(home: Path, card_ref: str | None) -> Far:
    """The far side now."""
    cards = far_cards(home)
    return Far(cards[card_ref] if card_ref else None, len(cards), far_accounts(home))


def moved(state: str) -> Effect:
    """The card has come into the state."""
    return lambda before, after: int(seen(before).state != state and seen(after).state == state)


def raised(by: int) -> Effect:
    """The allowance has moved by so much: how many times."""

    def effect(before: Far, after: Far) -> int:
        moved = (seen(after).allowance or 0) - (seen(before).allowance or 0)
        assert moved % by == 0, f"the allowance moved by {moved}"
        return moved // by

    return effect


def limited(before: Far, after: Far) -> int:
    """A weekly limit of 777.00 beside the daily one."""
    assert seen(before).limits["daily"] == 100_000  # sent back unchanged
    return int(seen(after).limits == {"daily": 100_000, "weekly": 77_700})


def suspended(before: Far, after: Far) -> int:
    return sum(word == "inactive" and before.accounts[ref] == "active" for ref, word in after.accounts.items())


def new_cards(before: Far, after: Far) -> int:
    return after.cards - before.cards


def new_accounts(before: Far, after: Far) -> int:
    return len(after.accounts) - len(before.accounts)


def seen(far: Far) -> CardSeen:
    assert far.card is not None
    return far.card
