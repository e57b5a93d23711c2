"""Objects as this wire shows them.

Where sources disagree about a shape, both are shown: which one follows from the object's place in the books (`seq`, odd or
even), so that each object always looks alike and two of a kind show the difference.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from cardctl.domain.money import Money
from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, find_all
from cardctl.simulator.strowallet.tables import CUSTOMERS
from cardctl.simulator.strowallet.words import PENDING, VIRTUAL

_SHOWN = (
    *("customerEmail", "firstName", "lastName", "phoneNumber", "city", "state", "country", "line1", "zipCode"),
    *("houseNumber", "idNumber", "idType", "idImage", "userPhoto"),
)


def odd(row: Record) -> bool:
    """Which of two shapes a row is shown in."""
    return bool(row["seq"] % 2)


def major(cents: int) -> str:
    """Cents as the text of major units, such as `-25.00`."""
    return Money(cents, "USD").amount


def customer(row: Record) -> Record:
    """The customer as create-user echoes it: no status."""
    bvn = row["idNumber"] if row["idType"] == "BVN" else ""
    return {
        "bvn": bvn,
        **{name: row[name] for name in _SHOWN},
        "customerId": row["ref"],
        "dateOfBirth": row["dateOfBirth"],
    }


def cardholder(row: Record) -> Record:
    """The customer as getcardholder shows it; the case of the KYC status varies (even: `High Kyc`)."""
    return {**customer(row), "status": row["status"] if odd(row) else row["status"].title()}


def new_card(row: Record) -> Record:
    """A card as create-card shows it: pending, without last4, number and balance, though its detail is active at once."""
    return {
        "card_id": row["ref"],
        "name_on_card": row["name_on_card"],
        "card_type": "virtual",
        "card_brand": row["card_brand"],
        "card_user_id": row["card_user_id"],
        "customer_id": row["customer_id"],
        "reference": row["reference"],
        "card_status": PENDING,
        "card_created_date": _day(row["created"]),
    }


def card_detail(desk: Desk, row: Record) -> Record:
    """A card with its number and CVV in clear, or with links to them (even NFC cards).

    Odd: the balance is text, the year of the expiry has two digits, the holder's user is `card_user_id`.
    Even: the balance is a number, the year has four digits, the user is `user_id`.
    """
    holder = find_all(desk, CUSTOMERS, "ref", [row["customer_id"]])
    return {
        "card_id": row["ref"],
        "card_user_id" if odd(row) else "user_id": row["card_user_id"],
        "customer_id": row["customer_id"],
        "card_name": row["name_on_card"],
        "card_holder_name": row["name_on_card"].upper(),
        "card_type": "virtual",
        "card_brand": row["card_brand"],
        **_number(row),
        "expiry": _expiry(row),
        "card_status": row["card_status"],
        "balance": major(row["balance"]) if odd(row) else Decimal(major(row["balance"])),
        "reference": row["reference"],
        "card_created_date": _day(row["created"]),
        **(_billing(holder[0]) if holder else {}),
    }


def transaction(row: Record) -> Record:
    """A row: amount and centAmount as text, negative for a debit; the case of the currency varies (even: USD), and whether a
    refund says that it is one (even: it does; UNCONFIRMED, nobody has shown one)."""
    named = row["kind"] == "refund" and not odd(row)
    return {
        "id": row["ref"],
        "cardId": row["cardId"],
        "amount": major(row["amount"]),
        "centAmount": str(row["amount"]),
        "type": row["type"],
        "currency": row["currency"] if odd(row) else row["currency"].upper(),
        "narrative": f"Refund: {row['narrative']}" if named else row["narrative"],
        "createdAt": _moment(row["created"]),
        "status": row["status"],
        "reference": row["reference"],
    }


def history(rows: list[Record]) -> Record:
    """A list of rows as both products answer it; the key is missing where there are none."""
    return {"success": True, "response": {"card_transactions": [transaction(row) for row in rows]} if rows else {}}


def _number(row: Record) -> Record:
    if row["world"] == VIRTUAL:
        return {"card_number": row["card_number"], "cvv": row["cvv"], "last4": row["last4"]}
    if odd(row):  # last4 may be absent
        return {"card_number": row["card_number"], "cvv": row["cvv"]}
    page = f"https://cards.example.test/{row['ref']}"
    return {"card_number_url": f"{page}/number", "cvv_url": f"{page}/cvv", "last4": f"****{row['last4']}"}


def _expiry(row: Record) -> str:
    month, slash, year = row["expiry"].partition("/")
    return f"{month}{slash}{year[-2:]}" if odd(row) else row["expiry"]


def _billing(holder: Record) -> Record:
    return {
        "customer_email": holder["customerEmail"],
        "billing_street": holder["line1"],
        "billing_city": holder["city"],
        "billing_country": holder["country"],
        "billing_zip_code": holder["zipCode"],
    }


def _day(created: int) -> str:
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%d")


def _moment(created: int) -> str:
    return datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
