"""What Square tells by webhook: which rows, in which envelope, how it is signed; who stores and sends is elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from uuid import uuid4

import orjson

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.square import objects
from cardctl.simulator.outbox import Notice, Posting, Registered, Touched
from cardctl.simulator.rows import Record, select
from cardctl.simulator.square import subscriptions
from cardctl.simulator.square.tables import CARDS, CUSTOMERS, DISPUTES, PAYMENTS, REFUNDS

HEADER = "x-square-hmacsha256-signature"
KEY = "square.webhook_signature_key"
URL = "square.notification_url"
"""Names of `secrets`: the key, and the address that is signed with the body."""

DEFAULT_URL = "http://127.0.0.1:8421/webhooks/square"
"""What is signed where nobody registered an address: where `cardctl webhook serve` listens by itself."""

SEARCHABLE = "square_events:"
"""Where it is kept for each seller that events can be searched; `searchable` is then the notice's key."""

_RENEWED = ("exp_month", "exp_year", "last_4", "card_brand", "bin", "fingerprint")
"""What changes on a card that its bank has renewed: nobody else can change it."""


def notices(desk: Desk, touched: Sequence[Touched]) -> list[Notice]:
    """What is told of these rows, in order."""
    told: list[Notice] = []
    for each in touched:
        for kind, body in _TELLERS.get(each.table, _nothing)(desk, each):
            told.append(_event(desk, each.after, kind, body))
    return told


def posted(notices: Sequence[Notice], secrets: Mapping[str, Sequence[str]], at: int) -> Posting:
    """The one notice, signed: base64 of HMAC-SHA256 of the address and the raw body (CONFIRMED). There is no time in it."""
    del at
    (notice,) = notices
    body = orjson.dumps(notice.body)
    url = next(iter(secrets.get(URL, ())), DEFAULT_URL)
    key = next(iter(secrets.get(KEY, ())), "")
    proof = base64.b64encode(hmac.new(key.encode(), url.encode() + body, hashlib.sha256).digest()).decode()
    return Posting({"Content-Type": "application/json", HEADER: proof, "square-environment": "Sandbox"}, body)


def registered(desk: Desk) -> list[Registered]:
    """Subscriptions of every seller, those that are switched on."""
    return [registered_as(row) for row in subscriptions.active(desk)]


def registered_as(row: Record) -> Registered:
    """Its own key and address sign what is sent to it."""
    secrets = {KEY: [row["signature_key"]], URL: [row["notification_url"]]}
    return Registered(row["ref"], row["notification_url"], secrets, tuple(row["event_types"]))


def sample(desk: Desk, merchant: str, kind: str) -> Notice:
    """The event that a test sends: of the newest object of its kind, or of none."""
    noun = kind.partition(".")[0]
    table = _NOUNS[noun]
    rows = select(desk, table, "merchant_id = ? ORDER BY seq DESC LIMIT 1", (merchant,))
    shown = _SHOW[table](desk, rows[0]) if rows else {"id": "00000000"}
    body = {"type": noun, "id": shown["id"], "object": {noun: shown}}
    return _event(desk, rows[0] if rows else {"merchant_id": merchant, "ref": "00000000"}, kind, body)


Told = Iterator[tuple[str, Record]]


def _nothing(_: Desk, __: Touched) -> Told:
    yield from ()


def _of_customer(desk: Desk, each: Touched) -> Told:
    """CONFIRMED by the official example: a deleted one is told as it was, and `deleted` stands beside it. UNCONFIRMED: what is
    told of a merge, which Square's own pages call `event_context`."""
    shown = _data(desk, each)
    if each.after["deleted"] and (each.before is None or not each.before["deleted"]):
        into = each.after["merged_into"]
        context = {"event_context": {"merge": {"from_customer_ids": [each.ref], "to_customer_id": into}}} if into else {}
        yield "customer.deleted", {**shown, "deleted": True, "object": {**shown["object"], **context}}
    elif not each.after["deleted"]:
        yield f"customer.{'created' if each.before is None else 'updated'}", shown


def _of_card(desk: Desk, each: Touched) -> Told:
    before, after, shown = each.before, each.after, _data(desk, each)
    if before is None:
        yield "card.created", shown
    elif after["forgotten"]:
        yield "card.forgotten", shown
    elif before["enabled"] and not after["enabled"]:
        yield "card.disabled", shown
    elif any(before[name] != after[name] for name in _RENEWED):
        yield "card.automatically_updated", shown
    else:
        yield "card.updated", shown


def _of_payment(desk: Desk, each: Touched) -> Told:
    yield f"payment.{'created' if each.before is None else 'updated'}", _data(desk, each)


def _of_refund(desk: Desk, each: Touched) -> Told:
    """The official examples have a version that the REST object lacks."""
    shown = _data(desk, each)
    refund = {**shown["object"]["refund"], "version": each.after["version"]}
    yield f"refund.{'created' if each.before is None else 'updated'}", {**shown, "object": {"refund": refund}}


def _of_dispute(desk: Desk, each: Touched) -> Told:
    shown = _data(desk, each)
    if each.before is None:
        yield "dispute.created", shown
    elif each.before["state"] != each.after["state"]:
        yield "dispute.state.updated", shown


def _data(desk: Desk, each: Touched) -> Record:
    noun = _WORDS[each.table]
    return {"type": noun, "id": each.ref, "object": {noun: _SHOW[each.table](desk, each.after)}}


def _event(desk: Desk, row: Mapping[str, str], kind: str, data: Record) -> Notice:
    event_id = str(uuid4())
    where = {"location_id": row["location_id"]} if kind.startswith("dispute.") and "location_id" in row else {}
    at = objects.instant(int(row.get("updated") or desk.now * 1000))
    body = {"merchant_id": row["merchant_id"], **where, "type": kind, "event_id": event_id, "created_at": at, "data": data}
    query = "SELECT 1 FROM meta WHERE key = ?"
    searchable = desk.db.execute(query, (SEARCHABLE + row["merchant_id"],)).fetchone()
    return Notice(event_id, kind, row["ref"], None, body, "searchable" if searchable else "")


_WORDS = {CUSTOMERS: "customer", CARDS: "card", PAYMENTS: "payment", REFUNDS: "refund", DISPUTES: "dispute"}
_NOUNS = {noun: table for table, noun in _WORDS.items()}
_SHOW: dict[str, Callable[[Desk, Record], Record]] = {
    CUSTOMERS: lambda _, row: objects.customer(row),
    CARDS: lambda _, row: objects.card(row),
    PAYMENTS: lambda desk, row: objects.payments(desk, [row])[0],
    REFUNDS: lambda _, row: objects.refund(row),
    DISPUTES: lambda _, row: objects.dispute(row),
}
_TELLERS: dict[str, Callable[[Desk, Touched], Told]] = {
    CUSTOMERS: _of_customer,
    CARDS: _of_card,
    PAYMENTS: _of_payment,
    REFUNDS: _of_refund,
    DISPUTES: _of_dispute,
}
