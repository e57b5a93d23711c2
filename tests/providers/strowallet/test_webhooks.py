"""Deliveries: the secret in the address, the signature of a gateway, late ones; what is in a body, and what may not be kept."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from cardctl.domain.events import Incoming, Signature
from cardctl.domain.redaction import Secret
from cardctl.errors import BadEvent
from cardctl.providers import registry
from cardctl.providers.strowallet.webhooks import SECRET, StrowalletWebhooks

WEBHOOKS = StrowalletWebhooks()
NOW = datetime(2026, 5, 18, 12, 10, tzinfo=UTC)
NOW_MS = str(int(NOW.timestamp() * 1000))
KEY, OLD = "a secret+with/odd=letters&more", "the-one-before"
SECRETS = {SECRET: [Secret(KEY), Secret(OLD)]}
BODY = b'{"id": "evt-1", "event": "virtualcard.topup.complete", "cardId": "card-1", "amount": "25.00"}'
V, N, S, A = Signature.VALID, Signature.INVALID, Signature.STALE, Signature.ABSENT


def signed(key: str = KEY, body: bytes = BODY) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def verdict(
    query: str = "",
    signature: str | None = None,
    at: str | None = NOW_MS,
    *,
    body: bytes = BODY,
    received_at: datetime = NOW,
    secrets: dict[str, list[Secret]] = SECRETS,
) -> Signature:
    told = {"x-strowallet-signature": signature, "x-strowallet-timestamp": at}
    headers = {name: text for name, text in told.items() if text is not None}
    return WEBHOOKS.verify(Incoming(body, headers, received_at, query), secrets)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (f"secret={quote(KEY, safe='')}", V),
        (f"secret={quote_plus(KEY)}", V),
        (f"?a=b&secret={quote(KEY, safe='')}&c", V),
        (f"secret={quote(OLD)}", V),
        ("secret=another", N),
        ("secret=", N),
        ("secret", N),
        (f"secret={OLD}x", N),
        (f"secret={OLD[:-1]}", N),
        (f"secret={OLD.upper()}", N),
        (f"secret={OLD}&secret={OLD}", N),
        (f"secret=x&secret={OLD}", N),
        ("secret=%FF%00é\ud800", N),
        (f"Secret={OLD}", A),
        (f"x=secret={OLD}", A),
        ("", A),
        ("a=b", A),
    ],
)
def test_a_secret_in_the_address(query: str, wanted: Signature) -> None:
    assert verdict(query) is wanted


@pytest.mark.parametrize(
    ("signature", "at", "wanted"),
    [
        (signed(), NOW_MS, V),
        (signed(OLD), NOW_MS, V),
        (signed("another"), NOW_MS, N),
        (signed().upper(), NOW_MS, N),
        (signed()[:-1], NOW_MS, N),
        (f"{signed()},{signed()}", NOW_MS, N),
        (f"sha256={signed()}", NOW_MS, N),
        ("é\ud800", NOW_MS, N),
        (signed(), None, N),
        (signed(), "", N),
        (signed(), "soon", N),
        (signed(), f"-{NOW_MS}", N),
        (signed(), f" {NOW_MS}", N),
        (signed(), f"{NOW_MS}\n", N),
        (signed(), f"{NOW_MS}, {NOW_MS}", N),
        (signed(), "٣" * 13, N),
        (signed(), "9" * 400, N),
        (signed(), "9" * 15, S),
        (signed(), "0", S),
        (signed(), NOW_MS[:-3], S),
        ("", NOW_MS, A),
        (None, NOW_MS, A),
        (None, None, A),
    ],
)
def test_a_signature(signature: str | None, at: str | None, wanted: Signature) -> None:
    assert verdict("", signature, at) is wanted


@pytest.mark.parametrize(
    ("late", "wanted"),
    [(0, V), (300_000, V), (-300_000, V), (300_001, S), (-300_001, S), (10**11, S)],
)
def test_age_is_judged_as_of_receipt(late: int, wanted: Signature) -> None:
    assert verdict("", signed(), received_at=NOW + timedelta(milliseconds=late)) is wanted


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], BODY.replace(b"25.00", b"35.00"), b"", b"\xff"])
def test_another_body_is_not_what_was_signed(body: bytes) -> None:
    assert verdict("", signed(), body=body) is N


@pytest.mark.parametrize(
    ("query", "signature", "wanted"),
    [
        (f"secret={OLD}", signed(), V),
        (f"secret={OLD}", signed("another"), N),
        ("secret=another", signed(), N),
        ("secret=another", None, N),
    ],
)
def test_every_proof_that_is_offered_must_hold(query: str, signature: str | None, wanted: Signature) -> None:
    assert verdict(query, signature) is wanted


@pytest.mark.parametrize("secrets", [{}, {SECRET: []}, {SECRET: [Secret(" ")]}])
def test_without_a_secret_nothing_is_genuine(secrets: dict[str, list[Secret]]) -> None:
    assert verdict("secret=", secrets=secrets) is N
    assert verdict("secret=+", secrets=secrets) is N
    assert verdict("", signed(" "), secrets=secrets) is N
    assert verdict("", secrets=secrets) is A


def notice(**fields: Any) -> Any:
    (found,) = WEBHOOKS.notices(json.dumps(fields).encode())
    return found


TOP_UP = {"id": "evt-3", "event": "virtualcard.topup.complete", "amount": "25.00", "cardId": "card-1", "reference": "R1"}
CREDIT = {"sessionId": "s-1", "accountNumber": "0123456789", "settledAmount": "10", "settlementId": "st-1"}
NAIRA = {"card_Id": "card-9", "merchantAmount": "100", "currency": "NGN"}


@pytest.mark.parametrize(
    ("fields", "event_id", "object_ref", "card_ref"),
    [
        (TOP_UP, "virtualcard.topup.complete/evt-3/R1", "R1", "card-1"),
        ({**TOP_UP, "reference": None}, "virtualcard.topup.complete/evt-3/", "card-1", "card-1"),
        ({**TOP_UP, "id": None}, "virtualcard.topup.complete//R1", "R1", "card-1"),
        ({**TOP_UP, "event": " VirtualCard.topup.complete"}, "virtualcard.topup.complete/evt-3/R1", "R1", "card-1"),
        (
            {**TOP_UP, "event": "virtualcard.created.success"},
            "virtualcard.created.complete/evt-3/R1",
            "R1",
            "card-1",
        ),
        ({"event": "virtualcard.topup.complete", "data": TOP_UP}, "virtualcard.topup.complete/evt-3/R1", "R1", "card-1"),
        ({"event": "virtualcard.x", "id": 7, "card_id": "card-2"}, "virtualcard.x/7/", "card-2", "card-2"),
        (
            {"event": "usdt.transfer.success", "id": "u-1", "reference": "R", "amount": 5},
            "usdt.transfer.success/u-1/R",
            "R",
            None,
        ),
        ({"authorization.request": "ref-1", **NAIRA}, "authorization.request//ref-1", "ref-1", "card-9"),
        ({"transaction.created": "ref-2", **NAIRA}, "transaction.created//ref-2", "ref-2", "card-9"),
        ({"transaction.refund": "ref-3", **NAIRA}, "transaction.refund//ref-3", "ref-3", "card-9"),
        ({"card.balance": "ref-4", **NAIRA}, "card.balance//ref-4", "ref-4", "card-9"),
        (CREDIT, "virtualaccount.credit/s-1/st-1", "st-1", None),
        ({"event": "something.new", "id": "n"}, "something.new/n/", None, None),
    ],
)
def test_notices(fields: dict[str, Any], event_id: str, object_ref: str | None, card_ref: str | None) -> None:
    found = notice(**fields)
    assert (found.event_id, found.object_ref, found.card_ref) == (event_id, object_ref, card_ref)
    assert found.type == event_id.partition("/")[0]
    assert (found.position, found.live) == (0, None)


def test_what_has_neither_id_nor_reference_is_known_by_what_it_says() -> None:
    ids = {notice(event="virtualcard.x", cardId=card).event_id for card in ("card-1", "card-2", "card-1")}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("fields", "moment"),
    [
        ({"date": "2026-05-18T12:10:00Z"}, NOW),
        ({"date": "2026-05-18T14:10:00+02:00"}, NOW),
        ({"date": "2026-05-18 12:10:00"}, NOW),
        ({"createdAt": "2026-05-18T12:10:00.000Z"}, NOW),
        ({"date": "soon", "createdAt": "2026-05-18T12:10:00Z"}, NOW),
        ({"date": "0001-01-01T00:00:00+14:00"}, None),
        ({"date": 7}, None),
        ({}, None),
    ],
)
def test_when_it_happened(fields: dict[str, Any], moment: datetime | None) -> None:
    assert notice(event="virtualcard.x", **fields).occurred_at == moment


def test_amounts_are_exact() -> None:
    (found,) = WEBHOOKS.notices(b'{"event": "virtualcard.x", "amount": 0.10}')
    assert found.item["amount"] == Decimal("0.10")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"7",
        b"{}",
        b'{"event": ""}',
        b'{"event": ["virtualcard.x"]}',
        b'{"event": "a\\u0000b"}',
        b'{"sessionId": "s-1"}',
        b'{"event": "x", "amount": NaN}',
        b'{"event": "x", "amount": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b"amount=10&currency=NGN&custom=x&trx_num=1&signature=AB",  # the notice of a checkout, which is none of cards
    ],
)
def test_what_is_no_notification(body: bytes) -> None:
    with pytest.raises(BadEvent):
        WEBHOOKS.notices(body)


@pytest.mark.parametrize("depth", [200, 400, 600, 900, 5000])
def test_a_body_of_any_depth_is_read_or_refused(depth: int) -> None:
    deep = b'{"event": "virtualcard.x", "card": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    assert WEBHOOKS.kept_body(deep) == deep
    try:
        assert len(WEBHOOKS.notices(deep)) == 1
    except BadEvent:
        assert depth > 200


OTP = {"event": "otp.code", "cardId": "card-1", "authorizationCode": "493817", "last4": "5976", "reference": "R9"}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(OTP),
        json.dumps({"event": "otp.code", "data": OTP}),
        json.dumps({**OTP, "event": "virtualcard.otp"}),
        json.dumps({"event": "otp.code", "code": "493817"}),
        json.dumps({"event": "OTP.code", "code": "493817"}),
        json.dumps({"event": "x", "authorization_code": "493817"}),
        json.dumps({"event": "x", "data": {"data": [{"authorizationCode": "493817"}]}}),
        json.dumps(OTP).replace("otp.code", "\\u006ftp.code"),
        json.dumps(OTP)[:-1],
        f"[{json.dumps(OTP)}]",
        "otp.code=493817",
    ],
)
def test_a_one_time_code_is_not_kept(body: str) -> None:
    assert WEBHOOKS.kept_body(body.encode()) is None


def test_a_one_time_code_is_not_in_the_notice() -> None:
    found = notice(**OTP)
    assert (found.event_id, found.card_ref) == ("otp.code//R9", "card-1")
    assert "493817" not in str(found)


@pytest.mark.parametrize("body", [BODY, b"", b"nonsense", b"[]", b"\xff"])
def test_everything_else_is_kept_as_it_came(body: bytes) -> None:
    assert WEBHOOKS.kept_body(body) == body


def test_the_registry_leads_here() -> None:
    found = registry.webhooks("strowallet")
    assert (found.name, found.secret_names) == ("strowallet", (SECRET,))
