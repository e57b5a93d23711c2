"""What a notification may name, and only a reading of it tells; the objects themselves are in their own files."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What there is at a provider beside accounts, issued cards and their transactions: what a seller has of saved cards, what
    its customers bought, and what a supplier sold."""

    CUSTOMER = "customer"
    SAVED_CARD = "saved_card"
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    CHECKOUT = "checkout"
    SALE = "sale"
    SALE_REFUND = "sale_refund"
    PURCHASE = "purchase"


class Named(NamedTuple):
    """One object by the provider's name for it."""

    kind: Kind
    ref: str
