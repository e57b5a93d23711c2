"""The parameters of every endpoint, by hand; a test holds them against the official description.

Left out on purpose, and refused as unknown: fleet and fuel data, risk assessments, itemised purchase details.
"""

from __future__ import annotations

from cardctl.simulator import categories
from cardctl.simulator.faces.stripe.parameters import (
    Currency,
    Each,
    Flag,
    Group,
    Kind,
    Metadata,
    Moment,
    OneOf,
    OrNothing,
    Text,
    Whole,
    Word,
)


def _words(text: str) -> OneOf:
    return OneOf(frozenset(text.split()))


TEXT, UNSETTABLE, INTEGER, FLAG, METADATA = Text(), Text(unsets=True), Whole(), Flag(), Metadata()
EXPAND = Each(TEXT)
CATEGORY = OneOf(categories.CONTROLLED)
INTERVAL = _words("per_authorization daily weekly monthly yearly all_time")
PRESENCE = _words("present not_present")
CHECK = _words("match mismatch not_provided")

ADDRESS = Group(
    {"line1": TEXT, "line2": UNSETTABLE, "city": TEXT, "state": UNSETTABLE, "postal_code": TEXT, "country": TEXT},
    required=("line1", "city", "postal_code", "country"),
)
_CONTROLS: dict[str, Kind] = {
    "allowed_categories": Each(CATEGORY),
    "blocked_categories": Each(CATEGORY),
    "allowed_merchant_countries": Each(TEXT),
    "blocked_merchant_countries": Each(TEXT),
    "allowed_card_presences": Each(PRESENCE),
    "blocked_card_presences": Each(PRESENCE),
    "spending_limits": Each(
        Group({"amount": Whole(least=0), "interval": INTERVAL, "categories": Each(CATEGORY)}, required=("amount", "interval"))
    ),
}
CARD_CONTROLS = Group(_CONTROLS)
HOLDER_CONTROLS = Group({**_CONTROLS, "spending_limits_currency": Currency()})
INDIVIDUAL = Group(
    {
        "first_name": TEXT,
        "last_name": TEXT,
        "dob": Group(
            {"day": Whole(1, 31), "month": Whole(1, 12), "year": Whole(1900, 2100)}, required=("day", "month", "year")
        ),
        "card_issuing": Group({"user_terms_acceptance": Group({"date": INTEGER, "ip": TEXT, "user_agent": UNSETTABLE})}),
        "verification": Group({"document": Group({"front": TEXT, "back": TEXT})}),
    }
)
SHIPPING = Group(
    {
        "address": ADDRESS,
        "address_validation": Group(
            {"mode": _words("disabled normalization_only validation_and_normalization")}, required=("mode",)
        ),
        "business_name": TEXT,
        "customs": Group({"eori_number": TEXT}),
        "name": TEXT,
        "phone_number": TEXT,
        "require_signature": FLAG,
        "service": _words("express priority standard"),
        "type": _words("bulk individual"),
    },
    required=("address", "name"),
)
_MERCHANT: dict[str, Kind] = {"category": OneOf(frozenset(categories.CODES))}
_MERCHANT |= dict.fromkeys(("city", "country", "name", "network_id", "postal_code", "state", "terminal_id", "url"), TEXT)
MERCHANT_DATA = Group(_MERCHANT)
VERIFICATION_DATA = Group(
    {
        "address_line1_check": CHECK,
        "address_postal_code_check": CHECK,
        "authentication_exemption": Group(
            {
                "claimed_by": _words("acquirer issuer"),
                "type": _words("low_value_transaction transaction_risk_analysis unknown"),
            },
            required=("claimed_by", "type"),
        ),
        "cvc_check": CHECK,
        "expiry_check": CHECK,
        "three_d_secure": Group({"result": _words("attempt_acknowledged authenticated failed required")}, required=("result",)),
    }
)

NOTHING = Group({})
ONLY_EXPAND = Group({"expand": EXPAND})
ONLY_METADATA = Group({"expand": EXPAND, "metadata": METADATA})


def listing(**filters: Kind) -> Group:
    """What every list takes, beside its own filters."""
    paging: dict[str, Kind] = {"limit": Whole(1, 100), "starting_after": TEXT, "ending_before": TEXT, "expand": EXPAND}
    return Group({**filters, "created": Moment(), **paging})


_HOLDER: dict[str, Kind] = {
    "billing": Group({"address": ADDRESS}, required=("address",)),
    "company": Group({"tax_id": TEXT}),
    "email": UNSETTABLE,
    "expand": EXPAND,
    "individual": INDIVIDUAL,
    "metadata": METADATA,
    "phone_number": UNSETTABLE,
    "preferred_locales": Each(_words("de en es fr it")),
    "spending_controls": HOLDER_CONTROLS,
    "status": _words("active inactive"),
}
_CARD: dict[str, Kind] = {
    "expand": EXPAND,
    "financial_account": TEXT,
    "metadata": METADATA,
    "personalization_design": TEXT,
    "pin": Group({"encrypted_number": TEXT}),
    "shipping": SHIPPING,
    "spending_controls": CARD_CONTROLS,
}
HOLDER_TYPE, CARD_TYPE = _words("individual company"), _words("virtual physical")

HOLDER_CREATE = Group({**_HOLDER, "name": TEXT, "type": HOLDER_TYPE}, required=("name", "billing"))
HOLDER_UPDATE = Group(_HOLDER)
HOLDER_LIST = listing(email=TEXT, phone_number=TEXT, status=_words("active inactive blocked"), type=HOLDER_TYPE)

