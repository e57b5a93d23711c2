"""Paid orders beside the payments that paid them. Pure; what the supplier sold for them is compared in purchases.py.

What a seller takes otherwise names no order, and is nothing of ours. What explains another difference is told once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from cardctl.domain.breaks import BreakType, Finding, Severity
from cardctl.domain.comparing.moving import is_history, is_touched, moves
from cardctl.domain.comparing.order_sides import SaleRefundSide, SaleSide
from cardctl.domain.comparing.sides import Rules
from cardctl.domain.esims import UNDER_WAY, PurchaseState
from cardctl.domain.fulfilment import TOO_LONG, Why
from cardctl.domain.money import Money
from cardctl.domain.orders import BOUGHT, UNFINISHED, OrderState
from cardctl.domain.payments import UNREFUNDED

PATIENCE = timedelta(hours=1)
"""So long an order may stand where it should go on: the chain is run again within minutes, and every night at the latest."""
_T = BreakType
_STALLED = f"{TOO_LONG.total_seconds() / 3600:.0f} hours after it was paid it is at no end, though the chain goes on with it"
_COMPARED = ("amount", "currency")
_BY_HAND = "`cardctl esim fulfil --payment` for each"
Refunds = Mapping[str, SaleRefundSide]
Side = dict[str, Any]
_NONE: Refunds = MappingProxyType({})


@dataclass(slots=True)
class ComparedOrder:
    """What came of one payment with its order: its `findings`, and how many of them were left out since they still move.
    `differs`: the two sides say other things, and not only the order is out of order."""

    findings: list[Finding] = field(default_factory=list)
    moving: int = 0
    differs: bool = False


def is_order(theirs: SaleSide, rules: Rules) -> bool:
    """Whether a payment pays for an order that the books should have, by the provider's word."""
    return theirs.named and theirs.state == "paid" and not is_history(theirs.created_at, rules)


def compare_order(ours: SaleSide | None, theirs: SaleSide | None, refunds: Refunds, rules: Rules) -> ComparedOrder:
    """One payment on both sides, with what was refunded of it by the provider's word. `ours` None: `theirs` is_order."""
    done = ComparedOrder()
    if ours is None:
        if theirs is not None:
            _missing_here(done, theirs, refunds, rules)
        return done
    paid, back = ours.amount or 0, ours.refunded or 0
    if theirs is not None:
        paid, back = theirs.amount or 0 if theirs.state == "paid" else 0, back_of(theirs, refunds)[0]
        _payment(done, ours, theirs, refunds, rules)
    elif ours.ref != ours.id and rules.since is None:
        _missing_there(done, ours, rules)
    if not done.moving and (theirs is not None or not done.findings):
        done.findings += _standing(ours, paid - back, rules)
    return done


def same_order(theirs: SaleSide, refunds: Refunds) -> SaleSide:
    """Our side of a payment of which nothing was told, as the provider has it."""
    back = back_of(theirs, refunds)[0]
    step = OrderState.REFUNDED if theirs.amount and back >= theirs.amount else OrderState.DELIVERED
    return theirs._replace(refunded=back, id=theirs.ref, step=str(step), disputed=False)


def back_of(theirs: SaleSide, refunds: Refunds) -> tuple[int, int]:
    """What went back of a payment, what is on its way back with it; and what is through. The payment's own word counts both
    (Stripe: `amount_refunded`), where it tells."""
    living = sum(each.amount for each in refunds.values() if each.state not in UNREFUNDED)
    through = sum(each.amount for each in refunds.values() if each.state == "completed")
    told = theirs.refunded
    return (living, through) if told is None else (max(told, living), told)


