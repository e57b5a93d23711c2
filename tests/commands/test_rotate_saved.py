"""`secret rotate-key` over saved cards and payments: killed at any instant, the card still pays and is found by its hash."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.buyers import BUYER, GOOD, save
from tests.commands.runner import Cardctl
from tests.machine.processes import KILLED, Processes

USD = ("--currency", "USD")
SEALED = [
    ("saved_cards", "ref"),
    ("saved_cards", "customer_ref"),
    ("saved_cards", "raw"),
    ("payments", "raw"),
    ("refunds", "raw"),
    ("operations", "draft"),
    ("operations", "arguments"),
]


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    served = Processes()
    yield served
    served.close()


@pytest.fixture
def paid(cardctl: Cardctl) -> str:
    """The id of a saved card that has paid, and had some of it back."""
    card = save(cardctl)
    assert cardctl("saved-card", "charge", card, "--amount", "5", *USD, "--invoice", "A-1").code == 0
    assert cardctl("saved-card", "refund", card, "--amount", "1", "--invoice", "A-1").code == 0
    return card


def key_ids(books: Path) -> set[str]:
    """By which keys anything of saved cards is sealed."""
    with closing(sqlite3.connect(books)) as db:
        texts = [text for table, column in SEALED for (text,) in db.execute(f"SELECT {column} FROM {table}")]
    assert sum(text is not None for text in texts) >= 8
    return {text.split(".")[1] for text in texts if text}


def digests(books: Path) -> set[str]:
    with closing(sqlite3.connect(books)) as db:
        return {text for row in db.execute("SELECT ref_digest, customer_digest FROM saved_cards") for text in row}


def test_every_sealed_text_and_every_hash_is_the_new_keys(cardctl: Cardctl, paid: str) -> None:
    old, hashes = key_ids(cardctl.books), digests(cardctl.books)
    assert cardctl("secret", "rotate-key").code == 0
    new = key_ids(cardctl.books)
    assert len(old) == len(new) == 1
    assert not old & new
    assert not hashes & digests(cardctl.books)
    with closing(sqlite3.connect(cardctl.simulator)) as db:
        (ref,) = db.execute("SELECT ref FROM square_cards").fetchone()
    assert cardctl("saved-card", "show", ref, "-o", "json").data["id"] == paid, "found by its hash"
    assert cardctl("saved-card", "charge", paid, "--amount", "2", *USD).code == 0
    assert cardctl("audit", "verify").code == 0


def test_killed_at_any_instant_the_card_pays_and_the_rotation_is_ended(
    cardctl: Cardctl, paid: str, processes: Processes, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(cardctl.home, whole)
    points = processes.run(cardctl.home, "secret", "rotate-key", watch=True).points
    assert points.count("books after") == 1, "all is sealed anew at once"
    for number, point in enumerate(points, 1):
        home = tmp_path / f"killed{number}"
        shutil.copytree(whole, home)
        assert processes.run(home, "secret", "rotate-key", kill=number).status == KILLED, point
        books = home / "state" / "books" / "dev.db"
        assert len(key_ids(books)) == 1, f"{point}: all of one key, at every instant"
        processes.do(home, "saved-card", "charge", BUYER, "--amount", "2", *USD, "--invoice", "A-2", "-o", "json")
        processes.do(home, "saved-card", "sync", BUYER)
        processes.do(home, "saved-card", "add", "--person", "second@example.com", "--nonce", "-", stdin=GOOD)
        processes.do(home, "secret", "rotate-key", "-o", "json")
        assert len(key_ids(books)) == 1, point
        processes.do(home, "saved-card", "refund", BUYER, "--invoice", "A-2")
        processes.do(home, "audit", "verify")
        assert [file.name for file in (home / "state" / "keys").iterdir() if file.suffix != ".lock"] == ["dev.key"], point
