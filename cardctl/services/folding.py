"""Money events as notifications tell them, folded into the books: in whatever order and however often they come, the same.

Of two words about one object the later is the one that is ahead in its `progress`; what that cannot tell is left for a reading.
Asks no provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from cardctl.db.unit import Unit
from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.topups import ORDER, RemoteTopUp, TopUp
from cardctl.domain.transactions import OURS, RemoteTransaction, Transaction, TransactionKind
from cardctl.services.desk import Desk
from cardctl.services.entries import audit_change, audit_entry, shown

_SAID = ("kind", "state", "amount", "impact", "parent_ref", "authorization_code")
"""What two words about one object must agree in, to be the same word."""


class Verdict(Enum):
    """What a word about a money event is to the one that is in the books."""

    LATER = "later"
    SAME = "same"
    EARLIER = "earlier"
    UNDECIDED = "undecided"


@dataclass(slots=True)
class Folded:
    """What came of a fold. `changed` is by ref, as it was before (None: new) and is now; `undecided` are words that only a
    reading can place, `strangers` those on cards, and `orphans` those on purchases, that the books do not have."""

    changed: dict[str, tuple[Transaction | None, Transaction]] = field(default_factory=dict)
    undecided: list[RemoteTransaction] = field(default_factory=list)
    strangers: list[RemoteTransaction] = field(default_factory=list)
    orphans: list[RemoteTransaction] = field(default_factory=list)

    @property
    def new_refs(self) -> list[str]:
        return [ref for ref, (before, _) in self.changed.items() if before is None]


def judged(known: Transaction, told: RemoteTransaction) -> Verdict:
    """Where a word stands to what is known of its object."""
    ahead = any(mine > theirs for mine, theirs in zip(told.progress, known.progress, strict=False))
    behind = any(mine < theirs for mine, theirs in zip(told.progress, known.progress, strict=False))
    if len(told.progress) != len(known.progress) or (ahead and behind):
        return Verdict.SAME if _agree(known, told) else Verdict.UNDECIDED
    if ahead or behind:
        return Verdict.LATER if ahead else Verdict.EARLIER
    if _agree(known, told):
        return Verdict.SAME
    if not told.card_ref:  # a dispute: nothing that could be read again tells of it, so the larger claim counts, whichever came
        return Verdict.LATER if told.amount.minor > known.amount.minor else Verdict.EARLIER
    return Verdict.UNDECIDED


def fold_transactions(desk: Desk, unit: Unit, told: Sequence[RemoteTransaction], *, in_order: bool = False) -> Folded:
    """Take these words into the books, and what they make of the cards' balances. `in_order`: nobody can be asked any more, and
    what their progress does not place is taken in the order given."""
    folded, programme = Folded(), desk.programme
    known = unit.transactions.by_refs(programme, {ref for one in told for ref in (one.ref, one.parent_ref) if ref})
    cards = unit.cards.by_refs(programme, {one.card_ref for one in told if one.card_ref})
    by_id = {card.id: card for card in cards.values()}
    for one in sorted(told, key=lambda each: _RANK.get(each.kind, 1)):
        before = known.get(one.ref)
        if before is None:
            card = cards.get(one.card_ref) or _card_of_parent(unit, known, one, by_id)
            if card is None:
                (folded.strangers if one.card_ref else folded.orphans).append(one)
                continue
            now = _made(desk, card, one)
        else:
            verdict = judged(before, one)
            if verdict is Verdict.UNDECIDED and not in_order:
                folded.undecided.append(one)
            if verdict is not Verdict.LATER and not (in_order and verdict is Verdict.UNDECIDED):
                continue
            now = replace(_made(desk, _card(unit, before.card_id, by_id), one), id=before.id)
        known[one.ref] = now
        folded.changed[one.ref] = (folded.changed[one.ref][0] if one.ref in folded.changed else before, now)
    _write(desk, unit, folded, known)
    _rebalance(desk, unit, folded, by_id)
    return folded


def fold_topups(desk: Desk, unit: Unit, told: Iterable[RemoteTopUp]) -> int:
    """Take words about the float's top-ups; how many changed anything."""
    changed = 0
    for one in told:
        known = unit.topups.get(desk.programme, one.ref)
        if known is not None and ORDER.index(one.state) <= ORDER.index(known.state):
            continue
        unit.topups.put(TopUp(desk.programme, one.ref, one.amount, one.state, one.occurred_at))
        before = {"state": str(known.state)} if known else {}
        audit_change(desk, unit, "float.topup", one.ref, before, {"state": str(one.state), "amount": shown(one.amount)})
        changed += 1
    return changed


