"""`cardctl card …`: its verbs, by what they do: reading, making, states, money."""

import typer

from cardctl.commands.card import making, money, reading, states

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Issue cards, freeze them, fund them, and see what they are."
)
app.command("issue")(making.issue)
app.command("list")(reading.list_)
app.command("show")(reading.show)
app.command("activate")(states.activate)
app.command("freeze")(states.freeze)
app.command("unfreeze")(states.unfreeze)
app.command("close")(states.close)
app.command("replace")(making.replace)
app.command("fund")(money.fund)
app.command("withdraw")(money.withdraw)
app.command("limits")(money.limits)
app.command("sync")(reading.sync)
app.command("reveal")(reading.reveal)
app.command("wallet-payload")(reading.wallet_payload)
