"""Making accounts and cards: account.create, card.issue."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.accounts import Account, AccountState, Address, Kyc, NewAccount, RemoteAccount
from cardctl.domain.cards import NO_LIMITS, Card, Limits, NewCard, RemoteCard
from cardctl.domain.money import Money, zero
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.states import FINAL, CardState
from cardctl.domain.transactions import TransactionKind
from cardctl.errors import BadInput, Refused, StateForbids
from cardctl.providers.base import IssuesCards, Remote, require
from cardctl.services.chaining import Link
from cardctl.services.desk import Desk, Done, Thing
from cardctl.services.entries import account_id_for, limits_of, limits_told, money_event, new_account, new_card
from cardctl.services.journal import Change, Wish, refuse_sensitive
from cardctl.services.operations import rehearse, run_once


@dataclass(frozen=True, slots=True)
class CardWish:
    """A card that a person wants for one of our accounts. `key` is the caller's own name for it within the account; `defaulted`
    are those of its limits that nobody named: the profile's, which a provider without limits may leave out."""

    account_id: str
    currency: str
    type: str = "virtual"
    active: bool = True
    limits: Limits = NO_LIMITS
    allowance: Money | None = None
    key: str | None = None
    replaces: str | None = None
    replaces_reason: str | None = None
    defaulted: tuple[str, ...] = ()


def create_account(desk: Desk, wanted: NewAccount, *, caller_key: str | None = None) -> Done:
    """Make an account at the provider. Refused (6) where its external_id is taken; BadInput for an impossible name."""
    return run_once(desk, CreateAccount(), _account_wish(desk, wanted, caller_key))


def rehearse_account(desk: Desk, wanted: NewAccount, *, caller_key: str | None = None) -> Draft | Thing:
    return rehearse(desk, CreateAccount(), _account_wish(desk, wanted, caller_key))


def issue_link(desk: Desk, wanted: CardWish, caller_key: str | None = None, reason: str | None = None) -> Link:
    """The making of a card, with as much of the wish as its provider takes along. Refused (6) unless the account is active and
    its KYC verified; see services/opening.py for the rest of the wish."""
    return IssueCard(), _card_wish(desk, wanted, caller_key, reason)


def rehearse_card(desk: Desk, wanted: CardWish, *, caller_key: str | None = None) -> Draft | Thing:
    return rehearse(desk, IssueCard(), _card_wish(desk, wanted, caller_key, None))


class CreateAccount:
    """account.create: also gives a known account a new `ref` where the provider has lost the old one (`relink`)."""

    kind: ClassVar[str] = "account.create"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = True

    def check(self, unit: Unit, operation: Operation) -> None:
        known = unit.accounts.get(operation.target)
        external_id = operation.arguments["wanted"]["external_id"]
        if known is None and external_id is not None:
            known = unit.accounts.by_external_id(operation.programme, external_id)
        if known is not None and not operation.arguments["relink"]:
            raise Refused(
                f"the external id {external_id!r} is taken by {known.id}", hint=f"see `cardctl account show {known.id}`"
            )

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        return require(desk.provider, IssuesCards).draft_account(_wanted_account(operation.arguments["wanted"]), operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteAccount)
        known = unit.accounts.get(operation.target) or unit.accounts.by_ref(operation.programme, remote.ref)
        account = new_account(desk, operation.target, operation.arguments["wanted"]["external_id"], remote)
        if known is not None:
            account = replace(account, id=known.id, created_at=known.created_at)
        if known is None:
            unit.accounts.add(account, raw=remote.raw)
        else:
            unit.accounts.save(account, raw=remote.raw)
        return Change(account, {"ref": known.ref} if known else {}, {"ref": remote.ref, "state": str(remote.state)})

    def load(self, unit: Unit, operation: Operation) -> Account:
        return unit.accounts.named(operation.target)


def relink_account(desk: Desk, account: Account, wanted: NewAccount) -> Done:
    """Make the account anew at a provider that has lost it (a simulator that was reset); our id stays."""
    wish = Wish(account.id, {"wanted": asdict(wanted), "relink": True}, reason=f"{account.ref} is gone at the provider")
    return run_once(desk, CreateAccount(), wish)


def check_holder(account: Account) -> None:
    """StateForbids unless the account may get a card: it is active, and its KYC verified."""
    if account.state is not AccountState.ACTIVE:
        raise StateForbids(f"{account.id} is {account.state}: only an active account gets cards")
    if account.kyc is not Kyc.VERIFIED:
        flags = ", ".join(account.compliance_flags) or "no reason given"
        raise StateForbids(f"the KYC of {account.id} is {account.kyc} ({flags}): it gets no card until that is verified")


