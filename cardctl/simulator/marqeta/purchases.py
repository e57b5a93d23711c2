"""Bank rules of purchases: authorise, clear, reverse, refund. Every message is a transaction of its own; the money that a
clearing takes leaves the GPA for good, a refund brings some back.

UNCONFIRMED: that an authorization goes from PENDING to CLEARED once nothing of it is held any more.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta.accounts import account_of, available, book, move
from cardctl.simulator.marqeta.lists import changed, get
from cardctl.simulator.marqeta.refusals import Kind, Refuses
from cardctl.simulator.marqeta.users import ACTIVE
from cardctl.simulator.marqeta.velocity import forbids
from cardctl.simulator.rows import Record, select

MERCHANT: Record = {
    "mid": "123456890",
    "mcc": "6411",
    "name": "Marqeta Storefront",
    "city": "Oakland",
    "state": "CA",
    "postal_code": "94612",
    "country_code": "USA",
}
MEMOS = {
    "1001": "Card expired",
    "1003": "Card suspended",
    "1004": "Card stolen - pickup",
    "1005": "Card lost",
    "1016": "Not sufficient funds",
    "1806": "Card not active",
    "1813": "Cardholder not active",
    "1864": "Transactions not allowed from this country",
    # UNCONFIRMED: the codes of a velocity control's no; these two are JIT funding's words for the same thing.
    "1887": "Amount limit reached",
    "1888": "Usage limit reached",
}
_AMERICAN = ("US", "USA", "840", "")


@dataclass(frozen=True, slots=True)
class Message:
    """What the network says about a purchase besides its amount."""

    merchant: Mapping[str, Any] = field(default_factory=dict)
    network: str = "VISA"
    preauthorization: bool = False


def authorise(desk: Desk, card_ref: str, amount: int, message: Message) -> Record:
    """A new authorization: PENDING with a hold on the GPA, or DECLINED; its response says why."""
    card = get(desk, "marqeta_cards", card_ref)
    if amount < 0:
        raise Refuses(Kind.INVALID, "Invalid input(s): amount")
    account = account_of(desk, get(desk, "marqeta_users", card["user_token"]))
    merchant = {**MERCHANT, **message.merchant}
    code, detail = _decision(desk, card, account, amount, merchant)
    more = {**_about(card, merchant, message.network), "is_preauthorization": message.preauthorization}
    if code is not None:
        response = {"code": code, "memo": MEMOS[code]} | ({"additional_information": detail} if detail else {})
        return book(desk, "authorization", "DECLINED", account, amount, 0, **more, response=response)
    account = move(desk, account, held=amount)
    approval = f"{secrets.randbelow(10**6):06d}"
    return book(desk, "authorization", "PENDING", account, amount, -amount, **more, held=amount, approval_code=approval)


def clear(desk: Desk, ref: str, amount: int, merchant: Mapping[str, Any], *, forced: bool = False) -> Record:
    """The merchant takes `amount`, more than was held if they like; less leaves the rest held. No status stands in its way."""
    authorization = _authorization(desk, ref)
    _positive(amount)
    if authorization["state"] != "PENDING" and not forced:
        raise Refuses(Kind.INVALID, f"The original transaction is {authorization['state']}")
    released = min(authorization["held"], amount)
    account = move(desk, get(desk, "marqeta_users", authorization["user_token"]), ledger=-amount, held=-released)
    _release(desk, authorization, released, cleared=amount)
    return book(desk, "authorization.clearing", "COMPLETION", account, amount, -amount, **_after(authorization, merchant))


def reverse(desk: Desk, ref: str, amount: int | None = None) -> Record:
    """The merchant gives back a part of the hold (default: all of it): CLEARED when nothing is held then, else PENDING."""
    authorization = _authorization(desk, ref)
    released = authorization["held"] if amount is None else amount
    _positive(released)
    if released > authorization["held"]:
        raise Refuses(Kind.INVALID, "The amount is more than what is still authorized")
    account = move(desk, get(desk, "marqeta_users", authorization["user_token"]), held=-released)
    _release(desk, authorization, released)
    state = "CLEARED" if released == authorization["held"] else "PENDING"
    more = {**_after(authorization, {}), "request_amount": authorization["amount"]}
    return book(desk, "authorization.reversal", state, account, released, released, **more)


def refund(desk: Desk, ref: str, amount: int, merchant: Mapping[str, Any]) -> Record:
    """Money back for a purchase, named by its authorization."""
    authorization = _authorization(desk, ref)
    _positive(amount)
    account = move(desk, get(desk, "marqeta_users", authorization["user_token"]), ledger=amount)
    changed(desk, "marqeta_transactions", ref, {"refunded": authorization["refunded"] + amount})
    return book(desk, "refund", "COMPLETION", account, amount, amount, **_after(authorization, merchant))


def give_back(desk: Desk, ref: str, amount: int) -> Record:
    """A refund of a clearing: it names the authorization, where there was one."""
    clearing = get(desk, "marqeta_transactions", ref)
    if clearing["preceding_related_transaction_token"]:
        return refund(desk, clearing["preceding_related_transaction_token"], amount, {})
    changed(desk, "marqeta_transactions", ref, {"refunded": clearing["refunded"] + amount})
    message = Message(clearing["card_acceptor"] or {}, clearing["network"] or "VISA")
    return unlinked(desk, "refund", clearing["card_token"], amount, message)


def refunded(desk: Desk, clearing: Record) -> int:
    """How much of a clearing was given back, in minor units: of several for one authorization, the others' share first."""
    parent = clearing["preceding_related_transaction_token"]
    if not parent:
        return int(clearing["refunded"])
    (authorization,) = select(desk, "marqeta_transactions", "ref = ?", (parent,))
    left = authorization["cleared"] - authorization["refunded"]
    return int(clearing["amount"] - min(clearing["amount"], left))


