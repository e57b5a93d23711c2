"""`cardctl webhook verify`: whether an event is genuine, told by its exit code; nothing is kept."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.commands.letters import SECRET, event, lines, signed, stored, written
from tests.commands.runner import Cardctl

WHEN = "2023-11-14T22:13:20Z"
AT = 1_700_000_000


@pytest.fixture
def cardctl(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> Cardctl:
    monkeypatch.setenv("CARDCTL_STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("CARDCTL_PROFILE", "dev")
    return cardctl


@pytest.fixture
def body(tmp_path: Path) -> Path:
    """A raw body in a file, its last line ended, as editors do."""
    file = tmp_path / "body.json"
    file.write_text(event(1) + "\n")
    return file


def verdict(cardctl: Cardctl, *argv: str, code: int, stdin: str = "") -> Any:
    ran = cardctl("webhook", "verify", *argv, "-o", "json", stdin=stdin)
    assert (ran.code, ran.stderr) == (code, ""), ran.stdout
    return ran.data


def test_a_raw_body_to_the_byte(cardctl: Cardctl, body: Path) -> None:
    header = f"stripe-signature: {signed(body.read_text(), AT)['Stripe-Signature']}"
    argv = (str(body), "--provider", "stripe", "--header", header)
    assert verdict(cardctl, *argv, "--received-at", WHEN, code=0) == {
        "signature": "valid", "reason": None, "events": ["balance.available"],
    }  # fmt: skip
    assert verdict(cardctl, *argv, code=3)["signature"] == "stale"
    assert verdict(cardctl, *argv[:3], code=3) == {
        "signature": "absent", "reason": "nothing proves where it came from", "events": [],
    }  # fmt: skip
    body.write_text(event(1))
    assert verdict(cardctl, *argv, "--received-at", WHEN, code=3)["signature"] == "invalid"
    assert not cardctl.books.exists()


def test_the_secret_before_still_proves(cardctl: Cardctl, body: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = f"Stripe-Signature: {signed(body.read_text(), AT, 'whsec_the_one_before_it')['Stripe-Signature']}"
    argv = (str(body), "--header", header, "--received-at", WHEN)
    verdict(cardctl, *argv, code=3)
    monkeypatch.setenv("CARDCTL_STRIPE_WEBHOOK_SECRET_PREVIOUS", "whsec_the_one_before_it")
    verdict(cardctl, *argv, code=0)


def test_a_file_of_several_has_a_row_for_each(cardctl: Cardctl, tmp_path: Path) -> None:
    good, bad = stored(event(1)), stored(event(2), signed(event(3)))
    assert verdict(cardctl, written(tmp_path / "one.jsonl", good), code=0)["signature"] == "valid"
    assert verdict(cardctl, written(tmp_path / "good.jsonl", good, stored(event(4))), code=0)[1] == {
        "line": 2, "provider": "stripe", "signature": "valid", "reason": None, "events": ["balance.available"],
    }  # fmt: skip
    rows = verdict(cardctl, written(tmp_path / "mixed.jsonl", good, bad, "{torn", good), code=3)
    assert [row["signature"] for row in rows] == ["valid", "invalid", None, "valid"]
    assert rows[2]["reason"] == "it is no JSON"


def test_every_provider_s_own_deliveries(cardctl: Cardctl, far_side: Control, tmp_path: Path) -> None:
    for provider in ("stripe", "marqeta", "strowallet"):
        assert cardctl("provision", "--dev", "--provider", provider).code == 0
    genuine = lines(far_side)
    assert {row["provider"] for row in verdict(cardctl, written(tmp_path / "all.jsonl", *genuine), code=0)} == {
        "stripe", "marqeta", "strowallet",
    }  # fmt: skip
    for line in genuine:
        line["body"] = line["body"].replace("a", "b", 1)
    rows = verdict(cardctl, written(tmp_path / "tampered.jsonl", *genuine), code=3)
    assert {row["signature"] for row in rows if row["provider"] != "strowallet"} == {"invalid"}


def test_bytes_that_are_no_text(cardctl: Cardctl) -> None:
    raw = event(1).encode() + b"\xff"
    told = {"provider": "stripe", "headers": signed(event(1)), "body_base64": base64.b64encode(raw).decode()}
    assert verdict(cardctl, "-", stdin=json.dumps(told), code=3)["signature"] == "invalid"


def test_an_event_for_another_mode_is_not_for_this_profile(cardctl: Cardctl) -> None:
    told = verdict(cardctl, "-", stdin=json.dumps(stored(event(1, livemode=True))), code=3)
    assert (told["signature"], told["events"]) == ("valid", ["balance.available"])
    assert "real money" in told["reason"]


def test_nothing_to_verify(cardctl: Cardctl, tmp_path: Path) -> None:
    for text in ("", "{torn"):
        ran = cardctl("webhook", "verify", "-", "-o", "json", stdin=text)
        assert (ran.code, ran.error) == (2, "INVALID_FILE"), text
    assert cardctl("webhook", "verify", str(tmp_path / "gone")).code == 5
    mixed = written(tmp_path / "line.jsonl", stored(event(1)))
    assert cardctl("webhook", "verify", mixed, "--header", "Stripe-Signature: t=1,v1=0").code == 2


def test_a_table_and_no_secret(cardctl: Cardctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path / "one.jsonl", stored(event(1)))
    ran = cardctl("webhook", "verify", file)
    assert (ran.code, ran.stderr) == (0, "")
    assert [line.split() for line in ran.lines] == [["signature", "valid"], ["reason", "-"], ["events", "balance.available"]]
    monkeypatch.delenv("CARDCTL_STRIPE_WEBHOOK_SECRET")
    monkeypatch.delenv("CARDCTL_PROFILE")
    assert cardctl("profile", "create", "box", "--environment", "sandbox", "--provider", "stripe").code == 0
    missing = cardctl("webhook", "verify", file, "--profile", "box", "-o", "json")
    assert (missing.code, missing.error) == (4, "SECRET_MISSING")


def test_a_swipe_is_verified_long_after(cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path) -> None:
    """Age is judged against the time of receipt that the line tells."""
    told = far_side.last_told()
    far_side.swipe(programme["cards"][0]["ref"], Money(100, "USD"))
    old = [line | {"received_at": line["received_at"]} for line in lines(far_side, since_seq=told)]
    assert cardctl("webhook", "verify", written(tmp_path / "old.jsonl", *old)).code == 0
    for line in old:
        line["received_at"] = "2036-01-01T00:00:00Z"
    assert {row["signature"] for row in verdict(cardctl, written(tmp_path / "late.jsonl", *old), code=3)} == {"stale"}
