"""A provider's word taken into the books, a page at a time: accounts, cards, money events. Asks no provider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cardctl.db.unit import Unit
from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import Card, RemoteCard
from cardctl.domain.operations import Operation
from cardctl.domain.states import CardState
from cardctl.domain.transactions import OURS, RemoteTransaction, Transaction, TransactionKind, TransactionState
from cardctl.services.desk import Desk
from cardctl.services.entries import (
    account_id_for,
    audit_change,
    audit_entry,
    available,
    made_by,
    new_account,
    new_card,
    rebalance,
    share_balance,
    take_account,
    taken_card,
)

_MOVES = {"card.fund": TransactionKind.FUNDING, "card.withdraw": TransactionKind.WITHDRAWAL}
_EARLY = timedelta(hours=1)
"""How far a provider's clock may be behind ours when its row for a funding is joined to ours."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What an intake brought: objects read, new here, changed, belonging to cards that we do not know, or left for a write of
    ours to tell of."""

    read: int = 0
    new: int = 0
    changed: int = 0
    strangers: int = 0
    waiting: int = 0

    def __add__(self, other: Pulled) -> Pulled:
        return Pulled(
            self.read + other.read,
            self.new + other.new,
            self.changed + other.changed,
            self.strangers + other.strangers,
            self.waiting + other.waiting,
        )


def now_in(unit: Unit) -> int:
    """How far the audit goes: a moment in the books that no clock can move."""
    return unit.audit.head().seq


def written_since(unit: Unit, object_ids: Iterable[str], begun: int) -> set[str]:
    """Those of the objects to which more than a balance was written since: the books have what is newer than what was seen."""
    return unit.audit.touched_any(list(object_ids), after=begun, but="card.balance")


def take_accounts(desk: Desk, unit: Unit, page: Sequence[RemoteAccount], begun: int) -> Pulled:
    """Accounts as they were read at `begun`; unknown ones are added."""
    known = unit.accounts.by_refs(desk.programme, [remote.ref for remote in page])
    newer = written_since(unit, (account.id for account in known.values()), begun)
    total = Pulled()
    for remote in page:
        account = known.get(remote.ref)
        if account is None:
            total += _new_account(desk, unit, remote)
        elif account.id in newer:
            total += Pulled(read=1)
        else:
            _, before, after = take_account(desk, unit, account, remote)
            audit_change(desk, unit, "account.sync", account.id, before, after)
            total += Pulled(read=1, changed=int(bool(after)))
    return total


def take_cards(desk: Desk, unit: Unit, page: Sequence[RemoteCard], begun: int) -> Pulled:
    """Cards as they were read at `begun`, each once; unknown ones are added. Their holders are in the books."""
    remotes = {remote.ref: remote for remote in page}
    known = unit.cards.by_refs(desk.programme, list(remotes))
    newer = written_since(unit, (card.id for card in known.values()), begun)
    fresh = [(card, remotes[ref]) for ref, card in known.items() if card.id not in newer]
    changed = _take_known(desk, unit, fresh)
    unknown = [remote for ref, remote in remotes.items() if ref not in known]
    _take_new(desk, unit, unknown)
    for card, remote in fresh:
        _settle_making(unit, card, remote)
    _share(unit, desk, remotes.values())
    return Pulled(read=len(remotes), new=len(unknown), changed=changed)


def take_events(desk: Desk, unit: Unit, page: Iterable[RemoteTransaction]) -> Pulled:
    """Money events, and what they make of their cards' balances; those of cards that we do not know are counted."""
    events, total, touched = list(page), Pulled(), set()
    cards = unit.cards.by_refs(desk.programme, list({remote.card_ref for remote in events}))
    for remote in events:
        card = cards.get(remote.card_ref)
        if card is None:
            total += Pulled(read=1, strangers=1)
        elif remote.kind in OURS and _is_awaited(desk, unit, card, remote):
            total += Pulled(read=1, waiting=1)
        elif _take_event(desk, unit, card, remote):
            total += Pulled(read=1, changed=1)
            touched.add(card.id)
        else:
            total += Pulled(read=1)
    if touched:  # an event may have told of a capture before its authorization was read
        unit.transactions.find_parents(desk.programme, [remote.ref for remote in events])
    for card_id in sorted(touched):
        rebalance(desk, unit, card_id)
    return total


def _new_account(desk: Desk, unit: Unit, remote: RemoteAccount) -> Pulled:
    made = made_by(unit, "account.create", remote.created_by)
    lost = unit.accounts.get(made.target) if made else None
    if lost is not None:  # ours already, under the reference that the provider has lost
        _, before, after = take_account(desk, unit, lost, remote)
        audit_change(desk, unit, "account.sync", lost.id, before, after)
        return Pulled(read=1, changed=1)
    taken = remote.external_id and unit.accounts.by_external_id(desk.programme, remote.external_id)
    external_id = None if taken else remote.external_id
    account = new_account(desk, made.target if made else account_id_for(desk, external_id), external_id, remote)
    unit.accounts.add(account, raw=remote.raw, own=remote.balances)
    audit_change(desk, unit, "account.sync", account.id, {}, {"ref": account.ref, "state": str(account.state)})
    return Pulled(read=1, new=1)


