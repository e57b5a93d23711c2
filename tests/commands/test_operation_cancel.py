"""`cardctl operation resolve --cancel`: a payment whose outcome nobody knows is cancelled by the key that it was sent under."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cardctl import config, runtime
from cardctl.domain.operations import OperationState
from cardctl.errors import LiveNotSaid
from cardctl.output.console import Output
from cardctl.services import calling_off
from cardctl.simulator.control import Control
from tests.commands.buyers import BUYER, audited, doubtful, never_arrived, newest, payments, save
from tests.commands.runner import Cardctl, Ran

HOLD = ("saved-card", "preauth", BUYER, "--amount", "50", "--currency", "USD", "--invoice", "A-1")
CHARGE = ("saved-card", "charge", BUYER, "--amount", "5", "--currency", "USD", "--invoice", "A-1")


def cancel(cardctl: Cardctl, operation: str, *words: str) -> Ran:
    return cardctl("operation", "resolve", operation, "--cancel", "--reason", "outbid", *words, "-o", "json")


def of_invoice(cardctl: Cardctl, card: str) -> list[dict[str, Any]]:
    shown = cardctl("saved-card", "show", card, "-o", "json").data
    return [{name: one[name] for name in ("state", "invoice")} for one in shown["payments"]]


@pytest.fixture
def card(cardctl: Cardctl) -> str:
    return save(cardctl)


def test_a_hold_that_was_made_is_released(cardctl: Cardctl, far_side: Control, card: str) -> None:
    waiting = doubtful(cardctl, far_side, *HOLD)
    assert payments(cardctl) == [("APPROVED", 5000)]
    ran = cancel(cardctl, waiting)
    assert (ran.code, ran.warnings) == (0, [])
    assert (ran.data["operation"]["id"], ran.data["operation"]["state"]) == (waiting, "done")
    assert ran.data["payment"]["state"] == "canceled"
    assert payments(cardctl) == [("CANCELED", 5000)]
    assert of_invoice(cardctl, card) == [{"state": "canceled", "invoice": "A-1"}]
    assert [entry["reason"] for entry in audited(cardctl, waiting)][-1] == "outbid"
    assert audited(cardctl, card)[-1]["action"] == "saved_card.preauth"
    assert cardctl(*HOLD).code == 0, "the invoice is free again"
    assert payments(cardctl) == [("CANCELED", 5000), ("APPROVED", 5000)]
    assert cardctl("audit", "verify").code == 0


def test_a_charge_that_was_taken_is_said_to_be_taken(cardctl: Cardctl, far_side: Control, card: str) -> None:
    """The truth, and not the wish: what is completed cannot be cancelled any more."""
    waiting = doubtful(cardctl, far_side, *CHARGE)
    ran = cancel(cardctl, waiting)
    assert (ran.code, ran.warnings) == (0, ["NOT_CANCELLED"])
    assert f"saved-card refund {ran.data['payment']['id']}" in ran.stdout
    assert (ran.data["operation"]["state"], ran.data["payment"]["state"]) == ("done", "completed")
    assert payments(cardctl) == [("COMPLETED", 500)]
    assert cardctl("saved-card", "refund", ran.data["payment"]["id"]).code == 0


def test_what_never_arrived_is_refused_and_never_sent_again(cardctl: Cardctl, far_side: Control, card: str) -> None:
    waiting = never_arrived(cardctl, far_side, *HOLD)
    ran = cancel(cardctl, waiting)
    assert (ran.code, ran.data["payment"]) == (0, None)
    assert ran.data["operation"]["state"] == "refused"
    assert "cancelled by its key" in ran.data["operation"]["error"]
    assert cardctl("operation", "resume", "-o", "json").data["settled"] == []
    assert payments(cardctl) == []
    assert cardctl(*HOLD).code == 0
    assert payments(cardctl) == [("APPROVED", 5000)]


@pytest.mark.parametrize("arrived", [True, False])
def test_a_cancel_whose_own_reply_is_lost_may_be_repeated(
    cardctl: Cardctl, far_side: Control, card: str, arrived: bool
) -> None:
    waiting = (doubtful if arrived else never_arrived)(cardctl, far_side, *HOLD)
    far_side.fault("lost-reply", times=20)
    ran = cancel(cardctl, waiting)
    assert (ran.code, ran.error) == (9, "OUTCOME_UNKNOWN")
    far_side.clear_faults()
    assert newest(cardctl, "--state", "in_doubt") == waiting
    assert cancel(cardctl, waiting).data["operation"]["state"] == ("done" if arrived else "refused")
    assert [state for state, _ in payments(cardctl)] == (["CANCELED"] if arrived else [])
    assert cardctl("operation", "list", "--state", "in_doubt", "-o", "json").data == []


def test_a_resume_sends_nothing_that_was_asked_to_be_cancelled(cardctl: Cardctl, far_side: Control, card: str) -> None:
    """The timer's resume runs every ten minutes: it must not take what a person has just called off."""
    waiting = never_arrived(cardctl, far_side, *HOLD)
    far_side.fault("lost-reply", times=20)
    assert cancel(cardctl, waiting).code == 9
    far_side.clear_faults()
    for _ in range(2):
        assert cardctl("operation", "resume").code == 9
        assert payments(cardctl) == []
    again = cardctl(*HOLD, "-o", "json")
    assert (again.code, again.error) == (9, "OUTCOME_UNKNOWN")
    assert payments(cardctl) == []
    assert cancel(cardctl, waiting).data["operation"]["state"] == "refused"


