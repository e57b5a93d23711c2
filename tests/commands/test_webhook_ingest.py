"""`cardctl webhook ingest`: events from files of every kind, kept once, verified where they can be, and applied."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.commands.letters import SECRET, event, lines, signed, stored, written
from tests.commands.runner import Cardctl

NOTHING = {
    "read": 0, "kept": 0, "duplicates": 0, "proven": 0, "quarantined": 0, "applied": 0, "ignored": 0, "failed": 0, "later": 0,
    "bad": 0, "events": [], "bad_places": [], "not_believed": [], "failures": [],
}  # fmt: skip
LATE = "2023-11-14T22:13:20Z"  # when event() says that it was made


@pytest.fixture
def cardctl(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    """With one more secret, so that a test can sign."""
    monkeypatch.setenv("CARDCTL_STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("CARDCTL_PROFILE", "dev")
    return cardctl


def taken(cardctl: Cardctl, *argv: str, stdin: str = "", code: int = 0) -> dict[str, Any]:
    """What ingest counted, without the lists that a test does not ask for."""
    ran = cardctl("webhook", "ingest", *argv, "-o", "json", stdin=stdin)
    assert (ran.code, ran.stderr) == (code, "")
    data: dict[str, Any] = ran.data
    assert set(data) == set(NOTHING)
    return {name: value for name, value in data.items() if value and name != "events"}


def kept(cardctl: Cardctl, *argv: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cardctl("webhook", "list", *argv, "-o", "json").data
    return found


def test_a_purchase_that_was_told_is_in_the_books(
    cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path
) -> None:
    card = programme["cards"][0]
    told = far_side.last_told()
    far_side.swipe(card["ref"], Money(1999, "USD"))
    file = written(tmp_path / "missed.jsonl", *lines(far_side, since_seq=told))
    first = taken(cardctl, file)
    assert first["kept"] == first["read"] == first["applied"] > 1
    assert cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] == 100_000_000 - 1999
    assert len(cardctl("transaction", "list", "--kind", "settlement", "-o", "json").data) == 1
    assert taken(cardctl, file) == {"read": first["read"], "duplicates": first["read"]}
    assert cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] == 100_000_000 - 1999
    assert {one["signature"] for one in kept(cardctl)} == {"valid"}


def test_what_came_without_proof_is_read_again_before_it_is_believed(
    cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path
) -> None:
    card = programme["cards"][0]
    told = far_side.last_told()
    far_side.swipe(card["ref"], Money(500, "USD"))
    bodies = [json.loads(line["body"]) for line in lines(far_side, since_seq=told)]
    for body in bodies:  # a liar's amounts: nothing proves them, and the provider knows better
        thing = body["data"]["object"]
        thing["amount"] = -999_999 if thing["object"] == "issuing.transaction" else 999_999
    assert taken(cardctl, written(tmp_path / "events.ndjson", *bodies)) == {
        "read": len(bodies), "kept": len(bodies), "applied": len(bodies),
    }  # fmt: skip
    assert cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] == 100_000_000 - 500
    assert {(one["signature"], one["source"]) for one in kept(cardctl)} == {("absent", "ingested")}
    proof = written(tmp_path / "proof.jsonl", *lines(far_side, since_seq=told))
    assert taken(cardctl, proof) == {"read": len(bodies), "proven": len(bodies), "applied": len(bodies)}
    assert {one["signature"] for one in kept(cardctl)} == {"valid"}


def test_a_file_of_each_kind(cardctl: Cardctl, tmp_path: Path) -> None:
    bodies = [json.loads(event(number)) for number in range(3)]
    forms = {
        "one.json": json.dumps(bodies[0], indent=2),
        "line.json": json.dumps(bodies[0]),
        "lines.ndjson": "\n\n".join(map(json.dumps, bodies)) + "\n",
        "crlf.ndjson": "\r\n".join(map(json.dumps, bodies)),
        "bom.ndjson": "\ufeff" + "\n".join(map(json.dumps, bodies)),
        "array.json": json.dumps(bodies),
        "array_lines.json": "[\n" + ",\n".join(map(json.dumps, bodies)) + "\n]\n",
        "list.json": json.dumps({"object": "list", "has_more": False, "url": "/v1/events", "data": bodies}, indent=1),
        "data.json": json.dumps({"data": bodies}),
        "concatenated.json": "\n".join(json.dumps(body, indent=2) for body in bodies),
        "stored_array.json": json.dumps([stored(event(number)) for number in range(3)]),
    }
    for name, text in forms.items():
        (tmp_path / name).write_text(text, "utf-8")
        count = 1 if name in ("one.json", "line.json") else 3
        told = taken(cardctl, str(tmp_path / name))
        assert told.get("read") == count, name
        assert "bad" not in told, name
    assert sorted(one["event_id"] for one in kept(cardctl)) == ["evt_0", "evt_1", "evt_2"]
    assert {one["signature"] for one in kept(cardctl)} == {"valid"}  # the last form had proof


def test_a_directory_and_standard_input(cardctl: Cardctl, tmp_path: Path) -> None:
    folder = tmp_path / "bodies"
    folder.mkdir()
    (folder / "below").mkdir()
    (folder / "below" / "9.json").write_text(event(9))
    for number in range(3):
        (folder / f"{number}.json").write_text(event(number))
    assert taken(cardctl, str(folder)) == {"read": 3, "kept": 3, "ignored": 3}
    assert taken(cardctl, str(folder), "-", stdin=event(7)) == {"read": 4, "kept": 1, "duplicates": 3, "ignored": 1}


def test_a_raw_body_with_its_headers(cardctl: Cardctl, tmp_path: Path) -> None:
    body = event(1)
    (tmp_path / "body").write_text(body)
    proof = signed(body, 1_700_000_000)["Stripe-Signature"]
    argv = (str(tmp_path / "body"), "--provider", "stripe", "--header", f"Stripe-Signature: {proof}")
    assert taken(cardctl, *argv, "--received-at", LATE) == {"read": 1, "kept": 1, "ignored": 1}
    (one,) = kept(cardctl)
    assert (one["signature"], one["received_at"]) == ("valid", "2023-11-14T22:13:20.000000Z")
    too_late = taken(cardctl, *argv, code=3)
    assert too_late["not_believed"][0] | {"file": ""} == {
        "file": "", "line": 1, "provider": "stripe", "signature": "stale", "reason": "it is too old",
    }  # fmt: skip


def test_what_is_forged_goes_into_quarantine_and_not_into_the_books(cardctl: Cardctl, tmp_path: Path) -> None:
    body = event(1)
    file = written(
        tmp_path / "mixed.jsonl",
        stored(body, signed(body, secret="whsec_somebody_else_s_secret")),
        stored(event(2)),
        stored(event(3, livemode=True)),
        stored("{not json", signed("{not json")),
    )
    told = taken(cardctl, file, code=3)
    assert {name: told[name] for name in ("read", "kept", "quarantined", "ignored")} == {
        "read": 4, "kept": 1, "quarantined": 3, "ignored": 1,
    }  # fmt: skip
    assert [one["signature"] for one in told["not_believed"]] == ["invalid", "valid", "valid"]
    assert [one["event_id"] for one in kept(cardctl)] == ["evt_2"]
    assert {one["state"] for one in kept(cardctl, "--state", "quarantined")} == {"quarantined"}
    assert len(kept(cardctl, "--state", "quarantined")) == 3
    (quarantine,) = (cardctl.home / "state" / "quarantine").glob("*.db")
    assert stat.S_IMODE(quarantine.stat().st_mode) == 0o600


def test_bad_lines_do_not_stop_the_good_ones(cardctl: Cardctl, tmp_path: Path) -> None:
    file = written(
        tmp_path / "torn.jsonl",
        stored(event(1)),
        '{"provider": "stripe", "body": "torn',
        "17",
        {"provider": "nobody", "body": "{}"},
        {"provider": "stripe", "body": {"id": "evt_9"}},
        {"provider": "stripe", "body_base64": "%%%"},
        {"provider": "stripe", "body": event(3), "received_at": "yesterday"},
        {"hello": "world"},
        stored(event(2)),
    )
    told = taken(cardctl, file, code=10)
    assert (told["kept"], told["bad"]) == (2, 7)
    assert [(one["line"], one["file"]) for one in told["bad_places"]] == [(line, file) for line in range(2, 9)]
    shown = cardctl("webhook", "ingest", file)
    assert shown.code == 10
    assert shown.lines[2].endswith("line 2: it is no JSON")


def test_nothing_to_read(cardctl: Cardctl, tmp_path: Path) -> None:
    for name, text in {
        "empty": "",
        "blank": "\n\n",
        "words": "hello\nworld\n",
        "html": "<html></html>",
        "null": "null",
    }.items():
        (tmp_path / name).write_text(text)
        ran = cardctl("webhook", "ingest", str(tmp_path / name), "-o", "json")
        assert (ran.code, ran.error) == (2, "INVALID_FILE"), name
    gone = cardctl("webhook", "ingest", str(tmp_path / "gone"), "-o", "json")
    assert (gone.code, gone.error, gone.stderr) == (5, "FILE_NOT_FOUND", "")
    assert cardctl("webhook", "ingest", str(tmp_path / "empty"), "--header", "nonsense").code == 2
    assert cardctl("webhook", "ingest", str(tmp_path / "empty"), "--provider", "square").code == 2


def test_no_apply_keeps_and_the_same_file_again_applies(
    cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path
) -> None:
    told = far_side.last_told()
    far_side.swipe(programme["cards"][0]["ref"], Money(700, "USD"))
    file = written(tmp_path / "missed.jsonl", *lines(far_side, since_seq=told))
    count = taken(cardctl, file, "--no-apply")["kept"]
    assert {one["state"] for one in kept(cardctl)} == {"received"}
    assert cardctl("transaction", "list", "--kind", "settlement", "-o", "json").data == []
    assert taken(cardctl, file) == {"read": count, "duplicates": count, "applied": count}
    assert len(cardctl("transaction", "list", "--kind", "settlement", "-o", "json").data) == 1


def test_every_provider_in_one_file(cardctl: Cardctl, far_side: Control, tmp_path: Path) -> None:
    for provider in ("stripe", "marqeta", "strowallet"):
        assert cardctl("provision", "--dev", "--provider", provider).code == 0
    told = lines(far_side)
    assert {line["provider"] for line in told} == {"stripe", "marqeta", "strowallet"}
    done = taken(cardctl, written(tmp_path / "all.jsonl", *told))
    assert done["read"] == len(told)
    assert not done.keys() & {"failed", "later", "bad", "quarantined"}
    assert {one["provider"] for one in kept(cardctl)} == {"stripe", "marqeta", "strowallet"}


def test_a_missing_secret_stops_it_unless_it_is_said_to_be_unverified(
    cardctl: Cardctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CARDCTL_STRIPE_WEBHOOK_SECRET")
    monkeypatch.delenv("CARDCTL_PROFILE")
    monkeypatch.setenv("CARDCTL_STRIPE_API_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc")
    monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", "k" * 40)
    assert cardctl("profile", "create", "box", "--environment", "sandbox", "--provider", "stripe").code == 0
    file = written(tmp_path / "one.jsonl", stored(event(1)))
    refused = cardctl("webhook", "ingest", file, "--profile", "box", "-o", "json")
    assert (refused.code, refused.error) == (4, "SECRET_MISSING")
    assert cardctl("webhook", "list", "--profile", "box", "-o", "json").data == []
    assert taken(cardctl, file, "--profile", "box", "--unverified") == {"read": 1, "kept": 1, "ignored": 1}
    (one,) = kept(cardctl, "--profile", "box")
    assert one["signature"] == "absent"
    raw = cardctl("webhook", "show", "evt_1", "--raw", "--profile", "box", "-o", "json").data
    assert "stripe-signature" in raw["headers"]  # once the secret is there, it proves itself
    monkeypatch.setenv("CARDCTL_STRIPE_WEBHOOK_SECRET", SECRET)
    assert taken(cardctl, file, "--profile", "box") == {"read": 1, "proven": 1, "ignored": 1}


def test_what_show_prints_is_what_ingest_takes(cardctl: Cardctl, tmp_path: Path) -> None:
    told = json.loads(event(1, site="https://shop.example", mail="a@b.example", note="caf\u00e9 \x7f"))
    body = json.dumps(told, separators=(",", ":"))  # where the guard alone would see a password in a URL
    written(tmp_path / "one.jsonl", stored(body))
    taken(cardctl, str(tmp_path / "one.jsonl"))
    for form in ("json", "ndjson"):
        shown = cardctl("webhook", "show", "evt_1", "--raw", "-o", form)
        told = json.loads(shown.stdout)
        told = told["data"] if form == "json" else told
        came = base64.b64decode(told["body_base64"]).decode() if "body_base64" in told else told["body"]
        assert came == body
        assert taken(cardctl, "-", stdin=shown.stdout) == {"read": 1, "duplicates": 1}
        assert cardctl("webhook", "verify", "-", stdin=shown.stdout).code == 0


def test_it_says_what_it_did(cardctl: Cardctl, tmp_path: Path) -> None:
    file = written(tmp_path / "two.jsonl", stored(event(1)), stored(event(2)))
    ran = cardctl("webhook", "ingest", file)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.lines == [
        "2 read: 2 events kept, 0 duplicates, 0 proven now, 0 not believed, 0 unreadable",
        "0 applied, 2 ignored, 0 failed, 0 left for later",
    ]


def test_an_event_that_fails_is_kept_and_said(cardctl: Cardctl, tmp_path: Path) -> None:
    file = written(tmp_path / "bad.jsonl", stored(event(1, "issuing_card.updated")), stored(event(2)))
    told = taken(cardctl, file, code=10)
    (failure,) = told["failures"]
    assert (told["kept"], told["failed"], told["ignored"]) == (2, 1, 1)
    assert cardctl("webhook", "show", failure["event"], "-o", "json").data["state"] == "failed"
