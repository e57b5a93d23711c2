"""The tables of Marqeta's side of the far side's file; no behaviour.

Columns are called as on the wire, but for `ref` (the token), `created` and `modified` (created_time, last_modified_time);
amounts are integers of minor units, times Unix seconds.
"""

from __future__ import annotations

LISTED: tuple[str, ...] = (
    "marqeta_users",
    "marqeta_cards",
    "marqeta_products",
    "marqeta_velocity_controls",
    "marqeta_funding_sources",
    "marqeta_orders",
    "marqeta_unloads",
    "marqeta_transactions",
    "marqeta_card_transitions",
    "marqeta_user_transitions",
    "marqeta_kyc",
)
"""Tables of objects that have a `ref`, a `created` and a place in a list."""

TOLD: tuple[str, ...] = (
    "marqeta_chargebacks",
    "marqeta_chargeback_transitions",
    "marqeta_wallet_tokens",
    "marqeta_wallet_token_transitions",
    "marqeta_webhooks",
)
"""The same, of a file that webhooks came to."""

TABLES: tuple[str, ...] = (*LISTED, *TOLD)
"""Every table, to be emptied by a reset."""

JSON_COLUMNS: dict[str, tuple[str, ...]] = {
    "marqeta_users": ("identifications", "metadata"),
    "marqeta_cards": ("fulfillment", "activation_actions", "metadata"),
    "marqeta_products": ("config",),
    "marqeta_velocity_controls": ("merchant_scope",),
    "marqeta_funding_sources": (),
    "marqeta_orders": ("response",),
    "marqeta_unloads": ("response",),
    "marqeta_transactions": ("response", "gpa", "card_acceptor"),
    "marqeta_card_transitions": ("card",),
    "marqeta_user_transitions": ("metadata",),
    "marqeta_kyc": ("result",),
    "marqeta_chargebacks": (),
    "marqeta_chargeback_transitions": (),
    "marqeta_wallet_tokens": (),
    "marqeta_wallet_token_transitions": (),
    "marqeta_webhooks": ("events", "config"),
}

PERSON: tuple[str, ...] = (
    "account_holder_group_token",
    "address1",
    "address2",
    "birth_date",
    "birth_place",
    "city",
    "company",
    "country",
    "email",
    "first_name",
    "gender",
    "honorific",
    "id_card_expiration_date",
    "id_card_number",
    "ip_address",
    "last_name",
    "middle_name",
    "nationality",
    "notes",
    "passport_expiration_date",
    "passport_number",
    "phone",
    "postal_code",
    "ssn",
    "state",
    "title",
)
"""A user's fields that are plain text and may be absent."""

_OBJECT = """seq INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL UNIQUE, face TEXT NOT NULL,
    created INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, modified INTEGER NOT NULL, fingerprint TEXT"""
_PERSON = ", ".join(f"{name} TEXT COLLATE NOCASE" for name in PERSON)
_REASON = "channel TEXT NOT NULL, reason TEXT, reason_code TEXT"
_FUNDING = """amount INTEGER NOT NULL, currency_code TEXT NOT NULL, funding_source_token TEXT NOT NULL,
    transaction_token TEXT NOT NULL, state TEXT NOT NULL, response TEXT NOT NULL, memo TEXT, tags TEXT"""

# Every list walks an index that holds all it asks about (what it filters by, then what it sorts by), so that rows before the
# page are passed over without being read.
_SORTED = ("created", "modified")
_LISTS = (
    *((table, ()) for table in LISTED if table != "marqeta_transactions"),
    ("marqeta_users", ("parent_token",)),
    ("marqeta_users", ("email",)),
    ("marqeta_cards", ("user_token",)),
    ("marqeta_cards", ("last_four",)),
    ("marqeta_velocity_controls", ("user_token",)),
    ("marqeta_velocity_controls", ("card_product_token",)),
    ("marqeta_unloads", ("user_token",)),
    ("marqeta_unloads", ("original_order_token",)),
    ("marqeta_card_transitions", ("card_token",)),
    ("marqeta_user_transitions", ("user_token",)),
    ("marqeta_kyc", ("user_token",)),
)
_TRANSACTION_LISTS = ("", "user_token", "acting_user_token", "card_token")
_TRANSACTION_ORDERS = ("user_transaction_time", "created")
_TRANSACTION_FILTERS = ("state", "type", "user_transaction_time")

