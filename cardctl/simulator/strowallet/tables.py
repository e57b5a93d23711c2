"""The tables of Strowallet's side of the far side's file; no behaviour.

Columns have the wire's names where the wire has one, so that staff can edit a field by the name that clients see.
"""

from __future__ import annotations

CUSTOMERS = "strowallet_customers"
CARDS = "strowallet_cards"
TRANSACTIONS = "strowallet_transactions"
MESSAGES = "strowallet_messages"
"""What is told and is no card and no row of one: one-time codes, and the events of Naira cards."""

LISTED: tuple[str, ...] = (CUSTOMERS, CARDS, TRANSACTIONS)
"""Tables of objects that have a `ref`, a `created` and a place in a list."""

TABLES: tuple[str, ...] = (*LISTED, MESSAGES)
"""Every table, to be emptied by a reset."""

JSON_COLUMNS: dict[str, tuple[str, ...]] = {CUSTOMERS: (), CARDS: (), TRANSACTIONS: ("merchant",), MESSAGES: ("body",)}

_OBJECT = """seq INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL UNIQUE, face TEXT NOT NULL,
    created INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, world TEXT NOT NULL"""

STATEMENTS: tuple[str, ...] = (
    f"""CREATE TABLE {CUSTOMERS} ({_OBJECT}, status TEXT NOT NULL, "customerEmail" TEXT NOT NULL, "firstName" TEXT NOT NULL,
        "lastName" TEXT NOT NULL, "phoneNumber" TEXT NOT NULL, "dateOfBirth" TEXT NOT NULL, line1 TEXT NOT NULL,
        city TEXT NOT NULL, state TEXT NOT NULL, "zipCode" TEXT NOT NULL, country TEXT NOT NULL, "idType" TEXT NOT NULL,
        "idNumber" TEXT NOT NULL, "houseNumber" TEXT, "idImage" TEXT, "userPhoto" TEXT)""",
    f"""CREATE TABLE {CARDS} ({_OBJECT}, customer_id TEXT NOT NULL, card_user_id TEXT NOT NULL, name_on_card TEXT NOT NULL,
        card_brand TEXT NOT NULL, card_status TEXT NOT NULL, currency TEXT NOT NULL, card_number TEXT NOT NULL,
        cvv TEXT NOT NULL, last4 TEXT NOT NULL, expiry TEXT NOT NULL, balance INTEGER NOT NULL, reference TEXT NOT NULL)""",
    f"""CREATE TABLE {TRANSACTIONS} ({_OBJECT}, "cardId" TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL,
        amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, narrative TEXT NOT NULL,
        reference TEXT NOT NULL, reason TEXT, merchant TEXT, due INTEGER)""",
    f'CREATE INDEX {CUSTOMERS}_by_email ON {CUSTOMERS} (world, "customerEmail" COLLATE NOCASE)',
    f'CREATE INDEX {TRANSACTIONS}_by_card ON {TRANSACTIONS} ("cardId", created, seq)',
    f"CREATE INDEX {TRANSACTIONS}_by_reference ON {TRANSACTIONS} (reference)",
    f"CREATE INDEX {TRANSACTIONS}_due ON {TRANSACTIONS} (due) WHERE due IS NOT NULL",
    *(f"CREATE INDEX {table}_listed ON {table} (face, created, seq)" for table in LISTED),
)

ADDED_3: tuple[str, ...] = (
    f"""CREATE TABLE {MESSAGES} ({_OBJECT}, "cardId" TEXT NOT NULL, event TEXT NOT NULL, body TEXT NOT NULL)""",
)
"""What the third version of the far side's file added."""