def test_a_hold_that_was_asked_to_be_cancelled_and_is_there_is_found_by_a_resume(
    cardctl: Cardctl, far_side: Control, card: str
) -> None:
    waiting = doubtful(cardctl, far_side, *HOLD)
    far_side.fault("500", times=20)
    assert cancel(cardctl, waiting).code in (8, 9)
    far_side.clear_faults()
    assert cardctl("operation", "resume").code == 0
    assert of_invoice(cardctl, card)[0]["state"] in ("approved", "canceled")
    assert [state.lower() for state, _ in payments(cardctl)] == [of_invoice(cardctl, card)[0]["state"]]


def test_only_what_is_in_doubt_can_be_cancelled(cardctl: Cardctl, far_side: Control, card: str) -> None:
    assert cardctl(*CHARGE).code == 0
    ran = cancel(cardctl, newest(cardctl))
    assert (ran.code, ran.error) == (6, "STATE_FORBIDS")
    assert payments(cardctl) == [("COMPLETED", 500)]


def test_other_writes_are_not_cancelled_by_key(cardctl: Cardctl, far_side: Control, card: str) -> None:
    assert cardctl(*CHARGE).code == 0
    refund = doubtful(cardctl, far_side, "saved-card", "refund", BUYER, "--invoice", "A-1")
    ran = cancel(cardctl, refund)
    assert (ran.code, ran.error) == (7, "NOT_SUPPORTED")
    far_side.fault("lost-reply", times=20)
    assert cardctl("account", "create", "--name", "Ada").code == 9
    far_side.clear_faults()
    ran = cancel(cardctl, newest(cardctl, "--kind", "account.create"))
    assert (ran.code, ran.error) == (7, "NOT_SUPPORTED")


@pytest.mark.parametrize("words", [("--as", "done"), ("--ref", "x"), ("--reason", " ")])
def test_a_wish_and_a_word_exclude_each_other(cardctl: Cardctl, far_side: Control, card: str, words: tuple[str, ...]) -> None:
    waiting = doubtful(cardctl, far_side, *HOLD)
    ran = cancel(cardctl, waiting, *words)
    assert ran.code == 2
    assert payments(cardctl) == [("APPROVED", 5000)]


def test_cancelling_on_live_must_be_said_aloud(cardctl: Cardctl, far_side: Control, card: str) -> None:
    waiting = doubtful(cardctl, far_side, *HOLD)
    run = runtime.Run(config.load(), runtime.console_for(Output.JSON), 1.0)
    desk = run.desk(provider="square")
    desk.provider.environment = "live"  # the simulator's bank, and a profile that says that it is real
    try:
        with pytest.raises(LiveNotSaid):
            calling_off.cancel(desk, waiting, reason="outbid")
        assert payments(cardctl) == [("APPROVED", 5000)]
        assert calling_off.cancel(replace(desk, live=True), waiting, reason="outbid").operation.state is OperationState.DONE
        assert payments(cardctl) == [("CANCELED", 5000)]
    finally:
        run.close()
