"""A card's life as its provider tells it: what came of each authorization, and refunds beside purchases. Pure.

Normal, and never a break: partial and several captures, tips and fuel over the hold, captures that come late within the time of
their trade, a hold that was set to zero and set again, refunds without a link or with the wrong one as long as a purchase at
that merchant explains them. A forced capture, and one after a freeze, are told as information.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cardctl.domain.breaks import BreakType, Finding, Severity
from cardctl.domain.comparing.sides import MoneySide, Rules
from cardctl.domain.comparing.trades import SHORTEST, most_captured, trade_of
from cardctl.domain.money import Money

Rows = Mapping[str, MoneySide]
_Merchant = tuple[str, str]
_DEPTH = 10
_ENDED = frozenset({"settled", "reversed", "expired"})
_LOOSE = frozenset({"settlement", "fee"})
_QUIET = frozenset({"funding", "withdrawal", "decline", "chargeback", "reversal"})


def ordinary(rows: Mapping[str, tuple[Any, ...]], rules: Rules) -> bool:
    """Whether there is nothing to look at: each capture is of an authorization on this card and within what is usual for it, no
    hold is old, nothing was refunded, and nothing could be a twin. Most cards are so, and this is all that is asked of them."""
    captured: dict[str, int] = {}
    loose: set[tuple[Any, ...]] = set()
    for row in rows.values():  # by number: this is looked at five million times
        kind = row[1]
        if kind == "settlement" and row[6]:
            parent = rows.get(row[6])
            if parent is None or parent[1] != "authorization" or parent[6] or parent[5] != row[5] or row[2] != "settled":
                return False
            captured[row[6]] = captured.get(row[6], 0) + row[3]
        elif kind == "authorization":
            ended = row[2] in _ENDED and not row[4]
            if row[6] or not (ended or (row[2] == "approved" and row[7] >= _fresh(rules.now))):
                return False
        elif kind in _LOOSE and row[2] == "settled":
            face = kind, row[3], row[7][:19]
            if face in loose or row[6] or (kind == "settlement" and rules.links):
                return False
            loose.add(face)
        elif kind not in _QUIET or row[2] == "unknown":
            return False
    for ref, amount in captured.items():
        asked = rows[ref]
        if amount > asked[3] and amount > most_captured(asked[3], asked[9]):
            return False
    return True


@lru_cache(maxsize=8)
def _fresh(now: datetime) -> str:
    """A text: holds that were made from then on are not old in any trade."""
    return (now - SHORTEST + timedelta(seconds=1)).isoformat()[:19]


def examine(rows: Rows, rules: Rules, card_id: str | None, frozen_at: str | None) -> Iterator[Finding]:
    """What is out of order in the life of one card, each once. `rows` are its money events by ref, without those that still
    move; `frozen_at` is since when it is frozen, None where it is not."""
    looking = _Looking(rows, rules, card_id)
    yield from looking.captures()
    yield from looking.refunds()
    yield from looking.twins()
    yield from looking.forced()
    yield from looking.holds()
    if frozen_at is not None:
        yield from looking.after_freeze(frozen_at)


class _Looking:
    """One card's events, grouped by the authorization that each goes back to."""

    def __init__(self, rows: Rows, rules: Rules, card_id: str | None) -> None:
        self._rows = rows
        self._rules = rules
        self._card_id = card_id
        self._captured: dict[str, list[MoneySide]] = defaultdict(list)
        self._asked: dict[str, int] = defaultdict(int)
        self._told: set[str] = set()
        for row in rows.values():
            if row.kind == "settlement" and row.parent_ref and row.state in ("settled", "pending"):
                self._captured[self._root(row)].append(row)
            elif row.kind in ("authorization", "decline"):
                self._asked[self._root(row)] += row.amount if row.kind == "authorization" else 0

    def captures(self) -> Iterator[Finding]:
        """Captures beside what was authorised."""
        for root, captures in sorted(self._captured.items()):
            first = self._rows.get(root)
            if first is None:
                yield from (self._unauthorised(row) for row in captures if self._rules.since is None)
            elif first.kind == "decline" or first.state == "declined":
                yield from (self._declined(row, first) for row in captures)
            elif first.kind == "authorization":
                yield from self._over(first, captures)

    def refunds(self) -> Iterator[Finding]:
        """Refunds beside what was paid at the same merchant: links are inexact, so they only help to find the merchant."""
        paid: dict[_Merchant, int] = defaultdict(int)
        known_as: dict[_Merchant, _Merchant] = {}
        back: dict[_Merchant, list[MoneySide]] = defaultdict(list)
        counted = [row for row in self._rows.values() if row.state in ("settled", "pending")]
        for row in counted:
            if row.kind == "settlement":
                merchant = self._linked_merchant(row)
                paid[merchant] += row.amount
                known_as.setdefault(_merchant(row, row), merchant)
        for row in counted:
            if row.kind == "refund":  # where nothing was paid at its own merchant, its link tells whose it is
                own = _merchant(row, row)
                back[own if own in paid else known_as.get(own) or self._linked_merchant(row)].append(row)
        for merchant, refunds in sorted(back.items()):
            refunds.sort(key=_by_time)
            if self._rules.since is not None:
                continue  # what was paid may lie before
            if merchant not in paid:
                yield from (self._unpaid(row) for row in refunds)
            elif (total := sum(row.amount for row in refunds)) > paid[merchant]:
                yield self._too_much(refunds, paid[merchant], total)

    def twins(self) -> Iterator[Finding]:
        """Two events that nothing tells apart but their names: same kind, amount, merchant, code and second, and no link."""
        seen: dict[tuple[object, ...], MoneySide] = {}
        for row in sorted(self._rows.values(), key=_by_time):
            if row.parent_ref or row.kind not in ("settlement", "refund", "fee") or row.ref in self._told or not row.amount:
                continue
            face = row.kind, row.amount, row.currency, row.merchant, row.code, row.occurred_at[:19]
            if face in seen:
                yield self._twice(row, seen[face])
            else:
                seen[face] = row

    def forced(self) -> Iterator[Finding]:
        """Captures for which nobody asked, where a capture names its authorization."""
        for row in sorted(self._rows.values()):
            if row.kind == "settlement" and row.parent_ref is None and self._rules.links and row.ref not in self._told:
                yield self._forced(row)

    def holds(self) -> Iterator[Finding]:
        """Money that is still held though its trade's time is over, and words that no table lists."""
        for row in sorted(self._rows.values()):
            if row.state == "unknown":
                told = {"kind": row.kind, "state": row.state}
                yield self._finding(BreakType.UNKNOWN_WORD, row, at_risk=abs(row.impact), remote=told)
            elif row.kind == "authorization" and row.state in ("approved", "pending") and (held := self._held(row)) > 0:
                age = self._rules.now - datetime.fromisoformat(row.occurred_at)
                if age > trade_of(row.mcc).window:
                    waited = {"held": _text(held, row), "since": row.occurred_at, "trade": trade_of(row.mcc).name}
                    yield self._finding(BreakType.AUTHORIZATION_STALE, row, at_risk=held, remote=waited)

    def after_freeze(self, frozen_at: str) -> Iterator[Finding]:
        """Captures that came while the card was frozen."""
        for row in sorted(self._rows.values()):
            if row.kind == "settlement" and row.occurred_at > frozen_at and row.ref not in self._told:
                told = {"captured": _text(row.amount, row), "at": row.occurred_at, "frozen_at": frozen_at}
                yield self._finding(BreakType.CAPTURE_AFTER_FREEZE, row, at_risk=row.amount, remote=told)

    def _root(self, row: MoneySide) -> str:
        """The first authorization that an event goes back to, as far as this card's events tell."""
        at = row
        for _ in range(_DEPTH):
            if not at.parent_ref or at.parent_ref == at.ref:
                break
            parent = self._rows.get(at.parent_ref)
            if parent is None:
                return at.parent_ref
            at = parent
        return at.ref

    def _held(self, row: MoneySide) -> int:
        """What an authorization still holds, less what messages of their own have released of it."""
        released = (each.impact for each in self._rows.values() if each.kind == "reversal" and each.parent_ref == row.ref)
        return -row.impact - sum(released) if row.impact < 0 else 0

    def _linked_merchant(self, row: MoneySide) -> _Merchant:
        """A link lends the name of what it leads to."""
        linked = self._rows.get(row.parent_ref or "")
        return _merchant(linked if linked is not None and linked.merchant else row, row)

    def _over(self, first: MoneySide, captures: list[MoneySide]) -> Iterator[Finding]:
        total, asked = sum(row.amount for row in captures), self._asked[first.ref]
        same = all(row.currency == first.currency for row in captures)
        gone = not asked and first.state in ("reversed", "expired")  # set to zero: what was asked once is not told any more
        if not same or gone or total <= most_captured(asked, first.mcc):
            return
        captures.sort(key=_by_time)
        twin = _twin(captures, total - most_captured(asked, first.mcc))
        if twin is not None:
            yield self._twice(*twin)
            return
        told = {"authorised": _text(asked, first), "captured": _text(total, first)}
        others = [row.ref for row in captures]
        yield self._finding(BreakType.OVER_CAPTURE, first, at_risk=total - asked, remote=told, others=others)

    def _forced(self, row: MoneySide) -> Finding:
        told = {"captured": _text(row.amount, row), "authorization": None}
        cause = "a forced capture: the merchant had no connection, or no authorization is asked in its trade"
        kind = BreakType.CAPTURE_WITHOUT_AUTHORIZATION
        return self._finding(kind, row, at_risk=row.amount, remote=told, severity=Severity.INFO, cause=cause, fix="nothing")

    def _unauthorised(self, row: MoneySide) -> Finding:
        told = {"captured": _text(row.amount, row), "authorization": row.parent_ref}
        return self._finding(BreakType.CAPTURE_WITHOUT_AUTHORIZATION, row, at_risk=row.amount, remote=told)

    def _declined(self, row: MoneySide, first: MoneySide) -> Finding:
        told = {"declined": first.ref, "captured": _text(row.amount, row)}
        return self._finding(BreakType.DECLINED_THEN_SETTLED, row, at_risk=row.amount, remote=told, others=[first.ref])

    def _unpaid(self, row: MoneySide) -> Finding:
        told = {"refunded": _text(row.amount, row), "merchant": row.merchant}
        return self._finding(BreakType.REFUND_WITHOUT_PURCHASE, row, at_risk=row.amount, remote=told)

    def _too_much(self, refunds: list[MoneySide], paid: int, total: int) -> Finding:
        """Told of the refund with which it became too much, so that later ones do not make another break of it."""
        twin = _twin(refunds, total - paid)
        if twin is not None:
            return self._twice(*twin)
        sum_, which = 0, refunds[-1]
        for row in refunds:
            sum_ += row.amount
            if sum_ > paid:
                which = row
                break
        told = {"paid": _text(paid, which), "refunded": _text(total, which), "merchant": which.merchant}
        others = [row.ref for row in refunds]
        return self._finding(BreakType.REFUND_ABOVE_PURCHASE, which, at_risk=total - paid, remote=told, others=others)

    def _twice(self, row: MoneySide, first: MoneySide) -> Finding:
        told = {"kind": row.kind, "amount": _text(row.amount, row), "first": first.ref, "again": row.ref}
        return self._finding(BreakType.TRANSACTION_DUPLICATE, row, at_risk=row.amount, remote=told, others=[first.ref])

    def _finding(
        self,
        type: BreakType,  # noqa: A002 - the finding's own word
        row: MoneySide,
        *,
        at_risk: int,
        remote: Mapping[str, Any],
        others: list[str] | None = None,
        severity: Severity | None = None,
        cause: str | None = None,
        fix: str | None = None,
    ) -> Finding:
        self._told.add(row.ref)
        objects = list(dict.fromkeys([row.ref, *(others or ())]))
        return Finding(
            type,
            row.ref,
            self._rules.provider,
            self._rules.programme,
            self._card_id,
            remote=dict(remote),
            at_risk=Money(at_risk, row.currency),
            evidence={"objects": objects},
            severity=severity,
            cause=cause,
            fix=fix,
        )


def _merchant(named: MoneySide, row: MoneySide) -> _Merchant:
    """By name, the category where there is none; and the currency of the row."""
    return " ".join((named.merchant or named.mcc or "").split()).casefold(), row.currency


def _twin(rows: list[MoneySide], excess: int) -> tuple[MoneySide, MoneySide] | None:
    """The later and the earlier of two equal ones, without one of which there would be no excess."""
    for place, row in enumerate(rows):
        for earlier in rows[:place]:
            if row.amount == earlier.amount >= excess and row.currency == earlier.currency:
                return row, earlier
    return None


def _by_time(row: MoneySide) -> tuple[str, str]:
    return row.occurred_at, row.ref


def _text(minor: int, row: MoneySide) -> str:
    return str(Money(minor, row.currency))
