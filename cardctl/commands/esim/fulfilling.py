"""The verbs of `cardctl esim` that take orders further: fulfil, retry."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cardctl.commands._jobs import DeadlineOption
from cardctl.commands._jobs import WaitOption as RandomWaitOption
from cardctl.commands._options import (
    DryRunOption,
    ForceOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    TimeoutOption,
)
from cardctl.commands.esim._words import (
    SALES,
    DemoOfferOption,
    DemoOption,
    FailedOption,
    NewRecipientOption,
    OrderFileOption,
    OrdersArgument,
    PaymentOption,
    QrOption,
    SaveOption,
    SessionOption,
    WaitOption,
    WorkersOption,
)
from cardctl.domain.spans import span
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cardctl.domain.orders import Order
    from cardctl.services.flows.fulfilling.beginning import WhichOrder


def fulfil(
    payment: PaymentOption = None,
    session: SessionOption = None,
    order: OrderFileOption = None,
    demo: DemoOption = False,
    offer: DemoOfferOption = None,
    wait: WaitOption = "30s",
    save: SaveOption = None,
    force: ForceOption = False,
    qr: QrOption = True,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Take one paid order as far as it goes.

    It is priced, the wallet seen to, the eSIM bought and mailed; or its customer refunded. Safe to repeat: nothing is bought,
    mailed or given back twice. Exit 0 with the warning ORDER_PENDING where it waits, and `cardctl esim retry` goes on; 3: it
    was refunded, or needs a person; 8: somebody could not be reached; 9: in doubt.

    Example: cardctl esim fulfil --payment pi_3Q1… --save qr.png

    Example: cardctl esim fulfil --demo
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands.esim import _shown  # noqa: PLC0415
    from cardctl.runtime.fulfilling import shop  # noqa: PLC0415
    from cardctl.services.flows.fulfilling import advancing, beginning, rehearsing  # noqa: PLC0415

    _only_one(payment, session, order, demo=demo, offer=offer)
    patience = 0.0 if wait == "0s" else span(wait).total_seconds()
    with runtime.opened(output=output, profile=profile, provider=SALES, live=live, timeout=timeout) as run:
        _shown.check_can_save(save, force=force)
        made = shop(run)
        named = _shown.demo(run, made, offer, dry_run=dry_run) if demo else _named(payment, session, order)
        if named is None:
            return ExitCode.DONE
        if dry_run:
            _shown.show_rehearsal(run, rehearsing.rehearse(made, named))
            return ExitCode.DONE
        begun = beginning.begin(made, named)
        ended = advancing.advance(made, begun.id, patience=patience, wait=True)
        return _shown.show_fulfilled(run, ended, save=save, force=force, qr=qr)


def retry(
    orders: OrdersArgument = None,
    failed: FailedOption = False,
    recipient: NewRecipientOption = None,
    workers: WorkersOption = 8,
    deadline: DeadlineOption = None,
    random_wait: RandomWaitOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Go on with the orders that are due, or that are named.

    Each goes on where it stopped; for cron, every minute. Exit 3: some need a person; 9: in doubt; 10: some failed for now, or
    were not come to.

    Example: cardctl esim retry --failed
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._jobs import job  # noqa: PLC0415
    from cardctl.commands.esim import _shown  # noqa: PLC0415
    from cardctl.runtime.fulfilling import shop  # noqa: PLC0415
    from cardctl.services.flows.finding_orders import find_order  # noqa: PLC0415
    from cardctl.services.flows.fulfilling import beginning, running  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=SALES, live=live, timeout=timeout) as run:
        made = shop(run)
        named = [find_order(run.books, name) for name in orders or ()]
        if recipient is not None and len(named) != 1:
            raise BadInput("--recipient is of one order, which is to be named")
        chosen = [*named, *_others(running.failed(made), named)] if failed else named
        if dry_run:
            _shown.show_due(run, chosen if orders else [*chosen, *_others(running.waiting(made), chosen)])
            return ExitCode.DONE
        with job(run, "esim", deadline=deadline, random_wait=random_wait) as late:
            if recipient is not None:
                beginning.try_again(made, named[0], recipient=recipient)
            with run.console.progress("orders") as progress:
                how = partial(running.run, made, workers=workers, late=late, progress=progress)
                ran = how(chosen, named={one.id for one in named}) if chosen else running.Ran()
                if not orders:
                    ran.add(how())
            return _shown.show_ran(run, ran, late.verdict(ran.exit_code))


def _others(found: Sequence[Order], named: Sequence[Order]) -> list[Order]:
    """Those that nobody has named."""
    ids = {one.id for one in named}
    return [one for one in found if one.id not in ids]


def _only_one(payment: str | None, session: str | None, order: Path | None, *, demo: bool, offer: str | None) -> None:
    if sum(bool(each) for each in (payment, session, order, demo)) != 1:
        raise BadInput("an order is named by one of --payment, --session, --order FILE, or --demo")
    if offer is not None and not demo:
        raise BadInput("--offer is what --demo buys; a paid order says itself what was bought")


def _named(payment: str | None, session: str | None, order: Path | None) -> WhichOrder:
    from cardctl.config.order_file import read_order  # noqa: PLC0415
    from cardctl.services.flows.fulfilling.beginning import WhichOrder  # noqa: PLC0415

    if order is None:
        return WhichOrder(payment=payment, checkout=session)
    told = read_order(order)
    return WhichOrder(payment=told.payment, data=told.data)
