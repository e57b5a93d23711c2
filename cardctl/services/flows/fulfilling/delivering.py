"""The letters of an order: its eSIM, or that the money goes back. Sent again until the server has taken it, and nothing is
bought again for that; a kill between the server's yes and our note sends it twice, under one Message-ID."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cardctl.db.unit import Unit
from cardctl.domain.fulfilment import FOREVER, SAID_TO_CUSTOMERS, Why
from cardctl.domain.letters import Letter, LetterKind, message_id_of
from cardctl.domain.orders import Order, OrderState, StepName, StepState
from cardctl.domain.redaction import Secret, redact
from cardctl.errors import BadConfig, MailRefused, MailUnavailable, SecretProblem
from cardctl.services.flows.fulfilling.shop import Shop
from cardctl.services.order_entries import note_step

_NO_SERVER = "no mail server is configured"


def mail(shop: Shop, order: Order) -> None:
    """Send the eSIM to its recipient; then the order is delivered."""

    def delivered(unit: Unit, fresh: Order) -> Order:
        note_step(unit, fresh.id, StepName.MAIL, StepState.DONE, shop.now(), error=None if shop.mail else _NO_SERVER)
        done = replace(_laid_down(fresh), state=OrderState.DELIVERED, delivered_at=shop.now(), due_at=FOREVER)
        return replace(done, tries=0, reason_code=None, reason=None)

    _send(shop, order, StepName.MAIL, LetterKind.DELIVERY, delivered)


def tell(shop: Shop, order: Order) -> None:
    """Tell the customer that the money goes back."""

    def told(unit: Unit, fresh: Order) -> Order:
        note_step(unit, fresh.id, StepName.TELL, StepState.DONE, shop.now(), error=None if shop.mail else _NO_SERVER)
        return replace(_laid_down(fresh), due_at=FOREVER, tries=0)

    _send(shop, order, StepName.TELL, LetterKind.REFUND, told)


def _laid_down(order: Order) -> Order:
    """Nothing is left to be done: who works on it leaves it with the same commit."""
    return replace(order, lease="", leased_until=None)


def _send(shop: Shop, order: Order, name: StepName, kind: LetterKind, after: Callable[[Unit, Order], Order]) -> None:
    if shop.mail is None and shop.terms.must_mail and order.recipient is not None:
        shop.put_off(order, name, Why.NO_MAIL_SERVER, _NO_SERVER, seconds=900)
        return
    if shop.mail is not None and order.recipient is not None:
        letter = _letter(shop, order, kind)
        with shop.books.write() as unit:
            note_step(unit, order.id, name, StepState.RUNNING, shop.now())
        try:
            shop.mail(letter)
        except (MailUnavailable, SecretProblem, BadConfig) as error:
            # A login or a template is every mail's trouble, and no order's.
            shop.put_off(order, name, Why.MAIL_UNAVAILABLE, error.message)
            return
        except MailRefused as error:
            _refused(shop, order, name, error.message)
            return
    shop.change(order, after, "order.delivered" if name is StepName.MAIL else "order.told")


def _letter(shop: Shop, order: Order, kind: LetterKind) -> Letter:
    assert order.recipient is not None
    with shop.books.read() as unit:
        activation, picture = unit.orders.esim(order.id) if kind is LetterKind.DELIVERY else (None, None)
        instructions = unit.orders.instructions(order.id) if kind is LetterKind.DELIVERY else None
    return Letter(
        kind=kind,
        to=order.recipient,
        message_id=message_id_of(order.id, kind, shop.mail_domain),
        order_id=order.id,
        title=order.title or order.offer_id,
        name=order.full_name,
        activation=None if activation is None else Secret(activation),
        qr_png=picture,
        iccid=order.iccid,
        instructions=instructions,
        reason=SAID_TO_CUSTOMERS.get(order.reason_code or "") if kind is LetterKind.REFUND else None,
        amount=order.refunded if kind is LetterKind.REFUND else None,
        twice=order.reason_code == Why.PAID_TWICE,
    )


def _refused(shop: Shop, order: Order, name: StepName, said: str) -> None:
    """No for good: an address that is none. What was bought waits for another address; what was given back needs no more."""

    def waits(unit: Unit, fresh: Order) -> Order:
        note_step(unit, fresh.id, name, StepState.FAILED, shop.now(), error=said)
        if name is StepName.TELL:
            return replace(fresh, due_at=FOREVER)
        return replace(fresh, due_at=FOREVER, reason_code=Why.MAIL_REFUSED, reason=redact(said))

    shop.change(order, waits, "order.mail_refused")
