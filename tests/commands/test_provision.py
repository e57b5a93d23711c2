"""`cardctl provision`: a whole development programme at once, or what a file declares; a plan first, and safe to repeat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl
from tests.commands.terminal import on_terminal

MILLION = {"minor": 100_000_000, "currency": "USD", "amount": "1000000.00"}
FILE = """
[[accounts]]
external_id = "emp-1"
name = "Ada Lovelace"
  [[accounts.cards]]
  key = "travel"
  fund_to = "250.00"
  limits = { daily = "100" }
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "programme.toml"
    path.write_text(FILE)
    return str(path)


def test_dev(cardctl: Cardctl) -> None:
    first = cardctl("provision", "--dev", "-o", "json")
    assert (first.code, list(first.data), first.json["warnings"]) == (0, ["accounts", "cards", "created", "changed"], [])
    assert "DEVELOPMENT ONLY" in first.stderr
    assert [account["external_id"] for account in first.data["accounts"]] == ["acct_user1", "acct_user2", "acct_user3"]
    assert [account["balance"] for account in first.data["accounts"]] == [MILLION] * 3
    assert [(card["state"], card["balance"], card["type"]) for card in first.data["cards"]] == [
        ("active", MILLION, "virtual")
    ] * 3
    assert {limit for card in first.data["cards"] for limit in card["limits"].values()} == {None}, "no limits here"
    assert (first.data["created"], first.data["changed"]) == (6, 0)
    again = cardctl("provision", "--dev", "-o", "json").data
    assert (again["created"], again["changed"]) == (0, 0)
    told = cardctl("provision", "--dev")
    assert told.lines[-1] == "0 made, 0 changed"
    assert told.lines[0].split() == ["acct_user1", "1000000.00", "USD", again["cards"][0]["id"], "active"]


