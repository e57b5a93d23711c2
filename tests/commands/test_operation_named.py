"""`cardctl operation resolve --as done --ref`: a person says what a write in doubt has made, and the books have it then."""

from __future__ import annotations

import pytest

from cardctl.simulator.control import Control
from tests.commands.buyers import BUYER, GOOD, doubtful, far, never_arrived, payments, save
from tests.commands.runner import Cardctl, Ran

CHARGE = ("saved-card", "charge", BUYER, "--amount", "5", "--currency", "USD", "--invoice", "A-1")
REFUND = ("saved-card", "refund", BUYER, "--amount", "2", "--invoice", "A-1")
ADD = ("saved-card", "add", "--person", BUYER, "--nonce", "-")


def done(cardctl: Cardctl, operation: str, *words: str) -> Ran:
    return cardctl("operation", "resolve", operation, "--as", "done", "--reason", "seen there", *words, "-o", "json")


@pytest.fixture
def card(cardctl: Cardctl) -> str:
    return save(cardctl)


def test_a_charge_that_is_done_has_a_name(cardctl: Cardctl, far_side: Control, card: str) -> None:
    """Else the books would take its invoice for unpaid."""
    waiting = doubtful(cardctl, far_side, *CHARGE)
    ran = done(cardctl, waiting)
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")
    assert "--ref" in ran.json["hint"]
    ((ref,),) = far(cardctl.simulator, "payments", "ref")
    assert done(cardctl, waiting, "--ref", ref).code == 0
    again = cardctl(*CHARGE, "-o", "json")
    assert (again.code, again.warnings, payments(cardctl)) == (0, ["ALREADY"], [("COMPLETED", 500)])
    assert cardctl("reconcile", "--provider", "square").code == 0


@pytest.mark.parametrize("amount", ["7", "5"])
def test_another_payment_is_not_taken_for_it(cardctl: Cardctl, far_side: Control, card: str, amount: str) -> None:
    """Not even one of the same amount: the invoice that it has paid would be unpaid then."""
    before = ("saved-card", "charge", card, "--amount", amount, "--currency", "USD", "--invoice", "A-0", "-o", "json")
    paid = cardctl(*before).data["payment"]["ref"]
    waiting = never_arrived(cardctl, far_side, *CHARGE)
    ran = done(cardctl, waiting, "--ref", paid)
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert cardctl("operation", "show", waiting, "-o", "json").data["state"] == "in_doubt"
    assert cardctl("operation", "resume").code == 0
    assert payments(cardctl) == [("COMPLETED", 100 * int(amount)), ("COMPLETED", 500)]
    assert cardctl(*before).warnings == ["ALREADY"]


def test_a_refund_that_is_done_has_a_name(cardctl: Cardctl, far_side: Control, card: str) -> None:
    assert cardctl(*CHARGE).code == 0
    waiting = doubtful(cardctl, far_side, *REFUND)
    assert done(cardctl, waiting).code == 2
    ((ref,),) = far(cardctl.simulator, "refunds", "ref")
    assert done(cardctl, waiting, "--ref", ref).code == 0
    again = cardctl(*REFUND, "-o", "json")
    assert (again.code, again.data["payment"]["refunded"]["amount"]) == (0, "2.00")
    assert far(cardctl.simulator, "refunds", "amount") == [(200,)]


def test_a_card_that_was_saved_has_a_name(cardctl: Cardctl, far_side: Control) -> None:
    assert cardctl(*ADD, stdin="cnon:card-nonce-declined").code == 7, "the customer is there"
    far_side.fault("lost-reply", times=20)
    assert cardctl(*ADD, stdin=GOOD).code == 9
    far_side.clear_faults()
    waiting = cardctl("operation", "list", "--state", "in_doubt", "-o", "json").data[0]["id"]
    assert done(cardctl, waiting).code == 2
    ((ref,),) = far(cardctl.simulator, "cards", "ref")
    ran = done(cardctl, waiting, "--ref", ref)
    assert ran.code == 0
    assert ref not in ran.stdout + ran.stderr
    assert cardctl("saved-card", "show", BUYER, "-o", "json").data["state"] == "active"
