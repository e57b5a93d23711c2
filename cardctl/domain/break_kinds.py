"""The kinds of difference between our books and a provider's: how grave each is, why it happens, what to do, what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """`info` is worth knowing and wants nothing done: it makes no run unclean."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class BreakType(StrEnum):
    ACCOUNT_MISSING_HERE = "account_missing_here"
    ACCOUNT_MISSING_THERE = "account_missing_there"
    ACCOUNT_STATE = "account_state"
    ACCOUNT_KYC = "account_kyc"
    CARD_MISSING_HERE = "card_missing_here"
    CARD_MISSING_THERE = "card_missing_there"
    CARD_STATE = "card_state"
    CARD_LIMITS = "card_limits"
    CARD_CURRENCY = "card_currency"
    CARD_DETAILS = "card_details"
    REOPENED_CLOSED = "reopened_closed"
    BALANCE = "balance"
    TRANSACTION_MISSING_HERE = "transaction_missing_here"
    TRANSACTION_MISSING_THERE = "transaction_missing_there"
    TRANSACTION_AMOUNT = "transaction_amount"
    TRANSACTION_STATE = "transaction_state"
    TRANSACTION_DUPLICATE = "transaction_duplicate"
    TRANSACTION_ORPHAN = "transaction_orphan"
    OVER_CAPTURE = "over_capture"
    CAPTURE_WITHOUT_AUTHORIZATION = "capture_without_authorization"
    CAPTURE_AFTER_FREEZE = "capture_after_freeze"
    AUTHORIZATION_STALE = "authorization_stale"
    REFUND_WITHOUT_PURCHASE = "refund_without_purchase"
    REFUND_ABOVE_PURCHASE = "refund_above_purchase"
    DECLINED_THEN_SETTLED = "declined_then_settled"
    FUNDING_UNMATCHED = "funding_unmatched"
    EVENT_GAP = "event_gap"
    EVENT_FAILED = "event_failed"
    OPERATION_IN_DOUBT = "operation_in_doubt"
    FLOAT_LOW = "float_low"
    UNKNOWN_WORD = "unknown_word"
    SAVED_CARD_GONE = "saved_card_gone"
    SAVED_CARD_DISABLED = "saved_card_disabled"
    SAVED_CARD_ENABLED = "saved_card_enabled"
    SAVED_CARD_EXPIRED = "saved_card_expired"
    SAVED_CARD_RENEWED = "saved_card_renewed"
    PAYMENT_MISSING_HERE = "payment_missing_here"
    PAYMENT_MISSING_THERE = "payment_missing_there"
    PAYMENT_STATE = "payment_state"
    PAYMENT_AMOUNT = "payment_amount"
    HOLD_LAPSING = "hold_lapsing"
    REFUND_MISSING_HERE = "refund_missing_here"
    REFUND_MISSING_THERE = "refund_missing_there"
    REFUND_STATE = "refund_state"
    REFUND_AMOUNT = "refund_amount"
    ORDER_MISSING_HERE = "order_missing_here"
    ORDER_PAYMENT = "order_payment"
    ORDER_PAYMENT_MISSING = "order_payment_missing"
    ORDER_UNREFUNDED = "order_unrefunded"
    ORDER_REFUNDED_TWICE = "order_refunded_twice"
    ORDER_REFUNDED_DELIVERED = "order_refunded_delivered"
    ORDER_STUCK = "order_stuck"
    ORDER_UNDELIVERED = "order_undelivered"
    ORDER_OVERDUE = "order_overdue"
    PURCHASE_MISSING_HERE = "purchase_missing_here"
    PURCHASE_MISSING_THERE = "purchase_missing_there"
    PURCHASE_STATE = "purchase_state"
    PURCHASE_AMOUNT = "purchase_amount"
    PURCHASE_TWICE = "purchase_twice"
    LEDGER_ORPHAN = "ledger_orphan"
    TOPUP_UNMATCHED = "topup_unmatched"


