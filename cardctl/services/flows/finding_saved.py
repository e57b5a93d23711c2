"""Finding saved cards and payments in our own books: by every name that a person may use, and as lists. Asks no provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TypeVar

from cardctl.db.payments import PaymentFilter
from cardctl.db.saved_cards import SavedCardFilter
from cardctl.db.unit import Books, Unit
from cardctl.domain.payments import PAYING, Dispute, Payment, PaymentState, Refund
from cardctl.domain.saved_cards import SavedCard, SavedCardState, first_month
from cardctl.errors import AmbiguousName, BadInput, NotFound, OutcomeUnknown, StateForbids

T = TypeVar("T")

_HELD = (PaymentState.APPROVED, PaymentState.PENDING)
FEW = 50
"""So many payments of a saved card are shown."""


def find_saved_card(books: Books, name: str, *, ours: str | None = None, prefix: bool = True) -> SavedCard:
    """The saved card that `name` means: our id, a prefix of 8 or more, the person, or the provider's name. NotFound,
    AmbiguousName: a person may have one with each of several sellers, and `ours` is the programme whose is meant then."""
    with books.read() as unit:
        return _only_card(unit, "saved card", name, ours, prefix=prefix)


def find_payment(books: Books, name: str, *, prefix: bool = True) -> Payment:
    """The payment that `name` means: our id, a prefix of it, or the provider's name. NotFound, AmbiguousName."""
    with books.read() as unit:
        return _only(unit.payments.find(name, prefix=prefix), "payment", name)


def find_hold(books: Books, name: str, *, invoice: str | None = None, ours: str | None = None, prefix: bool = True) -> Payment:
    """The payment that is to be captured or released: by its own name, or the hold of a saved card, that of an invoice or its
    only one. With an invoice also one that is held no more: who asks again is told how it ended."""
    with books.read() as unit:
        named = unit.payments.find(name, prefix=prefix)
        if named:
            return _of_invoice(_only(named, "payment", name), invoice)
        card = _only_card(unit, "saved card or payment", name, ours, prefix=prefix)
        if invoice is not None:
            return _by_invoice(unit, card, invoice)
        held = [one for one in _newest(unit, card) if one.state in _HELD]
        _refuse_doubt(unit, card)
    if not held:
        raise StateForbids(f"nothing is held on {card.id}", hint=f"see `cardctl saved-card show {card.id}`")
    return _one_of(held, f"several holds are on {card.id}")


def find_refundable(
    books: Books, name: str, *, invoice: str | None = None, ours: str | None = None, prefix: bool = True
) -> Payment:
    """The payment that is to be refunded: by its own name (then `invoice` is the refund's own), or of a saved card, that of an
    invoice or its only one that has anything left. NotFound says how another part is named."""
    with books.read() as unit:
        named = unit.payments.find(name, prefix=prefix)
        if named:
            return _only(named, "payment", name)
        card = _only_card(unit, "saved card or payment", name, ours, prefix=prefix)
        if invoice is not None:
            another = f"for another part name the payment itself: `cardctl saved-card refund pay_… --invoice {invoice}`"
            return _by_invoice(unit, card, invoice, hint=another)
        left = [one for one in _newest(unit, card) if one.refundable.minor]
    if not left:
        raise StateForbids(f"nothing on {card.id} can be refunded", hint=f"see `cardctl saved-card show {card.id}`")
    return _one_of(left, f"several payments of {card.id} can be refunded")


def list_saved_cards(
    books: Books,
    now: datetime,
    *,
    person: str | None = None,
    provider: str | None = None,
    state: SavedCardState | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Iterator[SavedCard]:
    """Saved cards, newest first, streamed, as they are `now`: one whose month is over is expired, whoever has noticed."""
    wanted = SavedCardFilter(
        person=person, provider=provider, state=state, past=first_month(now), since=since, until=until, limit=limit
    )
    with books.read() as unit:
        yield from (card.as_of(now) for card in unit.saved_cards.rows(wanted))


def payments_of(books: Books, card: SavedCard, *, limit: int = FEW) -> list[tuple[Payment, list[Refund], list[Dispute]]]:
    """The newest payments of a saved card, each with its refunds and disputes."""
    with books.read() as unit:
        found = list(unit.payments.rows(PaymentFilter(saved_card_id=card.id, limit=limit)))
        return [(one, unit.payments.refunds_of(one.id), unit.payments.disputes_of(card.programme, one.ref)) for one in found]


def _newest(unit: Unit, card: SavedCard) -> list[Payment]:
    return list(unit.payments.rows(PaymentFilter(saved_card_id=card.id, limit=1_000)))


def _by_invoice(unit: Unit, card: SavedCard, invoice: str, *, hint: str | None = None) -> Payment:
    found = [one for one in unit.payments.of_invoice(card.programme, invoice) if one.saved_card_id == card.id]
    if not found:
        _refuse_doubt(unit, card, invoice)
        see = f"see `cardctl saved-card show {card.id}`"
        raise NotFound("payment", invoice, hint=f"{hint}; {see}" if hint else see)
    return next((one for one in reversed(found) if one.state in _HELD), found[-1])


def _refuse_doubt(unit: Unit, card: SavedCard, invoice: str | None = None) -> None:
    """OutcomeUnknown where a payment that may be meant is in doubt: nobody knows whether it is there."""
    for one in unit.operations.open_for(card.id):
        if one.kind in PAYING and (invoice is None or one.about == invoice):
            hint = f"settle it: `cardctl operation resume {one.id}`, or `cardctl operation resolve {one.id} --cancel`"
            raise OutcomeUnknown(f"{one.kind} {one.id} on {card.id} is in doubt", operation_id=one.id, hint=hint)


def _of_invoice(payment: Payment, invoice: str | None) -> Payment:
    if invoice is not None and payment.invoice != invoice:
        raise BadInput(f"{payment.id} is of the invoice {payment.invoice}, not {invoice}")
    return payment


def _one_of(found: list[Payment], told: str) -> Payment:
    if len(found) > 1:
        names = ", ".join(f"{one.id} ({one.invoice or one.amount})" for one in found[:3])
        raise AmbiguousName(told, hint=f"name the payment, or its --invoice: {names}")
    return found[0]


def _only_card(unit: Unit, noun: str, name: str, ours: str | None, *, prefix: bool) -> SavedCard:
    found = unit.saved_cards.find(name, prefix=prefix)
    return _only([card for card in found if card.programme == ours] if len(found) > 1 and ours else found, noun, name)


def _only(found: list[T], noun: str, name: str) -> T:
    if not found:
        raise NotFound(noun, name, hint="see `cardctl saved-card list`")
    if len(found) > 1:
        raise AmbiguousName(f"more than one {noun} answers to {name!r}", hint="give its id")
    return found[0]