CARD_CREATE = Group(
    {
        **_CARD,
        "cardholder": TEXT,
        "currency": Currency(),
        "exp_month": INTEGER,
        "exp_year": INTEGER,
        "lifecycle_controls": Group(
            {"cancel_after": Group({"payment_count": Whole(least=1)}, required=("payment_count",))}, required=("cancel_after",)
        ),
        "replacement_for": TEXT,
        "replacement_reason": _words("damaged expired lost stolen"),
        "second_line": UNSETTABLE,
        "status": _words("active inactive"),
        "type": CARD_TYPE,
    },
    # UNCONFIRMED: the SDK's types leave `cardholder` out of what is required; no card without one has been seen.
    required=("cardholder", "currency", "type"),
)
CARD_UPDATE = Group({**_CARD, "cancellation_reason": _words("lost stolen"), "status": _words("active inactive canceled")})
CARD_LIST = listing(
    cardholder=TEXT,
    exp_month=INTEGER,
    exp_year=INTEGER,
    last4=TEXT,
    personalization_design=TEXT,
    status=_words("active inactive canceled"),
    type=CARD_TYPE,
)

AUTHORIZATION_LIST = listing(card=TEXT, cardholder=TEXT, status=_words("pending closed reversed expired"))
TRANSACTION_LIST = listing(card=TEXT, cardholder=TEXT, type=_words("capture refund"))

TOPUP_CREATE = Group(
    {
        "amount": INTEGER,
        "currency": Currency(),
        "description": TEXT,
        "destination_balance": _words("issuing payments"),  # documented, though not in the published description
        "expand": EXPAND,
        "metadata": METADATA,
        "payment_method": TEXT,
        "source": TEXT,
        "statement_descriptor": TEXT,
        "transfer_group": TEXT,
    },
    required=("amount", "currency"),
)

AUTHORIZATION_CREATE = Group(
    {
        "amount": INTEGER,
        "amount_details": Group({"atm_fee": INTEGER, "cashback_amount": INTEGER}),
        "authorization_method": _words("chip contactless keyed_in online swipe"),
        "card": TEXT,
        "currency": Currency(),
        "expand": EXPAND,
        "is_amount_controllable": FLAG,
        "merchant_amount": INTEGER,
        "merchant_currency": Currency(),
        "merchant_data": MERCHANT_DATA,
        "network_data": Group({"acquiring_institution_id": TEXT}),
        "verification_data": VERIFICATION_DATA,
        "wallet": _words("apple_pay google_pay samsung_pay"),
    },
    required=("card",),
)
CAPTURE = Group({"capture_amount": INTEGER, "close_authorization": FLAG, "expand": EXPAND})
REVERSE = Group({"reverse_amount": INTEGER, "expand": EXPAND})
INCREMENT = Group(
    {"increment_amount": INTEGER, "is_amount_controllable": FLAG, "expand": EXPAND}, required=("increment_amount",)
)
LOOSE_TRANSACTION = Group(
    {"amount": INTEGER, "card": TEXT, "currency": Currency(), "expand": EXPAND, "merchant_data": MERCHANT_DATA},
    required=("amount", "card"),
)
REFUND = Group({"refund_amount": INTEGER, "expand": EXPAND})

_FILE, _WHEN = UNSETTABLE, OrNothing(INTEGER)
_PRODUCT: dict[str, Kind] = {"product_description": UNSETTABLE, "product_type": OrNothing(_words("merchandise service"))}
_RETURN: dict[str, Kind] = {"return_status": OrNothing(_words("merchant_rejected successful")), "returned_at": _WHEN}
_EVIDENCE: dict[str, dict[str, Kind]] = {
    "canceled": {
        "canceled_at": _WHEN,
        "cancellation_policy_provided": OrNothing(FLAG),
        "cancellation_reason": UNSETTABLE,
        "expected_at": _WHEN,
        **_PRODUCT,
        **_RETURN,
    },
    "duplicate": {"card_statement": _FILE, "cash_receipt": _FILE, "check_image": _FILE, "original_transaction": TEXT},
    "fraudulent": {},
    "merchandise_not_as_described": {"received_at": _WHEN, "return_description": UNSETTABLE, **_RETURN},
    "no_valid_authorization": {},
    "not_received": {"expected_at": _WHEN, **_PRODUCT},
    "other": {**_PRODUCT},
    "service_not_as_described": {"canceled_at": _WHEN, "cancellation_reason": UNSETTABLE, "received_at": _WHEN},
}
EVIDENCE = Group(
    {
        "reason": OneOf(frozenset(_EVIDENCE)),
        **{
            reason: OrNothing(Group({"additional_documentation": _FILE, "explanation": UNSETTABLE, **more}))
            for reason, more in _EVIDENCE.items()
        },
    }
)
DISPUTE_UPDATE = Group({"amount": INTEGER, "evidence": EVIDENCE, "expand": EXPAND, "metadata": METADATA})
DISPUTE_CREATE = Group({**DISPUTE_UPDATE.known, "transaction": TEXT})
DISPUTE_LIST = listing(status=_words("expired lost submitted unsubmitted won"), transaction=TEXT)

EVENT_LIST = listing(delivery_success=FLAG, type=TEXT, types=Each(TEXT))
EVENT_RETRY = Group({"account": TEXT, "expand": EXPAND, "for_stripecli": FLAG, "webhook_endpoint": TEXT})

_ENDPOINT: dict[str, Kind] = {
    "description": UNSETTABLE,
    "enabled_events": Each(Word()),
    "expand": EXPAND,
    "metadata": METADATA,
    "url": TEXT,
}
ENDPOINT_CREATE = Group({**_ENDPOINT, "api_version": Word(), "connect": FLAG}, required=("enabled_events", "url"))
ENDPOINT_UPDATE = Group({**_ENDPOINT, "disabled": FLAG})
ENDPOINT_LIST = Group({"limit": Whole(1, 100), "starting_after": TEXT, "ending_before": TEXT, "expand": EXPAND})
