"""Cells into tasks: every name found in our books, every amount parsed; errors say what is wrong with the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account
from cardctl.domain.bulk import LIMITS, Verb
from cardctl.domain.cards import NO_LIMITS, Card, Limits
from cardctl.domain.money import Money, exponent
from cardctl.domain.states import Move
from cardctl.errors import AmbiguousName, BadAmount, BadInput, NotFound
from cardctl.services.deeds.issuing import CardWish
from cardctl.services.flows.bulk.tasks import Fund, Issue, Limit, MoveTo, Task
from cardctl.services.journal import refuse_sensitive

T = TypeVar("T")
_MOVES = {Verb.FREEZE: Move.FREEZE, Verb.CLOSE: Move.CLOSE}
_TYPES = ("virtual", "physical")


def no_defaults(currency: str) -> Limits:
    """New cards without limits that nobody named."""
    return NO_LIMITS


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for every row. `label` sets a list apart from an equal one that was done before; `defaults` gives the limits
    of new cards in a currency; `programme` narrows names to one programme."""

    label: str | None = None
    reason: str | None = None
    active: bool = True
    set_allowance: bool = False
    defaults: Callable[[str], Limits] = no_defaults
    programme: str | None = None


class Reader:
    """Reads rows of one verb within one unit; an account that many rows name is looked up once."""

    def __init__(self, unit: Unit, verb: Verb, options: Options) -> None:
        self._unit = unit
        self._verb = verb
        self._options = options
        self._accounts: dict[str, Account] = {}

    def task(self, cells: Mapping[str, str]) -> Task:
        """NotFound, AmbiguousName, BadInput or BadAmount where the row says nothing that can be done."""
        if self._verb is Verb.ISSUE:
            return self._issue(cells)
        card = self._card(cells["card"])
        if self._verb is Verb.FUND:
            return self._fund(card, cells)
        if self._verb is Verb.LIMITS:
            return _limits(card, cells)
        return MoveTo(card, _MOVES[self._verb], cells.get("reason") or self._options.reason)

    def _issue(self, cells: Mapping[str, str]) -> Issue:
        account = self._account(cells["account"])
        currency, type_, key = _currency(cells, "USD"), cells.get("type") or _TYPES[0], cells.get("key") or None
        if type_ not in _TYPES:
            raise BadInput(f"{type_!r} is no type of card: virtual or physical")
        refuse_sensitive("key", key)
        allowance = _amount("fund", cells["fund"], currency) if cells.get("fund") else None
        named = _named_limits(cells, currency)
        defaults = self._options.defaults(currency)
        limits = replace(defaults, **named)
        defaulted = tuple(name for name in LIMITS if name not in named and getattr(defaults, name) is not None)
        wish = CardWish(account.id, currency, type_, self._options.active, limits, allowance, key, defaulted=defaulted)
        return Issue(account, wish, _minor(named))

    def _fund(self, card: Card, cells: Mapping[str, str]) -> Fund:
        currency = _currency(cells, card.currency)
        if currency != card.currency:
            raise BadInput(f"{card.id} is in {card.currency}, the amount in {currency}: two currencies never net")
        return Fund(card, _amount("amount", cells["amount"], currency), self._options.set_allowance)

    def _account(self, name: str) -> Account:
        if name not in self._accounts:
            found = self._unit.accounts.find(_said("account", name), programme=self._options.programme)
            self._accounts[name] = _only(found, "account", name)
        return self._accounts[name]

    def _card(self, name: str) -> Card:
        """A prefix never names a card that is to be closed for good."""
        prefix = self._verb is not Verb.CLOSE
        found = self._unit.cards.find(_said("card", name), programme=self._options.programme, prefix=prefix)
        return _only(found, "card", name)


def _limits(card: Card, cells: Mapping[str, str]) -> Limit:
    changes = _minor(_named_limits(cells, card.currency))
    if not changes:
        raise BadInput("it names no limit: an amount, or `none`, in at least one of their columns")
    return Limit(card, changes)


def _named_limits(cells: Mapping[str, str], currency: str) -> dict[str, Money | None]:
    """The limits that have a word in their cell; `none` takes one off."""
    told = {name: cells[name] for name in LIMITS if cells.get(name)}
    return {name: None if text == "none" else _amount(name, text, currency) for name, text in told.items()}


def _minor(limits: Mapping[str, Money | None]) -> dict[str, int | None]:
    return {name: None if limit is None else limit.minor for name, limit in limits.items()}


def _currency(cells: Mapping[str, str], default: str) -> str:
    currency = (cells.get("currency") or default).upper()
    exponent(currency)
    return currency


def _amount(column: str, text: str, currency: str) -> Money:
    try:
        amount = Money.parse(text, currency)
    except BadAmount as error:
        raise BadAmount(f"{column}: {error.message}") from None
    if not amount.minor:
        raise BadAmount(f"{column}: it must be more than zero")
    return amount


def _said(noun: str, name: str) -> str:
    if not name:
        raise BadInput(f"it names no {noun}")
    return name


def _only(found: list[T], noun: str, name: str) -> T:
    if not found:
        raise NotFound(noun, name)
    if len(found) > 1:
        raise AmbiguousName(f"more than one {noun} answers to {name!r}")
    return found[0]
