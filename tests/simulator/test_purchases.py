"""Authorizations, captures, reversals and refunds over the wire; the float is looked at before, during and after."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.stranger import (
    AUTHORIZATIONS,
    CARDS,
    HOLDERS,
    TEST_AUTHORIZATIONS,
    TEST_TRANSACTIONS,
    TRANSACTIONS,
    Stranger,
    reason,
)


def test_a_purchase_holds_then_takes(stranger: Stranger) -> None:
    card = stranger.card()
    assert stranger.balance() == OPENING_FLOAT
    held = stranger.authorise(card, 2500, **{"merchant_data[name]": "Corner Shop", "merchant_data[category]": "bakeries"})
    assert (held["status"], held["approved"], held["amount"], held["transactions"]) == ("pending", True, 2500, [])
    assert reason(held) == "card_active"
    assert held["card"]["id"] == card
    assert (held["merchant_data"]["name"], held["merchant_data"]["category_code"]) == ("Corner Shop", "5462")
    assert stranger.balance() == OPENING_FLOAT - 2500
    closed = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")
    assert (closed["status"], closed["amount"]) == ("closed", 2500)
    (taken,) = closed["transactions"]
    assert taken["id"].startswith("ipi_")
    assert (taken["type"], taken["amount"], taken["authorization"]) == ("capture", -2500, held["id"])
    assert stranger.balance() == OPENING_FLOAT - 2500
    assert stranger.seen(f"{TRANSACTIONS}/{taken['id']}") == taken
    assert stranger.seen(f"{AUTHORIZATIONS}/{held['id']}") == closed


def test_a_partial_capture_gives_the_rest_back(stranger: Stranger) -> None:
    held = stranger.authorise(stranger.card(), 2500)
    closed = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture", {"capture_amount": "1000"})
    assert (closed["status"], closed["transactions"][0]["amount"]) == ("closed", -1000)
    assert stranger.balance() == OPENING_FLOAT - 1000
    assert "closed" in stranger.refused(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")["message"]
    assert stranger.balance() == OPENING_FLOAT - 1000


def test_several_captures_of_one_authorization(stranger: Stranger) -> None:
    held = stranger.authorise(stranger.card(), 2500)
    capture = f"{TEST_AUTHORIZATIONS}/{held['id']}/capture"
    first = stranger.done(capture, {"capture_amount": "1000", "close_authorization": "false"})
    assert (first["status"], len(first["transactions"])) == ("pending", 1)
    assert stranger.balance() == OPENING_FLOAT - 2500
    last = stranger.done(capture)
    assert (last["status"], [one["amount"] for one in last["transactions"]]) == ("closed", [-1000, -1500])
    assert stranger.balance() == OPENING_FLOAT - 2500


def test_an_over_capture_is_paid(stranger: Stranger) -> None:
    held = stranger.authorise(stranger.card(), 2500)
    closed = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture", {"capture_amount": "3000"})
    assert closed["transactions"][0]["amount"] == -3000
    assert stranger.balance() == OPENING_FLOAT - 3000


@pytest.mark.parametrize("status", ["inactive", "canceled"])
def test_a_capture_passes_a_freeze(stranger: Stranger, status: str) -> None:
    card = stranger.card()
    held = stranger.authorise(card, 2500)
    stranger.done(f"{CARDS}/{card}", {"status": status})
    assert reason(stranger.authorise(card, 100)) == f"card_{status}"
    assert stranger.balance() == OPENING_FLOAT - 2500
    assert stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")["status"] == "closed"
    assert stranger.balance() == OPENING_FLOAT - 2500


def test_reversals(stranger: Stranger) -> None:
    held = stranger.authorise(stranger.card(), 2500)
    reverse = f"{TEST_AUTHORIZATIONS}/{held['id']}/reverse"
    part = stranger.done(reverse, {"reverse_amount": "500"})
    assert (part["status"], part["amount"]) == ("pending", 2000)
    assert stranger.balance() == OPENING_FLOAT - 2000
    assert stranger.refused(reverse, {"reverse_amount": "2001"})["param"] == "reverse_amount"
    whole = stranger.done(reverse)
    assert (whole["status"], whole["amount"], whole["approved"]) == ("reversed", 0, True)
    assert stranger.balance() == OPENING_FLOAT
    assert "reversed" in stranger.refused(reverse)["message"]


def test_reversing_the_rest_after_a_capture_closes(stranger: Stranger) -> None:
    held = stranger.authorise(stranger.card(), 2500)
    helper = f"{TEST_AUTHORIZATIONS}/{held['id']}"
    stranger.done(f"{helper}/capture", {"capture_amount": "1000", "close_authorization": "false"})
    rest = stranger.done(f"{helper}/reverse")
    assert (rest["status"], rest["amount"]) == ("closed", 1000)
    assert stranger.balance() == OPENING_FLOAT - 1000


def test_expiry_gives_back(stranger: Stranger) -> None:
    held = stranger.authorise(stranger.card(), 2500)
    expired = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/expire")
    assert expired["status"] == "expired"
    assert stranger.balance() == OPENING_FLOAT
    assert stranger.post(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture").status_code == 400


def test_an_increment_asks_again(stranger: Stranger) -> None:
    card = stranger.card()
    held = stranger.authorise(card, 2500)
    increment = f"{TEST_AUTHORIZATIONS}/{held['id']}/increment"
    more = stranger.done(increment, {"increment_amount": "700"})
    assert (more["amount"], [one["amount"] for one in more["request_history"]]) == (3200, [2500, 700])
    assert stranger.balance() == OPENING_FLOAT - 3200
    stranger.done(f"{CARDS}/{card}", {"status": "inactive"})
    declined = stranger.done(increment, {"increment_amount": "1"})
    assert (declined["status"], declined["approved"], declined["amount"]) == ("pending", True, 3200)
    assert (reason(declined), declined["request_history"][-1]["approved"]) == ("card_inactive", False)
    assert stranger.balance() == OPENING_FLOAT - 3200


def test_a_force_capture_asks_nobody(stranger: Stranger) -> None:
    card = stranger.card(status="inactive")
    taken = stranger.done(f"{TEST_TRANSACTIONS}/create_force_capture", {"card": card, "amount": "900"})
    assert (taken["amount"], taken["authorization"], taken["card"]) == (-900, None, card)
    assert stranger.balance() == OPENING_FLOAT - 900
    refused = {"card": card, "amount": "900", "currency": "eur"}
    assert stranger.refused(f"{TEST_TRANSACTIONS}/create_force_capture", refused)["param"] == "currency"


def test_refunds(stranger: Stranger) -> None:
    card = stranger.card()
    held = stranger.authorise(card, 2500)
    (taken,) = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")["transactions"]
    refund = f"{TEST_TRANSACTIONS}/{taken['id']}/refund"
    part = stranger.done(refund, {"refund_amount": "400"})
    assert (part["type"], part["amount"], part["authorization"]) == ("refund", 400, held["id"])
    assert stranger.balance() == OPENING_FLOAT - 2100
    assert stranger.refused(refund, {"refund_amount": "2101"})["param"] == "refund_amount"
    assert stranger.done(refund)["amount"] == 2100
    assert stranger.balance() == OPENING_FLOAT
    assert stranger.refused(refund)["param"] == "refund_amount"
    assert stranger.refused(f"{TEST_TRANSACTIONS}/{part['id']}/refund")["param"] == "transaction"
    loose = stranger.done(f"{TEST_TRANSACTIONS}/create_unlinked_refund", {"card": card, "amount": "50"})
    assert (loose["type"], loose["amount"], loose["authorization"]) == ("refund", 50, None)
    assert stranger.balance() == OPENING_FLOAT + 50


def test_the_float_declines_what_it_does_not_have(stranger: Stranger, control: Control) -> None:
    control.edit("stripe", {"float.USD": 1000})
    card = stranger.card()
    assert stranger.authorise(card, 600)["approved"]
    declined = stranger.authorise(card, 401)
    assert (declined["approved"], declined["status"], reason(declined)) == (False, "closed", "insufficient_funds")
    assert stranger.authorise(card, 400)["approved"]
    assert stranger.balance() == 0
    assert stranger.authorise(card, 0)["approved"]
    stranger.done(f"{TEST_TRANSACTIONS}/create_force_capture", {"card": card, "amount": "5"})
    assert stranger.balance() == -5


def test_top_ups_fill_the_float(stranger: Stranger) -> None:
    form = {"amount": "12345", "currency": "usd", "destination_balance": "issuing", "description": "more"}
    made = stranger.done("/v1/topups", form)
    assert (made["id"][:3], made["status"], made["amount"]) == ("tu_", "succeeded", 12345)
    assert stranger.seen(f"/v1/topups/{made['id']}") == made
    assert stranger.balance() == OPENING_FLOAT + 12345
    stranger.done("/v1/topups", {"amount": "7", "currency": "usd"})
    assert stranger.balance() == OPENING_FLOAT + 12345
    assert stranger.seen("/v1/balance")["available"][0]["amount"] == 7


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ({"status": "inactive"}, "cardholder_inactive"),
        ({"status": "blocked"}, "cardholder_blocked"),
        ({"requirements.disabled_reason": "under_review"}, "cardholder_verification_required"),
    ],
)
def test_a_cardholder_s_trouble_declines(stranger: Stranger, control: Control, edit: dict[str, str], expected: str) -> None:
    holder = stranger.holder()
    card = stranger.card(holder)
    control.edit(holder, edit)
    declined = stranger.authorise(card, 100)
    assert (declined["approved"], declined["status"], reason(declined)) == (False, "closed", expected)
    assert stranger.balance() == OPENING_FLOAT
    assert stranger.refused(f"{TEST_AUTHORIZATIONS}/{declined['id']}/capture")["message"]


def test_an_old_card_and_a_wrong_cvc_decline(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    assert reason(stranger.authorise(card, 1, **{"verification_data[cvc_check]": "mismatch"})) == "verification_failed"
    control.edit(card, {"exp_year": 2001})
    assert reason(stranger.authorise(card, 1)) == "card_expired"


def test_a_single_use_card_cancels_itself(stranger: Stranger) -> None:
    card = stranger.card(**{"lifecycle_controls[cancel_after][payment_count]": "1"})
    stranger.authorise(card, 0)
    assert stranger.seen(f"{CARDS}/{card}")["status"] == "active"
    stranger.authorise(card, 10)
    assert stranger.seen(f"{CARDS}/{card}")["status"] == "canceled"
    assert reason(stranger.authorise(card, 10)) == "card_canceled"


def test_amounts_that_are_none(stranger: Stranger) -> None:
    card = stranger.card()
    assert stranger.refused(TEST_AUTHORIZATIONS, {"card": card})["param"] == "amount"
    assert stranger.refused(TEST_AUTHORIZATIONS, {"card": card, "amount": "-1"})["param"] == "amount"
    assert stranger.refused(TEST_AUTHORIZATIONS, {"card": card, "amount": "5", "currency": "eur"})["param"] == "currency"
    held = stranger.authorise(card, 10)
    for verb, param in (("capture", "capture_amount"), ("reverse", "reverse_amount"), ("increment", "increment_amount")):
        assert stranger.refused(f"{TEST_AUTHORIZATIONS}/{held['id']}/{verb}", {param: "-1"})["param"] == param
    assert stranger.balance() == OPENING_FLOAT - 10


def test_expanding_what_is_linked(stranger: Stranger) -> None:
    card = stranger.card()
    held = stranger.authorise(card, 2500, **{"expand[]": "cardholder"})
    assert held["cardholder"]["object"] == "issuing.cardholder"
    (taken,) = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")["transactions"]
    every = {"expand[]": ["authorization", "card", "cardholder"]}
    whole: dict[str, Any] = stranger.seen(f"{TRANSACTIONS}/{taken['id']}", **every)
    assert [whole[name]["object"] for name in ("authorization", "card", "cardholder")] == [
        "issuing.authorization",
        "issuing.card",
        "issuing.cardholder",
    ]
    (listed,) = stranger.seen(TRANSACTIONS, **{"expand[]": "data.card"})["data"]
    assert listed["card"] == whole["card"]
    assert stranger.seen(f"{HOLDERS}/{held['cardholder']['id']}") == whole["cardholder"]


def test_only_metadata_of_money_can_change(stranger: Stranger) -> None:
    held = stranger.authorise(stranger.card(), 2500)
    assert stranger.done(f"{AUTHORIZATIONS}/{held['id']}", {"metadata[a]": "b"})["metadata"] == {"a": "b"}
    assert stranger.refused(f"{AUTHORIZATIONS}/{held['id']}", {"amount": "1"})["code"] == "parameter_unknown"
    (taken,) = stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture")["transactions"]
    assert stranger.done(f"{TRANSACTIONS}/{taken['id']}", {"metadata[a]": "b"})["metadata"] == {"a": "b"}
