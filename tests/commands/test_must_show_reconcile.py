"""What happens behind our back, as a user makes it happen, sees it, and mends it: at each bank, with the money asserted."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.commands.behind import (
    STAFF,
    bought,
    counted,
    done,
    edited,
    here,
    listed,
    named,
    provisioned,
    there,
)
from tests.commands.runner import Cardctl

MILLION = 100_000_000
BANKS = tuple(STAFF)


def lost_purchase(cardctl: Cardctl, card: dict[str, Any], bank: str) -> set[str]:
    """7.25 that no event tells of; its money events by the bank's names. At Strowallet a purchase is one row."""
    words = ["simulator", "swipe", card["id"], "--amount", "7.25", "--no-deliver", "-o", "json"]
    made = done(cardctl(*words))
    return {made["transaction_ref"]} | ({made["authorization_ref"]} if bank != "strowallet" else set())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("bank", BANKS)
def test_what_happens_behind_our_back(cardctl: Cardctl, bank: str) -> None:
    staff = STAFF[bank]
    halted, limited, refunded = provisioned(cardctl, bank)
    bought(cardctl, halted, "20")
    purchase = bought(cardctl, refunded, "12.50")
    clean = cardctl("reconcile", "--report", "-o", "json")
    assert (clean.code, clean.data["breaks"], clean.data["run"]["found"]) == (0, [], 0), clean.stdout
    assert sorted(Path(each).suffix for each in clean.data["report"]) == [".html", ".json"]
    assert {mode(Path(each)) for each in clean.data["report"]} == {0o600}
    before = {halted["ref"]: MILLION - 2000, limited["ref"]: MILLION, refunded["ref"]: MILLION - 1250}
    assert here(cardctl, bank) == there(cardctl, bank) == before

    edited(cardctl, halted["id"], staff.halted)
    edited(cardctl, limited["id"], *([staff.limited] if staff.limited else []), staff.renewed)
    lost = lost_purchase(cardctl, limited, bank)
    words = ["simulator", "refund", purchase, "--times", "2", "--no-deliver", "-o", "json"]
    twins = set(done(cardctl(*words))["transaction_refs"])
    assert here(cardctl, bank) == before, "nobody told us"
    moved = {**before, limited["ref"]: MILLION - 725, refunded["ref"]: MILLION + 1250}
    assert there(cardctl, bank) == moved
    far_side = counted(cardctl, bank)

    ran = cardctl("reconcile", "--report", "--report-format", "markdown", "--report-format", "csv", "-o", "json")
    assert ran.code == 3
    assert named(ran.data["breaks"]) >= {("card_state", halted["ref"]), ("card_details", limited["ref"])}
    (twin,) = [each for each in ran.data["breaks"] if each["type"] == "transaction_duplicate"]
    assert (twin["subject"] in twins, twin["at_risk"]["minor"], set(twin["evidence"]["objects"])) == (True, 1250, twins)
    unheard = {*lost, *twins} - {twin["subject"]}
    wanted = {("card_state", halted["ref"]), ("card_details", limited["ref"]), ("transaction_duplicate", twin["subject"])}
    wanted |= {("transaction_missing_here", ref) for ref in unheard}
    wanted |= {("card_limits", limited["ref"])} if staff.limited else set()
    wanted |= {("event_gap", "events")} if staff.heard else set()
    assert named(ran.data["breaks"]) == wanted
    assert here(cardctl, bank) == before, "a run changes nothing"
    files = {Path(each).suffix: Path(each) for each in ran.data["report"]}
    assert (set(files), {mode(each) for each in files.values()}) == ({".csv", ".html", ".json", ".md"}, {0o600})
    written = json.loads(files[".json"].read_text())
    assert all(each["fingerprint"] in files[".html"].read_text() for each in ran.data["breaks"])
    assert named(written["breaks"]) == wanted

    fixed = cardctl("reconcile", "--fix", "--yes", "-o", "json")
    assert fixed.code == 3, "a doubled refund wants a person"
    assert (len(fixed.data["fix"]["proposed"]), fixed.data["fix"]["failed"]) == (1, [])
    assert here(cardctl, bank) == there(cardctl, bank) == moved
    ours = {each["id"]: each for each in listed(cardctl, bank)}
    assert [ours[each["id"]]["state"] for each in (halted, limited, refunded)] == ["frozen", "active", "active"]
    assert ours[limited["id"]]["exp_year"] == 2039
    assert counted(cardctl, bank) == far_side, "mending writes nothing at the bank"

    again = cardctl("reconcile", "-o", "json")
    assert (again.code, [each["state"] for each in again.data["breaks"]]) == (0, ["acknowledged"])
    assert cardctl("break", "show", twin["fingerprint"], "-o", "json").data["state"] == "acknowledged"
    assert cardctl("audit", "verify").code == 0


def test_the_issue_s_own_lines(cardctl: Cardctl) -> None:
    """In processes of their own, one after the other, with their exit codes."""
    run = cardctl.process
    card = run("provision", "--dev", "-o", "json").data["cards"][0]
    assert run("reconcile", "--report").code == 0
    purchase = run("simulator", "swipe", card["id"], "--amount", "12.50", "-o", "json").data["transaction_ref"]
    assert run("simulator", "edit", card["ref"], "status=inactive", "spending_controls.spending_limits.daily=5000").code == 0
    assert run("simulator", "refund", purchase, "--times", "2", "--no-deliver").code == 0
    ran = run("reconcile", "--report", "-o", "json")
    assert ran.code == 3
    assert {each["type"] for each in ran.data["breaks"]} == {
        "card_state",
        "card_limits",
        "transaction_missing_here",
        "transaction_duplicate",
        "event_gap",
    }
    fixed = run("reconcile", "--fix", "--yes")
    assert (fixed.code, "the rest is proposed to a person" in fixed.lines[-1]) == (3, True)
    assert run("reconcile").code == 0
    shown = run("card", "show", card["id"], "--fresh", "-o", "json").data
    assert (shown["state"], shown["balance"]["minor"], shown["limits"]["daily"]["minor"]) == ("frozen", MILLION + 1250, 5000)
    assert run("alert", "check").code in (0, 3)
    page = cardctl.home / "m.prom"
    assert run("metrics", "write", str(page)).code == 0
    assert "cardctl_" in page.read_text()
    units = run("schedule", "print", "--systemd")
    assert (units.code, "OnCalendar=" in units.stdout) == (0, True)
    assert run("audit", "verify").code == 0
