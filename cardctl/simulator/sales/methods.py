"""What customers pay with in test mode: payment methods with names of their own, and how their banks answer.

Source: docs.stripe.com/testing. UNCONFIRMED: the last digits of some of them, and what is not a Visa card is declined as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from cardctl.simulator.issuing import BankRefuses

PENDING, FAILS = "pending", "fails"
"""How a refund to it goes: it waits for a while before it is done, or it is done and fails after a while."""


@dataclass(frozen=True, slots=True)
class Method:
    """`code` and `decline_code` where its bank says no; `refunds` is how refunds go that are not just done."""

    last4: str = "4242"
    brand: str | None = "visa"
    kind: str = "card"
    code: str | None = None
    decline_code: str | None = None
    refunds: str | None = None
    disputed: bool = False


CARD = Method()
DECLINED_CARD = Method("0002", code="card_declined", decline_code="generic_decline")
BANK_DEBIT = Method("6789", None, "us_bank_account")
"""Its bank answers days later."""

MESSAGES = {
    "card_declined": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "payment_intent_payment_attempt_failed": "The payment failed.",
}
"""By code; of `card_declined` there are more."""
_WHY = {"insufficient_funds": "Your card has insufficient funds."}

_DECLINES = {
    "": DECLINED_CARD,
    "InsufficientFunds": Method("9995", code="card_declined", decline_code="insufficient_funds"),
    "LostCard": Method("9987", code="card_declined", decline_code="lost_card"),
    "StolenCard": Method("9979", code="card_declined", decline_code="stolen_card"),
    "VelocityLimitExceeded": Method("6975", code="card_declined", decline_code="card_velocity_exceeded"),
    "ExpiredCard": Method("0069", code="expired_card"),
    "IncorrectCvc": Method("0127", code="incorrect_cvc"),
    "ProcessingError": Method("0119", code="processing_error"),
}
_METHODS = {
    "pm_card_visa": CARD,
    "pm_card_visa_debit": Method("5556"),
    "pm_card_mastercard": Method("4444", "mastercard"),
    "pm_card_amex": Method("8431", "amex"),
    "pm_card_discover": Method("9424", "discover"),
    "pm_card_bypassPending": Method("0077"),
    "pm_card_pendingRefund": Method("7726", refunds=PENDING),
    "pm_card_refundFail": Method("5126", refunds=FAILS),
    "pm_card_createDispute": Method("0259", disputed=True),
    "pm_usBankAccount": BANK_DEBIT,
    **{f"pm_card_chargeDeclined{name}": method for name, method in _DECLINES.items()},
    **{f"pm_card_visa_chargeDeclined{name}": method for name, method in _DECLINES.items()},
}


def method(name: str) -> Method:
    """BankRefuses one that test mode does not know."""
    if name not in _METHODS:
        raise BankRefuses(f"No such PaymentMethod: '{name}'", field="payment_method", code="resource_missing")
    return _METHODS[name]


def message(code: str, decline_code: str | None) -> str:
    """What a customer is told of a decline."""
    return _WHY.get(decline_code or "", MESSAGES[code])
