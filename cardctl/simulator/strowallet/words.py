"""The words of this bank: its three worlds, its statuses, and its no; no rules."""

from __future__ import annotations

VIRTUAL = "strowallet"
NFC = "ziiropay"
OLD_NFC = "strowallet-nfc"
"""Worlds: a customer or card of one is unknown to the others (the fact sheet: cards of ziiropay.com are to strowallet.com)."""

PENDING, SUCCESS, FAILED = "pending", "success", "failed"
"""What becomes of a transaction."""

ACTIVE, FROZEN, TERMINATED = "active", "frozen", "terminated"
HALTED = (FROZEN, "inactive", "blocked")
"""Card statuses that an unfreeze ends; the bank itself makes only frozen ones, the others can be set by its staff."""

KYC = {
    VIRTUAL: {"verified": "high kyc", "pending": "unreview kyc", "rejected": "rejected"},
    NFC: {"verified": "approved", "pending": "pending", "rejected": "rejected"},
    OLD_NFC: {"verified": "approved", "pending": "pending", "rejected": "rejected"},
}
"""A customer's status by world and by what it means."""

USABLE = ("high kyc", "low kyc", "verified", "approved")
"""Customer statuses, in lower case, that a card can be made for."""


class Refused(Exception):
    """The bank's no, in its own words; nothing was done."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
