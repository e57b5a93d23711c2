"""Bank rules of giving a purchase's cost back into the wallet: asked for once, done on the far side's clock; no wire."""

from __future__ import annotations

from uuid import uuid4

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change, select
from cardctl.simulator.zendit import wallet
from cardctl.simulator.zendit.purchases import NOUN, cost_of
from cardctl.simulator.zendit.tables import LEDGER
from cardctl.simulator.zendit.words import ACCEPTED, CREDIT, DONE, DUPLICATE, ENDED, FAILED, REFUND, Refused, missing


def ask(desk: Desk, row: Record) -> Record:
    """The refund's entry, accepted. UNCONFIRMED: all of the rules, and what a no says; here only what is DONE is given back,
    once, unless the refund failed, and whatever was done with the eSIM."""
    if row["status"] != DONE:
        raise Refused("REFUND_NOT_ALLOWED", f"A transaction that is {row['status']} cannot be refunded.")
    before = of_purchase(desk, row["ref"])
    if before is not None and before["status"] != FAILED:
        raise Refused(DUPLICATE, f"Transaction {row['ref']} is refunded already.")
    entry = {
        "transactionId": str(uuid4()),
        "productType": REFUND,
        "type": CREDIT,
        "status": ACCEPTED,
        "amount": cost_of(row),
        "refundedTransactionId": row["ref"],
        **{name: row[name] for name in ("currency", "currencyDivisor")},
    }
    return wallet.booked(desk, entry, due=desk.now + wallet.pace(desk))


def refund(desk: Desk, ref: str) -> Record:
    """Refused where nobody asked for one."""
    found = of_purchase(desk, ref)
    if found is None:
        raise missing(f"Refund of {NOUN.lower()}", ref)
    return found


def of_purchase(desk: Desk, ref: str) -> Record | None:
    """The last that was asked for."""
    where = "refundedTransactionId = ? AND deleted = 0 ORDER BY seq DESC LIMIT 1"
    return next(iter(select(desk, LEDGER, where, (ref,))), None)


def done(desk: Desk, entry: Record) -> None:
    """The money is back in the wallet, at the time when it was due. UNCONFIRMED: that no webhook tells of it."""
    at = entry["due"]
    if entry["productType"] != REFUND or entry["status"] in ENDED:  # staff have set a time to what waits for none
        change(wallet.visit(desk), LEDGER, entry["ref"], {"due": None})
        return
    wallet.move(desk, wallet.in_cents(entry["amount"], entry["currencyDivisor"]))
    log = [*entry["log"], wallet.logged(DONE, at)]
    change(wallet.visit(desk), LEDGER, entry["ref"], {"status": DONE, "log": log, "finished": at, "updated": at, "due": None})
