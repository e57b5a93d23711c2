"""Zendit's notifications: the header that proves their sender, what is in a body, and what it says; asks nothing.

Nothing is signed: a header whose name and value are set in Zendit's console proves who sends, not what (documentation). A body
is the purchase as reading gives it; here it only says which purchase is to be read, so that a forged one changes nothing.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import msgspec
import orjson

from cardctl.domain.events import NOTHING, Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.domain.sales import SoldTold
from cardctl.domain.things import Kind, Named
from cardctl.errors import BadEvent
from cardctl.providers.zendit import translate

SECRET = "zendit.webhook_secret"  # noqa: S105 - a name
HEADER = "authorization"
"""Where the profile names none."""
_BEARER = "bearer "
_LONGEST = 100
_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_SECRETS = frozenset({"activationCode", "smdpAddress", "redemptionInstructions", "epin"})
"""Members that must not be kept in clear; the purchase is read anyway."""
_IN_TEXT = re.compile(
    rb'("(?:activationCode|smdpAddress|redemptionInstructions|epin)"\s*:\s*)"(?:[^"\\]|\\.)*"?|LPA:[^\s"]*', re.I
)
_Item = Mapping[str, Any]


class ZenditWebhooks:
    """One purchase to a body. `settings` are the profile's: `webhook_header` is the header as it is set in the console."""

    name: ClassVar[str] = "zendit"
    secret_names: ClassVar[tuple[str, ...]] = (SECRET,)

    def __init__(self, settings: Mapping[str, Any] | None = None, *, simulated: bool = True) -> None:
        self.proof_header = str((settings or {}).get("webhook_header") or HEADER).lower()

    def verify(self, incoming: Incoming, secrets: Mapping[str, Sequence[Secret]]) -> Signature:
        """The header is the secret, or `Bearer` and the secret; there is no time in it, so nothing is ever stale."""
        given = incoming.headers.get(self.proof_header)
        if not given:
            return Signature.ABSENT
        values = [given, given[len(_BEARER) :]] if given[: len(_BEARER)].lower() == _BEARER else [given, given]
        wanted = [secret.reveal() for secret in secrets.get(SECRET, ()) if secret.reveal().strip()]
        fits = [_same(value, want) for value in values for want in wanted]  # all are compared, whichever it is
        return Signature.VALID if any(fits) else Signature.INVALID

    def notices(self, body: bytes) -> list[Notice]:
        """Told apart by name, status and last change (documentation: nothing else is there). BadEvent for a question whether a
        transaction may be made (`asked_about`), which is no notification."""
        purchase = _object(body)
        if _is_question(purchase):
            raise BadEvent("zendit asks whether a transaction is ours: that is no notification")
        ref, status = _text(purchase, "transactionId"), _text(purchase, "status")
        told = purchase.get("productType")
        product = translate.ESIM if told is None else _text(purchase, "productType")
        changed = purchase.get("updatedAt")
        return [
            Notice(
                event_id=f"{ref}:{translate.normal(status)}:{_text(purchase, 'updatedAt') if changed else ''}",
                type=f"{product.lower()}.{_state(status)}",
                object_ref=ref,
                card_ref=None,
                occurred_at=_moment(changed),
                item=purchase,
            )
        ]

    def told(self, notice: Notice) -> Told:
        """Which eSIM is to be read; of other products nothing follows."""
        if not notice.type.startswith(f"{translate.ESIM.lower()}."):
            return NOTHING
        return Told(sold=SoldTold(look=(Named(Kind.PURCHASE, str(notice.object_ref)),)))

    def kept_body(self, body: bytes) -> bytes | None:
        """Without what the customer alone may have; the header proves it, so a body need not be as it came."""
        try:
            kept = orjson.dumps(_without_secrets(json.loads(body, parse_float=orjson.Fragment, parse_constant=_no_number)))
        except (ValueError, TypeError, RecursionError):
            return _IN_TEXT.sub(lambda found: (found[1] or b"") + (b'"***"' if found[1] else b"LPA:***"), body)
        return kept


def asked_about(body: bytes) -> str | None:
    """The transaction that Zendit asks about (ShieldWall), before it makes it: 200 says that it is ours, 404 that it is not
    (documentation). None where the body is no such question: one is an item of the wallet's ledger, not a purchase."""
    try:
        item = _object(body)
        return _text(item, "transactionId") if _is_question(item) else None
    except BadEvent:
        return None


def _is_question(item: _Item) -> bool:
    """A purchase has neither a direction nor one amount."""
    direction = item.get("type")
    is_entry = isinstance(direction, str) and translate.normal(direction) in (translate.CREDIT, translate.DEBIT)
    return is_entry and "amount" in item and "offerId" not in item


def _same(value: str, wanted: str) -> bool:
    return hmac.compare_digest(value.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass"))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = _EXACT.decode(body)
    except (ValueError, ArithmeticError, RecursionError):
        raise BadEvent("what came is no JSON, so no event of zendit's") from None
    if not isinstance(found, dict):
        raise BadEvent("what came is JSON, but no event of zendit's")
    return found


def _text(item: _Item, name: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or not value.isprintable():
        raise BadEvent(f"an event of zendit's has no {name}")
    return value


def _state(status: str) -> str:
    """Our word, or Zendit's own where it is a new one."""
    word = translate.normal(status)
    return str(translate.STATES[word]) if word in translate.STATES else word.lower()


def _moment(text: Any) -> Any:
    try:
        return translate.moment(text)
    except translate.STRANGE:
        return None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "***" if name in _SECRETS else _without_secrets(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return "LPA:***" if isinstance(value, str) and "LPA:" in value.upper() else value
