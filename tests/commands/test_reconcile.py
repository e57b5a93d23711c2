"""`cardctl reconcile`: when it stops, what it leaves out, how it speaks, and that it changes nothing unless it is told to."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardctl.domain.cards import Card
from cardctl.runtime import jobs
from cardctl.services.deeds.pulling import sync_card
from cardctl.services.desk import Desk
from cardctl.services.flows.reconciling import fixing
from cardctl.simulator import transport
from cardctl.simulator.faces.strowallet.face import StrowalletFace
from tests.commands.behind import bought, calls, done, edited, found, here, named, provisioned, there
from tests.commands.runner import Cardctl
from tests.commands.test_jobs import Time

MILLION = 100_000_000
REMEMBERED = ("runs", "breaks", "break_moves", "run_breaks", "days", "calls", "audit", "audit_head", "leases", "cursors")
"""What a run itself writes, and what any command may."""


@pytest.fixture
def card(programme: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = programme["cards"][0]
    return one


def books(cardctl: Cardctl) -> dict[str, list[Any]]:
    """Every row of the books but what a run writes."""
    with closing(sqlite3.connect(cardctl.books)) as db:
        found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return {name: db.execute(f"SELECT * FROM {name}").fetchall() for (name,) in found.fetchall() if name not in REMEMBERED}


def states(cardctl: Cardctl) -> dict[str, str]:
    """The breaks that are not resolved, by type."""
    return {each["type"]: each["state"] for each in cardctl("break", "list", "-o", "json").data}


def last_run(cardctl: Cardctl) -> dict[str, Any]:
    run: dict[str, Any] = cardctl("run", "list", "--limit", "1", "-o", "json").data[0]
    return run


# --- when what was read cannot be


def test_a_bank_that_is_suddenly_empty_concludes_nothing(cardctl: Cardctl, card: dict[str, Any]) -> None:
    bought(cardctl, card, "20")
    done(cardctl("simulator", "reset", "--far-side-only", "-o", "json"))
    before = books(cardctl)
    ran = cardctl("reconcile", "--report", "--fix", "--yes", "-o", "json")
    assert (ran.code, ran.error) == (6, "REMOTE_SUDDENLY_EMPTY")
    assert "--force" in ran.json["hint"]
    assert (last_run(cardctl)["state"], last_run(cardctl)["found"]) == ("stopped", 0)
    assert cardctl("break", "list", "--all", "-o", "json").data == []
    assert not list((cardctl.home / "reports").glob("*"))
    assert books(cardctl) == before
    forced = cardctl("reconcile", "--force", "-o", "json")
    assert forced.code == 3
    assert {each["type"] for each in forced.data["breaks"]} == {"card_missing_there", "account_missing_there"}
    assert books(cardctl) == before, "even then a run changes nothing"
    assert cardctl("reconcile").code == 6, "what was forced once is not forced the next time"


def test_ten_cards_of_thirteen_that_differ_are_too_many(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    holder = programme["accounts"][0]["id"]
    more = [done(cardctl("card", "issue", "--account", holder, "--key", f"k{n}", "-o", "json"))["card"] for n in range(10)]
    for each in more[:9]:
        edited(cardctl, each["ref"], "status=inactive")
    assert found(cardctl) == (3, {("card_state", each["ref"]) for each in more[:9]}), "nine of thirteen"
    edited(cardctl, more[9]["ref"], "status=inactive")
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, ran.error) == (6, "TOO_MUCH_DIFFERS")
    assert "10 of 13 cards" in ran.json["message"]
    assert len(cardctl("break", "list", "-o", "json").data) == 9, "nothing of it was recorded"
    assert cardctl("reconcile", "--fix", "--yes").code == 6
    assert {each["state"] for each in cardctl("card", "list", "-o", "json").data} == {"active"}
    code, breaks = found(cardctl, "--force")
    assert (code, len(breaks)) == (3, 10)


# --- what a run leaves out


def nameless(patch: pytest.MonkeyPatch) -> None:
    patch.delitem(transport.HOSTS, "strowallet.com")


def failing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(StrowalletFace, "handle", lambda face, *_args, **_more: face.turn_away(500))


@pytest.mark.parametrize("down", [nameless, failing])
def test_one_of_two_banks_is_down(
    cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch, down: Callable[[pytest.MonkeyPatch], None]
) -> None:
    card = provisioned(cardctl, "stripe")[0]
    other = provisioned(cardctl, "strowallet")[0]
    edited(cardctl, card["ref"], "status=inactive")
    edited(cardctl, other["ref"], "card_status=frozen")
    assert found(cardctl) == (3, {("card_state", card["ref"]), ("card_state", other["ref"])})
    edited(cardctl, other["ref"], "card_status=active")
    with monkeypatch.context() as patch:
        down(patch)
        ran = cardctl("reconcile", "-o", "json")
        assert (ran.code, ran.warnings) == (10, ["NOT_READ"])
        assert named(ran.data["breaks"]) == {("card_state", card["ref"])}
        assert (ran.data["run"]["state"], list(ran.data["run"]["watermark"])) == ("partial", ["stripe/default"])
        assert [each for each in ran.data["not_checked"] if each.startswith("strowallet/default: strowallet is not available")]
        assert "2 breaks want somebody" in cardctl("reconcile").lines[-1], "the other bank's still waits"
        waiting = {each["subject"] for each in cardctl("break", "list", "-o", "json").data}
        assert waiting == {card["ref"], other["ref"]}, "what was not looked at is not gone"
        edited(cardctl, card["ref"], "status=active")
        assert cardctl("reconcile", "--provider", "stripe").code == 0
        edited(cardctl, card["ref"], "status=inactive")
        alone = cardctl("reconcile", "--provider", "strowallet", "-o", "json")
        assert (alone.code, alone.error) == (8, "PROVIDER_UNAVAILABLE")
    cardctl("provider", "check", "--provider", "strowallet")
    assert found(cardctl) == (3, {("card_state", card["ref"])})
    assert {each["subject"] for each in cardctl("break", "list", "-o", "json").data} == {card["ref"]}


def test_one_provider_alone(cardctl: Cardctl) -> None:
    card, other = provisioned(cardctl, "stripe")[0], provisioned(cardctl, "marqeta")[0]
    edited(cardctl, card["ref"], "status=inactive")
    edited(cardctl, other["ref"], "state=SUSPENDED")
    assert found(cardctl) == (3, {("card_state", card["ref"]), ("card_state", other["ref"])})
    assert found(cardctl, "--provider", "marqeta") == (3, {("card_state", other["ref"])})
    assert last_run(cardctl)["programmes"] == ["marqeta/default"]
    done(cardctl("reconcile", "--provider", "marqeta", "--fix", "--yes", "-o", "json"))
    shown = {each["ref"]: each["state"] for each in cardctl("card", "list", "-o", "json").data}
    assert (shown[card["ref"]], shown[other["ref"]]) == ("active", "frozen")
    assert found(cardctl, "--provider", "marqeta")[0] == 0, "what another programme has does not make this one unclean"
    assert found(cardctl, "--provider", "zendit") == (0, set()), "a wallet from which nothing was bought"


def test_what_was_before_since_is_not_judged(cardctl: Cardctl, card: dict[str, Any]) -> None:
    old = bought(cardctl, card, "7", "--no-deliver")
    (clock,) = [cardctl("simulator", "status", "-o", "json").data["clock"]]
    since = (datetime.fromisoformat(clock) + timedelta(days=4)).isoformat()
    done(cardctl("simulator", "advance", "8d", "-o", "json"))
    new = bought(cardctl, card, "3", "--no-deliver")
    code, breaks = found(cardctl, "--since", since)
    missing = {subject for type_, subject in breaks if type_ == "transaction_missing_here"}
    assert (code, new in missing, old in missing) == (3, True, False)
    assert any("before" in each for each in last_run(cardctl)["not_checked"])
    missing = {subject for type_, subject in found(cardctl)[1] if type_ == "transaction_missing_here"}
    assert {old, new} <= missing
    found(cardctl, "--since", since)
    still = {each["subject"] for each in cardctl("break", "list", "-o", "json").data}
    assert old in still, "a run over a part of the time does not say that the rest is gone"
    assert cardctl("reconcile", "--since", "soon", "-o", "json").code == 2


def test_a_run_that_was_late_is_gone_on_with(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock costs a fifth of a second, so that it is late after four pages of nine."""
    provisioned(cardctl, "strowallet")
    before = calls(cardctl)
    assert found(cardctl, "--provider", "strowallet") == (0, set())
    whole, begun = calls(cardctl) - before, calls(cardctl)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "time", SimpleNamespace(monotonic=Time(look=0.2).monotonic, sleep=lambda _seconds: None))
        ran = cardctl("reconcile", "--provider", "strowallet", "--deadline", "1s", "-o", "json")
    assert (ran.code, ran.warnings) == (10, ["DEADLINE"])
    assert (ran.data["run"]["state"], ran.data["breaks"]) == ("running", [])
    read = calls(cardctl) - begun
    assert 0 < read < whole
    again = cardctl("reconcile", "--provider", "strowallet", "-o", "json")
    assert (again.code, again.data["run"]["id"]) == (0, ran.data["run"]["id"])
    assert calls(cardctl) - begun == whole, "no page was read twice"
    assert again.data["run"]["state"] == "done"


