"""Ids for completion: right, light, silent, and without a trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cardctl.db import glance
from cardctl.domain.states import CardState
from tests.db.builders import account, card, later, operation
from tests.db.conftest import Opener


@pytest.fixture
def path(tmp_path: Path, opened: Opener) -> Path:
    file = tmp_path / "my books.db"
    books = opened(file)
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
        unit.cards.add(card("card_aaaaaaa1"), raw={})
        unit.cards.add(
            card("card_aaaaaaa2", created_at=later(5), holder="Zoë\x1b[31m", state=CardState.FROZEN, last4="1881"), raw={}
        )
        unit.cards.add(card("card_bbbbbbb1", created_at=later(9)), raw={})
        unit.operations.add(operation())
    return file


def test_ids(path: Path) -> None:
    everything = [
        ("card_bbbbbbb1", "4242 active, Ada Lovelace"),
        ("card_aaaaaaa2", "1881 frozen, Zoë\\x1b[31m"),
        ("card_aaaaaaa1", "4242 active, Ada Lovelace"),
    ]
    assert glance.card_ids(path) == everything
    assert glance.card_ids(path, "card_a") == everything[1:]
    assert glance.card_ids(str(path), "card_aaaaaaa1", 1) == everything[2:]
    assert glance.card_ids(path, limit=1) == everything[:1]
    assert glance.account_ids(path, "acct_") == [("acct_00000001", "Ada Lovelace, active")]
    assert glance.operation_ids(path) == [("op_00000001", "card.fund intended")]


def test_closed_books_are_read_without_a_trace(tmp_path: Path, opened: Opener) -> None:
    books = opened(tmp_path / "books.db")
    with books.write() as unit:
        unit.accounts.add(account(), raw={})
    books.close()
    before = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert list(before) == ["books.db"]
    assert len(glance.account_ids(tmp_path / "books.db")) == 1
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


@pytest.mark.parametrize("prefix", ["%", "_", "'; --", "\udcff", "\0"])
def test_odd_prefixes_find_nothing(path: Path, prefix: str) -> None:
    assert glance.card_ids(path, prefix) == []


def test_what_cannot_be_read_is_silence(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database" * 1000)
    (tmp_path / "empty.db").touch()
    before = sorted(file.name for file in tmp_path.iterdir())
    for name in ("text.db", "empty.db", "none.db", "none/none.db", ".", "\0"):
        assert glance.card_ids(tmp_path / name) == []
    assert sorted(file.name for file in tmp_path.iterdir()) == before


def test_it_is_light() -> None:
    code = "import sys, cardctl.db.glance; print([m for m in sys.modules if m.split('.')[0] in ('sqlalchemy', 'sqlmodel')])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
