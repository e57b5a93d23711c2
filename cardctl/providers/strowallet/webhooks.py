"""Strowallet's notifications: the secret or the signature of a delivery, and what is in a body; what one says is telling.py.

No official page has a scheme for card webhooks: a secret in the address is what users do, and a signature what a gateway before
cardctl may add. Nothing is asked of Strowallet here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import unquote, unquote_plus

from cardctl.domain.events import Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.errors import BadEvent, BadInput
from cardctl.providers.strowallet import telling, wire

SECRET = "strowallet.webhook_secret"  # noqa: S105 - a name
DRIFT_MS = 300_000
OTP = "otp.code"
_ALIASES = {"virtualcard.created.success": "virtualcard.created.complete"}
_NAIRA = ("authorization.request", "transaction.created", "transaction.refund", "card.balance")
"""Of the cards in naira: a member of such a name says what happened, and its value is the reference."""
_BANK = "virtualaccount.credit"
"""Our own name for what comes without one."""
_UNIX_MS = re.compile(r"[0-9]{1,15}\Z", re.ASCII)
_LONGEST = 255


class StrowalletWebhooks:
    """Flat objects, one to a body."""

    name: ClassVar[str] = "strowallet"
    secret_names: ClassVar[tuple[str, ...]] = (SECRET,)

    def verify(self, incoming: Incoming, secrets: Mapping[str, Sequence[Secret]]) -> Signature:
        """STALE: genuine, but the time with the signature and the time of receipt are more than five minutes apart."""
        # `secret` in the address    signature matches          does not, or has no time    is not there
        # one of ours                VALID, STALE by its time   INVALID                     VALID
        # another, or several        INVALID                    INVALID                     INVALID
        # is not there               VALID, STALE by its time   INVALID                     ABSENT
        keys = [secret.reveal() for secret in secrets.get(SECRET, ()) if secret.reveal().strip()]
        given, signature = _secrets_in(incoming.query), incoming.headers.get("x-strowallet-signature")
        if given and not (len(given) == 1 and _is_one_of(given[0], keys)):
            return Signature.INVALID
        if not signature:
            return Signature.VALID if given else Signature.ABSENT
        signed_at = incoming.headers.get("x-strowallet-timestamp", "")
        if not _UNIX_MS.match(signed_at) or not _is_one_of((signature,), _signatures(incoming.body, keys)):
            return Signature.INVALID
        apart = abs(incoming.received_at.timestamp() * 1000 - int(signed_at))
        return Signature.VALID if apart <= DRIFT_MS else Signature.STALE

    def notices(self, body: bytes) -> list[Notice]:
        told = _flat(body)
        kind = _kind(told)
        if kind is None:
            raise BadEvent("what came is JSON, but no notification of strowallet's")
        reference = told.get(kind) if kind in _NAIRA else told.get("settlementId") if kind == _BANK else told.get("reference")
        card = telling.card_in(told)
        return [
            Notice(
                event_id=_event_id(kind, _name(told.get("sessionId" if kind == _BANK else "id")), _name(reference), told),
                type=kind,
                object_ref=_name(reference) or card or None,
                card_ref=card or None,
                occurred_at=telling.moment_of(told),
                item=_harmless(told),
            )
        ]

    def told(self, notice: Notice) -> Told:
        try:
            return telling.told(notice.type, notice.item)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, BadInput):
            raise BadEvent(f"the event {notice.event_id} does not have what it must have") from None

    def kept_body(self, body: bytes) -> bytes | None:
        """None where there is a one-time code in it, or may be: it must not lie anywhere, however short it lives."""
        try:
            told = _flat(body)
        except BadEvent:
            plain = body.lower()
            return None if OTP.encode() in plain or b"authorizationcode" in plain else body
        return None if _kind(told) == OTP or _holds_code(told) else body


def _secrets_in(query: str) -> list[tuple[str, str]]:
    """Every `secret` in a URL's query, with a plus as it stands and as a space."""
    parts = (part.partition("=") for part in query.removeprefix("?").split("&"))
    return [(unquote(value), unquote_plus(value)) for name, _, value in parts if unquote(name) == "secret"]


def _signatures(body: bytes, keys: Iterable[str]) -> list[str]:
    """Lower-case hex; the time is not part of what is signed."""
    return [hmac.new(key.encode(), body, hashlib.sha256).hexdigest() for key in keys]


def _is_one_of(given: Iterable[str], wanted: Sequence[str]) -> bool:
    """Whether any reading is any of those, in constant time whichever it is."""
    readings = [reading.encode("utf-8", "surrogatepass") for reading in given]
    return any([hmac.compare_digest(one, want.encode()) for one in readings for want in wanted])  # noqa: C419 - none is skipped


def _flat(body: bytes) -> dict[str, Any]:
    """What is said, in one object: UNCONFIRMED, some clients expect the rest in a `data` under the event's name."""
    try:
        told = json.loads(body.decode(), parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadEvent("what came is no JSON, so no notification of strowallet's") from None
    if not isinstance(told, dict):
        raise BadEvent("what came is JSON, but no notification of strowallet's")
    inner = told.get("data")
    return {**inner, **{name: value for name, value in told.items() if name != "data"}} if isinstance(inner, dict) else told


def _kind(told: Mapping[str, Any]) -> str | None:
    """The event's name, in one spelling; None where there is nothing to tell it by."""
    said = _name(told.get("event")).lower()
    if said:
        return _ALIASES.get(said, said)
    naira = next((name for name in _NAIRA if name in told), None)
    credit = "sessionId" in told and ("accountNumber" in told or "settledAmount" in told)
    return naira or (_BANK if credit else None)


def _event_id(kind: str, name: str, reference: str, told: Mapping[str, Any]) -> str:
    """The documented tuple: `id` alone is a card's in some samples. What has neither is known by what it says."""
    if not name and not reference:
        name = hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
    return f"{kind}/{name}/{reference}"


def _name(value: Any) -> str:
    """A name or a word; empty where it is none that a name could be."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text.strip() if isinstance(text, str) and len(text) <= _LONGEST and text.isprintable() else ""


def _harmless(told: dict[str, Any]) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = wire.harmless(told)
    except RecursionError:
        raise BadEvent("what came is deeper than any notification of strowallet's") from None
    return kept


def _holds_code(told: Mapping[str, Any]) -> bool:
    """Whether anything in it, however deep, is called so."""
    waiting: list[Any] = [told]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if any(re.sub(r"[^a-z]", "", name.lower()) == "authorizationcode" for name in value):
                return True
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return False


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
