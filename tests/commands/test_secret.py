"""`cardctl secret …`: where secrets come from and go to, and a rotation that survives a kill at any instant."""

from __future__ import annotations

import os
import pty
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import keyring
import pytest
from filelock import FileLock

from cardctl import config, runtime
from cardctl.output.console import Output
from tests.commands.runner import Cardctl
from tests.machine.processes import KILLED, Processes
from tests.secrets.backends import Kept

KEY = "db.encryption_key"
OLD, NEW = "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE=", "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXcgbmV3IG5ldyE="


@pytest.fixture
def ring() -> Iterator[dict[tuple[str, str], str]]:
    """A keyring that works; its entries."""
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]  # keyring's own class has no types there
    Kept.entries.clear()
    yield Kept.entries
    Kept.entries.clear()
    keyring.set_keyring(before)


@pytest.fixture
def acme(cardctl: Cardctl) -> Cardctl:
    """With the sandbox profile `acme` besides."""
    assert cardctl("profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe").code == 0
    return cardctl


def key_file(cardctl: Cardctl) -> Path:
    return cardctl.home / "state" / "keys" / "dev.key"


def key_ids(books: Path) -> set[str]:
    """By which keys anything in the books is sealed."""
    columns = [("accounts", "raw"), ("cards", "raw"), ("cards", "provisioning_token"), ("operations", "arguments")]
    with closing(sqlite3.connect(books)) as db:
        texts = [row[0] for table, column in columns for row in db.execute(f"SELECT {column} FROM {table}")]
        texts += [row[0] for row in db.execute("SELECT value FROM meta WHERE key = 'encryption_check'")]
    return {text.split(".")[1] for text in texts if text}


# --- set, list, delete


def test_a_secret_goes_from_stdin_to_the_keyring(acme: Cardctl, ring: dict[tuple[str, str], str]) -> None:
    ran = acme("secret", "set", "stripe.webhook_secret", "--profile", "acme", "-o", "json", stdin="hunter2 hunter2\n")
    assert ran.code == 0
    entry = "cardctl acme.stripe.webhook_secret"
    assert ran.data == {"secret": {"name": "stripe.webhook_secret", "source": "keyring", "detail": entry}}
    assert ring == {("cardctl", "acme.stripe.webhook_secret"): "hunter2 hunter2"}
    assert "hunter2" not in ran.stdout + ran.stderr
    listed = acme("secret", "list", "--profile", "acme", "-o", "json")
    assert listed.data == [{"name": "stripe.webhook_secret", "source": "keyring", "detail": entry}]
    assert "hunter2" not in acme("secret", "check", "--profile", "acme", "-o", "json").stdout


def test_the_value_has_no_place_on_the_command_line(acme: Cardctl, ring: dict[tuple[str, str], str]) -> None:
    ran = acme("secret", "set", "stripe.webhook_secret", "hunter2", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error, ring) == (2, "USAGE", {})


@pytest.mark.parametrize("text", ["", "\n", "two\nlines\n", "a\tb\n", "x" * 70_000])
def test_what_is_no_secret_is_refused(acme: Cardctl, ring: dict[tuple[str, str], str], text: str) -> None:
    ran = acme("secret", "set", "stripe.webhook_secret", "--profile", "acme", "-o", "json", stdin=text)
    assert (ran.code, ran.error, ring) == (2, "INVALID_INPUT", {})


def test_an_unknown_name_is_refused_before_anything_is_asked(acme: Cardctl, ring: dict[tuple[str, str], str]) -> None:
    for verb in ("set", "delete", "check"):
        ran = acme("secret", verb, "stripe.api_kye", "--profile", "acme", "-o", "json", stdin="x")
        assert (ran.code, ran.error) == (2, "INVALID_INPUT")
        assert "did you mean stripe.api_key?" in ran.json["message"]
    assert ring == {}


