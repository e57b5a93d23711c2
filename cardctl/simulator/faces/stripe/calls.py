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

_EXPANDS = {
    "authorizations": {"cardholder": "holders"},
    "transactions": {"authorization": "authorizations", "card": "cards", "cardholder": "holders", "dispute": "disputes"},
    "disputes": {"transaction": "transactions"},
}
"""Table to its expandable fields and the tables that these point into."""

_NOTHING_MORE = {
    "cards": ("cardholder", "personalization_design"),
    "authorizations": ("card", "token", "transactions"),
    "transactions": ("balance_transaction", "token"),
    "topups": ("balance_transaction",),
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
    return name in _EXPANDS.get(table, {}) or name in _NOTHING_MORE.get(table, ())


def _expand_field(call: Call, table: str, rendered: Record, name: str) -> None:
    if name in ("number", "cvc"):
        rendered[name] = find(call.desk, "cards", rendered["id"])[name]
    elif name in _EXPANDS.get(table, {}) and rendered[name] is not None:
        inner = _EXPANDS[table][name]
        rendered[name] = objects.RENDER[inner](call.desk, [find(call.desk, inner, rendered[name])])[0]
