"""The tables of the far side's file; no behaviour."""

from __future__ import annotations

from cardctl.simulator.marqeta import tables as marqeta
from cardctl.simulator.sales import tables as sales
from cardctl.simulator.square import tables as square
from cardctl.simulator.strowallet import tables as strowallet
from cardctl.simulator.zendit import tables as zendit

APPLICATION_ID = 0x63617264
"""Marks a SQLite file as a simulator's (`card`)."""

SCHEMA_VERSION = 5

_FIRST = ("holders", "cards", "authorizations", "transactions", "topups")
LISTED = (*_FIRST, "disputes", *sales.LISTED)
"""Tables of Stripe's objects: each has a `ref`, a `created` and a place in a list."""

OF_PROVIDER = {
    "stripe": LISTED,
    "marqeta": marqeta.LISTED,
    "strowallet": strowallet.LISTED,
    "square": square.LISTED,
    "zendit": zendit.LISTED,
}
OBJECTS = (*(table for tables in OF_PROVIDER.values() for table in tables), zendit.OFFERS)
"""The tables of every bank's objects, and of what a shop has from the beginning."""

_TELLING = {
    "stripe": LISTED,
    "marqeta": marqeta.TABLES,
    "strowallet": strowallet.TABLES,
    "square": square.LISTED,
    "zendit": zendit.TELLING,
}
FACE_OF = {table: face for face, tables in _TELLING.items() for table in tables}
"""Whose objects a table holds, which is who tells of them."""

REMEMBERED = (*LISTED, "floats", "webhook_endpoints", *marqeta.TABLES, *strowallet.TABLES, *square.TABLES, *zendit.TABLES)
"""Tables whose last write can be looked behind: whatever a provider answers from, but its record of what it told."""

TABLES = (*REMEMBERED, "answers", "events", "faults", "meta", "undo", "wallet_tokens", square.TOKENS)

JSON_COLUMNS = {
    **marqeta.JSON_COLUMNS,
    **strowallet.JSON_COLUMNS,
    **square.JSON_COLUMNS,
    **sales.JSON_COLUMNS,
    **zendit.JSON_COLUMNS,
    "holders": ("billing", "individual", "company", "preferred_locales", "requirements", "spending_controls", "metadata"),
    "cards": ("shipping", "spending_controls", "metadata"),
    "authorizations": ("amount_details", "merchant_data", "network_data", "verification_data", "request_history", "metadata"),
    "transactions": ("merchant_data", "metadata"),
    "topups": ("metadata",),
    "disputes": ("evidence", "metadata"),
    "webhook_endpoints": ("enabled_events", "metadata"),
}

_OBJECT = """seq INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL UNIQUE, face TEXT NOT NULL,
    created INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0"""
_MONEY = "currency TEXT NOT NULL, amount INTEGER NOT NULL"
_MERCHANT = """merchant_currency TEXT NOT NULL, merchant_amount INTEGER NOT NULL, category TEXT NOT NULL,
    merchant_data TEXT NOT NULL, wallet TEXT"""