def test_a_secret_that_another_source_hides_is_said(
    acme: Cardctl, ring: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDCTL_ACME__STRIPE_WEBHOOK_SECRET", "from outside")
    ran = acme("secret", "set", "stripe.webhook_secret", "--profile", "acme", "-o", "json", stdin="stored")
    assert (ran.code, ran.warnings, ran.data["secret"]["source"]) == (0, ["SHADOWED"], "environment")
    assert ring["cardctl", "acme.stripe.webhook_secret"] == "stored"


def test_without_a_keyring_it_says_how_else(acme: Cardctl) -> None:
    ran = acme("secret", "set", "stripe.webhook_secret", "--profile", "acme", "-o", "json", stdin="x y z")
    assert (ran.code, ran.error) == (4, "SECRET_UNUSABLE")
    for way in ("CREDENTIALS_DIRECTORY", "secret_command", "CARDCTL_ACME__STRIPE_WEBHOOK_SECRET", "keyring"):
        assert way in ran.json["hint"]


def test_the_simulator_asks_for_no_api_key(cardctl: Cardctl, ring: dict[tuple[str, str], str]) -> None:
    ran = cardctl("secret", "set", "stripe.api_key", "-o", "json", stdin="something")
    assert (ran.code, ran.error, ring) == (6, "REFUSED", {})


def test_deleting_wants_consent(acme: Cardctl, ring: dict[tuple[str, str], str]) -> None:
    ring["cardctl", "acme.stripe.webhook_secret"] = "kept"
    ran = acme("secret", "delete", "stripe.webhook_secret", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error) == (6, "CONSENT_MISSING")
    assert ring
    ran = acme("secret", "delete", "stripe.webhook_secret", "--profile", "acme", "--yes", "-o", "json")
    assert (ran.code, ran.data, ring) == (0, {"deleted": "stripe.webhook_secret"}, {})
    again = acme("secret", "delete", "stripe.webhook_secret", "--profile", "acme", "--yes", "-o", "json")
    assert (again.code, again.error) == (5, "SECRET_NOT_FOUND")


def test_a_key_is_not_replaced_by_accident(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    before = key_file(cardctl).read_bytes()
    ran = cardctl("secret", "set", KEY, "-o", "json", stdin=NEW)
    assert (ran.code, ran.error) == (6, "CONSENT_MISSING")
    assert "rotate-key" in ran.json["message"]
    assert key_file(cardctl).read_bytes() == before


def test_typed_without_echo(acme: Cardctl) -> None:
    """At a terminal there is a prompt, and nothing of what is typed comes back."""
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "cardctl", "secret", "set", "stripe.webhook_secret", "--profile", "acme"]
    with subprocess.Popen(
        argv, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=acme.environ(), start_new_session=True
    ) as process:
        os.close(theirs)
        seen = until(ours, b"stripe.webhook_secret of acme: ")
        os.write(ours, b"whisper whisper\n")
        seen += until(ours, None)
        os.close(ours)
        assert process.wait(60) == 4, "this process has no keyring to put it into"
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert b"whisper" not in seen
    assert b"was not stored" in seen


def until(terminal: int, wanted: bytes | None) -> bytes:
    """What the terminal shows up to `wanted`, or to its end."""
    seen = b""
    while wanted is None or wanted not in seen:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so where the process has ended
            part = b""
        if not part:
            break
        seen += part
    return seen


# --- check


def test_check_says_who_answered_and_why(acme: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_STRIPE_API_KEY", "sk_" + "test_0123456789")
    ran = acme("secret", "check", "--profile", "acme", "-o", "json")
    assert ran.code == 4, "the encryption key is nowhere"
    found = {each["name"]: each for each in ran.data}
    assert list(found) == [
        "stripe.api_key",
        KEY,
        "stripe.webhook_secret",
        "stripe.authorization_secret",
        f"{KEY}_previous",
    ]
    assert [name for name, each in found.items() if each["needed"]] == ["stripe.api_key", KEY]
    api_key = found["stripe.api_key"]
    assert (api_key["found"], api_key["source"], api_key["detail"]) == (True, "environment", "CARDCTL_STRIPE_API_KEY")
    assert [(each["source"], each["outcome"]) for each in api_key["attempts"]] == [
        ("credentials directory", "absent"),
        ("secret_command", "absent"),
        ("environment", "found"),
        ("keyring", "not asked"),
    ]
    assert "0123456789" not in ran.stdout + ran.stderr
    assert (found[KEY]["found"], found[KEY]["source"]) == (False, None)
    monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", OLD)
    assert acme("secret", "check", "--profile", "acme").code == 0


def test_check_of_one_name_wants_that_one(acme: Cardctl, ring: dict[tuple[str, str], str]) -> None:
    assert acme("secret", "check", "smtp.password", "--profile", "acme").code == 4
    ring["cardctl", "acme.smtp.password"] = "there"
    ran = acme("secret", "check", "smtp.password", "--profile", "acme", "-o", "json")
    assert (ran.code, [each["name"] for each in ran.data]) == (0, ["smtp.password"])


def test_check_makes_nothing(cardctl: Cardctl) -> None:
    ran = cardctl("secret", "check", "-o", "json")
    assert ran.code == 0
    outcome = next(each for each in ran.data if each["name"] == KEY)["attempts"][0]["outcome"]
    assert outcome == "made on first use"
    assert not cardctl.home.exists()


# --- rotate-key


def test_everything_is_sealed_anew(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    before, old = key_file(cardctl).read_bytes(), key_ids(cardctl.books)
    ran = cardctl("secret", "rotate-key", "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["OLD_COPIES"])
    assert ran.data == {"rows": 12, "finished_earlier": False, "previous_left": None}
    assert len(new := key_ids(cardctl.books)) == 1
    assert not new & old
    assert key_file(cardctl).read_bytes() != before
    assert stat.S_IMODE(key_file(cardctl).stat().st_mode) == 0o600
    assert [file.name for file in key_file(cardctl).parent.iterdir()] == ["dev.key"]
    assert cardctl("card", "freeze", programme["cards"][0]["id"]).code == 0
    assert cardctl("provision", "--dev", "-o", "json").data["created"] == 0
    entry = next(each for each in cardctl("audit", "list", "-o", "json").data if each["action"] == "secret.rotate")
    assert (entry["actor"], entry["object"], entry["after"]) == ("tester", KEY, {"rows": 12})
    assert cardctl("audit", "verify").code == 0


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    served = Processes()
    yield served
    served.close()


def test_a_kill_at_any_instant_leaves_books_that_can_be_read(
    cardctl: Cardctl, programme: dict[str, Any], processes: Processes, tmp_path: Path
) -> None:
    card, whole = programme["cards"][0]["id"], tmp_path / "whole"
    shutil.copytree(cardctl.home, whole)
    points = processes.run(cardctl.home, "secret", "rotate-key", watch=True).points
    assert points.count("file after") == 2, "the previous key, then the current one"
    assert points.count("books after") == 1, "all is sealed anew at once"
    for number, point in enumerate(points, 1):
        home = tmp_path / f"killed{number}"
        shutil.copytree(whole, home)
        assert processes.run(home, "secret", "rotate-key", kill=number).status == KILLED, point
        assert processes.do(home, "card", "show", card, "--fresh", "-o", "json").data["balance"]["minor"] == 100_000_000, point
        assert processes.do(home, "card", "freeze", card, "-o", "json").data["card"]["state"] == "frozen", point
        processes.do(home, "secret", "rotate-key", "-o", "json")
        assert [file.name for file in (home / "state" / "keys").iterdir() if file.suffix != ".lock"] == ["dev.key"], point
        assert len(key_ids(home / "state" / "books" / "dev.db")) == 1, point
        processes.do(home, "card", "unfreeze", card)
        processes.do(home, "audit", "verify")


def test_a_rotation_that_was_cut_off_is_ended_first(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    """Both keys are there, and nothing is sealed anew yet: no third key may take the place of the one that opens the books."""
    old = key_file(cardctl).read_bytes()
    key_file(cardctl).with_name("dev.key_previous").write_bytes(old)
    key_file(cardctl).write_text(NEW)
    ran = cardctl("secret", "rotate-key", "-o", "json")
    assert (ran.code, ran.data["finished_earlier"], ran.data["rows"]) == (0, True, 12)
    assert key_file(cardctl).read_text() == NEW
    assert cardctl("secret", "rotate-key", "-o", "json").data["finished_earlier"] is False
    assert key_file(cardctl).read_text() != NEW
    assert cardctl("card", "freeze", programme["cards"][0]["id"]).code == 0


def test_another_simulator_profile_keeps_its_own_key(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    assert cardctl("profile", "create", "other", "--environment", "simulator", "--provider", "stripe").code == 0
    made = cardctl("account", "create", "--name", "Ada", "--email", "ada@example.com", "--profile", "other", "-o", "json")
    assert made.code == 0, made
    assert cardctl("secret", "rotate-key").code == 0
    account = made.data["account"]["id"]
    assert cardctl("account", "suspend", account, "--profile", "other").code == 0


def test_a_key_that_does_not_fit_is_not_rotated(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    key_file(cardctl).write_text(NEW)
    ran = cardctl("secret", "rotate-key", "-o", "json")
    assert (ran.code, ran.error) == (4, "WRONG_ENCRYPTION_KEY")
    assert key_file(cardctl).read_text() == NEW
    assert not key_file(cardctl).with_name("dev.key_previous").exists()


def test_a_key_in_the_keyring_is_rotated_there(acme: Cardctl, ring: dict[tuple[str, str], str]) -> None:
    ring["cardctl", f"acme.{KEY}"] = OLD
    ran = acme("secret", "rotate-key", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.data["finished_earlier"]) == (0, False)
    assert list(ring) == [("cardctl", f"acme.{KEY}")]
    assert ring["cardctl", f"acme.{KEY}"] != OLD


def test_a_key_from_elsewhere_is_rotated_by_who_has_it(acme: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    books = acme.home / "state" / "books" / "acme.db"
    monkeypatch.setenv("CARDCTL_ACME__DB_ENCRYPTION_KEY", OLD)
    ran = acme("secret", "rotate-key", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert f"{KEY}_previous" in ran.json["hint"]
    seal(acme)
    old = key_ids(books)
    monkeypatch.setenv("CARDCTL_ACME__DB_ENCRYPTION_KEY", NEW)
    monkeypatch.setenv("CARDCTL_ACME__DB_ENCRYPTION_KEY_PREVIOUS", OLD)
    ran = acme("secret", "rotate-key", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.warnings) == (0, ["PREVIOUS_LEFT", "OLD_COPIES"])
    assert ran.data["previous_left"] == "environment"
    assert len(key_ids(books)) == 1
    assert not key_ids(books) & old
    monkeypatch.delenv("CARDCTL_ACME__DB_ENCRYPTION_KEY_PREVIOUS")
    seal(acme)


def seal(acme: Cardctl) -> None:
    """Let the books hold something sealed, as the first write to the provider would: the check value of their key."""
    settings = config.load(profile="acme")
    run = runtime.Run(settings, runtime.console_for(Output.JSON), 1.0)
    with run.books.write() as unit:
        assert unit.box.ring
    run.close()


def test_a_second_rotation_waits_for_nobody(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    before = key_file(cardctl).read_bytes()
    with FileLock(cardctl.home / "state" / "leases" / "dev.rotate-key.job"):
        ran = cardctl("secret", "rotate-key", "-o", "json")
    assert (ran.code, ran.error) == (11, "BUSY")
    assert key_file(cardctl).read_bytes() == before
