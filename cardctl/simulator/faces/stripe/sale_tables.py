"""The parameters of customers' payments, by hand; a test holds them against the official description.

Left out on purpose, and refused as unknown: Connect, customers, saved payment methods, other ways to pay than the dashboard's,
shipping, taxes, discounts, subscriptions, pages that are not Stripe's own, capturing by hand.
"""

from __future__ import annotations

from cardctl.simulator.faces.stripe.parameters import Currency, Each, Flag, Group, Kind, OneOf, Text, Whole
from cardctl.simulator.faces.stripe.tables import EXPAND, INTEGER, METADATA, TEXT, UNSETTABLE, listing

URL = Text()


def _words(text: str) -> OneOf:
    return OneOf(frozenset(text.split()))


_DESCRIBED: dict[str, Kind] = dict.fromkeys(("statement_descriptor", "statement_descriptor_suffix", "transfer_group"), TEXT)
_INTENT: dict[str, Kind] = {**_DESCRIBED, "description": TEXT, "expand": EXPAND, "metadata": METADATA}
_CONFIRM: dict[str, Kind] = {
    "error_on_requires_action": Flag(),
    "expand": EXPAND,
    "payment_method": TEXT,
    "return_url": URL,
}
INTENT_CREATE = Group(
    {
        **_INTENT,
        **_CONFIRM,
        "amount": INTEGER,
        "automatic_payment_methods": Group(
            {"allow_redirects": _words("always never"), "enabled": Flag()}, required=("enabled",)
        ),
        "confirm": Flag(),
        "confirmation_method": _words("automatic manual"),
        "currency": Currency(),
        "receipt_email": TEXT,
    },
    required=("amount", "currency"),
)
INTENT_UPDATE = Group({**_INTENT, "amount": INTEGER, "currency": Currency(), "receipt_email": UNSETTABLE})
INTENT_CONFIRM = Group(_CONFIRM)
INTENT_CANCEL = Group({"cancellation_reason": _words("abandoned duplicate fraudulent requested_by_customer"), "expand": EXPAND})
INTENT_RETRIEVE = Group({"client_secret": TEXT, "expand": EXPAND})
INTENT_LIST = listing()

CHARGE_LIST = listing(payment_intent=TEXT, transfer_group=TEXT)

_LOCALES = """auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro
    ru sk sl sv th tr vi zh zh-HK zh-TW"""
_PRODUCT = Group(
    {"description": TEXT, "images": Each(TEXT), "metadata": METADATA, "name": TEXT, "tax_code": TEXT, "unit_label": TEXT},
    required=("name",),
)
_PRICE = Group({"currency": Currency(), "product_data": _PRODUCT, "unit_amount": Whole(least=0)}, required=("currency",))
CHECKOUT_CREATE = Group(
    {
        "cancel_url": URL,
        "client_reference_id": TEXT,
        "customer_creation": _words("always if_required"),
        "customer_email": TEXT,
        "expand": EXPAND,
        "expires_at": INTEGER,
        "line_items": Each(Group({"metadata": METADATA, "price_data": _PRICE, "quantity": Whole(least=1)})),
        "locale": _words(_LOCALES),
        "metadata": METADATA,
        "mode": _words("payment setup subscription"),
        "payment_intent_data": Group({**_DESCRIBED, "description": TEXT, "metadata": METADATA, "receipt_email": TEXT}),
        "submit_type": _words("auto book donate pay subscribe"),
        "success_url": URL,
    }
)
CHECKOUT_LIST = listing(
    customer_details=Group({"email": TEXT}, required=("email",)),
    payment_intent=TEXT,
    status=_words("complete expired open"),
)
LINE_ITEMS = Group({"limit": Whole(1, 100), "starting_after": TEXT, "ending_before": TEXT, "expand": EXPAND})

REFUND_CREATE = Group(
    {
        "amount": INTEGER,
        "charge": TEXT,
        "expand": EXPAND,
        "instructions_email": TEXT,
        "metadata": METADATA,
        "payment_intent": TEXT,
        "reason": _words("duplicate fraudulent requested_by_customer"),
    }
)
REFUND_LIST = listing(charge=TEXT, payment_intent=TEXT)
