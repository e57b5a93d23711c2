"""`cardctl esim …`: its verbs, by what they do: selling, fulfilling, reading, reconciling."""

import typer

from cardctl.commands.esim import fulfilling, reading, reconciling, selling

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Paid orders that become eSIMs: sold, fulfilled, refunded.")
app.command("offers")(selling.offers)
app.command("balance")(selling.balance)
app.command("checkout")(selling.checkout)
app.command("fulfil")(fulfilling.fulfil)
app.command("retry")(fulfilling.retry)
app.command("list")(reading.list_)
app.command("show")(reading.show)
app.command("reconcile")(reconciling.reconcile)
