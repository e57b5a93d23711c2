"""The simulator's encryption key: made once, whoever comes first, private, and never by merely looking."""

from __future__ import annotations

import base64
import errno
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cardctl.domain.redaction import Secret
from cardctl.errors import BadInput, BooksReadOnly, BooksUnusable, DiskFull, NotFound, SecretProblem
from cardctl.secrets import Attempt, Present, Secrets, new_encryption_key
from cardctl.secrets.development import KeyFile

NAME = "db.encryption_key"


def simulated(file: Path) -> Secrets:
    return Secrets(
        profile="dev",
        environment="simulator",
        secret_command=["false", "{name}"],
        environ_lookup=lambda profile, name: None,
        credentials_directory=None,
        development_key_file=file,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "state" / "development.key"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_on_first_use_and_stays(file: Path) -> None:
    found = simulated(file).find(NAME)
    assert found is not None
    assert (found.source, found.detail) == ("development key", str(file))
    assert len(base64.b64decode(found.secret.reveal(), validate=True)) == 32
    assert simulated(file).get(NAME).reveal() == found.secret.reveal()
    assert (mode(file), mode(file.parent), mode(file.parent.parent)) == (0o600, 0o700, 0o700)
    assert os.listdir(file.parent) == ["development.key"], "nothing is left beside it"


def test_two_keys_are_never_the_same() -> None:
    assert new_encryption_key().reveal() != new_encryption_key().reveal()


def test_looking_makes_nothing(file: Path) -> None:
    secrets = simulated(file)
    assert secrets.explain(NAME) == [Attempt("development key", str(file), "made on first use")]
    assert NAME not in [each.name for each in secrets.list()]
    assert not file.parent.exists()
    secrets.get(NAME)
    assert secrets.explain(NAME)[0].outcome == "found"
    assert Present(NAME, "development key", str(file)) in secrets.list()


def test_processes_that_make_it_at_once_agree(file: Path) -> None:
    line = [sys.executable, str(Path(__file__).parent / "session.py"), "simulator", str(file), f"get:{NAME}"]
    environ = {**os.environ, "CARDCTL_HOME": str(file.parent.parent)}
    running = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environ) for _ in range(6)]
    keys = {json.loads(each.communicate(timeout=60)[0])[0] for each in running}
    assert keys == {file.read_text().strip()}
    assert os.listdir(file.parent) == ["development.key"]


def test_a_key_that_another_made_meanwhile_is_taken(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = new_encryption_key().reveal()
    link = os.link

    def beaten(source: str, target: Path) -> None:
        target.write_text(other)
        link(source, target)

    monkeypatch.setattr(os, "link", beaten)
    assert simulated(file).get(NAME).reveal() == other


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(b"short").decode(), "\u00e9"])
def test_a_damaged_file_is_said_and_left(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(text)
    with pytest.raises(SecretProblem, match="is damaged"):
        simulated(file).get(NAME)
    assert file.read_text() == text
    assert simulated(file).explain(NAME)[0].outcome.startswith("no: ")
    assert NAME not in [each.name for each in simulated(file).list()]


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, DiskFull), (errno.EROFS, BooksReadOnly)])
def test_a_disk_that_takes_nothing_is_said_and_no_half_key_stays(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[BooksUnusable]
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(kind, match=os.strerror(number)):
            simulated(file).get(NAME)
    assert os.listdir(file.parent) == []
    assert simulated(file).get(NAME).reveal() == file.read_text().strip()


def test_a_file_where_the_directory_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a directory")
    with pytest.raises(SecretProblem, match="Not a directory"):
        simulated(tmp_path / "state" / "development.key").get(NAME)


def test_it_can_be_rotated(file: Path) -> None:
    secrets, new = simulated(file), new_encryption_key()
    old = secrets.get(NAME)
    assert secrets.find(f"{NAME}_previous") is None
    assert secrets.explain(f"{NAME}_previous")[0].outcome == "absent"
    secrets.set(f"{NAME}_previous", old)
    secrets.set(NAME, new)
    assert secrets.get(NAME).reveal() == new.reveal()
    assert secrets.get(f"{NAME}_previous").reveal() == old.reveal()
    assert mode(file) == mode(file.with_name("development.key_previous")) == 0o600
    secrets.delete(f"{NAME}_previous")
    with pytest.raises(NotFound):
        secrets.delete(f"{NAME}_previous")
    assert os.listdir(file.parent) == ["development.key"]


def test_only_a_key_becomes_the_key(file: Path) -> None:
    with pytest.raises(BadInput, match="32 bytes"):
        simulated(file).set(NAME, Secret("hunter2"))
    assert not file.exists()


def test_a_key_that_was_kept_under_the_profiles_name_serves_on(tmp_path: Path) -> None:
    before = KeyFile(tmp_path / "mine.key").obtain()
    books = KeyFile(tmp_path / "shared-1a2b.key", tmp_path / "mine.key")
    assert books.obtain().reveal() == before.reveal()
    other = KeyFile(tmp_path / "shared-1a2b.key", tmp_path / "nobody.key")
    assert other.obtain().reveal() == before.reveal()
    alone = KeyFile(tmp_path / "other.key", tmp_path / "nobody.key")
    assert alone.obtain().reveal() != before.reveal()
