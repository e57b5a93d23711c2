"""`cardctl run …`: runs are remembered, and their evidence comes to the same breaks anywhere; a tampered one does not."""

from __future__ import annotations

import json
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.commands.behind import STAFF, bought, calls, done, edited, provisioned
from tests.commands.runner import Cardctl


@pytest.fixture
def card(programme: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = programme["cards"][0]
    return one


@pytest.fixture
def run(cardctl: Cardctl, programme: dict[str, Any]) -> dict[str, Any]:
    """A run that found a card frozen at the bank, a limit, and purchases that nobody heard of, on two cards of three."""
    first, second, _ = programme["cards"]
    bought(cardctl, first, "20")
    bought(cardctl, first, "5", "--no-deliver")
    edited(cardctl, first["ref"], "status=inactive")
    edited(cardctl, second["ref"], "spending_controls.spending_limits.daily=5000")
    ran = cardctl("reconcile", "-o", "json")
    assert ran.code == 3
    told: dict[str, Any] = ran.data["run"] | {"breaks": ran.data["breaks"]}
    return told


def exported(cardctl: Cardctl, run: dict[str, Any], target: Path) -> Path:
    done(cardctl("run", "export", run["id"], str(target), "-o", "json"))
    return target


def rezipped(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same file with something in it changed."""
    with zipfile.ZipFile(source) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as bundle:
        for name, body in members.items():
            bundle.writestr(name, body)
    return target


def in_stage(statement: str) -> Callable[[dict[str, bytes]], None]:
    """A change of the database inside, its checksum in the manifest set right again or not."""

    def change(members: dict[str, bytes]) -> None:
        (name,) = [each for each in members if each.endswith(".stage")]
        with closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(members[name])
            db.execute(statement)
            db.commit()
            members[name] = db.serialize()

    return change


def resealed(change: Callable[[dict[str, bytes]], None]) -> Callable[[dict[str, bytes]], None]:
    """By one who knows how the file is made: the checksum fits what was changed."""
    from hashlib import sha256

    def both(members: dict[str, bytes]) -> None:
        change(members)
        manifest = json.loads(members["manifest.json"])
        for stage in manifest["stages"]:
            stage["sha256"] = sha256(members[stage["file"]]).hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()

    return both


# --- list, show


def test_runs_are_listed_newest_first(cardctl: Cardctl, run: dict[str, Any]) -> None:
    again = cardctl("reconcile", "-o", "json").data["run"]
    listed = cardctl("run", "list", "-o", "json").data
    assert [each["id"] for each in listed] == [again["id"], run["id"]]
    assert [(each["state"], each["found"], each["actor"]) for each in listed] == [("done", run["found"], "tester")] * 2
    cut = cardctl("run", "list", "--limit", "1", "-o", "json")
    assert ([each["id"] for each in cut.data], cut.warnings) == ([again["id"]], ["LIMIT_CUT"])
    assert again["id"] in cardctl("run", "list").stdout


def test_one_run_is_shown_with_what_it_found(cardctl: Cardctl, run: dict[str, Any]) -> None:
    ran = cardctl("run", "show", run["id"][:12], "-o", "json")
    assert (ran.code, ran.data["run"]["id"], ran.data["run"]["digest"]) == (0, run["id"], run["digest"])
    assert {each["fingerprint"] for each in ran.data["breaks"]} == {each["fingerprint"] for each in run["breaks"]}
    assert "critical card_state" in cardctl("run", "show", run["id"]).stdout
    missing = cardctl("run", "show", "run_nothing00", "-o", "json")
    assert (missing.code, missing.error) == (5, "RUN_NOT_FOUND")


# --- export, verify


def test_evidence_comes_to_the_same_anywhere(
    cardctl: Cardctl, run: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = exported(cardctl, run, tmp_path / "november.zip")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    monkeypatch.setenv("CARDCTL_HOME", str(tmp_path / "elsewhere"))
    shutil.rmtree(cardctl.home)
    ran = cardctl("run", "verify", str(file), "-o", "json")
    assert (ran.code, ran.data["same"], ran.data["problems"]) == (0, True, [])
    assert ran.data["digest"] == ran.data["recorded_digest"] == run["digest"]
    assert set(ran.data["breaks"]) == {each["fingerprint"] for each in run["breaks"]}
    assert not (tmp_path / "elsewhere" / "state" / "books").exists(), "nothing of ours is needed, and nothing made"


@pytest.mark.parametrize("bank", ["marqeta", "strowallet"])
def test_evidence_of_the_other_banks(cardctl: Cardctl, tmp_path: Path, bank: str) -> None:
    first, second, third = provisioned(cardctl, bank)
    bought(cardctl, first, "20")
    bought(cardctl, second, "5", "--no-deliver")
    purchase = bought(cardctl, third, "7")
    done(cardctl("simulator", "refund", purchase, "--times", "2", "--no-deliver", "-o", "json"))
    edited(cardctl, first["ref"], STAFF[bank].halted)
    run = cardctl("reconcile", "-o", "json").data["run"]
    file = exported(cardctl, run, tmp_path / "evidence.zip")
    ran = cardctl("run", "verify", str(file), "-o", "json")
    assert (ran.code, ran.data["same"], len(ran.data["breaks"])) == (0, True, run["found"])
    assert run["found"] >= 4


def test_evidence_of_a_clean_run(cardctl: Cardctl, card: dict[str, Any], tmp_path: Path) -> None:
    bought(cardctl, card, "20")
    run = cardctl("reconcile", "-o", "json").data["run"]
    ran = cardctl("run", "verify", str(exported(cardctl, run, tmp_path / "clean.zip")), "-o", "json")
    assert (ran.code, ran.data["breaks"], ran.data["same"]) == (0, [], True)


TAMPERED = {
    "a balance": "UPDATE our_cards SET balance = balance - 100",
    "a purchase taken out": "DELETE FROM money WHERE kind = 'settlement'",
    "a state made right": "UPDATE cards SET state = 'active', word = 'active'",
    "a limit made right": "UPDATE our_cards SET daily = 5000",
    "a finding dropped": "DELETE FROM findings",
}


@pytest.mark.parametrize("statement", TAMPERED.values(), ids=TAMPERED)
def test_tampered_evidence_is_found_out(cardctl: Cardctl, run: dict[str, Any], tmp_path: Path, statement: str) -> None:
    file = exported(cardctl, run, tmp_path / "november.zip")
    ran = cardctl("run", "verify", str(rezipped(file, tmp_path / "other.zip", in_stage(statement))), "-o", "json")
    assert (ran.code, ran.data["same"], len(ran.data["problems"])) == (3, False, 1)


@pytest.mark.parametrize("statement", [TAMPERED[name] for name in TAMPERED if name != "a finding dropped"])
def test_a_fitting_checksum_does_not_help(cardctl: Cardctl, run: dict[str, Any], tmp_path: Path, statement: str) -> None:
    file = exported(cardctl, run, tmp_path / "november.zip")
    ran = cardctl("run", "verify", str(rezipped(file, tmp_path / "other.zip", resealed(in_stage(statement)))), "-o", "json")
    assert (ran.code, ran.data["same"], ran.data["problems"]) == (3, False, [])
    assert ran.data["digest"] != ran.data["recorded_digest"] == run["digest"]
    assert "NOT the same" in cardctl("run", "verify", str(tmp_path / "other.zip")).stdout


def test_what_is_no_evidence(cardctl: Cardctl, run: dict[str, Any], tmp_path: Path) -> None:
    file = exported(cardctl, run, tmp_path / "november.zip")
    text, half, strange = (tmp_path / name for name in ("text.zip", "half.zip", "strange.zip"))
    text.write_text("this is no zip, and was never one")
    half.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    rezipped(file, strange, lambda members: members.update({"manifest.json": b'{"format": "somebody.elses"}'}))
    for wrong in (text, half, strange, tmp_path / "missing.zip", tmp_path):
        ran = cardctl("run", "verify", str(wrong), "-o", "json")
        assert (ran.code, ran.json["success"]) == (2, False), wrong


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b'{"format": "cardctl.evidence"}',
        b'{"format": "cardctl.evidence", "stages": 5, "run": {}}',
        b'{"format": "cardctl.evidence", "stages": [{"file": "../../x.stage", "sha256": ""}], "run": {}}',
        b'{"format": "cardctl.evidence", "stages": [], "run": {"id": "run_1"}}',
    ],
)
def test_a_manifest_of_nonsense(cardctl: Cardctl, tmp_path: Path, body: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as bundle:
        bundle.writestr("manifest.json", body)
    ran = cardctl("run", "verify", str(tmp_path / "odd.zip"), "-o", "json")
    assert (ran.code, ran.json["success"]) == (2, False), ran.stdout


def test_a_file_that_is_there_is_kept(cardctl: Cardctl, run: dict[str, Any], tmp_path: Path) -> None:
    target = tmp_path / "november.zip"
    target.write_text("somebody's")
    ran = cardctl("run", "export", run["id"], str(target), "-o", "json")
    assert (ran.code, target.read_text()) == (2, "somebody's")
    done(cardctl("run", "export", run["id"], str(target), "--force", "-o", "json"))
    assert zipfile.is_zipfile(target)
    assert [each.name for each in tmp_path.glob("*november*")] == ["november.zip"]
    assert cardctl("run", "export", run["id"], str(tmp_path / "no" / "such" / "x.zip"), "-o", "json").code in (2, 12)


def test_evidence_of_the_last_runs_alone_is_kept(cardctl: Cardctl, run: dict[str, Any], tmp_path: Path) -> None:
    before = calls(cardctl)
    for _ in range(5):
        assert cardctl("reconcile").code == 3
    assert calls(cardctl) > before
    ran = cardctl("run", "export", run["id"], str(tmp_path / "old.zip"), "-o", "json")
    assert (ran.code, ran.error) == (5, "EVIDENCE_NOT_FOUND")
    newest = cardctl("run", "list", "--limit", "1", "-o", "json").data[0]
    exported(cardctl, newest, tmp_path / "new.zip")
