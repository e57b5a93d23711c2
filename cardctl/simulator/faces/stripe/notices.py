"""What Stripe tells of each row that was written: whole `event` objects (docs.stripe.com/api/events/object), signed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from cardctl.simulator.desk import Desk
from cardctl.simulator.faces.stripe import endpoints, objects, sale_notices
from cardctl.simulator.faces.stripe.signing import HEADER, signature
from cardctl.simulator.outbox import Notice, Posting, Registered, Touched
from cardctl.simulator.rows import Record, new_ref

WEBHOOK_SECRET, AUTHORIZATION_SECRET = "stripe.webhook_secret", "stripe.authorization_secret"
REQUEST = "issuing_authorization.request"
"""Asked while a merchant waits, at an address of its own, and signed with a secret of its own; no list has it (UNCONFIRMED)."""

_NOUNS = {
    "holders": "issuing_cardholder",
    "cards": "issuing_card",
    "authorizations": "issuing_authorization",
    "transactions": "issuing_transaction",
    "disputes": "issuing_dispute",
    "topups": "topup",
}
_ENDED = {"submitted": ["submitted"], "won": ["closed", "funds_reinstated"], "lost": ["closed"], "expired": ["closed"]}
"""A dispute's new status → what is told of it. UNCONFIRMED: that no `updated` is told beside these."""


def notices(desk: Desk, touched: Sequence[Touched]) -> list[Notice]:
    """First what is new, then what changed. A change that no client can see is told to nobody; so is what a purchase changes of
    its card's or holder's other objects (UNCONFIRMED: also an authorization's, when what it took is refunded)."""
    new = [row for row in touched if row.before is None]
    listening = [one.types for one in endpoints.registered(desk)]
    told: list[Notice] = []
    for row in new:
        shown = _rendered(desk, row.table, row.after)
        told += [_notice(desk, row, kind, shown, None, listening) for kind in _beginnings(row)]
    for row in touched:
        kinds = _changes(row) if row.before is not None else []
        if kinds:
            shown = _rendered(desk, row.table, row.after)
            previous = _previous(_as_before(desk, row, shown, {one.ref for one in new}), shown)
            for kind in kinds:
                if _happens(row, kind):
                    told.append(_notice(desk, row, kind, shown, None, listening))
                elif previous:
                    told.append(_notice(desk, row, kind, shown, previous, listening))
    return told


def posted(notices: Sequence[Notice], secrets: Mapping[str, Sequence[str]], at: int) -> Posting:
    """One event as it is sent: JSON with two spaces, signed with every secret that is given."""
    (notice,) = notices
    body = orjson.dumps(notice.body, option=orjson.OPT_INDENT_2)
    name = AUTHORIZATION_SECRET if notice.type == REQUEST else WEBHOOK_SECRET
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        HEADER: signature(body, secrets[name], at),
    }
    return Posting(headers, body)


def registered(desk: Desk) -> list[Registered]:
    """Webhook endpoints that are switched on."""
    return endpoints.registered(desk)


def request(desk: Desk, authorization: Record) -> Notice:
    """What Stripe asks before it decides (docs.stripe.com/issuing/controls/real-time-authorizations): the authorization as it
    is then, not approved, with what is asked of it."""
    shown = _rendered(desk, "authorizations", authorization)
    shown |= {"approved": False, "status": "pending", "request_history": [], "pending_request": _pending(shown)}
    event = _event(desk, REQUEST, {"object": shown}, pending=1)
    return Notice(event["id"], REQUEST, shown["id"], authorization["card"], event)


def _beginnings(row: Touched) -> list[str]:
    if row.table in sale_notices.TABLES:
        return sale_notices.kinds(row)
    done = row.table == "topups" and row.after["status"] == "succeeded"
    return [f"{_NOUNS[row.table]}.{verb}" for verb in (("created", "succeeded") if done else ("created",))]


def _changes(row: Touched) -> list[str]:
    if row.table in sale_notices.TABLES:
        return sale_notices.kinds(row)
    return [f"{_NOUNS[row.table]}.{verb}" for verb in _verbs(row)]


def _happens(row: Touched, kind: str) -> bool:
    """Such an event says what has happened, and not what was before: a page was paid."""
    return row.table in sale_notices.TABLES and not kind.endswith(sale_notices.DIFFERING)


def _verbs(row: Touched) -> list[str]:
    assert row.before is not None
    if row.table == "topups":
        return [row.after["status"]] if row.after["status"] != row.before["status"] else []
    if row.table == "disputes" and row.after["status"] != row.before["status"]:
        return _ENDED.get(row.after["status"], ["updated"])
    return ["updated"]


def _notice(
    desk: Desk, row: Touched, kind: str, shown: Record, previous: Record | None, listening: Sequence[Sequence[str]]
) -> Notice:
    data = {"object": shown} if previous is None else {"object": shown, "previous_attributes": previous}
    event = _event(desk, kind, data, pending=sum(kind in types or "*" in types for types in listening))
    card = row.ref if row.table == "cards" else row.after.get("card")
    return Notice(event["id"], kind, row.ref, card, event)


def _event(desk: Desk, kind: str, data: Record, *, pending: int) -> Record:
    request_id, key = desk.db.asked_by
    return {
        "id": new_ref("evt"),
        "object": "event",
        "api_version": objects.API_VERSION,
        "created": desk.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": pending,
        "request": {"id": request_id, "idempotency_key": key},
        "type": kind,
    }


def _rendered(desk: Desk, table: str, row: Record) -> Record:
    return objects.RENDER[table](desk, [row])[0]


def _as_before(desk: Desk, row: Touched, shown: Record, new: set[str]) -> Record:
    """The object before the visit; what it embeds of others is as it is now, but for transactions that were not there yet."""
    assert row.before is not None
    if row.table == "authorizations":
        return objects.authorization(row.before, shown["card"], [one for one in shown["transactions"] if one["id"] not in new])
    if row.table == "cards":
        return objects.card(row.before, shown["cardholder"])
    return _rendered(desk, row.table, row.before)


def _previous(before: Record, after: Record) -> Record:
    """Of what changed, the values before: lists whole, objects by their changed names alone (a new name: null)."""
    return dict(_differences(before, after))


def _differences(before: Record, after: Record) -> Iterator[tuple[str, object]]:
    for name in {**after, **before}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        yield name, dict(_differences(old, new)) if isinstance(old, dict) and isinstance(new, dict) else old


def _pending(shown: Record) -> Record:
    return {
        "amount": shown["amount"],
        "amount_details": shown["amount_details"],
        "currency": shown["currency"],
        "is_amount_controllable": False,
        "merchant_amount": shown["merchant_amount"],
        "merchant_currency": shown["merchant_currency"],
        "network_risk_score": None,
    }
