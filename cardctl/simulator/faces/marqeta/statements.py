"""Rows as Marqeta's transactions, in the Core API's words and in those of Simulations 2.0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.marqeta.numbers import major
from cardctl.simulator.faces.marqeta.objects import balance, chargebacks, loads, present, time, unloads
from cardctl.simulator.rows import Record, find_all

_POLARITY = {
    "authorization": "PENDING_DEBIT",
    "authorization.clearing": "DEBIT",
    "gpa.debit": "DEBIT",
    "gpa.credit": "CREDIT",
    "refund": "CREDIT",
}
"""UNCONFIRMED for a reversal, which has none here."""

_CHARGEBACK = ".chargeback"

_SIMULATED = (
    *("type", "state", "token", "user_token", "card_token", "response", "amount", "request_amount", "currency_code"),
    *("created_time", "user_transaction_time", "settlement_date", "preceding_related_transaction_token"),
    *("network", "acquirer_fee_amount", "card_acceptor"),
)


def transactions(desk: Desk, rows: Sequence[Record]) -> list[Record]:
    """Transactions with what belongs to them: the order that moved the money, metadata of user and card."""
    users = _metadata(desk, "marqeta_users", rows, "acting_user_token")
    cards = _metadata(desk, "marqeta_cards", rows, "card_token")
    orders = _rendered(desk, "marqeta_orders", rows, "order_token")
    backs = _rendered(desk, "marqeta_unloads", rows, "unload_token")
    disputes = _chargebacks(desk, rows)
    return [
        present(
            {
                **_transaction(row),
                "user": {"metadata": users.get(row["acting_user_token"], {})},
                "card": {"metadata": cards.get(row["card_token"], {})} if row["card_token"] else None,
                "gpa_order": orders.get(row["order_token"]),
                "gpa_order_unload": backs.get(row["unload_token"]),
                "chargeback": disputes.get(row["ref"]),
            }
        )
        for row in rows
    ]


def simulated(row: Record) -> Record:
    """A transaction as Simulations 2.0 answers it: fewer fields, and of the GPA three figures."""
    whole = _transaction(row)
    figures = {name: whole["gpa"][name] for name in ("ledger_balance", "available_balance", "impacted_amount")}
    return present({**{name: whole[name] for name in _SIMULATED}, "gpa": figures})


def _transaction(row: Record) -> Record:
    """`card_acceptor` is model v2's: country_code, and no address."""
    plain = ("type", "state", "user_token", "acting_user_token", "card_token", "card_product_token", "currency_code")
    more = ("approval_code", "network", "preceding_related_transaction_token", "response")
    preauthorized = row["is_preauthorization"]
    return {
        "token": row["ref"],
        "identifier": str(row["seq"]),
        **{name: row[name] for name in (*plain, *more)},
        "polarity": _POLARITY.get(row["type"]),
        "amount": major(row["amount"], row["currency_code"]),
        "request_amount": major(row["request_amount"], row["currency_code"]),
        "acquirer_fee_amount": 0 if row["card_token"] else None,
        "is_preauthorization": None if preauthorized is None else bool(preauthorized),
        "gpa": balance(row["gpa"], row["created"]),
        "card_acceptor": row["card_acceptor"],
        "created_time": time(row["created"]),
        "user_transaction_time": time(row["user_transaction_time"]),
        "settlement_date": time(row["settlement_date"]),
    }


def _metadata(desk: Desk, table: str, rows: Sequence[Record], column: str) -> Mapping[str, Record]:
    return {one["ref"]: one["metadata"] for one in _behind(desk, table, rows, column)}


def _rendered(desk: Desk, table: str, rows: Sequence[Record], column: str) -> Mapping[str, Record]:
    show = loads if table == "marqeta_orders" else unloads
    found = _behind(desk, table, rows, column)
    return {row["ref"]: rendered for row, rendered in zip(found, show(desk, found), strict=True)}


def _chargebacks(desk: Desk, rows: Sequence[Record]) -> Mapping[str, Record]:
    """Of the transactions that a chargeback made, the chargeback as it is."""
    made = [row["ref"] for row in rows if _CHARGEBACK in row["type"]]
    steps = find_all(desk, "marqeta_chargeback_transitions", "transaction_token", made)
    found = find_all(desk, "marqeta_chargebacks", "ref", (step["chargeback_token"] for step in steps))
    by_ref = {rendered["token"]: rendered for rendered in chargebacks(desk, found)}
    return {step["transaction_token"]: by_ref[step["chargeback_token"]] for step in steps}


def _behind(desk: Desk, table: str, rows: Sequence[Record], column: str) -> list[Record]:
    return find_all(desk, table, "ref", (row[column] for row in rows if row[column]))
