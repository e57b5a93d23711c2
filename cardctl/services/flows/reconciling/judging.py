"""Whether what was read can be: where a provider is suddenly empty, or has far too much otherwise, nothing is concluded."""

from __future__ import annotations

from cardctl.errors import CardctlError, RemoteSuddenlyEmpty, TooMuchDiffers
from cardctl.services.flows.reconciling.comparing import Counts
from cardctl.services.flows.reconciling.comparing_orders import SoldCounts
from cardctl.services.flows.reconciling.comparing_saved import SavedCounts
from cardctl.services.flows.reconciling.comparing_supply import SupplyCounts

_LEAST = 10
"""So many of them may differ, whatever their part is."""


def stop_of(programme: str, counts: Counts | SavedCounts | SoldCounts | SupplyCounts) -> CardctlError | None:
    """Why nothing is concluded; None where it is plausible."""
    if isinstance(counts, SavedCounts):
        return _of_saved(programme, counts)
    if isinstance(counts, SoldCounts):
        there = counts.orders_there
        return _of_orders(programme, counts, counts.orders_here, there, "orders", "payment")
    if isinstance(counts, SupplyCounts):
        there = counts.purchases_there
        return _of_orders(programme, counts, counts.purchases_here, there, "purchases", "purchase")
    if counts.living_here and not counts.cards_there:
        return RemoteSuddenlyEmpty(f"{programme}: the books have {counts.living_here} cards, and the provider lists none")
    return _too_much(programme, counts.differing, max(counts.cards_here, counts.cards_there), "cards")


def _of_saved(programme: str, counts: SavedCounts) -> CardctlError | None:
    """A seller that has payments is there, though the last card may be gone; payments do not go."""
    payments = counts.payments_there + counts.other_payments
    if counts.missing_payments and not payments:
        told = f"the books have {counts.payments_here} payments"
        return RemoteSuddenlyEmpty(f"{programme}: {told}, and the provider lists none")
    if counts.differing_cards and counts.living_here and not (counts.cards_there + counts.other_cards + payments):
        told = f"the books have {counts.living_here} saved cards"
        return RemoteSuddenlyEmpty(f"{programme}: {told}, and the provider lists neither a card nor a payment")
    cards, paid = max(counts.cards_here, counts.cards_there), max(counts.payments_here, counts.payments_there)
    stop = _too_much(programme, counts.differing_cards, cards, "saved cards")
    return stop or _too_much(programme, counts.differing_payments, paid, "payments")


def _of_orders(
    programme: str, counts: SoldCounts | SupplyCounts, here: int, there: int, noun: str, listed: str
) -> CardctlError | None:
    if counts.missing and not there + counts.others:
        return RemoteSuddenlyEmpty(f"{programme}: the books have {here} {noun}, and the provider lists no {listed}")
    return _too_much(programme, counts.differing, max(here, there), noun)


def _too_much(programme: str, differing: int, compared: int, noun: str) -> CardctlError | None:
    if differing < _LEAST or differing * 3 <= compared:
        return None
    return TooMuchDiffers(f"{programme}: {differing} of {compared} {noun} differ")
