"""What a seller of saved cards cannot do is said in plain words, with the right code, and changes nothing on either side."""

from __future__ import annotations

import pytest

from cardctl.simulator.control import Control
from tests.commands.buyers import payments, save
from tests.commands.runner import Cardctl

NO = {
    "provider balance": "reports balance",
    "transaction pull": "reads transactions",
    "account sync": "reads cards",
    "account create --name Ada": "issues cards",
    "account create --name Ada --dry-run": "issues cards",
    "card sync": "reads cards",
    "provision --dev": "issues cards",
    "provision --dev --dry-run": "issues cards",
}


@pytest.mark.parametrize("words", list(NO))
def test_it_is_said_that_square_cannot(cardctl: Cardctl, words: str) -> None:
    ran = cardctl(*words.split(), "--provider", "square", "-o", "json")
    assert (ran.code, ran.error) == (7, "NOT_SUPPORTED"), ran
    assert ran.json["message"] == f"square cannot do this: {NO[words]}"
    assert {one["state"] for one in cardctl("operation", "list", "-o", "json").data} <= {"refused"}
    assert cardctl("account", "list", "-o", "json").data == []


@pytest.mark.parametrize("words", ["account list", "card list", "transaction list", "webhook list", "saved-card list"])
def test_lists_are_empty_and_no_failure(cardctl: Cardctl, words: str) -> None:
    ran = cardctl(*words.split(), "--provider", "square", "-o", "json")
    assert (ran.code, ran.data) == (0, [])


def test_what_it_can_do_is_listed_and_checked(cardctl: Cardctl) -> None:
    listed = cardctl("provider", "list", "-o", "json")
    assert listed.code == 0
    assert "saves_cards" in listed.stdout
    checked = cardctl("provider", "check", "--provider", "square", "-o", "json")
    assert (checked.code, checked.data["provider"], checked.data["programme"]) == (0, "square", "square/default")
    doctor = cardctl("doctor", "--provider", "square", "-o", "json")
    assert doctor.code == 0, doctor
    for words in (["alert", "check"], ["metrics", "show"], ["reconcile"]):
        assert cardctl(*words, "-o", "json").code == 0


def test_a_backfill_proves_nothing_where_search_may_have_been_off(cardctl: Cardctl, far_side: Control) -> None:
    """It covers Square where the profile has a card there, whoever issues its others; without search it finds nothing."""
    card = save(cardctl, "buyer@example.com", "--provider", "square")
    assert cardctl("saved-card", "charge", card, "--amount", "5", "--currency", "USD").code == 0
    assert payments(cardctl) == [("COMPLETED", 500)]
    ran = cardctl("webhook", "backfill", "-o", "json")
    assert ran.code == 0
    told = {each["provider"]: each for each in ran.data["providers"]}
    assert set(told) == {"stripe", "square"}
    assert told["stripe"]["not_proven"] is None
    assert "while its search of events was enabled" in told["square"]["not_proven"]
    assert (told["square"]["listed"], told["square"]["new"]) == (0, 0)
    assert payments(cardctl) == [("COMPLETED", 500)]
