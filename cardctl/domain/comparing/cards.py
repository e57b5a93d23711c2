"""Our side beside the provider's: one account; one card with its money events. Pure; what is equal costs nearly nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cardctl.domain.breaks import BreakType, Finding, Severity
from cardctl.domain.comparing.life import examine, ordinary
from cardctl.domain.comparing.money import OURS, Compared, compare_money, moves, strangers
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide, Rules
from cardctl.domain.money import Money

Row = tuple[Any, ...]
"""The words of a MoneySide, not made one yet: nearly all are looked at once, and dropped."""
_T = BreakType
FINAL = frozenset({"closed", "failed"})
_LIMITS = ("per_transaction", "daily", "weekly", "monthly")
_DETAILS = ("last4", "exp_month", "exp_year", "holder")


def compare_account(ours: AccountSide | None, theirs: AccountSide | None, rules: Rules, *, listed: bool) -> Iterator[Finding]:
    """One account. `listed`: the provider's list is whole, so that what is not in it is not there."""

    def finding(type: BreakType, ref: str, here: dict[str, Any], there: dict[str, Any]) -> Finding:  # noqa: A002
        return Finding(type, ref, rules.provider, rules.programme, local=here, remote=there, evidence={"objects": [ref]})

    if ours is None:
        assert theirs is not None
        yield finding(_T.ACCOUNT_MISSING_HERE, theirs.ref, {}, {"state": theirs.state, "kyc": theirs.kyc})
    elif theirs is None:
        if ours.state != "closed" and listed:
            yield finding(_T.ACCOUNT_MISSING_THERE, ours.ref, {"id": ours.id, "state": ours.state}, {})
    else:
        if ours.state != theirs.state:
            yield finding(_T.ACCOUNT_STATE, ours.ref, {"state": ours.state}, {"state": theirs.state})
        if ours.kyc != theirs.kyc:
            yield finding(_T.ACCOUNT_KYC, ours.ref, {"kyc": ours.kyc}, {"kyc": theirs.kyc})


def compare_card(
    ours: CardSide | None,
    theirs: CardSide | None,
    our_rows: Mapping[str, Row],
    their_rows: Mapping[str, Row],
    rules: Rules,
    *,
    frozen_at: str | None = None,
) -> Compared:
    """One card with its money events, by ref, on both sides. `theirs` None: the provider does not have it. `frozen_at` is since
    when the books have it frozen, None where it is not."""
    done = Compared()
    if ours is None or theirs is None:
        done.equal = False
        _one_sided(done, ours, theirs, their_rows, rules)
        return done
    if theirs.state == "inactive" and (ours.ever_active or theirs.ever_active):
        theirs = theirs._replace(state="frozen")  # Stripe has one word for both; see domain.states.settle
    if our_rows != their_rows and (rules.fundings or _others(our_rows) != their_rows):
        compare_money(done, ours.id, _made(our_rows), _made(their_rows), rules)
    _card(done, ours, theirs, rules)
    if not theirs.shared:
        _balance(done, ours, theirs, _spent(ours, our_rows, rules), rules)
    if frozen_at is not None or not ordinary(their_rows, rules):
        settled = {ref: row for ref, row in _made(their_rows).items() if not moves(row, rules)}
        _joined(done, examine(settled, rules, ours.id, frozen_at))
    return done


def shared_balance(ours: CardSide, theirs: CardSide, explained: int, felt: int, rules: Rules) -> Finding | None:
    """A balance that is the holder's, told once: of the holder, with whatever money events explain it taken off; `felt` as in
    Compared."""
    if ours.balance is None or theirs.balance is None:
        return None
    if theirs.balance - ours.balance in (0, explained, explained + felt):
        return None
    here, there = ({"balance": _told(side.balance, side)} for side in (ours, theirs))
    finding = _differs(_T.BALANCE, theirs, None, here, there, rules)
    risk = Money(abs(theirs.balance - ours.balance), theirs.currency)
    return replace(finding, subject=theirs.account_ref, at_risk=risk, card_id=ours.id, evidence={"objects": [theirs.ref]})


def _one_sided(
    done: Compared, ours: CardSide | None, theirs: CardSide | None, their_rows: Mapping[str, Row], rules: Rules
) -> None:
    if ours is not None:
        _gone(done, ours, rules)
    elif theirs is not None:
        _unknown(done, theirs, _made(their_rows), rules)
    else:
        strangers(done, _made(their_rows), rules)


def _joined(done: Compared, lives: Iterator[Finding]) -> None:
    """What is out of order in itself, too; an event that is both out of order and missing here is one break, the graver."""
    known = {finding.subject: finding for finding in done.findings if finding.type is _T.TRANSACTION_MISSING_HERE}
    for life in lives:
        missing = known.get(life.subject)
        if missing is None:
            done.findings.append(life)
        elif life.kind.severity is not Severity.INFO:
            done.findings.remove(missing)
            done.findings.append(replace(life, local={"missing": True}, delta=missing.delta))


def _spent(ours: CardSide, rows: Mapping[str, Row], rules: Rules) -> int:
    """What our events of the card come to; of those that are not here now, what they left of the allowance tells."""
    if rules.since is not None and ours.balance is not None and ours.allowance is not None:
        return ours.balance - ours.allowance
    return sum(row[4] for row in rows.values() if row[1] not in OURS)


def _others(rows: Mapping[str, Row]) -> Mapping[str, Row]:
    """What others did with the card: our own movements have no row at a provider that does not list them."""
    return {ref: row for ref, row in rows.items() if row[1] not in OURS}


