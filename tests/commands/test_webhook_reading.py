"""`cardctl webhook list` and `show`: what is kept, told without a card number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.letters import SECRET, event, lines, signed, stored, written
from tests.commands.runner import Cardctl

FIELDS = {
    "id", "provider", "programme", "event_id", "type", "object_ref", "card_ref", "occurred_at", "received_at", "signature",
    "source", "state", "attempts", "error", "times", "digest",
}  # fmt: skip
NUMBER = "4242424242424242"


@pytest.fixture
def cardctl(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    monkeypatch.setenv("CARDCTL_STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("CARDCTL_PROFILE", "dev")
    return cardctl


@pytest.fixture
def told(cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The provisioned programme, whose events are in the books; one more came forged."""
    forged = stored(event(99), signed(event(99), secret="whsec_somebody_else_s_secret"))
    file = written(tmp_path / "all.jsonl", *lines(far_side), forged)
    assert cardctl("webhook", "ingest", file).code == 3
    return programme


def listed(cardctl: Cardctl, *argv: str) -> list[dict[str, Any]]:
    ran = cardctl("webhook", "list", *argv, "-o", "json")
    assert (ran.code, ran.stderr) == (0, "")
    found: list[dict[str, Any]] = ran.data
    return found


def test_a_list_has_the_shape_and_says_what_is_in_quarantine(cardctl: Cardctl, told: dict[str, Any]) -> None:
    ran = cardctl("webhook", "list", "-o", "json")
    assert all(set(one) == FIELDS for one in ran.data)
    assert ran.warnings == ["QUARANTINED"]
    assert [one["received_at"] for one in ran.data] == sorted((one["received_at"] for one in ran.data), reverse=True)
    table = cardctl("webhook", "list")
    assert table.stderr == "warning: 1 more were not believed: `cardctl webhook list --state quarantined`\n"
    assert len(table.lines) == len(ran.data) + 1
    assert cardctl("webhook", "list", "--state", "applied", "-o", "json").warnings == []


def test_it_is_filtered(cardctl: Cardctl, told: dict[str, Any]) -> None:
    card = told["cards"][0]
    everything = listed(cardctl)
    mine = listed(cardctl, "--card", card["id"])
    assert mine
    assert {one["card_ref"] for one in mine} == {card["ref"]}
    cards = listed(cardctl, "--type", "issuing_card.*")
    assert {one["type"].partition(".")[0] for one in cards} == {"issuing_card"}
    assert len(listed(cardctl, "--type", cards[0]["type"])) <= len(cards) < len(everything)
    assert listed(cardctl, "--provider", "marqeta") == listed(cardctl, "--state", "dead") == []
    assert listed(cardctl, "--until", "2020-01-01") == []
    assert len(listed(cardctl, "--since", "2020-01-01")) == len(everything)
    cut = cardctl("webhook", "list", "--limit", "1", "-o", "json")
    assert (len(cut.data), "LIMIT_CUT" in cut.warnings) == (1, True)


def test_what_was_not_believed_is_listed_apart(cardctl: Cardctl, told: dict[str, Any]) -> None:
    (one,) = listed(cardctl, "--state", "quarantined")
    assert set(one) == FIELDS
    assert (one["state"], one["signature"], one["error"]) == ("quarantined", "invalid", "the signature does not fit")
    assert listed(cardctl, "--state", "quarantined", "--provider", "marqeta") == []
    assert listed(cardctl, "--state", "quarantined", "--until", "2020-01-01") == []
    assert cardctl("webhook", "show", one["id"], "-o", "json").data == {**one, "card_id": None}
    raw = cardctl("webhook", "show", one["id"], "--raw", "-o", "json").data
    assert raw["body"] == event(99)


def test_no_list_makes_a_quarantine(cardctl: Cardctl) -> None:
    assert listed(cardctl) == listed(cardctl, "--state", "quarantined") == []
    assert not list((cardctl.home / "state" / "quarantine").glob("*"))


def test_one_is_shown_by_every_name(cardctl: Cardctl, told: dict[str, Any]) -> None:
    card = told["cards"][0]
    one = listed(cardctl, "--card", card["id"])[0]
    for name in (one["id"], one["id"][:12], one["event_id"]):
        assert cardctl("webhook", "show", name, "-o", "json").data == {**one, "card_id": card["id"]}
    gone = cardctl("webhook", "show", "evt_nothing_like_it", "-o", "json")
    assert (gone.code, gone.error) == (5, "EVENT_NOT_FOUND")
    assert cardctl("webhook", "show", "evt_", "-o", "json").code == 5


def test_no_card_number_is_printed(cardctl: Cardctl, tmp_path: Path) -> None:
    body = event(1, note=f"paid with {NUMBER}", cvc="123", number=NUMBER, amount=1.10)
    plain = written(tmp_path / "one.jsonl", stored(body))
    assert cardctl("webhook", "ingest", plain).code == 0
    for form in ("table", "json", "ndjson", "csv"):
        ran = cardctl("webhook", "show", "evt_1", "--raw", "-o", form)
        assert ran.code == 0
        assert NUMBER not in ran.stdout + ran.stderr
        assert '"123"' not in ran.stdout.replace("\\", "")
    ran = cardctl("webhook", "show", "evt_1", "--raw", "-o", "json")
    assert ran.warnings == ["REDACTED"]
    told = json.loads(ran.data["body"])
    assert told == {**json.loads(event(1)), "note": "paid with **** **** **** 4242", "amount": 1.1}


def test_credentials_are_in_no_header(cardctl: Cardctl, tmp_path: Path) -> None:
    told = stored(event(1))
    told["headers"] |= {"Authorization": "Basic dXNlcjpwYXNzd29yZA==", "Cookie": "session=1"}
    assert cardctl("webhook", "ingest", written(tmp_path / "one.jsonl", told)).code == 0
    raw = cardctl("webhook", "show", "evt_1", "--raw", "-o", "json").data
    assert set(raw["headers"]) == {"stripe-signature", "content-type"}


def test_a_code_is_dropped_and_said_so(cardctl: Cardctl, tmp_path: Path) -> None:
    body = {"event": "otp.code", "id": "o1", "reference": "r1", "authorizationCode": "918273"}
    assert cardctl("webhook", "ingest", written(tmp_path / "otp.jsonl", body), "--provider", "strowallet").code == 0
    (one,) = listed(cardctl)
    ran = cardctl("webhook", "show", one["id"], "--raw", "-o", "json")
    assert (ran.data["body"], ran.warnings) == (None, ["BODY_DROPPED"])
    files = [file.read_bytes() for file in cardctl.home.rglob("*") if file.is_file()]
    assert not any(b"918273" in data for data in files)
