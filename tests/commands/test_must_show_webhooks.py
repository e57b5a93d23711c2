"""A day of webhooks as an operator meets it: a real server, a bank that delivers twice and in disorder, and the books."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from cardctl.simulator.posting import ask
from tests.commands.runner import Cardctl


@contextmanager
def serving(cardctl: Cardctl) -> Iterator[str]:
    """`cardctl webhook serve` in a process of its own; its base URL. Stopped by SIGTERM, and well."""
    argv = [sys.executable, "-m", "cardctl", "webhook", "serve", "--port", "0", "--profile", "dev", "-o", "json"]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=cardctl.environ())
    assert server.stdout is not None
    try:
        told = json.loads(server.stdout.readline())
        yield told["data"]["base_url"]
    finally:
        server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=60)
    assert server.returncode == 0, errors


def swipes(cardctl: Cardctl, cards: list[dict[str, Any]], many: int) -> None:
    """Purchases at the bank itself: nobody here hears of them but by what is delivered."""
    control = Control(cardctl.simulator)
    for number in range(many):
        card = cards[number % len(cards)]
        control.swipe(card["ref"], Money(100 + number, "USD"), hold=number % 3 == 0)
    control.close()


def _the_day(cardctl: Cardctl, purchases: int) -> None:
    cards = cardctl("provision", "--dev", "-o", "json").data["cards"]
    swipes(cardctl, cards, purchases)
    with serving(cardctl) as url:
        faults = ("--fault", "duplicate", "--fault", "reordered", "--seed", "11")
        done = cardctl("simulator", "deliver", "--to", url, *faults, "--profile", "dev", "-o", "json")
        assert (done.code, done.stderr) == (0, ""), done.stdout
        assert done.data["accepted"] == done.data["sent"]
    assert cardctl("webhook", "replay", "--failed", "--profile", "dev").code == 0  # what the server was stopped before
    states = {one["state"] for one in cardctl("webhook", "list", "--profile", "dev", "-o", "json").data}
    assert states == {"applied"}
    told = {one["id"]: one["balance"]["minor"] for one in cardctl("card", "list", "--profile", "dev", "-o", "json").data}
    events = cardctl("transaction", "list", "--profile", "dev", "-o", "json").data
    pulled = cardctl("transaction", "pull", "--profile", "dev", "-o", "json").data
    assert pulled["changed"] == 0, "what was told is what the bank has"
    for card in cards:
        fresh = cardctl("card", "show", card["id"], "--fresh", "--profile", "dev", "-o", "json").data
        assert fresh["balance"]["minor"] == told[card["id"]]
    captures = [one for one in events if one["kind"] == "settlement"]
    assert len(captures) == sum(1 for number in range(purchases) if number % 3)
    empty = cardctl("webhook", "replay", "--since", "2026-01-01", "--dry-run", "--profile", "dev", "-o", "json")
    assert (empty.code, empty.data["changes"]) == (0, [])
    assert cardctl("audit", "verify", "--profile", "dev").code == 0


def test_a_server_takes_all_of_a_day_twice_and_in_disorder(cardctl: Cardctl) -> None:
    _the_day(cardctl, 60)


@pytest.mark.whole
def test_ten_thousand_events(cardctl: Cardctl) -> None:
    _the_day(cardctl, 4_000)


def test_a_server_answers_questions_about_purchases_by_the_profile_s_rules(cardctl: Cardctl) -> None:
    card = cardctl("provision", "--dev", "-o", "json").data["cards"][0]
    config = cardctl.home / "config" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    rules = "[profiles.dev.authorizations]\nenabled = true\nblocked_categories = ['drinking_places']\n"
    config.write_text("[profiles.dev]\nenvironment = 'simulator'\n" + rules)
    control = Control(cardctl.simulator)
    with serving(cardctl) as url:
        asked = ask(f"{url}/webhooks/stripe/authorization")
        reasons = [
            control.swipe(card["ref"], Money(500, "USD"), category=category, decide=asked).reason
            for category in ("bakeries", "drinking_places")
        ]
        forged = ask(f"{url}/webhooks/stripe/authorization")
        control.rotate_webhook_secrets()
        control.rotate_webhook_secrets()  # the server knows neither of these
        reasons.append(control.swipe(card["ref"], Money(500, "USD"), decide=forged).reason)
    control.close()
    assert reasons == ["webhook_approved", "webhook_declined", "webhook_error"]


def test_verify_tells_the_genuine_from_the_tampered(cardctl: Cardctl, tmp_path: Path) -> None:
    card = cardctl("provision", "--dev", "-o", "json").data["cards"][0]
    cardctl("simulator", "swipe", card["id"], "--amount", "1", "--no-deliver", "--profile", "dev")
    file, tampered = tmp_path / "events.jsonl", tmp_path / "tampered.jsonl"
    cardctl("simulator", "deliver", "--to-file", str(file), "--profile", "dev")
    line = json.loads(file.read_text().splitlines()[-1])
    (tmp_path / "one.jsonl").write_text(json.dumps(line) + "\n")
    line["body"] = line["body"].replace('"livemode": false', '"livemode": true')
    tampered.write_text(json.dumps(line) + "\n")
    assert (
        cardctl.process("webhook", "verify", str(tmp_path / "one.jsonl"), "--provider", "stripe", "--profile", "dev").code == 0
    )
    assert cardctl.process("webhook", "verify", str(tampered), "--provider", "stripe", "--profile", "dev").code == 3