class Remedy(StrEnum):
    """What mends a break: taking the provider's word (`take`), or another of cardctl's own doings, none of which moves money;
    `propose`: a person must act, and is told how."""

    TAKE = "take"
    BACKFILL = "backfill"
    REPLAY = "replay"
    RESUME = "resume"
    PROPOSE = "propose"


@dataclass(frozen=True, slots=True)
class Kind:
    """What a type of break means: how grave, why it happens, what to do, and how cardctl mends it."""

    severity: Severity
    cause: str
    fix: str
    remedy: Remedy = Remedy.TAKE


_T, _S, _R = BreakType, Severity, Remedy
_TAKEN = "take the provider's word into the books"
_RETRIED = "`cardctl esim retry`; `cardctl esim show` says what it waits for"
_CLAIM = "raise it with the provider, naming both objects; `cardctl break accept` once a dispute is under way"
KINDS: dict[BreakType, Kind] = {
    _T.ACCOUNT_MISSING_HERE: Kind(_S.WARNING, "it was made elsewhere, or its event never came", _TAKEN),
    _T.ACCOUNT_MISSING_THERE: Kind(
        _S.WARNING, "it was deleted at the provider, or belongs to another programme", "close its cards here", _R.PROPOSE
    ),
    _T.ACCOUNT_STATE: Kind(_S.WARNING, "it was changed at the provider, and the event never came", _TAKEN),
    _T.ACCOUNT_KYC: Kind(_S.WARNING, "the provider's check ended otherwise than the books know", _TAKEN),
    _T.CARD_MISSING_HERE: Kind(_S.CRITICAL, "it was issued elsewhere, or a creation's reply was lost", _TAKEN),
    _T.CARD_MISSING_THERE: Kind(
        _S.CRITICAL,
        "the provider has it no more, or it belongs to another programme",
        "read it by itself; close it here if gone",
    ),
    _T.CARD_STATE: Kind(_S.CRITICAL, "it was changed at the provider, and the event never came", _TAKEN),
    _T.CARD_LIMITS: Kind(_S.WARNING, "its limits were changed at the provider", _TAKEN),
    _T.CARD_CURRENCY: Kind(_S.CRITICAL, "the books were filled from another source", _TAKEN),
    _T.CARD_DETAILS: Kind(_S.WARNING, "the card was renewed, or renamed at the provider", _TAKEN),
    _T.REOPENED_CLOSED: Kind(
        _S.CRITICAL,
        "a card that was closed for good can be used again at the provider",
        "close it again (`cardctl card close`), or take the provider's word (`cardctl break resolve --fix`)",
        _R.PROPOSE,
    ),
    _T.BALANCE: Kind(_S.CRITICAL, "money was moved at the provider without a transaction that explains it", _TAKEN),
    _T.TRANSACTION_MISSING_HERE: Kind(_S.CRITICAL, "its event never came", _TAKEN),
    _T.TRANSACTION_MISSING_THERE: Kind(
        _S.CRITICAL,
        "it came from an event or a file that the provider does not stand by",
        "void it here: it then takes nothing",
    ),
    _T.TRANSACTION_AMOUNT: Kind(_S.CRITICAL, "a later event (a capture, an increment, a reversal) never came", _TAKEN),
    _T.TRANSACTION_STATE: Kind(_S.WARNING, "a later event never came", _TAKEN),
    _T.TRANSACTION_DUPLICATE: Kind(_S.CRITICAL, "the same thing is there twice", _CLAIM, _R.PROPOSE),
    _T.TRANSACTION_ORPHAN: Kind(_S.WARNING, "it is on a card that neither side lists", _CLAIM, _R.PROPOSE),
    _T.OVER_CAPTURE: Kind(
        _S.CRITICAL, "more was captured than was authorised, beyond what the trade may add", _CLAIM, _R.PROPOSE
    ),
    _T.CAPTURE_WITHOUT_AUTHORIZATION: Kind(_S.WARNING, "it names an authorization that neither side has", _CLAIM, _R.PROPOSE),
    _T.CAPTURE_AFTER_FREEZE: Kind(
        _S.INFO, "what was authorised before a freeze may be captured after it", "nothing", _R.PROPOSE
    ),
    _T.AUTHORIZATION_STALE: Kind(
        _S.WARNING,
        "the merchant neither captured nor released it within its trade's time",
        "ask the provider to release the hold",
        _R.PROPOSE,
    ),
    _T.REFUND_WITHOUT_PURCHASE: Kind(_S.WARNING, "no purchase on this card at this merchant explains it", _CLAIM, _R.PROPOSE),
    _T.REFUND_ABOVE_PURCHASE: Kind(_S.CRITICAL, "more was given back than was ever paid there", _CLAIM, _R.PROPOSE),
    _T.DECLINED_THEN_SETTLED: Kind(_S.CRITICAL, "what was declined was settled all the same", _CLAIM, _R.PROPOSE),
    _T.FUNDING_UNMATCHED: Kind(
        _S.CRITICAL, "one side has a funding or withdrawal that the other has not", "look at both histories", _R.PROPOSE
    ),
    _T.EVENT_GAP: Kind(
        _S.WARNING, "the receiver was not reachable, or the provider gave up", "`cardctl webhook backfill`", _R.BACKFILL
    ),
    _T.EVENT_FAILED: Kind(_S.WARNING, "an event could not be applied", "`cardctl webhook replay --failed`", _R.REPLAY),
    _T.OPERATION_IN_DOUBT: Kind(
        _S.CRITICAL, "a write was sent and its outcome is unknown", "`cardctl operation resume`", _R.RESUME
    ),
    _T.FLOAT_LOW: Kind(_S.CRITICAL, "the programme's own balance is nearly spent", "top it up at the provider", _R.PROPOSE),
    _T.UNKNOWN_WORD: Kind(
        _S.WARNING, "the provider uses a word that this cardctl does not know", "update cardctl, or tell its makers", _R.PROPOSE
    ),
    _T.SAVED_CARD_GONE: Kind(
        _S.WARNING,
        "the buyer or the seller has removed the card or its customer at the provider",
        "read it by itself; gone here, too, if it is; ask the buyer for a card (`cardctl saved-card add`)",
    ),
    _T.SAVED_CARD_DISABLED: Kind(
        _S.WARNING, "it was disabled at the provider, or its issuer has closed it", f"{_TAKEN}; ask the buyer for another card"
    ),
    _T.SAVED_CARD_ENABLED: Kind(_S.CRITICAL, "the books hold it for unusable, and the provider would still charge it", _TAKEN),
    _T.SAVED_CARD_EXPIRED: Kind(
        _S.WARNING, "its last month is over, which no event tells", "mark it; ask the buyer for another card"
    ),
    _T.SAVED_CARD_RENEWED: Kind(_S.WARNING, "its issuer has renewed it, and the event never came", _TAKEN),
    _T.PAYMENT_MISSING_HERE: Kind(_S.CRITICAL, "it was made elsewhere, or a reply and its events were lost", _TAKEN),
    _T.PAYMENT_MISSING_THERE: Kind(
        _S.CRITICAL,
        "it is another seller's or location's, or the books were filled from another source",
        "see that the profile names the right seller and location; look the payment up at the provider by its name",
        _R.PROPOSE,
    ),
    _T.PAYMENT_STATE: Kind(_S.WARNING, "it was captured, released or failed, and the event never came", _TAKEN),
    _T.PAYMENT_AMOUNT: Kind(_S.CRITICAL, "it was changed at the provider (amount, tip), and the event never came", _TAKEN),
    _T.HOLD_LAPSING: Kind(
        _S.WARNING,
        "a hold ends by itself soon, and nothing has captured it",
        "`cardctl saved-card capture` or `cancel`, or hold anew: `cardctl saved-card preauth --policy` renews what it knows",
        _R.PROPOSE,
    ),
    _T.REFUND_MISSING_HERE: Kind(_S.CRITICAL, "it was made elsewhere, or a reply and its events were lost", _TAKEN),
    _T.REFUND_MISSING_THERE: Kind(
        _S.CRITICAL,
        "the books say that money went back, and the provider has no such refund",
        "look at the payment at the provider; refund it anew (`cardctl saved-card refund`) where the buyer has nothing",
        _R.PROPOSE,
    ),
    _T.REFUND_STATE: Kind(_S.WARNING, "it ended otherwise than the books know", _TAKEN),
    _T.REFUND_AMOUNT: Kind(_S.CRITICAL, "the books were filled from another source", _TAKEN),
    _T.ORDER_MISSING_HERE: Kind(
        _S.CRITICAL, "a customer has paid for an order, and no event told of it", f"{_TAKEN}; then `cardctl esim retry`"
    ),
    _T.ORDER_PAYMENT: Kind(
        _S.CRITICAL, "the payment was changed or refunded at the provider, and the event never came", _TAKEN
    ),
    _T.ORDER_PAYMENT_MISSING: Kind(
        _S.CRITICAL,
        "its payment is another account's, or the books were filled from another source",
        "see that the profile names the right account; look the payment up at the provider by its name",
        _R.PROPOSE,
    ),
    _T.ORDER_UNREFUNDED: Kind(_S.CRITICAL, "nothing was bought, and the customer's money is still here", _RETRIED, _R.PROPOSE),
    _T.ORDER_REFUNDED_TWICE: Kind(
        _S.CRITICAL,
        "more went back than was paid: refunded twice, or refunded and disputed as well",
        "answer the dispute with the refund as evidence, or ask the customer for what was too much",
        _R.PROPOSE,
    ),
    _T.ORDER_REFUNDED_DELIVERED: Kind(
        _S.WARNING,
        "the eSIM was bought, and the customer has the money back",
        "ask the supplier for the money of the purchase back; `cardctl break accept` where it was meant so",
        _R.PROPOSE,
    ),
    _T.ORDER_STUCK: Kind(
        _S.CRITICAL, "a paid order is neither delivered nor refunded, and nothing goes on by itself", _RETRIED, _R.PROPOSE
    ),
    _T.ORDER_UNDELIVERED: Kind(
        _S.WARNING,
        "the eSIM is here, and its mail could not be sent",
        "`cardctl esim retry`: nothing is bought again",
        _R.PROPOSE,
    ),
    _T.ORDER_OVERDUE: Kind(
        _S.WARNING,
        "the supplier has worked on it for longer than the 24 hours that it may take",
        "ask the supplier, naming the purchase; nothing is refunded before it says FAILED",
        _R.PROPOSE,
    ),
    _T.PURCHASE_MISSING_HERE: Kind(
        _S.CRITICAL,
        "the supplier sold what no order of the books wanted",
        "look for who bought it; ask the supplier for its money back, or `cardctl break accept` what was meant",
        _R.PROPOSE,
    ),
    _T.PURCHASE_MISSING_THERE: Kind(
        _S.CRITICAL,
        "it is another account's at the supplier, or the books were filled from another source",
        "see that the profile names the right account; look the purchase up at the supplier by its name",
        _R.PROPOSE,
    ),
    _T.PURCHASE_STATE: Kind(
        _S.WARNING, "the supplier has ended it, and nobody has asked since", f"{_TAKEN}; then `cardctl esim retry`"
    ),
    _T.PURCHASE_AMOUNT: Kind(_S.CRITICAL, "the wallet was charged otherwise than the order was priced", _CLAIM, _R.PROPOSE),
    _T.PURCHASE_TWICE: Kind(
        _S.CRITICAL,
        "an order has a second purchase, and the first did not fail",
        "ask the supplier for the money of one of them back",
        _R.PROPOSE,
    ),
    _T.LEDGER_ORPHAN: Kind(_S.CRITICAL, "the wallet has paid for something that is no purchase", _CLAIM, _R.PROPOSE),
    _T.TOPUP_UNMATCHED: Kind(
        _S.CRITICAL,
        "what a card has paid and what came into the wallet are not the same",
        "look at the card's spending (`cardctl transaction list --card`) and at the wallet's ledger; claim what is missing",
        _R.PROPOSE,
    ),
}
"""Every type of break."""
