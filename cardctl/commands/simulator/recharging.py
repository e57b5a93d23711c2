"""`cardctl simulator recharge`: money comes into the wallet that eSIMs are bought from, as by wire or by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption
from cardctl.output.console import Output

AmountArgument = Annotated[
    str, typer.Argument(metavar="AMOUNT", help="In US dollars, such as 250.00; with --set from 0.00 on.")
]
SetOption = Annotated[
    bool, typer.Option("--set", help="The balance is AMOUNT afterwards, as Zendit's console sets it in test mode.")
]


def recharge(
    amount: AmountArgument,
    to: SetOption = False,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Put money into the simulated Zendit's wallet, or set its balance. Either is an entry of the wallet's ledger.

    Example: cardctl simulator recharge 250.00
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import amount_of  # noqa: PLC0415
    from cardctl.domain.money import Money  # noqa: PLC0415
    from cardctl.output.shapes import money  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        far_side = run.far_side
        money_in = Money.parse(amount, "USD") if to else amount_of(amount, "USD")
        ref = far_side.set_wallet(money_in) if to else far_side.recharge_wallet(money_in)
        balance = far_side.wallet_balance()
        run.console.done({"ledger_ref": ref, "balance": money(balance)}, [f"the wallet has {balance}"])