def _made(rows: Mapping[str, Row]) -> dict[str, MoneySide]:
    return {ref: MoneySide._make(row) for ref, row in rows.items()}


def _card(done: Compared, ours: CardSide, theirs: CardSide, rules: Rules) -> None:
    if ours[2:13] == theirs[2:13]:
        return
    if ours.state in FINAL and theirs.state in FINAL:
        return  # nothing of it counts any more, and no word takes the books out of a final state
    found = done.findings
    if theirs.state == "unknown":
        found.append(_differs(_T.UNKNOWN_WORD, theirs, ours, {"state": ours.state}, {"word": theirs.word}, rules))
    elif ours.state != theirs.state:
        reopened = ours.state in FINAL and theirs.state not in FINAL
        kind = _T.REOPENED_CLOSED if reopened else _T.CARD_STATE
        sides = {"state": ours.state}, {"state": theirs.state, "word": theirs.word}
        found.append(replace(_differs(kind, theirs, ours, *sides, rules), at_risk=_spendable(ours, theirs)))
    if ours.currency != theirs.currency:
        sides = {"currency": ours.currency}, {"currency": theirs.currency}
        found.append(_differs(_T.CARD_CURRENCY, theirs, ours, *sides, rules))
        return  # its amounts cannot be compared
    if limits := [name for name in _LIMITS if getattr(ours, name) != getattr(theirs, name)]:
        here, there = ({name: _told(getattr(side, name), side) for name in limits} for side in (ours, theirs))
        found.append(_differs(_T.CARD_LIMITS, theirs, ours, here, there, rules))
    if details := [name for name in _DETAILS if getattr(theirs, name) and getattr(ours, name) != getattr(theirs, name)]:
        here, there = ({name: getattr(side, name) for name in details} for side in (ours, theirs))
        found.append(_differs(_T.CARD_DETAILS, theirs, ours, here, there, rules))


def _spendable(ours: CardSide, theirs: CardSide) -> Money | None:
    """What can be spent there though the books say that it cannot; None where it is the other way round, or unlimited."""
    left = theirs.balance if theirs.balance is not None else ours.balance
    return Money(max(left, 0), theirs.currency) if theirs.state == "active" and left is not None else None


def _balance(done: Compared, ours: CardSide, theirs: CardSide, spent_here: int, rules: Rules) -> None:
    """What the card can still spend differs, and the money events that differ do not explain it.

    A card whose allowance limits it can spend the allowance and what its events come to; the provider's events are ours and the
    differences that were found. One whose balance the provider keeps is compared as it is.
    """
    if ours.currency != theirs.currency or (ours.state in FINAL and theirs.state in FINAL):
        return
    if theirs.balance is not None:
        available, explained, felt = theirs.balance, done.delta, done.felt
    elif theirs.allowance is not None:
        available, explained, felt = theirs.allowance + spent_here + done.delta, done.delta, 0
    else:
        available, explained, felt = None, 0, 0
    done.available = available
    if ours.balance == available or (theirs.allowance is None and theirs.balance is None and ours.allowance is None):
        return
    if ours.balance is not None and available is not None and available - ours.balance - explained in (0, felt):
        return
    here: dict[str, Any] = {"balance": _told(ours.balance, ours)}
    there: dict[str, Any] = {"balance": _told(available, theirs)}
    if ours.allowance != theirs.allowance:
        here["allowance"], there["allowance"] = _told(ours.allowance, ours), _told(theirs.allowance, theirs)
    finding = _differs(_T.BALANCE, theirs, ours, here, there, rules)
    risk = abs((available or 0) - (ours.balance or 0))
    done.findings.append(replace(finding, at_risk=Money(risk, theirs.currency)))


def _gone(done: Compared, ours: CardSide, rules: Rules) -> None:
    if ours.state not in FINAL:
        here = {"state": ours.state, "balance": _told(ours.balance, ours)}
        finding = _differs(_T.CARD_MISSING_THERE, ours, ours, here, {}, rules)
        done.findings.append(replace(finding, at_risk=Money(abs(ours.balance or 0), ours.currency)))


def _unknown(done: Compared, theirs: CardSide, rows: Mapping[str, MoneySide], rules: Rules) -> None:
    """Its money events are part of the same difference: the card is told, and counts them."""
    funds = theirs.balance if theirs.balance is not None else theirs.allowance
    spent = sum(row.impact for row in rows.values() if row.kind not in OURS)
    done.felt = spent  # where other cards share its balance, that has gone there
    available = funds if theirs.balance is not None or funds is None else funds + spent
    there = {
        "state": theirs.state,
        "balance": _told(available, theirs),
        "transactions": len(rows),
        "account": theirs.account_ref,
    }
    finding = _differs(_T.CARD_MISSING_HERE, theirs, None, {}, there, rules)
    done.findings.append(replace(finding, at_risk=Money(abs(available or 0), theirs.currency)))


def _differs(
    kind: BreakType, side: CardSide, ours: CardSide | None, here: dict[str, Any], there: dict[str, Any], rules: Rules
) -> Finding:
    card_id, evidence = ours.id if ours else None, {"objects": [side.ref]}
    return Finding(kind, side.ref, rules.provider, rules.programme, card_id, here, there, evidence=evidence)


def _told(minor: int | None, side: CardSide) -> str | None:
    return None if minor is None else str(Money(minor, side.currency))
