"""The verbs of `cardctl esim` that read: list, show."""

from __future__ import annotations

from cardctl.commands._options import (
    ForceOption,
    LimitOption,
    OutputOption,
    ProfileOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    moment,
)
from cardctl.commands.esim._words import (
    SALES,
    SUPPLY,
    OnlyRecipientOption,
    OrderArgument,
    PlansOption,
    SaveOption,
    ShowQrOption,
    StateOption,
)
from cardctl.errors import StateForbids
from cardctl.output.console import Output


def list_(
    state: StateOption = None,
    recipient: OnlyRecipientOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the orders of our books, newest first.

    Example: cardctl esim list --state stuck -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import order_shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.finding_orders import list_orders  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=SALES) as run:
        found = list_orders(
            run.books,
            states=[state] if state else (),
            recipient=recipient,
            since=moment(since, now=runtime.now()) if since else None,
            until=moment(until, now=runtime.now()) if until else None,
            limit=one_more(limit),
        )
        orders, cut = limited(found, limit)
        run.console.rows(map(order_shapes.order, orders), tables.ORDERS, limit_cut=cut)


def show(
    order: OrderArgument,
    qr: ShowQrOption = False,
    save: SaveOption = None,
    force: ForceOption = False,
    plans: PlansOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one order with its steps, from our books.

    Its QR code is shown on a terminal or saved into a file, with an audit entry; --plans asks the supplier.

    Example: cardctl esim show pi_3Q1… --qr
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands.esim import _shown  # noqa: PLC0415
    from cardctl.output import order_shapes  # noqa: PLC0415
    from cardctl.providers.base import require  # noqa: PLC0415
    from cardctl.providers.selling import SellsEsims  # noqa: PLC0415
    from cardctl.services.flows.finding_orders import find_order, whole_order  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=SALES, timeout=timeout) as run:
        found = find_order(run.books, order)
        _shown.check_can_save(save, force=force)
        if qr:
            run.console.check_can_reveal("QR codes")
        left = None
        if plans:
            if found.iccid is None:
                raise StateForbids(f"{found.id} is {found.state}: it has no eSIM yet")
            left = require(run.provider(SUPPLY), SellsEsims).plans(found.iccid)
        if qr or save is not None:
            _shown.show_code(run, found, save=save, force=force, draw=qr)
        whole = whole_order(run.books, found)
        _shown.show_whole(run, order_shapes.order_whole(whole.order, whole.steps, whole.topups, whole.refunds, left))
