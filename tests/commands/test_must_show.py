"""The main job as a newcomer does it: real processes, one after the other, with the exit codes and the money asserted."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.audit import GENESIS, chain_hash
from tests.commands.runner import Cardctl, Ran

BIN = Path(sys.executable).parent
MILLION = 100_000_000


def far_allowance(cardctl: Cardctl, ref: str) -> int:
    """In minor units, from the far side's own file."""
    with closing(sqlite3.connect(cardctl.simulator)) as database:
        (text,) = database.execute("SELECT spending_controls FROM cards WHERE ref = ?", (ref,)).fetchone()
    return next(int(limit["amount"]) for limit in json.loads(text)["spending_limits"] if limit["interval"] == "all_time")


def test_the_main_job(cardctl: Cardctl) -> None:
    run = cardctl.process
    made = run("provision", "--dev", "-o", "json")
    assert made.code == 0
    assert [account["balance"]["minor"] for account in made.data["accounts"]] == [MILLION] * 3
    assert [(card["state"], card["balance"]["minor"]) for card in made.data["cards"]] == [("active", MILLION)] * 3
    again = run("provision", "--dev", "-o", "json").data
    assert (again["created"], again["changed"]) == (0, 0)
    card, ref = made.data["cards"][0]["id"], made.data["cards"][0]["ref"]
    fund = ["card", "fund", card, "--amount", "10", "--currency", "USD"]

    assert run("card", "freeze", card).code == 0
    assert run(*fund).code == 6
    assert far_allowance(cardctl, ref) == MILLION

    assert run("card", "unfreeze", card).code == 0
    assert run("card", "close", card).code == 6
    assert run("card", "show", card, "-o", "json").data["state"] == "active"

    assert run("simulator", "fault", "--next", "lost-reply").code == 0
    assert run(*fund).code == 0
    assert far_allowance(cardctl, ref) == MILLION + 1000, "exactly once"

    assert run("simulator", "fault", "--next", "lost-reply", "--times", "20").code == 0
    doubtful = run(*fund, "-o", "json")
    assert (doubtful.code, doubtful.error) == (9, "OUTCOME_UNKNOWN")
    assert run("simulator", "fault", "--clear").code == 0
    assert run("operation", "resume").code == 0
    shown = run("card", "show", card, "--fresh", "-o", "json").data
    assert (shown["balance"]["minor"], far_allowance(cardctl, ref)) == (MILLION + 2000, MILLION + 2000)
    assert run("operation", "list", "--state", "in_doubt", "-o", "json").data == []

    assert run("audit", "verify").code == 0
    broken = sqlite3.connect(cardctl.books)
    broken.execute("UPDATE audit SET actor = actor || '.' WHERE seq = 2")
    broken.commit()
    broken.close()
    assert run("audit", "verify").code == 3


TEXTS = ["at", "actor", "action", "object", "before", "after", "reason", "correlation_id", "hash"]


def test_any_byte_of_the_audit(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    """Every byte of one entry, and a byte of every column of every other entry, and both of the head."""
    cardctl("card", "freeze", programme["cards"][0]["id"], "--reason", "because")
    pristine = tmp_path / "pristine.db"
    with closing(sqlite3.connect(cardctl.books)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        names = [row[1] for row in database.execute("PRAGMA table_info(audit)")]
        assert set(names) == {"seq", *TEXTS}
        rows = [dict(zip(names, row, strict=True)) for row in database.execute("SELECT * FROM audit ORDER BY seq")]
    previous = GENESIS
    for row in rows:
        fields = {name: value for name, value in row.items() if name != "hash"}
        previous = chain_hash(previous, **fields)
        assert row["hash"] == previous, "the chain is what anybody can compute"
    shutil.copy(cardctl.books, pristine)
    assert cardctl("audit", "verify").code == 0
    seed = random.Random(7)
    changes: list[tuple[str, tuple[Any, ...]]] = [
        ("UPDATE audit SET seq = seq + 100 WHERE seq = ?", (len(rows),)),
        ("DELETE FROM audit WHERE seq = ?", (3,)),
    ]
    changes += [("DELETE FROM audit WHERE seq >= ?", (len(rows),)), ("UPDATE audit_head SET hash = ?", ("f" * 64,))]
    changes += [("UPDATE audit_head SET seq = seq - ?", (1,))]
    for row in seed.sample(rows, 6):
        for name in TEXTS:
            if row[name] is not None:
                changes.append((f"UPDATE audit SET {name} = ? WHERE seq = ?", (flipped(row[name], seed), row["seq"])))
    for query, values in changes:
        for file in cardctl.books.parent.glob(f"{cardctl.books.name}-*"):
            file.unlink()
        shutil.copy(pristine, cardctl.books)
        with closing(sqlite3.connect(cardctl.books)) as database:
            database.execute(query, values)
            database.commit()
        ran = cardctl("audit", "verify", "-o", "json")
        assert ran.code == 3, (query, values, ran)


def flipped(text: str, seed: random.Random) -> str:
    """The text with one bit of one byte changed, still ASCII."""
    place = seed.randrange(len(text))
    return text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]


@pytest.mark.parametrize("bare", [True, False])
def test_nothing_around_it_is_needed(tmp_path: Path, bare: bool) -> None:
    """env -i PATH=$PATH HOME=$(mktemp -d) cardctl provision --dev: no keyring, no D-Bus, no terminal, no locale."""
    home = tmp_path / "fresh"
    home.mkdir()
    environ = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(home)}
    if not bare:
        environ["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=/nowhere"
    words = ["cardctl", "provision", "--dev", "-o", "json"]
    done = subprocess.run(words, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert ran.code == 0, ran.stderr
    assert [account["balance"]["minor"] for account in ran.data["accounts"]] == [MILLION] * 3
    made = [path for path in home.rglob("*") if path.name != ".cache"]
    ours = [path for path in made if "cardctl" in path.parts]
    assert ours
    loose = [(str(path), oct(path.stat().st_mode & 0o777)) for path in ours if path.stat().st_mode & 0o077]
    assert loose == [], "every file 0600, every directory 0700"
