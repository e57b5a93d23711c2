"""What the verbs of `cardctl esim` share between parsing and rendering: how an order ended, its QR code, a run of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardctl.commands.esim._words import SALES, SUPPLY
from cardctl.domain.fulfilment import Why
from cardctl.domain.orders import Order, OrderState
from cardctl.errors import DevelopmentOnly, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.fulfilling.beginning import WhichOrder
    from cardctl.services.flows.fulfilling.rehearsing import Rehearsed
    from cardctl.services.flows.fulfilling.running import Ran
    from cardctl.services.flows.fulfilling.shop import Shop

_DEMO_OFFER = "ESIM-TR-7D-1GB"
_DEMO_RECIPIENT, _DEMO_NAME = "demo@example.com", "Demo Customer"
_ISSUED = (OrderState.READY, OrderState.DELIVERED)
_ENDED_BADLY = (OrderState.REFUNDING, OrderState.REFUNDED, OrderState.STUCK)


def check_can_save(save: Path | None, *, force: bool) -> None:
    """Errors as `qr.check_can_save`, where a QR code is to be saved at all."""
    from cardctl.output import qr  # noqa: PLC0415

    if save is not None:
        qr.check_can_save(save, force=force)


def demo(run: Run, shop: Shop, offer: str | None, *, dry_run: bool) -> WhichOrder | None:
    """A customer of the simulator who has paid. DevelopmentOnly (6) anywhere else."""
    from cardctl.services.deeds import checking_out  # noqa: PLC0415
    from cardctl.services.flows.fulfilling.beginning import WhichOrder  # noqa: PLC0415
    from cardctl.services.flows.fulfilling.offering import check_offer, check_price, wanted_checkout  # noqa: PLC0415

    if run.settings.profile.environment != "simulator":
        raise DevelopmentOnly(f"`esim fulfil --demo` makes a customer up: never in {run.settings.profile.environment}")
    found = check_offer(shop.supply, offer or _DEMO_OFFER)
    price = found.price or found.cost
    check_price(found, price, shop.terms)
    wanted = wanted_checkout(found, price, _DEMO_RECIPIENT, _DEMO_NAME, checkout_name(run, None), (None, None))
    if dry_run:
        from cardctl.commands import _frame  # noqa: PLC0415

        _frame.show_rehearsal(run, checking_out.rehearse_checkout(shop.sales, wanted), then=("a customer pays it", "esim.buy"))
        return None
    made = checking_out.check_out(shop.sales, wanted).object
    assert isinstance(made, Order)
    assert made.checkout_ref is not None
    run.console.notice(f"a customer pays {price} for {found.title} at {made.checkout_ref}")
    run.far_side.pay(made.checkout_ref)
    return WhichOrder(checkout=made.checkout_ref)


def checkout_name(run: Run, idempotency_key: str | None) -> str:
    """A name of the order where the seller has none; with a key the same each time."""
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.domain.orders import transaction_id_for  # noqa: PLC0415

    return transaction_id_for(run.settings.programme(SALES), idempotency_key or runtime.new_id("order"))


def show_fulfilled(run: Run, order: Order, *, save: Path | None, force: bool, qr: bool) -> ExitCode:
    """How an order ended, or where it stands; its QR code drawn and saved where there is one and it was asked for."""
    from cardctl.output.order_shapes import order as order_shape  # noqa: PLC0415
    from cardctl.services.flows.finding_orders import steps_of  # noqa: PLC0415
    from cardctl.services.flows.fulfilling.running import held_up  # noqa: PLC0415

    issued = order.state in _ISSUED
    if issued and (save is not None or (qr and run.console.shows_secrets)):
        show_code(run, order, save=save, force=force, draw=qr)
    code = exit_code_of(order, held_up(run.books, order))
    if code is ExitCode.DONE and order.state is not OrderState.DELIVERED:
        run.console.warn("ORDER_PENDING", f"{order.id} is {order.state}{_why(order)}; `cardctl esim retry` goes on")
    if order.state is OrderState.DELIVERED and run.settings.profile.mail.host is None:
        run.console.warn("NO_MAIL_SERVER", "no mail was sent: the profile names no mail server")
    steps = steps_of(run.books, order.id)
    run.console.done({"order": order_shape(order, steps)}, [line_of(order)])
    return code


def show_code(run: Run, order: Order, *, save: Path | None, force: bool, draw: bool) -> None:
    """The QR code of an order, on the terminal and into a file; audited."""
    from cardctl.output import qr  # noqa: PLC0415
    from cardctl.services.flows.finding_orders import reveal_code  # noqa: PLC0415

    code = reveal_code(run.desk(provider=SUPPLY), order)
    if save is not None:
        qr.save(save, activation=code.activation, picture=code.picture, force=force)
        run.console.notice(f"the QR code is in {save}")
    if draw and code.activation is not None:
        run.console.draw(qr.drawn(code.activation.reveal(), color=run.console.colored))
    elif draw and run.console.shows_secrets:
        run.console.notice("the supplier gave this QR code as a picture only: --save FILE.png")


def exit_code_of(order: Order, held_up: Why | None) -> ExitCode:
    """3 where the order came to nothing, or a person is needed; 9 in doubt; 8 where somebody could not be reached."""
    if held_up is Why.IN_DOUBT:
        return ExitCode.IN_DOUBT
    if order.state in _ENDED_BADLY or held_up is Why.MAIL_REFUSED:
        return ExitCode.FINDINGS
    return ExitCode.UNAVAILABLE if held_up in (Why.UNAVAILABLE, Why.MAIL_UNAVAILABLE) else ExitCode.DONE


def line_of(order: Order) -> str:
    """An order in one line, as a person reads it."""
    told = {
        OrderState.DELIVERED: f"delivered to {order.recipient}",
        OrderState.READY: f"ready for {order.recipient}",
        OrderState.REFUNDED: f"refunded {order.refunded}",
    }
    return f"{order.id} {order.title or order.offer_id}: {told.get(order.state, str(order.state))}{_why(order)}"


def show_rehearsal(run: Run, rehearsed: Rehearsed) -> None:
    """What would be sent for an order, or why nothing would."""
    from cardctl.commands import _frame  # noqa: PLC0415

    run.console.notice(line_of(rehearsed.order))
    if rehearsed.drafts:
        _frame.show_rehearsal(run, *rehearsed.drafts, then=rehearsed.then)
    else:
        run.console.done({"would_send": [], "would_follow": list(rehearsed.then)}, ["would send nothing", *rehearsed.then])


def show_whole(run: Run, told: dict[str, Any]) -> None:
    """An order with all that came of it; for a person each list is a table of its own."""
    from cardctl.output import tables  # noqa: PLC0415

    lists = {"steps": tables.STEPS, "topups": tables.TOPUPS, "refunds": tables.SALE_REFUNDS, "plans": tables.PLANS}
    if run.console.output is not Output.TABLE:
        run.console.show(told)
        return
    run.console.show({name: value for name, value in told.items() if name not in lists})
    for name, columns in lists.items():
        if told.get(name):
            run.console.rows(told[name], columns)


def show_due(run: Run, orders: Sequence[Order]) -> None:
    """What a retry would go on with."""
    from cardctl.output import tables  # noqa: PLC0415
    from cardctl.output.order_shapes import order as order_shape  # noqa: PLC0415

    run.console.rows(map(order_shape, orders), tables.ORDERS)


def show_ran(run: Run, ran: Ran, code: ExitCode) -> ExitCode:
    """A run of many orders: how many ended how, and those that did not end well."""
    from cardctl.output.order_shapes import order as order_shape  # noqa: PLC0415

    counts = Counter(str(order.state) for order in ran.orders)
    failed = [{"order_id": id_, "error_code": error.code, "message": error.message} for id_, error in ran.errors.items()]
    data = {
        "orders": [order_shape(order) for order in ran.orders],
        "counts": dict(sorted(counts.items())),
        "failed": failed,
        "not_reached": ran.not_reached,
    }
    lines = [", ".join(f"{many} {state}" for state, many in sorted(counts.items())) or "no order is due"]
    lines += [line_of(order) for order in ran.orders if order.state is not OrderState.DELIVERED]
    lines += [f"{each['order_id']} failed: {each['message']}" for each in failed]
    run.console.done(data, lines + ([f"{ran.not_reached} not reached"] if ran.not_reached else []))
    return code


def _why(order: Order) -> str:
    return f" ({order.reason})" if order.reason else ""
