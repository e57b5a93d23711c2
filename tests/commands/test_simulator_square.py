"""`cardctl simulator …` about saved cards and payments: named by our own ids, and nothing secret in what is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.commands.runner import Cardctl


@pytest.fixture
def saved(cardctl: Cardctl) -> str:
    ran = cardctl(
        "saved-card", "add", "--person", "buyer@example.com", "--nonce", "-", "-o", "json", stdin="cnon:card-nonce-ok\n"
    )
    assert ran.code == 0, ran.stderr
    return str(ran.data["saved_card"]["id"])


def shown(cardctl: Cardctl, saved: str) -> dict[str, Any]:
    found: dict[str, Any] = cardctl("saved-card", "show", saved, "-o", "json").data
    return found


def charged(cardctl: Cardctl, saved: str, amount: str, verb: str = "charge") -> str:
    ran = cardctl("saved-card", verb, saved, "--amount", amount, "--currency", "USD", "-o", "json")
    assert ran.code == 0, ran.stderr
    return str(ran.data["payment"]["id"])


def test_a_silent_edit_is_found_by_looking_and_a_told_one_by_itself(cardctl: Cardctl, saved: str) -> None:
    ran = cardctl("simulator", "edit", saved, "exp_year=2041", "last4=4242", "-o", "json")
    assert ran.data["ref"] == saved
    assert "ccof:" not in ran.stdout + ran.stderr
    assert (shown(cardctl, saved)["exp_year"], shown(cardctl, saved)["last4"]) != (2041, "4242")
    assert cardctl("saved-card", "sync", saved).code == 0
    assert (shown(cardctl, saved)["exp_year"], shown(cardctl, saved)["last4"]) == (2041, "4242")
    assert cardctl("simulator", "edit", saved, "exp_year=2042", "--tell").code == 0
    assert shown(cardctl, saved)["exp_year"] == 2042


@pytest.mark.parametrize(
    ("field", "state"), [("enabled=false", "disabled"), ("forgotten=true", "gone"), ("customer.deleted=true", "gone")]
)
def test_what_ends_a_saved_card(cardctl: Cardctl, saved: str, field: str, state: str) -> None:
    assert shown(cardctl, saved)["state"] == "active"
    ran = cardctl("simulator", "edit", saved, field, "--tell", "-o", "json")
    assert ran.code == 0, ran.stderr
    assert shown(cardctl, saved)["state"] == state


def test_a_refund_and_a_dispute_of_a_payment_by_our_name(cardctl: Cardctl, saved: str) -> None:
    payment = charged(cardctl, saved, "42.10")
    ran = cardctl("simulator", "refund", payment, "--amount", "1.10", "-o", "json")
    assert (ran.code, ran.data["amount"]["minor"], ran.data["card_ref"]) == (0, 110, "")
    ran = cardctl("simulator", "dispute", payment, "--amount", "20", "--reason", "NOT_RECEIVED", "-o", "json")
    dispute = ran.data["dispute_ref"]
    assert ran.code == 0
    (found,) = shown(cardctl, saved)["payments"]
    assert (found["captured"]["minor"], found["refunded"]["minor"]) == (4210, 110)
    assert [(one["ref"], one["state"], one["amount"]["minor"]) for one in found["disputes"]] == [
        (dispute, "evidence_required", 2000)
    ]
    assert "dispute evidence_required" in cardctl("saved-card", "show", saved).stdout
    assert cardctl("simulator", "dispute", dispute, "--decide", "lost").code == 0
    assert shown(cardctl, saved)["payments"][0]["disputes"][0]["state"] == "lost"
    assert cardctl("simulator", "dispute", dispute, "--decide", "won").code == 2
    assert cardctl("simulator", "dispute", payment, "--amount", "99").code == 2
    assert cardctl("simulator", "dispute", "pay_nobody", "-o", "json").error == "PAYMENT_NOT_FOUND"


def test_a_hold_lapses_and_is_told(cardctl: Cardctl, saved: str) -> None:
    charged(cardctl, saved, "50", "preauth")
    assert cardctl("simulator", "deliver").code == 0
    assert cardctl("simulator", "advance", "8d").code == 0
    assert cardctl("simulator", "deliver").code == 0
    (found,) = shown(cardctl, saved)["payments"]
    assert (found["state"], found["captured"]["minor"]) == ("canceled", 0)


def test_a_payment_made_elsewhere_comes_into_the_books(cardctl: Cardctl, saved: str) -> None:
    ran = cardctl("simulator", "swipe", saved, "--amount", "3", "-o", "json")
    assert (ran.code, ran.data["card_ref"]) == (0, saved)
    assert "ccof:" not in ran.stdout + ran.stderr
    (found,) = shown(cardctl, saved)["payments"]
    assert (found["ref"], found["state"], found["captured"]["minor"]) == (ran.data["transaction_ref"], "completed", 300)
