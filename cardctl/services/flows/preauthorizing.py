"""`saved-card preauth --policy`: lots held, topped up, renewed, captured and released, each write an operation of its own.

Safe to repeat, to kill anywhere and to run beside itself: every step is decided anew from what the books say just then, a new
hold has a name that nothing else may have, and what is in doubt is settled first, or left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from cardctl.db.unit import Unit
from cardctl.domain.lots import (
    PLACING,
    Action,
    Decline,
    Judgement,
    Lot,
    Policy,
    Standing,
    Step,
    belongs,
    invoice_of,
)
from cardctl.domain.money import Money, zero
from cardctl.domain.operations import Operation, OperationState
from cardctl.domain.payments import PAYING, Payment, PaymentState
from cardctl.domain.preauthorization import judge
from cardctl.domain.saved_cards import SavedCard
from cardctl.errors import (
    BooksLocked,
    BooksUnusable,
    CardctlError,
    CardExpired,
    ExitCode,
    LiveNotSaid,
    OutcomeUnknown,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    SecretProblem,
    StateForbids,
)
from cardctl.providers.base import require
from cardctl.providers.saving import ChargesSavedCards, ReadsPayments
from cardctl.services.deeds.capturing import cancel, capture
from cardctl.services.deeds.charging import charge, preauth
from cardctl.services.desk import Desk, Done
from cardctl.services.operations import guard_live
from cardctl.services.resuming import resume
from cardctl.services.saving import take_payment
from cardctl.stopping import never

PATIENCE = 3
"""So many lots in a row that the provider was not available for, and no more of them are begun."""

_MOST_STEPS = 12
"""Of one lot in one run: more than any lot needs, so that nothing can go round in a circle."""
_SAID_NO = frozenset(kind.error_code for kind in (ProviderRefused, ProviderHasNot, CardExpired))
_FATAL = (BooksUnusable, BooksLocked, SecretProblem, LiveNotSaid)


@dataclass(frozen=True, slots=True)
class Taken:
    """One step that was tried: the payment as it is after it, or the error that it ended in."""

    step: Step
    payment: Payment | None = None
    error: CardctlError | None = None

    @property
    def declined(self) -> bool:
        """Whether the buyer's card said no to a hold or a charge: an answer, and no failure."""
        placing = self.step.action in PLACING or self.step.action is Action.CHARGE
        return placing and isinstance(self.error, (ProviderRefused, StateForbids))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run came to: every lot as it stands now, what was tried, and how many lots it did not come to."""

    lots: tuple[Judgement, ...]
    taken: tuple[Taken, ...] = ()
    not_reached: int = 0

    @property
    def wanting(self) -> list[Judgement]:
        return [lot for lot in self.lots if lot.wanting]

    @property
    def failed(self) -> list[Taken]:
        """Steps that ended in an error which is no answer of the buyer's card."""
        return [taken for taken in self.taken if taken.error is not None and not taken.declined]

    @property
    def exit_code(self) -> ExitCode:
        """9 while a write of this run is in doubt, 10 where some of the work is left, 3 where a person should know."""
        if any(isinstance(taken.error, OutcomeUnknown) for taken in self.taken):
            return ExitCode.IN_DOUBT
        if self.failed or self.not_reached:
            return ExitCode.PARTLY
        return ExitCode.FINDINGS if self.wanting else ExitCode.DONE


def look(desk: Desk, policy: Policy) -> list[Judgement]:
    """How every lot stands by the books, and what a run would do; asks nobody. Unsupported (7) where the provider has no saved
    cards."""
    require(desk.provider, ChargesSavedCards)
    with desk.books.read() as unit:
        return [judge(policy, lot, _standing(desk, unit, lot), desk.clock()) for lot in policy.lots]


def keep(
    desk: Desk, policy: Policy, *, late: Callable[[], bool] = never, progress: Callable[[int], None] = lambda _: None
) -> Kept:
    """Do what the policy asks for now, lot by lot; one that fails stops no other. What cannot be told about one operation is
    its lot's reason; errors that no other lot would fare better with are raised."""
    require(desk.provider, ChargesSavedCards)
    guard_live(desk)
    _settle(desk, policy, late)
    taken: list[Taken] = []
    unavailable = reached = 0
    for lot in policy.lots:
        if unavailable >= PATIENCE or late():
            break
        tried = list(_work(desk, policy, lot))
        failed = tried and isinstance(tried[-1].error, ProviderUnavailable)
        unavailable, reached = unavailable + 1 if failed else 0, reached + 1
        taken += tried
        progress(1)
    said = {each.step.lot.invoice: each.error for each in taken}
    lots = [_explained(judged, said.get(judged.lot.invoice)) for judged in look(desk, policy)]
    undone = sum(bool(judged.steps) for judged in lots[reached:])
    return Kept(tuple(lots), tuple(taken), undone)


def _settle(desk: Desk, policy: Policy, late: Callable[[], bool]) -> None:
    """Settle what earlier runs left about the lots' cards and payments; what stays in doubt is seen when the lot is judged."""
    found: dict[str, Operation] = {}
    with desk.books.read() as unit:
        for lot in policy.lots:
            card = unit.saved_cards.of_person(desk.programme, lot.person)
            for open_ in _unfinished(unit, card, _payments(desk, unit, lot)):
                found |= {each.id: each for each in open_}
    if found:
        resume(desk, [each.id for each in sorted(found.values(), key=lambda each: each.entered)], late=late)


