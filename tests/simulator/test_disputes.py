"""Disputes on Stripe's side: opened, changed, handed in, decided; what is told of each step, and where the money is."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.errors import BadInput, NotFound
from cardctl.simulator.books import OPENING_FLOAT
from cardctl.simulator.control import Control
from tests.simulator.stranger import TEST_TRANSACTIONS, TRANSACTIONS, Stranger

DISPUTES = "/v1/issuing/disputes"


def captured(one: Stranger, amount: int = 500) -> str:
    return str(one.done(f"{TEST_TRANSACTIONS}/create_force_capture", {"card": one.card(), "amount": str(amount)})["id"])


def verbs(one: Stranger, ref: str) -> list[str]:
    found = one.seen("/v1/events", limit=100, type="issuing_dispute.*")["data"][::-1]
    return [event["type"].partition(".")[2] for event in found if event["data"]["object"]["id"] == ref]


@pytest.mark.parametrize(("verdict", "back", "ends"), [("won", 400, ["closed", "funds_reinstated"]), ("lost", 0, ["closed"])])
def test_a_dispute_from_its_beginning_to_its_end(
    stranger: Stranger, control: Control, verdict: str, back: int, ends: list[str]
) -> None:
    taken = captured(stranger)
    made = stranger.done(DISPUTES, {"transaction": taken, "evidence[reason]": "not_received", "metadata[ours]": "1"})
    assert (made["status"], made["amount"], made["transaction"]) == ("unsubmitted", 500, taken)
    assert stranger.seen(f"{TRANSACTIONS}/{taken}")["dispute"] == made["id"]
    path = f"{DISPUTES}/{made['id']}"
    changed = stranger.done(path, {"amount": "400", "evidence[not_received][explanation]": "Nothing came"})
    assert changed["evidence"] == {"reason": "not_received", "not_received": {"explanation": "Nothing came"}}
    with pytest.raises(BadInput):
        control.decide_dispute(made["id"], verdict)
    assert stranger.done(f"{path}/submit")["status"] == "submitted"
    assert stranger.balance() == OPENING_FLOAT - 500
    stranger.refused(f"{path}/submit")
    stranger.refused(path, {"amount": "1"})
    control.decide_dispute(made["id"], verdict)
    ended = stranger.seen(path)
    assert (ended["status"], "loss_reason" in ended) == (verdict, verdict == "lost")
    assert stranger.balance() == OPENING_FLOAT - 500 + back
    with pytest.raises(BadInput):
        control.decide_dispute(made["id"], verdict)
    stranger.done(path, {"metadata[ours]": ""})
    assert verbs(stranger, made["id"]) == ["created", "updated", "submitted", *ends, "updated"]
    assert [one["id"] for one in stranger.seen(DISPUTES, status=verdict, transaction=taken)["data"]] == [made["id"]]


def test_what_cannot_be_disputed(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    refund = stranger.done(f"{TEST_TRANSACTIONS}/create_unlinked_refund", {"card": card, "amount": "5"})["id"]
    taken = captured(stranger)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "transaction"),
        ({"transaction": "ipi_none"}, "ipi_none"),
        ({"transaction": refund}, "capture"),
        ({"transaction": taken, "amount": "501"}, "500"),
        ({"transaction": taken, "amount": "0"}, "1"),
        ({"transaction": taken, "evidence[reason]": "whim"}, "reason"),
    ]
    before = control.last_told()
    for form, words in wrong:
        assert words in stranger.refused(DISPUTES, form)["message"]
    assert control.last_told() == before
    stranger.done(DISPUTES, {"transaction": taken})
    stranger.refused(DISPUTES, {"transaction": taken})
    with pytest.raises(NotFound):
        control.decide_dispute("idp_none", "won")
    with pytest.raises(BadInput):
        control.decide_dispute("idp_none", "drawn")
