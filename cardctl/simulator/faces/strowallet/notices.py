"""What Strowallet tells by webhook, in its own words: one flat object a request; who stores and sends is elsewhere.

There is no event for freezing, unfreezing and changes of a customer: none is documented.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from urllib.parse import urlencode

import orjson

from cardctl.simulator.categories import CODES
from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.strowallet.objects import major
from cardctl.simulator.outbox import Notice, Posting, Registered, Touched
from cardctl.simulator.rows import Record, select
from cardctl.simulator.strowallet.tables import CARDS, MESSAGES, TRANSACTIONS
from cardctl.simulator.strowallet.words import FAILED, NFC, PENDING, SUCCESS, TERMINATED

CREATED = "virtualcard.created.complete"
FUNDED = "virtualcard.topup.complete"
WITHDRAWN = "virtualcard.withdrawal.success"
AUTHORISED = "virtualcard.transaction.authorization"
DECLINED = "virtualcard.transaction.declined"
ENDED = "virtualcard.transaction.declined.terminated"
ABROAD = "virtualcard.transaction.crossborder"

SECRET = "strowallet.webhook_secret"  # noqa: S105  (a setting's name)
SIGNED = "strowallet.signed"
"""Names of `secrets`: the one in the URL, and `1` under the other where a gateway signs instead."""

_HOME = ("US", "USA", "840", "")
_MILLISECONDS = 1000


def notices(desk: Desk, touched: Sequence[Touched]) -> list[Notice]:
    """What is told of these rows, in order; of a row that was deleted, nothing."""
    told: list[Notice] = []
    for each in touched:
        tell = _TELLERS.get(each.table)
        if tell is not None and not each.after["deleted"]:
            told += tell(desk, each.after, each.before)
    return told


def posted(notices: Sequence[Notice], secrets: Mapping[str, Sequence[str]], at: int) -> Posting:
    """The one notice, with the secret in the URL. Where a gateway signs: hex HMAC-SHA256 of the raw body under that secret, and
    the time in milliseconds beside it, which is not signed. UNCONFIRMED: Strowallet documents no signature of card webhooks."""
    (notice,) = notices
    body = orjson.dumps(notice.body)
    headers = {"Content-Type": "application/json"}
    secret = next(iter(secrets.get(SECRET, ())), None)
    if secret is None:
        return Posting(headers, body)
    if "1" not in secrets.get(SIGNED, ()):
        return Posting(headers, body, urlencode({"secret": secret}))
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    signed = {"X-Strowallet-Timestamp": str(at * _MILLISECONDS), "X-Strowallet-Signature": signature}
    return Posting(headers | signed, body)


def registered(_: Desk) -> list[Registered]:
    """Nobody: Strowallet has no call for it, its one URL is a setting of the dashboard."""
    return []


def _of_card(desk: Desk, card: Record, before: Record | None) -> Iterable[Notice]:
    """A new card, or one that the bank has just ended."""
    if before is None:
        yield _created(card)
    elif card["card_status"] == TERMINATED != before["card_status"]:
        yield _ended(desk, card, before)


def _created(card: Record) -> Notice:
    """CONFIRMED: `id` looks like the card's here, and is no event's."""
    body = {
        "id": card["ref"],
        "event": CREATED,
        "amount": major(card["balance"]),
        "cardId": card["ref"],
        "cardBrand": card["card_brand"].title(),
        "lastFour": card["last4"],
        "status": card["card_status"],
        "createdStatus": "completed",
        "reference": card["reference"],
    }
    return Notice(card["ref"], CREATED, card["ref"], card["ref"], body)


def _ended(desk: Desk, card: Record, before: Record) -> Notice:
    """With the decline that was the last straw, if there is one. UNCONFIRMED: amounts as text; the one sample has numbers."""
    where = """"cardId" = ? AND kind = 'purchase' AND status = 'failed' AND deleted = 0 ORDER BY seq DESC LIMIT 1"""
    straw = next(iter(select(desk, TRANSACTIONS, where, (card["ref"],))), None)
    body = {
        "amount": major(-straw["amount"] if straw else 0),
        "cardId": card["ref"],
        "status": SUCCESS,
        "reference": card["reference"],
        "transactionReference": straw["reference"] if straw else "",
        "balanceBeforeTermination": major(before["balance"]),
    }
    return _event(ENDED, card["ref"], card["ref"], body)


def _of_transaction(desk: Desk, row: Record, before: Record | None) -> Iterable[Notice]:
    """A row is told once it is no longer waiting: a hold, which waits for good, when it is made."""
    if before is not None and before["status"] == row["status"]:
        return
    match row["kind"], row["status"]:
        case "funding", "success" | "failed" if row["world"] != NFC:  # ziiropay.com is not known to send it
            yield _funded(desk, row)
        case "withdrawal", "success":
            yield _withdrawn(row)
        case "purchase", "failed":
            yield _declined(row)
        case "purchase", "success" | "pending":
            yield _authorised(row)
            if ((row["merchant"] or {}).get("country") or "") not in _HOME:
                yield _crossed(row)


def _funded(desk: Desk, row: Record) -> Notice:
    """CONFIRMED: the same event for success and failure; `status` decides."""
    (card,) = select(desk, CARDS, "ref = ?", (row["cardId"],))
    ended = card["card_status"] == TERMINATED
    body = {
        **_about(row),
        "status": row["status"],
        "reason": "Card has been terminated" if row["status"] == FAILED else "",
        "isTerminated": ended,
    }
    return _event(FUNDED, row["ref"], row["cardId"], body)


def _withdrawn(row: Record) -> Notice:
    """CONFIRMED: the card gave `amount`, the float got `credited`; this bank takes no fee."""
    amount = major(-row["amount"])
    body = {**_about(row), "fee": "0", "credited": amount, "reason": "", "status": "complete"}
    return _event(WITHDRAWN, row["ref"], row["cardId"], body)


def _authorised(row: Record) -> Notice:
    """CONFIRMED: `merchant` is text here, and the word is `completed`. UNCONFIRMED: that of a hold."""
    merchant = row["merchant"] or {}
    body = {
        **_about(row),
        "status": PENDING if row["status"] == PENDING else "completed",
        "currency": row["currency"].upper(),
        "merchant": row["narrative"],
        "mcc": merchant.get("mcc") or CODES.get(merchant.get("category") or ""),
        "country": merchant.get("country"),
    }
    known = {name: value for name, value in body.items() if value is not None}
    return _event(AUTHORISED, row["ref"], row["cardId"], known)


def _declined(row: Record) -> Notice:
    body = {**_about(row), "reason": _SENTENCES.get(row["reason"], row["reason"] or ""), "status": FAILED}
    return _event(DECLINED, row["ref"], row["cardId"], body)


def _crossed(row: Record) -> Notice:
    """A second word about the same purchase, under the same reference. UNCONFIRMED: that it comes beside the authorization."""
    amount = major(-row["amount"])
    body = {
        "amount": amount,
        "chargedAmount": amount,  # this bank takes no fee for it
        "cardId": row["cardId"],
        "narrative": row["narrative"],
        "status": row["status"],
        "reference": row["reference"],
        "createdAt": _moment(row["created"]),
    }
    return _event(ABROAD, row["ref"], row["cardId"], body)


def _of_message(_: Desk, row: Record, before: Record | None) -> Iterable[Notice]:
    if before is None:
        yield Notice(row["ref"], row["event"], row["ref"], row["cardId"], row["body"])


def _about(row: Record) -> Record:
    """What the events of a row have in common."""
    return {
        "date": _moment(row["created"]),
        "amount": major(abs(row["amount"])),
        "cardId": row["cardId"],
        "narrative": row["narrative"],
        "reference": row["reference"],
    }


def _event(event: str, ref: str, card_ref: str, body: Record) -> Notice:
    name = f"evt-{token_hex(12)}"
    return Notice(name, event, ref, card_ref, {"id": name, "event": event, **body})


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_SENTENCES = {"insufficient_funds": "Insufficient funds", "card_inactive": "Card is not active"}
_TELLERS: dict[str, Callable[[Desk, Record, Record | None], Iterable[Notice]]] = {
    CARDS: _of_card,
    TRANSACTIONS: _of_transaction,
    MESSAGES: _of_message,
}
