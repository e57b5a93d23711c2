"""Moving states: card.activate, card.freeze, card.unfreeze, card.close, and an account's change, activation and suspension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account, AccountChange, AccountState, Address, RemoteAccount
from cardctl.domain.cards import Card, CardNews, RemoteCard
from cardctl.domain.operations import Draft, Operation, OperationState
from cardctl.domain.states import FINAL, CardState, Move, already, check_move, settle
from cardctl.errors import StateForbids
from cardctl.providers.base import ClosesAccounts, ClosesCards, ControlsCards, IssuesCards, Remote, require
from cardctl.services.chaining import Link
from cardctl.services.desk import Desk, Done, Thing, Warned
from cardctl.services.entries import take_account
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import rehearse, run_once


def move_card(desk: Desk, card: Card, move: Move, *, reason: str | None = None, extra: str | None = None) -> Done:
    """Activate, freeze, unfreeze or close a card. StateForbids (6) naming what is allowed; a freeze or close waits for nothing.

    `reason` is kept in the audit; `extra` is the provider's own word for why (lost, stolen), where it takes one.
    """
    done = run_once(desk, MOVES[move], _move_wish(card, reason, extra))
    return (hold_freeze(desk, done.operation) if done.operation else None) or done


def hold_freeze(desk: Desk, thaw: Operation) -> Done | None:
    """A freeze that passed an activation or unfreeze on its way holds, even where that reached the provider last.

    The card frozen again, or None where nothing of the kind happened.
    """
    if thaw.kind not in _THAWS:
        return None
    with desk.books.read() as unit:
        card = unit.cards.named(thaw.target)
        later = unit.operations.for_target(card.id, after=thaw.entered)
    moves = [other for other in later if other.kind in _MOVES and other.state is not OperationState.REFUSED]
    if card.state is not CardState.ACTIVE or not moves or moves[-1].kind != "card.freeze":
        return None
    frozen = run_once(desk, MOVES[Move.FREEZE], _move_wish(card, moves[-1].reason, None))
    warned = Warned("FROZEN_MEANWHILE", f"{moves[-1].id} froze the card meanwhile: it is frozen again")
    return replace(frozen, warnings=(*frozen.warnings, warned))


def would_move(card: Card, move: Move) -> bool:
    """Whether a move would do anything, or StateForbids: asked before a person is asked for consent."""
    if already(move, card.state):
        return False
    check_move(move, card.state)
    return True


def move_link(card_id: str, move: Move, caller_key: str | None = None) -> Link:
    """A move of a card that is about to be made."""
    return MOVES[move], Wish(card_id, {"extra": None}, caller_key=caller_key)


def rehearse_move(desk: Desk, card: Card, move: Move, *, reason: str | None = None) -> Draft | Thing:
    return rehearse(desk, MOVES[move], _move_wish(card, reason, None))


def change_account(desk: Desk, account: Account, change: AccountChange, *, reason: str | None = None) -> Done:
    """Change, activate or suspend an account (`change.active`)."""
    return run_once(desk, _account_deed(change), Wish(account.id, asdict(change), reason=reason))


def rehearse_account_change(desk: Desk, account: Account, change: AccountChange) -> Draft | Thing:
    return rehearse(desk, _account_deed(change), Wish(account.id, asdict(change)))


def close_account(desk: Desk, account: Account, *, reason: str | None = None) -> Done:
    """Close an account for good. StateForbids while it has open cards; Unsupported where the provider cannot."""
    require(desk.provider, ClosesAccounts)
    return run_once(desk, CloseAccount(), Wish(account.id, {}, reason=reason))


def rehearse_close_account(desk: Desk, account: Account) -> Draft | Thing:
    """What `close_account` would send; the same errors."""
    require(desk.provider, ClosesAccounts)
    return rehearse(desk, CloseAccount(), Wish(account.id, {}))


class MoveCard:
    """One move of a card's state."""

    creates: ClassVar[bool] = False

    def __init__(self, move: Move) -> None:
        self.move = move
        self.kind = f"card.{move}"
        self.urgent = move in (Move.FREEZE, Move.CLOSE)

    def check(self, unit: Unit, operation: Operation) -> Card | None:
        card = unit.cards.named(operation.target)
        doubtful = [other for other in unit.operations.open_for(card.id) if other.id != operation.id]
        if self.urgent and _may_be_active(card, doubtful):
            return None  # what we believe may be outdated by what is in doubt: a stolen card must stop
        if already(self.move, card.state):
            return card
        check_move(self.move, card.state)
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            card = unit.cards.named(operation.target)
        why = operation.arguments["extra"] or operation.reason
        if self.move is Move.CLOSE:
            return require(desk.provider, ClosesCards).draft_close(card.ref, operation.id, why)
        return require(desk.provider, ControlsCards).draft_move(card.ref, self.move, operation.id, why)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteCard | CardNews)
        card = unit.cards.named(operation.target)
        ever_active = card.ever_active or remote.state is CardState.ACTIVE
        state = card.state if card.state in FINAL or remote.state is None else settle(remote.state, ever_active=ever_active)
        now = desk.clock()
        # Only what this write is about: another write may have moved the rest since the provider made this answer.
        moved = replace(
            card, state=state, ever_active=ever_active, state_reason=operation.reason, updated_at=now, synced_at=card.synced_at
        )
        unit.cards.save(moved)
        return Change(moved, {"state": str(card.state)}, {"state": str(state)})

    def load(self, unit: Unit, operation: Operation) -> Card:
        return unit.cards.named(operation.target)


