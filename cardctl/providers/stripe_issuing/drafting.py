"""Our wishes as Stripe's requests: pure functions that give the bodies and drafts; the other direction is translate.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cardctl.domain.accounts import AccountChange, Address, NewAccount
from cardctl.domain.cards import Limits, NewCard
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move
from cardctl.errors import BadAmount, BadInput
from cardctl.providers.stripe_issuing import translate, wire
from cardctl.providers.stripe_issuing.translate import (
    ACTIVATED,
    ALL_TIME,
    CREATED_BY,
    EXTERNAL_ID,
    INHERITED,
    INTERVALS,
    MARK,
    MOVED_BY,
    plain,
)

_MOVES = {Move.ACTIVATE: "active", Move.UNFREEZE: "active", Move.FREEZE: "inactive", Move.CLOSE: "canceled"}
_ACCOUNT_TYPES = ("individual", "company")
_CANCEL_REASONS = frozenset({"lost", "stolen"})
_REPLACE_REASONS = ("damaged", "expired", "lost", "stolen")


def account_to_wire(wanted: NewAccount, address: Address, mark: str) -> dict[str, Any]:
    """UNCONFIRMED how much of a name Stripe takes (once 24 letters, no digits), so its own refusal is left to decide."""
    if wanted.type not in _ACCOUNT_TYPES:
        raise BadInput(f"stripe has no accounts of type {wanted.type!r}", hint=f"one of {', '.join(_ACCOUNT_TYPES)}")
    return _present(
        name=" ".join(wanted.name.split()),
        type=wanted.type,
        email=wanted.email,
        phone_number=wanted.phone,
        billing={"address": _address_to_wire(address)},
        metadata=_present(**{EXTERNAL_ID: wanted.external_id, MARK: mark, CREATED_BY: mark}),
    )


def change_to_wire(change: AccountChange) -> dict[str, Any]:
    """Empty where nothing is to be changed."""
    return _present(
        email=change.email,
        phone_number=change.phone,
        billing={"address": _address_to_wire(change.address)} if change.address else None,
        status=None if change.active is None else "active" if change.active else "inactive",
    )


def new_card_to_wire(wanted: NewCard, inherited: Money | None, mark: str) -> dict[str, Any]:
    """BadInput where Stripe has no word for why a card is replaced, or an amount is not in the card's currency."""
    limits, why, allowance = wanted.limits, wanted.replaces_reason, wanted.allowance
    currency_check((*(getattr(limits, name) for name in INTERVALS.values()), allowance), wanted.currency)
    if wanted.replaces_ref and why not in _REPLACE_REASONS:
        raise BadInput("stripe wants to know why a card is replaced", hint=f"one of {', '.join(_REPLACE_REASONS)}")
    listed = _limits_to_wire(limits, allowance + inherited if allowance and inherited else allowance)
    return _present(
        cardholder=wanted.account_ref,
        currency=wanted.currency.lower(),
        type=wanted.type,
        status="active" if wanted.active else "inactive",
        spending_controls={"spending_limits": listed} if listed else None,
        replacement_for=wanted.replaces_ref,
        replacement_reason=why if wanted.replaces_ref else None,
        metadata={MARK: mark, CREATED_BY: mark} | _was_active(wanted.active) | _inherits(inherited),
    )


def move_to_wire(move: Move, mark: str, reason: str | None) -> dict[str, Any]:
    """Stripe knows two reasons of a cancellation. A freeze starts from active, so it too proves that the card was active."""
    word = (reason or "").strip().lower()
    return _present(
        status=_MOVES[move],
        cancellation_reason=word if move is Move.CLOSE and word in _CANCEL_REASONS else None,
        # A mark of its own: a freeze goes through while a funding is in doubt, whose mark must stay to be found.
        metadata={MOVED_BY: mark} | _was_active(move is not Move.CLOSE),
    )


def _was_active(yes: bool) -> dict[str, str]:
    return {ACTIVATED: "true"} if yes else {}


def _inherits(spent: Money | None) -> dict[str, str]:
    return {INHERITED: str(spent.minor)} if spent is not None else {}


def _address_to_wire(address: Address) -> dict[str, str]:
    return _present(**{name: getattr(address, name) for name in ("line1", "line2", "city", "state", "postal_code", "country")})


def limits_draft(
    card: wire.StripeCard,
    mark: str,
    *,
    changes: Mapping[str, Money | None] | None = None,
    allowance: Money | None = None,
    inherited: Money | None = None,
) -> Draft:
    """`spending_limits` alone is sent, and always as a whole list. UNCONFIRMED that Stripe then leaves the other members of
    `spending_controls` as they are, as it does with every parameter that is not sent."""
    limits, before = translate.spending_limits(card), translate.allowance_from_wire(card)
    listed = _with_limits(limits, changes or {})
    if allowance is not None:
        total = allowance + (inherited or translate.inherited_from_wire(card))
        if max(allowance.minor, total.minor) > MAX_MINOR:
            raise BadAmount(f"an allowance of {total} is more than cardctl can hold exactly")
        listed = _with_allowance(limits, total.minor)
    seen = {
        "mark": (card.get("metadata") or {}).get(MARK),
        "status": card.get("status"),
        "allowance_minor": before.minor if before else None,
        "limits": limits,
    }
    # An empty list has no form encoding; an empty text is how Stripe clears a thing (UNCONFIRMED for this list).
    body = {
        "spending_controls": {"spending_limits": listed or ""},
        "metadata": {MARK: mark} | _inherits(inherited),
    }
    return Draft("POST", wire.one_of(wire.CARDS, card["id"]), "card", body, seen)


def currency_check(amounts: Iterable[Money | None], currency: str) -> None:
    """BadInput where an amount is not in the card's currency."""
    for money in amounts:
        if money is not None and money.currency != currency:
            raise BadInput(f"{money} is not in the card's currency, {currency}")


def _with_limits(limits: Iterable[wire.StripeSpendingLimit], changes: Mapping[str, Money | None]) -> list[dict[str, Any]]:
    """The whole list with the kinds named in `changes` replaced or taken off, and every other limit as it was."""
    changed = {interval for interval, name in INTERVALS.items() if name in changes}
    kept = [_limit_to_wire(limit) for limit in limits if not (plain(limit) and limit.get("interval") in changed)]
    return kept + _limits_to_wire(Limits(**changes), None)


def _with_allowance(limits: Iterable[wire.StripeSpendingLimit], allowance: int) -> list[dict[str, Any]]:
    """The whole list with the allowance replaced (or begun), and every other limit as it was."""
    kept = [_limit_to_wire(limit) for limit in limits if not (plain(limit) and limit.get("interval") == ALL_TIME)]
    return [*kept, {"amount": allowance, "interval": ALL_TIME}]


def _limits_to_wire(limits: Limits, allowance: Money | None) -> list[dict[str, Any]]:
    amounts = {interval: getattr(limits, name) for interval, name in INTERVALS.items()} | {ALL_TIME: allowance}
    return [{"amount": money.minor, "interval": interval} for interval, money in amounts.items() if money is not None]


def _limit_to_wire(limit: wire.StripeSpendingLimit) -> dict[str, Any]:
    return _present(amount=limit["amount"], interval=limit["interval"], categories=limit.get("categories") or None)


def _present(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
