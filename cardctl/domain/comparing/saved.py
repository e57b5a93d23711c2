"""Saved cards, payments with them and refunds, ours beside the provider's. Pure; what explains another difference is told once.

What a seller takes otherwise (other cards, cash, a till) is nothing of ours. A payment or refund that failed moved no money:
whether the other side has it is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cardctl.domain.breaks import BreakType, Finding, Severity
from cardctl.domain.comparing.moving import moves
from cardctl.domain.comparing.sides import PaymentSide, RefundSide, Rules, SavedCardSide
from cardctl.domain.money import Money
from cardctl.domain.payments import UNPAID, UNREFUNDED
from cardctl.domain.saved_cards import USABLE, is_over

LAPSING = timedelta(hours=24)
"""A hold that ends by itself within that is told; a short one only in the last quarter of its time."""
_T = BreakType
_DETAILS = ("brand", "last4", "exp_month", "exp_year")
_AMOUNTS = ("amount", "tip", "captured", "refunded")
Refunds = Mapping[str, RefundSide]
Side = dict[str, Any]


@dataclass(slots=True)
class ComparedPayment:
    """What came of one payment with its refunds: its `findings`, and how many of them were left out since they still move.
    `differs`: one of the findings is a difference of the two sides, and not only worth a look."""

    findings: list[Finding] = field(default_factory=list)
    moving: int = 0
    here: tuple[int, int] = (0, 0)
    there: tuple[int, int] = (0, 0)
    """What its refunds come to on each side: those that are through, and all but those that came to nothing. Which of the two a
    payment's own word counts is not documented (Square), so either may be its `refunded`."""

    @property
    def differs(self) -> bool:
        return any(each.type is not _T.HOLD_LAPSING for each in self.findings)


def compare_saved_card(ours: SavedCardSide, theirs: SavedCardSide | None, rules: Rules) -> Iterator[Finding]:
    """One saved card of ours; `theirs` None: the provider lists it no more. One that neither side would charge is no
    difference, nor one that its bank has called expired, of which the provider knows nothing."""
    if theirs is None:
        if ours.state in USABLE:
            yield _of_card(_T.SAVED_CARD_GONE, ours, {"state": ours.state}, {}, rules)
        return
    if theirs.state != "active":
        if ours.state in USABLE:
            there: Side = {"state": theirs.state, "word": theirs.word}
            yield _of_card(_T.SAVED_CARD_DISABLED, ours, {"state": ours.state}, there, rules)
        return
    renewed = [name for name in _DETAILS if getattr(theirs, name) and getattr(ours, name) != getattr(theirs, name)]
    if ours.state not in USABLE:
        yield _of_card(_T.SAVED_CARD_ENABLED, ours, {"state": ours.state}, {"state": theirs.state, "word": theirs.word}, rules)
    elif renewed:
        here, there = ({name: getattr(side, name) for name in renewed} for side in (ours, theirs))
        yield _of_card(_T.SAVED_CARD_RENEWED, ours, here, there, rules)
    elif ours.state == "active" and is_over(theirs.exp_year, theirs.exp_month, rules.now):
        there = {"exp_month": theirs.exp_month, "exp_year": theirs.exp_year}
        yield _of_card(_T.SAVED_CARD_EXPIRED, ours, {"state": ours.state}, there, rules)


def same_card(theirs: SavedCardSide, rules: Rules) -> SavedCardSide:
    """A card of ours that was not told of, as the provider has it: one whose last month is over is marked so here."""
    over = theirs.state == "active" and is_over(theirs.exp_year, theirs.exp_month, rules.now)
    return theirs._replace(state="expired") if over else theirs


def compare_payment(
    ours: PaymentSide | None, theirs: PaymentSide | None, our_refunds: Refunds, their_refunds: Refunds, rules: Rules
) -> ComparedPayment:
    """One payment with its refunds, by ref, on both sides; one of them at least has it, or refunds of it. `theirs` is one of
    ours: the books have it, or it bears a card or a mark of theirs."""
    done = ComparedPayment()
    if ours is None and theirs is not None:
        _missing_here(done, theirs, their_refunds, rules)
    elif ours is not None and theirs is None and not their_refunds and rules.since is None:
        _missing_there(done, ours, rules)
    else:
        known = ours or theirs
        card_id = known.saved_card_id if known is not None else None
        done.here, done.there = _sums(our_refunds), _sums(their_refunds)
        for ref in sorted({*our_refunds, *their_refunds}):
            _refund(done, our_refunds.get(ref), their_refunds.get(ref), card_id, rules)
        if ours is not None and theirs is not None:
            _payment(done, ours, theirs, rules)
    return done


