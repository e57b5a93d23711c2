"""Alerts in the books, on both databases: one row to a fingerprint, found by its name, listed by what is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cardctl.db.alerts import AlertFilter
from cardctl.db.unit import Books
from cardctl.domain.alerts import Action, Alert, AlertState, Rule
from cardctl.domain.breaks import Severity
from tests.db.builders import NOW, PROGRAMME, later


def alert(name: str = "alr_00000001", **fields: Any) -> Alert:
    given: dict[str, Any] = {
        "fingerprint": name,
        "rule": Rule.VELOCITY,
        "severity": Severity.WARNING,
        "state": AlertState.FIRING,
        "provider": "stripe",
        "programme": PROGRAMME,
        "subject": "card_00000001",
        "card_id": "card_00000001",
        "text": "10 purchases within 10 minutes",
        "value": "10",
        "threshold": "10 within 10 minutes",
        "evidence": {"transactions": ["txn_1"]},
        "action": Action.FREEZE,
        "first_at": NOW,
        "last_at": NOW,
        "occurrences": 1,
    }
    return Alert(**given | fields)


def save(books: Books, *alerts: Alert) -> None:
    with books.write() as unit:
        unit.alerts.save_many(alerts)


def names(books: Books, **wanted: Any) -> list[str]:
    with books.read() as unit:
        return [each.fingerprint[-1] for each in unit.alerts.rows(AlertFilter(**wanted))]


def test_an_alert_comes_back_as_it_was(books: Books) -> None:
    whole = alert(notified_at=later(1), snoozed_until=later(2), reason="seen", state=AlertState.SNOOZED, occurrences=7)
    bare = alert("alr_00000002", provider=None, programme=None, card_id=None, evidence={})
    save(books, whole, bare)
    save(books, changed := replace(whole, last_at=later(9), state=AlertState.ACKNOWLEDGED))
    with books.read() as unit:
        assert list(unit.alerts.rows()) == [changed, bare]
        assert unit.alerts.by_fingerprints(["alr_00000002", "alr_x"]) == {"alr_00000002": bare}
        assert unit.alerts.find("alr_0000") == [changed, bare]
        assert unit.alerts.find("alr_00000002") == [bare]
        assert unit.alerts.find("alr_000") == []


def test_card_numbers_do_not_reach_the_books(books: Books) -> None:
    save(books, alert(text="bought with 4242424242424242", reason="4242424242424242", subject="card_1 4242424242424242"))
    with books.read() as unit:
        (kept,) = unit.alerts.rows()
    assert "4242424242424242" not in f"{kept}"
    assert "**** 4242" in kept.text


def test_lists_by_what_is_asked(books: Books) -> None:
    save(
        books,
        alert("alr_00000001"),
        alert("alr_00000002", state=AlertState.CLEARED, last_at=later(1)),
        alert("alr_00000003", rule=Rule.LATENCY, card_id=None, provider="marqeta", last_at=later(2)),
        alert("alr_00000004", state=AlertState.ACKNOWLEDGED, last_at=later(3)),
    )
    assert names(books) == ["4", "3", "1"]
    assert names(books, cleared=True) == ["4", "3", "2", "1"]
    assert names(books, state=AlertState.CLEARED) == ["2"]
    assert names(books, rule=Rule.LATENCY) == names(books, provider="marqeta") == ["3"]
    assert names(books, card_id="card_00000001") == ["4", "1"]
    assert names(books, since=later(2)) == ["4", "3"]
    assert names(books, until=later(2)) == ["1"]
    assert names(books, limit=1) == ["4"]


@pytest.mark.parametrize(("general", "found"), [(False, "1"), (True, "13")])
def test_what_lives_of_some_programmes(books: Books, general: bool, found: str) -> None:
    save(
        books,
        alert("alr_00000001", state=AlertState.SNOOZED),
        alert("alr_00000002", programme="stripe/acct_2"),
        alert("alr_00000003", programme=None),
        alert("alr_00000004", state=AlertState.CLEARED),
    )
    with books.read() as unit:
        living = unit.alerts.living([PROGRAMME, "marqeta/default"], general=general)
    assert "".join(sorted(each.fingerprint[-1] for each in living)) == found


def test_what_is_noted_leaves_what_people_did_meanwhile(books: Books) -> None:
    kept = alert(state=AlertState.ACKNOWLEDGED, reason="seen")
    save(books, kept)
    with books.write() as unit:
        unit.alerts.told([kept.fingerprint], later(5))
        unit.alerts.note(kept.fingerprint, {"freeze": ["op_1"]})
    with books.read() as unit:
        assert list(unit.alerts.rows()) == [replace(kept, notified_at=later(5), evidence={"freeze": ["op_1"]})]
