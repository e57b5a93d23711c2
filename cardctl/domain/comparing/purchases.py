"""What the supplier sold, and what its wallet paid for, beside the orders that it was bought for. Pure.

Only the supplier's DONE and FAILED are the end of a purchase: that the books have another word for what is under way is no
difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cardctl.domain.breaks import BreakType, Finding, Severity
from cardctl.domain.comparing.moving import is_history, is_touched, moves
from cardctl.domain.comparing.order_sides import LedgerSide, PayingCardSide, PurchaseSide, WalletTopUpSide
from cardctl.domain.comparing.sides import Rules
from cardctl.domain.esims import ENDED, PurchaseState
from cardctl.domain.fulfilment import OVERDUE
from cardctl.domain.money import Money

APART = timedelta(hours=48)
"""So long money may be on its way from a card into the wallet, by two clocks."""
PATIENCE = timedelta(hours=1)
"""So long the chain has to let go of a card that nobody needs any more."""
_LEFT = "a card that was made for one top-up is still open, and its order waits for no money any more"
ESIM = "esim"
"""What a ledger calls a purchase of ours; what else the wallet pays for (top-ups, vouchers) is nothing of ours."""
_T, _P = BreakType, PurchaseState
_UNDER_WAY = frozenset(_P) - ENDED - {_P.UNKNOWN}
Side = dict[str, Any]


@dataclass(slots=True)
class ComparedPurchase:
    """What came of one purchase: `findings`, and how many were left out since they still move. `differs`: the sides say other
    things. `other`: it is nothing of ours."""

    findings: list[Finding] = field(default_factory=list)
    moving: int = 0
    differs: bool = False
    other: bool = False


def compare_purchase(
    ours: PurchaseSide | None, theirs: PurchaseSide | None, debit: LedgerSide | None, owner: str | None, rules: Rules
) -> ComparedPurchase:
    """One purchase on both sides, with what the wallet paid for it. `owner`: the order of which it is an earlier attempt."""
    done = ComparedPurchase()
    if ours is None:
        _not_ours(done, theirs, debit, owner, rules)
    elif theirs is None:
        _missing_there(done, ours, debit, rules)
    else:
        _both(done, ours, theirs, debit, rules)
    done.differs = any(each.type is not _T.ORDER_OVERDUE for each in done.findings)
    return done


def same_purchase(theirs: PurchaseSide) -> PurchaseSide:
    """Our side of a purchase of which nothing was told, as the supplier has it."""
    return theirs._replace(id=theirs.ref, made_at=theirs.created_at)


def compare_topups(
    ours: Iterator[WalletTopUpSide], theirs: Iterator[LedgerSide], rules: Rules, *, tops_up: bool
) -> Iterator[Finding]:
    """Top-ups beside what came into the wallet, of which neither is called as the other; both sorted by currency, amount and
    time. The same amount within APART is the same money, since no ledger says whose it is. `tops_up`: the books have any
    top-up; without, all credits are wires by hand."""
    top, credit = next(ours, None), next(theirs, None)
    while top is not None or credit is not None:
        if top is not None and credit is not None and _is_same(top, credit):
            top, credit = next(ours, None), next(theirs, None)
        elif credit is None or (top is not None and _place(top) < _place(credit)):
            assert top is not None
            yield from _without_credit(top, rules)
            top = next(ours, None)
        else:
            known = is_history(credit.created_at, rules) or moves(credit.updated_at, rules)
            if tops_up and rules.since is None and not known:
                yield _without_topup(credit, rules)
            credit = next(theirs, None)


def compare_paying(card: PayingCardSide, rules: Rules) -> Finding | None:
    """A card that paid more than it brought the wallet, or is open for nothing. One that paid less by the books has
    transactions that they lack, which is told where it is issued."""
    lost = card.spent - card.brought
    if moves(card.updated_at, rules):
        return None
    if lost <= 0:
        return _left_open(card, rules)
    here: Side = {"spent": _shown(card.spent, card.currency), "topped_up": _shown(card.brought, card.currency)}
    risk, evidence = Money(lost, card.currency), {"objects": [card.ref]}
    return Finding(_T.TOPUP_UNMATCHED, card.ref, rules.provider, rules.programme, card.ref, here, {}, risk, evidence=evidence)


def _left_open(card: PayingCardSide, rules: Rules) -> Finding | None:
    """The chain closes it with its next run, so that one which is young says nothing."""
    if not card.left_by or rules.here is None or rules.here - datetime.fromisoformat(card.updated_at) <= PATIENCE:
        return None
    here: Side = {"open": True, "order": card.left_by, "balance": _shown(card.balance, card.currency)}
    named, evidence = (rules.provider, rules.programme), {"objects": [card.ref, card.left_by]}
    risk = Money(max(card.balance, 0), card.currency)
    found = Finding(_T.TOPUP_UNMATCHED, card.ref, *named, card.ref, here, {}, risk, evidence=evidence)
    return replace(found, severity=Severity.WARNING, cause=_LEFT, fix="`cardctl esim retry` closes it, or `cardctl card close`")


def _not_ours(
    done: ComparedPurchase, theirs: PurchaseSide | None, debit: LedgerSide | None, owner: str | None, rules: Rules
) -> None:
    charged, at = _charged(debit), theirs.created_at if theirs is not None else debit.created_at if debit is not None else ""
    if owner is None and is_history(at, rules):
        done.other = True
    elif theirs is None or theirs.state == _P.FAILED:
        if debit is not None and charged and debit.product == ESIM and rules.since is None:
            _orphan(done, theirs, debit, owner, rules)
        else:
            done.other = True
    elif moves(theirs.updated_at, rules):
        done.moving += 1
    elif theirs.state == _P.UNKNOWN and owner is not None:
        done.findings.append(_of(_T.UNKNOWN_WORD, theirs, {}, {"word": theirs.word}, rules, owner=owner))
    else:
        kind = _T.PURCHASE_TWICE if owner is not None else _T.PURCHASE_MISSING_HERE
        here: Side = {"order": owner} if owner is not None else {}
        there = {"state": theirs.state, "cost": _cost(theirs)}
        done.findings.append(_of(kind, theirs, here, there, rules, owner=owner))


def _orphan(done: ComparedPurchase, theirs: PurchaseSide | None, debit: LedgerSide, owner: str | None, rules: Rules) -> None:
    if moves(debit.updated_at, rules):
        done.moving += 1
        return
    there: Side = {"charged": _shown(debit.amount, debit.currency), "state": debit.state}
    there |= {"purchase": theirs.state} if theirs is not None else {}
    risk = Money(debit.amount, debit.currency)
    evidence = {"objects": [debit.ref, *([owner] if owner else [])]}
    found = Finding(_T.LEDGER_ORPHAN, debit.ref, rules.provider, rules.programme, None, {}, there, risk, evidence=evidence)
    done.findings.append(found)


def _missing_there(done: ComparedPurchase, ours: PurchaseSide, debit: LedgerSide | None, rules: Rules) -> None:
    """What was not accepted yet as far as the books know may not have been asked for at all."""
    if rules.since is not None or ours.state in ("", _P.FAILED):
        return
    if is_touched(ours.updated_at, rules):
        done.moving += 1
        return
    here: Side = {"state": ours.state, "cost": _cost(ours)}
    there: Side = {"charged": _shown(debit.amount, debit.currency)} if debit is not None and _charged(debit) else {}
    done.findings.append(_of(_T.PURCHASE_MISSING_THERE, ours, here, there, rules))


def _both(done: ComparedPurchase, ours: PurchaseSide, theirs: PurchaseSide, debit: LedgerSide | None, rules: Rules) -> None:
    ended = theirs.state in ENDED or ours.state in ENDED
    costs = _costs(ours, theirs, debit, rules)
    if theirs.state == _P.UNKNOWN:
        done.findings.append(_of(_T.UNKNOWN_WORD, ours, {"state": ours.state}, {"word": theirs.word}, rules))
    elif (ended and ours.state != theirs.state) or costs:
        if is_touched(ours.updated_at, rules) or moves(max(theirs.updated_at, debit.updated_at if debit else ""), rules):
            done.moving += 1
            return
        if ended and ours.state != theirs.state:
            done.findings.append(_state(ours, theirs, rules))
        if costs:
            done.findings.append(_amount(ours, costs, rules))
    if theirs.state in _UNDER_WAY and theirs.created_at and rules.now - datetime.fromisoformat(theirs.created_at) > OVERDUE:
        there = {"state": theirs.state, "since": theirs.created_at}
        done.findings.append(_of(_T.ORDER_OVERDUE, ours, {"order": ours.step}, there, rules))


def _state(ours: PurchaseSide, theirs: PurchaseSide, rules: Rules) -> Finding:
    """Two ends that are not the same cannot both be true; and nobody was to be refunded what was bought."""
    there: Side = {"state": theirs.state, **({"error": theirs.error} if theirs.error else {})}
    here: Side = {"state": ours.state or None, "order": ours.step}
    gave_back = theirs.state == _P.DONE and ours.step in ("refunded", "refunding")
    grave = gave_back or (ours.state in ENDED and theirs.state != ours.state)
    return _of(_T.PURCHASE_STATE, ours, here, there, rules, severity=Severity.CRITICAL if grave else None)


def _costs(ours: PurchaseSide, theirs: PurchaseSide, debit: LedgerSide | None, rules: Rules) -> tuple[int, int, str] | None:
    """What the order is to cost and what it does, where these differ; what is not told yet does not. A failed purchase costs
    nothing. The ledger counts where it was read whole."""
    if ours.cost is None or ours.currency is None or theirs.state == _P.UNKNOWN:
        return None
    wanted = 0 if theirs.state == _P.FAILED else ours.cost
    told = theirs.cost if theirs.state != _P.FAILED else None
    if told is not None and (told, theirs.currency) != (wanted, ours.currency):
        return wanted, told, theirs.currency or ours.currency
    if debit is None:
        whole = rules.since is None and theirs.state == _P.DONE
        return (wanted, 0, ours.currency) if whole and wanted else None
    charged = _charged(debit)
    if theirs.state in ENDED and (charged, debit.currency) != (wanted, ours.currency) and (charged or wanted):
        return wanted, charged, debit.currency
    return None


def _amount(ours: PurchaseSide, costs: tuple[int, int, str], rules: Rules) -> Finding:
    wanted, charged, currency = costs
    here: Side = {"cost": _shown(wanted, ours.currency or currency)}
    risk = abs(charged - wanted) if currency == ours.currency else charged
    return _of(_T.PURCHASE_AMOUNT, ours, here, {"charged": _shown(charged, currency)}, rules, at_risk=Money(risk, currency))


def _without_credit(top: WalletTopUpSide, rules: Rules) -> Iterator[Finding]:
    """One that is under way may take its time."""
    young = rules.here is None or rules.here - datetime.fromisoformat(top.created_at) < APART
    if rules.since is not None or moves(top.created_at, rules) or (top.state != "settled" and young):
        return
    here: Side = {"state": top.state, "amount": _shown(top.amount, top.currency)}
    evidence = {"objects": [top.ref, top.order_id], "operations": [top.ref]}
    risk = Money(top.amount, top.currency)
    card = top.card_id or None
    yield Finding(
        _T.TOPUP_UNMATCHED, top.ref, rules.provider, rules.programme, card, here, {"credit": None}, risk, evidence=evidence
    )


def _without_topup(credit: LedgerSide, rules: Rules) -> Finding:
    there: Side = {"product": credit.product, "amount": _shown(credit.amount, credit.currency)}
    return Finding(
        _T.TOPUP_UNMATCHED,
        credit.ref,
        rules.provider,
        rules.programme,
        local={"topup": None},
        remote=there,
        at_risk=Money(0, credit.currency),
        evidence={"objects": [credit.ref]},
        severity=Severity.INFO,
        cause="money came into the wallet that no top-up of the books brought: a wire, or somebody in the console",
        fix="nothing",
    )


def _is_same(top: WalletTopUpSide, credit: LedgerSide) -> bool:
    if (top.currency, top.amount) != (credit.currency, credit.amount):
        return False
    return abs(datetime.fromisoformat(top.created_at) - datetime.fromisoformat(credit.created_at)) <= APART


def _place(side: WalletTopUpSide | LedgerSide) -> tuple[str, int, str]:
    return side.currency, side.amount, side.created_at


def _charged(debit: LedgerSide | None) -> int:
    """What was taken or is held; a failed purchase's hold is released."""
    return debit.amount if debit is not None and debit.state != _P.FAILED else 0


def _of(
    kind: BreakType,
    side: PurchaseSide,
    here: Side,
    there: Side,
    rules: Rules,
    *,
    owner: str | None = None,
    at_risk: Money | None = None,
    severity: Severity | None = None,
) -> Finding:
    order = side.id or owner
    objects = [side.ref, *([order] if order else [])]
    if at_risk is None and side.cost is not None and side.currency is not None:
        at_risk = Money(side.cost, side.currency)
    named = rules.provider, rules.programme
    return Finding(kind, side.ref, *named, None, here, there, at_risk, evidence={"objects": objects}, severity=severity)


def _cost(side: PurchaseSide) -> str | None:
    return None if side.cost is None or side.currency is None else _shown(side.cost, side.currency)


def _shown(minor: int, currency: str) -> str:
    return str(Money(minor, currency))
