"""Money and limits of a card: card.fund, card.withdraw, card.limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.cards import Card, CardNews, Load, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.states import FINAL, FUND_FROM, WITHDRAW_FROM, check_money
from cardctl.domain.transactions import TransactionKind
from cardctl.errors import BadAmount, BadInput, InsufficientBalance, StateForbids
from cardctl.providers.base import FundsCards, LimitsCards, ReadsCards, Remote, require
from cardctl.services.chaining import Link, run_chain
from cardctl.services.desk import Desk, Done, Thing, Warned
from cardctl.services.entries import available, limits_shown, money_event, share_balance, share_limits, shown
from cardctl.services.freshness import fresh_draft
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import rehearse, run_once


def fund_card(desk: Desk, card: Card, amount: Money, *, set_allowance: bool = False, caller_key: str | None = None) -> Done:
    """Raise what the card can spend. StateForbids unless it is active; CardUnlimited where nothing limits it."""
    return run_once(desk, Fund(), _money_wish(card, amount, {"set_allowance": set_allowance}, caller_key))


def rehearse_fund(
    desk: Desk, card: Card, amount: Money, *, set_allowance: bool = False, caller_key: str | None = None
) -> Draft | Thing:
    return rehearse(desk, Fund(), _money_wish(card, amount, {"set_allowance": set_allowance}, caller_key))


def withdraw(desk: Desk, card: Card, amount: Money, *, caller_key: str | None = None) -> Done:
    """Lower what the card can spend; InsufficientBalance where less than that is unspent. Allowed while frozen.

    Where money is taken back by the name of the funding that brought it, this is one write for each funding that it needs.
    """
    return run_chain(desk, _withdrawals(desk, card, amount, caller_key))


def rehearse_withdraw(desk: Desk, card: Card, amount: Money, *, caller_key: str | None = None) -> list[Draft | Thing]:
    return [rehearse(desk, deed, wish) for deed, wish in _withdrawals(desk, card, amount, caller_key)]


def set_limits(desk: Desk, card: Card, changes: dict[str, int | None]) -> Done:
    """Set the limits named in `changes` (minor units; None takes one off) and leave the others as they are.

    Warns LIMITS_SHARED where they are the holder's, and so hold for all cards of the account together.
    """
    done = run_chain(desk, limit_links(desk, card.id, changes))
    shared = (limits_shared_warning(desk, card.account_id),) if require(desk.provider, LimitsCards).limits_shared else ()
    return replace(done, warnings=(*done.warnings, *shared))


def rehearse_limits(desk: Desk, card: Card, changes: dict[str, int | None]) -> list[Draft | Thing]:
    return [rehearse(desk, deed, wish) for deed, wish in limit_links(desk, card.id, changes)]


def limit_links(desk: Desk, card_id: str, changes: dict[str, int | None], caller_key: str | None = None) -> list[Link]:
    """The writes that `changes` need: one, or one for each limit where the provider sets them singly. Unsupported."""
    require(desk.provider, LimitsCards)
    groups = [changes] if desk.provider.limits_together or not changes else [{name: told} for name, told in changes.items()]
    keys = [f"{caller_key}/limits.{'.'.join(group)}" if caller_key else None for group in groups]
    return [(SetLimits(), Wish(card_id, {"changes": group}, caller_key=key)) for group, key in zip(groups, keys, strict=True)]


def limits_shared_warning(desk: Desk, account_id: str) -> Warned:
    """What is said where limits are not a card's own."""
    text = f"{desk.provider.name} keeps limits on the holder: they hold for all cards of {account_id} together"
    return Warned("LIMITS_SHARED", text)


def fund_link(card_id: str, amount: Money, caller_key: str | None = None) -> Link:
    """The funding of a card that is about to be made."""
    return Fund(), Wish(card_id, {"set_allowance": False}, amount=amount, caller_key=caller_key)


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
        amount, begin = operation.amount, operation.arguments["set_allowance"]
        return fresh_draft(
            desk,
            operation,
            lambda: provider.draft_fund(card.ref, amount, operation.id, account_ref=account_ref, set_allowance=begin),
        )

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
        amount, load = operation.amount, operation.arguments.get("load")
        return fresh_draft(
            desk,
            operation,
            lambda: provider.draft_withdraw(card.ref, amount, operation.id, account_ref=account_ref, load=load),
        )

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
        provider, changes = require(desk.provider, LimitsCards), _changes(card, operation)
        return fresh_draft(desk, operation, lambda: provider.draft_limits(card.ref, changes, operation.id))

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteCard | CardNews)
        card = unit.cards.named(operation.target)
        limits = remote.limits or replace(card.limits, **_changes(card, operation))  # it took what was asked for
        limited = replace(card, limits=limits, updated_at=desk.clock())
        unit.cards.save(limited, raw=remote.raw if isinstance(remote, RemoteCard) else None)
        if require(desk.provider, LimitsCards).limits_shared:
            share_limits(desk, unit, limited)
        return Change(limited, limits_shown(card.limits), limits_shown(limits))

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
    assert isinstance(remote, RemoteCard | CardNews)
    assert operation.amount is not None
    card = unit.cards.named(operation.target)
    settled = isinstance(remote, RemoteCard) or remote.settled
    unit.transactions.upsert(money_event(desk, operation, card, kind, settled=settled), programme=card.programme)
    if isinstance(remote, CardNews):
        _keep_load(desk, unit, operation, card, remote, kind)
        moved = replace(card, balance=_balance_after(card, operation.amount, remote, kind), updated_at=desk.clock())
    else:  # only money: a freeze may have landed since the provider made this answer
        balance = available(remote, unit.cards.spend(card.id))
        moved = replace(card, allowance=remote.allowance, balance=balance, updated_at=desk.clock())
    unit.cards.save(moved, raw=remote.raw if isinstance(remote, RemoteCard) else None)
    if remote.shared and moved.balance is not None:
        share_balance(unit, moved, moved.balance)
    return Change(moved, {"balance": shown(card.balance)}, {"balance": shown(moved.balance), "amount": shown(operation.amount)})