def _take_known(desk: Desk, unit: Unit, fresh: Sequence[tuple[Card, RemoteCard]]) -> int:
    """How many of them changed."""
    now = desk.clock()
    spends = unit.cards.spends([card.id for card, remote in fresh if remote.allowance is not None and remote.balance is None])
    saved, entries = [], []
    for card, remote in fresh:
        taken, before, after = taken_card(card, remote, now, available(remote, spends.get(card.id, 0)))
        saved.append((taken, remote.raw))
        if after:
            entries.append(audit_entry(desk, "card.sync", card.id, before, after))
    unit.cards.save_many(saved)
    unit.audit.append_many(entries)
    return len(entries)


def _take_new(desk: Desk, unit: Unit, unknown: Sequence[RemoteCard]) -> None:
    makers = _makers(unit, unknown)
    holders = unit.accounts.by_refs(desk.programme, list({remote.account_ref or "" for remote in unknown}))
    added, entries = [], []
    for remote in unknown:
        made, holder = makers.get(remote.created_by or ""), holders[remote.account_ref or ""]
        card = new_card(desk, made.target if made else desk.new_id("card"), holder.id, remote, holder=holder.name)
        added.append((card, remote.raw, made.arguments["key"] if made else None))
        entries.append(audit_entry(desk, "card.sync", card.id, {}, {"ref": card.ref, "state": str(card.state)}))
    unit.cards.add_many(added)
    unit.audit.append_many(entries)


def _makers(unit: Unit, unknown: Sequence[RemoteCard]) -> dict[str, Operation]:
    """Our own creations that left their marks on cards which a sync sees first: their target is the id."""
    marks = [remote.created_by for remote in unknown if remote.created_by]
    return {made.id: made for made in unit.operations.get_many(marks) if made.kind == "card.issue"}


def _settle_making(unit: Unit, card: Card, remote: RemoteCard) -> None:
    """Money that went into the making of a card is there once the card is, and never comes where it failed."""
    if card.state is not CardState.PENDING or remote.state is CardState.PENDING:
        return
    state = TransactionState.DECLINED if remote.state is CardState.FAILED else TransactionState.SETTLED
    for event in unit.transactions.unjoined(card.id, TransactionKind.FUNDING):
        if event.state is TransactionState.PENDING:
            unit.transactions.upsert(replace(event, state=state), programme=card.programme)


def _share(unit: Unit, desk: Desk, remotes: Iterable[RemoteCard]) -> None:
    """A balance that is the holder's is every card's of the account, read or not."""
    for remote in {(remote.account_ref, remote.currency): remote for remote in remotes if remote.shared}.values():
        card = unit.cards.by_ref(desk.programme, remote.ref)
        if card is not None and remote.balance is not None:
            share_balance(unit, card, remote.balance)


def _is_awaited(desk: Desk, unit: Unit, card: Card, remote: RemoteTransaction) -> bool:
    """Whether a move of money that is not in the books may be one of ours that has not ended: it would be there twice."""
    if _ours(desk, unit, card, remote) is not None or unit.transactions.by_ref(desk.programme, remote.ref) is not None:
        return False
    open_ones = unit.operations.open_for(card.id)
    return any(_MOVES.get(one.kind) is remote.kind and one.amount == remote.amount for one in open_ones)


def _take_event(desk: Desk, unit: Unit, card: Card, remote: RemoteTransaction) -> bool:
    """Whether it changed anything."""
    ours = _ours(desk, unit, card, remote) if remote.kind in OURS else None
    if ours is None:
        return unit.transactions.upsert(_event(desk, unit, card, remote), programme=desk.programme)
    state = ours.state if remote.state is TransactionState.UNKNOWN else remote.state
    unit.transactions.join_remote(ours.id, remote.ref, state)
    return state is not ours.state


def _ours(desk: Desk, unit: Unit, card: Card, remote: RemoteTransaction) -> Transaction | None:
    """Our own event that a provider's row is about: by the name we gave it, by an earlier joining, or the oldest that fits."""
    named = unit.transactions.by_ref(desk.programme, remote.reference) if remote.reference else None
    joined = named or unit.transactions.by_remote_ref(desk.programme, remote.ref)
    if joined is not None or unit.transactions.by_ref(desk.programme, remote.ref) is not None:
        return joined  # or a stranger's funding that is in the books under its own name
    for event in unit.transactions.unjoined(card.id, remote.kind):
        if event.amount == remote.amount and remote.occurred_at >= event.occurred_at - _EARLY:
            return event
    return None


def _event(desk: Desk, unit: Unit, card: Card, remote: RemoteTransaction) -> Transaction:
    parent = unit.transactions.by_ref(desk.programme, remote.parent_ref) if remote.parent_ref else None
    return Transaction(
        id=desk.new_id("txn"),
        ref=remote.ref,
        provider=card.provider,
        card_id=card.id,
        kind=remote.kind,
        state=remote.state,
        amount=remote.amount,
        impact=remote.impact,
        merchant=remote.merchant,
        authorization_code=remote.authorization_code,
        parent_id=parent.id if parent else None,
        occurred_at=remote.occurred_at,
        parent_ref=remote.parent_ref,
        progress=remote.progress,
    )