def _agree(known: Transaction, told: RemoteTransaction) -> bool:
    return all(getattr(known, word) == getattr(told, word) for word in _SAID)


def _card_of_parent(unit: Unit, known: dict[str, Transaction], told: RemoteTransaction, by_id: dict[str, Card]) -> Card | None:
    """Some objects (a dispute) name no card, but the purchase that they are about."""
    parent = known.get(told.parent_ref or "") if not told.card_ref else None
    return _card(unit, parent.card_id, by_id) if parent else None


def _card(unit: Unit, card_id: str, by_id: dict[str, Card]) -> Card:
    if card_id not in by_id:
        by_id[card_id] = unit.cards.named(card_id)
    return by_id[card_id]


def _made(desk: Desk, card: Card, told: RemoteTransaction) -> Transaction:
    return Transaction(
        id=desk.new_id("txn"),
        ref=told.ref,
        provider=card.provider,
        card_id=card.id,
        kind=told.kind,
        state=told.state,
        amount=told.amount,
        impact=told.impact,
        merchant=told.merchant,
        authorization_code=told.authorization_code,
        parent_id=None,
        occurred_at=told.occurred_at,
        parent_ref=told.parent_ref,
        progress=told.progress,
    )


def _write(desk: Desk, unit: Unit, folded: Folded, known: dict[str, Transaction]) -> None:
    """Those that belong to others after those that they belong to."""
    added, saved = [], []
    in_books = {ref for ref, one in known.items() if ref not in folded.changed or folded.changed[ref][0] is not None}
    for ref, (before, now) in sorted(folded.changed.items(), key=lambda item: _RANK.get(item[1][1].kind, 1)):
        parent = known.get(now.parent_ref or "")
        linked = replace(now, parent_id=parent.id if parent and parent.ref in in_books else None)
        folded.changed[ref] = (before, linked)
        if before is None:
            added.append(linked)
            in_books.add(ref)
        else:
            saved.append(linked)
    unit.transactions.add_many(added, programme=desk.programme)
    unit.transactions.save_many(saved)
    unit.transactions.find_parents(desk.programme, [one.ref for one in added])


def _rebalance(desk: Desk, unit: Unit, folded: Folded, cards: dict[str, Card]) -> None:
    """Where an allowance is what limits a card, its balance goes with what was spent; elsewhere the provider keeps it."""
    deltas: dict[str, int] = {}
    for before, now in folded.changed.values():
        moved = (0 if now.kind in OURS else now.impact.minor) - (
            before.impact.minor if before and before.kind not in OURS else 0
        )
        deltas[now.card_id] = deltas.get(now.card_id, 0) + moved
    balances: dict[str, Money] = {}
    entries = []
    for card_id, delta in sorted(deltas.items()):
        card = cards[card_id]
        if delta and card.allowance is not None and card.balance is not None:
            balances[card_id] = Money(card.balance.minor + delta, card.balance.currency)
            was, now = shown(card.balance), shown(balances[card_id])
            entries.append(audit_entry(desk, "card.balance", card_id, {"balance": was}, {"balance": now}))
    unit.cards.set_balances(balances)
    unit.audit.append_many(entries)


_RANK = {TransactionKind.AUTHORIZATION: 0, TransactionKind.DECLINE: 0, TransactionKind.CHARGEBACK: 2}
