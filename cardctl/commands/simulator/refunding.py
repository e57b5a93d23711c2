"""`cardctl simulator refund`: a merchant at the far side gives money back, once or by mistake more often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.commands.simulator.swiping import NoDeliverOption
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.simulator.refunds import Refunded

PurchaseArgument = Annotated[
    str, typer.Argument(metavar="TRANSACTION", help="A settled purchase or payment: our id for it, or the far side's name.")
]
AmountOption = Annotated[
    str | None, typer.Option("--amount", metavar="AMOUNT", help="How much, such as 12.50; else what was not yet given back.")
]
TimesOption = Annotated[
    int,
    typer.Option("--times", metavar="N", min=1, max=100, help="Given back so often, whatever was paid: merchants do that."),
]


def refund(
    transaction: PurchaseArgument,
    amount: AmountOption = None,
    times: TimesOption = 1,
    no_deliver: NoDeliverOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a merchant give a purchase back. With --times it gives the same back again, and so more than was ever paid.

    It is told as the provider would: Strowallet is not known to tell of a refund at all.

    Example: cardctl simulator refund txn_7f3a9k2m --times 2
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import amount_of  # noqa: PLC0415
    from cardctl.commands.simulator._naming import far_name  # noqa: PLC0415
    from cardctl.output.shapes import money as shape  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        far_side, ref, told = run.far_side, far_name(run, transaction).ref, run.far_side.last_told()
        money = amount_of(amount, far_side.captured(ref).currency) if amount is not None else None
        made = far_side.refund(ref, money, times=times)
        _tell(run, told, no_deliver=no_deliver)
        data = {"card_ref": made.card_ref, "amount": shape(made.amount), "purchase_ref": ref}
        run.console.done({**data, "transaction_refs": list(made.transaction_refs)}, _lines(made))


def _tell(run: Run, since: int, *, no_deliver: bool) -> None:
    from cardctl.commands.simulator._inbox import hand_out  # noqa: PLC0415

    if run.far_side.last_told() == since:
        run.console.warn("NOT_TOLD", "this provider tells nobody of a refund: `cardctl transaction pull` finds it")
    elif not no_deliver:
        hand_out(run, since)


def _lines(made: Refunded) -> list[str]:
    by = f" by {made.merchant}" if made.merchant else ""
    return [f"refunded: {made.amount}{by}, {ref}" for ref in made.transaction_refs]
