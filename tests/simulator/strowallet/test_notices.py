"""What the simulated Strowallet tells of what happens, and how its one object a request is proven."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from typing import Any

import pytest

from cardctl.errors import BadInput
from cardctl.simulator.books import FarSide
from cardctl.simulator.faces.strowallet import notices
from cardctl.simulator.outbox import Notice
from cardctl.simulator.strowallet import counter
from cardctl.simulator.strowallet.messages import NAIRA
from tests.simulator.strowallet.client import Nfc, Virtual

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
SHOP = {"name": "EXAMPLE SHOP", "country": "US", "mcc": "5812"}


def told(far_side: FarSide) -> list[dict[str, Any]]:
    with far_side.reading() as desk:
        rows = desk.db.execute("SELECT event_id, type, card_ref, key, body FROM events WHERE face = 'strowallet' ORDER BY seq")
        found = rows.fetchall()
    for event_id, kind, _, key, body in found:
        assert json.loads(body).get("event", kind) == kind
        assert json.loads(body).get("id", event_id) == event_id
        assert key == ""
    return [json.loads(body) for *_, body in found]


def types(far_side: FarSide) -> list[str]:
    return [body["event"].removeprefix("virtualcard.") for body in told(far_side)]


def swipe(far_side: FarSide, card: str, amount: int, hold: bool = False, **merchant: Any) -> dict[str, Any]:
    with far_side.transaction() as desk:
        done = counter.swipe(desk, card, amount, SHOP | merchant, hold)
    assert done is not None
    return done


def test_a_new_card(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    detail = virtual.detail(card)
    assert told(far_side) == [
        {
            "id": card,
            "event": "virtualcard.created.complete",
            "amount": "30.00",
            "cardId": card,
            "cardBrand": "Visa",
            "lastFour": detail["last4"],
            "status": "active",
            "createdStatus": "completed",
            "reference": detail["reference"],
        }
    ]


def test_money_is_told_when_it_settles(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    with far_side.transaction() as desk:
        counter.delay_next(desk, 2)
    virtual.fund(card, "12.50")
    virtual.withdraw(card, "7")
    assert types(far_side) == ["created.complete"]
    with far_side.transaction() as desk:
        counter.settle_pending(desk)
    _, funded, withdrawn = told(far_side)
    assert funded.items() >= {"amount": "12.50", "status": "success", "reason": "", "isTerminated": False}.items()
    assert withdrawn.items() >= {"amount": "7.00", "fee": "0", "credited": "7.00", "status": "complete"}.items()
    rows = {row["reference"]: row for row in virtual.rows(card)}
    for body, event in ((funded, "virtualcard.topup.complete"), (withdrawn, "virtualcard.withdrawal.success")):
        assert body["event"] == event
        assert body["cardId"] == rows[body["reference"]]["cardId"] == card
        assert RFC_3339.fullmatch(body["date"])
        assert re.fullmatch(r"evt-[0-9a-f]{24}", body["id"])


def test_a_minute_later_it_is_told_too(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    with far_side.transaction() as desk:
        counter.delay_next(desk, 1)
    virtual.fund(card, "5")
    far_side.advance(60)
    virtual.detail(card)
    assert types(far_side) == ["created.complete", "topup.complete"]


def test_a_funding_that_fails(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    with far_side.transaction() as desk:
        counter.delay_next(desk, 1)
    virtual.fund(card, "5")
    with far_side.transaction() as desk:
        counter.terminate(desk, card)
        counter.settle_pending(desk)
    failed = told(far_side)[-1] if types(far_side)[-1] == "topup.complete" else told(far_side)[-2]
    assert failed.items() >= {"status": "failed", "isTerminated": True, "reason": "Card has been terminated"}.items()


def test_purchases(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    done = swipe(far_side, card, 9_99)
    swipe(far_side, card, 1_00, hold=True)
    swipe(far_side, card, 99_00)
    _, bought, held, declined = told(far_side)
    expected = {"amount": "9.99", "status": "completed", "currency": "USD", "merchant": "EXAMPLE SHOP", "mcc": "5812"}
    assert bought.items() >= {**expected, "country": "US", "reference": done["authorization_ref"]}.items()
    assert (held["status"], held["event"]) == ("pending", "virtualcard.transaction.authorization")
    assert declined.items() >= {"amount": "99.00", "status": "failed", "reason": "Insufficient funds"}.items()
    assert declined["event"] == "virtualcard.transaction.declined"


def test_a_merchant_abroad(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    swipe(far_side, card, 5_00, country="FR")
    assert types(far_side)[1:] == ["transaction.authorization", "transaction.crossborder"]
    bought, crossed = told(far_side)[1:]
    assert crossed.items() >= {"amount": "5.00", "chargedAmount": "5.00", "reference": bought["reference"]}.items()
    assert crossed["id"] != bought["id"]


def test_a_card_that_the_bank_ends(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    straw = swipe(far_side, card, 99_00)
    for _ in range(2):
        with far_side.transaction() as desk:
            counter.terminate(desk, card)
    *_, ended = told(far_side)
    assert types(far_side).count("transaction.declined.terminated") == 1
    assert ended.items() >= {"amount": "99.00", "status": "success", "balanceBeforeTermination": "29.50"}.items()
    assert ended["transactionReference"] == straw["authorization_ref"]


def test_freezing_is_told_to_nobody(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    virtual.act(card, "freeze")
    virtual.act(card, "unfreeze")
    with far_side.transaction() as desk:
        counter.set_kyc(desk, virtual.detail(card)["customer_id"], "pending")
    assert types(far_side) == ["created.complete"]


def test_ziiropay_does_not_tell_of_fundings(nfc: Nfc, far_side: FarSide) -> None:
    card = nfc.card("30")
    nfc.move(card, "5", "fund")
    nfc.move(card, "5", "withdraw")
    assert types(far_side) == ["created.complete", "withdrawal.success"]


def test_a_one_time_code(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("30")
    with far_side.transaction() as desk:
        assert counter.send_otp(desk, card) is True
        assert counter.send_otp(desk, "none") is False
    code = told(far_side)[-1]
    assert (code["event"], code["cardId"], code["last4"]) == ("otp.code", card, virtual.detail(card)["last4"])
    assert re.fullmatch(r"\d{6}", code["authorizationCode"])


@pytest.mark.parametrize("kind", NAIRA)
def test_naira(far_side: FarSide, kind: str) -> None:
    with far_side.transaction() as desk:
        reference = counter.naira(desk, kind, "naira-card-1", amount="250.00", fee="10")
    (body,) = told(far_side)
    assert next(iter(body)) == kind
    assert (body[kind], body["card_Id"], body["currency"]) == (reference, "naira-card-1", "NGN")
    assert ("amount" in body) == (kind != "card.balance")


def test_no_such_naira_event(far_side: FarSide) -> None:
    with pytest.raises(BadInput), far_side.transaction() as desk:
        counter.naira(desk, "card.created", "naira-card-1")


NOTICE = Notice("evt-1", "otp.code", "evt-1", "card-1", {"event": "otp.code", "cardId": "card-1"})


def test_the_secret_is_in_the_url() -> None:
    posting = notices.posted([NOTICE], {notices.SECRET: ["a b&c", "older"]}, 0)
    assert posting.query == "secret=a+b%26c"
    assert json.loads(posting.body) == NOTICE.body
    assert posting.headers == {"Content-Type": "application/json"}
    assert notices.posted([NOTICE], {}, 0).query == ""


def test_a_gateway_signs() -> None:
    posting = notices.posted([NOTICE], {notices.SECRET: ["s"], notices.SIGNED: ["1"]}, 1_700_000_000)
    assert posting.query == ""
    assert posting.headers["X-Strowallet-Timestamp"] == "1700000000000"
    assert posting.headers["X-Strowallet-Signature"] == hmac.new(b"s", posting.body, hashlib.sha256).hexdigest()


def test_staff_decide_whether_a_gateway_signs(far_side: FarSide) -> None:
    with far_side.transaction() as desk:
        assert counter.signs_webhooks(desk) is False
        counter.sign_webhooks(desk, on=True)
        assert counter.signs_webhooks(desk) is True
        counter.sign_webhooks(desk, on=False)
        assert counter.signs_webhooks(desk) is False
