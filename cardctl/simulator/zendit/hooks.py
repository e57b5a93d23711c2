"""Who is told of purchases: one address for each product, as the console keeps it, with the header that proves who calls."""

from __future__ import annotations

from cardctl.errors import BadInput
from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, insert, select, write
from cardctl.simulator.zendit.tables import WEBHOOKS
from cardctl.simulator.zendit.wallet import visit
from cardctl.simulator.zendit.words import ESIM, PRODUCTS

HEADER = "Authorization"
"""What it is called where nobody chose a name: there is no default of Zendit's (CONFIRMED), so it is the simulator's own."""

NAME = "zendit.webhook_header"
"""What the name of the header is called among `secrets`, beside `zendit.webhook_secret`, which is its value."""

_SETTING = "zendit_webhook_header"


def save(desk: Desk, url: str, header: str, value: str, product: str = ESIM) -> Record:
    """The address of a product; the one before it hears nothing more. BadInput for a product that is none."""
    if product not in PRODUCTS:
        raise BadInput(f"{product!r} is no product of Zendit's", hint=f"there are {', '.join(PRODUCTS)}")
    for before in select(desk, WEBHOOKS, "product = ? AND deleted = 0", (product,)):
        write(visit(desk), WEBHOOKS, before["ref"], {"deleted": 1})
    count = desk.db.execute(f"SELECT count(*) FROM {WEBHOOKS}").fetchone()[0]  # noqa: S608  (our own name)
    record = {"ref": f"zendit-webhook-{count + 1}", "updated": desk.now, "product": product, "url": url}
    return insert(visit(desk), WEBHOOKS, record | {"header": header, "value": value})


def saved(desk: Desk) -> list[Record]:
    """Those that are told now."""
    return select(desk, WEBHOOKS, "deleted = 0 ORDER BY seq", ())


def header(desk: Desk) -> str:
    """The name of the header where no address is saved."""
    row = desk.db.execute("SELECT value FROM meta WHERE key = ?", (_SETTING,)).fetchone()
    return str(row[0]) if row else HEADER


def name_header(desk: Desk, name: str) -> None:
    """From now on it is called so."""
    desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_SETTING, name))
