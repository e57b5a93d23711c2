"""A secret that a provider has renewed: kept in the keyring for later runs, or said to be kept for this run only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest

from cardctl.domain.redaction import Secret
from cardctl.runtime.adapters import keeper
from cardctl.secrets import Secrets
from tests.secrets.backends import Kept, Locked

NAME, ENTRY = "square.access_token", ("cardctl", "acme.square.access_token")


@pytest.fixture
def warned() -> list[tuple[str, str]]:
    return []


@pytest.fixture(autouse=True)
def _keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]  # keyring's own class has no types there
    yield
    Kept.entries.clear()
    keyring.set_keyring(before)


def secrets(tmp_path: Path, environ: dict[str, str] | None = None, environment: str = "sandbox") -> Secrets:
    told = environ or {}
    return Secrets(
        profile="acme",
        environment=environment,
        secret_command=None,
        environ_lookup=lambda _profile, name: (told[name], "CARDCTL_X") if name in told else None,
        credentials_directory=None,
        development_key_file=tmp_path / "development.key",
    )


def renew(chain: Secrets, warned: list[tuple[str, str]]) -> None:
    keeper(chain, lambda code, text: warned.append((code, text)))(NAME, Secret("EAAAnew"))


def test_it_is_there_in_the_next_run(tmp_path: Path, warned: list[tuple[str, str]]) -> None:
    Kept.entries[ENTRY] = "EAAAold"
    renew(secrets(tmp_path), warned)
    assert warned == []
    assert secrets(tmp_path).get(NAME).reveal() == "EAAAnew"


def test_the_same_run_is_given_it_too(tmp_path: Path, warned: list[tuple[str, str]]) -> None:
    Kept.entries[ENTRY] = "EAAAold"
    chain = secrets(tmp_path)
    assert chain.get(NAME).reveal() == "EAAAold"
    renew(chain, warned)
    assert chain.get(NAME).reveal() == "EAAAnew"


def test_where_another_source_answers_first_it_is_said(tmp_path: Path, warned: list[tuple[str, str]]) -> None:
    renew(secrets(tmp_path, {NAME: "EAAAold"}), warned)
    ((code, text),) = warned
    assert code == "RENEWED_NOT_USED"
    assert "environment (CARDCTL_X)" in text
    assert "EAAA" not in text
    assert Kept.entries[ENTRY] == "EAAAnew"


def test_without_a_keyring_it_lasts_for_this_run(tmp_path: Path, warned: list[tuple[str, str]]) -> None:
    keyring.set_keyring(Locked())  # type: ignore[no-untyped-call]
    renew(secrets(tmp_path), warned)
    ((code, text),) = warned
    assert code == "RENEWED_NOT_KEPT"
    assert "this run only" in text
    assert "EAAA" not in text


def test_in_the_simulator_nothing_is_stored(tmp_path: Path, warned: list[tuple[str, str]]) -> None:
    renew(secrets(tmp_path, environment="simulator"), warned)
    assert [code for code, _ in warned] == ["RENEWED_NOT_KEPT"]
    assert Kept.entries == {}
