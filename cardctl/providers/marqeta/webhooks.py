"""Marqeta's notifications: the credentials and the signature of a delivery, what is in a body, and what a notification says.

A body has no event ids, no time and no order, so that most of what is told is a hint where to look. Nothing is asked of Marqeta
here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

from cardctl.domain.events import NOTHING, UNHEARD, Claim, Incoming, Notice, Signature, Told
from cardctl.domain.redaction import Secret
from cardctl.domain.states import CardState
from cardctl.errors import BadEvent, BadInput
from cardctl.providers.marqeta.transactions import transaction_from_wire
from cardctl.providers.marqeta.translate import CARD_STATES, moment
from cardctl.providers.marqeta.wire import MarqetaTransaction, exact, harmless

USERNAME, PASSWORD, SECRET = "marqeta.webhook_username", "marqeta.webhook_password", "marqeta.webhook_secret"
TRANSACTIONS, CARD_TRANSITIONS = "transactions", "cards"
"""The keys of a body; transitions of a card come under `cards`, though all else calls them cardtransitions."""
_ALIASES = {"cardtransitions": CARD_TRANSITIONS}
_OBJECTS = {"cards": "card_token", "usertransitions": "user_token", "chargebacktransitions": "chargeback_token"}
"""What a notification is about, where that is not the item itself."""
_ALGORITHMS: Mapping[int, Callable[..., Any]] = {40: hashlib.sha1, 64: hashlib.sha256}
"""By the length of the signature: after a change of the algorithm the old one still comes for up to two weeks."""
_LONGEST = 255
_STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, BadInput)


class MarqetaWebhooks:
    """Deliveries of up to ten notifications of one kind."""

    name: ClassVar[str] = "marqeta"
    secret_names: ClassVar[tuple[str, ...]] = (USERNAME, PASSWORD, SECRET)

    def verify(self, incoming: Incoming, secrets: Mapping[str, Sequence[Secret]]) -> Signature:
        """Nothing that is signed tells its time, so that nothing is ever STALE."""
        #                        a secret is set, and the signature        no secret is set
        # credentials            matches   does not   is not there
        # match                  VALID     INVALID    INVALID              VALID
        # do not                 INVALID   INVALID    INVALID              INVALID    (none being set, they match nothing)
        # are not there          VALID     INVALID    ABSENT               ABSENT     (stored headers have none)
        keys = _told(secrets, SECRET)
        signature, credentials = incoming.headers.get("x-marqeta-signature"), incoming.headers.get("authorization")
        if keys and signature and not _signed(incoming.body, signature, keys):
            return Signature.INVALID
        if not credentials:
            return Signature.VALID if keys and signature else Signature.ABSENT
        right = _may_enter(credentials, _told(secrets, USERNAME), _told(secrets, PASSWORD))
        return Signature.VALID if right and (signature or not keys) else Signature.INVALID

    def notices(self, body: bytes) -> list[Notice]:
        """Every item under every key that has a list."""
        items = [(_ALIASES.get(key, key), item) for key, told in _lists(body) for item in told]
        if not items or not all(isinstance(item, dict) for _, item in items):
            raise BadEvent("what came is JSON, but no notification of marqeta's")
        try:
            return [_notice(key, item, position) for position, (key, item) in enumerate(items)]
        except RecursionError:
            raise BadEvent("what came is deeper than any notification of marqeta's") from None

    def told(self, notice: Notice) -> Told:
        key = notice.type.partition(".")[0]
        if key in _INFORMING:
            return NOTHING
        teller = _TELLERS.get(key)
        if teller is None:
            return UNHEARD
        try:
            return teller(notice.item)
        except _STRANGE:
            raise BadEvent(f"the notification {notice.event_id} does not have what it must have") from None

    def kept_body(self, body: bytes) -> bytes | None:
        return body


def event_id(key: str, item: Mapping[str, Any]) -> str:
    """The documented tuple: the same transaction is notified again, under its own token, when its state has changed. An item
    without a token is known by what it says."""
    token = _text(item.get("token")) or hashlib.sha256(json.dumps(item, sort_keys=True, default=str).encode()).hexdigest()
    return f"{key}/{token}/{_state(item)}"


def _told(secrets: Mapping[str, Sequence[Secret]], name: str) -> list[str]:
    """Those that are set; an empty one proves nothing."""
    return [secret.reveal() for secret in secrets.get(name, ()) if secret.reveal().strip()]


def _signed(body: bytes, signature: str, keys: Iterable[str]) -> bool:
    """Lower-case hex of the HMAC of the raw body, and nothing else."""
    algorithm = _ALGORITHMS.get(len(signature))
    if algorithm is None:
        return False
    made = [hmac.new(key.encode(), body, algorithm).hexdigest() for key in keys]
    return _is_one_of(signature, made)


def _may_enter(credentials: str, usernames: Sequence[str], passwords: Sequence[str]) -> bool:
    """The encoded form is compared, so that nothing that came is decoded."""
    scheme, _, token = credentials.partition(" ")
    pairs = [f"{username}:{password}".encode() for username in usernames for password in passwords]
    return _is_one_of(token, [base64.b64encode(pair).decode("ascii") for pair in pairs]) and scheme.lower() == "basic"


def _is_one_of(given: str, wanted: Iterable[str]) -> bool:
    """In constant time, whichever it is."""
    text = given.encode("utf-8", "surrogatepass")
    return any([hmac.compare_digest(text, one.encode()) for one in wanted])  # noqa: C419 - each is compared, none is skipped


def _lists(body: bytes) -> list[tuple[str, list[Any]]]:
    try:
        told = exact(body)
    except (ValueError, RecursionError):
        raise BadEvent("what came is no JSON, so no notification of marqeta's") from None
    if not isinstance(told, dict):
        raise BadEvent("what came is JSON, but no notification of marqeta's")
    return [(key, value) for key, value in told.items() if isinstance(value, list) and _text(key)]


def _notice(key: str, item: dict[str, Any], position: int) -> Notice:
    word = _text(item.get("type")) or _state(item)
    return Notice(
        event_id=event_id(key, item),
        type=f"{key}.{word.lower()}" if word else key,
        object_ref=_text(item.get(_OBJECTS.get(key, "token"))) or None,
        card_ref=_card_of(item) or None,
        occurred_at=_made_at(item),
        item=harmless(item),
        position=position,
    )


def _text(value: Any) -> str:
    """A name or a word; empty where it is none that a name could be."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and len(text) <= _LONGEST and text.isprintable() else ""


