"""/transactions, and a card's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cardctl.simulator.faces.marqeta import queries
from cardctl.simulator.faces.marqeta.calls import Call, Condition, Endpoint, paged, retrieve, sort_of
from cardctl.simulator.faces.marqeta.errors import invalid
from cardctl.simulator.faces.marqeta.statements import transactions
from cardctl.simulator.marqeta.lists import get, one_of
from cardctl.simulator.rows import Record, select

_TABLE = "marqeta_transactions"
_STATES = ("PENDING", "CLEARED", "COMPLETION", "DECLINED", "ERROR")
_USUAL = "PENDING,COMPLETION"
_ALL = "ALL"
_LOOKS_BACK = 30 * 86400
_NEVER = 2**62
_SORTS = {"created_time": "created", "user_transaction_time": "user_transaction_time"}
_FAMILY = """WITH RECURSIVE family(ref, seq) AS (SELECT ref, seq FROM marqeta_transactions WHERE ref = ? UNION
    SELECT one.ref, one.seq FROM marqeta_transactions AS one JOIN family ON one.preceding_related_transaction_token = family.ref
    WHERE one.deleted = 0) SELECT seq FROM family"""
_OWNERS = ("user_token", "acting_user_token", "card_token")
_NOBODY = ("business_token", "account_token")


def _list(call: Call) -> Record:
    """PENDING and COMPLETION of the last 30 days, unless other states and both dates are asked for."""
    where: list[Condition] = [(f"{name} = ?", (call.query[name],)) for name in _OWNERS if name in call.query]
    where += [("0", ()) for name in _NOBODY if name in call.query]  # there are neither businesses nor credit accounts
    if "start_identifier" in call.query:
        where.append(("seq >= ?", (call.query["start_identifier"],)))
    return _listed(call, where, _USUAL)


def _of_card(call: Call) -> Record:
    """UNCONFIRMED: that it shows and hides the same states as the list of all."""
    get(call.desk, "marqeta_cards", call.ref)
    where: list[Condition] = [("card_token = ?", (call.ref,))]
    if "user_token" in call.query:
        where.append(("user_token = ?", (call.query["user_token"],)))
    if call.query.get("is_recurring"):
        where.append(("0", ()))
    return _listed(call, where, _USUAL)


def _related(call: Call) -> Record:
    """The other messages about the same purchase, of every state. UNCONFIRMED: that the one asked about is not among them."""
    asked = root = get(call.desk, _TABLE, call.ref)
    while root["preceding_related_transaction_token"]:  # a chargeback follows a clearing, which follows an authorization
        root = get(call.desk, _TABLE, root["preceding_related_transaction_token"])
    family = select(call.desk, _TABLE, f"seq IN ({_FAMILY})", (root["ref"],))
    return _listed(call, [one_of("seq", [row["seq"] for row in family if row["seq"] != asked["seq"]])], _ALL)


def _listed(call: Call, where: list[Condition], states: str) -> Record:
    sort = sort_of(call.query.get("sort_by", "-user_transaction_time"), _SORTS)
    earliest, latest = _span(call.query, call.desk.now)
    conditions = [*where, *_states(call.query.get("state", states))]
    if sort.column == "user_transaction_time":
        sort = replace(sort, earliest=earliest, latest=latest)
    else:  # the + keeps SQLite from walking by these dates and sorting afterwards
        conditions += [("+user_transaction_time BETWEEN ? AND ?", (earliest, latest))]
    if "type" in call.query:
        conditions.append(one_of("type", _words(call.query["type"])))
    return paged(call, _TABLE, transactions, conditions, sort, 10)


def _states(asked: str) -> list[Condition]:
    """UNCONFIRMED: that ALL, which is documented for the related ones, means the same on the list of all."""
    words = _words(asked)
    if words == [_ALL]:
        return []
    if not words or not set(words) <= set(_STATES):
        raise invalid(f"state ({asked})")
    return [one_of("state", words)]


def _span(query: Mapping[str, Any], now: int) -> tuple[int, int]:
    """Both dates look as far back as they say, one alone never beyond the 30 days.

    UNCONFIRMED: that they are about user_transaction_time, by which the list is sorted, and not about created_time.
    """
    start, end = _moment(query, "start_date", now), _moment(query, "end_date", now)
    if start is None or end is None:
        start = max(start or 0, now - _LOOKS_BACK)
    if end is not None and end < start:
        raise invalid("end_date lies before start_date")
    return start, _NEVER if end is None else end


def _moment(query: Mapping[str, Any], name: str, now: int) -> int | None:
    """`yyyy-MM-dd`, which as an end is the whole day, or `yyyy-MM-ddTHH:mm:ss.SS`; both UTC."""
    if name not in query:
        return None
    text = query[name]
    try:
        read = datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise invalid(f"{name} ({text})") from None
    if "T" not in text and name == "end_date":
        read += timedelta(days=1) - timedelta(seconds=1)
    return int(read.timestamp())


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


ENDPOINTS = (
    Endpoint("GET", "/transactions", _list, queries.TRANSACTION_LIST),
    Endpoint("GET", "/transactions/{token}", retrieve(_TABLE, transactions), queries.TRANSACTION),
    Endpoint("GET", "/transactions/{token}/related", _related, queries.RELATED),
    Endpoint("GET", "/cards/{token}/transactions", _of_card, queries.CARD_TRANSACTIONS),
)
