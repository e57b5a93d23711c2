"""What cards have spent, together with those that they replace: an `all_time` limit counts both; reads alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardctl.domain.money import Money, zero
from cardctl.providers.base import ReadsTransactions
from cardctl.providers.stripe_issuing.wire import StripeCard

if TYPE_CHECKING:
    from cardctl.providers.stripe_issuing.client import StripeIssuingClient


def replaced_by(client: StripeIssuingClient, card: StripeCard) -> list[str]:
    """The cards that this one replaces, up the chain."""
    chain: list[str] = []
    while (ref := card.get("replacement_for")) and ref not in chain:
        chain.append(ref)
        card = client.card(ref)
    return chain


def spent(reader: ReadsTransactions, refs: list[str], currency: str) -> Money:
    """Held and captured, less refunded, on all of these cards."""
    total = zero(currency)
    for ref in refs:
        for page in reader.transactions_of(ref):
            for transaction in page:
                total -= transaction.impact
    return total
