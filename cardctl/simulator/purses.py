"""The account's own money at a face: its Issuing balance (the float) and its payments balance; cards have none of their own."""

from __future__ import annotations

from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.rows import Record, insert, new_ref


def available(desk: Desk, purse: str = "issuing") -> dict[str, int]:
    """What is there, in minor units by lower-case currency; negative after captures beyond it."""
    where = "face = ? AND purse = ? ORDER BY currency"
    return dict(desk.db.execute(f"SELECT currency, available FROM floats WHERE {where}", (desk.face, purse)).fetchall())  # noqa: S608  (our own words)


def receive(desk: Desk, currency: str, amount: int, purse: str = "issuing") -> None:
    """Adds `amount` minor units, which may be negative."""
    desk.db.execute(
        """INSERT INTO floats VALUES (?, ?, ?, ?)
        ON CONFLICT (face, purse, currency) DO UPDATE SET available = available + excluded.available""",
        (desk.face, purse, currency, amount),
    )


def pay(desk: Desk, currency: str, amount: int) -> None:
    """Takes `amount` minor units out of the float, whatever is left in it."""
    receive(desk, currency, -amount)


def top_up(desk: Desk, wish: Record) -> Record:
    """Money into the purse that the wish names, there at once (at Stripe it may take five business days)."""
    positive(wish["amount"], "amount")
    receive(desk, wish["currency"], wish["amount"], purse=wish["purse"])
    return insert(desk, "topups", {"status": "succeeded", "metadata": {}, **wish, "ref": new_ref("tu")})


def positive(amount: int, name: str) -> None:
    """BankRefuses an amount below one minor unit."""
    if amount < 1:
        raise BankRefuses("This value must be greater than or equal to 1.", field=name)


def not_negative(amount: int, name: str) -> None:
    """BankRefuses an amount below nothing."""
    if amount < 0:
        raise BankRefuses("This value must be greater than or equal to 0.", field=name)
