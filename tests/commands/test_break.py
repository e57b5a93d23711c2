"""`cardctl break …`: what people make of breaks, why, and when a run opens them again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.commands.behind import bought, done, edited, found, here, there
from tests.commands.runner import Cardctl

MILLION = 100_000_000
VERBS = {
    "ack": ((), "acknowledged"),
    "snooze": (("--for", "7d"), "snoozed"),
    "accept": ((), "accepted"),
    "resolve": ((), "resolved"),
}
DAILY = "spending_controls.spending_limits.daily"


@pytest.fixture
def card(programme: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = programme["cards"][0]
    return one


@pytest.fixture
def broken(cardctl: Cardctl, card: dict[str, Any]) -> dict[str, Any]:
    """The break of a card that was frozen at the bank."""
    edited(cardctl, card["ref"], "status=inactive")
    ran = cardctl("reconcile", "-o", "json")
    assert ran.code == 3
    (one,) = ran.data["breaks"]
    told: dict[str, Any] = one
    return told


def shown(cardctl: Cardctl, one: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = done(cardctl("break", "show", one["fingerprint"], "-o", "json"))
    return told


def moved(cardctl: Cardctl, verb: str, one: dict[str, Any], *more: str, reason: str = "seen by Ada") -> None:
    done(cardctl("break", verb, one["fingerprint"], *more, "--reason", reason, "-o", "json"))


def listed(cardctl: Cardctl, *more: str) -> list[str]:
    return [each["type"] for each in done(cardctl("break", "list", *more, "-o", "json"))]


# --- list, show


def test_breaks_are_listed_by_what_is_wanted(cardctl: Cardctl, programme: dict[str, Any], broken: dict[str, Any]) -> None:
    other = programme["cards"][1]
    edited(cardctl, other["ref"], f"{DAILY}=5000")
    run = cardctl("reconcile", "-o", "json").data["run"]["id"]
    assert listed(cardctl) == ["card_state", "card_limits"], "the gravest first"
    wanted = {
        ("--severity", "warning"): ["card_limits"],
        ("--type", "card_state"): ["card_state"],
        ("--card", other["id"]): ["card_limits"],
        ("--provider", "stripe"): ["card_state", "card_limits"],
        ("--provider", "marqeta"): [],
        ("--run", run): ["card_state", "card_limits"],
        ("--run", cardctl("run", "list", "-o", "json").data[1]["id"]): ["card_state"],
        ("--since", "1h"): ["card_state", "card_limits"],
        ("--until", "1h"): [],
        ("--state", "resolved"): [],
        ("--limit", "1"): ["card_state"],
    }
    for words, types in wanted.items():
        assert listed(cardctl, *words) == types, words
    assert broken["fingerprint"] in cardctl("break", "list").stdout
    assert cardctl("break", "list", "--state", "half-open").code == 2


def test_one_break_is_shown_with_its_history(cardctl: Cardctl, card: dict[str, Any], broken: dict[str, Any]) -> None:
    moved(cardctl, "ack", broken, reason="asked the bank, case 881")
    told = shown(cardctl, broken)
    assert (told["subject"], told["card_id"], told["severity"]) == (card["ref"], card["id"], "critical")
    assert [(each["before"], each["after"], each["actor"], each["reason"]) for each in told["moves"]] == [
        (None, "open", "tester", None),
        ("open", "acknowledged", "tester", "asked the bank, case 881"),
    ]
    assert told["cause"]
    assert told["proposed_fix"]
    assert cardctl("break", "show", broken["fingerprint"][:12], "-o", "json").data["subject"] == card["ref"]
    for name in ("brk_nothing00", broken["fingerprint"][:6]):
        assert cardctl("break", "show", name, "-o", "json").code == 5


# --- what people make of them


@pytest.mark.parametrize("verb", VERBS)
def test_a_step_is_kept_with_its_reason(cardctl: Cardctl, broken: dict[str, Any], verb: str) -> None:
    more, state = VERBS[verb]
    for words in ([], ["--reason", " "], ["--reason", ""]):
        assert cardctl("break", verb, broken["fingerprint"], *more, *words, "-o", "json").code == 2
    assert shown(cardctl, broken)["state"] == "open"
    ran = cardctl("break", verb, broken["fingerprint"], *more, "--reason", "seen by Ada", "-o", "json")
    assert [(each["state"], each["reason"]) for each in ran.data["breaks"]] == [(state, "seen by Ada")]
    entry = cardctl("audit", "list", "--limit", "1", "-o", "json").data[0]
    assert (entry["action"], entry["object"], entry["reason"]) == (f"break.{verb}", broken["fingerprint"], "seen by Ada")
    assert (entry["before"]["state"], entry["after"]["state"]) == ("open", state)
    if verb != "snooze":  # a span that begins later ends later
        again = cardctl("break", verb, broken["fingerprint"], *more, "--reason", "again", "-o", "json")
        assert (again.code, again.warnings) == (0, ["ALREADY"])
        assert shown(cardctl, broken)["reason"] == "seen by Ada"
    assert cardctl("audit", "verify").code == 0


@pytest.mark.parametrize("verb", ["ack", "snooze", "accept"])
def test_what_was_seen_to_makes_no_run_unclean(cardctl: Cardctl, broken: dict[str, Any], verb: str) -> None:
    more, state = VERBS[verb]
    moved(cardctl, verb, broken, *more)
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, [each["state"] for each in ran.data["breaks"]]) == (0, [state])
    assert cardctl("reconcile", "--fix", "-o", "json").data["fix"] == {"planned": []}
    assert cardctl("card", "list", "-o", "json").data[0]["state"] == "active"


def test_several_at_once_or_none(cardctl: Cardctl, programme: dict[str, Any], broken: dict[str, Any]) -> None:
    edited(cardctl, programme["cards"][1]["ref"], "status=inactive")
    names = [each["fingerprint"] for each in cardctl("reconcile", "-o", "json").data["breaks"]]
    assert len(names) == 2
    assert cardctl("break", "ack", *names, "brk_nothing00", "--reason", "x").code == 5
    assert {each["state"] for each in cardctl("break", "list", "-o", "json").data} == {"open"}
    done(cardctl("break", "ack", *names, names[0], "--reason", "both", "-o", "json"))
    assert {each["state"] for each in cardctl("break", "list", "-o", "json").data} == {"acknowledged"}


def test_what_is_resolved_is_only_opened_by_a_run(cardctl: Cardctl, broken: dict[str, Any]) -> None:
    moved(cardctl, "resolve", broken)
    for verb in ("ack", "accept"):
        ran = cardctl("break", verb, broken["fingerprint"], "--reason", "late", "-o", "json")
        assert (ran.code, ran.json["success"]) == (6, False)
    assert (listed(cardctl), listed(cardctl, "--all")) == ([], ["card_state"])
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, [each["state"] for each in ran.data["breaks"]]) == (3, ["reopened"]), "nothing was mended"
    assert shown(cardctl, broken)["reason"] == "it is there again"


def test_what_is_gone_is_resolved_and_may_come_back(cardctl: Cardctl, card: dict[str, Any], broken: dict[str, Any]) -> None:
    moved(cardctl, "accept", broken)
    edited(cardctl, card["ref"], "status=active")
    assert found(cardctl) == (0, set())
    told = shown(cardctl, broken)
    assert (told["state"], told["reason"], told["occurrences"]) == ("resolved", "gone", 1)
    edited(cardctl, card["ref"], "status=inactive")
    assert found(cardctl)[0] == 3
    told = shown(cardctl, broken)
    assert (told["state"], told["occurrences"]) == ("reopened", 2)
    assert [each["after"] for each in told["moves"]] == ["open", "accepted", "resolved", "reopened"]


@pytest.mark.parametrize("verb", ["accept", "ack"])
def test_what_was_accepted_was_accepted_as_it_was(cardctl: Cardctl, card: dict[str, Any], verb: str) -> None:
    edited(cardctl, card["ref"], f"{DAILY}=5000")
    (one,) = cardctl("reconcile", "-o", "json").data["breaks"]
    moved(cardctl, verb, one)
    assert cardctl("reconcile").code == 0
    edited(cardctl, card["ref"], f"{DAILY}=9000")
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, [each["fingerprint"] for each in ran.data["breaks"]]) == (3, [one["fingerprint"]])
    told = shown(cardctl, one)
    assert (told["state"], told["reason"]) == ("reopened", "it differs otherwise than before")
    assert told["remote"] == {"daily": "90.00 USD"}


# --- snooze


def test_a_snooze_ends(cardctl: Cardctl, broken: dict[str, Any]) -> None:
    moved(cardctl, "snooze", broken, "--for", "8h")
    told = shown(cardctl, broken)
    assert told["snoozed_until"] > told["last_seen_at"]
    assert cardctl("reconcile").code == 0
    with closing(sqlite3.connect(cardctl.books)) as db:  # eight hours later
        db.execute("UPDATE breaks SET snoozed_until = last_seen_at")
        db.commit()
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, [each["state"] for each in ran.data["breaks"]]) == (3, ["open"])
    told = shown(cardctl, broken)
    assert (told["snoozed_until"], told["reason"]) == (None, "the snooze is over")


@pytest.mark.parametrize("span", ["0h", "0d", "soon", "2026-01-01", "-7d", "", "7", "99999999d", "2999-01-01T00:00:00Z"])
def test_what_is_no_span(cardctl: Cardctl, broken: dict[str, Any], span: str) -> None:
    ran = cardctl("break", "snooze", broken["fingerprint"], f"--for={span}", "--reason", "x", "-o", "json")
    assert (ran.code, ran.json["success"]) == (2, False)
    assert shown(cardctl, broken)["state"] == "open"


# --- resolve --fix


def test_one_is_mended_and_the_others_left(cardctl: Cardctl, programme: dict[str, Any], broken: dict[str, Any]) -> None:
    other = programme["cards"][1]
    edited(cardctl, other["ref"], "status=inactive")
    cardctl("reconcile")
    ran = cardctl("break", "resolve", broken["fingerprint"], "--fix", "--reason", "the bank is right", "-o", "json")
    assert (ran.code, ran.data) == (0, {"fixed": [broken["fingerprint"]], "proposed": [], "failed": []})
    states = {each["ref"]: each["state"] for each in cardctl("card", "list", "-o", "json").data}
    assert (states[broken["subject"]], states[other["ref"]]) == ("frozen", "active")
    assert (shown(cardctl, broken)["state"], shown(cardctl, broken)["reason"]) == ("resolved", "the bank is right")
    assert found(cardctl) == (3, {("card_state", other["ref"])})
    assert cardctl("break", "resolve", broken["fingerprint"], "--fix", "--reason", " ").code == 2


def test_a_card_that_was_closed_here_waits_for_a_person(cardctl: Cardctl, card: dict[str, Any]) -> None:
    done(cardctl("card", "close", card["id"], "--yes", "-o", "json"))
    assert cardctl("reconcile").code == 0
    edited(cardctl, card["ref"], "status=active")
    code, breaks = found(cardctl)
    assert (code, breaks) == (3, {("reopened_closed", card["ref"])})
    fixed = cardctl("reconcile", "--fix", "--yes", "-o", "json")
    assert (fixed.code, len(fixed.data["fix"]["proposed"])) == (3, 1)
    assert cardctl("card", "show", card["id"], "-o", "json").data["state"] == "closed"
    (one,) = cardctl("break", "list", "-o", "json").data
    ran = cardctl("break", "resolve", one["fingerprint"], "--fix", "--reason", "we want it back", "-o", "json")
    assert (ran.code, ran.data["fixed"]) == (0, [one["fingerprint"]])
    assert cardctl("card", "show", card["id"], "-o", "json").data["state"] == "active"
    assert found(cardctl) == (0, set())
    assert here(cardctl, "stripe") == there(cardctl, "stripe")


def test_what_cardctl_cannot_mend_is_proposed(cardctl: Cardctl, card: dict[str, Any]) -> None:
    purchase = bought(cardctl, card, "20")
    done(cardctl("simulator", "refund", purchase, "--times", "2", "-o", "json"))
    (one,) = cardctl("reconcile", "-o", "json").data["breaks"]
    assert (one["type"], one["local"]) == ("transaction_duplicate", {})
    before = here(cardctl, "stripe")
    ran = cardctl("break", "resolve", one["fingerprint"], "--fix", "--reason", "look at it", "-o", "json")
    assert (ran.code, ran.data["proposed"]) == (3, [one["fingerprint"]])
    assert (shown(cardctl, one)["state"], here(cardctl, "stripe")) == ("acknowledged", before)
    moved(cardctl, "accept", one, reason="the merchant will take it back")
    assert cardctl("reconcile").code == 0
