"""Payments: charges, holds and what becomes of them, declines, refunds, lists; every amount before and after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.simulator.square.client import OK, Seller, usd


def minor(payment: dict[str, Any], name: str = "total_money") -> int:
    return int(payment[name]["amount"]) if name in payment else 0


def test_a_charge(seller: Seller) -> None:
    buyer = seller.buyer()
    body = seller.paying(buyer, 500, tip_money=usd(50), reference_id="inv-1", note="cardctl op_1")
    paid = seller.done("POST", "/v2/payments", body)["payment"]
    assert (paid["status"], paid["card_details"]["status"], paid["source_type"]) == ("COMPLETED", "CAPTURED", "CARD")
    assert [minor(paid, name) for name in ("amount_money", "tip_money", "total_money", "approved_money")] == [500, 50, 550, 550]
    assert (paid["reference_id"], paid["note"], paid["customer_id"]) == ("inv-1", "cardctl op_1", buyer["customer_id"])
    assert paid["card_details"]["card"]["id"] == buyer["source_id"]
    assert seller.done("POST", "/v2/payments", body)["payment"] == paid, "charged once"
    assert seller.refused("POST", "/v2/payments", {**body, "note": "x"})[1] == "IDEMPOTENCY_KEY_REUSED"
    assert seller.all("payments") == [paid]


def test_a_key_is_kept_for_a_day(seller: Seller, control: Control) -> None:
    body = seller.paying(seller.buyer(), 500)
    first = seller.done("POST", "/v2/payments", body)["payment"]
    control.advance(timedelta(hours=23))
    assert seller.done("POST", "/v2/payments", body)["payment"]["id"] == first["id"]
    control.advance(timedelta(hours=2))
    assert seller.done("POST", "/v2/payments", body)["payment"]["id"] != first["id"]


def test_a_hold_is_captured_in_part(seller: Seller) -> None:
    held = seller.hold(seller.buyer(), 5000, delay_duration="P2D")
    assert (held["status"], held["card_details"]["status"], held["delay_duration"]) == ("APPROVED", "AUTHORIZED", "PT48H")
    path = f"/v2/payments/{held['id']}"
    change = {"idempotency_key": "u", "payment": {"amount_money": usd(4210), "version_token": held["version_token"]}}
    lowered = seller.done("PUT", path, change)["payment"]
    assert (minor(lowered), minor(lowered, "approved_money"), lowered["status"]) == (4210, 5000, "APPROVED")
    assert seller.done("PUT", path, change)["payment"] == lowered, "the same key again"
    stale = {"version_token": held["version_token"]}
    assert seller.refused("POST", f"{path}/complete", stale) == (400, "VERSION_MISMATCH", "version_token")
    taken = seller.done("POST", f"{path}/complete")["payment"]
    assert (minor(taken), taken["status"], taken["card_details"]["status"]) == (4210, "COMPLETED", "CAPTURED")
    assert seller.refused("POST", f"{path}/complete")[:2] == (400, "DELAYED_TRANSACTION_CAPTURED")
    assert seller.refused("POST", f"{path}/cancel")[:2] == (400, "DELAYED_TRANSACTION_CAPTURED")
    assert minor(seller.payment(held["id"])) == 4210


def test_a_hold_gets_more_and_a_tip_that_goes_again(seller: Seller) -> None:
    held = seller.hold(seller.buyer(), 1000)
    path = f"/v2/payments/{held['id']}"
    more = {"idempotency_key": "u1", "payment": {"amount_money": usd(1500), "tip_money": usd(100)}}
    raised = seller.done("PUT", path, more)["payment"]
    assert (minor(raised), minor(raised, "approved_money")) == (1600, 1600)
    plain = seller.done("PUT", path, {"idempotency_key": "u2", "payment": {"tip_money": None}})["payment"]
    assert (minor(plain), "tip_money" in plain) == (1500, False)


def test_a_hold_is_released(seller: Seller) -> None:
    held = seller.hold(seller.buyer(), 1000)
    gone = seller.done("POST", f"/v2/payments/{held['id']}/cancel")["payment"]
    assert (gone["status"], gone["card_details"]["status"], "receipt_number" in gone) == ("CANCELED", "VOIDED", False)
    assert seller.refused("POST", f"/v2/payments/{held['id']}/cancel")[1] == "DELAYED_TRANSACTION_CANCELED"
    assert seller.refused("POST", f"/v2/payments/{held['id']}/complete")[1] == "DELAYED_TRANSACTION_CANCELED"


def test_a_hold_lapses_by_the_far_side_s_clock(seller: Seller, control: Control) -> None:
    lapses = seller.hold(seller.buyer(), 1000)
    captures = seller.hold(seller.buyer(), 2000, delay_duration="P3D", delay_action="COMPLETE")
    control.advance(timedelta(days=6))
    assert seller.payment(lapses["id"])["status"] == "APPROVED"
    completed = seller.payment(captures["id"])
    assert (completed["status"], completed["updated_at"]) == ("COMPLETED", captures["delayed_until"])
    control.advance(timedelta(days=2))
    gone = seller.payment(lapses["id"])
    assert (gone["status"], gone["updated_at"]) == ("CANCELED", lapses["delayed_until"])
    assert seller.refused("POST", f"/v2/payments/{lapses['id']}/complete")[1] == "DELAYED_TRANSACTION_EXPIRED"


def test_cancelling_by_the_key(seller: Seller) -> None:
    body = seller.paying(seller.buyer(), 1000, autocomplete=False)
    assert seller.done("POST", "/v2/payments/cancel", {"idempotency_key": body["idempotency_key"]}) == {}, "nothing there"
    held = seller.done("POST", "/v2/payments", body)["payment"]
    assert seller.done("POST", "/v2/payments/cancel", {"idempotency_key": body["idempotency_key"]}) == {}
    assert seller.payment(held["id"])["status"] == "CANCELED"
    assert seller.done("POST", "/v2/payments/cancel", {"idempotency_key": body["idempotency_key"]}) == {}


@pytest.mark.parametrize(
    ("nonce", "code"),
    [
        ("cnon:card-nonce-declines-charge", "GENERIC_DECLINE"),
        ("cnon:card-nonce-insufficient-funds", "INSUFFICIENT_FUNDS"),
        ("cnon:card-nonce-verification-required", "CARD_DECLINED_VERIFICATION_REQUIRED"),
        ("cnon:card-nonce-transaction-limit", "TRANSACTION_LIMIT"),
    ],
)
def test_a_decline_leaves_a_failed_payment(seller: Seller, nonce: str, code: str) -> None:
    body = seller.paying(seller.buyer(nonce), 500)
    reply = seller.send("POST", "/v2/payments", body)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (402, code)
    (failed,) = seller.all("payments")
    assert (failed["status"], failed["card_details"]["errors"][0]["code"]) == ("FAILED", code)
    assert "approved_money" not in failed
    assert seller.refused("POST", f"/v2/payments/{failed['id']}/complete")[1] == "DELAYED_TRANSACTION_FAILED"


def test_a_key_that_was_declined_runs_again_until_it_has_succeeded(seller: Seller, control: Control) -> None:
    buyer = seller.buyer("cnon:card-nonce-insufficient-funds")
    body = seller.paying(buyer, 500)
    for _ in range(2):
        assert seller.refused("POST", "/v2/payments", body)[:2] == (402, "INSUFFICIENT_FUNDS")
    control.edit(buyer["source_id"], {"declines": ""})
    paid = seller.done("POST", "/v2/payments", body)["payment"]
    assert seller.done("POST", "/v2/payments", body)["payment"] == paid, "from now on this answer"
    assert sorted(one["status"] for one in seller.all("payments")) == ["COMPLETED", "FAILED", "FAILED"]


def test_a_passing_error_leaves_nothing(seller: Seller, control: Control) -> None:
    buyer = seller.buyer("cnon:card-nonce-temporary-error")
    body = seller.paying(buyer, 500)
    assert seller.refused("POST", "/v2/payments", body)[1] == "TEMPORARY_ERROR"
    assert seller.all("payments") == []
    control.edit(buyer["source_id"], {"declines": ""})
    assert seller.done("POST", "/v2/payments", body)["payment"]["status"] == "COMPLETED"


def test_a_card_that_cannot_be_charged(seller: Seller, control: Control) -> None:
    soon = seller.buyer("cnon:card-nonce-expires-this-month")
    assert seller.pay(soon, 500)["status"] == "COMPLETED"
    control.advance(timedelta(days=32))
    assert seller.refused("POST", "/v2/payments", seller.paying(soon, 500))[:2] == (402, "CARD_EXPIRED")
    disabled = seller.buyer()
    seller.done("POST", f"/v2/cards/{disabled['source_id']}/disable")
    assert seller.refused("POST", "/v2/payments", seller.paying(disabled, 500))[:2] == (402, "INVALID_CARD")


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        ({"customer_id": None}, "MISSING_REQUIRED_PARAMETER", "customer_id"),
        ({"customer_id": "NOBODY"}, "NOT_FOUND", "source_id"),
        ({"source_id": "ccof:nobody"}, "NOT_FOUND", "source_id"),
        ({"amount_money": None}, "MISSING_REQUIRED_PARAMETER", "amount_money"),
        ({"amount_money": usd(0)}, "VALUE_TOO_LOW", "amount_money.amount"),
        ({"amount_money": {"amount": "5", "currency": "USD"}}, "EXPECTED_INTEGER", "amount_money.amount"),
        ({"amount_money": {"amount": 5, "currency": "XXQ"}}, "INVALID_ENUM_VALUE", "amount_money.currency"),
        ({"tip_money": {"amount": 5, "currency": "EUR"}}, "INVALID_VALUE", "tip_money.currency"),
        ({"reference_id": "x" * 41}, "VALUE_TOO_LONG", "reference_id"),
        ({"idempotency_key": "x" * 46}, "VALUE_TOO_LONG", "idempotency_key"),
        ({"delay_duration": "P1D"}, "BAD_REQUEST", "autocomplete"),
        ({"autocomplete": False, "delay_duration": "P8D"}, "INVALID_VALUE", "delay_duration"),
        ({"autocomplete": False, "delay_duration": "PT59S"}, "INVALID_VALUE", "delay_duration"),
        ({"autocomplete": False, "delay_duration": "a week"}, "INVALID_VALUE", "delay_duration"),
        ({"location_id": "elsewhere"}, "NOT_FOUND", "location_id"),
    ],
)
def test_no_payment(seller: Seller, wish: dict[str, Any], code: str, field: str) -> None:
    body = {**seller.paying(seller.buyer(), 500), **wish}
    assert seller.refused("POST", "/v2/payments", body)[1:] == (code, field)
    assert seller.all("payments") == []


def test_refunds(seller: Seller) -> None:
    paid = seller.pay(seller.buyer(), 4210)
    first = seller.refund(paid["id"], 1000, reason="late [op_1]")
    assert (first["status"], first["amount_money"], first["reason"]) == ("COMPLETED", usd(1000), "late [op_1]")
    body = {"idempotency_key": "r", "payment_id": paid["id"], "amount_money": usd(3211)}
    assert seller.refused("POST", "/v2/refunds", body)[:2] == (400, "REFUND_AMOUNT_INVALID")
    assert minor(seller.payment(paid["id"]), "refunded_money") == 1000
    rest = {**body, "amount_money": usd(3210)}
    last = seller.done("POST", "/v2/refunds", rest)["refund"]
    assert seller.done("POST", "/v2/refunds", rest)["refund"] == last, "given back once"
    after = seller.payment(paid["id"])
    assert (minor(after, "refunded_money"), minor(after), after["status"]) == (4210, 4210, "COMPLETED")
    assert after["refund_ids"] == [first["id"], last["id"]]
    assert seller.all("refunds") == [last, first], "newest first"
    assert seller.done("GET", f"/v2/refunds/{last['id']}")["refund"] == last


def test_no_refund(seller: Seller) -> None:
    held = seller.hold(seller.buyer(), 500)
    body = {"idempotency_key": "r", "payment_id": held["id"], "amount_money": usd(500)}
    assert seller.refused("POST", "/v2/refunds", body)[1] == "REFUND_ERROR_PAYMENT_NEEDS_COMPLETION"
    seller.done("POST", f"/v2/payments/{held['id']}/cancel")
    assert seller.refused("POST", "/v2/refunds", body)[1] == "PAYMENT_NOT_REFUNDABLE"
    unlinked = {"idempotency_key": "r2", "unlinked": True, "destination_id": "ccof:x", "amount_money": usd(5)}
    assert seller.refused("POST", "/v2/refunds", unlinked)[1] == "INSUFFICIENT_PERMISSIONS_FOR_REFUND"
    assert seller.all("refunds") == []


def test_a_one_time_token_and_cash(seller: Seller) -> None:
    token = seller.pay({"source_id": OK}, 700)
    assert (token["status"], token["card_details"]["entry_method"]) == ("COMPLETED", "KEYED")
    assert seller.refused("POST", "/v2/payments", seller.paying({"source_id": "cnon:card-nonce-already-used"}, 5))[1] == (
        "CARD_TOKEN_USED"
    )
    cash = seller.pay({"source_id": "CASH"}, 700, cash_details={"buyer_supplied_money": usd(1000)})
    assert (cash["source_type"], cash["cash_details"]["buyer_supplied_money"]) == ("CASH", usd(1000))


def test_lists(seller: Seller, control: Control) -> None:
    buyer = seller.buyer()
    made = []
    for amount in range(100, 106):
        made.append(seller.pay(buyer, amount))
        control.advance(timedelta(minutes=1))
    ids = [one["id"] for one in made]
    assert [one["id"] for one in seller.all("payments", limit=4)] == ids[::-1]
    assert [one["id"] for one in seller.all("payments", limit=4, sort_order="ASC")] == ids
    window = {"begin_time": made[1]["created_at"], "end_time": made[3]["created_at"], "sort_order": "ASC"}
    assert [one["id"] for one in seller.all("payments", **window, limit=2)] == ids[1:4]
    assert [one["id"] for one in seller.all("payments", total=103)] == [ids[3]]
    assert [one["id"] for one in seller.all("payments", last_4="9999")] == []
    seller.refund(ids[0], 5)
    changed = {"updated_at_begin_time": made[-1]["created_at"], "sort_field": "UPDATED_AT", "sort_order": "ASC"}
    assert [one["id"] for one in seller.all("payments", **changed)] == [ids[5], ids[0]]
    there = seller.pay(buyer, 900, location_id="LELSEWHERE")
    assert [one["id"] for one in seller.all("payments", location_id="LELSEWHERE")] == [there["id"]]
    assert there["id"] not in [one["id"] for one in seller.all("payments")], "the main location's, where none is named"
    assert "LELSEWHERE" in [one["id"] for one in seller.done("GET", "/v2/locations")["locations"]]
    control.advance(timedelta(days=366))
    assert seller.all("payments") == [], "a year back, unless it is asked for more"
    assert seller.refused("GET", "/v2/payments", begin_time="yesterday") == (400, "INVALID_TIME", "begin_time")
