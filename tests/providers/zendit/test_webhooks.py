"""Zendit's notifications: genuine, tampered, absent, rotated; a forged body says no more than what is to be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.domain.events import NOTHING, Incoming, Signature, Source, Told
from cardctl.domain.redaction import Secret
from cardctl.domain.sales import SoldTold
from cardctl.domain.things import Kind, Named
from cardctl.errors import BadEvent
from cardctl.providers import registry
from cardctl.providers.zendit.webhooks import SECRET, ZenditWebhooks, asked_about
from cardctl.services.deeds.inbox import Reception, judge, kept_headers
from tests.providers.zendit import objects
from tests.providers.zendit.objects import CODE, ICCID, REF, SMDP

VALUE = "s3cret-of-the-console-41"
BODY = json.dumps(objects.purchase()).encode()
NOW = datetime(2026, 5, 1, 12, 1, tzinfo=UTC)


def verdict(
    value: str | None, *, header: str = "authorization", secrets: tuple[str, ...] = (VALUE,), **settings: Any
) -> Signature:
    headers = {} if value is None else {header: value}
    incoming = Incoming(BODY, headers, NOW)
    return ZenditWebhooks(settings).verify(incoming, {SECRET: [Secret(each) for each in secrets]})


def told(body: Any) -> Told:
    webhooks = ZenditWebhooks()
    (notice,) = webhooks.notices(json.dumps(body).encode())
    return webhooks.told(notice)


@pytest.mark.parametrize(
    ("value", "verdict_is"),
    [
        (VALUE, Signature.VALID),
        (f"Bearer {VALUE}", Signature.VALID),
        (f"bearer {VALUE}", Signature.VALID),
        (None, Signature.ABSENT),
        ("", Signature.ABSENT),
        (VALUE.upper(), Signature.INVALID),
        (VALUE[:-1], Signature.INVALID),
        (VALUE + " ", Signature.INVALID),
        (f"Basic {VALUE}", Signature.INVALID),
        (f"Bearer  {VALUE}", Signature.INVALID),
        (f"Bearer Bearer {VALUE}", Signature.INVALID),
        (f"{VALUE}, {VALUE}", Signature.INVALID),
        ("Bearer ", Signature.INVALID),
        ("é\ud800", Signature.INVALID),
    ],
)
def test_verdicts(value: str | None, verdict_is: Signature) -> None:
    assert verdict(value) is verdict_is


def test_a_secret_may_be_the_whole_value_of_the_header() -> None:
    assert verdict(f"Bearer {VALUE}", secrets=(f"Bearer {VALUE}",)) is Signature.VALID


def test_the_header_is_the_one_that_is_set() -> None:
    assert verdict(VALUE, header="x-webhook-token", webhook_header="X-Webhook-Token") is Signature.VALID
    assert verdict(VALUE, webhook_header="X-Webhook-Token") is Signature.ABSENT
    assert verdict(VALUE, header="x-webhook-token") is Signature.ABSENT


def test_both_values_are_valid_while_one_is_rotated() -> None:
    for value in ("new", "old"):
        assert verdict(value, secrets=("new", "old")) is Signature.VALID
    assert verdict("older", secrets=("new", "old")) is Signature.INVALID


def test_a_secret_that_is_not_there_or_empty_proves_nothing() -> None:
    assert verdict(VALUE, secrets=()) is Signature.INVALID
    for blank in (" ", "Bearer ", "Bearer  "):
        assert verdict(blank, secrets=("", " ")) is Signature.INVALID


@pytest.mark.parametrize(
    ("more", "event_id", "kind"),
    [
        ({}, f"{REF}:DONE:{objects.CHANGED}", "esim.done"),
        ({"status": "IN PROGRESS"}, f"{REF}:IN_PROGRESS:{objects.CHANGED}", "esim.in_progress"),
        ({"status": "FAIL"}, f"{REF}:FAIL:{objects.CHANGED}", "esim.failed"),
        ({"status": "BRAND_NEW"}, f"{REF}:BRAND_NEW:{objects.CHANGED}", "esim.brand_new"),
        ({"productType": "VOUCHER"}, f"{REF}:DONE:{objects.CHANGED}", "voucher.done"),
        ({"productType": None}, f"{REF}:DONE:{objects.CHANGED}", "esim.done"),
        ({"updatedAt": None}, f"{REF}:DONE:", "esim.done"),
    ],
)
def test_a_notice(more: Any, event_id: str, kind: str) -> None:
    (notice,) = ZenditWebhooks().notices(json.dumps(objects.purchase(**more)).encode())
    assert (notice.event_id, notice.type, notice.object_ref, notice.card_ref) == (event_id, kind, REF, None)
    if "updatedAt" not in more:
        assert notice.occurred_at == datetime(2026, 5, 1, 12, 0, 9, tzinfo=UTC)


@pytest.mark.parametrize("body", [objects.purchase("DONE"), objects.failed(), objects.purchase("ACCEPTED"), objects.accepted()])
def test_whatever_a_body_says_the_purchase_is_read(body: Any) -> None:
    """So a forged one, or one whose confirmation was changed, changes nothing."""
    assert told(body) == Told(sold=SoldTold(look=(Named(Kind.PURCHASE, REF),)))
    assert not told(body).informs


@pytest.mark.parametrize("product", ["VOUCHER", "TOPUP", "BILL_PAY", "WALLET_RECHARGE", "ESIMS"])
def test_of_other_products_nothing_follows(product: str) -> None:
    assert told(objects.purchase(productType=product)) == NOTHING


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no",
        b"[]",
        b"7",
        b"{}",
        b'{"transactionId": "x"}',
        b'{"transactionId": 7, "status": "DONE"}',
        b'{"transactionId": "a\\u0000b", "status": "DONE"}',
        b'{"transactionId": "", "status": "DONE"}',
        b'{"transactionId": "x", "status": ""}',
        b'{"transactionId": "x", "status": "DONE", "productType": 7}',
        json.dumps({"transactionId": "x" * 101, "status": "DONE"}).encode(),
        b'{"transactionId": "x", "status": "DONE", "updatedAt": 7}',
        b"[" * 10_000,
    ],
)
def test_what_is_no_event_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(BadEvent):
        ZenditWebhooks().notices(body)
    assert asked_about(body) is None


def test_a_question_about_a_transaction_is_no_notification() -> None:
    """ShieldWall's body is an item of the ledger: whoever answers it with 200 has confirmed it."""
    body = json.dumps(objects.transaction(status="PENDING")).encode()
    assert asked_about(body) == REF
    with pytest.raises(BadEvent, match="asks whether"):
        ZenditWebhooks().notices(body)


