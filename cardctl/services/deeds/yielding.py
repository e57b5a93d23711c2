"""Where the books yield to the provider's word against what they held for certain: each is audited, and nothing is deleted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from cardctl.domain.cards import Card
from cardctl.domain.states import settle
from cardctl.domain.transactions import voided
from cardctl.providers.base import ReadsCards, ReadsTransactions, require
from cardctl.services.desk import Desk
from cardctl.services.entries import audit_change, rebalance


def void(desk: Desk, card: Card, refs: Collection[str]) -> list[str]:
    """Money events of a card that its provider does not have take nothing from now on; those that it has after all are left.
    Which were."""
    pages = require(desk.provider, ReadsTransactions).transactions_of(card.ref)
    there = {name for page in pages for event in page for name in (event.ref, event.reference) if name}
    with desk.books.write() as unit:
        gone = [one for one in unit.transactions.by_refs(desk.programme, refs).values() if one.ref not in there]
        for one in gone:
            unit.transactions.upsert(voided(one), programme=desk.programme)
            before, after = ({"state": str(each.state), "impact": str(each.impact)} for each in (one, voided(one)))
            audit_change(desk, unit, "transaction.void", one.id, before, after)
        rebalance(desk, unit, card.id)
    return [one.ref for one in gone]


def take_word(desk: Desk, card: Card) -> Card:
    """A card that was closed here for good, and that its provider has open again: a person has said that it is so."""
    remote = require(desk.provider, ReadsCards).card(card.ref)
    state = settle(remote.state, ever_active=card.ever_active or bool(remote.ever_active))
    taken = replace(card, state=state, state_reason="reopened at the provider", updated_at=desk.clock())
    with desk.books.write() as unit:
        unit.cards.save(taken)
        audit_change(desk, unit, "card.reopen", card.id, {"state": str(card.state)}, {"state": str(state)})
    return taken
