"""Breaks in the books: kept whole, found by name and by filter, the gravest first, each with its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cardctl.db.breaks import BreakFilter
from cardctl.db.unit import Books
from cardctl.domain.breaks import WAITING, Break, BreakState, BreakType, Move, Severity, fingerprint
from cardctl.domain.money import Money
from tests.db.builders import NOW, PROGRAMME, later, usd
from tests.db.test_runs import a_run

T, S = BreakType, BreakState


def a_break(subject: str = "ic_1", type: BreakType = T.CARD_STATE, **fields: Any) -> Break:  # noqa: A002
    given: dict[str, Any] = {
        "fingerprint": fingerprint(PROGRAMME, type, subject),
        "type": type,
        "severity": Severity.CRITICAL,
        "provider": "stripe",
        "programme": PROGRAMME,
        "subject": subject,
        "card_id": "card_00000001",
        "local": {"state": "active"},
        "remote": {"state": "frozen", "word": "inactive"},
        "at_risk": usd(2_500),
        "evidence": {"objects": ["ic_1", "iauth_é"], "events": []},
        "cause": "it was changed there",
        "proposed_fix": "take it",
        "first_seen_at": NOW,
        "last_seen_at": later(60),
        "occurrences": 3,
        "state": S.OPEN,
        "snoozed_until": None,
        "reason": None,
        "last_run": "run_1",
    }
    return Break(**given | fields)


def put(books: Books, *breaks: Break) -> None:
    with books.write() as unit:
        unit.breaks.add_many(breaks)


def test_every_field_comes_back(books: Books) -> None:
    whole = a_break(state=S.SNOOZED, snoozed_until=later(9), reason="naïve — ok", at_risk=Money(7, "JPY"))
    bare = a_break("acct", T.ACCOUNT_KYC, at_risk=None, card_id=None, local={}, remote={}, evidence={})
    put(books, whole, bare)
    with books.read() as unit:
        assert unit.breaks.get_many([whole.fingerprint, bare.fingerprint, "brk_none"]) == {
            whole.fingerprint: whole,
            bare.fingerprint: bare,
        }
    changed = replace(whole, state=S.REOPENED, snoozed_until=None, reason=None, occurrences=4, at_risk=None, local={"x": 1})
    with books.write() as unit:
        unit.breaks.save_many([changed])
        unit.breaks.save_many([])
    with books.read() as unit:
        assert unit.breaks.get_many([whole.fingerprint]) == {whole.fingerprint: changed}


def test_a_fingerprint_is_there_once(books: Books) -> None:
    put(books, a_break())
    with pytest.raises(Exception, match=r"(?i)unique"):
        put(books, a_break())


def test_sides_hold_no_card_number(books: Books) -> None:
    put(books, a_break(local={"holder": "4242 4242 4242 4242"}, remote={"note": "sk_live_" + "a" * 24}))
    with books.read() as unit:
        (one,) = unit.breaks.rows()
    assert "4242 4242" not in str(one.local)
    assert "sk_live_a" not in str(one.remote)


def test_the_gravest_and_dearest_first(books: Books) -> None:
    breaks = [
        a_break("a", severity=Severity.INFO, at_risk=usd(9_999)),
        a_break("b", severity=Severity.WARNING, at_risk=None),
        a_break("c", severity=Severity.WARNING, at_risk=usd(1)),
        a_break("d", at_risk=None),
        a_break("e", at_risk=usd(5)),
        a_break("f", at_risk=usd(7)),
    ]
    put(books, *breaks)
    with books.read() as unit:
        assert [one.subject for one in unit.breaks.rows()] == ["f", "e", "d", "c", "b", "a"]
        assert [one.subject for one in unit.breaks.rows(BreakFilter(limit=2))] == ["f", "e"]
        assert unit.breaks.count(BreakFilter(limit=2)) == 6


def test_filters(books: Books) -> None:
    put(
        books,
        a_break("a", last_seen_at=later(0), state=S.RESOLVED),
        a_break("b", last_seen_at=later(10), state=S.REOPENED, card_id="card_2"),
        a_break("c", T.BALANCE, last_seen_at=later(20), severity=Severity.WARNING, provider="marqeta", programme="marqeta/x"),
    )
    with books.write() as unit:
        unit.runs.put(a_run("run_00000001"))
        unit.runs.add_breaks("run_00000001", [fingerprint(PROGRAMME, T.CARD_STATE, "b")])
    cases: list[tuple[BreakFilter, str]] = [
        (BreakFilter(), "abc"),
        (BreakFilter(states=frozenset({S.RESOLVED, S.OPEN})), "ac"),
        (BreakFilter(type=T.BALANCE), "c"),
        (BreakFilter(severity=Severity.CRITICAL), "ab"),
        (BreakFilter(provider="marqeta"), "c"),
        (BreakFilter(programme=PROGRAMME), "ab"),
        (BreakFilter(card_id="card_2"), "b"),
        (BreakFilter(run_id="run_00000001"), "b"),
        (BreakFilter(run_id="run_none"), ""),
        (BreakFilter(since=later(10)), "bc"),
        (BreakFilter(until=later(10)), "a"),
        (BreakFilter(states=WAITING), "bc"),
        (BreakFilter(states=WAITING, programme=PROGRAMME), "b"),
    ]
    with books.read() as unit:
        for wanted, subjects in cases:
            assert sorted(one.subject for one in unit.breaks.rows(wanted)) == list(subjects), wanted
            assert unit.breaks.count(wanted) == len(subjects)
        assert unit.breaks.tally("state", BreakFilter()) == {"open": 1, "reopened": 1, "resolved": 1}
        assert unit.breaks.tally("severity", BreakFilter(states=WAITING)) == {"critical": 1, "warning": 1}
        assert unit.breaks.tally("type", BreakFilter(states=WAITING, programme=PROGRAMME)) == {"card_state": 1}


def test_found_by_a_name_or_its_beginning(books: Books) -> None:
    one, other = a_break("a"), a_break("b")
    put(books, one, other)
    with books.read() as unit:
        assert unit.breaks.find(one.fingerprint) == [one]
        assert unit.breaks.find(one.fingerprint[:12]) == [one]
        assert unit.breaks.find(one.fingerprint[:7]) == [], "too short to mean one"
        assert unit.breaks.find("brk_%_____") == []


def test_steps_go_behind_those_that_are_there(books: Books) -> None:
    one, other = a_break("a"), a_break("b")
    put(books, one, other)
    steps = [
        Move(NOW, "ada", None, S.OPEN, None, "run_1"),
        Move(later(1), "bob", S.OPEN, S.ACKNOWLEDGED, "seen", None),
        Move(later(2), "run", S.ACKNOWLEDGED, S.RESOLVED, "gone", "run_2"),
    ]
    with books.write() as unit:
        unit.breaks.add_moves([(one.fingerprint, steps[0]), (other.fingerprint, steps[0]), (one.fingerprint, steps[1])])
    with books.write() as unit:
        unit.breaks.add_moves([(one.fingerprint, steps[2])])
        unit.breaks.add_moves([])
    with books.read() as unit:
        told = {each.subject: each.moves for each in unit.breaks.rows(moves=True)}
        assert told == {"a": tuple(steps), "b": (steps[0],)}
        assert {each.moves for each in unit.breaks.rows()} == {()}


def test_many_with_their_steps(books: Books) -> None:
    """More than are taken at once."""
    breaks = [a_break(f"s{number:04}") for number in range(1_200)]
    put(books, *breaks)
    with books.write() as unit:
        unit.breaks.add_moves((one.fingerprint, Move(NOW, "ada", None, S.OPEN, None, one.subject)) for one in breaks)
    with books.read() as unit:
        told = list(unit.breaks.rows(moves=True))
        assert len(told) == 1_200
        assert all(one.moves[0].run_id == one.subject and len(one.moves) == 1 for one in told)
        assert len(unit.breaks.get_many(one.fingerprint for one in breaks)) == 1_200