@pytest.mark.parametrize("body", [objects.purchase(), objects.failed(), objects.accepted(), objects.purchase(type="DEBIT")])
def test_a_purchase_is_no_question(body: Any) -> None:
    assert asked_about(json.dumps(body).encode()) is None


@pytest.mark.parametrize("body", [objects.transaction(transactionId=7), objects.transaction(transactionId="")])
def test_a_question_without_a_name_is_none(body: Any) -> None:
    assert asked_about(json.dumps(body).encode()) is None


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        json.dumps(objects.purchase(notes=f"type LPA:1${SMDP}${CODE}", dataGB=0.5)).encode(),
        json.dumps([objects.purchase()]).encode(),
        BODY.replace(b"activationCode", b"activ\\u0061tionCode"),
        BODY[:-20],
        BODY[: BODY.index(CODE.encode()) + len(CODE)],
        BODY + b"}",
        b'{"notes": "lpa:1$rsp.example.test$' + CODE.encode() + b'"',
        json.dumps(objects.purchase(brand="\ud800")).encode(),
    ],
)
def test_no_body_is_kept_with_a_code_in_it(body: bytes) -> None:
    kept = ZenditWebhooks().kept_body(body)
    assert kept is not None
    assert CODE.encode() not in kept
    assert CODE not in kept.decode("utf-8", "replace")


def test_a_kept_body_is_still_the_same_notification() -> None:
    webhooks = ZenditWebhooks()
    body = json.dumps(objects.purchase(dataGB=0.5)).encode()
    kept = webhooks.kept_body(body)
    assert kept is not None
    (before,), (after,) = webhooks.notices(body), webhooks.notices(kept)
    assert (before.event_id, before.type, webhooks.told(before)) == (after.event_id, after.type, webhooks.told(after))
    assert json.loads(kept)["confirmation"]["iccid"] == ICCID
    assert json.loads(kept)["dataGB"] == 0.5


def test_what_comes_is_kept_without_the_secret_that_proves_it() -> None:
    webhooks = registry.webhooks("zendit", {"webhook_header": "X-Webhook-Token"})
    reception = Reception(webhooks, "zendit/default", {SECRET: [Secret(VALUE)]}, live=False)
    headers = {"x-webhook-token": VALUE, "authorization": "Basic abc", "user-agent": "zendit"}
    judged = judge(reception, Incoming(BODY, headers, NOW), Source.SERVED)
    assert judged.signature is Signature.VALID
    assert judged.arrival is not None
    assert judged.arrival.headers == {"user-agent": "zendit"}
    assert CODE.encode() not in (judged.arrival.body or b"")
    assert kept_headers(headers, webhooks) == {"user-agent": "zendit"}
