"""Rows as Marqeta's objects: users, products, cards, controls, orders; transactions have a file of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.marqeta.numbers import major
from cardctl.simulator.marqeta import orders, velocity
from cardctl.simulator.marqeta.accounts import CURRENCY, available
from cardctl.simulator.marqeta.cards import masked
from cardctl.simulator.marqeta.tables import PERSON
from cardctl.simulator.marqeta.users import ACTIVE
from cardctl.simulator.rows import Record, find_all

_NOT_VALIDATED = {"user": dict.fromkeys(("birth_date", "phone", "random_name_line1_postfix", "ssn"), False)}


def time(seconds: int) -> str:
    """`2026-01-15T10:00:00Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def users(_: Desk, rows: Sequence[Record]) -> list[Record]:
    """Users; fields without a value are left out, here and everywhere."""
    return [
        present(
            {
                "token": row["ref"],
                "status": row["status"],
                "active": row["status"] in ACTIVE,
                **{name: row[name] for name in PERSON},
                "parent_token": row["parent_token"],
                "uses_parent_account": bool(row["uses_parent_account"]),
                "corporate_card_holder": bool(row["corporate_card_holder"]),
                "identifications": row["identifications"] or None,
                "metadata": row["metadata"],
                **_times(row),
            }
        )
        for row in rows
    ]


def user_transitions(_: Desk, rows: Sequence[Record]) -> list[Record]:
    names = ("user_token", "status", "channel", "reason", "reason_code", "metadata")
    return [present({"token": row["ref"], **_of(row, names), **_times(row), **_millis(row)}) for row in rows]


def kyc(_: Desk, rows: Sequence[Record]) -> list[Record]:
    names = ("user_token", "notes", "reference_id", "result")
    return [
        present({"token": row["ref"], **_of(row, names), "manual_override": bool(row["manual_override"]), **_times(row)})
        for row in rows
    ]


def products(_: Desk, rows: Sequence[Record]) -> list[Record]:
    names = ("name", "start_date", "end_date", "config")
    return [present({"token": row["ref"], **_of(row, names), "active": bool(row["active"]), **_times(row)}) for row in rows]


def cards(_: Desk, rows: Sequence[Record]) -> list[Record]:
    """Cards, their numbers masked."""
    names = ("user_token", "card_product_token", "last_four", "expiration", "barcode", "state", "state_reason")
    more = ("fulfillment_status", "instrument_type", "reissue_pan_from_card_token", "new_pan_from_card_token", "fulfillment")
    return [
        present(
            {
                "token": row["ref"],
                **_of(row, (*names, *more, "activation_actions", "metadata")),
                "pan": masked(row["pan"]),
                "expiration_time": time(row["expiration_time"]),
                "pin_is_set": bool(row["pin_is_set"]),
                "expedite": bool(row["expedite"]),
                **_times(row),
            }
        )
        for row in rows
    ]


def card_transitions(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """A transition has the card's fields as they were then, and the user's metadata as they are."""
    metadata = {user["ref"]: user["metadata"] for user in _found(desk, "marqeta_users", rows, "user_token")}
    names = ("card_token", "user_token", "state", "type", "channel", "reason", "reason_code")
    return [present(_card_transition(row, _of(row, names), metadata.get(row["user_token"], {}))) for row in rows]


def _card_transition(row: Record, own: Record, user_metadata: Record) -> Record:
    card = dict(row["card"])
    return {
        "token": row["ref"],
        **own,
        "card": {"metadata": card.pop("metadata")},
        "user": {"metadata": user_metadata},
        **card,
        "expiration_time": time(card["expiration_time"]),
        "pin_is_set": bool(card["pin_is_set"]),
        "expedite": bool(card["expedite"]),
        "validations": _NOT_VALIDATED,
        "created_time": time(row["created"]),
        **_millis(row),
    }


def chargebacks(_: Desk, rows: Sequence[Record]) -> list[Record]:
    names = ("transaction_token", "currency_code", "state", "channel", "network", "reason_code", "memo")
    return [
        present(
            {
                "token": row["ref"],
                **_of(row, names),
                "amount": major(row["amount"], row["currency_code"]),
                "credit_user": bool(row["credit_user"]),
                **_times(row),
            }
        )
        for row in rows
    ]


def chargeback_transitions(_: Desk, rows: Sequence[Record]) -> list[Record]:
    """`transaction_token` is the transaction that the transition made (UNCONFIRMED), not the one that is charged back."""
    names = ("chargeback_token", "transaction_token", "state", "previous_state", "type", "channel", "reason")
    amounts = [major(row["amount"], row["currency_code"]) for row in rows]
    return [
        present({"token": row["ref"], **_of(row, names), "amount": amount, **_times(row)})
        for row, amount in zip(rows, amounts, strict=True)
    ]


def wallet_tokens(_: Desk, rows: Sequence[Record]) -> list[Record]:
    names = ("card_token", "state", "state_reason", "fulfillment_status")
    return [
        {
            "token": row["ref"],
            **_of(row, names),
            "issuer_eligibility_decision": "token.activated",
            "device": {"type": "MOBILE_PHONE"},
            "token_service_provider": {
                "pan_reference_id": row["pan_reference_id"],
                "token_requestor_name": row["wallet"],
                "token_type": "DEVICE_SECURE_ELEMENT",
            },
            **_times(row),
        }
        for row in rows
    ]


def wallet_token_transitions(_: Desk, rows: Sequence[Record]) -> list[Record]:
    names = ("state", "type", "channel", "reason", "reason_code", "fulfillment_status")
    return [
        present(
            {
                "token": row["ref"],
                "digital_wallet_token": {"token": row["wallet_token"], "card_token": row["card_token"]},
                **_of(row, names),
                "created_time": time(row["created"]),
            }
        )
        for row in rows
    ]


def webhooks(_: Desk, rows: Sequence[Record]) -> list[Record]:
    """Webhooks, their secrets as first and last character; nobody can read them back."""
    secret = ("secret", "basic_auth_username", "basic_auth_password")
    return [
        {
            "token": row["ref"],
            **_of(row, ("name", "events")),
            "active": bool(row["active"]),
            "config": {name: _hidden(value) if name in secret else value for name, value in row["config"].items()},
            **_times(row),
        }
        for row in rows
    ]


def _hidden(secret: str) -> str:
    return f"{secret[0]}{'*' * 10}{secret[-1]}"


def controls(_: Desk, rows: Sequence[Record]) -> list[Record]:
    flags = ("active", "approvals_only", "include_purchases", "include_withdrawals", "include_cashback")
    names = ("name", "usage_limit", "currency_code", "velocity_window", "merchant_scope")
    return [
        present(
            {
                "token": row["ref"],
                **_of(row, names),
                "amount_limit": major(row["amount_limit"], row["currency_code"]),
                "association": present(_of(row, ("user_token", "card_product_token"))),
                **{name: bool(row[name]) for name in (*flags, "include_transfers", "include_credits")},
            }
        )
        for row in rows
    ]


def remaining(desk: Desk, rows: Sequence[Record], user: str) -> list[Record]:
    """Controls with what they leave to a user. UNCONFIRMED: that without a usage limit the uses left are -1 too."""
    shown = []
    for row, rendered in zip(rows, controls(desk, rows), strict=True):
        spent, uses = velocity.counted(desk, row, user)
        unlimited = row["usage_limit"] == velocity.UNLIMITED
        left = {
            "amount": major(max(row["amount_limit"] - spent, 0), row["currency_code"]),
            "uses": velocity.UNLIMITED if unlimited else max(row["usage_limit"] - uses, 0),
            "days_remaining": velocity.days_remaining(row["velocity_window"], desk.now),
        }
        shown.append({**rendered, "available": present(left)})
    return shown


def sources(_: Desk, rows: Sequence[Record]) -> list[Record]:
    return [
        {"token": row["ref"], **_of(row, ("name", "account")), "active": bool(row["active"]), **_times(row)} for row in rows
    ]


def loads(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """GPA orders."""
    return [present({**_order(desk, row), **_of(row, ("user_token", "currency_code"))}) for row in rows]


def unloads(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    return [present({**_order(desk, row), "original_order_token": row["original_order_token"]}) for row in rows]


def gpa(account: Record) -> Record:
    """A GPA as it is now."""
    figures = {"ledger_balance": account["ledger_balance"], "available_balance": available(account), "impacted_amount": 0}
    return balance(figures, account["balance_changed"])


def balance(figures: Record, at: int) -> Record:
    """A balance object from minor units, once by itself and once under its currency."""
    plain = {
        "currency_code": CURRENCY,
        **{name: major(amount, CURRENCY) for name, amount in figures.items()},
        "credit_balance": major(0, CURRENCY),
        "pending_credits": major(0, CURRENCY),
        "last_updated_time": time(at),
    }
    return {**plain, "balances": {CURRENCY: dict(plain)}}


def _order(desk: Desk, row: Record) -> Record:
    """The source's token is masked wherever an order names it; `name`, which a fact sheet's example has, is not described."""
    paying = orders.source(desk, row["funding_source_token"])
    hidden = f"{'*' * 10}{row['funding_source_token'][-4:]}"
    funding = {"type": "program", "token": hidden, "active": bool(paying["active"]), "is_default_account": False}
    amount = major(row["amount"], row["currency_code"])
    return {
        "token": row["ref"],
        "amount": amount,
        "state": row["state"],
        "response": row["response"],
        "funding_source_token": hidden,
        "funding": {"amount": amount, "source": {**funding, **_times(paying)}},
        **_of(row, ("transaction_token", "memo", "tags")),
        **_times(row),
    }


def present(fields: Record) -> Record:
    """Without the fields that have no value."""
    return {name: value for name, value in fields.items() if value is not None}


def _of(row: Record, names: Iterable[str]) -> Record:
    return {name: row[name] for name in names}


def _times(row: Record) -> Record:
    return {"created_time": time(row["created"]), "last_modified_time": time(row["modified"])}


def _millis(row: Record) -> Record:
    return {"created_timestamp": time(row["created"]).replace("Z", ".000Z")}


def _found(desk: Desk, table: str, rows: Sequence[Record], column: str) -> list[Any]:
    return find_all(desk, table, "ref", (row[column] for row in rows if row[column]))
