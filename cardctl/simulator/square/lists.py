"""Rows of one seller: found, made, changed, and listed from cursor to cursor; what they mean is not known here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import string
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change, insert, select
from cardctl.simulator.square.words import FACE, Refused, missing

_LETTERS = string.ascii_letters + string.digits
_CAPITALS = string.ascii_uppercase + string.digits

Condition = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Order:
    """By `made` or `updated`."""

    column: str = "made"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """One page; `cursor` is None at the end."""

    rows: list[Record]
    cursor: str | None


def visit(desk: Desk) -> Desk:
    """A visit that may have come without the face's name."""
    return Desk(desk.db, FACE, desk.now)


def moment(desk: Desk, after: int = 0) -> int:
    """Now in milliseconds, later than `after`: two changes of one object never have one time."""
    return max(desk.now * 1000 + time.time_ns() // 1_000_000 % 1000, after + 1)


def letters(count: int) -> str:
    return _drawn(_LETTERS, count)


def capitals(count: int) -> str:
    return _drawn(_CAPITALS, count)


def made(desk: Desk, table: str, merchant: str, record: Mapping[str, Any]) -> Record:
    """A new row of a seller's."""
    at = moment(desk)
    return insert(desk, table, {"made": at, "updated": at, **record, "merchant_id": merchant})


def changed(desk: Desk, table: str, row: Record, changes: Mapping[str, Any]) -> Record:
    """New values, at a later time; the version goes up where there is one."""
    counted = {"version": row["version"] + 1} if "version" in row else {}
    token = {"version_token": letters(44)} if "version_token" in row else {}
    return change(desk, table, row["ref"], {**counted, **token, "updated": moment(desk, row["updated"]), **changes})


def get(desk: Desk, table: str, merchant: str, ref: str, noun: str) -> Record:
    """Refused (NOT_FOUND) where this seller has none, or no more."""
    found = known(desk, table, ref)
    if found is None or found["merchant_id"] != merchant:
        raise missing(noun, ref)
    return found


def known(desk: Desk, table: str, ref: str) -> Record | None:
    """Anybody's."""
    return next(iter(select(desk, table, "ref = ? AND deleted = 0", (ref,))), None)


def page(
    desk: Desk,
    table: str,
    merchant: str,
    conditions: Sequence[Condition],
    order: Order,
    limit: int,
    cursor: str | None,
    *,
    moving: Sequence[Condition] = (),
) -> Listed:
    """Refused (INVALID_CURSOR) for a cursor that no page of this same query had; what is `moving` with the clock is no part of
    that query. A page is found along an index."""
    query = _fingerprint(table, merchant, conditions, order)
    where: list[str] = ["merchant_id = ?", "deleted = 0"]
    values: list[Any] = [merchant]
    for condition, given in [*conditions, *moving]:
        where.append(condition)
        values += given
    if cursor:
        where.append(f"({order.column}, seq) {'<' if order.descending else '>'} (?, ?)")
        values += _place(cursor, query)
    way = "DESC" if order.descending else "ASC"
    text = f"{' AND '.join(where)} ORDER BY {order.column} {way}, seq {way} LIMIT ?"
    rows = select(desk, table, text, [*values, limit + 1])
    shown = rows[:limit]
    more = len(rows) > limit
    return Listed(shown, _cursor(shown[-1][order.column], shown[-1]["seq"], query) if more else None)


def _drawn(signs: str, count: int) -> str:
    return "".join(signs[byte % len(signs)] for byte in secrets.token_bytes(count))


def _fingerprint(table: str, merchant: str, conditions: Sequence[Condition], order: Order) -> str:
    plain = [table, merchant, [(condition, list(values)) for condition, values in conditions], order.column, order.descending]
    return hashlib.sha256(orjson.dumps(plain)).hexdigest()[:16]


def _cursor(value: int, seq: int, query: str) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([value, seq, query])).decode().rstrip("=")


def _place(cursor: str, query: str) -> list[int]:
    try:
        value, seq, of = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError):
        value, seq, of = 0, 0, ""
    if of != query:
        raise Refused("INVALID_CURSOR", "The pagination cursor is invalid.", "cursor")
    return [value, seq]
