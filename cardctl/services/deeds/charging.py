"""Money taken or held with a saved card: saved_card.charge, saved_card.preauth; what follows is capturing and refunding."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from cardctl.db.unit import Unit
from cardctl.domain.money import Money, minor_or_none
from cardctl.domain.operations import Draft, Operation
from cardctl.domain.payments import (
    PAYING,
    UNPAID,
    NewPayment,
    Payment,
    PaymentKind,
    PaymentState,
    RemotePayment,
    checked_invoice,
    operation_id_of,
    payment_id_of,
)
from cardctl.domain.saved_cards import SavedCard, SavedCardState
from cardctl.errors import CardExpired, OutcomeUnknown, StateForbids
from cardctl.providers.base import Remote, require
from cardctl.providers.saving import ChargesSavedCards
from cardctl.services.desk import Desk, Done, Thing
from cardctl.services.entries import audit_change
from cardctl.services.journal import Change, Wish
from cardctl.services.operations import rehearse, run_once
from cardctl.services.saving import payment_diff, take_payment

_KINDS = {made: kind for kind, made in PAYING.items()}


def charge(
    desk: Desk, card: SavedCard, amount: Money, *, invoice: str | None = None, tip: Money | None = None, **how: Any
) -> Done:
    """Take money with a saved card. An invoice is paid once: where it is paid already, just so, that is given again.

    StateForbids (6) where the card is not good, or the invoice is paid otherwise; CardExpired and ProviderRefused (7) for a
    decline. `how`: `caller_key`, `verification`.
    """
    return _pay(desk, card, *_pay_wish(PaymentKind.CHARGE, card, amount, invoice, {"tip": minor_or_none(tip)}, **how))


def rehearse_charge(
    desk: Desk, card: SavedCard, amount: Money, *, invoice: str | None = None, tip: Money | None = None, **how: Any
) -> Draft | Thing:
    return _rehearse(desk, *_pay_wish(PaymentKind.CHARGE, card, amount, invoice, {"tip": minor_or_none(tip)}, **how))


def preauth(
    desk: Desk,
    card: SavedCard,
    amount: Money,
    *,
    invoice: str | None = None,
    hold_for: timedelta | None = None,
    then_capture: bool = False,
    **how: Any,
) -> Done:
    """Hold money on a saved card; errors as `charge`. `hold_for` and `then_capture` as in NewPayment."""
    return _pay(desk, card, *_pay_wish(PaymentKind.PREAUTH, card, amount, invoice, _hold(hold_for, then_capture), **how))


def rehearse_preauth(
    desk: Desk,
    card: SavedCard,
    amount: Money,
    *,
    invoice: str | None = None,
    hold_for: timedelta | None = None,
    then_capture: bool = False,
    **how: Any,
) -> Draft | Thing:
    return _rehearse(desk, *_pay_wish(PaymentKind.PREAUTH, card, amount, invoice, _hold(hold_for, then_capture), **how))


class Pay:
    """saved_card.charge and saved_card.preauth: one request, which takes the money at once or holds it."""

    urgent: ClassVar[bool] = False
    creates: ClassVar[bool] = False

    def __init__(self, what: PaymentKind) -> None:
        self.what = what
        self.kind = _KINDS[what]

    def check(self, unit: Unit, operation: Operation) -> Payment | None:
        card = unit.saved_cards.named(operation.target)
        if operation.about is not None and (paid := self._paid(unit, operation)) is not None:
            return paid
        if card.state is SavedCardState.EXPIRED or card.expired_at(operation.created_at):
            raise _expired(card)
        if card.state is not SavedCardState.ACTIVE:
            raise StateForbids(
                f"{card.id} is {card.state}: only an active card can pay",
                hint="save a new one: `cardctl saved-card add --replace`",
            )
        return None

    def draft(self, desk: Desk, operation: Operation) -> Draft:
        with desk.books.read() as unit:
            card = unit.saved_cards.named(operation.target)
        return require(desk.provider, ChargesSavedCards).draft_payment(_new_payment(card, operation, self.what), operation.id)

    def record(self, desk: Desk, unit: Unit, operation: Operation, remote: Remote) -> Change:
        assert isinstance(remote, RemotePayment)
        invoice = operation.about
        payment = take_payment(desk, unit, None, remote, saved_card_id=operation.target, invoice=invoice, made=operation)
        return Change(payment, {}, payment_diff(None, payment)[1] | {"payment": payment.id})

    def load(self, unit: Unit, operation: Operation) -> Payment:
        return unit.payments.named(payment_id_of(operation.id))

    def _paid(self, unit: Unit, operation: Operation) -> Payment | None:
        """The payment that has paid the invoice already, just as is wished now; StateForbids where it is another."""
        assert operation.about is not None
        for kind in PAYING:
            for other in unit.operations.open_about(operation.programme, kind, operation.about):
                if other.about == operation.about and other.id != operation.id and other.target != operation.target:
                    raise OutcomeUnknown(f"{other.id} is already paying {operation.about}", operation_id=other.id)
        living = [one for one in unit.payments.of_invoice(operation.programme, operation.about) if one.state not in UNPAID]
        if not living:
            return None
        paid = living[-1]
        if paid.held and paid.expires_at is not None and paid.expires_at <= operation.created_at:
            raise _lapsed(paid)
        same = paid.saved_card_id == operation.target and paid.kind is self.what and paid.first_asked == operation.amount
        if same and self.what is PaymentKind.PREAUTH and paid.state is not PaymentState.COMPLETED:
            _check_ends_so(unit, paid, operation)
        if same and (self.what is PaymentKind.PREAUTH or paid.tip.minor == (operation.arguments["tip"] or 0)):
            return paid
        tip = f" and a tip of {paid.tip}" if paid.tip.minor else ""
        told = f"{operation.about} has {paid.id} already: a {paid.kind} of {paid.first_asked}{tip}, {paid.state}"
        hint = f"capture it: `cardctl saved-card capture {paid.id}`" if paid.held else "give the invoice another name"
        raise StateForbids(told, hint=hint)


PAY_DEEDS = [Pay(what) for what in PAYING.values()]


def mark_expired(desk: Desk, card: SavedCard) -> SavedCard:
    """Put down that a card's time is over, where the books do not say so yet."""
    with desk.books.write() as unit:
        known = unit.saved_cards.named(card.id)
        if known.state is not SavedCardState.ACTIVE or known.ref != card.ref:
            return known
        unit.saved_cards.expire(card.id, desk.clock())
        audit_change(
            desk, unit, "saved_card.expired", card.id, {"state": str(known.state)}, {"state": str(SavedCardState.EXPIRED)}
        )
        return unit.saved_cards.named(card.id)


