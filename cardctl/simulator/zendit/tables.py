"""The tables of Zendit's side of the far side's file, and of the endpoint that tops its wallet up; no behaviour.

Columns have the wire's names where the wire has one; a flat `cost` or `price` of a purchase includes its fee. `made` is
rows.py's `created`, `updated` and every other time are Unix seconds, since Zendit tells times so.
"""

from __future__ import annotations

OFFERS = "zendit_offers"
PURCHASES = "zendit_purchases"
LEDGER = "zendit_ledger"
REPORTS = "zendit_reports"
WEBHOOKS = "zendit_webhooks"
TOPUPS = "zendit_wallet_topups"
"""What the top-up endpoint was asked for: it is not Zendit's own, which has none."""

LISTED: tuple[str, ...] = (PURCHASES, LEDGER, TOPUPS)
"""Tables of objects that are counted; the offers are the shop's, whoever comes."""

TABLES: tuple[str, ...] = (OFFERS, *LISTED, REPORTS, WEBHOOKS)
"""Every table of objects, to be emptied by a reset."""

TELLING: tuple[str, ...] = (PURCHASES,)
"""Whose changes are told by webhook."""

JSON_COLUMNS: dict[str, tuple[str, ...]] = {
    OFFERS: ("regions", "subTypes", "dataGB", "dataSpeeds", "roaming"),
    PURCHASES: ("offer", "error", "log"),
    LEDGER: ("log", "error"),
    REPORTS: ("log",),
    WEBHOOKS: (),
    TOPUPS: (),
}

_OBJECT = """seq INTEGER PRIMARY KEY AUTOINCREMENT, ref TEXT NOT NULL UNIQUE, face TEXT NOT NULL,
    created INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL"""
_MONEY = "currency TEXT NOT NULL, currencyDivisor INTEGER NOT NULL"

STATEMENTS: tuple[str, ...] = (
    f"""CREATE TABLE {OFFERS} ({_OBJECT}, brand TEXT NOT NULL, brandName TEXT NOT NULL, country TEXT NOT NULL,
        regions TEXT NOT NULL, enabled INTEGER NOT NULL, subTypes TEXT NOT NULL, durationDays INTEGER NOT NULL,
        dataGB TEXT NOT NULL, dataUnlimited INTEGER NOT NULL, dataSpeeds TEXT NOT NULL, roaming TEXT NOT NULL,
        notes TEXT NOT NULL, {_MONEY}, cost_fixed INTEGER NOT NULL, cost_fee INTEGER NOT NULL, price_fixed INTEGER NOT NULL,
        price_fee INTEGER NOT NULL, takes INTEGER NOT NULL, failure TEXT, codeless INTEGER NOT NULL)""",
    f"""CREATE TABLE {PURCHASES} ({_OBJECT}, offerId TEXT NOT NULL, status TEXT NOT NULL, offer TEXT NOT NULL, {_MONEY},
        costBase INTEGER NOT NULL, costFee INTEGER NOT NULL, priceBase INTEGER NOT NULL, priceFee INTEGER NOT NULL,
        held INTEGER NOT NULL DEFAULT 0, captured INTEGER NOT NULL DEFAULT 0, onto TEXT, iccid TEXT, smdpAddress TEXT,
        activationCode TEXT, externalReferenceId TEXT, error TEXT, log TEXT NOT NULL, takes INTEGER NOT NULL, failure TEXT,
        codeless INTEGER NOT NULL, pace INTEGER NOT NULL, due INTEGER, installedAt INTEGER,
        usedMB INTEGER NOT NULL DEFAULT 0)""",
    f"""CREATE TABLE {LEDGER} ({_OBJECT}, transactionId TEXT NOT NULL, productType TEXT NOT NULL, type TEXT NOT NULL,
        status TEXT NOT NULL, amount INTEGER NOT NULL, {_MONEY}, refundedTransactionId TEXT, log TEXT NOT NULL, error TEXT,
        finished INTEGER, due INTEGER)""",
    f"""CREATE TABLE {REPORTS} ({_OBJECT}, status TEXT NOT NULL, startGte INTEGER NOT NULL, endLt INTEGER NOT NULL,
        name TEXT, body BLOB, log TEXT NOT NULL, due INTEGER)""",
    f"""CREATE TABLE {WEBHOOKS} ({_OBJECT}, product TEXT NOT NULL, url TEXT NOT NULL, header TEXT NOT NULL,
        value TEXT NOT NULL)""",
    f"""CREATE TABLE {TOPUPS} ({_OBJECT}, reference TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL, status TEXT NOT NULL,
        amount INTEGER NOT NULL, currency TEXT NOT NULL, last4 TEXT NOT NULL, code TEXT, failure_reason TEXT,
        "authorization" TEXT, "transaction" TEXT, due INTEGER)""",
    f"CREATE INDEX {OFFERS}_by_country ON {OFFERS} (country, ref)",
    *(f"CREATE INDEX {table}_listed ON {table} (created, seq)" for table in (PURCHASES, LEDGER)),
    *(f"CREATE INDEX {table}_by_status ON {table} (status, created, seq)" for table in (PURCHASES, LEDGER)),
    *(f"CREATE INDEX {table}_due ON {table} (due) WHERE due IS NOT NULL" for table in (PURCHASES, LEDGER, REPORTS, TOPUPS)),
    f"CREATE INDEX {PURCHASES}_by_iccid ON {PURCHASES} (iccid, seq)",
    f"CREATE INDEX {LEDGER}_named ON {LEDGER} (transactionId, seq)",
    f"CREATE INDEX {LEDGER}_refunding ON {LEDGER} (refundedTransactionId, seq)",
    f"CREATE INDEX {LEDGER}_finished ON {LEDGER} (finished, seq)",
)