def _needed(item: Mapping[str, Any], name: str) -> str:
    if not (text := _text(item.get(name))):
        raise LookupError(name)
    return text


def _state(item: Mapping[str, Any]) -> str:
    return _text(item.get("state")) or _text(item.get("status"))


def _card_of(item: Mapping[str, Any]) -> str:
    """By its own name for it, or in the wallet's token or transaction that it is about. UNCONFIRMED that those name it."""
    inner = (item.get(name) for name in ("digital_wallet_token", "transaction"))
    places = [item, *(place for place in inner if isinstance(place, dict))]
    return next((card for place in places if (card := _text(place.get("card_token")))), "")


def _made_at(item: Mapping[str, Any]) -> datetime | None:
    for name in ("created_time", "user_transaction_time"):
        try:
            if when := moment(item.get(name)):
                return when.astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            continue
    return None


def _of_transaction(item: Mapping[str, Any]) -> Told:
    """A message alone does not say what its authorization still holds, so its card is read; without one it is the holder's."""
    card, user = _text(item.get("card_token")), _text(item.get("user_token"))
    if not card:
        return Told(look_accounts=(user,), decided=False) if user else NOTHING
    told = transaction_from_wire(cast(MarqetaTransaction, item), keep=False)
    return Told(transactions=(told,), look=(card,), decided=False)


def _of_card_transition(item: Mapping[str, Any]) -> Told:
    card = _needed(item, "card_token")
    state = CARD_STATES.get(_state(item), CardState.UNKNOWN)
    claims = () if state is CardState.UNKNOWN else (Claim(card, state, _text(item.get("reason")) or None),)
    return Told(look=(card,), claims=claims, decided=False)


def _of_user_transition(item: Mapping[str, Any]) -> Told:
    return Told(look_accounts=(_needed(item, "user_token"),), decided=False)


def _of_chargeback(item: Mapping[str, Any]) -> Told:
    """A step of a case; its money comes as transactions. Its description names no card."""
    card = _card_of(item)
    return Told(look=(card,), decided=False) if card else NOTHING


_TELLERS: dict[str, Callable[[Mapping[str, Any]], Told]] = {
    TRANSACTIONS: _of_transaction,
    CARD_TRANSITIONS: _of_card_transition,
    "usertransitions": _of_user_transition,
    "chargebacktransitions": _of_chargeback,
}
_INFORMING = frozenset(
    {
        *("pings", "digitalwallettokentransitions", "cardactions", "threedstransitions"),
        *("businesstransitions", "banktransfertransitions", "directdepositaccounttransitions"),
    }
)
"""Keys whose items change nothing in the books."""
