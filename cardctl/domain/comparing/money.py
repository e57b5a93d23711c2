"""Money events of one card on both sides: what is on one only, and what differs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cardctl.domain.breaks import BreakType, Finding, Remedy, Severity
from cardctl.domain.comparing.sides import MoneySide, Rules
from cardctl.domain.money import Money

Rows = Mapping[str, MoneySide]
OURS = frozenset({"funding", "withdrawal"})
_T = BreakType
_SAID = ("kind", "state", "amount", "impact", "currency", "parent_ref")
_EARLY = timedelta(hours=1)
"""How far a provider's clock may be behind ours in its row for a movement that we asked for."""
_NEAR = timedelta(seconds=300)
"""Within which two of our own events are taken for one that came twice."""


@dataclass(slots=True)
class Compared:
    """What came of one card: its `findings`; `moving` of its money events were left out. `delta` is how much more the events of
    the provider let it spend than ours, in minor units. `equal`: the two sides are the same in every word that counts.
    `felt` is what a balance may differ by besides, or may not: moves of our own that only one side has, and what a card that
    the books do not have has spent. `available` is what the card can spend by the provider's word, None where nothing limits
    it, it is closed, or it is shared.
    """

    findings: list[Finding] = field(default_factory=list)
    moving: int = 0
    delta: int = 0
    felt: int = 0
    equal: bool = True
    available: int | None = None


def compare_money(
    done: Compared,
    card_id: str | None,
    our_rows: Rows,
    their_rows: Rows,
    rules: Rules,
) -> None:
    """Money events that are on one side only, or differ."""
    done.equal = False
    joined = {row.reference: row for row in our_rows.values() if row.reference} | _about_to_join(our_rows, their_rows)
    named = {row.reference for row in their_rows.values() if row.reference}
    for ref, theirs in their_rows.items():
        ours = our_rows.get(ref) or joined.get(ref)
        if ours is None and theirs.kind in OURS and theirs.reference:
            ours = our_rows.get(theirs.reference)
        if ours is not None and (ours[:7] == theirs[:7]):
            continue
        if moves(theirs, rules) or _just_captured(theirs, their_rows, rules):
            done.moving += 1
            done.delta += _impact(theirs) - _impact(ours)
            done.felt += _felt(theirs) - _felt(ours)
        elif ours is None:
            done.findings.append(_missing_here(theirs, card_id, rules))
            done.delta += _impact(theirs)
            done.felt += _felt(theirs)
        elif not _ahead(ours, theirs):
            _differing(done, ours, theirs, card_id, rules)
        else:
            done.moving += 1
            done.delta += _impact(theirs) - _impact(ours)
    refs, paired = their_rows.keys(), {row.ref for name, row in joined.items() if name in their_rows}
    for ref, ours in our_rows.items():
        if ref in refs or ref in paired or ours.reference in refs or _void(ours):
            continue
        if ours.kind in OURS and (ref in named or not rules.fundings or ours.reference == ours.card_ref):
            continue  # a history need not show the money that a card was made with
        if moves(ours, rules):
            done.moving += 1
        else:
            done.findings.append(_missing_there(ours, our_rows, their_rows, card_id, rules))
        done.delta -= _impact(ours)
        done.felt -= _felt(ours)


def _about_to_join(our_rows: Rows, their_rows: Rows) -> dict[str, MoneySide]:
    """By the provider's name, movements of our own which no pull has joined to their rows yet: the oldest that fits, just as a
    pull would. A provider whose rows do not tell who asked for them leaves it at that."""
    joined = {row.reference for row in our_rows.values()}
    waiting = [row for row in our_rows.values() if row.kind in OURS and row.ref.startswith("op_") and row.ref not in their_rows]
    waiting = sorted((row for row in waiting if row.reference in (None, row.card_ref)), key=_by_time)
    found: dict[str, MoneySide] = {}
    if not waiting:
        return found
    for theirs in sorted((row for row in their_rows.values() if row.kind in OURS and row.ref not in our_rows), key=_by_time):
        if theirs.ref in joined or (theirs.reference or "") in our_rows:
            continue
        latest = datetime.fromisoformat(theirs.occurred_at) + _EARLY
        for row in waiting:
            same = row[1] == theirs[1] and row[3] == theirs[3] and row[5] == theirs[5]
            if same and datetime.fromisoformat(row.occurred_at) <= latest:
                found[theirs.ref] = row
                waiting.remove(row)
                break
    return found


def _by_time(row: MoneySide) -> tuple[str, str]:
    return row.occurred_at, row.ref


