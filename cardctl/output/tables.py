"""Which columns a table of each noun shows; json, ndjson and csv always have every field."""

from __future__ import annotations

ACCOUNTS = ("id", "external_id", "name", "state", "kyc", "balance", "provider", "created_at")
CARDS = ("id", "holder", "last4", "state", "balance", "provider", "created_at")
WALLET_PAYLOADS = ("card_id", "cardholder_name", "last4", "exp_month", "exp_year", "provisioning_token")
SAVED_CARDS = ("id", "person", "brand", "last4", "exp_month", "exp_year", "state", "programme", "created_at")
PAYMENTS = ("id", "invoice", "kind", "state", "amount", "captured", "refunded", "more", "expires_at", "created_at")
TRANSACTIONS = ("id", "occurred_at", "card_id", "kind", "state", "amount", "impact", "merchant.name")
OPERATIONS = ("id", "kind", "target", "amount", "state", "provider", "created_at", "error")
AUDIT = ("seq", "at", "actor", "action", "object", "reason", "correlation_id")
EVENTS = ("id", "received_at", "provider", "type", "object_ref", "signature", "state", "error")
VERDICTS = ("line", "provider", "signature", "reason", "events")
ORDERS = ("id", "created_at", "recipient", "state", "reason_code")
OFFERS = ("id", "country", "regions", "days", "data_gb", "cost", "price", "enabled")
STEPS = ("name", "state", "tries", "at", "operation_id", "error")
TOPUPS = ("id", "card_id", "state", "amount", "created_at", "reason")
SALE_REFUNDS = ("id", "state", "amount", "created_at", "reason")
PLANS = ("offer_id", "state", "initial_gb", "remaining_gb", "starts_at", "ends_at")