def _missing_here(done: ComparedPayment, theirs: PaymentSide, refunds: Refunds, rules: Rules) -> None:
    """Its refunds are part of the same difference."""
    if theirs.state in UNPAID:
        return
    if moves(theirs.updated_at, rules):
        done.moving += 1
        return
    there = {"state": theirs.state, **_said(theirs, [name for name in _AMOUNTS if getattr(theirs, name)])}
    told = there | ({"refunds": len(refunds)} if refunds else {}) | ({"made_by": theirs.mark} if theirs.mark else {})
    evidence = {"objects": [theirs.ref, *sorted(refunds)]}
    done.findings.append(_of_payment(_T.PAYMENT_MISSING_HERE, theirs, {}, told, rules, _worth(theirs), evidence=evidence))


def _missing_there(done: ComparedPayment, ours: PaymentSide, rules: Rules) -> None:
    if ours.state in UNPAID:
        return
    if moves(ours.updated_at, rules):
        done.moving += 1
        return
    here = {"state": ours.state, **_said(ours, [name for name in _AMOUNTS if getattr(ours, name)])}
    done.findings.append(_of_payment(_T.PAYMENT_MISSING_THERE, ours, here, {}, rules, _worth(ours)))


def _payment(done: ComparedPayment, ours: PaymentSide, theirs: PaymentSide, rules: Rules) -> None:
    if ours[:7] != theirs[:7]:
        if moves(max(ours.updated_at, theirs.updated_at), rules):
            done.moving += 1
            return
        _differing(done, ours, theirs, rules)
    held = ours.state == theirs.state == "approved"
    if held and theirs.expires_at is not None and _ends_soon(theirs, theirs.expires_at, rules):
        done.findings.append(_lapsing(theirs, ours, rules))


def _differing(done: ComparedPayment, ours: PaymentSide, theirs: PaymentSide, rules: Rules) -> None:
    """Its state and what goes with it, or its amounts, once; what was refunded may be told by the refunds already."""
    names = [name for name in (*_AMOUNTS, "currency") if getattr(ours, name) != getattr(theirs, name)]
    if _is_explained(done, ours, theirs):
        names = [name for name in names if name != "refunded"]
    at_risk = max((abs(getattr(theirs, name) - getattr(ours, name)) for name in names if name in _AMOUNTS), default=0)
    if theirs.state == "unknown":
        there = {"word": theirs.word}
        done.findings.append(_of_payment(_T.UNKNOWN_WORD, ours, {"state": ours.state}, there, rules, _worth(ours)))
    elif ours.state != theirs.state:
        here, there = ({"state": side.state, **_said(side, names)} for side in (ours, theirs))
        if "captured" not in names:
            at_risk = max(at_risk, *(side.amount + side.tip for side in (ours, theirs) if side.state == "approved"), 0)
        weight = Severity.CRITICAL if "captured" in names else None
        done.findings.append(_of_payment(_T.PAYMENT_STATE, ours, here, there, rules, at_risk, severity=weight))
    elif names:
        here, there = (_said(side, names) for side in (ours, theirs))
        done.findings.append(_of_payment(_T.PAYMENT_AMOUNT, ours, here, there, rules, at_risk))


def _lapsing(theirs: PaymentSide, ours: PaymentSide, rules: Rules) -> Finding:
    """What is captured by itself at its end is only worth knowing."""
    more: dict[str, Any] = {}
    if theirs.then_capture:
        more = {"severity": Severity.INFO, "cause": "a hold is captured by itself soon", "fix": "nothing; or cancel it before"}
    there = {"expires_at": theirs.expires_at, "held": _shown(theirs, theirs.amount + theirs.tip)}
    return _of_payment(_T.HOLD_LAPSING, ours, {}, there, rules, theirs.amount + theirs.tip, **more)


