"""Our wishes about cards as Strowallet's requests: pure functions that give drafts; customers are enrolling.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.domain.cards import NO_LIMITS, NewCard, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import FUND_FROM, WITHDRAW_FROM, CardState, Move, check_money
from cardctl.errors import BadAmount, BadInput, InsufficientBalance, ProviderRefused, Unsupported
from cardctl.providers.strowallet import translate, wire
from cardctl.providers.strowallet.translate import CURRENCY

ACTIONS = {Move.FREEZE: "freeze", Move.UNFREEZE: "unfreeze"}
NFC_STATES = {Move.FREEZE: "frozen", Move.UNFREEZE: "active"}
MOVED_TO = {
    "freeze": CardState.FROZEN,
    "frozen": CardState.FROZEN,
    "unfreeze": CardState.ACTIVE,
    "active": CardState.ACTIVE,
}
"""What a card is after a move, by the word that was sent."""


class Drafter:
    """Drafts for one product, in one environment: the paths, and what a sandbox does for real."""

    def __init__(self, *, nfc: bool, slash: bool, sandbox: bool) -> None:
        self.nfc = nfc
        self._slash = slash
        self._sandbox = sandbox

    def draft(
        self,
        endpoint: str,
        subject: str,
        body: Mapping[str, Any],
        *,
        method: str = "POST",
        before: Mapping[str, Any] | None = None,
        repeatable: bool = False,
        urgent: bool = False,
    ) -> Draft:
        """`mode` goes only where it is taken; in a sandbox whatever takes none is done for real."""
        moded = self._sandbox and endpoint in wire.MODED
        return Draft(
            method,
            wire.path_of(endpoint, slash=self._slash),
            subject,
            {**body, **({"mode": "sandbox"} if moded else {})},
            dict(before or {}),
            urgent=urgent,
            repeatable=repeatable,
            real=self._sandbox and not moded,
        )

    def card(self, wanted: NewCard, customer: Mapping[str, Any]) -> Draft:
        """`customer` is the holder as it was read. ProviderRefused where it lacks what a card needs."""
        assert wanted.allowance is not None
        email = translate.email_in(customer) or (wanted.account_ref if self.nfc else "")
        name = wanted.holder or translate.name_in(customer)
        if not name:
            raise BadInput("strowallet wants the name that stands on the card")
        before = {"account_ref": wanted.account_ref, "holder": name}
        amount = wanted.allowance.amount
        if self.nfc:
            customer_id = translate.customer_id(customer)
            if not customer_id:
                raise ProviderRefused(f"strowallet has no customer id for {email} yet", hint="its KYC is not through")
            body = {"customer_id": customer_id, "name": name, "amount": amount}
            return self.draft(wire.NFC_CREATE_CARD, "card", body, before=before)
        if not email:
            raise ProviderRefused(f"strowallet tells no email of {wanted.account_ref}, which its card needs")
        body = {"name_on_card": name, "card_type": "visa", "amount": amount, "customerEmail": email}
        return self.draft(wire.CREATE_CARD, "card", body, before=before)

    def move(self, ref: str, move: Move) -> Draft:
        """Unsupported for what Strowallet does by itself. Both directions say what shall be, so they may be sent again."""
        if move not in ACTIONS:
            raise Unsupported(f"strowallet cannot {move} a card", hint="a new card becomes active by itself")
        urgent = move is Move.FREEZE
        if self.nfc:  # a GET that writes, as the one client in the field has it; a POST elsewhere is known from older ones
            body = {"card_id": ref, "status": NFC_STATES[move]}
            return self.draft(wire.NFC_STATUS, "card", body, method="GET", repeatable=True, urgent=urgent)
        body = {"action": ACTIONS[move], "card_id": ref}
        return self.draft(wire.STATUS, "card", body, repeatable=True, urgent=urgent)

    def fund(self, card: RemoteCard, amount: Money, rows: list[str]) -> Draft:
        check_amount(amount)
        check_money("fund", card.state, FUND_FROM)
        body, before = {"card_id": card.ref, "amount": amount.amount}, _seen(card, rows)
        if self.nfc:
            return self.draft(wire.NFC_MONEY, "card", {**body, "type": "fund"}, before=before)
        return self.draft(wire.FUND_CARD, "card", body, before=before)

    def withdraw(self, card: RemoteCard, amount: Money, rows: list[str]) -> Draft:
        check_amount(amount)
        check_money("withdraw", card.state, WITHDRAW_FROM)
        if card.balance is not None and amount > card.balance:
            raise InsufficientBalance(f"only {card.balance} is on this card: {amount} cannot be withdrawn")
        body, before = {"card_id": card.ref, "amount": amount.amount}, _seen(card, rows)
        if self.nfc:
            return self.draft(wire.NFC_MONEY, "card", {**body, "type": "withdraw"}, before=before)
        return self.draft(wire.WITHDRAW, "card", body, before=before)


def check_card(wanted: NewCard) -> None:
    """BadInput or Unsupported for a card that Strowallet does not make; before anything is asked of it."""
    amounts = [getattr(wanted.limits, name) for name in ("per_transaction", "daily", "weekly", "monthly")]
    if wanted.currency != CURRENCY or any(money and money.currency != CURRENCY for money in (*amounts, wanted.allowance)):
        raise BadInput(f"strowallet's cards are in {CURRENCY}")
    if wanted.limits != NO_LIMITS:
        raise Unsupported("strowallet sets no limits on cards")
    if wanted.replaces_ref:
        raise Unsupported("strowallet replaces no cards", hint="issue another one")
    if wanted.type != "virtual":
        raise Unsupported(f"strowallet makes no {wanted.type} cards", hint="its cards are virtual")
    if not wanted.active:
        raise Unsupported("a strowallet card becomes active by itself", hint="leave out --inactive, and freeze it afterwards")
    if wanted.allowance is None or wanted.allowance.minor <= 0:
        raise BadInput("strowallet funds a card as it is made: --fund is needed")


def check_amount(amount: Money) -> None:
    if amount.currency != CURRENCY:
        raise BadInput(f"{amount} is not in the card's currency, {CURRENCY}")
    if amount.minor <= 0:
        raise BadAmount(f"{amount} cannot be moved: an amount is more than nothing")


def direction_of(draft: Draft) -> str:
    """Which way a draft moves money: "fund" or "withdraw"; empty for a draft that moves none."""
    words = {wire.FUND_CARD: "fund", wire.WITHDRAW: "withdraw", wire.NFC_MONEY: str(draft.body.get("type"))}
    return words.get(wire.endpoint_of(draft.path), "")


def state_wanted(draft: Draft) -> CardState:
    """What a card shall be by a draft that moves its state."""
    return MOVED_TO[draft.body["action"] if "action" in draft.body else draft.body["status"]]


def _seen(card: RemoteCard, rows: list[str]) -> dict[str, Any]:
    return {"balance": card.balance.amount if card.balance else None, "rows": rows}
