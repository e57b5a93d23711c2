"""What every endpoint shares: the call that it serves, list objects, `expand`, metadata updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.stripe import objects
from cardctl.simulator.faces.stripe.errors import Problem
from cardctl.simulator.faces.stripe.parameters import Group, merged
from cardctl.simulator.rows import Record, change, find, page
from cardctl.simulator.sales.tables import CHARGES, CHECKOUTS, INTENTS, REFUNDS

_EXPANDS = {
    "authorizations": {"cardholder": "holders"},
    "transactions": {"authorization": "authorizations", "card": "cards", "cardholder": "holders", "dispute": "disputes"},
    "disputes": {"transaction": "transactions"},
    INTENTS: {"latest_charge": CHARGES},
    CHARGES: {"payment_intent": INTENTS},
    CHECKOUTS: {"payment_intent": INTENTS},
    REFUNDS: {"charge": CHARGES, "payment_intent": INTENTS},
}
"""Table to its expandable fields and the tables that these point into."""

_NOTHING_MORE = {
    "cards": ("cardholder", "personalization_design"),
    "authorizations": ("card", "token", "transactions"),
    "transactions": ("balance_transaction", "token"),
    "topups": ("balance_transaction",),
    INTENTS: ("customer", "payment_method", "review"),
    CHARGES: ("balance_transaction", "customer"),
    CHECKOUTS: ("customer", "invoice", "subscription"),
    REFUNDS: ("balance_transaction",),
}
"""Fields that may be named in `expand` and are whole, or null, already."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed the parameter table; `ref` is the object named in its path."""

    desk: Desk
    path: str
    ref: str
    params: Mapping[str, Any]

    @property
    def wish(self) -> Record:
        """The parameters that are about the object."""
        return {name: value for name, value in self.params.items() if name != "expand"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` has at most one `{…}`; `answer` makes the JSON of a 200."""

    method: str
    path: str
    takes: Group
    answer: Callable[[Call], Record]


def shown(call: Call, table: str, row: Record) -> Record:
    """One object, as the whole answer."""
    rendered = objects.RENDER[table](call.desk, [row])[0]
    _expand(call, table, [rendered], "")
    return rendered


def listed(call: Call, table: str, filters: Mapping[str, Any]) -> Record:
    """A list object: newest first, `limit` of them (default 10), after or before a cursor."""
    after, before = call.params.get("starting_after"), call.params.get("ending_before")
    if after and before:
        raise Problem(400, "You cannot parameterize both starting_after and ending_before.").about("starting_after")
    chosen = page(call.desk, table, filters, limit=call.params.get("limit", 10), after=after, before=before)
    data = objects.RENDER[table](call.desk, chosen.rows)
    _expand(call, table, data, "data.")
    return {"object": "list", "data": data, "has_more": chosen.more, "url": call.path}


def filters(call: Call, **columns: str) -> Record:
    """The list's filters by column name; `columns` says which parameters have another name in the books."""
    paging = ("limit", "starting_after", "ending_before")
    return {columns.get(name, name): value for name, value in call.wish.items() if name not in paging}


def retrieve(table: str) -> Callable[[Call], Record]:
    """The endpoint that shows one object."""
    return lambda call: shown(call, table, find(call.desk, table, call.ref))


def update_metadata(table: str) -> Callable[[Call], Record]:
    """The endpoint that changes nothing but metadata."""

    def answer(call: Call) -> Record:
        before = find(call.desk, table, call.ref)
        return shown(call, table, change(call.desk, table, call.ref, with_metadata(call.wish, before["metadata"])))

    return answer


def with_metadata(wish: Record, before: Mapping[str, str]) -> Record:
    """The wish with its metadata merged into what was there."""
    return {**wish, "metadata": merged(before, wish["metadata"])} if "metadata" in wish else wish


def _expand(call: Call, table: str, data: list[Record], prefix: str) -> None:
    for asked in call.params.get("expand", ()):
        name = asked.removeprefix(prefix)
        if not asked.startswith(prefix) or not _expandable(call, table, name, prefix):
            raise Problem(400, f"This property cannot be expanded ({asked}).").about("expand")
        for rendered in data:
            _expand_field(call, table, rendered, name)


def _expandable(call: Call, table: str, name: str, prefix: str) -> bool:
    if table == "cards" and name in ("number", "cvc"):  # only where one card is retrieved (SDK 16.1.0)
        return not prefix and call.path.endswith(call.ref) and not call.wish
    first, _, rest = name.partition(".")
    inner = _EXPANDS.get(table, {}).get(first)
    if rest:
        return inner is not None and _expandable(call, inner, rest, prefix)
    return inner is not None or first in _NOTHING_MORE.get(table, ()) or (table, first) in objects.INCLUDED


def _expand_field(call: Call, table: str, rendered: Record, name: str) -> None:
    first, _, rest = name.partition(".")
    if first in ("number", "cvc"):
        rendered[first] = find(call.desk, "cards", rendered["id"])[first]
    elif (table, first) in objects.INCLUDED:
        rendered[first] = objects.INCLUDED[table, first](call.desk, rendered["id"])
    elif first in _EXPANDS.get(table, {}) and rendered[first] is not None:
        inner = _EXPANDS[table][first]
        if not isinstance(rendered[first], dict):  # named before, as the way to something within
            rendered[first] = objects.RENDER[inner](call.desk, [find(call.desk, inner, rendered[first])])[0]
        if rest:
            _expand_field(call, inner, rendered[first], rest)
