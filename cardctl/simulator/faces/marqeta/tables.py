"""The fields of every body but a simulation's, by hand; a test holds them against the official description.

Left out on purpose, and refused as unknown: businesses, account templates and groups of categories; fees; addresses of a
funding source; bulk orders and shipping; settings of a card product that decide nothing here.
"""

from __future__ import annotations

from cardctl.simulator.faces.marqeta.parameters import Amount, Each, Flag, Group, Kind, Metadata, OneOf, Text, Whole


def words(text: str) -> OneOf:
    return OneOf(frozenset(text.split()))


TEXT, FLAG, AMOUNT, METADATA = Text(), Flag(), Amount(), Metadata()
TOKEN = Text(36, least=1)
ANY_TOKEN = Text(36)
LINE = Text(255)
REASON_CODE = OneOf(frozenset({*(f"{code:02d}" for code in range(33)), "86"}))
CHANNEL = words("API IVR FRAUD ADMIN SYSTEM")
USER_STATUS = words("UNVERIFIED LIMITED ACTIVE SUSPENDED CLOSED TERMINATED")
CARD_STATE = words("ACTIVE LIMITED SUSPENDED TERMINATED")
UNIT = words("YEARS MONTHS DAYS HOURS MINUTES SECONDS")
INSTRUMENT = words("PHYSICAL_MSR PHYSICAL_ICC PHYSICAL_CONTACTLESS PHYSICAL_COMBO VIRTUAL_PAN")
DEVICE = words("MOBILE_PHONE WATCH TABLET WEARABLE_DEVICE HOUSEHOLD_DEVICE AUTOMOBILE_DEVICE")

PING = Group({"token": TEXT, "payload": TEXT})

IDENTIFICATION = Group(
    {
        "type": words(
            "SSN TIN SIN NIN PASSPORT_NUMBER DRIVERS_LICENSE BUSINESS_NUMBER BUSINESS_TAX_ID TAXPAYER_REFERENCE",
        ),
        "value": TEXT,
        "expiration_date": TEXT,
        "issuing_country": TEXT,
    },
    required=("type",),
)
_USER: dict[str, Kind] = {
    **dict.fromkeys(("address1", "address2", "birth_place", "company", "id_card_number", "nationality", "notes"), LINE),
    **dict.fromkeys(("title", "password"), LINE),
    **dict.fromkeys(("city", "country", "first_name", "last_name", "middle_name", "passport_number"), Text(40)),
    **dict.fromkeys(("birth_date", "id_card_expiration_date", "passport_expiration_date", "ssn"), TEXT),
    "account_holder_group_token": ANY_TOKEN,
    "corporate_card_holder": FLAG,
    "email": Text(255, least=1),
    "gender": words("F M"),
    "honorific": Text(10),
    "identifications": Each(IDENTIFICATION),
    "ip_address": Text(39),
    "metadata": METADATA,
    "parent_token": TOKEN,
    "phone": Text(16),
    "postal_code": Text(10),
    "state": Text(32),
    "token": TOKEN,
    "uses_parent_account": FLAG,
}
USER_CREATE = Group({**_USER, "active": FLAG})
USER_UPDATE = Group(_USER)
USER_LOOKUP = Group(
    {"dda": TEXT, "email": Text(255, least=1), "first_name": Text(40), "last_name": Text(40), "phone": LINE, "ssn": TEXT}
)
USER_TRANSITION = Group(
    {
        "token": TEXT,
        "user_token": TEXT,
        "status": USER_STATUS,
        "channel": CHANNEL,
        "reason_code": REASON_CODE,
        "reason": LINE,
    },
    required=("channel", "reason_code", "status", "user_token"),
)
KYC = Group(
    {"token": TOKEN, "user_token": TOKEN, "manual_override": FLAG, "notes": LINE, "reference_id": Text(32)},
    required=("user_token",),  # the other choice, a business, is none here
)

_PERSONALIZATION = Group(
    {"text": Group({f"name_line_{line}": Group({"value": TEXT}) for line in (1, 2, 3)}, required=("name_line_1",))},
    required=("text",),
)
_FULFILLMENT = Group(
    {"card_fulfillment_reason": words("NEW LOST_STOLEN EXPIRED"), "card_personalization": _PERSONALIZATION},
    required=("card_personalization",),
)
OFFSET = Group({"unit": UNIT, "value": Whole(0, 2**31 - 1)})
PRODUCT_CONFIG = Group(
    {
        "fulfillment": Group(
            {
                "payment_instrument": INSTRUMENT,
                "allow_card_creation": FLAG,
                # required by the description, though many a product was made without: what it lacks is filled in
                "card_personalization": _PERSONALIZATION,
                "bin_prefix": TEXT,
                "package_id": Text(50, least=1),
                "uppercase_name_lines": FLAG,
                "bulk_ship": FLAG,
            }
        ),
        "card_life_cycle": Group(
            {
                "activate_upon_issue": FLAG,
                "card_service_code": Whole(),
                "expiration_offset": OFFSET,
                "reloadability": words("SINGLE_USE_VIRTUAL NON_RELOADABLE RELOADABLE"),
                "update_expiration_upon_activation": FLAG,
            }
        ),
        "poi": Group({"ecommerce": FLAG, "atm": FLAG}),
        "transaction_controls": Group(
            {"allow_gpa_auth": FLAG, "accepted_countries_token": LINE, "ignore_card_suspended_state": FLAG}
        ),
    }
)
PRODUCT_CREATE = Group(
    {
        "token": TOKEN,
        "name": Text(40, least=1),
        "active": FLAG,
        "start_date": TEXT,
        "end_date": TEXT,
        "config": PRODUCT_CONFIG,
    },
    required=("name", "start_date"),
)