def _differing(done: Compared, ours: MoneySide, theirs: MoneySide, card_id: str | None, rules: Rules) -> None:
    if theirs.kind in OURS and ours.kind == theirs.kind and ours.amount == theirs.amount and ours.state == theirs.state:
        return  # ours goes by our own name for it
    words = [name for name in _SAID if getattr(ours, name) != getattr(theirs, name)]
    if ours.parent_ref is None and theirs.kind != "refund":
        words = [name for name in words if name != "parent_ref"]  # books of an earlier schema do not have it
    if not words or theirs.state == "unknown":
        return
    money = {"amount", "impact", "currency"} & set(words)
    kind = _T.TRANSACTION_AMOUNT if money else _T.TRANSACTION_STATE
    if words == ["parent_ref"]:
        kind = _T.TRANSACTION_ORPHAN
    delta = _impact(theirs) - _impact(ours)
    finding = _of_money(kind, theirs, card_id, rules, abs(delta) or (0 if not money else abs(theirs.amount - ours.amount)))
    here, there = ({name: _shown(row, name) for name in words} for row in (ours, theirs))
    remedy = Remedy.TAKE if kind is _T.TRANSACTION_ORPHAN else None
    cause = "the books have it without what it belongs to" if remedy else None
    done.findings.append(replace(finding, local=here, remote=there, delta=delta, remedy=remedy, cause=cause))
    done.delta += delta


def _missing_here(theirs: MoneySide, card_id: str | None, rules: Rules) -> Finding:
    told = _whole(theirs)
    kind, remedy, cause = _T.TRANSACTION_MISSING_HERE, None, None
    if theirs.kind in OURS:
        kind, remedy = _T.FUNDING_UNMATCHED, Remedy.TAKE
        cause = "money was moved at the provider by somebody else than cardctl"
    finding = _of_money(kind, theirs, card_id, rules, abs(theirs.impact))
    return replace(finding, remote=told, delta=_impact(theirs), remedy=remedy, cause=cause, severity=_weight(theirs))


def _missing_there(
    ours: MoneySide,
    our_rows: Rows,
    their_rows: Rows,
    card_id: str | None,
    rules: Rules,
) -> Finding:
    kind, remedy, cause, others = _T.TRANSACTION_MISSING_THERE, None, None, []
    twin = next((row for row in our_rows.values() if row.ref in their_rows and _same_thing(row, ours)), None)
    if ours.kind in OURS:
        kind = _T.FUNDING_UNMATCHED
        cause = "the books have a movement that the provider's history does not show"
    elif twin is not None:
        kind, remedy, others = _T.TRANSACTION_DUPLICATE, Remedy.TAKE, [twin.ref]
        cause = "the books have it twice, under two names, and the provider once"
    finding = _of_money(kind, ours, card_id, rules, abs(ours.impact))
    objects = {"objects": [ours.ref, *others]}
    told = replace(finding, local=_whole(ours), delta=-_impact(ours), remedy=remedy, cause=cause, evidence=objects)
    return replace(told, severity=_weight(ours))


def strangers(done: Compared, rows: Rows, rules: Rules) -> None:
    for row in rows.values():
        if not moves(row, rules):
            finding = _of_money(_T.TRANSACTION_ORPHAN, row, None, rules, abs(row.impact))
            done.findings.append(replace(finding, remote=_whole(row)))
    done.equal = False


def _weight(row: MoneySide) -> Severity | None:
    """What takes nothing (declined, or already over) is no emergency."""
    return None if row.impact else Severity.WARNING


def _of_money(kind: BreakType, row: MoneySide, card_id: str | None, rules: Rules, at_risk: int) -> Finding:
    objects = [each for each in (row.ref, row.parent_ref) if each]
    risk = Money(at_risk, row.currency)
    return Finding(kind, row.ref, rules.provider, rules.programme, card_id, at_risk=risk, evidence={"objects": objects})


def moves(row: MoneySide, rules: Rules) -> bool:
    """Whether its event may be on its way still, or, of what happened since reading began, the reading may have missed it."""
    return row[7] > rules.begun or (rules.cutoff is not None and row[7] >= rules.cutoff)


def _just_captured(row: MoneySide, rows: Rows, rules: Rules) -> bool:
    """Whether an older authorization has changed by something that is itself still moving."""
    return any(each.parent_ref == row.ref and moves(each, rules) for each in rows.values())


def _ahead(ours: MoneySide, theirs: MoneySide) -> bool:
    """Whether the books have heard of it since it was read there: then it is the reading that is old."""
    here, there = (tuple(map(int, row.progress.split("."))) if row.progress else () for row in (ours, theirs))
    return len(here) == len(there) and here != there and all(a >= b for a, b in zip(here, there, strict=True))


def _void(row: MoneySide) -> bool:
    """One that takes nothing, because it was taken back (or a run has found that it never was)."""
    return row.state == "reversed" and not row.impact


def _same_thing(one: MoneySide, other: MoneySide) -> bool:
    if one[1] != other[1] or one.amount != other.amount or one.currency != other.currency:
        return False
    if one.code and other.code:
        return one.code == other.code
    return one.merchant == other.merchant and _near(one.occurred_at, other.occurred_at)


def _near(one: str, other: str) -> bool:
    return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other)) <= _NEAR


def _impact(row: MoneySide | None) -> int:
    return 0 if row is None or row.kind in OURS else row.impact


def _felt(row: MoneySide | None) -> int:
    return row.impact if row is not None and row.kind in OURS else 0


def _whole(row: MoneySide) -> dict[str, Any]:
    return {name: _shown(row, name) for name in ("kind", "state", "amount", "impact", "occurred_at", "merchant")}


def _shown(row: MoneySide, name: str) -> Any:
    value = getattr(row, name)
    return str(Money(value, row.currency)) if name in ("amount", "impact") else value
