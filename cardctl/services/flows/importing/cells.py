"""What one row says of a card, every cell of it checked; errors say what is wrong with which cell, never what is in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cardctl.domain.money import Money, exponent
from cardctl.domain.states import CardState
from cardctl.errors import BadAmount, BadInput
from cardctl.services.flows.importing.table import BadCell, Row, check_harmless

COLUMNS = ("card_id", "user_id", "balance", "status", "currency", "expiry", "last4")
NEEDED = ("card_id", "user_id", "balance", "status", "expiry", "last4")
_LONGEST = 255
_LAST4 = re.compile(r"[0-9]{4}\Z", re.ASCII)
_EXPIRY = re.compile(r"(0?[1-9]|1[0-2])\s*/\s*([0-9]{4}|[0-9]{2})\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Told:
    """A card as a file tells of it; `word` is its provider's own for the state."""

    line: int
    ref: str
    user: str
    balance: Money
    state: CardState
    word: str
    last4: str
    exp_month: int
    exp_year: int

    @property
    def kept(self) -> dict[str, str]:
        """What is kept in place of a provider's JSON."""
        return {"imported_status": self.word}


def told_by(row: Row, currency: str, state_of: Callable[[str], CardState]) -> Told:
    """BadCell where anything is missing or cannot be meant; `currency` is that of a row which names none."""
    check_harmless(row)
    month, year = _expiry(row.cells["expiry"])
    word = row.cells["status"]
    if not word:
        raise BadCell("status", "it is empty")
    return Told(
        line=row.line,
        ref=_name(row, "card_id"),
        user=_name(row, "user_id"),
        balance=_balance(row, currency),
        state=state_of(word),
        word=word,
        last4=_last4(row.cells["last4"]),
        exp_month=month,
        exp_year=year,
    )


def _name(row: Row, column: str) -> str:
    text = row.cells[column]
    if not text:
        raise BadCell(column, "it is empty")
    if len(text) > _LONGEST or not text.isprintable():
        raise BadCell(column, "it is no name: too long, or with characters that none has")
    return text


def _balance(row: Row, currency: str) -> Money:
    currency = (row.cells.get("currency") or currency).upper()
    try:
        exponent(currency)
    except BadInput:
        raise BadCell("currency", "there is no such currency with minor units") from None
    text = row.cells["balance"]
    if text.startswith("-"):
        raise BadCell("balance", "it is less than nothing")
    try:
        return Money.parse(text, currency)
    except BadAmount as error:
        raise BadCell("balance", error.message if text else "it is empty") from None


def _last4(text: str) -> str:
    if not _LAST4.match(text):
        raise BadCell("last4", "it is not four digits (a spreadsheet takes leading zeros away)" if text else "it is missing")
    return text


def _expiry(text: str) -> tuple[int, int]:
    match = _EXPIRY.match(text)
    if match is None:
        raise BadCell("expiry", "it is not MM/YY or MM/YYYY")
    year = int(match[2])
    return int(match[1]), year if year > 99 else 2000 + year
