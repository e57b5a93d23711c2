"""Saved cards and what was paid with them, for tests of the books; a test names only what matters to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cardctl.db.unit import Books
from cardctl.domain.payments import Dispute, Payment, PaymentKind, PaymentState, Refund, RefundState
from cardctl.domain.saved_cards import SavedCard, SavedCardState, saved_card_id
from tests.db.builders import NOW, usd

SELLER = "square/L_ACME"
OTHER_SELLER = "square/L_BOLT"
BUYER = "buyer@example.com"


def saved_card(person: str = BUYER, programme: str = SELLER, **fields: Any) -> SavedCard:
    given: dict[str, Any] = {
        "id": saved_card_id(programme, person),
        "provider": "square",
        "programme": programme,
        "environment": "simulator",
        "person": person,
        "state": SavedCardState.ACTIVE,
        "created_at": NOW,
        "updated_at": NOW,
        "synced_at": NOW,
        "email": person,
        "customer_ref": f"CUSTOMER_{person}_{programme}",
        "ref": f"ccof:{person}_{programme}",
        "brand": "visa",
        "last4": "5858",
        "exp_month": 11,
        "exp_year": 2029,
        "version": 7,
    }
    return SavedCard(**given | fields)


def payment(id: str = "pay_00000001", **fields: Any) -> Payment:  # noqa: A002
    given: dict[str, Any] = {
        "id": id,
        "ref": f"sq_{id}",
        "provider": "square",
        "programme": SELLER,
        "saved_card_id": saved_card_id(SELLER, BUYER),
        "invoice": "lot-7",
        "kind": PaymentKind.PREAUTH,
        "state": PaymentState.APPROVED,
        "amount": usd(5000),
        "tip": usd(0),
        "captured": usd(0),
        "refunded": usd(0),
        "expires_at": NOW + timedelta(days=7),
        "created_at": NOW,
        "updated_at": NOW,
        "told_at": NOW,
        "asked": usd(5000),
    }
    return Payment(**given | fields)


def refund(id: str = "rfd_00000001", **fields: Any) -> Refund:  # noqa: A002
    given: dict[str, Any] = {
        "id": id,
        "ref": f"sq_{id}",
        "provider": "square",
        "programme": SELLER,
        "payment_id": "pay_00000001",
        "invoice": "lot-7",
        "state": RefundState.PENDING,
        "amount": usd(1000),
        "reason": "broken",
        "created_at": NOW,
        "updated_at": NOW,
        "told_at": NOW,
    }
    return Refund(**given | fields)


def dispute(ref: str = "dts_1", **fields: Any) -> Dispute:
    given: dict[str, Any] = {
        "programme": SELLER,
        "ref": ref,
        "payment_ref": "sq_pay_00000001",
        "state": "evidence_required",
        "reason": "no_knowledge",
        "amount": usd(5000),
        "due_at": NOW + timedelta(days=14),
        "version": 1,
    }
    return Dispute(**given | fields)


def with_saved(books: Books, *cards: SavedCard) -> None:
    """Saved cards (one, unless they are named) in the books, each with the raw JSON `{"id": its ref}`."""
    with books.write() as unit:
        for card in cards or (saved_card(),):
            unit.saved_cards.put(card, raw={"id": card.ref})