def _pay(desk: Desk, card: SavedCard, deed: Pay, wish: Wish) -> Done:
    """Also marks a card that turns out to be out of date, here or at the provider. StateForbids where the payment that was made
    under the caller's key has taken or holds nothing any more."""
    try:
        done = run_once(desk, deed, wish)
    except (CardExpired, _Expired):
        mark_expired(desk, card)
        raise
    _check_stands(done.object)
    return done


def _rehearse(desk: Desk, deed: Pay, wish: Wish) -> Draft | Thing:
    found = rehearse(desk, deed, wish)
    _check_stands(found)
    return found


def _check_stands(found: Draft | Thing) -> None:
    if isinstance(found, Payment) and found.state in UNPAID:
        told = f"{found.id} was made so, and is {found.state}: nothing is held or taken"
        raise StateForbids(told, hint="to pay anew, give another --idempotency-key, or none")


def _check_ends_so(unit: Unit, paid: Payment, operation: Operation) -> None:
    """StateForbids where the hold that has the invoice ends by itself, and otherwise than is wished. How long one that was made
    elsewhere was asked for is not known; that it is released, as most are, is taken for granted."""
    made, wished = unit.operations.get(operation_id_of(paid.id)), operation.arguments
    had = made.arguments if made is not None else {"hold_for": wished["hold_for"]}
    if (had.get("hold_for"), bool(had.get("then_capture"))) != (wished["hold_for"], wished["then_capture"]):
        end = "captured" if had.get("then_capture") else "released"
        when = f" at {paid.expires_at:%Y-%m-%d %H:%M} UTC" if paid.expires_at else ""
        told = f"{operation.about} has {paid.id} already, a hold that is {end}{when}: not as is wished now"
        raise StateForbids(told, hint=f"release it first: `cardctl saved-card cancel {paid.id}`")


class _Expired(StateForbids):
    """Refused before anything was sent."""


def _expired(card: SavedCard) -> _Expired:
    return _Expired(
        f"{card.id} has expired ({card.exp_month:02d}/{card.exp_year}): it was not charged",
        hint="save a new one: `cardctl saved-card add --replace`, or see if its bank has renewed it: `cardctl saved-card sync`",
    )


def _lapsed(hold: Payment) -> StateForbids:
    """The provider has let go of it by itself, or captured it, and these books have not heard of that."""
    return StateForbids(
        f"{hold.id} was held for {hold.invoice} until {hold.expires_at:%Y-%m-%d %H:%M} UTC: how it ended is not known here",
        hint=f"`cardctl saved-card sync {hold.saved_card_id}` asks; then try again",
    )


def _new_payment(card: SavedCard, operation: Operation, what: PaymentKind) -> NewPayment:
    told = operation.arguments
    assert card.customer_ref is not None
    assert card.ref is not None
    assert operation.amount is not None
    return NewPayment(
        customer_ref=card.customer_ref,
        card_ref=card.ref,
        amount=operation.amount,
        invoice=operation.about,
        hold=what is PaymentKind.PREAUTH,
        hold_for=timedelta(seconds=told["hold_for"]) if told.get("hold_for") else None,
        then_capture=bool(told.get("then_capture")),
        tip=Money(told["tip"], operation.amount.currency) if told.get("tip") else None,
        verification=told["verification"],
    )


def _pay_wish(
    what: PaymentKind,
    card: SavedCard,
    amount: Money,
    invoice: str | None,
    told: dict[str, Any],
    *,
    caller_key: str | None = None,
    verification: str | None = None,
) -> tuple[Pay, Wish]:
    told = told | {"invoice": checked_invoice(invoice), "verification": verification}
    return Pay(what), Wish(card.id, told, amount=amount, caller_key=caller_key, about=invoice)


def _hold(hold_for: timedelta | None, then_capture: bool) -> dict[str, Any]:
    return {"hold_for": None if hold_for is None else int(hold_for.total_seconds()), "then_capture": then_capture}
