"""The pre-authorisation policy of auctions as a plan: how each lot stands, and the steps that follow; pure, sends nothing.

A lot has one hold, of its whole amount. Where that is too small or ends too early another one of the whole is placed, and the
first released once it stands: for a moment money is held twice, and never too little. Each is named by the lot's invoice and
its number, so that a run that was cut off anywhere is gone on with from what the books have.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cardctl.domain.lots import BACK_OFF, Action, Cover, Judgement, Lot, LotStatus, Policy, Standing, Step, invoice_of
from cardctl.domain.money import Money, zero
from cardctl.domain.payments import UNPAID, Payment, PaymentState
from cardctl.domain.saved_cards import SavedCard, SavedCardState

_UNTOLD = frozenset({PaymentState.PENDING, PaymentState.UNKNOWN})


def judge(policy: Policy, lot: Lot, standing: Standing, now: datetime) -> Judgement:
    """How one lot stands at `now`, and what is to be done about it. Nothing is done about what is in doubt."""
    unclear = _unclear(lot, standing)
    if unclear is not None:
        early = lot.status is LotStatus.OPEN and now < lot.start - policy.window
        ended = Cover.MISSING if lot.status is LotStatus.OPEN else Cover.DUE
        return _judged(lot, standing, Cover.WAITING if early else ended, unclear)
    if lot.status is LotStatus.OPEN:
        return _open(policy, lot, standing, now)
    return _completed(policy, lot, standing, now) if lot.due.minor else _ended(lot, standing)


def _unclear(lot: Lot, standing: Standing) -> str | None:
    if standing.doubt is not None:
        return f"in doubt: {standing.doubt}"
    for payment in standing.payments:
        if payment.state in _UNTOLD:
            return f"{payment.id} is {payment.state}"
        if payment.state in UNPAID:
            continue
        if payment.amount.currency != lot.amount.currency:
            return f"{payment.id} has this invoice, and is in {payment.amount.currency}"
        if standing.card is None or payment.saved_card_id != standing.card.id:
            return f"{payment.id} has this invoice, and is of another card"
    return None


def _open(policy: Policy, lot: Lot, standing: Standing, now: datetime) -> Judgement:
    taken = standing.taken(lot.amount.currency)
    if taken >= lot.amount:
        return _judged(lot, standing, Cover.PAID, steps=_releases(lot, standing.holds))
    if taken.minor:
        return _judged(lot, standing, Cover.MISSING, f"{taken} was taken already, the file says open")
    return _awaited(policy, lot, standing, now)


def _awaited(policy: Policy, lot: Lot, standing: Standing, now: datetime) -> Judgement:
    """An open lot of which nothing is taken yet."""
    keeper = _keeper(lot.amount, standing.holds, now)
    surplus = _releases(lot, standing.holds, but=keeper) if keeper else ()
    if now < lot.start - policy.window:
        return _judged(lot, standing, Cover.WAITING, steps=surplus)
    if now >= lot.end + policy.keep:
        return _judged(lot, standing, Cover.OVERDUE, "it is long over: say completed or cancelled", surplus)
    if keeper is not None and not _lapses(keeper, min(lot.end + policy.keep, now + policy.ahead)):
        return _judged(lot, standing, Cover.COVERED, steps=surplus)
    short, blocked = Cover.LAPSING if keeper else Cover.MISSING, _blocked(lot.amount, standing, now)
    if blocked is not None:
        return _judged(lot, standing, short, blocked, surplus)
    action = Action.RENEW if keeper else Action.TOP_UP if standing.holds else Action.HOLD
    placed = Step(action, lot, lot.amount, invoice=_next_invoice(lot, standing))
    return _judged(lot, standing, short, steps=(placed, *_releases(lot, standing.holds)))


def _completed(policy: Policy, lot: Lot, standing: Standing, now: datetime) -> Judgement:
    taken = standing.taken(lot.amount.currency)
    if taken >= lot.due:
        return _ended(lot, standing)
    steps, left = _captures(lot, standing, lot.due - taken)
    if not left.minor:
        return _judged(lot, standing, Cover.DUE, steps=steps)
    blocked = _blocked(left, standing, now)
    if not standing.payments and now >= lot.end + policy.keep:
        blocked = "nothing was ever held for it, and it is long over: charge it by hand"
    if blocked is None:
        tip = _tip_in(lot, left, lot.due - left)
        steps = (*steps, Step(Action.CHARGE, lot, left, invoice=_next_invoice(lot, standing), tip=tip))
    return _judged(lot, standing, Cover.DUE, blocked, steps)


def _ended(lot: Lot, standing: Standing) -> Judgement:
    """Nothing more is to be taken: what is held goes free."""
    taken, holds = standing.taken(lot.amount.currency), standing.holds
    reason = f"{taken} was taken, {lot.due} is due: give back the rest" if taken > lot.due else None
    paid = Cover.PAID if taken.minor else Cover.RELEASED
    return _judged(lot, standing, Cover.DUE if holds else paid, reason, _releases(lot, holds))


def _captures(lot: Lot, standing: Standing, left: Money) -> tuple[tuple[Step, ...], Money]:
    """Captures of what is held, never more than is left to take, and releases of the rest; and what is left after them."""
    steps: list[Step] = []
    freed: list[Payment] = []
    for hold in _best_first(standing.holds, left):
        if not left.minor:
            freed.append(hold)
            continue
        part = min(hold.amount, left)
        steps.append(Step(Action.CAPTURE, lot, part, payment=hold, tip=_tip_in(lot, part, lot.due - left)))
        left = left - part
    return (*steps, *_releases(lot, freed)), left


def _tip_in(lot: Lot, part: Money, before: Money) -> Money | None:
    """How much of the next `part` is tip, where `before` was taken: the price comes first. None where all of it is tip: what a
    provider takes is an amount, and a tip stands beside one."""
    if lot.tip is None:
        return None
    price = lot.due - lot.tip
    left = max(price - before, zero(price.currency))
    return part - left if left.minor and part > left else None


def _blocked(amount: Money, standing: Standing, now: datetime) -> str | None:
    """Why no new hold or charge can be sent, in plain words."""
    unusable = _unusable(standing.card, now)
    if unusable is not None:
        return unusable
    if standing.card_doubt is not None:
        return f"in doubt: {standing.card_doubt}, about the same card"
    last = standing.declined
    if last is None or amount < last.amount or not last.at - BACK_OFF < now < last.at + BACK_OFF:
        return None
    return f"declined at {_clock(last.at)}: {last.said}; asked again after {_clock(last.at + BACK_OFF)}"


def _unusable(card: SavedCard | None, now: datetime) -> str | None:
    if card is None or card.state is SavedCardState.PENDING:
        return "no card of this person is saved"
    if card.state is SavedCardState.EXPIRED or (card.state is SavedCardState.ACTIVE and card.expired_at(now)):
        return "the saved card has expired"
    words = {SavedCardState.DISABLED: "the saved card is disabled", SavedCardState.GONE: "the provider has the card no more"}
    return words.get(card.state)


def _keeper(amount: Money, holds: Iterable[Payment], now: datetime) -> Payment | None:
    """The hold that covers the amount for the longest."""
    covering = [hold for hold in holds if hold.amount >= amount and not _lapses(hold, now)]
    return max(covering, key=_lasting, default=None)


def _best_first(holds: Iterable[Payment], left: Money) -> list[Payment]:
    """Those that have all that is left before the others, then the largest."""
    return sorted(holds, key=lambda hold: (hold.amount >= left, *_lasting(hold), hold.amount.minor), reverse=True)


def _lasting(hold: Payment) -> tuple[bool, datetime, str]:
    return hold.expires_at is None, hold.expires_at or hold.created_at, hold.id


def _lapses(hold: Payment, by: datetime) -> bool:
    return hold.expires_at is not None and hold.expires_at <= by


def _next_invoice(lot: Lot, standing: Standing) -> str:
    """The first name that no payment has, those that came to nothing among them; so names follow one another without a gap."""
    names = {payment.invoice for payment in standing.payments}
    return next(name for name in (invoice_of(lot.invoice, n) for n in range(1, len(names) + 2)) if name not in names)


def _releases(lot: Lot, holds: Iterable[Payment], *, but: Payment | None = None) -> tuple[Step, ...]:
    freed = [hold for hold in holds if but is None or hold.id != but.id]
    return tuple(Step(Action.RELEASE, lot, hold.amount, payment=hold) for hold in freed)


def _judged(lot: Lot, standing: Standing, cover: Cover, reason: str | None = None, steps: tuple[Step, ...] = ()) -> Judgement:
    currency = lot.amount.currency
    held = sum(hold.amount.minor for hold in standing.holds if hold.amount.currency == currency)
    return Judgement(lot, cover, Money(held, currency), standing.taken(currency), reason, steps)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
