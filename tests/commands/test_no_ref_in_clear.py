"""Square's names of customers and cards are secrets at rest: after a whole life of saved cards no file has one in clear.

The far side's own file says which names there were; every other file below the home is searched for each of them.
"""

from __future__ import annotations

import json
import shutil
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from cardctl.simulator.control import Control
from tests.commands.buyers import BUYER, GOOD, doubtful, never_arrived, newest, save, secret_refs
from tests.commands.runner import Cardctl

SECOND = "second@example.com"
USD = ("--currency", "USD")


class Life:
    """Everything that the command line said in it is kept, since a terminal's scrollback and cron's mail are files too."""

    def __init__(self, cardctl: Cardctl, said: Path) -> None:
        self._cardctl = cardctl
        self._said = said.open("w")

    def __call__(self, *argv: str, code: int | None = 0, stdin: str = "") -> str:
        ran = self._cardctl(*argv, stdin=stdin)
        assert code is None or ran.code == code, ran
        self._said.write(f"$ {' '.join(argv)}\n{ran.stdout}{ran.stderr}")
        self._said.flush()
        return ran.stdout


@pytest.fixture
def life(cardctl: Cardctl) -> Iterator[Life]:
    cardctl.home.mkdir()
    made = Life(cardctl, cardctl.home / "said.txt")
    yield made
    made._said.close()


def leaks(home: Path, refs: set[str]) -> list[tuple[str, str, str]]:
    """Where a ref stands: the file, the ref, and in which shape."""
    shapes = {(ref, name): shape for ref in refs for name, shape in _shapes(ref).items()}
    found = []
    for file in sorted(home.rglob("*")):
        if file.is_file() and not file.name.startswith("simulator.db"):
            content = file.read_bytes()
            for (_, name), shape in shapes.items():
                if shape in content:
                    at = content.index(shape)
                    found.append((str(file.relative_to(home)), name, repr(content[max(0, at - 60) : at + 60])))
    return found


def _shapes(ref: str) -> dict[str, bytes]:
    """As text, in base64 wherever in a longer text it begins, in hex, turned round; a card's without its scheme."""
    bare = ref.removeprefix("ccof:").encode()
    shapes = {"text": bare, "hex": bare.hex().encode(), "HEX": bare.hex().upper().encode(), "reversed": bare[::-1]}
    for encode in (b64encode, urlsafe_b64encode):
        for offset in range(3):
            cut = encode(b"." * offset + bare)[4 if offset else 0 :]
            shapes[f"{encode.__name__} {offset}"] = cut[: len(cut) // 4 * 4 - 4]
    return shapes


def test_the_search_itself_finds_every_shape(tmp_path: Path) -> None:
    ref = "ccof:OBtsFkPYpOdllgId5tN7"
    for number, text in enumerate(
        (ref, ref[5:], ref.encode().hex(), *(b64encode(b"x" * lead + ref.encode() + b"tail").decode() for lead in range(3)))
    ):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "file").write_text(f"before {text} after")
        assert leaks(place, {ref}), text
        assert not leaks(place, {"ccof:another0000000000000"})


def test_no_name_of_a_buyer_or_card_is_anywhere_in_clear(cardctl: Cardctl, far_side: Control, life: Life) -> None:
    _everyday(cardctl, life)
    _refusals(cardctl, life)
    _doubts(cardctl, far_side, life)
    _notifications(cardctl, far_side, life)
    _checks(cardctl, life)
    refs = secret_refs(cardctl.simulator)
    assert len(refs) >= 6, refs
    assert sum(ref.startswith("ccof:") for ref in refs) >= 3
    stored = (cardctl.home / "state" / "simulator.db").read_bytes() + _companion(cardctl)
    assert all(ref.encode() in stored for ref in refs), "the far side does have them, in text"
    assert not leaks(cardctl.home, refs)


def _everyday(cardctl: Cardctl, life: Life) -> None:
    """The issue's own walk, each with an invoice twice."""
    life("saved-card", "add", "--person", BUYER, "--nonce", "-", "--debug", stdin=GOOD)
    for _ in range(2):
        life("saved-card", "preauth", BUYER, "--amount", "50", *USD, "--invoice", "A-1", "--debug")
    life("saved-card", "capture", BUYER, "--amount", "42.10", "--invoice", "A-1", "-v")
    life("saved-card", "refund", BUYER, "--amount", "10", "--invoice", "A-1", "--reason", "broken", "-v")
    life("saved-card", "charge", BUYER, "--amount", "7", *USD, "--invoice", "A-2", "--tip", "1")
    life("saved-card", "preauth", BUYER, "--amount", "9", *USD, "--invoice", "A-3")
    life("saved-card", "cancel", BUYER, "--invoice", "A-3", "--reason", "outbid")
    life("saved-card", "sync", BUYER, "--debug")
    life("saved-card", "charge", BUYER, "--amount", "7", *USD, "--invoice", "A-9", "--dry-run")
    life("saved-card", "preauth", BUYER, "--amount", "7", *USD, "--invoice", "A-9", "--dry-run", "-o", "json")


