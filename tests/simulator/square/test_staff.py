"""What staff, other programs of the seller and buyers' banks do: silent and told edits, refunds and payments made elsewhere."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.control import Control
from tests.simulator.square.client import Seller, usd


def kinds(control: Control, since: int) -> list[str]:
    posted = control.deliveries(face="square", since_seq=since, undelivered=False)
    return [str(orjson.loads(one.posting.body)["type"]) for one in posted]


def test_a_card_is_renewed_silently(seller: Seller, control: Control) -> None:
    card = seller.card(seller.customer())
    last = control.last_told()
    before, after = control.edit(card, {"exp_month": "7", "exp_year": "2041", "last4": "4242"})
    assert before["last4"] == "1111"
    assert after == {"exp_month": 7, "exp_year": 2041, "last4": "4242"}
    shown = seller.shown(card)
    assert (shown["exp_month"], shown["exp_year"], shown["last_4"], shown["version"]) == (7, 2041, "4242", 2)
    assert kinds(control, last) == []


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"exp_year": "2041"}, "card.automatically_updated"),
        ({"reference_id": "x"}, "card.updated"),
        ({"issuer_alert": "ISSUER_ALERT_CARD_CLOSED"}, "card.updated"),
        ({"enabled": "false"}, "card.disabled"),
        ({"forgotten": "true"}, "card.forgotten"),
        ({"customer.note": "x"}, "customer.updated"),
        ({"customer.deleted": "true"}, "customer.deleted"),
    ],
)
def test_an_edit_that_is_told(seller: Seller, control: Control, fields: dict[str, str], kind: str) -> None:
    card = seller.card(seller.customer())
    last = control.last_told()
    control.edit(card, fields, tell=True)
    assert kinds(control, last) == [kind]


def test_a_forgotten_card_is_gone(seller: Seller, control: Control) -> None:
    buyer = seller.buyer()
    control.edit(buyer["source_id"], {"forgotten": "true"})
    assert seller.refused("GET", f"/v2/cards/{buyer['source_id']}")[:2] == (404, "NOT_FOUND")
    assert seller.all("cards", include_disabled="true") == []
    assert seller.refused("POST", "/v2/payments", seller.paying(buyer, 5))[1] == "NOT_FOUND"


def test_a_customer_is_merged_into_another(seller: Seller, control: Control) -> None:
    kept, buyer = seller.customer(), seller.buyer()
    last = control.last_told()
    control.edit(buyer["source_id"], {"customer.merged_into": kept}, tell=True)
    assert seller.shown(buyer["source_id"])["customer_id"] == kept
    assert seller.done("GET", f"/v2/customers/{buyer['customer_id']}")["customer"]["id"] == kept
    posted = control.deliveries(face="square", since_seq=last, undelivered=False)
    (gone,) = [body for one in posted if (body := orjson.loads(one.posting.body))["type"] == "customer.deleted"]
    merge = gone["data"]["object"]["event_context"]["merge"]
    assert merge == {"from_customer_ids": [buyer["customer_id"]], "to_customer_id": kept}


def test_a_payment_is_edited_as_a_whole(seller: Seller, control: Control) -> None:
    held = seller.hold(seller.buyer(), 5000)
    control.edit(held["id"], {"status": "COMPLETED", "amount_money.amount": "4000"})
    found = seller.payment(held["id"])
    assert (found["status"], found["card_details"]["status"], found["total_money"]) == ("COMPLETED", "CAPTURED", usd(4000))
    assert found["version_token"] != held["version_token"]
    assert found["updated_at"] > held["updated_at"]


def test_a_refund_that_fails_after_all(seller: Seller, control: Control) -> None:
    paid = seller.pay(seller.buyer(), 5000)
    made = seller.refund(paid["id"], 1000)
    assert seller.payment(paid["id"])["refunded_money"] == usd(1000)
    control.edit(made["id"], {"status": "FAILED"})
    assert seller.payment(paid["id"])["refunded_money"] == usd(0)
    control.edit(made["id"], {"status": "COMPLETED"})
    assert seller.payment(paid["id"])["refunded_money"] == usd(1000)


def test_a_refund_that_waits(seller: Seller, control: Control) -> None:
    paid = seller.pay(seller.buyer(), 5000)
    control.fault("delayed-refund")
    assert [each["kind"] for each in control.status()["faults"]] == ["delayed-refund"]
    made = seller.refund(paid["id"], 1000)
    assert made["status"] == "PENDING"
    assert control.status()["faults"] == []
    assert seller.refund(paid["id"], 500)["status"] == "COMPLETED"
    control.edit(made["id"], {"status": "REJECTED"}, tell=True)
    assert seller.payment(paid["id"])["refunded_money"] == usd(500)


def test_a_refund_made_elsewhere(seller: Seller, control: Control) -> None:
    paid = seller.pay(seller.buyer(), 5000)
    made = control.refund(paid["id"], Money(1200, "USD"))
    assert (made.amount, made.card_ref) == (Money(1200, "USD"), "")
    assert seller.payment(paid["id"])["refund_ids"] == list(made.transaction_refs)
    assert seller.payment(paid["id"])["refunded_money"] == usd(1200)
    assert control.refund(paid["id"]).amount == Money(3800, "USD")
    with pytest.raises(BadInput):
        control.refund(paid["id"], Money(1, "USD"))
    control.refund(paid["id"], times=2)
    assert seller.payment(paid["id"])["refunded_money"] == usd(15_000), "by mistake, and nobody counts"


@pytest.mark.parametrize(("hold", "status"), [(True, "APPROVED"), (False, "COMPLETED")])
def test_a_payment_made_elsewhere(seller: Seller, control: Control, hold: bool, status: str) -> None:
    buyer = seller.buyer()
    made = control.swipe(buyer["source_id"], Money(700, "USD"), merchant="Point of sale", hold=hold)
    (paid,) = seller.all("payments")
    assert (made.approved, made.authorization_ref, made.transaction_ref) == (True, paid["id"], None if hold else paid["id"])
    assert (paid["status"], paid["note"], paid["total_money"]) == (status, "Point of sale", usd(700))


def test_a_payment_made_elsewhere_is_declined(seller: Seller, control: Control) -> None:
    buyer = seller.buyer("cnon:card-nonce-insufficient-funds")
    made = control.swipe(buyer["source_id"], Money(700, "USD"))
    assert (made.approved, made.reason, made.transaction_ref) == (False, "INSUFFICIENT_FUNDS", None)


def test_a_dispute(seller: Seller, control: Control) -> None:
    paid = seller.pay(seller.buyer(), 5000)
    last = control.last_told()
    ref = control.dispute(paid["id"], Money(2000, "USD"), "NOT_RECEIVED")
    shown = seller.done("GET", f"/v2/disputes/{ref}")["dispute"]
    assert (shown["state"], shown["amount_money"], shown["disputed_payment"]) == (
        "EVIDENCE_REQUIRED",
        usd(2000),
        {"payment_id": paid["id"]},
    )
    assert seller.all("disputes", states="EVIDENCE_REQUIRED") == [shown]
    assert seller.all("disputes", states="WON,LOST") == []
    body = {"idempotency_key": "r", "payment_id": paid["id"], "amount_money": usd(5)}
    assert seller.refused("POST", "/v2/refunds", body)[1] == "PAYMENT_NOT_REFUNDABLE_DUE_TO_DISPUTE"
    control.decide_dispute(ref, "lost")
    assert seller.done("GET", f"/v2/disputes/{ref}")["dispute"]["state"] == "LOST"
    assert kinds(control, last) == ["dispute.created", "dispute.state.updated"]
    with pytest.raises(BadInput):
        control.decide_dispute(ref, "won")
    other = control.dispute(paid["id"])
    assert seller.done("POST", f"/v2/disputes/{other}/accept")["dispute"]["state"] == "ACCEPTED"
    assert seller.refused("POST", f"/v2/disputes/{other}/accept")[1] == "BAD_REQUEST"


@pytest.mark.parametrize("wish", [{"amount": Money(5001, "USD")}, {"amount": Money(5, "EUR")}, {"reason": "WHIM"}])
def test_no_dispute(seller: Seller, control: Control, wish: dict[str, Any]) -> None:
    paid = seller.pay(seller.buyer(), 5000)
    with pytest.raises(BadInput):
        control.dispute(paid["id"], **wish)
    with pytest.raises(NotFound):
        control.dispute("nothing")
    assert seller.all("disputes") == []