def test_dev_after_the_far_side_alone_was_reset(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    assert cardctl("simulator", "reset", "--far-side-only").code == 0
    healed = cardctl("provision", "--dev", "-o", "json").data
    assert [account["id"] for account in healed["accounts"]] == [account["id"] for account in programme["accounts"]]
    assert [account["balance"] for account in healed["accounts"]] == [MILLION] * 3
    assert cardctl("provision", "--dev", "-o", "json").data["changed"] == 0


def test_two_at_once(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    (job,) = (cardctl.home / "state" / "leases").glob("*provision*.job")
    with FileLock(job):
        ran = cardctl("provision", "--dev", "-o", "json")
    assert (ran.code, ran.error, ran.json["retryable"]) == (11, "BUSY", True)
    assert cardctl("provision", "--dev").code == 0


def test_real_processes_at_once_make_one_programme(cardctl: Cardctl) -> None:
    command = [sys.executable, "-m", "cardctl", "provision", "--dev", "-o", "json"]
    runs = [subprocess.Popen(command, env=cardctl.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    ended = [(json.loads(run.communicate(timeout=60)[0]), run.returncode) for run in runs]
    assert {code for _, code in ended} <= {0, 11}
    assert 0 in {code for _, code in ended}
    assert len(cardctl("card", "list", "-o", "json").data) == 3
    assert cardctl("provision", "--dev", "-o", "json").data["created"] == 0


@pytest.mark.parametrize("words", [[], ["--dev", "--file", "x.toml"]])
def test_say_what(cardctl: Cardctl, words: list[str]) -> None:
    ran = cardctl("provision", *words, "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")


def test_what_is_in_doubt_is_said(cardctl: Cardctl, far_side: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    far_side.fault("lost-reply", times=50)
    ran = cardctl("provision", "--dev", "-o", "json")
    assert (ran.code, ran.error) == (9, "OUTCOME_UNKNOWN")
    far_side.clear_faults()
    made = cardctl("provision", "--dev", "-o", "json").data
    assert [account["balance"] for account in made["accounts"]] == [MILLION] * 3
    assert far_side.status()["objects"]["cardholders"] == 3


def test_a_file_is_only_a_plan_until_it_is_applied(cardctl: Cardctl, far_side: Control, file: str) -> None:
    plan = cardctl("provision", "--file", file, "-o", "json")
    assert plan.data == {
        "plan": [
            {"action": "create account", "target": "emp-1", "card": None, "amount": None},
            {
                "action": "issue card",
                "target": "emp-1/travel",
                "card": None,
                "amount": {"minor": 25000, "currency": "USD", "amount": "250.00"},
            },
        ]
    }
    assert cardctl("provision", "--file", file).lines == [
        "create account  emp-1",
        "issue card  emp-1/travel  250.00 USD",
        "2 steps; --apply does them",
    ]
    assert cardctl("operation", "list", "-o", "json").data == []
    assert far_side.status()["objects"]["cardholders"] == 0
    done = cardctl("provision", "--file", file, "--apply", "-o", "json")
    assert (done.code, list(done.data)) == (0, ["accounts", "cards", "created", "changed", "failed"])
    assert (done.data["created"], done.data["changed"], done.data["failed"]) == (2, 0, [])
    assert done.data["cards"][0]["balance"]["amount"] == "250.00"
    assert cardctl("provision", "--file", file).lines == ["nothing to do: it is all as declared"]
    again = cardctl("provision", "--file", file, "--apply", "-o", "json").data
    assert (again["created"], again["changed"], again["cards"]) == (0, 0, done.data["cards"])


def test_a_file_with_a_fault(cardctl: Cardctl, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(FILE.replace('"250.00"', '"1e3"'))
    for words in ([], ["--apply"]):
        ran = cardctl("provision", "--file", str(bad), *words, "-o", "json")
        assert (ran.code, ran.error) == (2, "INVALID_FILE")
        assert f"{bad}: accounts[0].cards[0]: fund_to: '1e3' is not an amount" in ran.json["message"]
    assert cardctl("provision", "--file", str(tmp_path / "nowhere.toml"), "-o", "json").error == "INVALID_FILE"


def test_some_done_and_some_not(cardctl: Cardctl, far_side: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    path = tmp_path / "two.toml"
    path.write_text(FILE + FILE.replace("emp-1", "emp-2"))
    cardctl("account", "create", "--name", "Ada", "--external-id", "emp-1")
    ref = cardctl("account", "show", "emp-1", "-o", "json").data["ref"]
    far_side.edit(ref, {"requirements.disabled_reason": "under_review"})
    cardctl("account", "sync", "emp-1")
    ran = cardctl("provision", "--file", str(path), "--apply", "-o", "json")
    assert (ran.code, ran.json["success"]) == (10, True)
    assert [(step["target"], step["error_code"]) for step in ran.data["failed"]] == [("emp-1/travel", "STATE_FORBIDS")]
    assert [card["account_id"] for card in ran.data["cards"]] == [ran.data["accounts"][1]["id"]]
    far_side.edit(ref, {"requirements.disabled_reason": ""})
    cardctl("account", "sync", "emp-1")
    far_side.fault("lost-reply", times=50)
    assert cardctl("provision", "--file", str(path), "--apply", "-o", "json").code == 9
    far_side.clear_faults()
    assert cardctl("provision", "--file", str(path), "--apply", "-o", "json").code == 0
    assert far_side.status()["objects"]["cards"] == 2


def test_closing_a_card_by_a_file_asks(cardctl: Cardctl, file: str) -> None:
    assert cardctl("provision", "--file", file, "--apply").code == 0
    Path(file).write_text(FILE + '  state = "closed"\n')
    ran = cardctl("provision", "--file", file, "--apply", "-o", "json")
    assert (ran.code, ran.error) == (6, "CONSENT_MISSING")
    assert cardctl("card", "list", "-o", "json").data[0]["state"] == "active"
    code, _, asked = on_terminal(cardctl, "provision", "--file", file, "--apply", typed="1\n")
    assert (code, "Type 1 to go on:" in asked) == (0, True)
    assert cardctl("card", "list", "-o", "json").data[0]["state"] == "closed"


def test_more_than_twenty_steps_ask(cardctl: Cardctl, tmp_path: Path) -> None:
    path = tmp_path / "many.toml"
    path.write_text("".join(f'[[accounts]]\nexternal_id = "e{n}"\nname = "Ada"\n' for n in range(21)))
    assert cardctl("provision", "--file", str(path), "--apply").code == 6
    assert cardctl("provision", "--file", str(path), "--apply", "--yes", "-o", "json").data["created"] == 21


def test_a_rehearsal_shows_the_steps_and_does_none(cardctl: Cardctl) -> None:
    told = cardctl("provision", "--dev", "--dry-run", "-o", "json").data["plan"]
    assert [step["action"] for step in told] == ["create account", "issue card"] * 3
    assert [step["amount"]["minor"] for step in told if step["amount"]] == [100_000_000] * 3
    assert cardctl("account", "list", "-o", "json").data == []
    cardctl("provision", "--dev")
    card = cardctl("card", "list", "-o", "json").data[0]["id"]
    cardctl("card", "withdraw", card, "--amount", "5")
    cardctl("card", "freeze", card)
    told = cardctl("provision", "--dev", "--dry-run", "-o", "json").data["plan"]
    assert [(step["action"], step["card"]) for step in told] == [("unfreeze card", card), ("fund card", card)]
    assert cardctl("card", "show", card, "-o", "json").data["state"] == "frozen"
