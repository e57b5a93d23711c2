"""What the clock brings about at the simulated Stripe: checkouts expire, refunds that were to end later end."""

from __future__ import annotations

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import change, select
from cardctl.simulator.sales import refunds
from cardctl.simulator.sales.tables import CHECKOUTS, REFUNDS
from cardctl.simulator.telling import tell

_EXPIRED = "status = 'open' AND expires_at <= ? AND deleted = 0"
_DUE = "due_at IS NOT NULL AND due_at <= ? AND deleted = 0"
_ANY = f"SELECT EXISTS (SELECT 1 FROM {CHECKOUTS} WHERE {_EXPIRED}) OR EXISTS (SELECT 1 FROM {REFUNDS} WHERE {_DUE})"  # noqa: S608


def any_due(desk: Desk) -> bool:
    """Whether `settle` would do anything."""
    return bool(desk.db.execute(_ANY, (desk.now, desk.now)).fetchone()[0])


def settle(desk: Desk) -> None:
    """What was to happen by now has happened, and is told, before anybody asks. The visit may come without a face."""
    visit = Desk(desk.db, "stripe", desk.now)
    for row in select(visit, CHECKOUTS, f"{_EXPIRED} ORDER BY expires_at, seq", (desk.now,)):
        change(visit, CHECKOUTS, row["ref"], {"status": "expired"})
    for row in select(visit, REFUNDS, f"{_DUE} ORDER BY due_at, seq", (desk.now,)):
        refunds.end(visit, row)
    tell(visit)