# --- how it speaks


def test_each_way_to_tell_it(cardctl: Cardctl, card: dict[str, Any]) -> None:
    edited(cardctl, card["ref"], "status=inactive")
    table = cardctl("reconcile")
    assert (table.code, "critical card_state" in table.stdout, "1 break wants somebody" in table.lines[-1]) == (3, True, True)
    lines = cardctl("reconcile", "-o", "ndjson")
    assert (lines.code, [json.loads(line)["type"] for line in lines.lines]) == (3, ["card_state"])
    rows = cardctl("reconcile", "-o", "csv")
    (row,) = csv.DictReader(io.StringIO(rows.stdout))
    assert (rows.code, row["type"], row["subject"], row["state"]) == (3, "card_state", card["ref"], "open")
    ran = cardctl("reconcile", "-o", "json")
    assert set(ran.data) == {"run", "breaks", "not_checked", "report"}
    assert ran.data["report"] == []
    (one,) = ran.data["breaks"]
    assert (one["local"], one["remote"]) == ({"state": "active"}, {"state": "frozen", "word": "inactive"})
    assert (one["card_id"], one["occurrences"], one["provider"]) == (card["id"], 4, "stripe")


def test_a_clean_run_says_so(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ran = cardctl("reconcile", "-o", "ndjson")
    assert (ran.code, ran.stdout) == (0, "")
    assert "clean; 0 found" in cardctl("reconcile").lines[-1]


def test_the_report_goes_where_it_is_told(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    where = tmp_path / "elsewhere"
    ran = cardctl("reconcile", "--report-dir", str(where), "--report-format", "csv", "-o", "json")
    assert (ran.code, sorted(Path(each).suffix for each in ran.data["report"])) == (0, [".csv", ".html", ".json"])
    assert {Path(each).parent for each in ran.data["report"]} == {where}
    (totals,) = json.loads(next(where.glob("*.json")).read_text())["run"]["figures"]["totals"]
    assert (totals["currency"], totals["balance_here"]) == ("USD", totals["balance_there"])


def test_an_unknown_format_is_said_before_anything_is_read(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    before = calls(cardctl)
    ran = cardctl("reconcile", "--report", "--report-format", "pdf", "-o", "json")
    assert (ran.code, ran.json["success"]) == (2, False)
    assert (calls(cardctl), cardctl("run", "list", "-o", "json").data) == (before, [])


# --- mending, and not


@pytest.fixture
def broken(cardctl: Cardctl, card: dict[str, Any]) -> dict[str, Any]:
    """A card that was frozen at the bank, and a purchase that nobody was told of."""
    bought(cardctl, card, "10")
    bought(cardctl, card, "10", "--no-deliver")
    edited(cardctl, card["ref"], "status=inactive")
    return card


def test_a_dry_run_says_what_it_would_do(cardctl: Cardctl, broken: dict[str, Any]) -> None:
    before, far = books(cardctl), there(cardctl, "stripe")
    ran = cardctl("reconcile", "--fix", "--dry-run", "-o", "json")
    assert ran.code == 3
    planned = {each["fingerprint"]: each["remedy"] for each in ran.data["fix"]["planned"]}
    assert planned.keys() == {each["fingerprint"] for each in ran.data["breaks"]}
    assert set(planned.values()) == {"take", "backfill"}
    assert (books(cardctl), there(cardctl, "stripe")) == (before, far)
    assert set(states(cardctl).values()) == {"open"}
    assert "would take the provider's word" in cardctl("reconcile", "--fix", "--dry-run").stdout


def test_without_consent_nothing_is_mended(cardctl: Cardctl, broken: dict[str, Any]) -> None:
    before = books(cardctl)
    ran = cardctl("reconcile", "--fix", "-o", "json")
    assert (ran.code, ran.error) == (6, "CONSENT_MISSING")
    assert books(cardctl) == before
    assert set(states(cardctl).values()) == {"open"}, "but it was compared"
    fixed = cardctl("reconcile", "--fix", "--yes", "-o", "json")
    assert (fixed.code, fixed.data["fix"]["proposed"], fixed.data["fix"]["failed"]) == (0, [], [])
    assert here(cardctl, "stripe") == there(cardctl, "stripe")
    assert here(cardctl, "stripe")[broken["ref"]] == MILLION - 2000
    assert found(cardctl) == (0, set())
    mended = [each for each in cardctl("audit", "list", "-o", "json").data if each["action"] == "break.fix"]
    assert {each["object"] for each in mended} == {each["fingerprint"] for each in fixed.data["breaks"]}
    assert {(each["actor"], each["reason"]) for each in mended} == {("tester", "fixed by reconcile")}


def test_there_is_nothing_to_consent_to_where_all_is_well(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ran = cardctl("reconcile", "--fix", "-o", "json")
    assert (ran.code, ran.data["fix"]) == (0, {"planned": []})


def test_a_second_run_is_kept_out(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    from filelock import FileLock

    with FileLock(cardctl.home / "state" / "leases" / "dev.reconcile.job"):
        assert cardctl("reconcile").code == 11
    assert cardctl("run", "list", "-o", "json").data == []


def test_mending_that_was_late_is_gone_on_with(
    cardctl: Cardctl, programme: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline passes once everything is compared: what is not mended yet waits for the next run."""
    cards = programme["cards"]
    for each in cards:
        edited(cardctl, each["ref"], "status=inactive")
    looks = Time(look=1)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "time", SimpleNamespace(monotonic=looks.monotonic, sleep=lambda _seconds: None))
        assert cardctl("reconcile", "--deadline", "1000s").code == 3
        needed, again = int(looks.now) - 3, Time(look=1)  # the wait before it and the log after it look too
        patch.setattr(jobs, "time", SimpleNamespace(monotonic=again.monotonic, sleep=lambda _seconds: None))
        ran = cardctl("reconcile", "--fix", "--yes", "--deadline", f"{needed}s", "-o", "json")
    mended = len(ran.data["fix"]["fixed"])
    assert (ran.code, ran.warnings, 0 < mended < len(cards)) == (10, ["DEADLINE"], True)
    assert [each["state"] for each in cardctl("card", "list", "-o", "json").data].count("frozen") == mended
    assert [each["state"] for each in cardctl("break", "list", "-o", "json").data] == ["open"] * (len(cards) - mended)
    done(cardctl("reconcile", "--fix", "--yes", "-o", "json"))
    assert {each["state"] for each in cardctl("card", "list", "-o", "json").data} == {"frozen"}
    assert found(cardctl) == (0, set())


def test_what_could_not_be_mended_still_waits(
    cardctl: Cardctl, programme: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bank is gone when the first of two cards is to be read again."""
    first, second, _ = programme["cards"]
    for each in (first, second):
        edited(cardctl, each["ref"], "status=inactive")

    def gone(desk: Desk, card: Card) -> Card:
        if card.id != first["id"]:
            return sync_card(desk, card)
        with monkeypatch.context() as patch:
            patch.delitem(transport.HOSTS, "api.stripe.com")
            return sync_card(desk, card)

    with monkeypatch.context() as patch:
        patch.setattr(fixing, "sync_card", gone)
        patch.setattr(fixing, "WORKERS", 1)
        ran = cardctl("reconcile", "--fix", "--yes", "-o", "json")
    told = ran.data["fix"]
    assert (ran.code, len(told["fixed"]), len(told["failed"])) == (10, 1, 1)
    assert "not available" in told["failed"][0]["error"]
    shown = {each["ref"]: each["state"] for each in cardctl("card", "list", "-o", "json").data}
    assert (shown[first["ref"]], shown[second["ref"]]) == ("active", "frozen")
    (left,) = cardctl("break", "list", "-o", "json").data
    assert (left["subject"], left["state"]) == (first["ref"], "open")
    done(cardctl("reconcile", "--fix", "--yes", "-o", "json"))
    assert found(cardctl) == (0, set())
