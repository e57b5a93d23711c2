"""What Zendit's clock brings about: purchases, refunds, top-ups and reports, in the order of their times; no wire."""

from __future__ import annotations

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, select
from cardctl.simulator.telling import tell
from cardctl.simulator.zendit import purchases, refunds, reports, topping_up
from cardctl.simulator.zendit.tables import LEDGER, PURCHASES, REPORTS, TOPUPS

_MONEY = (TOPUPS, LEDGER, PURCHASES)
"""Of what is due in one moment, what comes in goes before what goes out."""


def any_due(desk: Desk) -> bool:
    """Whether `settle` would do something; costs no commit."""
    due = " UNION ALL ".join(f"SELECT 1 FROM {table} WHERE due <= ?1 AND deleted = 0" for table in (*_MONEY, REPORTS))  # noqa: S608  (our own names)
    return desk.db.execute(f"{due} LIMIT 1", (desk.now,)).fetchone() is not None


def settle(desk: Desk) -> None:
    """Whatever is due is done, one thing after another; each state is told as it was then."""
    while found := _next(desk):
        table, row = found
        if table == PURCHASES:
            purchases.step(desk, row)
            tell(desk)
        elif table == LEDGER:
            refunds.done(desk, row)
        else:
            topping_up.credited(desk, row)
    for row in select(desk, REPORTS, "due <= ? AND deleted = 0 ORDER BY due, seq", (desk.now,)):
        reports.write_report(desk, row)


def _next(desk: Desk) -> tuple[str, Record] | None:
    found = desk.db.execute(_FIRST, (desk.now,)).fetchone()
    if found is None:
        return None
    (row,) = select(desk, found[0], "seq = ?", (found[1],))
    return found[0], row


_FIRST = " UNION ALL ".join(
    f"SELECT '{table}', seq, due, {place} AS place FROM {table} WHERE due <= ?1 AND deleted = 0"  # noqa: S608  (our own names)
    for place, table in enumerate(_MONEY)
)
_FIRST += " ORDER BY due, place, seq LIMIT 1"
