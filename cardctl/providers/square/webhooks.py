"""Square's notifications: the signature over address and body, what is in a body, and what an event says; asks nothing.

The scheme has no time in it, so nothing is ever stale: a repetition is told by its `event_id` (Square's own advice).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import msgspec

from cardctl.domain.events import NOTHING, UNHEARD, Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.domain.saved_cards import RemoteCustomer, SavedTold
from cardctl.domain.things import Kind, Named
from cardctl.errors import BadConfig, BadEvent
from cardctl.providers.square import translate

SIGNATURE_KEY = "square.webhook_signature_key"
HEADER = "x-square-hmacsha256-signature"
SIMULATED_URL = "http://127.0.0.1:8421/webhooks/square"
"""The address that the simulator signs with, where none is registered."""
_LONGEST = 255
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_Item = Mapping[str, Any]


class SquareWebhooks:
    """One event to a body. `settings` are the profile's: `notification_url` is the address exactly as Square has it, since it
    is part of what is signed; in the simulator it need not be set."""

    name: ClassVar[str] = "square"
    secret_names: ClassVar[tuple[str, ...]] = (SIGNATURE_KEY,)

    def __init__(self, settings: Mapping[str, Any] | None = None, *, simulated: bool = True) -> None:
        told = (settings or {}).get("notification_url")
        self._url: str | None = told or (SIMULATED_URL if simulated else None)

    def verify(self, incoming: Incoming, secrets: Mapping[str, Sequence[Secret]]) -> Signature:
        """x-square-hmacsha256-signature is the base64 of HMAC-SHA256(key, address + body). BadConfig where the address is not
        known: nothing could be proven."""
        if self._url is None:
            hint = "set it to the address that is registered at Square, letter for letter"
            raise BadConfig("the setting square.notification_url is missing", hint=hint)
        given = incoming.headers.get(HEADER)
        if not given:
            return Signature.ABSENT
        keys = [secret.reveal() for secret in secrets.get(SIGNATURE_KEY, ()) if secret.reveal().strip()]
        return Signature.VALID if _is_one_of(given, _signatures(self._url, incoming.body, keys)) else Signature.INVALID

    def notices(self, body: bytes) -> list[Notice]:
        """The names of customers and cards are secret, so that no event is kept under one."""
        event = _event(body)
        kind = _text(event, "type")
        return [
            Notice(
                event_id=_text(event, "event_id"),
                type=kind,
                object_ref=_open_name(kind, event),
                card_ref=None,
                occurred_at=_moment(event.get("created_at")),
                item=event,
            )
        ]

    def told(self, notice: Notice) -> Told:
        """A snapshot of the object, as Square's events have one; where one has only its name, the object is to be read."""
        if notice.type in _INFORMING:
            return NOTHING
        teller = _TELLERS.get(notice.type) or _OLDER.get(notice.type)
        if teller is None:
            return UNHEARD
        try:
            return Told(saved=teller(notice.item["data"]))
        except translate.STRANGE:
            raise BadEvent(f"the event {notice.event_id} ({notice.type}) does not have what it must have") from None

    def kept_body(self, body: bytes) -> bytes | None:
        return body


def _signatures(url: str, body: bytes, keys: Iterable[str]) -> list[bytes]:
    signed = url.encode() + body
    return [base64.b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest()) for key in keys]


def _is_one_of(given: str, wanted: Iterable[bytes]) -> bool:
    """Whether it is any of those, in constant time whichever it is."""
    one = given.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(one, want) for want in wanted])  # noqa: C419 - none is skipped


