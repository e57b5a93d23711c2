"""Money and limits of a card: card.fund, card.withdraw, card.limits."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account
from cardctl.domain.cards import Card, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.states import FINAL, FUND_FROM, WITHDRAW_FROM, check_money
from cardctl.domain.transactions import TransactionKind
from cardctl.errors import BadAmount, BadInput, StateForbids
from cardctl.providers.base import FundsCards, LimitsCards, Remote, require
from cardctl.services.desk import Desk, Done
from cardctl.services.entries import available, limits_shown, money_event, shown
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import rehearse, run_once


def fund_card(desk: Desk, card: Card, amount: Money, *, set_allowance: bool = False, caller_key: str | None = None) -> Done:
    """Raise what the card can spend. StateForbids unless it is active; CardUnlimited where nothing limits it."""
    return run_once(desk, Fund(), _money_wish(card, amount, {"set_allowance": set_allowance}, caller_key))


def rehearse_fund(
    desk: Desk, card: Card, amount: Money, *, set_allowance: bool = False, caller_key: str | None = None
) -> Draft | Card | Account:
    return rehearse(desk, Fund(), _money_wish(card, amount, {"set_allowance": set_allowance}, caller_key))


def withdraw(desk: Desk, card: Card, amount: Money, *, caller_key: str | None = None) -> Done:
    """Lower what the card can spend; InsufficientBalance where less than that is unspent. Allowed while frozen."""
    return run_once(desk, Withdraw(), _money_wish(card, amount, {}, caller_key))


def rehearse_withdraw(desk: Desk, card: Card, amount: Money, *, caller_key: str | None = None) -> Draft | Card | Account:
    return rehearse(desk, Withdraw(), _money_wish(card, amount, {}, caller_key))


def set_limits(desk: Desk, card: Card, changes: dict[str, int | None]) -> Done:
    """Set the limits named in `changes` (minor units; None takes one off) and leave the others as they are."""
    return run_once(desk, SetLimits(), Wish(card.id, {"changes": changes}))


def rehearse_limits(desk: Desk, card: Card, changes: dict[str, int | None]) -> Draft | Card | Account:
    return rehearse(desk, SetLimits(), Wish(card.id, {"changes": changes}))


class Fund:
    """card.fund"""

    kind: ClassVar[str] = "card.fund"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> None:
        check_money("fund", unit.cards.named(operation.target).state, FUND_FROM)

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        provider = require(desk.provider, FundsCards)
        card, account_ref = _card_and_holder(desk, operation)
        assert operation.amount is not None
        begin = operation.arguments["set_allowance"]
        return provider.draft_fund(card.ref, operation.amount, operation.id, account_ref=account_ref, set_allowance=begin)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        return _record_money(desk, unit, operation, remote, TransactionKind.FUNDING)

    def load(self, unit: Unit, operation: Operation) -> Card:
        return unit.cards.named(operation.target)


class Withdraw:
    """card.withdraw"""

    kind: ClassVar[str] = "card.withdraw"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> None:
        check_money("withdraw", unit.cards.named(operation.target).state, WITHDRAW_FROM)

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        provider = require(desk.provider, FundsCards)
        card, account_ref = _card_and_holder(desk, operation)
        assert operation.amount is not None
        load = operation.arguments.get("load")
        return provider.draft_withdraw(card.ref, operation.amount, operation.id, account_ref=account_ref, load=load)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        return _record_money(desk, unit, operation, remote, TransactionKind.WITHDRAWAL)

    def load(self, unit: Unit, operation: Operation) -> Card:
        return unit.cards.named(operation.target)


class SetLimits:
    """card.limits"""

    kind: ClassVar[str] = "card.limits"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def check(self, unit: Unit, operation: Operation) -> Card | None:
        card = unit.cards.named(operation.target)
        if card.state in FINAL:
            raise StateForbids(f"{card.id} is {card.state}, which is final")
        return card if replace(card.limits, **_changes(card, operation)) == card.limits else None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            card = unit.cards.named(operation.target)
        return require(desk.provider, LimitsCards).draft_limits(card.ref, _changes(card, operation), operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteCard)
        card = unit.cards.named(operation.target)
        limited = replace(card, limits=remote.limits, updated_at=desk.clock())
        unit.cards.save(limited, raw=remote.raw)
        return Change(limited, limits_shown(card.limits), limits_shown(remote.limits))

    def load(self, unit: Unit, operation: Operation) -> Card:
        return unit.cards.named(operation.target)


def _card_and_holder(desk: Desk, operation: Operation) -> tuple[Card, str]:
    """The card and its holder's reference at the provider."""
    with desk.books.read() as unit:
        card = unit.cards.named(operation.target)
        return card, unit.accounts.named(card.account_id).ref or ""


def _changes(card: Card, operation: Operation) -> dict[str, Money | None]:
    told: dict[str, int | None] = operation.arguments["changes"]
    return {name: Money(minor, card.currency) if minor is not None else None for name, minor in told.items()}


def _record_money(desk: Desk, unit: Unit, operation: Operation, remote: Remote, kind: TransactionKind) -> Change:
    assert isinstance(remote, RemoteCard)
    card = unit.cards.named(operation.target)
    unit.transactions.upsert(money_event(desk, operation, card, kind), programme=card.programme)
    balance = available(unit, card.id, remote)
    # Only money: a freeze may have landed since the provider made this answer.
    moved = replace(card, allowance=remote.allowance, balance=balance, updated_at=desk.clock())
    unit.cards.save(moved, raw=remote.raw)
    return Change(moved, {"balance": shown(card.balance)}, {"balance": shown(balance), "amount": shown(operation.amount)})


def _money_wish(card: Card, amount: Money, told: dict[str, object], caller_key: str | None) -> Wish:
    if amount.minor <= 0:
        raise BadAmount(f"{amount} is not an amount to move: it must be more than zero")
    if amount.currency != card.currency:
        raise BadInput(f"{card.id} is in {card.currency}, the amount in {amount.currency}: two currencies never net")
    return Wish(card.id, told, amount=amount, caller_key=caller_key)