def _balance_after(card: Card, amount: Money, news: CardNews, kind: TransactionKind) -> Money | None:
    """The provider's figure; without one, or where it is still that of before, what the provider said that it moved."""
    if card.balance is None or not news.settled or news.balance not in (None, card.balance):
        return news.balance or card.balance
    return card.balance + amount if kind is TransactionKind.FUNDING else card.balance - amount


def _keep_load(desk: Desk, unit: Unit, operation: Operation, card: Card, news: CardNews, kind: TransactionKind) -> None:
    """What was brought by a funding is remembered by its name, where only by that it can be taken back."""
    if not desk.provider.needs_load or operation.amount is None:
        return
    if kind is TransactionKind.FUNDING:
        load = Load(news.reference or operation.id, card.account_id, operation.amount)
        unit.loads.add(load, programme=desk.programme, at=desk.clock())
    elif operation.arguments.get("load"):
        unit.loads.take(desk.programme, operation.arguments["load"], operation.amount)


def _withdrawals(desk: Desk, card: Card, amount: Money, caller_key: str | None) -> list[Link]:
    if not desk.provider.needs_load:
        return [(Withdraw(), _money_wish(card, amount, {}, caller_key))]
    _money_wish(card, amount, {}, None)
    parts = _parts_of_before(desk, caller_key, amount) or _parts(desk, card, amount)
    told = {"parts": [[load, minor] for load, minor in parts]}
    return [
        (Withdraw(), _money_wish(card, Money(minor, amount.currency), {**told, "load": load}, _nth(caller_key, place)))
        for place, (load, minor) in enumerate(parts)
    ]


def _parts(desk: Desk, card: Card, amount: Money) -> list[tuple[str, int]]:
    """Which fundings to take it back from, the newest first. InsufficientBalance where they do not bring so much."""
    with desk.books.read() as unit:
        loads = [load for load in unit.loads.of_account(card.account_id) if load.left.currency == amount.currency]
    parts, missing = [], amount.minor
    for load in loads:
        taken = min(missing, load.left.minor)
        if taken:
            parts.append((load.ref, taken))
        missing -= taken
    if len(parts) > 1 and not missing:
        _check_available(desk, card, amount)
    if missing:
        known = Money(amount.minor - missing, amount.currency)
        raise InsufficientBalance(
            f"only {known} of the fundings of {card.account_id} can still be taken back: {amount} cannot be withdrawn",
            hint=f"{desk.provider.name} takes money back by the name of its funding, and cardctl knows those that it made",
        )
    return parts


def _check_available(desk: Desk, card: Card, amount: Money) -> None:
    """Before the first of several parts is taken back: the last of them must not find too little."""
    there = require(desk.provider, ReadsCards).card(card.ref).balance
    if there is not None and there < amount:
        raise InsufficientBalance(f"only {there} of {card.id} is unspent: {amount} cannot be withdrawn")


def _parts_of_before(desk: Desk, caller_key: str | None, amount: Money) -> list[tuple[str, int]]:
    """The same parts again, where the key was used for the same amount: what they took is not there any more."""
    with desk.books.read() as unit:
        prior = unit.operations.by_caller_key(desk.programme, caller_key) if caller_key else None
    parts = prior.arguments.get("parts", []) if prior else []
    return [(load, minor) for load, minor in parts] if sum(minor for _, minor in parts) == amount.minor else []


def _nth(caller_key: str | None, place: int) -> str | None:
    return f"{caller_key}/{place}" if caller_key and place else caller_key


def _money_wish(card: Card, amount: Money, told: dict[str, Any], caller_key: str | None) -> Wish:
    if amount.minor <= 0:
        raise BadAmount(f"{amount} is not an amount to move: it must be more than zero")
    if amount.currency != card.currency:
        raise BadInput(f"{card.id} is in {card.currency}, the amount in {amount.currency}: two currencies never net")
    return Wish(card.id, told, amount=amount, caller_key=caller_key)
