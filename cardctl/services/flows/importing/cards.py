"""Another system's cards, taken into our books: each under its provider's ref, its holder under the caller's own key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account, AccountState, Kyc, RemoteAccount
from cardctl.domain.cards import Card, RemoteCard
from cardctl.providers.registry import card_state_of
from cardctl.services.desk import Desk
from cardctl.services.entries import account_id_for, audit_entry, new_account, new_card, shown
from cardctl.services.flows.importing.cells import Told, told_by
from cardctl.services.flows.importing.reading import NEVER, Reading, read_there
from cardctl.services.flows.importing.table import Bad, BadCell, Faults, Row

_BATCH = 500
_FIRST = 10


@dataclass(slots=True)
class ImportedCards:
    """`rows` were read; of the good ones `new` are (or in a rehearsal would be) new here, with so many new `accounts`, and
    `known` were here already and stay as they are. `first` are some of the new ones; `reading` is what the provider said."""

    rows: int = 0
    new: int = 0
    known: int = 0
    accounts: int = 0
    bad: Faults = field(default_factory=Faults)
    first: list[Told] = field(default_factory=list)
    reading: Reading = field(default_factory=Reading)


def import_cards(
    desk: Desk,
    rows: Iterable[Row | Bad],
    *,
    currency: str,
    read: bool = True,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _count: None,
) -> ImportedCards:
    """Take every good row in, a batch in one commit; then, with `read`, what is new is read from the provider, who is right.

    A card that is here already is never changed by the file; one that a broken import left unread is read now.
    """
    total, source = ImportedCards(), iter(rows)
    seen, holders = set[int](), set[str]()
    while batch := list(islice(source, _BATCH)):
        total.rows += len(batch)
        good = _good(desk, batch, currency, seen, total)
        if dry_run:
            _rehearse(desk, good, holders, total)
        else:
            unread = _take(desk, good, total)
            if read:
                read_there(desk, unread, total.reading)
        progress(len(batch))
    return total


def _good(desk: Desk, batch: Iterable[Row | Bad], currency: str, seen: set[int], total: ImportedCards) -> list[Told]:
    good = []
    for row in batch:
        if isinstance(row, Bad):
            total.bad.add(row)
            continue
        try:
            told = told_by(row, currency, lambda word: card_state_of(desk.provider.name, word))
            if hash(told.ref) in seen:  # a number to a card, since there may be a million
                raise BadCell("card_id", "the same card is in an earlier row")
        except BadCell as bad:
            total.bad.add(Bad(row.line, bad.column, bad.message))
            continue
        seen.add(hash(told.ref))
        good.append(told)
    return good


def _rehearse(desk: Desk, good: Sequence[Told], holders: set[str], total: ImportedCards) -> None:
    with desk.books.read() as unit:
        known = unit.cards.by_refs(desk.programme, [told.ref for told in good])
        new = [told for told in good if told.ref not in known]
        users = {told.user for told in new} - holders
        total.accounts += len(users) - len(unit.accounts.by_external_ids(desk.programme, users))
    holders |= users
    _count(new, len(good), total)


def _count(new: Sequence[Told], rows: int, total: ImportedCards) -> None:
    total.new += len(new)
    total.known += rows - len(new)
    total.first += new[: _FIRST - len(total.first)]


def _take(desk: Desk, good: Sequence[Told], total: ImportedCards) -> list[Card]:
    """Those of the cards that the provider has not been asked about."""
    with desk.books.write() as unit:
        known = unit.cards.by_refs(desk.programme, [told.ref for told in good])
        new = [told for told in good if told.ref not in known]
        holders = _holders(desk, unit, new, total)
        made = [(told, _card(desk, told, holders[told.user])) for told in new]
        unit.cards.add_many((card, told.kept, None) for told, card in made)
        unit.audit.append_many(audit_entry(desk, "card.import", card.id, {}, _imported(card)) for _, card in made)
    _count(new, len(good), total)
    return [*(card for card in known.values() if card.synced_at == NEVER), *(card for _, card in made)]


def _holders(desk: Desk, unit: Unit, new: Iterable[Told], total: ImportedCards) -> dict[str, Account]:
    """The accounts of these cards by the caller's own key; those that are not here are made."""
    users = dict.fromkeys(told.user for told in new)
    holders = unit.accounts.by_external_ids(desk.programme, users)
    made = [_account(desk, user) for user in users if user not in holders]
    holders |= {account.external_id or "": account for account in made}
    unit.accounts.add_many((account, {}, None) for account in made)
    entries = (audit_entry(desk, "account.import", account.id, {}, {"external_id": account.external_id}) for account in made)
    unit.audit.append_many(entries)
    total.accounts += len(made)
    return holders


def _account(desk: Desk, user: str) -> Account:
    """Of its holder the file tells only the key."""
    remote = RemoteAccount(ref="", name="", state=AccountState.PENDING, kyc=Kyc.NONE, raw={})
    return replace(new_account(desk, account_id_for(desk, user), user, remote), ref=None)


def _card(desk: Desk, told: Told, holder: Account) -> Card:
    remote = RemoteCard(
        ref=told.ref,
        account_ref=holder.ref,
        holder="",
        type="virtual",
        last4=told.last4,
        exp_month=told.exp_month,
        exp_year=told.exp_year,
        currency=told.balance.currency,
        state=told.state,
        word=told.word,
        raw=told.kept,
        balance=told.balance,
    )
    return replace(new_card(desk, desk.new_id("card"), holder.id, remote, holder=holder.name), synced_at=NEVER)


def _imported(card: Card) -> dict[str, Any]:
    return {"ref": card.ref, "state": str(card.state), "balance": shown(card.balance), "account_id": card.account_id}
