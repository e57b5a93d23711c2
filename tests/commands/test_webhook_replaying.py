"""`simulator swipe, deliver, resend` and `webhook replay, backfill`: exit code, the whole document, and the books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.runner import Cardctl

MILLION = 100_000_000


@pytest.fixture
def card(cardctl: Cardctl) -> dict[str, Any]:
    """The first card of `provision --dev`."""
    made: dict[str, Any] = cardctl("provision", "--dev", "-o", "json").data["cards"][0]
    return made


def run(cardctl: Cardctl, *argv: str) -> Any:
    done = cardctl(*argv, "--profile", "dev", "-o", "json")
    assert (done.code, done.stderr) == (0, ""), (done.stdout, done.stderr)
    return done.data


def balance(cardctl: Cardctl, card: dict[str, Any]) -> int:
    shown: int = run(cardctl, "card", "show", card["id"])["balance"]["minor"]
    return shown


def test_a_swipe_is_settled_once_it_was_told(cardctl: Cardctl, card: dict[str, Any]) -> None:
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "12.50", "--merchant", "Coffee")
    listed = run(cardctl, "transaction", "list", "--card", card["id"])
    assert [(one["kind"], one["state"]) for one in listed if one["kind"] != "funding"] == [
        ("settlement", "settled"),
        ("authorization", "settled"),
    ] or {one["kind"] for one in listed} == {"settlement", "authorization", "funding"}
    assert balance(cardctl, card) == MILLION - 1250
    assert {one["state"] for one in run(cardctl, "webhook", "list")} == {"applied"}


def test_a_swipe_that_is_not_told_waits_for_deliver(cardctl: Cardctl, card: dict[str, Any]) -> None:
    run(cardctl, "simulator", "deliver")
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "12.50", "--no-deliver")
    assert balance(cardctl, card) == MILLION
    told = run(cardctl, "simulator", "deliver", "--fault", "duplicate", "--fault", "reordered", "--seed", "7")
    assert (told["kept"], told["applied"], told["quarantined"]) == (3, 3, 0)
    assert told["duplicates"] == 3
    assert balance(cardctl, card) == MILLION - 1250
    again = cardctl("simulator", "deliver", "--profile", "dev", "-o", "json")
    assert (again.code, again.data, again.warnings) == (0, {"sent": 0}, ["NOTHING_TO_DELIVER"])


def test_a_forged_delivery_is_a_finding_and_changes_nothing(cardctl: Cardctl, card: dict[str, Any]) -> None:
    run(cardctl, "simulator", "deliver")
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "3", "--no-deliver")
    done = cardctl("simulator", "deliver", "--fault", "forged", "--profile", "dev", "-o", "json")
    assert done.code == 3
    assert done.data["quarantined"] >= 1
    assert balance(cardctl, card) == MILLION - 300
    quarantined = run(cardctl, "webhook", "list", "--state", "quarantined")
    assert {one["state"] for one in quarantined} == {"quarantined"}


def test_an_empty_difference_once_all_is_applied(cardctl: Cardctl, card: dict[str, Any]) -> None:
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "12.50")
    told = run(cardctl, "webhook", "replay", "--since", "2026-01-01", "--dry-run")
    assert told == {"events": 3, "changes": [], "failures": [], "later": 0}
    done = run(cardctl, "webhook", "replay", "--since", "2026-01-01")
    assert done == {"events": 3, "counts": {"applied": 3}, "later": 0, "failures": []}
    assert balance(cardctl, card) == MILLION - 1250


def test_a_dry_run_shows_each_object_before_and_after(cardctl: Cardctl, card: dict[str, Any], tmp_path: Path) -> None:
    run(cardctl, "simulator", "deliver")
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "12.50", "--no-deliver")
    file = tmp_path / "events.jsonl"
    assert run(cardctl, "simulator", "deliver", "--to-file", str(file))["sent"] == 3
    assert [json.loads(line)["provider"] for line in file.read_text().splitlines()] == ["stripe"] * 3
    run(cardctl, "webhook", "ingest", str(file), "--no-apply")
    told = run(cardctl, "webhook", "replay", "--failed", "--dry-run")
    (mine,) = (change for change in told["changes"] if change["object"] == card["id"])
    assert mine == {
        "object": card["id"],
        "before": {"balance": "1000000.00 USD"},
        "after": {"balance": "999987.50 USD"},
    }
    assert len(told["changes"]) == 3
    assert balance(cardctl, card) == MILLION
    assert run(cardctl, "webhook", "replay", "--failed")["counts"] == {"applied": 3}
    assert balance(cardctl, card) == MILLION - 1250


def test_a_replay_by_name_type_and_card(cardctl: Cardctl, card: dict[str, Any]) -> None:
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "1")
    first = run(cardctl, "webhook", "list")[0]
    assert run(cardctl, "webhook", "replay", first["id"])["events"] == 1
    assert run(cardctl, "webhook", "replay", first["event_id"])["events"] == 1
    assert run(cardctl, "webhook", "replay", "--type", "issuing_authorization.*")["events"] == 2
    assert run(cardctl, "webhook", "replay", "--card", card["id"])["events"] == 3
    assert cardctl("webhook", "replay", "--profile", "dev").code == 2
    assert cardctl("webhook", "replay", "evt_nothere0", "--profile", "dev").code == 5


def test_backfill_fetches_what_was_lost_and_says_how_complete_it_is(cardctl: Cardctl, card: dict[str, Any]) -> None:
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "12.50", "--no-deliver")
    assert balance(cardctl, card) == MILLION
    (told,) = run(cardctl, "webhook", "backfill")["providers"]
    assert (told["provider"], told["new"], told["unfinished"], told["not_proven"]) == ("stripe", told["listed"], 0, None)
    assert told["complete_from"] < told["complete_to"]
    assert balance(cardctl, card) == MILLION - 1250
    (again,) = run(cardctl, "webhook", "backfill")["providers"]
    assert again["new"] == 0


def test_resend_by_the_provider_s_id(cardctl: Cardctl, card: dict[str, Any]) -> None:
    run(cardctl, "simulator", "swipe", card["id"], "--amount", "12.50")
    event = run(cardctl, "webhook", "list")[0]
    told = run(cardctl, "simulator", "resend", event["event_id"])
    assert (told["sent"], told["kept"], told["duplicates"]) == (1, 0, 1)
    assert balance(cardctl, card) == MILLION - 1250
    assert cardctl("simulator", "resend", "evt_nobody", "--profile", "dev").code == 5


def test_deliver_leaves_no_file_of_somebody_else_s_alone(cardctl: Cardctl, card: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("mine")
    assert cardctl("simulator", "deliver", "--to-file", str(file), "--profile", "dev").code == 6
    assert file.read_text() == "mine"
    assert cardctl("simulator", "deliver", "--to", "http://example.com", "--profile", "dev").code == 2
    assert cardctl("simulator", "deliver", "--fault", "nonsense", "--profile", "dev").code == 2


def test_a_profile_s_rules_decide_on_swipes(cardctl: Cardctl, card: dict[str, Any]) -> None:
    config = cardctl.home / "config" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        '[profiles.dev]\nenvironment = "simulator"\n'
        '[profiles.dev.authorizations]\nenabled = true\nblocked_categories = ["drinking_places"]\n'
    )
    told = run(cardctl, "simulator", "swipe", card["id"], "--amount", "5", "--category", "drinking_places")
    assert (told["approved"], told["reason"]) == (False, "webhook_declined")
    told = run(cardctl, "simulator", "swipe", card["id"], "--amount", "5", "--category", "bakeries")
    assert (told["approved"], told["transaction_ref"] is not None) == (True, True)
    assert balance(cardctl, card) == MILLION - 500
