"""Cards that a file told of, read from their provider, who is right; their holders learn by which name he knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cardctl.db.unit import Unit
from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import Card, RemoteCard
from cardctl.errors import CardctlError, ProviderHasNot
from cardctl.providers.base import ReadsCards
from cardctl.services.desk import Desk
from cardctl.services.entries import audit_change, take_account
from cardctl.services.flows.importing.table import LISTED
from cardctl.services.intake import now_in, take_cards
from cardctl.services.rereading import TRANSIENT
from cardctl.sidebyside import side_by_side

NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""When a card was last read that never was."""
WORKERS = 16


@dataclass(slots=True)
class Reading:
    """`read` cards are as their provider has them; he does not have those `missing` (our ids, the first LISTED), and could not
    be asked about those `unread`, for the reason `why`. `others`: they belong to another account there than the file says."""

    read: int = 0
    missing: list[str] = field(default_factory=list)
    missing_count: int = 0
    unread: int = 0
    why: str | None = None
    others: list[str] = field(default_factory=list)


def read_there(desk: Desk, cards: Sequence[Card], told: Reading) -> None:
    """Read these, several at a time. Once the provider cannot be asked, nothing more is."""
    if not cards or told.why is not None or not isinstance(desk.provider, ReadsCards):
        told.unread += len(cards)
        return
    with desk.books.read() as unit:
        begun = now_in(unit)
    found: dict[str, tuple[RemoteCard, RemoteAccount | None]] = {}
    for card, answer in side_by_side(lambda card: _read(desk, card), cards, workers=WORKERS):
        if isinstance(answer, ProviderHasNot):
            told.missing_count += 1
            told.missing += [card.id] if len(told.missing) < LISTED else []
        elif isinstance(answer, TRANSIENT):
            told.unread += 1
            told.why = answer.message if isinstance(answer, CardctlError) else str(answer)
        elif isinstance(answer, Exception):
            raise answer
        else:
            found[card.ref] = answer
    with desk.books.write() as unit:
        for card in cards:
            if card.ref in found:
                _know_holder(desk, unit, card, *found[card.ref], told)
        take_cards(desk, unit, [remote for remote, _ in found.values()], begun)
    told.read += len(found)


def _read(desk: Desk, card: Card) -> tuple[RemoteCard, RemoteAccount | None]:
    """The card, and its holder where our books do not know him by the provider's name."""
    assert isinstance(desk.provider, ReadsCards)
    remote = desk.provider.card(card.ref)
    if not remote.account_ref:
        return remote, None
    with desk.books.read() as unit:
        known = unit.accounts.by_refs(desk.programme, [remote.account_ref])
    try:
        return remote, None if known else desk.provider.account(remote.account_ref)
    except ProviderHasNot:
        return remote, None


def _know_holder(desk: Desk, unit: Unit, card: Card, remote: RemoteCard, holder: RemoteAccount | None, told: Reading) -> None:
    account = unit.accounts.named(card.account_id)
    known = unit.accounts.by_ref(desk.programme, remote.account_ref or "")
    if account.ref is None and known is None and holder is not None:
        _, before, after = take_account(desk, unit, account, holder)
        audit_change(desk, unit, "account.sync", account.id, before, after)
    elif known is not None and known.id != account.id and len(told.others) < LISTED:
        told.others.append(card.id)