class IssueCard:
    """card.issue"""

    kind: ClassVar[str] = "card.issue"
    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = True

    def check(self, unit: Unit, operation: Operation) -> None:
        account = unit.accounts.holder(operation.arguments["account_id"])
        check_holder(account)
        key, replaced = operation.arguments["key"], operation.arguments["replaces"]
        if not key:
            return  # nothing names it, so nothing can be the same
        living = [card.id for card in unit.cards.by_key(account.id, key) if card.state not in FINAL]
        if set(living) - {replaced}:
            raise Refused(f"{account.id} has a living card {key!r} already", hint="a key names one card; choose another key")
        for other in unit.operations.open_about(operation.programme, self.kind, _about(account.id, key)):
            same = other.arguments["key"] == key and other.arguments["account_id"] == account.id
            if same and other.id != operation.id:
                raise Refused(f"{other.id} is already making this card", hint="settle it with `cardctl operation resume`")

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        told = operation.arguments
        with desk.books.read() as unit:
            account = unit.accounts.holder(told["account_id"])
            replaced = unit.cards.named(told["replaces"]) if told["replaces"] else None
        if account.ref is None:
            raise BadInput(f"{account.id} has no reference at {operation.provider} yet")
        wanted = NewCard(
            account_ref=account.ref,
            currency=told["currency"],
            type=told["type"],
            active=told["active"],
            limits=limits_of(told["limits"], told["currency"]),
            allowance=operation.amount,
            replaces_ref=replaced.ref if replaced else None,
            replaces_reason=told["replaces_reason"],
            holder=account.name,
        )
        return require(desk.provider, IssuesCards).draft_card(wanted, operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemoteCard)
        card = unit.cards.get(operation.target) or unit.cards.by_ref(operation.programme, remote.ref)
        if card is None:  # else a sync has found it first
            holder = unit.accounts.holder(operation.arguments["account_id"]).name
            card = new_card(desk, operation.target, operation.arguments["account_id"], remote, holder=holder)
            if card.balance is None and desk.provider.needs_load:  # the holder's money, not none: that would mean no limit
                card = replace(card, balance=_holders_money(unit, card))
            unit.cards.add(card, raw=remote.raw, key=operation.arguments["key"])
        if operation.amount is not None and operation.amount.minor > 0:  # the successor of an overdrawn card owes
            settled = not (desk.provider.starts_itself and card.state is CardState.PENDING)
            event = money_event(desk, operation, card, TransactionKind.FUNDING, settled=settled)
            unit.transactions.upsert(event, programme=desk.programme)
        shown = {"state": str(card.state), "account": card.account_id, "balance": str(card.balance) if card.balance else None}
        return Change(card, {}, {**shown, "ref": card.ref, "last4": card.last4})

    def load(self, unit: Unit, operation: Operation) -> Card:
        return unit.cards.named(operation.target)


def _holders_money(unit: Unit, card: Card) -> Money:
    held = unit.accounts.named(card.account_id).balances
    return next((money for money in held if money.currency == card.currency), zero(card.currency))


def _account_wish(desk: Desk, wanted: NewAccount, caller_key: str | None) -> Wish:
    if not wanted.name.strip():
        raise BadInput("an account needs a name")
    refuse_sensitive("external id", wanted.external_id)
    arguments = {"wanted": asdict(replace(wanted, name=wanted.name.strip())), "relink": False}
    return Wish(account_id_for(desk, wanted.external_id), arguments, caller_key=caller_key)


def _card_wish(desk: Desk, wanted: CardWish, caller_key: str | None, reason: str | None) -> Wish:
    amounts = [
        wanted.allowance,
        wanted.limits.per_transaction,
        wanted.limits.daily,
        wanted.limits.weekly,
        wanted.limits.monthly,
    ]
    if any(amount is not None and amount.currency != wanted.currency for amount in amounts):
        raise BadInput(f"every amount of a card must be in its currency, {wanted.currency}")
    refuse_sensitive("key", wanted.key)
    arguments: dict[str, Any] = {
        "account_id": wanted.account_id,
        "currency": wanted.currency,
        "type": wanted.type,
        "active": wanted.active,
        "limits": limits_told(wanted.limits),
        "key": wanted.key,
        "replaces": wanted.replaces,
        "replaces_reason": wanted.replaces_reason,
    }
    about = _about(wanted.account_id, wanted.key) if wanted.key else None
    return Wish(desk.new_id("card"), arguments, wanted.allowance, reason, caller_key, about)


def _about(account_id: str, key: str) -> str:
    """What two makings of the same card have in common."""
    return f"{account_id}/{key}"


def _wanted_account(told: dict[str, Any]) -> NewAccount:
    address = Address(**told["address"]) if told["address"] else None
    return NewAccount(**{**told, "address": address, "documents": tuple(told.get("documents", ()))})