def _may_be_active(card: Card, doubtful: Sequence[Operation]) -> bool:
    if card.state in (CardState.ACTIVE, CardState.FROZEN):
        return bool(doubtful)
    return card.state not in FINAL and any(other.kind in _THAWS for other in doubtful)


MOVES = {move: MoveCard(move) for move in Move}
_MOVES = frozenset(f"card.{move}" for move in Move)
_THAWS = frozenset({"card.activate", "card.unfreeze"})


class ChangeAccount:
    """account.update, account.activate and account.suspend: one request, told apart by what it changes."""

    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def check(self, unit: Unit, operation: Operation) -> Account | None:
        account = unit.accounts.named(operation.target)
        if account.state is AccountState.CLOSED:
            raise StateForbids(f"{account.id} is closed, which is final")
        wanted = operation.arguments["active"]
        if wanted is not None and account.state is (AccountState.ACTIVE if wanted else AccountState.SUSPENDED):
            return account
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            account = unit.accounts.named(operation.target)
        told = operation.arguments
        change = AccountChange(**{**told, "address": Address(**told["address"]) if told["address"] else None})
        return require(desk.provider, IssuesCards).draft_account_change(account.ref or "", change, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteAccount)
        return Change(*take_account(desk, unit, unit.accounts.named(operation.target), remote))

    def load(self, unit: Unit, operation: Operation) -> Account:
        return unit.accounts.named(operation.target)


class CloseAccount:
    """account.close"""

    kind: ClassVar[str] = "account.close"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> Account | None:
        account = unit.accounts.named(operation.target)
        if account.state is AccountState.CLOSED:
            return account
        if any(card.state not in (CardState.CLOSED, CardState.FAILED) for card in unit.cards.of_account(account.id)):
            raise StateForbids(f"{account.id} still has open cards", hint="close its cards first")
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            account = unit.accounts.named(operation.target)
        return require(desk.provider, ClosesAccounts).draft_account_close(account.ref or "", operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteAccount)
        return Change(*take_account(desk, unit, unit.accounts.named(operation.target), remote))

    def load(self, unit: Unit, operation: Operation) -> Account:
        return unit.accounts.named(operation.target)


_CHANGES = {None: "account.update", True: "account.activate", False: "account.suspend"}
ACCOUNT_DEEDS: list[ChangeAccount | CloseAccount] = [*(ChangeAccount(kind) for kind in _CHANGES.values()), CloseAccount()]


def _account_deed(change: AccountChange) -> ChangeAccount:
    return ChangeAccount(_CHANGES[change.active])


def _move_wish(card: Card, reason: str | None, extra: str | None) -> Wish:
    return Wish(card.id, {"extra": extra}, reason=reason)
