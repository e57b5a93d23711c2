"""The tables of Square's side of the far side's file; no behaviour.

Columns have the wire's names where the wire has one. `made` and `updated` are milliseconds, since Square tells times so.
"""

from __future__ import annotations

CUSTOMERS = "square_customers"
CARDS = "square_cards"
PAYMENTS = "square_payments"
REFUNDS = "square_refunds"
DISPUTES = "square_disputes"
SUBSCRIPTIONS = "square_subscriptions"
TOKENS = "square_tokens"
"""Access tokens that were handed out by OAuth; any other belongs to a seller of its own."""

LISTED: tuple[str, ...] = (CUSTOMERS, CARDS, PAYMENTS, REFUNDS, DISPUTES)
"""Tables of objects that clients see in lists."""

TABLES: tuple[str, ...] = (*LISTED, SUBSCRIPTIONS)
"""Every table of objects, to be emptied by a reset."""

JSON_COLUMNS: dict[str, tuple[str, ...]] = {
    CUSTOMERS: ("address", "tax_ids", "merged_from"),
    CARDS: ("billing_address",),
    PAYMENTS: ("card", "errors", "billing_address", "shipping_address", "details"),
    REFUNDS: (),
    DISPUTES: (),
    SUBSCRIPTIONS: ("event_types",),
}

_OBJECT = """seq INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL UNIQUE, face TEXT NOT NULL,
    created INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, merchant_id TEXT NOT NULL, made INTEGER NOT NULL,
    updated INTEGER NOT NULL"""
_MONEY = "amount INTEGER NOT NULL, currency TEXT NOT NULL"

STATEMENTS: tuple[str, ...] = (
    f"""CREATE TABLE {CUSTOMERS} ({_OBJECT}, version INTEGER NOT NULL, given_name TEXT, family_name TEXT, company_name TEXT,
        nickname TEXT, email_address TEXT, phone_number TEXT, reference_id TEXT, note TEXT, birthday TEXT, address TEXT,
        tax_ids TEXT, merged_into TEXT, merged_from TEXT)""",
    f"""CREATE TABLE {CARDS} ({_OBJECT}, version INTEGER NOT NULL, customer_id TEXT NOT NULL, card_brand TEXT, last_4 TEXT,
        exp_month INTEGER, exp_year INTEGER, cardholder_name TEXT, billing_address TEXT, fingerprint TEXT, reference_id TEXT,
        enabled INTEGER NOT NULL DEFAULT 1, card_type TEXT, prepaid_type TEXT, bin TEXT, issuer_alert TEXT,
        issuer_alert_at INTEGER, forgotten INTEGER NOT NULL DEFAULT 0, declines TEXT)""",
    f"""CREATE TABLE {PAYMENTS} ({_OBJECT}, {_MONEY}, location_id TEXT NOT NULL, tip INTEGER, app_fee INTEGER,
        approved INTEGER NOT NULL DEFAULT 0, refunded INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL, delay_duration TEXT,
        delay_action TEXT, delayed_until INTEGER, source_type TEXT NOT NULL, card_id TEXT, card TEXT, card_status TEXT,
        entry_method TEXT, declines TEXT, errors TEXT, authorized_at INTEGER, captured_at INTEGER, voided_at INTEGER,
        lapsed INTEGER NOT NULL DEFAULT 0, customer_id TEXT, reference_id TEXT, note TEXT, order_id TEXT NOT NULL,
        statement_description_identifier TEXT, buyer_email_address TEXT, billing_address TEXT, shipping_address TEXT,
        details TEXT, key TEXT, version_token TEXT NOT NULL)""",
    f"""CREATE TABLE {REFUNDS} ({_OBJECT}, {_MONEY}, payment_id TEXT NOT NULL, location_id TEXT NOT NULL,
        order_id TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, version INTEGER NOT NULL)""",
    f"""CREATE TABLE {DISPUTES} ({_OBJECT}, {_MONEY}, payment_id TEXT NOT NULL, location_id TEXT NOT NULL,
        state TEXT NOT NULL, reason TEXT NOT NULL, due_at INTEGER, brand_dispute_id TEXT NOT NULL, card_brand TEXT,
        version INTEGER NOT NULL)""",
    f"""CREATE TABLE {SUBSCRIPTIONS} ({_OBJECT}, name TEXT NOT NULL, enabled INTEGER NOT NULL, event_types TEXT NOT NULL,
        notification_url TEXT NOT NULL, api_version TEXT NOT NULL, signature_key TEXT NOT NULL)""",
    f"""CREATE TABLE {TOKENS} (token TEXT PRIMARY KEY, merchant_id TEXT NOT NULL, expires_at INTEGER NOT NULL,
        revoked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID""",
    *(f"CREATE INDEX {table}_listed ON {table} (merchant_id, made, seq)" for table in TABLES),
    *(f"CREATE INDEX {table}_changed ON {table} (merchant_id, updated, seq)" for table in (PAYMENTS, REFUNDS)),
    *(f"CREATE INDEX {table}_named ON {table} (merchant_id, reference_id, made, seq)" for table in (CUSTOMERS, CARDS)),
    f"CREATE INDEX {CUSTOMERS}_by_email ON {CUSTOMERS} (merchant_id, email_address COLLATE NOCASE)",
    f"CREATE INDEX {CARDS}_by_customer ON {CARDS} (customer_id, made, seq)",
    f"CREATE INDEX {PAYMENTS}_by_key ON {PAYMENTS} (merchant_id, key)",
    f"CREATE INDEX {PAYMENTS}_due ON {PAYMENTS} (delayed_until) WHERE status = 'APPROVED'",
    f"CREATE INDEX {PAYMENTS}_by_location ON {PAYMENTS} (merchant_id, location_id, made, seq)",
    f"CREATE INDEX {REFUNDS}_by_payment ON {REFUNDS} (payment_id, seq)",
    f"CREATE INDEX {DISPUTES}_by_payment ON {DISPUTES} (payment_id, seq)",
)
