"""What the staff of the simulated Marqeta does from behind the counter: a swipe, a KYC decision, silent edits; no wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cardctl.errors import BadInput
from cardctl.simulator.categories import CODES
from cardctl.simulator.desk import Desk
from cardctl.simulator.marqeta import chargebacks, purchases, users, wallet_tokens, webhooks
from cardctl.simulator.marqeta.accounts import CURRENCY
from cardctl.simulator.marqeta.lists import known
from cardctl.simulator.marqeta.refusals import Refuses
from cardctl.simulator.marqeta.tables import PERSON
from cardctl.simulator.rows import Record, select
from cardctl.simulator.telling import tell


def swipe(desk: Desk, card_ref: str, amount: int, merchant: Mapping[str, Any], hold: bool) -> Record | None:
    """A purchase of `amount` minor units: authorised and, unless `hold`, cleared at once; None when there is no such
    card, or nobody whom it belongs to.

    The merchant has a name, a category (Stripe's word) or an mcc, a country and a city. `reason` is `card_active`, or the
    response code of a decline, and `message` then what it means.
    """
    visit = Desk(desk.db, "marqeta", desk.now)
    if known(visit, "marqeta_cards", card_ref) is None:
        return None
    message = purchases.Message(merchant=_acceptor(merchant))
    try:
        authorization = purchases.authorise(visit, card_ref, amount, message)
    except Refuses:  # staff have deleted whom, or what product, the card is of
        return None
    approved = authorization["state"] != "DECLINED"
    tell(visit)  # before it is cleared: it was told as it was then
    taken = purchases.clear(visit, authorization["ref"], amount, {}) if approved and not hold else None
    response = authorization["response"]
    return {
        "approved": approved,
        "reason": "card_active" if approved else response["code"],
        "message": None if approved else response.get("additional_information") or response["memo"],
        "authorization_ref": authorization["ref"],
        "transaction_ref": taken and taken["ref"],
    }


def purchase(desk: Desk, ref: str) -> Record | None:
    """What a transaction took: card_ref, currency (lower case), merchant (its name), `captured` and `refunded` in minor units,
    both 0 for one that is no clearing; None for nobody's token."""
    row = known(Desk(desk.db, "marqeta", desk.now), "marqeta_transactions", ref)
    if row is None:
        return None
    captured = row["amount"] if row["type"] == "authorization.clearing" and row["state"] == "COMPLETION" else 0
    name = (row["card_acceptor"] or {}).get("name")
    told = {"card_ref": row["card_token"], "currency": row["currency_code"].lower(), "merchant": name}
    return {**told, "captured": captured, "refunded": purchases.refunded(desk, row) if captured else 0}


def refund(desk: Desk, ref: str, amount: int) -> str:
    """The merchant gives back `amount` of a clearing, as often as it likes; the new transaction's token."""
    return str(purchases.give_back(Desk(desk.db, "marqeta", desk.now), ref, amount)["ref"])


def set_kyc(desk: Desk, user_ref: str, word: str) -> bool:
    """`pending` → UNVERIFIED, `verified` → ACTIVE, `rejected` → SUSPENDED with reason code 17; False for nobody's token."""
    return users.decide_kyc(Desk(desk.db, "marqeta", desk.now), user_ref, word)


def card_currency(desk: Desk, card_ref: str) -> str | None:
    """The ISO code (lower case) that this card spends; None when there is no such card."""
    return CURRENCY.lower() if known(desk, "marqeta_cards", card_ref) else None


def charge_back(desk: Desk, transaction_ref: str, amount: int) -> Record | None:
    """Opens a chargeback of `amount` minor units about a clearing, and credits it to the cardholder; None for nobody's token.

    chargeback_ref, transaction_ref (the transaction that it made). BadInput for a transaction that took no money, or less.
    """
    visit = Desk(desk.db, "marqeta", desk.now)
    if known(visit, "marqeta_transactions", transaction_ref) is None:
        return None
    with _named():
        opened = chargebacks.open_chargeback(visit, transaction_ref, amount)
    return _chargeback(visit, opened)


def decide_chargeback(desk: Desk, chargeback_ref: str, *, won: bool) -> Record | None:
    """What the network decided; the same two refs, None for nobody's token, BadInput for one that was decided."""
    visit = Desk(desk.db, "marqeta", desk.now)
    if known(visit, "marqeta_chargebacks", chargeback_ref) is None:
        return None
    with _named():
        decided = chargebacks.decide(visit, chargeback_ref, won=won)
    return _chargeback(visit, decided)


def add_wallet_token(desk: Desk, card_ref: str, wallet: str = "apple") -> str | None:
    """A token of a card in a wallet (apple, google, samsung, else BadInput), asked for, then active; None for nobody's card."""
    visit = Desk(desk.db, "marqeta", desk.now)
    if wallet not in wallet_tokens.WALLETS:
        raise BadInput(f"no wallet is called {wallet!r}", hint=f"there are {', '.join(wallet_tokens.WALLETS)}")
    if known(visit, "marqeta_cards", card_ref) is None:
        return None
    token = wallet_tokens.request(visit, card_ref, wallet)
    return str(wallet_tokens.move(visit, token["ref"], "ACTIVE")["ref"])


def move_wallet_token(desk: Desk, token_ref: str, state: str) -> bool:
    """Another state of a wallet's token; False for nobody's. BadInput for a move that is not allowed."""
    visit = Desk(desk.db, "marqeta", desk.now)
    if known(visit, "marqeta_wallet_tokens", token_ref) is None:
        return False
    with _named():
        wallet_tokens.move(visit, token_ref, state)
    return True


def webhook_endpoints(desk: Desk) -> list[Record]:
    """Every webhook that a client made, its secrets in clear: ref, url, username, password, secret (may be None), algorithm,
    headers (its own), events, active."""
    return webhooks.endpoints(desk)


def listens(events: Sequence[str], kind: str) -> bool:
    """Whether a webhook for `events` hears of the notice type `kind`."""
    return webhooks.listens(events, kind)


def _chargeback(desk: Desk, chargeback: Record) -> Record:
    where = "chargeback_token = ? ORDER BY seq DESC LIMIT 1"
    (last,) = select(desk, "marqeta_chargeback_transitions", where, (chargeback["ref"],))
    return {"chargeback_ref": chargeback["ref"], "transaction_ref": last["transaction_token"]}


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except Refuses as refusal:
        raise BadInput(refusal.message) from refusal


def _acceptor(merchant: Mapping[str, Any]) -> Record:
    code = merchant.get("mcc") or CODES.get(merchant.get("category") or "")
    given = {"name": merchant.get("name"), "mcc": code, "country_code": merchant.get("country"), "city": merchant.get("city")}
    return {name: value for name, value in given.items() if value}


_OBJECT = {"deleted": "flag", "created": "whole", "modified": "whole"}
_MONEY = {"amount": "amount", "currency_code": "word", "state": "word", "memo": "maybe", "tags": "maybe"}
_WHY = {"reason": "maybe", "reason_code": "maybe", "channel": "word"}

FIELDS: dict[str, dict[str, str]] = {
    "marqeta_users": {
        **_OBJECT,
        **dict.fromkeys(PERSON, "maybe"),
        "status": "word",
        "ledger_balance": "amount",
        "metadata.*": "maybe",
    },
    "marqeta_cards": {
        **_OBJECT,
        **dict.fromkeys(("state", "state_reason", "fulfillment_status", "instrument_type", "last_four", "pan"), "word"),
        **dict.fromkeys(("cvv_number", "expiration", "user_token", "card_product_token"), "word"),
        "reason_code": "maybe",
        "expiration_time": "whole",
        "pin_is_set": "flag",
        "metadata.*": "maybe",
    },
    "marqeta_products": {**_OBJECT, "name": "word", "active": "flag", "start_date": "word", "end_date": "maybe"},
    "marqeta_velocity_controls": {
        **_OBJECT,
        "name": "maybe",
        "active": "flag",
        "amount_limit": "amount",
        "usage_limit": "whole",
        **dict.fromkeys(("currency_code", "velocity_window"), "word"),
        **dict.fromkeys(("user_token", "card_product_token", "merchant_scope.*"), "maybe"),
        **dict.fromkeys(("approvals_only", "include_purchases"), "flag"),
    },
    "marqeta_funding_sources": {**_OBJECT, "name": "word", "active": "flag"},
    "marqeta_orders": {**_OBJECT, **_MONEY, "user_token": "word", "funding_source_token": "word", "response.*": "maybe"},
    "marqeta_unloads": {**_OBJECT, **_MONEY, "original_order_token": "word", "response.*": "maybe"},
    "marqeta_transactions": {
        **_OBJECT,
        **dict.fromkeys(("type", "state", "user_token", "acting_user_token", "currency_code"), "word"),
        **dict.fromkeys(("amount", "request_amount", "gpa.ledger_balance", "gpa.available_balance"), "amount"),
        "gpa.impacted_amount": "amount",
        **dict.fromkeys(("card_token", "card_product_token", "network", "approval_code"), "maybe"),
        **dict.fromkeys(("preceding_related_transaction_token", "card_acceptor.*", "response.*"), "maybe"),
        **dict.fromkeys(("user_transaction_time", "settlement_date"), "whole"),
    },
    "marqeta_card_transitions": {**_OBJECT, **_WHY, "state": "word", "type": "word"},
    "marqeta_user_transitions": {**_OBJECT, **_WHY, "status": "word"},
    "marqeta_kyc": {**_OBJECT, "notes": "maybe", "result.status": "word"},
}
"""Fields that can be edited silently, as on the wire, and how each is read; `x.*` is any one name under x."""
