"""Bank rules of reports: a CSV of what ended in a span of time, written when it is due; no wire."""

from __future__ import annotations

import csv
import io
from uuid import uuid4

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change, insert, select
from cardctl.simulator.zendit import wallet
from cardctl.simulator.zendit.tables import LEDGER, REPORTS
from cardctl.simulator.zendit.words import invalid, missing

REQUESTED, READY = "REQUESTED", "READY"

_COLUMNS = ("transactionId", "productType", "type", "status", "amount", "currency", "currencyDivisor")
"""UNCONFIRMED, all of them; `createdAt` and `updatedAt` follow."""


def order(desk: Desk, start: int, end: int) -> Record:
    """A report on [start, end), in Unix seconds; it is written later."""
    if start >= end:
        raise invalid("endLt", "must be after startGte")
    record = {
        "ref": str(uuid4()),
        "updated": desk.now,
        "status": REQUESTED,
        "startGte": start,
        "endLt": end,
        "log": [_line(REQUESTED, desk.now)],
        "due": desk.now + wallet.pace(desk),
    }
    return insert(wallet.visit(desk), REPORTS, record)


def report(desk: Desk, ref: str) -> Record:
    """Refused where there is none."""
    found = select(desk, REPORTS, "ref = ? AND deleted = 0", (ref,))
    if not found:
        raise missing("Report", ref)
    return found[0]


def write_report(desk: Desk, row: Record) -> None:
    """CONFIRMED: what is DONE or FAILED alone, by the time when it ended."""
    at = row["due"]
    where = "finished >= ? AND finished < ? AND deleted = 0 ORDER BY finished, seq"
    found = select(desk, LEDGER, where, (row["startGte"], row["endLt"]))
    changes = {"status": READY, "name": f"transactions-{row['ref']}.csv", "body": _csv(found), "updated": at, "due": None}
    change(wallet.visit(desk), REPORTS, row["ref"], changes | {"log": [*row["log"], _line(READY, at)]})


def _csv(entries: list[Record]) -> bytes:
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow([*_COLUMNS, "createdAt", "updatedAt"])
    for each in entries:
        writer.writerow([*(each[name] for name in _COLUMNS), wallet.instant(each["created"]), wallet.instant(each["updated"])])
    return page.getvalue().encode()


def _line(status: str, at: int) -> Record:
    return {"recordedAt": wallet.instant(at), "status": status, "message": f"Report {status.lower()}"}
