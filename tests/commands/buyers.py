"""A buyer and what the far side has of them, for tests of saved cards at the command line; no test is here."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl

BUYER = "buyer@example.com"
GOOD = "cnon:card-nonce-ok"


def save(cardctl: Cardctl, person: str = BUYER, *words: str) -> str:
    """The id of a new saved card."""
    ran = cardctl("saved-card", "add", "--person", person, "--nonce", "-", *words, "-o", "json", stdin=GOOD)
    assert ran.code == 0, ran
    return str(ran.data["saved_card"]["id"])


def doubtful(cardctl: Cardctl, far_side: Control, *words: str, profile: str = "dev") -> str:
    """A write whose outcome nobody knows: the far side has done it, and every reply was lost. Its operation's id."""
    far_side.fault("lost-reply", times=20)
    ran = cardctl(*words, "-o", "json")
    far_side.clear_faults()
    assert (ran.code, ran.error) == (9, "OUTCOME_UNKNOWN"), ran
    return newest(cardctl, "--state", "in_doubt", "--profile", profile)


def never_arrived(cardctl: Cardctl, far_side: Control, *words: str) -> str:
    """The same, and the far side has not done it: it said 500, and nothing of it is kept."""
    far_side.fault("500", times=20)
    ran = cardctl(*words, "-o", "json")
    far_side.clear_faults()
    assert (ran.code, ran.error) == (9, "OUTCOME_UNKNOWN"), ran
    return newest(cardctl, "--state", "in_doubt")


def newest(cardctl: Cardctl, *words: str) -> str:
    """The id of the newest operation."""
    return str(cardctl("operation", "list", *words, "-o", "json").data[0]["id"])


def far(simulator: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Rows of the far side, oldest first, read from its own file."""
    with closing(sqlite3.connect(simulator)) as db:
        return list(db.execute(f"SELECT {columns} FROM square_{table} ORDER BY seq"))


def payments(cardctl: Cardctl) -> list[tuple[str, int]]:
    """What the far side has of payments: the state and the amount of each."""
    return [(str(status), int(amount)) for status, amount in far(cardctl.simulator, "payments", "status, amount")]


def secret_refs(simulator: Path) -> set[str]:
    """Every name of a customer or card that the far side ever gave."""
    return {str(ref) for table in ("customers", "cards") for (ref,) in far(simulator, table, "ref")}


def audited(cardctl: Cardctl, object_id: str) -> list[dict[str, Any]]:
    """The audit of one object, oldest first."""
    found = cardctl("audit", "list", "--object", object_id, "-o", "json").data
    return list(reversed(json.loads(json.dumps(found))))
