"""What this bank's staff and its merchants do, behind the wire; a visit may come without the face's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change, select
from cardctl.simulator.strowallet import cards, funding, messages, purchases
from cardctl.simulator.strowallet.tables import CARDS, CUSTOMERS, TRANSACTIONS
from cardctl.simulator.strowallet.words import FAILED, KYC, PENDING, SUCCESS

FACE = "strowallet"

_SIGNED = "strowallet_signed"

_OBJECT = {"deleted": "flag", "created": "whole"}
FIELDS: dict[str, dict[str, str]] = {
    CUSTOMERS: {
        **_OBJECT,
        **dict.fromkeys(("status", "customerEmail", "firstName", "lastName", "phoneNumber", "dateOfBirth"), "word"),
        **dict.fromkeys(("line1", "city", "state", "zipCode", "country", "idType", "idNumber"), "word"),
        **dict.fromkeys(("houseNumber", "idImage", "userPhoto"), "maybe"),
    },
    CARDS: {
        **_OBJECT,
        **dict.fromkeys(("card_status", "last4", "card_number", "cvv", "expiry", "name_on_card"), "word"),
        **dict.fromkeys(("card_brand", "customer_id", "card_user_id", "currency", "reference"), "word"),
        "balance": "amount",
    },
    TRANSACTIONS: {
        **_OBJECT,
        **dict.fromkeys(("type", "currency", "status", "narrative", "reference"), "word"),
        "reason": "maybe",
        "amount": "amount",
    },
}
"""Table to what `simulator edit` may set silently: the wire's field name to how its value is read (amount: minor units)."""


def swipe(desk: Desk, card_ref: str, amount: int, merchant: Mapping[str, Any], hold: bool) -> Record | None:
    """A purchase of `amount` cents; None where this bank has no such card.

    approved, reason (`card_active`, `card_inactive` or `insufficient_funds`), message (the sentence of a decline),
    authorization_ref (the row's reference), transaction_ref (the row, once money is spent: not for a hold or a decline).
    """
    card = _card(desk, card_ref)
    if card is None:
        return None
    visit = _visit(desk)
    funding.settle_due(visit)
    card = _card(visit, card_ref) or card
    row, sentence = purchases.purchase(visit, card, amount, merchant, hold=hold)
    return {
        "approved": row["status"] != FAILED,
        "reason": row["reason"] or "card_active",
        "message": sentence,
        "authorization_ref": row["reference"],
        "transaction_ref": None if row["status"] in (PENDING, FAILED) else row["ref"],
    }


def set_kyc(desk: Desk, customer_ref: str, word: str) -> bool:
    """pending, verified or rejected, in the words of the customer's world; False where this bank has no such customer."""
    found = select(desk, CUSTOMERS, "ref = ? AND deleted = 0", (customer_ref,))
    if not found:
        return False
    change(_visit(desk), CUSTOMERS, customer_ref, {"status": KYC[found[0]["world"]][word]})
    return True


def card_currency(desk: Desk, card_ref: str) -> str | None:
    """Lower case; None where this bank has no such card."""
    card = _card(desk, card_ref)
    return None if card is None else str(card["currency"]).lower()


def purchase(desk: Desk, ref: str) -> Record | None:
    """What a row, by its id or its reference, took: card_ref, currency (lower case), merchant (its name), `captured` and
    `refunded` in cents, 0 for one that is no purchase or only holds; None where this bank has no such row."""
    row = _row(desk, ref)
    if row is None:
        return None
    captured = -row["amount"] if row["kind"] == "purchase" and row["status"] == SUCCESS else 0
    told = {"card_ref": row["cardId"], "currency": row["currency"].lower(), "merchant": row["narrative"]}
    return {**told, "captured": captured, "refunded": purchases.refunded(desk, row)}


def told_as(desk: Desk, reference: str) -> tuple[str, Record] | None:
    """The table and the row that events name so: a purchase goes by its reference there."""
    row = _row(desk, reference)
    return None if row is None else (TRANSACTIONS, row)


def refund(desk: Desk, ref: str, amount: int) -> str:
    """The merchant gives back `amount` cents of a purchase, as often as it likes; the new row. The purchase must be there."""
    row = _row(desk, ref)
    assert row is not None
    return str(purchases.refund(_visit(desk), row, amount)["ref"])


def terminate(desk: Desk, card_ref: str) -> bool:
    """Ends a card as the bank does after too many declines; False where there is none."""
    card = _card(desk, card_ref)
    if card is None:
        return False
    cards.end(_visit(desk), card)
    return True


def delay_next(desk: Desk, times: int) -> None:
    """The next `times` fundings and withdrawals stay pending, for a minute or until `settle_pending`."""
    funding.delay_next(desk, times)


def settle_pending(desk: Desk) -> int:
    """Settles every funding and withdrawal that waits; how many."""
    return funding.settle_all(_visit(desk))


def send_otp(desk: Desk, card_ref: str) -> bool:
    """A one-time code for a purchase, told by webhook alone; False where this bank has no such card."""
    card = _card(desk, card_ref)
    if card is None:
        return False
    messages.one_time_code(_visit(desk), card)
    return True


def naira(
    desk: Desk, kind: str, card_ref: str, *, amount: str = "1500.00", fee: str = "0", merchant: str = "EXAMPLE SHOP"
) -> str:
    """An event of a Naira card, told by webhook alone; its reference. `kind` is one of `messages.NAIRA`, else BadInput; amounts
    are major units as text. No card of this bank is asked for: it keeps no Naira cards."""
    row = messages.naira(_visit(desk), kind, card_ref, amount, fee, merchant)
    return str(row["body"][kind])


def sign_webhooks(desk: Desk, on: bool) -> None:
    """Whether a gateway signs what is told from now on (UNCONFIRMED of Strowallet itself, which does not)."""
    desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_SIGNED, "1" if on else "0"))


def signs_webhooks(desk: Desk) -> bool:
    """Whether a gateway signs."""
    found = desk.db.execute("SELECT value FROM meta WHERE key = ?", (_SIGNED,)).fetchone()
    return bool(found) and found[0] == "1"


def _visit(desk: Desk) -> Desk:
    return Desk(desk.db, FACE, desk.now)


def _card(desk: Desk, ref: str) -> Record | None:
    found = select(desk, CARDS, "ref = ? AND deleted = 0", (ref,))
    return found[0] if found else None


def _row(desk: Desk, ref: str) -> Record | None:
    found = select(desk, TRANSACTIONS, "(ref = ? OR reference = ?) AND deleted = 0", (ref, ref))
    return found[0] if found else None