def _event(body: bytes) -> dict[str, Any]:
    """Numbers with a point are Decimal: no amount has one, but a risk has."""
    try:
        event = _EXACT.decode(body)
    except (ValueError, ArithmeticError, RecursionError):  # half a surrogate pair is taken by the other parser
        try:
            event = json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, ArithmeticError, RecursionError):
            raise BadEvent("what came is no JSON, so no event of square's") from None
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise BadEvent("what came is JSON, but no event of square's")
    return event


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _text(event: _Item, name: str) -> str:
    value = event.get(name)
    if not _is_name(value):
        raise BadEvent(f"an event of square's has no {name}")
    return str(value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _moment(text: Any) -> datetime | None:
    try:
        return translate.moment(text)
    except translate.STRANGE:
        return None


def _open_name(kind: str, event: _Item) -> str | None:
    """The object's name, where it is of a kind whose names are no secret. The object's own comes first: `data.id` differs from
    it in an official example."""
    family = kind.partition(".")[0]
    if family not in ("payment", "refund", "dispute"):
        return None
    data = event["data"]
    inner = data.get("object")
    whole = inner.get(family) if isinstance(inner, dict) else None
    names = [whole.get("id")] if isinstance(whole, dict) else []
    return next((name for name in (*names, data.get("id")) if _is_name(name)), None)


def _object(data: _Item, name: str) -> Any:
    """The object in an event; None where there is none."""
    return (data.get("object") or {}).get(name)


def _hint(kind: Kind, data: _Item) -> SavedTold:
    if not _is_name(data["id"]):
        raise TypeError("an object has a name")
    return SavedTold(look=(Named(kind, data["id"]),))


def _card(data: _Item) -> SavedTold:
    card = _object(data, "card")
    return SavedTold(cards=(translate.card_from_wire(card),)) if card else _hint(Kind.SAVED_CARD, data)


def _forgotten_card(data: _Item) -> SavedTold:
    card: Any = _object(data, "card") or {"id": data["id"], "enabled": False}
    return SavedTold(cards=(translate.card_from_wire(card, forgotten=True),))


def _customer(data: _Item) -> SavedTold:
    """One that was made by merging others has taken their places (SDK: event_context; the description does not have it)."""
    customer = _object(data, "customer")
    if not customer:
        return _hint(Kind.CUSTOMER, data)
    now = translate.customer_from_wire(customer)
    merged = (_object(data, "event_context") or {}).get("merge") or {}
    gone = (RemoteCustomer(ref, {}, deleted=True, merged_into=now.ref) for ref in merged.get("from_customer_ids") or ())
    return SavedTold(customers=(now, *gone))


def _deleted_customer(data: _Item) -> SavedTold:
    customer: Any = _object(data, "customer") or {"id": data["id"]}
    merged = (_object(data, "event_context") or {}).get("merge") or {}
    into = merged.get("to_customer_id") or None
    return SavedTold(customers=(translate.customer_from_wire(customer, deleted=True, merged_into=into),))


def _payment(data: _Item) -> SavedTold:
    payment = _object(data, "payment")
    return SavedTold(payments=(translate.payment_from_wire(payment),)) if payment else _hint(Kind.PAYMENT, data)


def _refund(data: _Item) -> SavedTold:
    refund = _object(data, "refund")
    return SavedTold(refunds=(translate.refund_from_wire(refund),)) if refund else _hint(Kind.REFUND, data)


def _dispute(data: _Item) -> SavedTold:
    dispute = _object(data, "dispute")
    return SavedTold(disputes=(translate.dispute_from_wire(dispute),)) if dispute else SavedTold()


_TELLERS: dict[str, Callable[[_Item], SavedTold]] = {
    "card.created": _card,
    "card.updated": _card,
    "card.disabled": _card,
    "card.automatically_updated": _card,
    "card.forgotten": _forgotten_card,
    "customer.created": _customer,
    "customer.updated": _customer,
    "customer.deleted": _deleted_customer,
    "payment.created": _payment,
    "payment.updated": _payment,
    "refund.created": _refund,
    "refund.updated": _refund,
    "dispute.created": _dispute,
    "dispute.state.updated": _dispute,
    "dispute.evidence.created": _dispute,
    "dispute.evidence.deleted": _dispute,
}
TYPES = tuple(_TELLERS)
"""Every type that changes something here."""
_OLDER = {
    "dispute.state.changed": _dispute,
    "dispute.evidence.added": _dispute,
    "dispute.evidence.removed": _dispute,
}
"""Deprecated names, which an older subscription may still have (SPEC)."""
_INFORMING = frozenset({"oauth.authorization.revoked", "location.created", "location.updated"})
"""Known, and nothing in the books follows from it."""
