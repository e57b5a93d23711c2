"""`cardctl doctor`: it names what is wrong and what to do, and changes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl import config
from cardctl.providers import registry
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl
from tests.machine.processes import KILLED, Processes

ALL = [
    "profile",
    "permissions",
    "secret stripe.api_key",
    "secret db.encryption_key",
    "disk",
    "database",
    "encryption key",
    "journal",
    "leases",
    "events",
    "audit",
    "provider",
    "latency",
    "key mode",
    "scope",
    "clock",
    "float",
]


def looked(cardctl: Cardctl, *argv: str, code: int = 0) -> dict[str, dict[str, Any]]:
    ran = cardctl("doctor", *argv, "-o", "json")
    assert ran.code == code, ran
    assert ran.data.keys() == {"checks"}
    for check in ran.data["checks"]:
        assert check.keys() == {"name", "outcome", "detail", "remedy"}
        assert (check["remedy"] is None) is (check["outcome"] == "ok")
    return {check["name"]: check for check in ran.data["checks"]}


def outcomes(found: dict[str, dict[str, Any]], *wanted: str) -> list[str]:
    """The names of the checks that ended like one of `wanted`."""
    return [name for name, check in found.items() if check["outcome"] in wanted]


def test_nothing_is_made_by_looking(cardctl: Cardctl) -> None:
    found = looked(cardctl)
    assert not outcomes(found, "warn", "fail")
    assert "not made yet" in found["database"]["detail"]
    assert "not made yet" in found["provider"]["detail"]
    assert "made on first use" in found["secret db.encryption_key"]["detail"]
    assert not cardctl.home.exists()


def test_a_healthy_programme_is_ok(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    before = snapshot(cardctl.home)
    found = looked(cardctl)
    assert list(found) == ALL
    assert not outcomes(found, "warn", "fail")
    assert found["key mode"]["detail"] == "proven: a test key"
    assert found["float"]["detail"] == "10000000.00 USD"
    assert snapshot(cardctl.home) == before
    assert [line.split("  ")[0] for line in cardctl("doctor").lines[1:]] == ALL


def snapshot(home: Path) -> dict[str, object]:
    """Every file but SQLite's own scratch and the logs of calls, with its content; of a database its rows."""
    files: dict[str, object] = {}
    for file in sorted(home.rglob("*")):
        if file.suffix == ".db":
            with closing(sqlite3.connect(file)) as db:
                files[str(file)] = [line for line in db.iterdump() if not line.startswith('INSERT INTO "calls"')]
        elif file.is_file() and not file.name.endswith(("-wal", "-shm", ".log")):
            files[str(file)] = file.read_bytes()
    return files