CARD_CREATE = Group(
    {
        "token": TOKEN,
        "user_token": TOKEN,
        "card_product_token": TOKEN,
        "metadata": METADATA,
        "expedite": FLAG,
        "expiration_offset": OFFSET,
        "fulfillment": _FULFILLMENT,
        "activation_actions": Group(
            {"swap_digital_wallet_tokens_from_card_token": TOKEN, "terminate_reissued_source_card": FLAG},
        ),
        "new_pan_from_card_token": ANY_TOKEN,
        "reissue_pan_from_card_token": ANY_TOKEN,
    },
    required=("card_product_token", "user_token"),
)
CARD_UPDATE = Group(
    {"token": TOKEN, "user_token": TOKEN, "metadata": METADATA, "expedite": FLAG, "fulfillment": _FULFILLMENT},
    required=("token",),
)
CARD_TRANSITION = Group(
    {
        "token": TOKEN,
        "card_token": TOKEN,
        "state": CARD_STATE,
        "channel": CHANNEL,
        "reason": LINE,
        "reason_code": REASON_CODE,
        "sync_state_with_dwts": FLAG,
        "validations": Group(
            {
                "user": Group(
                    {"birth_date": TEXT, "phone": LINE, "ssn": LINE, "random_name_line1_postfix": Text(6, least=6)},
                )
            }
        ),
    },
    required=("card_token", "channel", "state"),
)

_CONTROL: dict[str, Kind] = {
    **dict.fromkeys(("active", "approvals_only", "include_cashback", "include_credits"), FLAG),
    **dict.fromkeys(("include_purchases", "include_transfers", "include_withdrawals"), FLAG),
    "token": TOKEN,
    "name": LINE,
    "amount_limit": AMOUNT,
    "currency_code": TEXT,
    "usage_limit": Whole(-1, 2**31 - 1),
    "association": Group({"user_token": TOKEN, "card_product_token": TOKEN}),
    "merchant_scope": Group({"mcc": Text(4, least=1), "mid": TOKEN}),
    # An update's enum has QUARTER and YEAR too, which no answer may have: they are refused here.
    "velocity_window": words("DAY WEEK MONTH LIFETIME TRANSACTION"),
}
CONTROL_CREATE = Group(_CONTROL, required=("amount_limit", "currency_code", "velocity_window"))
CONTROL_UPDATE = Group(_CONTROL, required=("token",), emptied=("association",))

SOURCE_CREATE = Group({"token": TOKEN, "name": Text(50, least=1), "active": FLAG}, required=("name",))
ORDER_CREATE = Group(
    {
        "token": TOKEN,
        "user_token": TOKEN,
        "amount": AMOUNT,
        "currency_code": TEXT,
        "funding_source_token": TOKEN,
        "memo": Text(99, least=1),
        "tags": Text(255, least=1),
    },
    required=("amount", "currency_code", "funding_source_token", "user_token"),  # a business's GPA is none here
)
UNLOAD_CREATE = Group(
    {"token": TOKEN, "original_order_token": TOKEN, "amount": AMOUNT, "memo": Text(99), "tags": LINE},
    required=("amount", "original_order_token"),
)

APPLE_PAY = Group(
    {
        "card_token": TOKEN,
        "device_type": DEVICE,
        "provisioning_app_version": Text(50, least=1),
        "certificates": Each(TEXT),
        "nonce": TEXT,
        "nonce_signature": TEXT,
    },
    required=("card_token", "certificates", "device_type", "nonce", "nonce_signature", "provisioning_app_version"),
)
GOOGLE_PAY = Group(
    {
        "card_token": TOKEN,
        "device_type": DEVICE,
        "provisioning_app_version": Text(50, least=1),
        "device_id": Text(24, least=1),
        "wallet_account_id": Text(50, least=1),
    },
    required=("card_token", "device_id", "device_type", "provisioning_app_version", "wallet_account_id"),
)

_WEBHOOK: dict[str, Kind] = {
    "name": Text(64, least=1),
    "active": FLAG,
    "events": Each(TEXT),
    "config": Group(
        {
            "url": Text(255, least=1),
            "basic_auth_username": Text(50, least=1),
            "basic_auth_password": Text(50, least=20),
            "secret": Text(50, least=20),
            "signature_algorithm": Text(20, least=1),
            "custom_header": METADATA,
            "use_mtls": FLAG,
        },
        required=("basic_auth_password", "basic_auth_username", "url"),
    ),
}
_NEEDED = ("config", "events", "name")
WEBHOOK_CREATE = Group({**_WEBHOOK, "token": TOKEN}, required=_NEEDED)
WEBHOOK_UPDATE = Group(_WEBHOOK, required=_NEEDED)
WEBHOOK_HEADERS = Group({"custom_header": METADATA})