def _refusals(cardctl: Cardctl, life: Life) -> None:
    """Nos of Square's, whose details may name what they are about."""
    for nonce in ("cnon:card-nonce-declined", "cnon:card-nonce-already-used", "cnon:card-nonce-rejected-cvv", "cnon:none"):
        life("saved-card", "add", "--person", SECOND, "--nonce", "-", "--debug", "-o", "json", stdin=nonce, code=None)
    life("saved-card", "add", "--person", SECOND, "--nonce", "-", stdin=GOOD)
    life("saved-card", "charge", SECOND, "--amount", "1", *USD, "--invoice", "B-1")
    _taken_away(cardctl)
    for output in ("table", "json"):
        life(
            "saved-card",
            "charge",
            SECOND,
            "--amount",
            "2",
            *USD,
            "--invoice",
            f"B-{output}",
            "--debug",
            "-o",
            output,
            code=None,
        )
    life("saved-card", "sync", SECOND, "--debug", code=None)
    life("saved-card", "add", "--person", SECOND, "--nonce", "-", "--replace", "--debug", stdin=GOOD, code=None)
    life("saved-card", "disable", SECOND, "--yes", "--debug", code=None)
    life("saved-card", "charge", SECOND, "--amount", "2", *USD, "-o", "json", code=None)


def _taken_away(cardctl: Cardctl) -> None:
    """The seller's staff delete the second buyer's customer at Square."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(cardctl.simulator)) as db:
        found = db.execute("SELECT ref FROM square_customers ORDER BY seq DESC LIMIT 1").fetchone()[0]
    cardctl("simulator", "edit", found, "deleted=true", "-o", "json")


def _doubts(cardctl: Cardctl, far_side: Control, life: Life) -> None:
    charge = ("saved-card", "charge", BUYER, "--amount", "3", *USD)
    doubtful(cardctl, far_side, *charge, "--invoice", "C-1", "--debug")
    life("operation", "resume", "--debug")
    for number in (2, 3):
        waiting = (doubtful if number == 2 else never_arrived)(cardctl, far_side, *charge, "--invoice", f"C-{number}")
        life("operation", "show", waiting, "-o", "json")
        life("operation", "resolve", waiting, "--cancel", "--reason", "no more", "--debug")
    far_side.fault("lost-reply", times=20)
    life("saved-card", "add", "--person", "third@example.com", "--nonce", "-", "--debug", stdin=GOOD, code=9)
    far_side.clear_faults()
    life("operation", "show", newest(cardctl), code=None)
    for fault in ("wrong-type", "torn-body", "empty-body", "500"):
        far_side.fault(fault, times=3)
        life(*charge, "--invoice", f"C-{fault}", "--debug", code=None)
        far_side.clear_faults()
        life("operation", "resume", "--debug", "-o", "json", code=None)


def _notifications(cardctl: Cardctl, far_side: Control, life: Life) -> None:
    life("saved-card", "disable", "third@example.com", "--dry-run", code=None)
    life("simulator", "deliver", "--debug", code=None)
    events = json.loads(life("webhook", "list", "-o", "json"))["data"]
    assert events, "the far side told of all that"
    for event in events:
        life("webhook", "show", event["id"], "-o", "json")
    life("webhook", "list", "-o", "csv")
    life("webhook", "replay", "--since", "2020-01-01", "--debug", code=None)
    far_side.fault("forged", times=2)
    life("saved-card", "charge", BUYER, "--amount", "4", *USD, "--invoice", "D-1")
    life("simulator", "deliver", "--fault", "forged", "--debug", code=None)
    far_side.clear_faults()
    life("webhook", "list", "--state", "quarantined", "-o", "json")


def _checks(cardctl: Cardctl, life: Life) -> None:
    """Everything that writes files: reports, evidence, exports, copies, a rotation; and every list there is."""
    life("reconcile", "--provider", "square", "--report", "--debug", code=None)
    life("reconcile", "--provider", "square", "--report", "--fix", "--yes", code=None)
    life("break", "list", "--all", "-o", "json")
    life("run", "list", "-o", "json")
    for output in ("table", "json", "csv"):
        life("saved-card", "list", "-o", output)
        life("operation", "list", "-o", output)
        life("audit", "list", "-o", output)
    life("saved-card", "show", BUYER, "-o", "json")
    life("audit", "export", str(cardctl.home / "audit.jsonl"))
    life("alert", "check", code=None)
    life("doctor", code=None)
    life("db", "backup", str(cardctl.home / "copy.db"))
    life("secret", "rotate-key", "--debug")
    life("db", "backup", str(cardctl.home / "copy2.db"))
    life("saved-card", "charge", BUYER, "--amount", "1", *USD, "--invoice", "E-1")
    life("audit", "verify")


def _companion(cardctl: Cardctl) -> bytes:
    log = cardctl.home / "state" / "simulator.db-wal"
    return log.read_bytes() if log.exists() else b""


def test_a_backup_that_is_put_back_still_knows_the_card(cardctl: Cardctl, tmp_path: Path) -> None:
    card = save(cardctl)
    assert cardctl("db", "backup", str(tmp_path / "copy.db")).code == 0
    shutil.rmtree(cardctl.home / "state" / "books")
    assert cardctl("db", "restore", str(tmp_path / "copy.db"), "--yes").code == 0
    assert cardctl("saved-card", "charge", card, "--amount", "1", *USD, "--invoice", "X-1").code == 0
