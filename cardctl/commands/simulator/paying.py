"""`cardctl simulator pay`: the customer of the profile's shop pays a checkout at the far side, or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.commands.simulator.swiping import NoDeliverOption
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.simulator.sales.counter import Paid

RefArgument = Annotated[
    str, typer.Argument(metavar="REF", help="A checkout (cs_…) or a payment intent (pi_…) at Stripe, or our id of its order.")
]
DeclinedOption = Annotated[bool, typer.Option("--declined", help="The customer's bank says no.")]
LaterOption = Annotated[
    bool, typer.Option("--later", help="By a bank debit: on its way, until it is paid once more, or --declined.")
]
EmailOption = Annotated[
    str | None, typer.Option("--email", metavar="ADDRESS", help="What the customer gives, where the checkout did not say.")
]


def pay(
    ref: RefArgument,
    declined: DeclinedOption = False,
    later: LaterOption = False,
    email: EmailOption = None,
    no_deliver: NoDeliverOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Pay a checkout as its customer would. It is told as Stripe would: to the addresses registered there, or to the inbox.

    Example: cardctl simulator pay cs_test_1TzKb3 --email ada@example.com
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands.simulator._inbox import hand_out  # noqa: PLC0415
    from cardctl.commands.simulator._naming import far_name  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        told = run.far_side.last_told()
        paid = run.far_side.pay(far_name(run, ref).ref, declined=declined, later=later, email=email)
        if not no_deliver:
            hand_out(run, told)
        run.console.done(_shape(paid), [f"{_word(paid)}: {paid.amount}, {paid.payment_ref}"])


def _word(paid: Paid) -> str:
    if paid.reason is not None:
        return f"declined ({paid.reason})"
    return "paid" if paid.status == "succeeded" else paid.status


def _shape(paid: Paid) -> dict[str, Any]:
    from cardctl.output.shapes import money  # noqa: PLC0415

    told = {"paid": paid.status == "succeeded", "status": paid.status, "reason": paid.reason}
    return {**told, "amount": money(paid.amount), "payment_ref": paid.payment_ref, "checkout_ref": paid.checkout_ref}