def _work(desk: Desk, policy: Policy, lot: Lot) -> Iterator[Taken]:
    """Do the steps of one lot, each decided when the one before it is in the books; ends at the first error, and at a second
    hold: a provider whose holds end at once is not asked for one after the other."""
    placed = refreshed = False
    for _ in range(_MOST_STEPS):
        with desk.books.read() as unit:
            standing = _standing(desk, unit, lot)
        doubtful = [payment for payment in standing.payments if _is_doubtful(desk, payment)]
        if doubtful and not refreshed:
            refreshed = True
            standing = replace(standing, payments=tuple(_refreshed(desk, payment) for payment in standing.payments))
        steps = judge(policy, lot, standing, desk.clock()).steps
        if not steps or (placed and steps[0].action in PLACING):
            return
        tried = _try(desk, policy, standing.card, steps[0])
        if _was_overtaken(desk, tried):
            continue
        yield tried
        if tried.error is not None:
            return
        placed = placed or steps[0].action in PLACING


def _try(desk: Desk, policy: Policy, card: SavedCard | None, step: Step) -> Taken:
    try:
        done = _do(desk, policy, card, step)
    except _FATAL:
        raise
    except CardctlError as error:
        return Taken(step, error=error)
    assert isinstance(done.object, Payment)
    return Taken(step, done.object)


def _do(desk: Desk, policy: Policy, card: SavedCard | None, step: Step) -> Done:
    if step.payment is not None and step.action is Action.RELEASE:
        return cancel(desk, step.payment, reason="the policy of its lot")
    if step.payment is not None:
        part = _without_tip(step)
        return capture(desk, step.payment, amount=part, tip=step.tip or zero(part.currency))
    assert card is not None
    if step.action is Action.CHARGE:
        return charge(desk, card, _without_tip(step), invoice=step.invoice, tip=step.tip)
    return preauth(desk, card, step.amount, invoice=step.invoice, hold_for=policy.hold_for)


def _without_tip(step: Step) -> Money:
    return step.amount if step.tip is None else step.amount - step.tip


def _was_overtaken(desk: Desk, tried: Taken) -> bool:
    """Whether a hold could not be captured or released because it had ended or changed before, of which the books now know."""
    hold = tried.step.payment
    if hold is None or not isinstance(tried.error, (StateForbids, ProviderRefused)):
        return False
    now = _refreshed(desk, hold)
    return (now.state, now.amount) != (hold.state, hold.amount)


def _is_doubtful(desk: Desk, payment: Payment) -> bool:
    """Whether only the provider can say how it stands: a hold may have ended by itself, and nobody has told."""
    if payment.state in (PaymentState.PENDING, PaymentState.UNKNOWN):
        return True
    return payment.held and payment.expires_at is not None and payment.expires_at <= desk.clock()


def _refreshed(desk: Desk, payment: Payment) -> Payment:
    """The payment as the provider says that it is; as the books have it where that cannot be read: who goes on hears of it."""
    if payment.state not in (PaymentState.APPROVED, PaymentState.PENDING, PaymentState.UNKNOWN):
        return payment
    try:
        remote = require(desk.provider, ReadsPayments).payment(payment.ref)
    except _FATAL:
        raise
    except CardctlError:
        return payment
    with desk.books.write() as unit:
        known = unit.payments.named(payment.id)
        return take_payment(desk, unit, known, remote, saved_card_id=known.saved_card_id, action="payment.sync")


def _standing(desk: Desk, unit: Unit, lot: Lot) -> Standing:
    card, payments = unit.saved_cards.of_person(desk.programme, lot.person), _payments(desk, unit, lot)
    of_card, of_holds = _unfinished(unit, card, payments)
    about = [*of_holds, *(each for each in of_card if belongs(lot, each.about))]
    return Standing(
        card=card,
        payments=payments,
        doubt=next((each.id for each in about), None),
        card_doubt=next((each.id for each in of_card), None),
        declined=None if card is None else _declined(unit, card, lot),
    )


def _payments(desk: Desk, unit: Unit, lot: Lot) -> tuple[Payment, ...]:
    """Every payment of the lot, by its names one after the other; a single one may be missing where books were made anew."""
    found: list[Payment] = []
    empty = 0
    for generation in count(1):
        named = unit.payments.of_invoice(desk.programme, invoice_of(lot.invoice, generation))
        found, empty = [*found, *named], 0 if named else empty + 1
        if empty > 1:
            break
    return tuple(found)


def _unfinished(unit: Unit, card: SavedCard | None, payments: tuple[Payment, ...]) -> tuple[list[Operation], list[Operation]]:
    """What has not ended about the person's card, and about the lot's holds."""
    of_card = [] if card is None else unit.operations.open_for(card.id)
    return of_card, [each for payment in payments if payment.held for each in unit.operations.open_for(payment.id)]


def _declined(unit: Unit, card: SavedCard, lot: Lot) -> Decline | None:
    """The last word about a hold or charge of the lot, where it was a no, and no other card was saved since."""
    for each in reversed(unit.operations.for_target(card.id)):
        if each.kind == "saved_card.add" and each.state is OperationState.DONE:
            return None
        if each.kind in PAYING and belongs(lot, each.about) and each.finished_at is not None:
            refused = each.state is OperationState.REFUSED and each.error_code in _SAID_NO
            if not refused or each.amount is None:
                return None
            return Decline(each.finished_at, each.amount, each.error or "refused")
    return None


def _explained(judged: Judgement, error: CardctlError | None) -> Judgement:
    """A lot that is not as wanted says why: where nothing else does, the error that its last step ended in."""
    return judged if error is None or judged.reason is not None or not judged.wanting else replace(judged, reason=error.message)
