"""The keyring: a real one, none, a locked one, and backends that hang, forget or tell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
KEY = "sk_test_51NvKeyring"
BOUND = 60  # seconds; far above anything but a process that never ends


def session(home: Path, *wishes: str, backend: str | None = None, before: list[str] | None = None, **environ: str) -> Any:
    """What a process of its own answers to the wishes; it must say nothing on stderr."""
    line = [*(before or []), sys.executable, str(HERE / "session.py"), "sandbox", "-", *wishes]
    done = subprocess.run(
        line, check=False, capture_output=True, text=True, timeout=BOUND, env=environment(home, backend, **environ)
    )
    assert done.returncode == 0, done.stderr
    assert [each for each in done.stderr.splitlines() if "dbus-daemon" not in each] == []
    return json.loads(done.stdout)


def environment(home: Path, backend: str | None, **more: str) -> dict[str, str]:
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("CARDCTL_", "DBUS_", "XDG_", "PYTHON_KEYRING"))
    }
    kept.pop("CREDENTIALS_DIRECTORY", None)
    if backend:
        kept |= {"PYTHON_KEYRING_BACKEND": f"backends.{backend}", "PYTHONPATH": str(HERE)}
    return {**kept, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "CARDCTL_HOME": str(home / "cardctl"), **more}


def test_a_keyring_that_keeps_is_set_asked_listed_and_emptied(tmp_path: Path) -> None:
    answers = session(
        tmp_path, f"set:stripe.api_key:{KEY}", "get:stripe.api_key", "list", "delete:stripe.api_key", "list", backend="Kept"
    )
    assert answers == [None, KEY, [["stripe.api_key", "keyring"]], None, []]


def test_a_keyring_that_hangs_is_a_no_and_the_process_ends(tmp_path: Path) -> None:
    got, checked, again = session(tmp_path, "get:stripe.api_key", "check:stripe.api_key", "get:db.url", backend="Hanging")
    assert got["code"] == "SECRET_MISSING"
    assert got["exit"] == 4
    assert checked[-1] == ["keyring", "no: timed out after 1 s"]
    assert "timed out" in again["message"]


def test_after_a_set_that_was_cut_off_nobody_claims_to_know(tmp_path: Path) -> None:
    stored, later = session(tmp_path, f"set:stripe.api_key:{KEY}", f"set:smtp.password:{KEY}", backend="Hanging")
    assert stored["exit"] == 4
    assert "whether stripe.api_key was stored is unknown" in stored["message"]
    assert later["message"] == "smtp.password was not stored: timed out after 1 s", "never begun, so that this one is sure"
    (deleted,) = session(tmp_path, "delete:stripe.api_key", backend="Hanging")
    assert "whether stripe.api_key was deleted is unknown" in deleted["message"]


def test_the_environment_is_asked_before_a_keyring_that_hangs(tmp_path: Path) -> None:
    answers = session(tmp_path, "get:stripe.api_key", "check:stripe.api_key", backend="Hanging", CARDCTL_STRIPE_API_KEY=KEY)
    assert answers[0] == KEY
    assert answers[1][-2:] == [["environment", "found"], ["keyring", "not asked"]]


def test_a_keyring_that_forgets_is_found_out(tmp_path: Path) -> None:
    (stored,) = session(tmp_path, f"set:stripe.api_key:{KEY}", backend="Forgetful")
    assert stored["message"] == "the keyring took stripe.api_key and did not keep it"


def test_what_a_backend_says_about_a_secret_goes_nowhere(tmp_path: Path) -> None:
    stored, got = session(tmp_path, f"set:smtp.password:{KEY}", "get:smtp.password", backend="Telltale")
    assert stored["message"] == "smtp.password was not stored: the keyring failed with PasswordSetError"
    assert KEY not in json.dumps([stored, got])


def test_a_locked_backend_is_a_no(tmp_path: Path) -> None:
    (checked,) = session(tmp_path, "check:stripe.api_key", backend="Locked")
    assert checked[-1] == ["keyring", "no: the keyring is locked"]


def test_without_a_bus_there_is_no_keyring(tmp_path: Path) -> None:
    got, checked, stored, deleted = session(
        tmp_path, "get:stripe.api_key", "check:stripe.api_key", f"set:stripe.api_key:{KEY}", "delete:stripe.api_key"
    )
    assert got["exit"] == 4
    assert checked[-1] == ["keyring", "no: no keyring here"]
    assert stored["message"] == "stripe.api_key was not stored: no keyring here"
    assert "CARDCTL_ACME__STRIPE_API_KEY" in stored["hint"]
    assert deleted["message"] == "stripe.api_key was not deleted: no keyring here"


def test_a_bus_address_that_nobody_listens_at_is_no_keyring(tmp_path: Path) -> None:
    address = f"unix:path={tmp_path}/nobody"
    (checked,) = session(tmp_path, "check:stripe.api_key", DBUS_SESSION_BUS_ADDRESS=address)
    assert checked[-1] == ["keyring", "no: no keyring here"]


@pytest.fixture
def secret_service() -> list[str]:
    """What to put before a command, so that it runs beside a Secret Service of its own, unlocked."""
    for program in ("dbus-run-session", "gnome-keyring-daemon"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    unlocked = 'printf word | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1 && exec "$@"'
    return ["dbus-run-session", "--", "sh", "-c", unlocked, "sh"]


def test_a_real_secret_service_keeps_secrets_between_processes(tmp_path: Path, secret_service: list[str]) -> None:
    tmp_path.chmod(0o700)
    wishes = [
        "check:stripe.api_key",
        f"set:stripe.api_key:{KEY}",
        "set:stripe.api_key_previous:sk_test_before",
        "get:stripe.api_key",
    ]
    checked, *stored, got = session(tmp_path, *wishes, before=secret_service)
    assert checked[-1] == ["keyring", "absent"]
    assert stored == [None, None]
    assert got == KEY
    got, listed, deleted, gone, previous, twice = session(
        tmp_path,
        "get:stripe.api_key",
        "list",
        "delete:stripe.api_key",
        "get:stripe.api_key",
        "get:stripe.api_key_previous",
        "delete:stripe.api_key",
        before=secret_service,
    )
    assert got == KEY
    assert listed == [["stripe.api_key", "keyring"], ["stripe.api_key_previous", "keyring"]]
    assert deleted is None
    assert gone["code"] == "SECRET_MISSING"
    assert previous == "sk_test_before"
    assert twice["code"] == "SECRET_NOT_FOUND"


def test_a_locked_secret_service_prompts_nobody(tmp_path: Path, secret_service: list[str]) -> None:
    tmp_path.chmod(0o700)
    wishes = [f"set:stripe.api_key:{KEY}", "lock", "check:stripe.api_key", "get:stripe.api_key", f"set:smtp.password:{KEY}"]
    _, _, checked, got, stored = session(tmp_path, *wishes, before=secret_service)
    assert checked[-1] == ["keyring", "no: the keyring is locked"]
    assert "the keyring is locked" in got["message"]
    assert stored["message"] == "smtp.password was not stored: the keyring is locked"
