"""`cardctl simulator serve` as a process: what it says, who finds it, how it stops, and whom it listens to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.commands.runner import Cardctl
from tests.simulator.served import command

KEY = {"Authorization": "Bearer sk_test_served"}


def served(cardctl: Cardctl) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cardctl("simulator", "status", "-o", "json").data["served"]
    return found


def test_it_says_where_and_serves(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    with command(environ=cardctl.environ()) as (process, told):
        assert told["base_url"].startswith("http://127.0.0.1:")
        assert told["base_urls"] == {
            "stripe": f"{told['base_url']}/stripe",
            "marqeta": f"{told['base_url']}/marqeta/v3",
            "strowallet": f"{told['base_url']}/strowallet/api",
            "square": f"{told['base_url']}/square",
            "zendit": f"{told['base_url']}/zendit/v1",
            "topup": f"{told['base_url']}/topup",
        }
        listed = httpx.get(f"{told['base_urls']['stripe']}/v1/issuing/cards", headers=KEY).json()["data"]
        assert {card["id"] for card in listed} == {card["ref"] for card in programme["cards"]}
        payload = httpx.get(f"{told['base_url']}/cards/{listed[0]['id']}/wallet_payload/").json()
        assert payload["last4"] == listed[0]["last4"]
        assert served(cardctl) == [{"pid": process.pid, "base_urls": told["base_urls"]}]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == "", "the envelope was all"
        said = process.stderr.read().splitlines()
        (line,) = [each for each in said if "DEVELOPMENT ONLY" in each]
        assert all(url in line for url in told["base_urls"].values())
    assert served(cardctl) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0)])
def test_it_stops_when_it_is_asked_to(cardctl: Cardctl, number: signal.Signals, code: int) -> None:
    with command(environ=cardctl.environ()) as (process, told), httpx.Client(base_url=told["base_url"]) as client:
        assert client.get("/health").json()["status"] == "ok"
        process.send_signal(number)  # with a connection open and idle
        assert process.wait(20) == code
        with pytest.raises(httpx.TransportError):
            client.get("/health")


def test_a_person_reads_it_on_stderr(cardctl: Cardctl) -> None:
    line = [sys.executable, "-m", "cardctl", "simulator", "serve", "--port", "0"]
    with subprocess.Popen(line, env=cardctl.environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        while "DEVELOPMENT ONLY" not in (said := process.stderr.readline()):
            assert said, "it ended without a word"
        assert "stripe http://127.0.0.1:" in said
        process.terminate()
        assert (process.wait(20), process.stdout.read()) == (0, "")


def test_a_killed_one_is_not_named(cardctl: Cardctl) -> None:
    with command(environ=cardctl.environ()) as (process, _):
        assert len(served(cardctl)) == 1
        process.kill()
        process.wait(20)
    assert served(cardctl) == []
    assert list((cardctl.home / "state").glob("simulator.db.serve-*")), "what it left behind is not believed"


def test_several_serve_one_bank(cardctl: Cardctl) -> None:
    with command(environ=cardctl.environ()) as (_, one), command(environ=cardctl.environ()) as (_, other):
        form = {"name": "Ada", "billing[address][line1]": "1 Main St", "billing[address][city]": "Oakland"}
        form |= {"billing[address][postal_code]": "94612", "billing[address][country]": "US"}
        made = httpx.post(f"{one['base_urls']['stripe']}/v1/issuing/cardholders", data=form, headers=KEY)
        assert made.status_code == 200
        seen = httpx.get(f"{other['base_urls']['stripe']}/v1/issuing/cardholders", headers=KEY).json()["data"]
        assert [holder["id"] for holder in seen] == [made.json()["id"]]
        assert {each["base_urls"]["stripe"] for each in served(cardctl)} == {
            one["base_urls"]["stripe"],
            other["base_urls"]["stripe"],
        }


def test_limits_and_latency_reach_the_port(cardctl: Cardctl) -> None:
    with command("--rate-limit", "2", "--latency", "1", environ=cardctl.environ()) as (_, told):
        codes = [httpx.get(f"{told['base_urls']['stripe']}/v1/balance", headers=KEY).status_code for _ in range(20)]
    assert set(codes) == {200, 429}


def test_files_are_private(cardctl: Cardctl) -> None:
    with command(environ=cardctl.environ()):
        modes = {path.stat().st_mode & 0o777 for path in (cardctl.home / "state").glob("simulator.db*") if path.is_file()}
        assert modes == {0o600}


@pytest.mark.parametrize(
    "argv",
    [["--host", "0.0.0.0"], ["--host", "example.com"], ["--port", "70000"], ["--rate-limit", "0"], ["--latency", "-1"]],
)
def test_it_is_for_this_machine_and_for_sense(cardctl: Cardctl, argv: list[str]) -> None:
    ran = cardctl("simulator", "serve", "--port", "0", *argv, "-o", "json")
    assert (ran.code, ran.json["success"]) == (2, False)


def test_a_taken_port_is_said(cardctl: Cardctl) -> None:
    with command(environ=cardctl.environ()) as (_, told):
        port = told["base_url"].rpartition(":")[2]
        ran = cardctl("simulator", "serve", "--port", port, "-o", "json")
        assert (ran.code, ran.error) == (2, "INVALID_INPUT")
        assert port in ran.json["message"]


def test_a_file_that_is_no_bank(cardctl: Cardctl) -> None:
    Path(cardctl.simulator).parent.mkdir(parents=True)
    cardctl.simulator.write_text("this is no database, and was never one")
    ran = cardctl("simulator", "serve", "--port", "0", "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_FILE")
    assert os.listdir(cardctl.simulator.parent) == ["simulator.db"]