def unlinked(desk: Desk, kind: str, card_ref: str, amount: int, message: Message) -> Record:
    """A `refund`, or an offline `authorization.clearing`, that names no purchase; no bank can refuse it."""
    card = get(desk, "marqeta_cards", card_ref)
    _positive(amount)
    sign = 1 if kind == "refund" else -1
    account = move(desk, account_of(desk, get(desk, "marqeta_users", card["user_token"])), ledger=sign * amount)
    more = _about(card, {**MERCHANT, **message.merchant}, message.network)
    taken = 0 if kind == "refund" else amount
    return book(desk, kind, "COMPLETION", account, amount, sign * amount, **more, cleared=taken)


def _decision(
    desk: Desk, card: Record, account: Record, amount: int, merchant: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """The first reason to decline, with more about it where there is more; (None, None) approves."""
    user = get(desk, "marqeta_users", card["user_token"])
    product = get(desk, "marqeta_products", card["card_product_token"])
    code = _state_code(product, card)
    if code is None and not {user["status"], account["status"]} <= set(ACTIVE):
        code = "1813"
    if code is None and card["expiration_time"] < desk.now:
        code = "1001"
    if code is None and _abroad(product, merchant):
        code = "1864"
    if code is not None:
        return code, None
    broken = forbids(desk, card, amount, merchant)
    if broken is not None:
        return ("1888" if broken["by_use"] else "1887"), f"Velocity control {broken['name'] or broken['ref']}"
    return ("1016", None) if amount > available(account) else (None, None)


def _state_code(product: Record, card: Record) -> str | None:
    controls = product["config"].get("transaction_controls", {})
    match card["state"]:
        case "ACTIVE":
            return None
        case "SUSPENDED":
            return None if controls.get("ignore_card_suspended_state") else "1003"
        case "TERMINATED":
            return {"10": "1005", "23": "1004"}.get(card["reason_code"], "1806")
    return "1806"  # UNCONFIRMED for LIMITED


def _abroad(product: Record, merchant: Mapping[str, Any]) -> bool:
    accepted = product["config"].get("transaction_controls", {}).get("accepted_countries_token", "accept_us_only")
    return accepted == "accept_us_only" and merchant.get("country_code", "") not in _AMERICAN


def _authorization(desk: Desk, ref: str) -> Record:
    found = get(desk, "marqeta_transactions", ref)
    if found["type"] != "authorization":
        raise Refuses(Kind.INVALID, "The original transaction is no authorization")
    return found


def _release(desk: Desk, authorization: Record, released: int, *, cleared: int = 0) -> None:
    held = authorization["held"] - released
    changes = {"held": held, "cleared": authorization["cleared"] + cleared}
    if authorization["state"] == "PENDING" and not held:
        changes["state"] = "CLEARED"
    changed(desk, "marqeta_transactions", authorization["ref"], changes)


def _about(card: Record, merchant: Mapping[str, Any], network: str) -> Record:
    return {
        "acting_user_token": card["user_token"],
        "card_token": card["ref"],
        "card_product_token": card["card_product_token"],
        "network": network,
        "card_acceptor": dict(merchant),
    }


def _after(authorization: Record, merchant: Mapping[str, Any]) -> Record:
    """What a later message has from its authorization."""
    inherited = ("acting_user_token", "card_token", "card_product_token", "network", "user_transaction_time", "approval_code")
    return {
        **{name: authorization[name] for name in inherited},
        "card_acceptor": {**authorization["card_acceptor"], **merchant},
        "preceding_related_transaction_token": authorization["ref"],
    }


def _positive(amount: int) -> None:
    if amount < 1:
        raise Refuses(Kind.INVALID, "Invalid input(s): amount must be greater than zero")
