"""The tables of customers' payments at the simulated Stripe; no behaviour. Columns have the wire's names where it has one."""

from __future__ import annotations

INTENTS = "stripe_payment_intents"
CHARGES = "stripe_charges"
CHECKOUTS = "stripe_checkout_sessions"
REFUNDS = "stripe_refunds"
DISPUTES = "stripe_payment_disputes"

LISTED: tuple[str, ...] = (INTENTS, CHARGES, CHECKOUTS, REFUNDS, DISPUTES)
"""Tables of objects that clients see or are told of."""

JSON_COLUMNS: dict[str, tuple[str, ...]] = {
    INTENTS: ("last_payment_error", "automatic_payment_methods", "metadata"),
    CHARGES: ("metadata",),
    CHECKOUTS: ("customer_details", "line_items", "payment_intent_data", "metadata"),
    REFUNDS: ("metadata",),
    DISPUTES: ("metadata",),
}

_OBJECT = """seq INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL UNIQUE, face TEXT NOT NULL,
    created INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, metadata TEXT NOT NULL"""
_MONEY = "amount INTEGER NOT NULL, currency TEXT NOT NULL"

STATEMENTS: tuple[str, ...] = (
    f"""CREATE TABLE {INTENTS} ({_OBJECT}, {_MONEY}, amount_received INTEGER NOT NULL DEFAULT 0, status TEXT NOT NULL,
        client_secret TEXT NOT NULL, confirmation_method TEXT NOT NULL DEFAULT 'automatic', automatic_payment_methods TEXT,
        payment_method TEXT, payment_kind TEXT NOT NULL DEFAULT 'card', latest_charge TEXT, last_payment_error TEXT,
        canceled_at INTEGER, cancellation_reason TEXT, checkout TEXT, description TEXT, receipt_email TEXT,
        statement_descriptor TEXT, statement_descriptor_suffix TEXT, transfer_group TEXT)""",
    f"""CREATE TABLE {CHARGES} ({_OBJECT}, {_MONEY}, amount_refunded INTEGER NOT NULL DEFAULT 0, payment_intent TEXT NOT NULL,
        status TEXT NOT NULL, disputed INTEGER NOT NULL DEFAULT 0, failure_code TEXT, failure_message TEXT, decline_code TEXT,
        payment_method TEXT NOT NULL, payment_kind TEXT NOT NULL, brand TEXT, last4 TEXT NOT NULL, refund_manner TEXT,
        email TEXT, name TEXT, description TEXT, receipt_email TEXT, statement_descriptor TEXT,
        statement_descriptor_suffix TEXT, transfer_group TEXT)""",
    f"""CREATE TABLE {CHECKOUTS} ({_OBJECT}, {_MONEY}, status TEXT NOT NULL, payment_status TEXT NOT NULL,
        payment_intent TEXT, expires_at INTEGER NOT NULL, line_items TEXT NOT NULL, payment_intent_data TEXT NOT NULL,
        success_url TEXT NOT NULL, cancel_url TEXT, customer_email TEXT, customer_details TEXT, email TEXT,
        client_reference_id TEXT, customer_creation TEXT, locale TEXT, submit_type TEXT, failed INTEGER NOT NULL DEFAULT 0)""",
    f"""CREATE TABLE {REFUNDS} ({_OBJECT}, {_MONEY}, payment_intent TEXT NOT NULL, charge TEXT NOT NULL,
        status TEXT NOT NULL, reason TEXT, failure_reason TEXT, instructions_email TEXT, due_at INTEGER, due TEXT)""",
    f"""CREATE TABLE {DISPUTES} ({_OBJECT}, {_MONEY}, payment_intent TEXT NOT NULL, charge TEXT NOT NULL,
        status TEXT NOT NULL, reason TEXT NOT NULL, brand TEXT)""",
    *(f"CREATE INDEX {table}_listed ON {table} (face, created, seq)" for table in LISTED),
    *(f"CREATE INDEX {table}_paid ON {table} (payment_intent, created, seq)" for table in (CHARGES, CHECKOUTS, REFUNDS)),
    f"CREATE INDEX {DISPUTES}_of_charge ON {DISPUTES} (charge)",
    f"CREATE INDEX {REFUNDS}_of_charge ON {REFUNDS} (charge, created, seq)",
    f"CREATE INDEX {CHECKOUTS}_by_status ON {CHECKOUTS} (face, status, created, seq)",
    f"CREATE INDEX {CHECKOUTS}_by_email ON {CHECKOUTS} (face, email, created, seq)",
    f"CREATE INDEX {CHARGES}_by_group ON {CHARGES} (face, transfer_group, created, seq)",
    f"CREATE INDEX {CHECKOUTS}_due ON {CHECKOUTS} (expires_at) WHERE status = 'open'",
    f"CREATE INDEX {REFUNDS}_due ON {REFUNDS} (due_at) WHERE due_at IS NOT NULL",
)
