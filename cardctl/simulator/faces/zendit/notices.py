"""What Zendit tells by webhook: a purchase as a GET shows it, proved by a header alone; who stores and sends is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4

import orjson

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.zendit import objects
from cardctl.simulator.outbox import Notice, Posting, Registered, Touched
from cardctl.simulator.zendit import hooks

VALUE = "zendit.webhook_secret"
"""Among `secrets`: the header's value."""

_PREFIX = "purchase."
"""No event has a name on the wire; here it is called by the purchase's product and status, so that it can be chosen."""


def notices(desk: Desk, touched: Sequence[Touched]) -> list[Notice]:
    """CONFIRMED: the body is what a GET gives. UNCONFIRMED: that every state is told; a handler's author says that those in
    flight may be."""
    told = []
    for each in touched:
        kind = f"esim.{_PREFIX}{str(each.after['status']).lower()}"
        told.append(Notice(str(uuid4()), kind, each.ref, None, objects.purchase(desk, each.after)))
    return told


def posted(notices: Sequence[Notice], secrets: Mapping[str, Sequence[str]], at: int) -> Posting:
    """The one notice. CONFIRMED: no signature, and no time in it; a header whose name and value the partner chose."""
    del at
    (notice,) = notices
    name = next(iter(secrets.get(hooks.NAME, ())), hooks.HEADER)
    value = next(iter(secrets.get(VALUE, ())), "")
    return Posting({"Content-Type": "application/json", name: value}, orjson.dumps(notice.body))


def registered(desk: Desk) -> list[Registered]:
    """The addresses that the console keeps, each with the header of its own."""
    return [registered_as(row) for row in hooks.saved(desk)]


def registered_as(row: Mapping[str, str]) -> Registered:
    """It hears of its product alone."""
    secrets = {hooks.NAME: [row["header"]], VALUE: [row["value"]]}
    return Registered(row["ref"], row["url"], secrets, (f"{row['product'].lower()}.{_PREFIX}*",))
