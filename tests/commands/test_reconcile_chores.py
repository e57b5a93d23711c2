"""`reconcile --fix` where other commands do the mending: events that never came or failed, writes in doubt."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl

FIX = ("reconcile", "--fix", "--yes", "-o", "json")


def found(cardctl: Cardctl, code: int = 3) -> dict[str, dict[str, Any]]:
    """What a plain run finds, by type."""
    ran = cardctl("reconcile", "-o", "json")
    assert ran.code == code, ran.stdout + ran.stderr
    return {each["type"]: each for each in ran.data["breaks"]}


def balance(cardctl: Cardctl, card: str) -> str:
    """By the books' word: `card show` asks the provider where that is five minutes old."""
    (found,) = (each for each in cardctl("card", "list", "-o", "json").data if each["id"] == card)
    return str(found["balance"]["amount"])


def mended(cardctl: Cardctl) -> dict[str, Any]:
    """Everything is mended; then there is nothing left."""
    ran = cardctl(*FIX)
    assert ran.code == 0, ran.stdout
    assert (ran.data["fix"]["failed"], ran.data["fix"]["proposed"]) == ([], [])
    assert found(cardctl, 0) == {}
    assert cardctl("audit", "verify").code == 0
    return dict(ran.data["fix"])


def changed(cardctl: Cardctl, statement: str) -> None:
    with closing(sqlite3.connect(cardctl.books)) as books:
        assert books.execute(statement).rowcount
        books.commit()


def test_an_event_that_never_came_is_fetched(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    card = programme["cards"][0]
    assert cardctl("simulator", "swipe", card["id"], "--amount", "10", "-o", "json").code == 0
    assert found(cardctl, 0) == {}
    assert cardctl("simulator", "swipe", card["id"], "--amount", "20", "--no-deliver", "-o", "json").code == 0
    before = len(cardctl("webhook", "list", "-o", "json").data)
    breaks = found(cardctl)
    assert {"event_gap", "transaction_missing_here"} <= breaks.keys()
    assert breaks["event_gap"]["proposed_fix"] == "`cardctl webhook backfill`"
    assert balance(cardctl, card["id"]) == "999990.00"
    done = mended(cardctl)
    assert breaks["event_gap"]["fingerprint"] in done["fixed"]
    assert balance(cardctl, card["id"]) == "999970.00"
    events = cardctl("webhook", "list", "-o", "json").data
    assert len(events) > before
    assert {each["state"] for each in events} == {"applied"}


def test_an_event_that_failed_is_applied(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    card = programme["cards"][0]
    assert cardctl("simulator", "swipe", card["id"], "--amount", "10", "-o", "json").code == 0
    changed(cardctl, "UPDATE events SET state = 'failed', attempts = 1, error = 'PROVIDER_UNAVAILABLE' WHERE rowid = 1")
    breaks = found(cardctl)
    assert list(breaks) == ["event_failed"]
    assert breaks["event_failed"]["local"]["error"] == "PROVIDER_UNAVAILABLE"
    mended(cardctl)
    assert {each["state"] for each in cardctl("webhook", "list", "-o", "json").data} == {"applied"}
    assert balance(cardctl, card["id"]) == "999990.00"


def test_a_write_in_doubt_is_settled(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    """Its money moved at the bank and nobody heard: it is looked up, and moves once."""
    card = programme["cards"][0]
    far_side.fault("lost-reply", 50)
    ran = cardctl("card", "fund", card["id"], "--amount", "25", "--timeout", "2", "-o", "json")
    assert ran.code == 9, ran.stdout
    far_side.clear_faults()
    assert balance(cardctl, card["id"]) == "1000000.00"
    breaks = found(cardctl)
    doubt = breaks["operation_in_doubt"]
    assert doubt["at_risk"]["amount"] == "25.00"
    mended(cardctl)
    assert balance(cardctl, card["id"]) == "1000025.00"
    assert [each["state"] for each in cardctl("operation", "list", "-o", "json").data if each["kind"] == "card.fund"] == [
        "done"
    ]