STATEMENTS: tuple[str, ...] = (
    f"""CREATE TABLE marqeta_users ({_OBJECT}, status TEXT NOT NULL, {_PERSON},
        parent_token TEXT, uses_parent_account INTEGER NOT NULL, corporate_card_holder INTEGER NOT NULL,
        identifications TEXT NOT NULL, metadata TEXT NOT NULL, kyc TEXT,
        ledger_balance INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0, balance_changed INTEGER NOT NULL)""",
    f"""CREATE TABLE marqeta_products ({_OBJECT}, name TEXT NOT NULL, active INTEGER NOT NULL, start_date TEXT NOT NULL,
        end_date TEXT, config TEXT NOT NULL)""",
    f"""CREATE TABLE marqeta_cards ({_OBJECT}, user_token TEXT NOT NULL, card_product_token TEXT NOT NULL, state TEXT NOT NULL,
        state_reason TEXT NOT NULL, reason_code TEXT, fulfillment_status TEXT NOT NULL, instrument_type TEXT NOT NULL,
        pan TEXT NOT NULL, cvv_number TEXT NOT NULL, last_four TEXT NOT NULL, expiration TEXT NOT NULL,
        expiration_time INTEGER NOT NULL, barcode TEXT NOT NULL, pin_is_set INTEGER NOT NULL, expedite INTEGER NOT NULL,
        reissue_pan_from_card_token TEXT, new_pan_from_card_token TEXT, fulfillment TEXT, activation_actions TEXT,
        metadata TEXT NOT NULL)""",
    f"""CREATE TABLE marqeta_card_transitions ({_OBJECT}, card_token TEXT NOT NULL, user_token TEXT NOT NULL,
        state TEXT NOT NULL, type TEXT NOT NULL, {_REASON}, card TEXT NOT NULL)""",
    f"""CREATE TABLE marqeta_user_transitions ({_OBJECT}, user_token TEXT NOT NULL, status TEXT NOT NULL, {_REASON},
        metadata TEXT NOT NULL)""",
    f"""CREATE TABLE marqeta_kyc ({_OBJECT}, user_token TEXT NOT NULL, manual_override INTEGER NOT NULL, notes TEXT,
        reference_id TEXT, result TEXT NOT NULL)""",
    f"""CREATE TABLE marqeta_velocity_controls ({_OBJECT}, name TEXT, active INTEGER NOT NULL, amount_limit INTEGER NOT NULL,
        usage_limit INTEGER NOT NULL, currency_code TEXT NOT NULL, velocity_window TEXT NOT NULL, user_token TEXT,
        card_product_token TEXT, merchant_scope TEXT NOT NULL, approvals_only INTEGER NOT NULL,
        include_purchases INTEGER NOT NULL, include_withdrawals INTEGER NOT NULL, include_cashback INTEGER NOT NULL,
        include_transfers INTEGER NOT NULL, include_credits INTEGER NOT NULL)""",
    f"""CREATE TABLE marqeta_funding_sources ({_OBJECT}, name TEXT NOT NULL, active INTEGER NOT NULL,
        account TEXT NOT NULL)""",
    f"CREATE TABLE marqeta_orders ({_OBJECT}, user_token TEXT NOT NULL, {_FUNDING})",
    f"""CREATE TABLE marqeta_unloads ({_OBJECT}, user_token TEXT NOT NULL, original_order_token TEXT NOT NULL, {_FUNDING})""",
    f"""CREATE TABLE marqeta_transactions ({_OBJECT}, type TEXT NOT NULL, state TEXT NOT NULL, user_token TEXT NOT NULL,
        acting_user_token TEXT NOT NULL, card_token TEXT, card_product_token TEXT, amount INTEGER NOT NULL,
        request_amount INTEGER NOT NULL, currency_code TEXT NOT NULL, approval_code TEXT, network TEXT,
        user_transaction_time INTEGER NOT NULL, settlement_date INTEGER NOT NULL, preceding_related_transaction_token TEXT,
        order_token TEXT, unload_token TEXT, is_preauthorization INTEGER, response TEXT NOT NULL, gpa TEXT NOT NULL,
        card_acceptor TEXT, held INTEGER NOT NULL DEFAULT 0, cleared INTEGER NOT NULL DEFAULT 0,
        refunded INTEGER NOT NULL DEFAULT 0)""",
    *(
        f"CREATE INDEX {'_'.join((table, *columns, order))} ON {table} ({', '.join((*columns, 'deleted', order, 'seq'))})"
        for table, columns in _LISTS
        for order in _SORTED
    ),
    *(
        f"CREATE INDEX marqeta_transactions_{column}_{order} ON marqeta_transactions "
        f"({', '.join(filter(None, (column, 'deleted', order, 'seq', *_TRANSACTION_FILTERS)))})"
        for column in _TRANSACTION_LISTS
        for order in _TRANSACTION_ORDERS
    ),
    "CREATE INDEX marqeta_transactions_related ON marqeta_transactions (preceding_related_transaction_token, deleted)",
)

