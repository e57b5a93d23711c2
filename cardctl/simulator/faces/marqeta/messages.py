"""The fields of every simulated card message, by hand; a test holds them against the official descriptions.

Left out on purpose, and refused as unknown: PINs, card data, cash back, network fees, virtual card numbers, inline webhooks.
"""

from __future__ import annotations

from cardctl.simulator.faces.marqeta.parameters import Group, Kind, Text, Whole
from cardctl.simulator.faces.marqeta.tables import AMOUNT, ANY_TOKEN, FLAG, LINE, TEXT, TOKEN, words

_OLD_ACCEPTOR = Group(
    {
        **dict.fromkeys(("country", "state", "phone", "url"), TEXT),
        "address": LINE,
        "city": Text(40),
        "mcc": Text(5),
        "name": Text(50),
        "zip": Text(10),
        "partial_approval_capable": FLAG,
    }
)
OLD_AUTHORIZATION = Group(
    {
        "card_token": TOKEN,
        "amount": AMOUNT,
        "mid": Text(50, least=1),
        "is_pre_auth": FLAG,
        "card_acceptor": _OLD_ACCEPTOR,
    },
    required=("amount", "card_token", "mid"),
)
OLD_CLEARING = Group(
    {
        "original_transaction_token": TOKEN,
        "amount": AMOUNT,
        "mid": Text(50, least=1),
        "card_acceptor": _OLD_ACCEPTOR,
        "force_post": FLAG,
        "is_refund": FLAG,
    },
    required=("amount", "original_transaction_token"),
)
OLD_REVERSAL = Group(
    {
        "original_transaction_token": TOKEN,
        "amount": AMOUNT,
        "is_advice": FLAG,
        "find_original_window_days": Whole(),
    },
    required=("amount", "original_transaction_token"),
)

_ACCEPTOR: dict[str, Kind] = {
    **dict.fromkeys(("address", "city"), TEXT),
    "country_code": Text(40),
    "mcc": Text(5),
    "mid": Text(15, least=2),
    "name": LINE,
    "postal_code": Text(10),
    "state": Text(2),
}
_EVENT: dict[str, Kind] = {
    "amount": AMOUNT,
    "currency_code": TEXT,
    "network": words("VISA MASTERCARD DISCOVER PULSE"),
    "card_acceptor": Group(_ACCEPTOR),
}
AUTHORIZATION_EVENT = Group(
    {
        **_EVENT,
        "card_token": ANY_TOKEN,
        "is_preauthorization": FLAG,
        "card_acceptor": Group(_ACCEPTOR, required=("mid",)),
    },
    required=("amount", "card_token"),
)
CLEARING_EVENT = Group(
    {**_EVENT, "card_token": ANY_TOKEN, "preceding_related_transaction_token": ANY_TOKEN, "force_post": FLAG},
    required=("amount",),
)
REVERSAL_EVENT = Group(
    {**_EVENT, "preceding_related_transaction_token": ANY_TOKEN}, required=("preceding_related_transaction_token",)
)
REFUND_EVENT = Group({**_EVENT, "card_token": ANY_TOKEN}, required=("amount", "card_token"))
