"""Bank rules of buying: what is taken on, each state on the way to an end, and what the wallet holds meanwhile; no wire."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from cardctl.simulator.desk import Desk
from cardctl.simulator.rows import Record, change, insert, select
from cardctl.simulator.zendit import wallet
from cardctl.simulator.zendit.tables import LEDGER, OFFERS, PURCHASES
from cardctl.simulator.zendit.words import (
    ACCEPTED,
    AUTHORIZED,
    DEBIT,
    DONE,
    DUPLICATE,
    ENDED,
    ESIM,
    FAILED,
    IN_PROGRESS,
    INSUFFICIENT_FUNDS,
    PENDING,
    PROVIDER_ERROR,
    REASONS,
    Refused,
    invalid,
    missing,
)

NOUN = "Transaction"
SMDP = "rsp.simulator.invalid"

_HOLDS = (AUTHORIZED, IN_PROGRESS)
_KNOWN = (ACCEPTED, PENDING, *_HOLDS, *ENDED)
_NEXT = {ACCEPTED: PENDING, PENDING: AUTHORIZED, AUTHORIZED: IN_PROGRESS}
_LETTERS = string.ascii_uppercase + string.digits
_COPIED = ("brand", "brandName", "country", "regions", "subTypes", "dataGB", "dataUnlimited", "dataSpeeds", "durationDays")
_COPIED_TOO = ("roaming", "notes")


def offer(desk: Desk, ref: str) -> Record:
    """One that is listed, bought or not. Refused where there is none."""
    found = select(desk, OFFERS, "ref = ? AND deleted = 0", (ref,))
    if not found:
        raise missing("Offer", ref)
    return found[0]


def buy(desk: Desk, wish: Mapping[str, Any]) -> Record:
    """A purchase that is accepted, {offerId, transactionId, iccid}; whether the wallet can pay it is seen later.

    Refused for a transactionId that was ever used: UNCONFIRMED, that it says 400 and DUPLICATE. CONFIRMED: 404 for an offer
    that is not there or not enabled. UNCONFIRMED: what an `iccid` of nobody is answered with.
    """
    ref = wish["transactionId"]
    if select(desk, LEDGER, "transactionId = ? LIMIT 1", (ref,)) or select(desk, PURCHASES, "ref = ? LIMIT 1", (ref,)):
        raise Refused(DUPLICATE, f"transactionId {ref} was already used.", {"transactionId": "was already used"})
    chosen = offer(desk, wish["offerId"])
    if not chosen["enabled"]:
        raise missing("Offer", wish["offerId"])
    if wish.get("iccid") and not of_iccid(desk, wish["iccid"]):
        raise invalid("iccid", "is no eSIM of yours")
    row = insert(wallet.visit(desk), PURCHASES, _new(desk, ref, chosen, wish.get("iccid")))
    entry = {"transactionId": ref, "productType": ESIM, "type": DEBIT, "status": ACCEPTED, "amount": cost_of(row)}
    wallet.booked(desk, entry | {name: row[name] for name in ("currency", "currencyDivisor")})
    return row


def purchase(desk: Desk, ref: str) -> Record:
    """Refused where there is none."""
    found = select(desk, PURCHASES, "ref = ? AND deleted = 0", (ref,))
    if not found:
        raise missing(NOUN, ref)
    return found[0]


def of_iccid(desk: Desk, iccid: str) -> list[Record]:
    """What was put on an eSIM, oldest first."""
    return select(desk, PURCHASES, "iccid = ? AND status = ? AND deleted = 0 ORDER BY seq", (iccid, DONE))


def activation(row: Record) -> str | None:
    """What the QR code says, once there is one. A code that begins with `LPA:` is whole."""
    code = row["activationCode"]
    if row["status"] != DONE or not code:
        return None
    return code if code.startswith("LPA:") else f"LPA:1${row['smdpAddress']}${code}"


def cost_of(row: Record) -> int:
    """Fee included. CONFLICT: it may be that Zendit's own `cost` lacks it; what the wallet pays is the sum in either case."""
    return int(row["costBase"] + row["costFee"])


