"""What is tried again after it failed, or rehearsed while something is in doubt, means the same as the first time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl


@pytest.fixture
def card(programme: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = programme["cards"][0]
    return found


def test_a_refused_replacement_can_be_tried_again(cardctl: Cardctl, far_side: Control, card: dict[str, Any]) -> None:
    replace = ["card", "replace", card["id"], "--why", "stolen", "--yes", "-o", "json"]
    far_side.edit(card["ref"], {"replaced_by": "ic_somebody"})
    assert cardctl(*replace).code == 7
    far_side.edit(card["ref"], {"replaced_by": ""})
    made = cardctl(*replace)
    assert (made.code, made.data["card"]["balance"]["minor"]) == (0, 100_000_000)
    again = cardctl("card", "replace", card["id"], "--why", "lost", "--yes", "-o", "json")
    assert (again.data["card"]["id"], again.warnings) == (made.data["card"]["id"], ["REPEATED"])


def test_a_rehearsal_refuses_what_the_write_would_refuse(cardctl: Cardctl, far_side: Control, card: dict[str, Any]) -> None:
    fund = ["card", "fund", card["id"], "--amount", "10", "-o", "json"]
    assert cardctl(*fund, "--idempotency-key", "monday").code == 0
    assert cardctl(*fund, "--idempotency-key", "monday", "--dry-run").data == {"would_send": []}
    other = cardctl("card", "fund", card["id"], "--amount", "11", "--idempotency-key", "monday", "--dry-run", "-o", "json")
    assert (other.code, other.error) == (2, "IDEMPOTENCY_MISMATCH")
    far_side.fault("lost-reply", 20)
    assert cardctl(*fund).code == 9
    rehearsed = cardctl(*fund, "--dry-run")
    assert (rehearsed.code, rehearsed.error) == (9, "OUTCOME_UNKNOWN")


def test_a_person_s_word_puts_the_money_into_the_ledger(cardctl: Cardctl, far_side: Control, card: dict[str, Any]) -> None:
    far_side.fault("lost-reply", 20)
    operation = cardctl("card", "fund", card["id"], "--amount", "10", "-o", "json").json["operation_id"]
    far_side.clear_faults()
    assert cardctl("operation", "resolve", operation, "--as", "done", "--reason", "seen at the bank").code == 0
    assert cardctl("card", "show", card["id"], "--fresh", "-o", "json").data["balance"]["minor"] == 100_001_000
    told = cardctl("transaction", "list", "--card", card["id"], "--kind", "funding", "-o", "json").data
    assert sum(event["amount"]["minor"] for event in told) == 100_001_000


def test_nothing_done_is_no_part_done(cardctl: Cardctl, far_side: Control, tmp_path: Path) -> None:
    file = tmp_path / "programme.toml"
    file.write_text("".join(f'[[accounts]]\nexternal_id = "emp-{n}"\nname = "Ada"\n' for n in range(2)))
    cardctl("card", "list")
    far_side.fault("refused", 200)
    failed = cardctl("provision", "--file", str(file), "--apply", "-o", "json")
    assert (failed.code, failed.error) == (8, "PROVIDER_UNAVAILABLE")


@pytest.mark.parametrize(
    "words",
    [
        ["account", "create", "--name", "Ada", "--external-id", "4242424242424242"],
        ["card", "issue", "--account", "acct_user1", "--key", "4242 4242 4242 4242"],
        ["card", "issue", "--account", "acct_user1", "--idempotency-key", "sk_live_4242424242424242"],
    ],
)
def test_a_name_that_looks_like_a_card_number_is_refused(cardctl: Cardctl, programme: dict[str, Any], words: list[str]) -> None:
    refused = cardctl(*words, "-o", "json")
    assert (refused.code, refused.error) == (2, "INVALID_INPUT")


def test_an_unknown_provider_is_no_empty_list(cardctl: Cardctl) -> None:
    assert cardctl("card", "list", "--provider", "nonsense", "-o", "json").code == 2