def _missing_here(done: ComparedOrder, theirs: SaleSide, refunds: Refunds, rules: Rules) -> None:
    """A payment is made when the customer pays (Stripe makes a session's with the paying), so its time is the event's."""
    if moves(theirs.created_at, rules):
        done.moving += 1
        return
    back = back_of(theirs, refunds)[0]
    left = max((theirs.amount or 0) - back, 0)
    there: Side = {"state": theirs.state, "amount": _shown(theirs, theirs.amount)}
    there |= {"refunded": _shown(theirs, back)} if back else {}
    weight = None if left else Severity.WARNING
    evidence = {"objects": [theirs.ref, *sorted(refunds)]}
    at_risk = _money(theirs, left)
    here: Side = {"orders": 0} if rules.none_yet else {}
    found = Finding(_T.ORDER_MISSING_HERE, theirs.ref, rules.provider, rules.programme, None, here, there, at_risk)
    fix = f"{_BY_HAND}; before any, see that no other program fulfils them" if rules.none_yet else None
    done.findings.append(replace(found, evidence=evidence, severity=weight, fix=fix))
    done.differs = True


def _missing_there(done: ComparedOrder, ours: SaleSide, rules: Rules) -> None:
    if is_touched(ours.updated_at, rules):
        done.moving += 1
        return
    here: Side = {"order": ours.step, "amount": _shown(ours, ours.amount)}
    done.findings.append(_finding(_T.ORDER_PAYMENT_MISSING, ours, here, {}, ours.amount or 0, rules))
    done.differs = True


def _payment(done: ComparedOrder, ours: SaleSide, theirs: SaleSide, refunds: Refunds, rules: Rules) -> None:
    back, through = back_of(theirs, refunds)
    known = rules.since is None or theirs.refunded is not None
    refunded = known and (ours.refunded or 0) not in (back, through)
    names = [name for name in _COMPARED if getattr(ours, name) != getattr(theirs, name)]
    if theirs.state != "paid" or names or refunded:
        if is_touched(ours.updated_at, rules) or moves(
            max([theirs.created_at, *(each.created_at for each in refunds.values())]), rules
        ):
            done.moving += 1
            return
        done.differs = True
        done.findings.append(_differing(ours, theirs, names, back if refunded else None, refunds, rules))
    paid = theirs.amount or 0
    twice = back - paid + (paid if theirs.disputed else 0)
    if back and twice > 0:
        there: Side = {"paid": _shown(theirs, paid), "refunded": _shown(theirs, back), "disputed": theirs.disputed}
        done.findings.append(_finding(_T.ORDER_REFUNDED_TWICE, ours, {}, there, twice, rules, refunds))
    if paid and back >= paid and (ours.step in BOUGHT or ours.purchase == PurchaseState.DONE):
        here: Side = {"order": ours.step, "purchase": ours.purchase or None}
        there = {"refunded": _shown(theirs, back)}
        done.findings.append(_finding(_T.ORDER_REFUNDED_DELIVERED, ours, here, there, back, rules, refunds))


def _differing(ours: SaleSide, theirs: SaleSide, names: list[str], back: int | None, refunds: Refunds, rules: Rules) -> Finding:
    """What a payment is, or came to, once. A customer who is refunded here and not there is one whose money is still here."""
    if theirs.state == "unknown":
        return _finding(_T.UNKNOWN_WORD, ours, {"order": ours.step}, {"word": theirs.word}, ours.amount or 0, rules)
    here, there = (_said(side, names) for side in (ours, theirs))
    at_risk = abs((theirs.amount or 0) - (ours.amount or 0))
    if back is not None:
        here, there = here | {"refunded": _shown(ours, ours.refunded)}, there | {"refunded": _shown(theirs, back)}
        at_risk = max(at_risk, abs(back - (ours.refunded or 0)))
    if theirs.state != "paid":
        here, there, at_risk = {"state": "paid", **here}, {"state": theirs.state, **there}, ours.amount or 0
    return _finding(_T.ORDER_PAYMENT, ours, here, there, at_risk, rules, refunds)