def step(desk: Desk, row: Record) -> Record:
    """The next state of a purchase, at the time when it is due. CONFIRMED: INSUFFICIENT_FUNDS is a failure of one that was
    accepted."""
    at, status = row["due"], row["status"]
    if status not in (*_NEXT, IN_PROGRESS):  # staff have set a time to one that has ended, or that is in no state of Zendit's
        return change(wallet.visit(desk), PURCHASES, row["ref"], {"due": None})
    if status == IN_PROGRESS:
        return moved(desk, row, FAILED if row["failure"] else DONE, at, row["failure"])
    upcoming = _NEXT[status]
    if upcoming == AUTHORIZED and wallet.in_cents(cost_of(row), row["currencyDivisor"]) > wallet.balance(desk):
        return moved(desk, row, FAILED, at, INSUFFICIENT_FUNDS)
    wait = max(row["pace"], row["takes"]) if upcoming == IN_PROGRESS else row["pace"]
    return moved(desk, row, upcoming, at, due=at + wait)


def moved(desk: Desk, row: Record, status: str, at: int, failure: str | None = None, *, due: int | None = None) -> Record:
    """A purchase in another state: the wallet, the entry of the ledger and what was bought go with it."""
    changes = entered(desk, row, status, at, failure) | {"status": status, "due": due}
    return change(wallet.visit(desk), PURCHASES, row["ref"], changes)


def entered(desk: Desk, row: Record, status: str, at: int, failure: str | None = None) -> Record:
    """What changes on a purchase with its state, beside the state; wallet and ledger have then followed."""
    again = row["log"][-1]["status"] == status
    log = row["log"] if again else [*row["log"], wallet.logged(status, at)]
    before = row["error"] if again else None
    error = before or error_of(failure or row["failure"] or PROVIDER_ERROR) if status == FAILED else None
    finished = at if status in ENDED else None
    entry = {"status": status, "log": log, "error": error, "finished": finished, "updated": at, "amount": cost_of(row)}
    wallet.mirrored(desk, row["ref"], {**entry, "currencyDivisor": row["currencyDivisor"]})
    told = {"log": log, "error": error, "updated": at, **_held(desk, row, status)}
    return told | (_bought(desk, row) if status == DONE and not row["iccid"] else {})


def error_of(code: str) -> Record:
    """As a transaction that failed says why."""
    return {"code": code, "description": REASONS.get(code, code), "message": REASONS.get(code, code)}


def _held(desk: Desk, row: Record, status: str) -> Record:
    """A word that is not Zendit's leaves the money where it is."""
    if status not in _KNOWN:
        return {}
    cents = wallet.in_cents(cost_of(row), row["currencyDivisor"])
    after = {"held": cents if status in _HOLDS else 0, "captured": cents if status == DONE else 0}
    wallet.move(desk, row["held"] + row["captured"] - after["held"] - after["captured"])
    return after


def _new(desk: Desk, ref: str, chosen: Record, onto: str | None) -> Record:
    return {
        "ref": ref,
        "updated": desk.now,
        "offerId": chosen["ref"],
        "status": ACCEPTED,
        "offer": {name: chosen[name] for name in (*_COPIED, *_COPIED_TOO)},
        **{name: chosen[name] for name in ("currency", "currencyDivisor", "takes", "failure", "codeless")},
        "costBase": chosen["cost_fixed"],
        "costFee": chosen["cost_fee"],
        "priceBase": chosen["price_fixed"],
        "priceFee": chosen["price_fee"],
        "onto": onto,
        "log": [wallet.logged(ACCEPTED, desk.now)],
        "pace": wallet.pace(desk),
        "due": desk.now + wallet.pace(desk),
    }


def _bought(desk: Desk, row: Record) -> Record:
    if row["onto"]:
        for first in of_iccid(desk, row["onto"])[:1]:
            return {name: first[name] for name in ("iccid", "smdpAddress", "activationCode")} | {
                "externalReferenceId": _drawn(12)
            }
    code = "-".join(_drawn(5) for _ in range(4))
    return {"iccid": _iccid(), "smdpAddress": SMDP, "activationCode": code, "externalReferenceId": _drawn(12)}


def _drawn(count: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def _iccid() -> str:
    """89, then an issuer that nobody is, and a check digit (ITU-T E.118)."""
    body = "8999" + "".join(secrets.choice(string.digits) for _ in range(14))
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body))]
    return body + str(-sum(each // 10 + each % 10 for each in doubled) % 10)