STATEMENTS = (
    f"""CREATE TABLE holders ({_OBJECT}, type TEXT NOT NULL, name TEXT NOT NULL, status TEXT NOT NULL, email TEXT,
        phone_number TEXT, billing TEXT NOT NULL, individual TEXT, company TEXT, preferred_locales TEXT,
        requirements TEXT NOT NULL, spending_controls TEXT NOT NULL, metadata TEXT NOT NULL)""",
    f"""CREATE TABLE cards ({_OBJECT}, holder TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL,
        currency TEXT NOT NULL, brand TEXT NOT NULL, number TEXT NOT NULL, cvc TEXT NOT NULL, last4 TEXT NOT NULL,
        exp_month INTEGER NOT NULL, exp_year INTEGER NOT NULL, cancellation_reason TEXT, replacement_for TEXT,
        replacement_reason TEXT, replaced_by TEXT, payment_count INTEGER, second_line TEXT, personalization_design TEXT,
        financial_account TEXT, shipping TEXT, spending_controls TEXT NOT NULL, metadata TEXT NOT NULL)""",
    f"""CREATE TABLE authorizations ({_OBJECT}, card TEXT NOT NULL, holder TEXT NOT NULL, status TEXT NOT NULL,
        approved INTEGER NOT NULL, {_MONEY}, held INTEGER NOT NULL, captured INTEGER NOT NULL, {_MERCHANT},
        authorization_method TEXT NOT NULL, amount_details TEXT, network_data TEXT, verification_data TEXT NOT NULL,
        request_history TEXT NOT NULL, metadata TEXT NOT NULL)""",
    f"""CREATE TABLE transactions ({_OBJECT}, card TEXT NOT NULL, holder TEXT NOT NULL, "authorization" TEXT,
        type TEXT NOT NULL, {_MONEY}, refunded INTEGER NOT NULL DEFAULT 0, {_MERCHANT}, metadata TEXT NOT NULL)""",
    f"""CREATE TABLE topups ({_OBJECT}, status TEXT NOT NULL, {_MONEY}, purse TEXT NOT NULL, description TEXT,
        statement_descriptor TEXT, transfer_group TEXT, metadata TEXT NOT NULL)""",
    """CREATE TABLE floats (face TEXT NOT NULL, purse TEXT NOT NULL, currency TEXT NOT NULL, available INTEGER NOT NULL,
        PRIMARY KEY (face, purse, currency)) WITHOUT ROWID""",
    """CREATE TABLE answers (face TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, path TEXT NOT NULL,
        request_id TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, saved_at INTEGER NOT NULL,
        PRIMARY KEY (face, key))""",
    "CREATE INDEX answers_by_age ON answers (saved_at)",
    "CREATE TABLE faults (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, remaining INTEGER NOT NULL, delay REAL)",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    *(f"CREATE INDEX {table}_listed ON {table} (face, created, seq)" for table in _FIRST),
    *(f"CREATE INDEX {table}_by_card ON {table} (card, created, seq)" for table in ("authorizations", "transactions")),
    *(
        f"CREATE INDEX {table}_by_holder ON {table} (holder, created, seq)"
        for table in ("cards", "authorizations", "transactions")
    ),
    *(
        f"CREATE INDEX {table}_by_status ON {table} (face, status, created, seq)"
        for table in ("holders", "cards", "authorizations")
    ),
    "CREATE INDEX holders_by_email ON holders (face, email, created, seq)",
    "CREATE INDEX cards_by_last4 ON cards (face, last4, created, seq)",
    'CREATE INDEX transactions_by_authorization ON transactions ("authorization", seq)',
)
_SINCE = (
    "CREATE TABLE undo (seq INTEGER PRIMARY KEY AUTOINCREMENT, write INTEGER NOT NULL, statement TEXT NOT NULL)",
    "CREATE INDEX undo_by_write ON undo (write)",
    "CREATE TABLE wallet_tokens (card TEXT PRIMARY KEY, token TEXT NOT NULL) WITHOUT ROWID",
)
_TOLD = (
    """CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, face TEXT NOT NULL, event_id TEXT NOT NULL,
        type TEXT NOT NULL, created INTEGER NOT NULL, object_ref TEXT NOT NULL, card_ref TEXT, key TEXT NOT NULL,
        body BLOB NOT NULL, delivered INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX events_by_id ON events (event_id)",
    "CREATE INDEX events_listed ON events (face, created, seq)",
    "CREATE INDEX events_by_type ON events (face, type, created, seq)",
    "CREATE INDEX events_waiting ON events (seq) WHERE delivered = 0",
    f"""CREATE TABLE disputes ({_OBJECT}, "transaction" TEXT NOT NULL, card TEXT NOT NULL, status TEXT NOT NULL, {_MONEY},
        loss_reason TEXT, evidence TEXT NOT NULL, metadata TEXT NOT NULL)""",
    "CREATE INDEX disputes_listed ON disputes (face, created, seq)",
    "CREATE INDEX disputes_by_status ON disputes (face, status, created, seq)",
    'CREATE INDEX disputes_by_transaction ON disputes ("transaction", seq)',
    "ALTER TABLE transactions ADD COLUMN dispute TEXT",
    f"""CREATE TABLE webhook_endpoints ({_OBJECT}, url TEXT NOT NULL, status TEXT NOT NULL, secret TEXT NOT NULL,
        enabled_events TEXT NOT NULL, description TEXT, api_version TEXT, metadata TEXT NOT NULL)""",
    "CREATE INDEX webhook_endpoints_listed ON webhook_endpoints (face, created, seq)",
)
ADDED = {
    2: (*marqeta.STATEMENTS, *strowallet.STATEMENTS, *_SINCE),
    3: (*_TOLD, *getattr(marqeta, "ADDED_3", ()), *getattr(strowallet, "ADDED_3", ())),
    4: square.STATEMENTS,
    5: (*sales.STATEMENTS, *zendit.STATEMENTS),
}
"""What each later version added (a bank's own `ADDED_3` with it); a new file has all of it, an older one gets what it lacks."""
