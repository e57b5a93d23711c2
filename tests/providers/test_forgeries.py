"""Mutated deliveries, scheme by scheme: none is taken for genuine that is not, and none makes anything crash.

What a mutant may still be is judged here by other means than the adapters use: its body is as it was, and what proves it says
the same. A slice runs by itself; `--whole` runs 100,000 for each scheme.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from cardctl.domain.events import Incoming, Signature
from cardctl.domain.redaction import Secret
from cardctl.errors import BadEvent
from cardctl.providers import registry
from tests.providers.marqeta import objects as marqeta
from tests.providers.square import objects as square
from tests.providers.stripe import objects as stripe
from tests.providers.zendit import objects as zendit

SLICE, WHOLE = 500, 100_000
NOW = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
NOW_S, NOW_MS = int(NOW.timestamp()), int(NOW.timestamp()) * 1000
KEY, USERNAME, PASSWORD = "whsec_a0secret0of0thirty0letters00", "ops", "Pa$$w0rd-of-twenty-letters"
BASIC = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


def _sign(body: bytes, algorithm: Callable[..., Any] = hashlib.sha256) -> str:
    return hmac.new(KEY.encode(), body, algorithm).hexdigest()


def _event(kind: str, about: Any) -> bytes:
    event = {"id": "evt_1", "object": "event", "type": kind, "created": NOW_S, "livemode": False, "data": {"object": about}}
    return json.dumps(event).encode()


@dataclass(frozen=True)
class Scheme:
    """`sign` gives the headers and the query that prove a body; `same` whether those of a mutant still say the same. Where
    they prove the `sender` alone, whatever he sends is genuine."""

    provider: str
    secrets: Mapping[str, Sequence[Secret]]
    bodies: Sequence[bytes]
    sign: Callable[[bytes], tuple[dict[str, str], str]]
    same: Callable[[Incoming, Incoming], bool]
    sender: bool = False


def _stripe(body: bytes) -> tuple[dict[str, str], str]:
    return {"stripe-signature": f"t={NOW_S},v1={_sign(str(NOW_S).encode() + b'.' + body)}"}, ""


def _same_stripe(genuine: Incoming, mutant: Incoming) -> bool:
    """The first time in it is that time, though it be written with spaces, and the signature stands in it whole."""
    wanted = genuine.headers["stripe-signature"].partition("v1=")[2]
    parts = [part.split("=") for part in mutant.headers.get("stripe-signature", "").split(",")]
    times = [part[1] for part in parts if part[0] == "t" and len(part) > 1]
    try:
        return bool(times) and int(times[0]) == NOW_S and any(part[:2] == ["v1", wanted] for part in parts)
    except ValueError:
        return False


def _basic(_body: bytes) -> tuple[dict[str, str], str]:
    return {"authorization": f"Basic {BASIC}"}, ""


def _same_basic(_genuine: Incoming, mutant: Incoming) -> bool:
    """The credentials prove whoever sends them, whatever he sends."""
    return re.fullmatch(rf"(?i:basic) {re.escape(BASIC)}", mutant.headers.get("authorization", "")) is not None


def _hmac(algorithm: Callable[..., Any]) -> Callable[[bytes], tuple[dict[str, str], str]]:
    return lambda body: ({"x-marqeta-signature": _sign(body, algorithm), "authorization": f"Basic {BASIC}"}, "")


def _same_hmac(genuine: Incoming, mutant: Incoming) -> bool:
    """With the credentials or without any: stored headers have none."""
    signature = mutant.headers.get("x-marqeta-signature")
    entered = not mutant.headers.get("authorization") or _same_basic(genuine, mutant)
    return signature == genuine.headers["x-marqeta-signature"] and entered


def _square(body: bytes) -> tuple[dict[str, str], str]:
    signed = hmac.new(KEY.encode(), b"http://127.0.0.1:8421/webhooks/square" + body, hashlib.sha256).digest()
    return {"x-square-hmacsha256-signature": base64.b64encode(signed).decode()}, ""


def _same_square(genuine: Incoming, mutant: Incoming) -> bool:
    name = "x-square-hmacsha256-signature"
    return mutant.headers.get(name) == genuine.headers[name]


def _console(_body: bytes) -> tuple[dict[str, str], str]:
    return {"authorization": f"Bearer {KEY}"}, ""


def _same_console(_genuine: Incoming, mutant: Incoming) -> bool:
    """The value that was set in the console proves whoever sends it; a body says only which purchase is to be read."""
    return re.fullmatch(rf"(?:(?i:bearer) )?{re.escape(KEY)}", mutant.headers.get("authorization", "")) is not None


def _address(_body: bytes) -> tuple[dict[str, str], str]:
    return {}, f"secret={KEY}"


def _same_address(_genuine: Incoming, mutant: Incoming) -> bool:
    given = [value for name, value in parse_qsl(mutant.query, keep_blank_values=True) if name == "secret"]
    return given == [KEY]


def _gateway(body: bytes) -> tuple[dict[str, str], str]:
    return {"x-strowallet-signature": _sign(body), "x-strowallet-timestamp": str(NOW_MS)}, ""


def _same_gateway(genuine: Incoming, mutant: Incoming) -> bool:
    """Its time is not signed, so that another one of the same five minutes is as good, and one of another day is STALE."""
    at = mutant.headers.get("x-strowallet-timestamp", "")
    given = [value for name, value in parse_qsl(mutant.query, keep_blank_values=True) if name == "secret"]
    told = re.fullmatch(r"[0-9]{1,15}", at, re.ASCII) is not None
    return mutant.headers.get("x-strowallet-signature") == genuine.headers["x-strowallet-signature"] and told and not given


_STRIPES = [
    _event("issuing_authorization.updated", stripe.authorization()),
    _event("issuing_transaction.created", stripe.transaction()),
    _event("issuing_card.updated", stripe.card(stripe.limit(500, "daily"))),
    _event("issuing_cardholder.updated", stripe.cardholder()),
    _event(
        "issuing_dispute.created",
        {"id": "idp_1", "amount": 7, "created": NOW_S, "currency": "usd", "status": "won", "transaction": stripe.transaction()},
    ),
    _event("topup.created", {"id": "tu_1", "amount": 7, "created": NOW_S, "currency": "usd", "status": "pending"}),
]
_MARQETAS = [
    json.dumps({"transactions": [marqeta.transaction(), marqeta.transaction("authorization.clearing", "COMPLETION")]}).encode(),
    json.dumps({"cards": [marqeta.card_transition()]}).encode(),
    json.dumps({"usertransitions": [marqeta.user_transition()]}).encode(),
    json.dumps({"pings": [{"token": "marqeta", "payload": "healthcheck"}]}).encode(),
]
_STROWALLETS = [
    json.dumps(
        {
            "id": "evt-5",
            "event": f"virtualcard.{what}",
            "date": "2026-05-18T12:10:00Z",
            "amount": "9.99",
            "cardId": "card-1",
            "status": "completed",
            "currency": "USD",
            "merchant": "EXAMPLE",
            "reference": "R5",
        }
    ).encode()
    for what in ("transaction.authorization", "transaction.declined", "created.complete", "topup.complete")
]
_SQUARES = [
    json.dumps(square.event(kind, about)).encode()
    for kind, about in (
        ("card.updated", square.card()),
        ("customer.deleted", square.customer()),
        ("payment.updated", square.hold(tip_money=square.money(3))),
        ("refund.updated", square.refund()),
        ("dispute.created", square.dispute()),
        ("payment.created", None),
    )
]
_ZENDITS = [
    json.dumps(about).encode()
    for about in (zendit.purchase(), zendit.purchase("IN_PROGRESS"), zendit.failed(), zendit.transaction(), zendit.accepted())
]
_ZENDIT = {"zendit.webhook_secret": [Secret("another-value-of-theirs"), Secret(KEY)]}
_SQUARE = {"square.webhook_signature_key": [Secret("another-key-of-theirs"), Secret(KEY)]}
_STRIPE = {"stripe.webhook_secret": [Secret("whsec_another"), Secret(KEY)]}
_ENTRY = {"marqeta.webhook_username": [Secret(USERNAME)], "marqeta.webhook_password": [Secret(PASSWORD)]}
_SIGNED = {**_ENTRY, "marqeta.webhook_secret": [Secret("another-secret-of-theirs"), Secret(KEY)]}
_ADDRESS = {"strowallet.webhook_secret": [Secret("another-secret-of-theirs"), Secret(KEY)]}
SCHEMES = {
    "stripe": Scheme("stripe", _STRIPE, _STRIPES, _stripe, _same_stripe),
    "marqeta credentials": Scheme("marqeta", _ENTRY, _MARQETAS, _basic, _same_basic, sender=True),
    "marqeta sha-1": Scheme("marqeta", _SIGNED, _MARQETAS, _hmac(hashlib.sha1), _same_hmac),
    "marqeta sha-256": Scheme("marqeta", _SIGNED, _MARQETAS, _hmac(hashlib.sha256), _same_hmac),
    "strowallet address": Scheme("strowallet", _ADDRESS, _STROWALLETS, _address, _same_address, sender=True),
    "strowallet gateway": Scheme("strowallet", _ADDRESS, _STROWALLETS, _gateway, _same_gateway),
    "square": Scheme("square", _SQUARE, _SQUARES, _square, _same_square),
    "zendit": Scheme("zendit", _ZENDIT, _ZENDITS, _console, _same_console, sender=True),
}


def _flipped(text: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(text) or 1)
    return text[:at] + bytes([text[at] ^ (1 << dice.randrange(8))]) + text[at + 1 :] if text else b"x"


def _cut(text: bytes, dice: random.Random) -> bytes:
    start, end = sorted((dice.randrange(len(text) + 1), dice.randrange(len(text) + 1)))
    return dice.choice([text[:end], text[start:], text[:start] + text[end:]])


def _grown(text: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(text) + 1)
    more = dice.choice([b" ", b"\n", b",", b"\x00", b"\xff", "é".encode(), b"\xef\xbb\xbf", b"{}", b"=", b"0", b"x" * 5000])
    return text[:at] + more + text[at:]


def _recased(text: bytes, dice: random.Random) -> bytes:
    return dice.choice([text.upper(), text.lower(), text.swapcase(), text.title()])


_ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    10**30,
    0.5,
    1e300,
    "",
    "x",
    "x" * 9000,
    "\ud800",
    "\x00",
    "٣",
    [],
    [[]],
    {},
    {"id": 7},
]


def _retold(text: bytes, dice: random.Random) -> bytes:
    """JSON still, with something in it that is not what it was."""
    told = json.loads(text)
    for _ in range(dice.randint(1, 3)):
        places = list(_places(told))
        if not places:
            break
        holder, name = dice.choice(places)
        if dice.random() < 0.3:
            del holder[name]
        else:
            holder[name] = copy.deepcopy(dice.choice(_ODD))
    return json.dumps(told).encode()


def _places(value: Any) -> Any:
    for name, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        yield value, name
        if isinstance(inner, dict | list):
            yield from _places(inner)


_TEXTS = (_flipped, _cut, _grown, _recased)


def _mutated(genuine: Incoming, dice: random.Random) -> Incoming:
    what = dice.random()
    if what < 0.35:
        return replace(genuine, body=dice.choice([*_TEXTS, _retold, _retold])(genuine.body, dice))
    if what < 0.5 and genuine.query:
        return replace(genuine, query=_text(genuine.query, dice))
    headers = dict(genuine.headers)
    name = dice.choice([*headers] or ["stripe-signature"])
    mutants: list[Callable[[], str]] = [
        lambda: _text(headers.get(name, ""), dice),
        lambda: f"{headers.get(name, '')},{headers.get(name, '')}",
        lambda: f"{headers.get(name, '')}, {_text(headers.get(name, ''), dice)}",
        lambda: f"{_text(headers.get(name, ''), dice)},{headers.get(name, '')}",
        lambda: dice.choice(["", " ", ",", "=", "t=", "v1=", "t=1,v1=", "é", "\ud800", "\x00", "x" * 9000, "9" * 9000]),
        lambda: "".join(dice.choice("0123456789abcdef") for _ in range(dice.choice([39, 40, 63, 64, 65]))),
    ]
    if dice.random() < 0.1:
        headers.pop(name, None)
    else:
        headers[name] = dice.choice(mutants)()
    return replace(genuine, headers=headers)


def _text(text: str, dice: random.Random) -> str:
    return dice.choice(_TEXTS)(text.encode("utf-8", "surrogatepass"), dice).decode("latin-1")


def _tried(scheme: Scheme, count: int, seed: int) -> tuple[int, int]:
    """How many mutants were taken for genuine, and how many of those rightly; an exception goes through."""
    webhooks, dice = registry.webhooks(scheme.provider), random.Random(seed)
    genuine = [_genuine(scheme, body) for body in scheme.bodies]
    for incoming in genuine:
        assert webhooks.verify(incoming, scheme.secrets) is Signature.VALID
    accepted = rightly = 0
    for number in range(count):
        before = genuine[number % len(genuine)]
        mutant = _mutated(before, dice)
        if dice.random() < 0.2:
            mutant = _mutated(mutant, dice) if _is_json(mutant.body) else mutant
        if webhooks.verify(mutant, scheme.secrets) in (Signature.VALID, Signature.STALE):
            accepted += 1
            rightly += scheme.same(before, mutant) and (scheme.sender or mutant.body == before.body)
        _read(webhooks, mutant.body)
    return accepted, rightly


def _genuine(scheme: Scheme, body: bytes) -> Incoming:
    headers, query = scheme.sign(body)
    return Incoming(body, headers, NOW, query)


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict | list)
    except ValueError:
        return False


def _read(webhooks: Any, body: bytes) -> None:
    """Whatever came, it is read, or refused in one way."""
    webhooks.kept_body(body)
    try:
        notices = webhooks.notices(body)
    except BadEvent:
        return
    assert notices
    for notice in notices:
        for name in (notice.event_id, notice.type, notice.object_ref or "-", notice.card_ref or "-"):
            assert name.encode().decode().isprintable()
        try:
            webhooks.told(notice)
        except BadEvent:
            continue


@pytest.mark.parametrize("name", SCHEMES)
def test_no_mutant_is_taken_for_genuine(name: str) -> None:
    accepted, rightly = _tried(SCHEMES[name], SLICE, seed=4)
    assert accepted == rightly


@pytest.mark.whole
@pytest.mark.parametrize("name", SCHEMES)
def test_no_mutant_of_the_whole_is_taken_for_genuine(name: str) -> None:
    accepted, rightly = _tried(SCHEMES[name], WHOLE, seed=2026)
    print(f"{name}: {WHOLE} mutants, {accepted} say what the genuine one said, {accepted - rightly} false accepts, no crash")
    assert accepted == rightly


def test_the_check_would_find_a_false_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verifier that looks at nothing but the presence of a header is found out."""
    scheme = SCHEMES["marqeta sha-256"]
    verifier = type(registry.webhooks("marqeta"))
    monkeypatch.setattr(verifier, "verify", lambda _self, incoming, _secrets: _present(incoming))
    accepted, rightly = _tried(scheme, SLICE, seed=4)
    assert accepted > rightly


def _present(incoming: Incoming) -> Signature:
    return Signature.VALID if incoming.headers.get("x-marqeta-signature") else Signature.INVALID
