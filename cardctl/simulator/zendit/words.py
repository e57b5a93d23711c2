"""Zendit's words for states and products, and its codes for a no; who says no, and when, is elsewhere."""

from __future__ import annotations

FACE = "zendit"

ACCEPTED, PENDING, AUTHORIZED, IN_PROGRESS, DONE, FAILED = (
    "ACCEPTED",
    "PENDING",
    "AUTHORIZED",
    "IN_PROGRESS",
    "DONE",
    "FAILED",
)
STATUSES = (ACCEPTED, PENDING, AUTHORIZED, IN_PROGRESS, DONE, FAILED)
ENDED = (DONE, FAILED)

DEBIT, CREDIT = "DEBIT", "CREDIT"
ESIM, RECHARGE, REFUND = "ESIM", "WALLET_RECHARGE", "REFUND"
OLD_RECHARGE = "RECHARGE_SANDBOX"
PRODUCTS = ("TOPUP", ESIM, "VOUCHER", "BILL_PAY", RECHARGE, REFUND, "BULK_CHECKOUT", OLD_RECHARGE, "RECHARGE_WITH_CREDIT_CARD")
"""The last two are names that older pages have."""

REGIONS = (
    "Global",
    "Africa",
    "Asia",
    "Caribbean",
    "Central America",
    "Eastern Europe",
    "Western Europe",
    "North America",
    "Oceania",
    "South America",
    "South Asia",
    "Southeast Asia",
    "Middle East and North Africa",
)

INVALID, NOT_FOUND, DUPLICATE = "INVALID_REQUEST", "NOT_FOUND", "DUPLICATE"
INSUFFICIENT_FUNDS, PROVIDER_ERROR = "INSUFFICIENT_FUNDS", "PROVIDER_ERROR"
_STATUS = {
    "NOT_AUTHORIZED": 401,
    "FORBIDDEN": 403,
    NOT_FOUND: 404,
    "METHOD_NOT_ALLOWED": 405,
    "TOO_MANY_REQUESTS": 429,
    "SYSTEM_ERROR": 500,
    "SYSTEM_UNAVAILABLE": 503,
}

REASONS = {
    INSUFFICIENT_FUNDS: "The wallet has not enough funds for this transaction.",
    PROVIDER_ERROR: "The provider could not complete the transaction.",
}
"""What a transaction that failed says beside its code."""


class Refused(Exception):
    """Zendit's no. `fields`: name on the wire → what is wrong with it. UNCONFIRMED: the status of INVALID_REQUEST (here
    400)."""

    def __init__(self, code: str, message: str, fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields or {}

    @property
    def status(self) -> int:
        return _STATUS.get(self.code, 400)


def invalid(name: str, problem: str) -> Refused:
    """One field, or one parameter of the query, is wrong."""
    return Refused(INVALID, f"{name}: {problem}", {name: problem})


def missing(noun: str, ref: str) -> Refused:
    """There is nothing that is called so. UNCONFIRMED: the words."""
    return Refused(NOT_FOUND, f"{noun} {ref} was not found.")
