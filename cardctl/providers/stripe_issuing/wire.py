"""The JSON fields of Stripe that we use (SDK 16.1.0, API 2026-10-28.endive), any of which may be absent, and what drafts are
addressed to; importing it does not import the SDK."""

from __future__ import annotations

from typing import TypedDict
from urllib.parse import quote

CARDS = "/v1/issuing/cards"
CARDHOLDERS = "/v1/issuing/cardholders"
AUTHORIZATIONS = "/v1/issuing/authorizations"
TRANSACTIONS = "/v1/issuing/transactions"
SALES = "/v1/payment_intents"
CHECKOUTS = "/v1/checkout/sessions"
REFUNDS = "/v1/refunds"


def one_of(collection: str, ref: str) -> str:
    """The path of one object."""
    return f"{collection}/{quote(ref, safe='')}"


class StripeRequirements(TypedDict, total=False):
    disabled_reason: str | None
    past_due: list[str] | None


class StripeCardholder(TypedDict, total=False):
    id: str
    name: str
    email: str | None
    status: str
    created: int
    metadata: dict[str, str]
    requirements: StripeRequirements | None


class StripeSpendingLimit(TypedDict, total=False):
    """`amount` in minor units of the card's currency; without `categories` it counts every purchase."""

    amount: int
    interval: str
    categories: list[str] | None


class StripeSpendingControls(TypedDict, total=False):
    spending_limits: list[StripeSpendingLimit] | None


class StripeWallet(TypedDict, total=False):
    eligible: bool
    ineligible_reason: str | None


class StripeCard(TypedDict, total=False):
    """`number` and `cvc` come only by `expand`; `cardholder` is the whole object (SDK), an id is taken too."""

    id: str
    brand: str
    cancellation_reason: str | None
    cardholder: StripeCardholder | str
    created: int
    currency: str
    cvc: str | None
    exp_month: int
    exp_year: int
    last4: str
    metadata: dict[str, str]
    number: str | None
    replacement_for: str | None
    spending_controls: StripeSpendingControls | None
    status: str
    type: str
    wallets: dict[str, StripeWallet | str | None] | None


class StripeMerchant(TypedDict, total=False):
    name: str | None
    category: str | None
    category_code: str | None
    city: str | None
    country: str | None


class StripeAuthorizationRequest(TypedDict, total=False):
    amount: int
    approved: bool
    authorization_code: str | None
    reason: str


class StripeAuthorization(TypedDict, total=False):
    id: str
    amount: int
    approved: bool
    card: StripeCard | str
    created: int
    currency: str
    merchant_data: StripeMerchant
    pending_request: StripeAuthorizationRequest | None
    request_history: list[StripeAuthorizationRequest]
    status: str
    transactions: list[StripeTransaction]


class StripeNetworkData(TypedDict, total=False):
    authorization_code: str | None


class StripeTransaction(TypedDict, total=False):
    """`amount` is signed: negative takes from the balance."""

    id: str
    amount: int
    authorization: StripeAuthorization | str | None
    card: StripeCard | str
    created: int
    currency: str
    merchant_data: StripeMerchant
    network_data: StripeNetworkData | None
    type: str


class StripeAmount(TypedDict, total=False):
    amount: int
    currency: str


class StripeIssuingBalance(TypedDict, total=False):
    available: list[StripeAmount]


class StripeBalance(TypedDict, total=False):
    """`issuing` is absent on accounts without Issuing."""

    issuing: StripeIssuingBalance | None
    livemode: bool


class StripeDispute(TypedDict, total=False):
    """`transaction` is the disputed one."""

    id: str
    amount: int
    created: int
    currency: str
    status: str
    transaction: StripeTransaction | str | None


class StripeTopUp(TypedDict, total=False):
    id: str
    amount: int
    created: int
    currency: str
    status: str


class StripeBilling(TypedDict, total=False):
    email: str | None


class StripeCharge(TypedDict, total=False):
    """`amount_refunded` in the same units as the payment's amount; a refund that fails takes its part off again."""

    id: str
    amount_refunded: int
    billing_details: StripeBilling | None
    created: int
    disputed: bool
    payment_intent: StripeSale | str | None


class StripeSale(TypedDict, total=False):
    """A payment intent. `latest_charge` is the whole object only by `expand`; null until somebody tried to pay."""

    id: str
    amount: int
    amount_received: int
    created: int
    currency: str
    latest_charge: StripeCharge | str | None
    metadata: dict[str, str]
    receipt_email: str | None
    status: str


class StripeCheckout(TypedDict, total=False):
    """A checkout session. Its payment intent is null until the customer pays (docs.stripe.com/upgrades, 2022-08-01)."""

    id: str
    amount_total: int | None
    created: int
    currency: str | None
    customer_details: StripeBilling | None
    customer_email: str | None
    expires_at: int | None
    metadata: dict[str, str] | None
    mode: str
    payment_intent: StripeSale | str | None
    payment_status: str
    status: str | None
    url: str | None


class StripeRefund(TypedDict, total=False):
    id: str
    amount: int
    created: int
    currency: str
    failure_reason: str | None
    metadata: dict[str, str] | None
    payment_intent: StripeSale | str | None
    reason: str | None
    status: str | None
