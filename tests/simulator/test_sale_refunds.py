"""What goes back to customers of the simulated Stripe: refunds, now or later or never, and disputes; where the money is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.simulator.control import Control
from tests.simulator.shop import CHARGES, INTENTS, REFUNDS, purse, sale, told
from tests.simulator.stranger import Stranger


def test_money_goes_back_once(stranger: Stranger) -> None:
    intent = sale(stranger, 900)["id"]
    assert purse(stranger) == 900
    part = stranger.done(REFUNDS, {"payment_intent": intent, "amount": "400", "metadata[order]": "ord_1"})
    assert (part["status"], part["amount"], part["payment_intent"]) == ("succeeded", 400, intent)
    assert purse(stranger) == 500
    too_much = stranger.refused(REFUNDS, {"payment_intent": intent, "amount": "501"})
    assert (too_much["param"], "greater than unrefunded" in too_much["message"]) == ("amount", True)
    assert purse(stranger) == 500
    rest = stranger.done(REFUNDS, {"charge": part["charge"]})
    assert rest["amount"] == 500
    assert stranger.refused(REFUNDS, {"payment_intent": intent})["code"] == "charge_already_refunded"
    charge = stranger.seen(f"{CHARGES}/{part['charge']}", **{"expand[]": "refunds"})
    assert (charge["amount_refunded"], charge["refunded"]) == (900, True)
    assert [one["id"] for one in charge["refunds"]["data"]] == [rest["id"], part["id"]]
    listed = stranger.seen(REFUNDS, payment_intent=intent)["data"]
    assert [(one["id"], one["metadata"]) for one in listed] == [(rest["id"], {}), (part["id"], {"order": "ord_1"})]
    assert purse(stranger) == 0
    assert told(stranger)[-4:] == ["refund.created", "charge.refunded"] * 2


def test_a_key_gives_back_once(stranger: Stranger) -> None:
    intent = sale(stranger)["id"]
    form = {"payment_intent": intent, "amount": "300"}
    first, second = (stranger.post(REFUNDS, form, key="op_1") for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert purse(stranger) == 600
    assert stranger.post(REFUNDS, {**form, "amount": "301"}, key="op_1").json()["error"]["type"] == "idempotency_error"
    assert purse(stranger) == 600


def test_nothing_goes_back_of_what_was_not_paid_or_is_disputed(stranger: Stranger, control: Control) -> None:
    waiting = stranger.done(INTENTS, {"amount": "900", "currency": "usd"})["id"]
    stranger.refused(REFUNDS, {"payment_intent": waiting})
    contested = sale(stranger)
    control.edit(contested["latest_charge"], {"disputed": True})
    assert stranger.refused(REFUNDS, {"payment_intent": contested["id"]})["code"] == "charge_disputed"
    assert purse(stranger) == 900


@pytest.mark.parametrize(("verdict", "there"), [("won", 1800), ("lost", 1200)])
def test_a_customer_s_bank_disputes(stranger: Stranger, control: Control, verdict: str, there: int) -> None:
    intent, other = sale(stranger, 900)["id"], sale(stranger, 900)["id"]
    assert purse(stranger) == 1800
    made = control.dispute(intent, Money(600, "USD"), "product_not_received")
    assert stranger.seen(f"{INTENTS}/{intent}", **{"expand[]": "latest_charge"})["latest_charge"]["disputed"]
    assert purse(stranger) == 1200
    assert stranger.refused(REFUNDS, {"payment_intent": intent})["code"] == "charge_disputed"
    for wrong in (
        (intent, None, None),
        (other, Money(901, "USD"), None),
        (other, Money(5, "EUR"), None),
        (other, None, "whim"),
    ):
        with pytest.raises(BadInput):
            control.dispute(*wrong)
    assert purse(stranger) == 1200
    control.decide_dispute(made, verdict)
    assert purse(stranger) == there
    with pytest.raises(BadInput):
        control.decide_dispute(made, verdict)
    told_of_it = [kind for kind in told(stranger) if kind.startswith("charge.dispute.")]
    ends = {"won": ["charge.dispute.closed", "charge.dispute.funds_reinstated"], "lost": ["charge.dispute.closed"]}
    assert told_of_it == ["charge.dispute.created", "charge.dispute.funds_withdrawn", *ends[verdict]]
    reply = stranger.post(REFUNDS, {"payment_intent": intent})
    assert reply.status_code == (200 if verdict == "won" else 400)
    assert purse(stranger) == (900 if verdict == "won" else 1200)


def test_refunds_that_end_later(stranger: Stranger, control: Control) -> None:
    slow, bad = (sale(stranger, method=f"pm_card_{name}")["id"] for name in ("pendingRefund", "refundFail"))
    waiting = stranger.done(REFUNDS, {"payment_intent": slow})
    given = stranger.done(REFUNDS, {"payment_intent": bad})
    assert (waiting["status"], given["status"], purse(stranger)) == ("pending", "succeeded", 0)
    control.advance(timedelta(hours=2))
    assert stranger.seen(f"{REFUNDS}/{waiting['id']}")["status"] == "succeeded"
    failed = stranger.seen(f"{REFUNDS}/{given['id']}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "unknown")
    assert purse(stranger) == 900
    assert stranger.seen(f"{CHARGES}/{given['charge']}")["amount_refunded"] == 0
    assert stranger.done(REFUNDS, {"payment_intent": bad})["status"] == "succeeded"
    assert purse(stranger) == 0


def test_staff_moves_a_refund(stranger: Stranger, control: Control) -> None:
    made = stranger.done(REFUNDS, {"payment_intent": sale(stranger)["id"], "amount": "700"})
    before = control.last_told()
    for status, there, back in (("pending", 200, 700), ("failed", 900, 0), ("canceled", 900, 0), ("succeeded", 200, 700)):
        control.edit(made["id"], {"status": status})
        assert stranger.seen(f"{REFUNDS}/{made['id']}")["status"] == status
        assert stranger.seen(f"{CHARGES}/{made['charge']}")["amount_refunded"] == back
        assert purse(stranger) == there
    assert control.last_told() == before
    control.edit(made["id"], {"status": "failed"}, tell=True)
    assert told(stranger)[-3:] == ["charge.updated", "refund.updated", "refund.failed"]


def test_a_refund_that_waits_for_staff(stranger: Stranger, control: Control) -> None:
    control.fault("delayed-refund")
    first, second = (stranger.done(REFUNDS, {"payment_intent": sale(stranger)["id"]}) for _ in range(2))
    assert [one["status"] for one in (first, second)] == ["pending", "succeeded"]
    control.advance(timedelta(days=30))
    assert stranger.seen(f"{REFUNDS}/{first['id']}")["status"] == "pending"
    assert purse(stranger) == 0
    control.edit(first["id"], {"status": "failed"}, tell=True)
    assert purse(stranger) == 900


def test_somebody_gives_it_back_in_the_dashboard(stranger: Stranger, control: Control) -> None:
    intent = control.sell(Money(900, "USD"), {"offerId": "x"}, "ada@example.com")
    assert stranger.seen(f"{INTENTS}/{intent}")["receipt_email"] == "ada@example.com"
    control.refund(intent, Money(300, "USD"))
    assert (purse(stranger), control.captured(intent)) == (600, Money(900, "USD"))
    control.refund(intent)
    assert purse(stranger) == 0
    with pytest.raises(BadInput):
        control.refund(intent)
    with pytest.raises(BadInput):
        control.refund(intent, times=2)
    assert purse(stranger) == 0


def test_eight_who_give_back_at_once_give_it_back_once(path: Path) -> None:
    with Stranger(path) as one:
        refs = [sale(one, 900)["id"] for _ in range(5)]

        def give_back(ref: str) -> int:
            with Stranger(path) as other:
                return other.post(REFUNDS, {"payment_intent": ref}).status_code

        with ThreadPoolExecutor(8) as pool:
            codes = list(pool.map(give_back, refs * 8))
        assert sorted(codes) == [200] * 5 + [400] * 35
        assert (purse(one), len(one.seen(REFUNDS, limit=100)["data"])) == (0, 5)