_TOLD_LISTS = (
    *((table, ()) for table in TOLD),
    ("marqeta_chargeback_transitions", ("chargeback_token",)),
    ("marqeta_wallet_tokens", ("card_token",)),
    ("marqeta_wallet_token_transitions", ("wallet_token",)),
)

ADDED_3: tuple[str, ...] = (
    f"""CREATE TABLE marqeta_chargebacks ({_OBJECT}, transaction_token TEXT NOT NULL, card_token TEXT, amount INTEGER NOT NULL,
        currency_code TEXT NOT NULL, state TEXT NOT NULL, channel TEXT NOT NULL, network TEXT NOT NULL, reason_code TEXT,
        memo TEXT, credit_user INTEGER NOT NULL)""",
    f"""CREATE TABLE marqeta_chargeback_transitions ({_OBJECT}, chargeback_token TEXT NOT NULL, transaction_token TEXT NOT NULL,
        card_token TEXT, amount INTEGER NOT NULL, currency_code TEXT NOT NULL, state TEXT NOT NULL,
        previous_state TEXT NOT NULL, type TEXT NOT NULL, channel TEXT NOT NULL, reason TEXT)""",
    f"""CREATE TABLE marqeta_wallet_tokens ({_OBJECT}, card_token TEXT NOT NULL, wallet TEXT NOT NULL, state TEXT NOT NULL,
        state_reason TEXT NOT NULL, fulfillment_status TEXT NOT NULL, pan_reference_id TEXT NOT NULL)""",
    f"""CREATE TABLE marqeta_wallet_token_transitions ({_OBJECT}, wallet_token TEXT NOT NULL, card_token TEXT NOT NULL,
        state TEXT NOT NULL, type TEXT NOT NULL, fulfillment_status TEXT NOT NULL, {_REASON})""",
    f"""CREATE TABLE marqeta_webhooks ({_OBJECT}, name TEXT NOT NULL, active INTEGER NOT NULL, events TEXT NOT NULL,
        config TEXT NOT NULL)""",
    *(
        f"CREATE INDEX {'_'.join((table, *columns, order))} ON {table} ({', '.join((*columns, 'deleted', order, 'seq'))})"
        for table, columns in _TOLD_LISTS
        for order in _SORTED
    ),
    "CREATE INDEX marqeta_chargebacks_of ON marqeta_chargebacks (transaction_token)",
    "CREATE INDEX marqeta_chargeback_transitions_of ON marqeta_chargeback_transitions (transaction_token)",
)
"""What the third version of the far side's file added."""
