"""`cardctl metrics`: what a person sees, what a script gets, what Prometheus reads; with and without anything to measure."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl
from tests.output.promtool import promtool

MEASURES = ["card_creation", "transaction_processing", "provider_answers", "provider_answers_p95", "webhooks_processed"]


def verdicts(data: dict[str, Any]) -> dict[str, tuple[str, int]]:
    return {each["name"]: (each["verdict"], each["sample"]) for each in data["measures"]}


def test_nothing_to_measure_is_no_pass_and_no_miss(cardctl: Cardctl) -> None:
    ran = cardctl("metrics", "show", "-o", "json")
    assert ran.code == 0
    assert verdicts(ran.data) == dict.fromkeys(MEASURES, ("no_data", 0))
    assert [each["measured"] for each in ran.data["measures"]] == [None] * 5
    assert ran.data["days"] == []
    assert ran.warnings == ["NO_DAYS"]


def test_a_programme_that_does_well(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    assert cardctl("metrics", "write", str(cardctl.home / "m.prom")).code == 0
    ran = cardctl("metrics", "show", "-o", "json")
    assert (ran.code, ran.warnings) == (0, [])
    assert set(ran.data) == {"window", "measures", "days", "orders", "providers", "standing"}
    found = verdicts(ran.data)
    assert found["card_creation"] == ("met", 3)
    assert found["transaction_processing"] == ("met", 3)
    assert found["webhooks_processed"] == ("no_data", 0)
    creation = ran.data["measures"][0]
    assert creation == {
        "name": "card_creation",
        "target": 0.99,
        "measured": 1.0,
        "unit": "ratio",
        "verdict": "met",
        "sample": 3,
        "of": creation["of"],
    }
    day = ran.data["days"][-1]
    million = {"minor": 300_000_000, "currency": "USD", "amount": "3000000.00"}
    assert (day["funded"], day["active_cards"], day["final"]) == (million, 3, False)
    assert ran.data["standing"]["cards"] == [{"provider": "stripe", "state": "active", "count": 3}]
    assert ran.data["standing"]["reconcile"] is None
    assert ran.data["orders"] is None, "nobody sells eSIMs here"
    assert ran.data["providers"][0]["answered"] > 0


def test_a_person_sees_both_tables(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    cardctl("metrics", "write", str(cardctl.home / "m.prom"))
    ran = cardctl("metrics", "show", "--days", "2")
    assert ran.code == 0
    told = {line.split("  ", 1)[0]: " ".join(line.split()) for line in ran.lines}
    assert told["card_creation"] == "card_creation over 99 % 100 % met 3"
    assert told["webhooks_processed"] == "webhooks_processed over 99.9 % no data no_data 0"
    assert "3000000.00 USD" in ran.lines[-1]


def test_a_missed_target_is_a_finding(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    far_side.fault("lost-reply", 99)
    account = programme["accounts"][0]["id"]
    assert cardctl("card", "issue", "--account", account, "--currency", "USD").code == 9
    ran = cardctl("metrics", "show", "-o", "json")
    assert ran.code == 3
    assert verdicts(ran.data)["card_creation"] == ("missed", 4)
    assert ran.data["measures"][0]["measured"] == 0.75
    assert cardctl("metrics", "show", "--provider", "marqeta", "-o", "json").code == 0
    assert cardctl("metrics", "write", "-").code == 0, "a page is written whatever it says"


def test_the_window(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ran = cardctl("metrics", "show", "--since", "2999-01-01", "-o", "json")
    assert verdicts(ran.data) == dict.fromkeys(MEASURES, ("no_data", 0))
    assert ran.data["window"]["since"] == "2999-01-01T00:00:00.000000Z"
    assert cardctl("metrics", "show", "--since", "yesterday", "-o", "json").code == 2


def test_lines_are_measures_or_days(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    cardctl("metrics", "write", str(cardctl.home / "m.prom"))
    assert [json.loads(line)["name"] for line in cardctl("metrics", "show", "-o", "ndjson").lines] == MEASURES
    lines = cardctl("metrics", "show", "--days", "3", "-o", "ndjson").lines
    assert json.loads(lines[-1])["purchases"] == 0
    header, *rows = cardctl("metrics", "show", "--days", "3", "-o", "csv").lines
    told = dict(zip(header.split(","), rows[-1].split(","), strict=True))
    assert (told["funded_minor"], told["funded_currency"], told["final"]) == ("300000000", "USD", "false")


def test_a_page_that_promtool_takes(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    swiped = cardctl("simulator", "swipe", programme["cards"][0]["id"], "--amount", "12.50", "--merchant", "Café")
    assert swiped.code == 0, swiped.stderr
    place = tmp_path / "cardctl.prom"
    ran = cardctl("metrics", "write", str(place), "-o", "json")
    assert ran.code == 0
    assert ran.data["file"] == str(place)
    text = place.read_text()
    assert ran.data["samples"] == sum(not line.startswith("#") for line in text.splitlines()) > 90
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert re.search(r'cardctl_day_volume{currency="USD",day="(today|yesterday)",profile="dev",.+,unit="minor"} 1250.0\n', text)
    assert 'cardctl_measured_ratio{measure="webhooks_processed",profile="dev"} 1.0\n' in text
    assert "card_" not in text.replace("card_creation", "").replace("active_cards", "")
    assert promtool("check", "metrics", stdin=text) == ""


def test_standard_output_has_the_page_alone(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    ran = cardctl("metrics", "write", "-")
    assert ran.code == 0
    assert all(line.startswith(("# HELP cardctl_", "# TYPE cardctl_", "cardctl_")) for line in ran.lines)
    assert promtool("check", "metrics", stdin=ran.stdout) == ""
    refused = cardctl("metrics", "write", "-", "-o", "json")
    assert (refused.code, refused.json["success"]) == (2, False)


def test_the_page_is_written_again_but_no_other_file(cardctl: Cardctl, tmp_path: Path) -> None:
    place = tmp_path / "cardctl.prom"
    for _ in range(2):
        assert cardctl("metrics", "write", str(place), "--mode", "644").code == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o644
    notes = tmp_path / "notes.txt"
    notes.write_text("mine\n")
    assert cardctl("metrics", "write", str(notes), "-o", "json").code == 6
    assert notes.read_text() == "mine\n"
    assert cardctl("metrics", "write", str(notes), "--force").code == 0
    assert cardctl("metrics", "write", str(tmp_path / "none" / "m.prom")).code == 2


def test_the_dashboard_and_the_rules_need_no_books(cardctl: Cardctl, tmp_path: Path) -> None:
    dashboard, rules = tmp_path / "dashboard.json", tmp_path / "rules.yml"
    ran = cardctl("metrics", "write", "--dashboard", str(dashboard), "--rules", str(rules), "-o", "json")
    assert (ran.code, ran.data["dashboard"], ran.data["rules"]) == (0, str(dashboard), str(rules))
    assert json.loads(dashboard.read_text())["title"] == "cardctl: card programmes"
    assert "CardctlTargetMissed" in rules.read_text()
    assert not cardctl.books.exists()
    assert cardctl("metrics", "write", "--rules", str(rules)).code == 6


@pytest.mark.parametrize(
    "args", [(), ("m.prom", "--rules", "m.prom"), ("--rules", "-"), ("-", "--dashboard", "-"), ("m.prom", "--mode", "777")]
)
def test_places_that_cannot_be(
    cardctl: Cardctl, args: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cardctl("metrics", "write", *args, "-o", "json").code == 2
    assert not (tmp_path / "m.prom").exists()


def test_two_at_once_are_one(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    from cardctl import runtime
    from cardctl.output.console import Output

    with runtime.opened(output=Output.TABLE, profile=None) as run, run.lock("metrics"):
        assert cardctl("metrics", "write", str(tmp_path / "m.prom")).code == 11
    assert not (tmp_path / "m.prom").exists()
