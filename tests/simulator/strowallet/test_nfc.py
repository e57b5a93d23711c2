"""Product B at ziiropay.com: KYC, cards, money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.strowallet import counter
from tests.simulator.strowallet.client import NFC_ADA, Nfc, Virtual, parsed


def test_kyc_answers_pending_and_is_approved_at_once(nfc: Nfc) -> None:
    made = nfc.done("POST", "bitvcard/cardkyc", **NFC_ADA)["response"]
    assert made["status"] == "pending"
    status = nfc.done("GET", "bitvcard/cardkycstatus", email="Ada@example.test")
    assert (status["customer_id"], status["status"]) == (made["customer_id"], "approved")
    again = nfc.send("POST", "bitvcard/cardkyc", **NFC_ADA)
    assert (again.status_code, "already exists" in parsed(again)["message"]) == (400, True)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("country", "NG", "The country must be 3 characters."),
        ("line1", "1 Test", "address1 is too short"),
        ("date_of_birth", "01/15/1990", "The date of birth does not match the format YYYY-MM-DD."),
        ("id_front_image", "A" * 1_500_000, "The id front image must not be greater than 1024 kilobytes."),
        ("occupation", "", "The occupation field is required."),
    ],
)
def test_wrong_fields_are_a_422_with_errors_alone(nfc: Nfc, name: str, value: Any, message: str) -> None:
    reply = nfc.send("POST", "bitvcard/cardkyc", **NFC_ADA | {name: value})
    assert (reply.status_code, parsed(reply)) == (422, {"errors": {name: [message]}})


def test_a_person_of_one_product_is_a_stranger_to_the_other(virtual: Virtual, nfc: Nfc) -> None:
    person = virtual.customer()
    nfc.customer()  # the same address is free there
    reply = nfc.send("POST", "bitvcard/create-nfc-card", customer_id=person, name="Ada", amount="5")
    assert (reply.status_code, parsed(reply)) == (400, {"success": False, "message": "Customer not found"})


def test_money_goes_both_ways_with_one_name(nfc: Nfc) -> None:
    before = nfc.float()
    card = nfc.card("10")
    assert len(card) == 24
    for amount, kind in (("5.50", "fund"), ("2.25", "withdraw")):
        answer = parsed(nfc.move(card, amount, kind))
        assert (answer["success"], answer["data"]["status"]) == (True, "pending")
    assert (nfc.balance(card), before - nfc.float()) == (Decimal("13.25"), Decimal("13.25"))
    rows = nfc.done("GET", "bitvcard/nfc-card-transactions", card_id=card)["response"]["card_transactions"]
    assert [row["amount"] for row in rows] == ["-2.25", "5.50"]
    assert parsed(nfc.move(card, "13.26", "withdraw"))["message"] == "Insufficient card balance"
    assert parsed(nfc.move(card, "10000000", "fund"))["message"] == "Insufficient USD balance"
    assert nfc.move(card, "1", "lend").status_code == 422
    assert nfc.balance(card) == Decimal("13.25")


def test_some_cards_give_links_instead_of_numbers(nfc: Nfc) -> None:
    person = nfc.customer()
    odd, even = (nfc.detail(nfc.new_card(person)) for _ in range(2))
    assert {"card_number", "cvv"} <= set(odd)
    assert "last4" not in odd
    assert {"card_number_url", "cvv_url"} <= set(even)
    assert not {"card_number", "cvv"} & set(even)
    assert even["last4"].startswith("****")


@pytest.mark.parametrize(("method", "name"), [("GET", "freezeactivate-nfc"), ("POST", "nfc-cards/status")])
def test_both_ways_to_freeze(nfc: Nfc, far_side: FarSide, method: str, name: str) -> None:
    card = nfc.card()
    for status in ("frozen", "frozen", "active"):
        nfc.done(method, f"bitvcard/{name}", card_id=card, status=status)
        assert nfc.detail(card)["card_status"] == status
    with far_side.transaction() as desk:
        counter.terminate(desk, card)
    reply = nfc.send(method, f"bitvcard/{name}", card_id=card, status="active")
    assert (reply.status_code, parsed(reply)["message"]) == (400, "Card has been terminated")
    assert nfc.detail(card)["card_status"] == "terminated"


def test_a_card_without_rows_has_no_key_for_them(nfc: Nfc) -> None:
    assert nfc.done("GET", "bitvcard/nfc-card-transactions", card_id=nfc.card()) == {"success": True, "response": {}}


def test_an_unverified_person_gets_no_card(nfc: Nfc, far_side: FarSide) -> None:
    person, before = nfc.customer(), nfc.float()
    with far_side.transaction() as desk:
        counter.set_kyc(desk, person, "pending")
    reply = nfc.send("POST", "bitvcard/create-nfc-card", customer_id=person, name="Ada", amount="5")
    assert (reply.status_code, parsed(reply)["success"], nfc.float()) == (400, False, before)
