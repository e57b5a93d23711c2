"""`provision --file`: a plan of what differs from what is declared, then each step done; safe to repeat, stoppable anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account, AccountChange, AccountState
from cardctl.domain.cards import Card
from cardctl.domain.money import Money
from cardctl.domain.programme import Action, DeclaredAccount, DeclaredCard, Step
from cardctl.domain.states import FINAL, CardState, Move
from cardctl.errors import (
    BadInput,
    BooksUnusable,
    Busy,
    CardctlError,
    CardUnlimited,
    SecretProblem,
)
from cardctl.services.awaiting import await_money
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.deeds.funding import fund_card, set_limits
from cardctl.services.deeds.issuing import CardWish, create_account
from cardctl.services.desk import Desk
from cardctl.services.entries import limits_told
from cardctl.services.opening import issue_card
from cardctl.services.resuming import settle_all

_MOVES = {
    Action.ACTIVATE_CARD: Move.ACTIVATE,
    Action.UNFREEZE_CARD: Move.UNFREEZE,
    Action.FREEZE_CARD: Move.FREEZE,
    Action.CLOSE_CARD: Move.CLOSE,
}


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a plan: the steps that are done, and those that failed with their errors."""

    done: tuple[Step, ...]
    failed: tuple[tuple[Step, CardctlError], ...]
    accounts: tuple[Account, ...]
    cards: tuple[Card, ...]


def plan(desk: Desk, declared: tuple[DeclaredAccount, ...]) -> list[Step]:
    """The steps that would make our books what is declared; reads our books alone, and never proposes to take money away."""
    with desk.books.read() as unit:
        return [step for account in declared for step in _account_steps(desk, unit, account)]


def apply(desk: Desk, declared: tuple[DeclaredAccount, ...], progress: Callable[[int], None]) -> Applied:
    """Settle what an earlier run left, then do the plan account by account; what fails stops its own account only."""
    settle_all(desk)
    done: list[Step] = []
    failed: list[tuple[Step, CardctlError]] = []
    for account in declared:
        for step in plan(desk, (account,)):
            try:
                _do(desk, step)
            except (BooksUnusable, Busy, SecretProblem):
                raise  # no other account would fare better
            except CardctlError as error:
                failed.append((step, error))
                break
            done.append(step)
            progress(1)
    with desk.books.read() as unit:
        accounts, cards = _declared_objects(desk, unit, declared)
    return Applied(tuple(done), tuple(failed), accounts, cards)


def _account_steps(desk: Desk, unit: Unit, declared: DeclaredAccount) -> Iterator[Step]:
    known = unit.accounts.by_external_id(desk.programme, declared.external_id)
    if known is None:
        yield Step(Action.CREATE_ACCOUNT, declared)
    elif declared.wanted.email and known.email != declared.wanted.email:
        yield Step(Action.UPDATE_ACCOUNT, declared)
    if known is not None and known.state is not AccountState.ACTIVE:
        yield Step(Action.ACTIVATE_ACCOUNT, declared)
    for card in declared.cards:
        yield from _card_steps(declared, card, unit.cards.by_key(known.id, card.key) if known else [])


def _card_steps(account: DeclaredAccount, declared: DeclaredCard, known: list[Card]) -> Iterator[Step]:
    if not known:
        if declared.state != "closed":
            yield Step(Action.ISSUE_CARD, account, declared, amount=declared.fund_to)
            if declared.state == "frozen":
                yield Step(Action.FREEZE_CARD, account, declared)
        return
    card = _current(known)
    if card.currency != declared.currency or card.type != declared.type:
        place = f"{account.external_id}/{declared.key}"
        is_, wanted = f"{card.type} in {card.currency}", f"{declared.type} in {declared.currency}"
        raise BadInput(f"{place}: {card.id} is {is_}, not {wanted}", hint="a card's type and currency stay as they are")
    if card.state in FINAL:
        return  # closed by a person: a file does not bring it back; give the new card a key of its own
    if declared.state == "closed":
        yield Step(Action.CLOSE_CARD, account, declared, card.id)
        return
    if limits_told(card.limits) != limits_told(declared.limits):
        yield Step(Action.SET_LIMITS, account, declared, card.id)
    missing = _missing(card, declared)
    wants_money = missing is not None
    thaws = declared.state == "active" or (declared.state == "frozen" and (wants_money or card.state is not CardState.FROZEN))
    if card.state is not CardState.ACTIVE and thaws:  # only an active card takes money, or can be frozen
        move = Action.UNFREEZE_CARD if card.state in (CardState.FROZEN, CardState.SUSPENDED) else Action.ACTIVATE_CARD
        yield Step(move, account, declared, card.id)
    if wants_money and declared.state != "inactive":
        yield Step(Action.FUND_CARD, account, declared, card.id, missing)
    if declared.state == "frozen" and (card.state is not CardState.FROZEN or wants_money):
        yield Step(Action.FREEZE_CARD, account, declared, card.id)


def _missing(card: Card, declared: DeclaredCard) -> Money | None:
    """What the card lacks of `fund_to`. CardUnlimited where nothing limits it: a file does not begin to take that away."""
    if declared.fund_to is None or not declared.fund_to.minor:
        return None
    if card.balance is None:
        hint = f"`cardctl card fund {card.id} --set-allowance` gives it an allowance, or leave fund_to out"
        raise CardUnlimited(
            f"{card.id} ({declared.key}) has no allowance: nothing limits it, and it needs no fund_to", hint=hint
        )
    return declared.fund_to - card.balance if card.balance < declared.fund_to else None


def _do(desk: Desk, step: Step) -> None:
    wanted = step.account.wanted
    if step.action is Action.CREATE_ACCOUNT:
        create_account(desk, wanted)
        return
    with desk.books.read() as unit:
        account = unit.accounts.by_external_id(desk.programme, step.account.external_id)
    assert account is not None
    if step.action is Action.UPDATE_ACCOUNT:
        change_account(desk, account, AccountChange(email=wanted.email))
    elif step.action is Action.ACTIVATE_ACCOUNT:
        change_account(desk, account, AccountChange(active=True), reason="provision --file")
    else:
        _do_card(desk, step, account)


def _do_card(desk: Desk, step: Step, account: Account) -> None:
    declared = step.card
    assert declared is not None
    if step.action is Action.ISSUE_CARD:
        active = declared.state in ("active", "frozen")
        wish = CardWish(
            account.id, declared.currency, declared.type, active, declared.limits, declared.fund_to, key=declared.key
        )
        issue_card(desk, wish)
        return
    with desk.books.read() as unit:
        card = _current(unit.cards.by_key(account.id, declared.key))
    if step.action is Action.SET_LIMITS:
        set_limits(desk, card, limits_told(declared.limits))
    elif step.action is Action.FUND_CARD:
        assert step.amount is not None
        await_money(desk, fund_card(desk, card, step.amount))
    else:
        move_card(desk, card, _MOVES[step.action], reason="provision --file")


def _declared_objects(
    desk: Desk, unit: Unit, declared: tuple[DeclaredAccount, ...]
) -> tuple[tuple[Account, ...], tuple[Card, ...]]:
    found = [(unit.accounts.by_external_id(desk.programme, account.external_id), account) for account in declared]
    accounts = tuple(account for account, _ in found if account)
    keyed = [unit.cards.by_key(account.id, card.key) for account, wanted in found if account for card in wanted.cards]
    return accounts, tuple(_current(cards) for cards in keyed if cards)


def _current(cards: list[Card]) -> Card:
    """Of the cards with one key, replaced ones among them, the one that lives; else the newest."""
    return next((card for card in cards if card.state not in FINAL), cards[0])
