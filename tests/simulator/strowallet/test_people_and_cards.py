"""Customers and cards of product A: what is asked, what is answered, and the shapes that vary."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.rows import write
from cardctl.simulator.strowallet import counter
from cardctl.simulator.strowallet.tables import CARDS, CUSTOMERS
from tests.simulator.strowallet.client import ADA, Virtual, parsed

CARD_WISH = {"name_on_card": "Ada Obi", "card_type": "visa", "amount": "5", "customerEmail": ADA["customerEmail"]}


def luhn(number: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def test_a_customer_is_echoed_under_response_and_found_under_data(virtual: Virtual) -> None:
    made = virtual.done("POST", "bitvcard/create-user/", **ADA)
    customer = made["response"]["customerId"]
    echo = {name: value for name, value in ADA.items() if name != "dateOfBirth"}
    assert made["success"] is True
    assert made["response"] == {**echo, "bvn": "", "customerId": customer, "dateOfBirth": "1990-01-15"}
    for query in ({"customerId": customer}, {"customerEmail": "ADA@example.test"}):
        found = virtual.done("GET", "bitvcard/getcardholder/", **query)
        assert found == {"success": True, "data": {**made["response"], "status": "high kyc"}}
    both = virtual.send("GET", "bitvcard/getcardholder/", customerId=customer, customerEmail="eve@example.test")
    neither = virtual.send("GET", "bitvcard/getcardholder/")
    assert (both.status_code, parsed(both)["message"]) == (400, "Customer not found")
    assert (neither.status_code, parsed(neither)["success"]) == (400, False)


def test_the_case_of_the_kyc_word_varies(virtual: Virtual) -> None:
    refs = [virtual.customer(f"{place}@example.test") for place in range(2)]
    words = [virtual.done("GET", "bitvcard/getcardholder/", customerId=ref)["data"]["status"] for ref in refs]
    assert words == ["high kyc", "High Kyc"]


@pytest.mark.parametrize("again", ["ada@example.test", "ADA@Example.Test"])
def test_an_email_address_is_one_customer(virtual: Virtual, again: str) -> None:
    virtual.customer()
    reply = virtual.send("POST", "bitvcard/create-user/", **ADA | {"customerEmail": again})
    assert reply.status_code == 400
    assert "already exists" in parsed(reply)["message"]


@pytest.mark.parametrize("name", ADA)
def test_every_field_of_a_customer_is_required_and_message_is_an_object(virtual: Virtual, name: str) -> None:
    reply = virtual.send("POST", "bitvcard/create-user/", **{key: value for key, value in ADA.items() if key != name})
    assert (reply.status_code, list(parsed(reply)["message"])) == (422, [name])
    assert virtual.send("GET", "bitvcard/getcardholder/", customerEmail=ADA["customerEmail"]).status_code == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dateOfBirth", "1990-01-15"),
        ("dateOfBirth", "13/13/1990"),
        ("phoneNumber", "+2348"),
        ("customerEmail", "ada"),
        ("idType", "LIBRARY"),
        ("firstName", ["Ada"]),
        ("city", "   "),
    ],
)
def test_wrong_fields_of_a_customer(virtual: Virtual, name: str, value: Any) -> None:
    reply = virtual.send("POST", "bitvcard/create-user/", **ADA | {name: value})
    assert (reply.status_code, list(parsed(reply)["message"])) == (422, [name])


def test_a_customer_is_updated_by_put(virtual: Virtual) -> None:
    ref = virtual.customer()
    virtual.done("PUT", "bitvcard/updateCardCustomer/", customerId=ref, city="Abuja", customerEmail="eve@example.test")
    found = virtual.done("GET", "bitvcard/getcardholder/", customerId=ref)["data"]
    assert (found["city"], found["customerEmail"], found["line1"]) == ("Abuja", "ada@example.test", "1 Test Rd")
    reply = virtual.send("PUT", "bitvcard/updateCardCustomer/", customerId="none", city="Abuja")
    assert (reply.status_code, parsed(reply)["message"]) == (400, "Customer not found")
    upgrade = {"cardUserId": "1", "firstName": "Ada", "lastName": "Obi", "dateOfBirth": "01/15/1990", "line1": "1 Test Rd"}
    virtual.done("PUT", "bitvcard/upgradecardlimit/", customerId=ref, **upgrade)
    assert virtual.send("PUT", "bitvcard/upgradecardlimit/", customerId=ref).status_code == 422


def test_a_card_is_pending_when_made_and_active_when_looked_at(virtual: Virtual) -> None:
    virtual.customer()
    before = virtual.float()
    made = virtual.done("POST", "bitvcard/create-card/", **CARD_WISH)["response"]
    assert made["card_status"] == "pending"
    assert not {"last4", "card_number", "cvv", "expiry", "balance"} & set(made)
    detail = virtual.detail(made["card_id"])
    assert detail["card_status"] == "active"
    assert luhn(detail["card_number"])
    assert (detail["last4"], len(detail["cvv"])) == (detail["card_number"][-4:], 3)
    assert (before - virtual.float(), virtual.balance(made["card_id"])) == (5, 5)
    assert detail["reference"] == made["reference"]


def test_the_same_create_twice_is_two_cards_and_two_payments(virtual: Virtual) -> None:
    virtual.customer()
    before = virtual.float()
    first, second = virtual.new_card("5"), virtual.new_card("5")
    assert first != second
    assert before - virtual.float() == 10


def test_details_vary_from_card_to_card(virtual: Virtual) -> None:
    virtual.customer()
    odd, even = (virtual.detail(virtual.new_card("12.50")) for _ in range(2))
    assert isinstance(odd["balance"], str)
    assert not isinstance(even["balance"], str)
    assert ("card_user_id" in odd, "user_id" in odd) == (True, False)
    assert ("card_user_id" in even, "user_id" in even) == (False, True)
    assert even["expiry"] == f"{odd['expiry'][:2]}/20{odd['expiry'][3:]}"


def test_a_float_that_is_short_is_an_error_with_200(virtual: Virtual) -> None:
    virtual.customer()
    reply = virtual.send("POST", "bitvcard/create-card/", **CARD_WISH | {"amount": "10000000.01"})
    assert (reply.status_code, parsed(reply)) == (200, {"error": "Insufficient USD balance"})
    virtual.new_card("10000000.00")
    reply = virtual.send("POST", "bitvcard/create-card/", **CARD_WISH | {"amount": "0.01"})
    assert parsed(reply) == {"error": "Insufficient USD balance"}
    assert virtual.float() == 0


@pytest.mark.parametrize(
    ("word", "made"),
    [
        ("high kyc", True),
        ("LOW KYC", True),
        ("approved", True),
        ("Verified", True),
        ("unreview kyc", False),
        ("rejected", False),
        ("failed", False),
        ("something new", False),
    ],
)
def test_only_a_verified_customer_gets_a_card(virtual: Virtual, far_side: FarSide, word: str, made: bool) -> None:
    ref, before = virtual.customer(), virtual.float()
    with far_side.transaction() as desk:
        write(desk, CUSTOMERS, ref, {"status": word})
    answer = virtual.done("POST", "bitvcard/create-card/", **CARD_WISH)
    assert ("error" in answer, "response" in answer) == (not made, made)
    assert before - virtual.float() == (5 if made else 0)


def test_who_is_not_a_customer_gets_no_card(virtual: Virtual) -> None:
    assert virtual.done("POST", "bitvcard/create-card/", **CARD_WISH) == {"error": "Customer not found"}
    virtual.customer()
    gift = {name: value for name, value in CARD_WISH.items() if name != "card_type"}
    card = virtual.done("POST", "bitvcard/create-giftcard/", **gift, mode="sandbox")["response"]["card_id"]
    assert virtual.balance(card) == 5
    wrong = virtual.send("POST", "bitvcard/create-card/", **CARD_WISH | {"card_type": "amex"})
    assert (wrong.status_code, parsed(wrong)["errors"]) == (422, {"card_type": ["The selected card type is invalid."]})


def test_freezing_answers_in_two_shapes_that_tell_no_state(virtual: Virtual) -> None:
    virtual.customer()
    cards = [virtual.new_card("5"), virtual.new_card("5")]
    first, second = (parsed(virtual.act(card, "freeze")) for card in cards)
    assert (first["success"], "status" in first) == (True, False)
    assert (second["status"], "success" in second) == ("success", False)
    for card in cards:
        assert virtual.detail(card)["card_status"] == "frozen"
        assert virtual.act(card, "freeze").status_code == 200
        assert virtual.detail(card)["card_status"] == "frozen"
        virtual.act(card, "unfreeze")
        assert virtual.detail(card)["card_status"] == "active"


def test_a_refused_freeze_is_an_error_with_200_and_a_list(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("5")
    assert parsed(virtual.act("none", "freeze")) == {"error": "error", "message": ["Card not found"]}
    wrong = virtual.act(card, "melt")
    assert (wrong.status_code, parsed(wrong)) == (200, {"error": "error", "message": ["The selected action is invalid."]})
    with far_side.transaction() as desk:
        write(desk, CARDS, card, {"card_status": "pending"})
    assert parsed(virtual.act(card, "freeze")) == {"error": "error", "message": ["Card is pending"]}
    assert virtual.detail(card)["card_status"] == "pending"


@pytest.mark.parametrize("word", ["inactive", "blocked"])
def test_what_staff_halted_can_be_unfrozen(virtual: Virtual, far_side: FarSide, word: str) -> None:
    card = virtual.card("5")
    with far_side.transaction() as desk:
        write(desk, CARDS, card, {"card_status": word})
    assert virtual.detail(card)["card_status"] == word
    virtual.act(card, "unfreeze")
    assert virtual.detail(card)["card_status"] == "active"


def test_a_terminated_card_takes_nothing_more(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("5")
    before = virtual.float()
    with far_side.transaction() as desk:
        assert counter.terminate(desk, card)
        assert not counter.terminate(desk, "none")
    for reply in (virtual.fund(card, "1"), virtual.withdraw(card, "1")):
        assert parsed(reply) == {"success": False, "message": "Card has been terminated"}
    for action in ("freeze", "unfreeze"):
        assert parsed(virtual.act(card, action))["message"] == ["Card has been terminated"]
    assert (virtual.detail(card)["card_status"], virtual.balance(card), virtual.float()) == ("terminated", 5, before)


@pytest.mark.parametrize("name", ["fetch-card-detail", "card-transactions"])
def test_a_card_that_is_not_there(virtual: Virtual, name: str) -> None:
    unknown = virtual.send("POST", f"bitvcard/{name}/", card_id="none")
    assert (unknown.status_code, parsed(unknown)) == (400, {"success": False, "message": "Card not found"})
    missing = virtual.send("POST", f"bitvcard/{name}/")
    assert (missing.status_code, parsed(missing)["errors"]) == (422, {"card_id": ["The card id field is required."]})