def test_files_that_others_can_read_are_named(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    (cardctl.home / "logs").chmod(0o755)
    found = looked(cardctl)
    assert outcomes(found, "warn") == ["permissions"]
    cardctl.books.chmod(0o644)
    found = looked(cardctl, code=3)
    assert outcomes(found, "fail") == ["permissions"]
    assert f"{cardctl.books} (0644)" in found["permissions"]["detail"]
    assert found["permissions"]["remedy"] == f"chmod go= {cardctl.books} {cardctl.home / 'logs'}"


def test_a_missing_secret_fails_with_its_remedy(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cardctl("profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe").code == 0
    found = looked(cardctl, "--profile", "acme", code=3)
    assert outcomes(found, "fail") == ["secret stripe.api_key", "secret db.encryption_key", "provider"]
    assert found["secret stripe.api_key"]["remedy"] == "cardctl secret set stripe.api_key --profile acme"
    assert "environment: absent" in found["secret stripe.api_key"]["detail"]
    monkeypatch.setenv("CARDCTL_STRIPE_API_KEY", "sk_" + "live_0123456789")
    found = looked(cardctl, "--profile", "acme", code=3)
    assert "live key" in found["provider"]["detail"], "refused before anything is sent"


def test_a_broken_audit_chain_fails(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    with closing(sqlite3.connect(cardctl.books)) as db:
        db.execute("UPDATE audit SET actor = 'nobody' WHERE seq = 5")
        db.commit()
    found = looked(cardctl, code=3)
    assert outcomes(found, "fail") == ["audit"]
    assert "entry 5 was changed" in found["audit"]["detail"]


def test_damaged_books_fail_and_the_rest_is_still_looked_at(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    for end in ("-wal", "-shm"):
        Path(f"{cardctl.books}{end}").unlink(missing_ok=True)
    cardctl.books.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    found = looked(cardctl, code=3)
    assert outcomes(found, "fail") == ["database"]
    assert "restore" in found["database"]["remedy"]
    assert found["float"]["outcome"] == "ok"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE schema_version SET n = 99", "schema 99"),
        ("UPDATE meta SET value = 'live' WHERE key = 'environment'", "environment live"),
    ],
)
def test_books_that_are_not_this_profiles_fail(cardctl: Cardctl, programme: dict[str, Any], change: str, said: str) -> None:
    with closing(sqlite3.connect(cardctl.books)) as db:
        db.execute(change)
        db.commit()
    found = looked(cardctl, code=3)
    assert outcomes(found, "fail") == ["database"]
    assert said in found["database"]["detail"]


def test_a_key_that_does_not_fit_fails(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    key = cardctl.home / "state" / "keys" / "dev.key"
    whole = key.read_bytes()
    key.unlink()
    found = looked(cardctl, code=3)
    assert outcomes(found, "fail") == ["encryption key"]
    assert not key.exists(), "looking makes no key"
    key.write_text("damaged")
    key.chmod(0o600)
    assert "secret db.encryption_key" in outcomes(looked(cardctl, code=3), "fail")
    key.write_bytes(whole)
    assert not outcomes(looked(cardctl), "fail")


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    served = Processes()
    yield served
    served.close()


def test_what_a_killed_process_left_is_seen_and_left(
    cardctl: Cardctl, programme: dict[str, Any], processes: Processes, far_side: Control
) -> None:
    card = programme["cards"][0]["id"]
    points = processes.run(cardctl.home, "card", "fund", card, "--amount", "1", "--currency", "USD", watch=True).points
    sent = points.index("POST before") + 1
    killed = processes.run(cardctl.home, "card", "fund", card, "--amount", "1", "--currency", "USD", kill=sent)
    assert killed.status == KILLED
    found = looked(cardctl)
    assert outcomes(found, "warn") == ["leases"]
    assert found["leases"]["remedy"] == "cardctl operation resume"
    assert outcomes(looked(cardctl), "warn") == ["leases"], "it was not settled by looking"
    assert cardctl("operation", "resume").code == 0
    assert not outcomes(looked(cardctl), "warn")
    far_side.fault("lost-reply", 20)
    assert cardctl("card", "fund", card, "--amount", "1", "--currency", "USD", "--timeout", "5").code == 9
    far_side.clear_faults()
    found = looked(cardctl)
    assert (outcomes(found, "warn"), found["journal"]["detail"][:10]) == (["journal"], "1 in doubt")


def test_an_empty_float_is_a_warning(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    far_side.edit("stripe", {"float.USD": "0"})
    assert outcomes(looked(cardctl), "warn") == ["float"]


def test_a_profile_that_cannot_be_used_is_the_finding(cardctl: Cardctl) -> None:
    found = looked(cardctl, "--profile", "nothere", code=3)
    assert (list(found), outcomes(found, "fail")) == (["profile"], ["profile"])
    config.places().config_dir.mkdir(parents=True, mode=0o700)
    config.places().config_file.write_text("profiles = 3")
    found = looked(cardctl, code=3)
    assert "profiles" in found["profile"]["detail"]


def test_a_provider_without_an_adapter_fails(
    cardctl: Cardctl, programme: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "NAMES", registry.NAMES[:-1])
    (absent,) = set(config.PROVIDERS) - set(registry.NAMES)
    found = looked(cardctl, "--provider", absent, code=3)
    assert "provider" in outcomes(found, "fail")


def test_events_that_failed_are_a_warning_with_the_way_out(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    body = tmp_path / "event.json"
    card = {"object": "issuing.card", "id": "ic_of_nobody"}
    event = {"object": "event", "id": "evt_x", "type": "issuing_card.updated", "created": 1, "data": {"object": card}}
    body.write_text(json.dumps(event))
    cardctl("webhook", "ingest", str(body), "--provider", "stripe", "--profile", "dev")
    check = looked(cardctl)["events"]
    assert (check["outcome"], check["remedy"]) == ("warn", "cardctl webhook replay --failed")
    assert "1 failed" in check["detail"]
