"""`cardctl simulator dispute`: a buyer's bank wants the money of a payment back, and what comes of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.commands.simulator.swiping import NoDeliverOption
from cardctl.output.console import Output


class Verdict(StrEnum):
    WON = "won"
    LOST = "lost"


PaymentArgument = Annotated[
    str, typer.Argument(metavar="PAYMENT", help="A payment: our id for it, or the far side's name; with --decide a dispute's.")
]
AmountOption = Annotated[
    str | None, typer.Option("--amount", metavar="AMOUNT", help="How much of it, such as 12.50; else all of it.")
]
ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", metavar="WORD", help="The provider's word: NOT_RECEIVED at Square, fraudulent at Stripe."),
]
DecideOption = Annotated[Verdict | None, typer.Option("--decide", help="How the dispute ends, as the seller sees it.")]


def dispute(
    payment: PaymentArgument,
    amount: AmountOption = None,
    reason: ReasonOption = None,
    decide: DecideOption = None,
    no_deliver: NoDeliverOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a buyer's bank dispute a payment at Square or Stripe, or decide a dispute. It is told as the provider would.

    Example: cardctl simulator dispute pay_7f3a9k2m --reason NOT_RECEIVED
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import amount_of  # noqa: PLC0415
    from cardctl.commands.simulator._inbox import hand_out  # noqa: PLC0415
    from cardctl.commands.simulator._naming import far_name  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        far_side, told = run.far_side, run.far_side.last_told()
        ref = far_name(run, payment).ref
        if decide is None:
            money = amount_of(amount, far_side.captured(ref).currency) if amount is not None else None
            ref = far_side.dispute(ref, money, reason)
        else:
            far_side.decide_dispute(ref, decide.value)
        if not no_deliver:
            hand_out(run, told)
        run.console.done({"dispute_ref": ref, "decided": decide}, [f"{'opened' if decide is None else decide.value}: {ref}"])
