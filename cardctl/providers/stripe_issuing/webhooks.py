"""Stripe's notifications: the signature, by the SDK's own verifier; what is in a body; and what an event says, by its family.

Nothing is asked of Stripe here; the objects in an event are translated where all others are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import orjson
import stripe
from stripe import WebhookSignature  # by itself: the package looks such names up anew at every use

from cardctl.domain.events import NOTHING, UNHEARD, Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.errors import BadEvent, BadInput
from cardctl.providers.stripe_issuing import disputes, sales, translate
from cardctl.providers.stripe_issuing.skimming import skim
from cardctl.providers.stripe_issuing.told_sales import sale_told, tells

TOLERANCE = 300
WEBHOOK_SECRET = "stripe.webhook_secret"  # noqa: S105 - a name
_HEADER = "stripe-signature"
_LONGEST = 255
_STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError, BadInput)
"""What the translation of an object raises that is not what it should be (OSError: a time that no clock has)."""


def verify_with(incoming: Incoming, secrets: Iterable[Secret]) -> Signature:
    """What `Stripe-Signature` proves; during a rotation any of `secrets`, which are those of one endpoint, may have signed.

    Age is judged against the time of receipt, so that the verdict on a stored event never changes: the SDK (16.1.0) would ask
    the wall clock, so it is not given a tolerance. STALE: genuine, but signed more than TOLERANCE seconds earlier.
    """
    header = incoming.headers.get(_HEADER)
    if not header:
        return Signature.ABSENT
    if not any(_signed(incoming.body, header, secret) for secret in secrets):
        return Signature.INVALID
    fresh = incoming.received_at.timestamp() - TOLERANCE <= _signed_at(header)
    return Signature.VALID if fresh else Signature.STALE


class StripeWebhooks:
    """Ordinary events. A request for an authorization is signed with a secret of its own: see `verify_with`. `settings` are the
    profile's: `order_names` say how a payment's metadata calls what an order is made of."""

    name: ClassVar[str] = "stripe"
    secret_names: ClassVar[tuple[str, ...]] = (WEBHOOK_SECRET,)

    def __init__(self, settings: Mapping[str, Any] | None = None, *, simulated: bool = True) -> None:
        self._names = sales.order_names(settings)
        self._account = (settings or {}).get("account")

    def verify(self, incoming: Incoming, secrets: Mapping[str, Sequence[Secret]]) -> Signature:
        return verify_with(incoming, secrets.get(WEBHOOK_SECRET, ()))

    def notices(self, body: bytes) -> list[Notice]:
        """One event to a body. Its numbers are whole: Stripe's amounts are in minor units."""
        skimmed = skim(body)
        if skimmed is not None:
            return [skimmed]
        event = _event(body)
        return [
            Notice(
                event_id=_text(event, "id"),
                type=_text(event, "type"),
                object_ref=_id_of(_object(event)),
                card_ref=_card_ref(event["type"], _object(event)),
                occurred_at=_moment(event.get("created")),
                item=event,
                live=event["livemode"] if isinstance(event.get("livemode"), bool) else None,
            )
        ]

    def told(self, notice: Notice) -> Told:
        family = notice.type.partition(".")[0]
        if notice.type == _ASKED or family in _INFORMING or (family in _SALES and not tells(notice.type)):
            return NOTHING
        if family in _SALES and notice.item.get("account") not in (None, self._account):
            return NOTHING  # of an account that is connected to this one: its customers paid somebody else, who refunds them
        teller = _TELLERS.get(family)
        if teller is None and family not in _SALES:
            return UNHEARD
        try:
            told = _object(notice.item)
            return teller(told) if teller else sale_told(notice.type, told, self._names)
        except _STRANGE:
            raise BadEvent(f"the event {notice.event_id} ({notice.type}) does not have what it must have") from None

    def kept_body(self, body: bytes) -> bytes | None:
        return body


def _signed(body: bytes, header: str, secret: Secret) -> bool:
    try:
        WebhookSignature.verify_header(body, header, secret.reveal(), tolerance=None)
    except (stripe.SignatureVerificationError, UnicodeError, TypeError):
        return False  # TypeError: compare_digest takes no other text than ASCII
    return True


def _signed_at(header: str) -> int:
    """The first `t`, the one that the SDK's verifier signs with."""
    return int(next(item.split("=")[1] for item in header.split(",") if item.split("=")[0] == "t"))


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(body)
    except ValueError:
        raise BadEvent("what came is no JSON, so no event of stripe's") from None
    kind = event.get("object") if isinstance(event, dict) else None
    if kind == "v2.core.event":
        raise BadEvent(
            "this is one of stripe's thin events, which hold no object", hint="send snapshot events to this endpoint"
        )
    if kind != "event":
        raise BadEvent("what came is JSON, but no event of stripe's")
    whole: dict[str, Any] = event
    return whole


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not _is_name(value):
        raise BadEvent(f"an event of stripe's has no {name}")
    return str(value)


def _object(event: Mapping[str, Any]) -> Any:
    data = event.get("data")
    return data.get("object") if isinstance(data, dict) else None


def _id_of(value: Any) -> str | None:
    """The id of what may be expanded or not."""
    found = value.get("id") if isinstance(value, dict) else value
    return str(found) if _is_name(found) else None


def _is_name(value: Any) -> bool:
    """Whether it is a text that may stand for an object."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable()


def _card_ref(kind: str, value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    if kind.startswith("issuing_card."):
        return _id_of(value)
    disputed = value.get("transaction")  # of a dispute; an id, unless it is expanded
    return _id_of(value.get("card")) or (_id_of(disputed.get("card")) if isinstance(disputed, dict) else None)


def _moment(seconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (ValueError, ArithmeticError, OSError):
        return None


def _of_card(card: Any) -> Told:
    return Told(cards=(translate.card_from_wire(card, raw="{}"),))


def _of_cardholder(holder: Any) -> Told:
    return Told(accounts=(translate.account_from_wire(holder, keep=False),))


def _of_authorization(authorization: Any) -> Told:
    return Told(transactions=(translate.sound(translate.authorization_from_wire(authorization, keep=False)),))


def _of_transaction(transaction: Any) -> Told:
    return Told(transactions=(translate.sound(translate.transaction_from_wire(transaction, keep=False)),))


def _of_dispute(dispute: Any) -> Told:
    return Told(transactions=(translate.sound(disputes.dispute_from_wire(dispute)),))


def _of_top_up(top_up: Any) -> Told:
    return Told(topups=(disputes.top_up_from_wire(top_up),))


_TELLERS: dict[str, Callable[[Any], Told]] = {
    "issuing_card": _of_card,
    "issuing_cardholder": _of_cardholder,
    "issuing_authorization": _of_authorization,
    "issuing_transaction": _of_transaction,
    "issuing_dispute": _of_dispute,
    "topup": _of_top_up,
}
"""By the family of the type: a new type in one of them tells of the same object."""
_ASKED = "issuing_authorization.request"
"""A question, and no news: its object is not decided yet, and what became of it is told by the event that follows."""
_INFORMING = frozenset({"issuing_token", "issuing_personalization_design", "issuing_settlement", "balance"})
"""Families that change nothing in the books."""
_SALES = frozenset({"checkout", "payment_intent", "charge", "refund"})
"""Families of what customers pay."""