def _refund(
    done: ComparedPayment, ours: RefundSide | None, theirs: RefundSide | None, card_id: str | None, rules: Rules
) -> None:
    one = ours or theirs
    if one is None or (ours is not None and theirs is not None and ours[:4] == theirs[:4]):
        return
    if (ours is None or theirs is None) and one.state in UNREFUNDED:
        return
    if moves(max(side.updated_at for side in (ours, theirs) if side is not None), rules):
        done.moving += 1
    else:
        done.findings.append(_of_refund(one, ours, theirs, card_id, rules))


def _sums(refunds: Refunds) -> tuple[int, int]:
    living = [side for side in refunds.values() if side.state not in UNREFUNDED]
    return sum(side.amount for side in living if side.state == "completed"), sum(side.amount for side in living)


def _is_explained(done: ComparedPayment, ours: PaymentSide, theirs: PaymentSide) -> bool:
    """Whether what went back is told by the refunds: each side's is what its refunds come to, or both differ by as much."""
    if ours.refunded in done.here and theirs.refunded in done.there:
        return True
    return theirs.refunded - ours.refunded in (there - here for here, there in zip(done.here, done.there, strict=True))


def _of_refund(
    one: RefundSide, ours: RefundSide | None, theirs: RefundSide | None, card_id: str | None, rules: Rules
) -> Finding:
    names: tuple[str, ...] = ("state", "amount", "currency")
    kind, risk = _T.REFUND_AMOUNT, one.amount
    if ours is None:
        kind = _T.REFUND_MISSING_HERE
    elif theirs is None:
        kind = _T.REFUND_MISSING_THERE
    else:
        names = tuple(name for name in names if getattr(ours, name) != getattr(theirs, name))
        kind = _T.REFUND_STATE if names == ("state",) else _T.REFUND_AMOUNT
        risk = max(ours.amount, theirs.amount) if kind is _T.REFUND_STATE else abs(theirs.amount - ours.amount)
    here, there = ({} if side is None else _refund_said(side, names) for side in (ours, theirs))
    if theirs is not None and theirs.state == "unknown":
        kind, there = _T.UNKNOWN_WORD, {"word": theirs.word}
    evidence = {"objects": [one.ref, one.payment_ref]}
    at_risk = Money(risk, one.currency)
    return Finding(kind, one.ref, rules.provider, rules.programme, card_id, here, there, at_risk, evidence=evidence)


def _refund_said(side: RefundSide, names: tuple[str, ...]) -> Side:
    told: Side = {name: getattr(side, name) for name in names if name != "amount"}
    return told | ({"amount": str(Money(side.amount, side.currency))} if "amount" in names else {})


def _of_card(kind: BreakType, ours: SavedCardSide, here: Side, there: Side, rules: Rules) -> Finding:
    return Finding(kind, ours.id, rules.provider, rules.programme, ours.id, here, there, evidence={"objects": [ours.id]})


def _of_payment(
    kind: BreakType, side: PaymentSide, here: Side, there: Side, rules: Rules, at_risk: int, **more: Any
) -> Finding:
    risk = Money(at_risk, side.currency)
    card_id = side.saved_card_id or None
    told: dict[str, Any] = {"evidence": {"objects": [side.ref]}} | more
    return Finding(kind, side.ref, rules.provider, rules.programme, card_id, here, there, risk, **told)


def _worth(side: PaymentSide) -> int:
    """What was taken and not given back, or is held."""
    return max(side.captured - side.refunded, 0) if side.captured else side.amount + side.tip


def _said(side: PaymentSide, names: list[str]) -> Side:
    return {name: side.currency if name == "currency" else _shown(side, getattr(side, name)) for name in names}


def _shown(side: PaymentSide, minor: int) -> str:
    return str(Money(minor, side.currency))


def _ends_soon(hold: PaymentSide, expires_at: str, rules: Rules) -> bool:
    until = datetime.fromisoformat(expires_at)
    return until - rules.now <= min(LAPSING, (until - datetime.fromisoformat(hold.created_at)) / 4)