def _standing(ours: SaleSide, left: int, rules: Rules) -> Iterator[Finding]:
    """What is out of order in an order by itself, by our own clock; `left` is what is here of the customer's money."""
    here: Side = {"order": ours.step, **({"reason": ours.reason} if ours.reason else {})}
    if ours.step == OrderState.STUCK:
        yield _finding(_T.ORDER_STUCK, ours, here, {}, left, rules)
    elif ours.step == OrderState.READY:
        if _is_late(ours.issued_at, rules):
            yield _finding(_T.ORDER_UNDELIVERED, ours, here | {"issued_at": ours.issued_at}, {}, left, rules)
    elif ours.step == OrderState.REFUNDED:
        if left > 0:
            yield _finding(_T.ORDER_UNREFUNDED, ours, here, {}, left, rules)
    elif ours.step == OrderState.PAID and ours.reason == Why.TOO_OLD:
        fix = "`cardctl esim fulfil --payment` does it; `cardctl break accept` where another program has"
        why = "it was paid long before it was heard of, so that another program may have fulfilled it"
        found = _finding(_T.ORDER_STUCK, ours, here, {}, left, rules)
        yield replace(found, severity=Severity.WARNING, cause=why, fix=fix)
    elif ours.step in UNFINISHED and _is_late(ours.due_at, rules):
        if ours.step == OrderState.REFUNDING and left <= 0:
            return  # the customer has the money back, of which the chain has not heard
        if ours.step == OrderState.REFUNDING or ours.purchase == PurchaseState.FAILED:
            told = here | ({"purchase": ours.purchase} if ours.purchase else {})
            yield _finding(_T.ORDER_UNREFUNDED, ours, told, {}, left, rules)
        else:
            found = _finding(_T.ORDER_STUCK, ours, here | {"due_at": ours.due_at}, {}, left, rules)
            yield replace(found, cause="it should have gone on, and nobody has run the chain", fix="`cardctl esim retry`")
    elif _is_stalled(ours, left, rules):
        kind = _T.ORDER_UNREFUNDED if ours.step == OrderState.REFUNDING else _T.ORDER_STUCK
        told = here | {"paid_at": ours.paid_at, **({"purchase": ours.purchase} if ours.purchase else {})}
        yield replace(_finding(kind, ours, told, {}, left, rules), cause=_STALLED)


def _is_stalled(ours: SaleSide, left: int, rules: Rules) -> bool:
    """Whether an order is gone on with again and again, and comes to no end; unless it is its supplier's to do, which is told
    otherwise, or waits for the wallet's money, which the chain itself ends. What was given up just now goes on."""
    if ours.step not in UNFINISHED or rules.here is None or not ours.paid_at:
        return False
    if ours.step == OrderState.REFUNDING:
        moves_on = left <= 0 or not _is_late(ours.updated_at, rules)
    else:
        at_work = ours.step == OrderState.ORDERED and ours.purchase in UNDER_WAY
        moves_on = at_work or ours.reason in (Why.WALLET_SHORT, Why.TOPUP_PENDING)
    return not moves_on and rules.here - datetime.fromisoformat(ours.paid_at) > TOO_LONG


def _is_late(at: str, rules: Rules) -> bool:
    return bool(at) and rules.here is not None and rules.here - datetime.fromisoformat(at) > PATIENCE


def _finding(
    kind: BreakType, ours: SaleSide, here: Side, there: Side, at_risk: int, rules: Rules, refunds: Refunds = _NONE
) -> Finding:
    names = [name for name in dict.fromkeys((ours.id, ours.ref)) if name]
    evidence = {"objects": [*names, *sorted(refunds)]}
    risk = _money(ours, max(at_risk, 0))
    return Finding(kind, ours.id, rules.provider, rules.programme, None, here, there, risk, evidence=evidence)


def _said(side: SaleSide, names: list[str]) -> Side:
    return {name: side.currency if name == "currency" else _shown(side, side.amount) for name in names}


def _money(side: SaleSide, minor: int | None) -> Money | None:
    return None if side.currency is None else Money(minor or 0, side.currency)


def _shown(side: SaleSide, minor: int | None) -> str | None:
    money = _money(side, minor)
    return None if money is None else str(money)
