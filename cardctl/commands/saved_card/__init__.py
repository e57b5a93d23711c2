"""`cardctl saved-card …`: its verbs, by what they do: keeping, charging, capturing."""

import typer

from cardctl.commands.saved_card import capturing, charging, keeping

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Buyers' own cards, kept as tokens with a seller: saved, charged, held."
)
app.command("add")(keeping.add)
app.command("list")(keeping.list_)
app.command("show")(keeping.show)
app.command("charge")(charging.charge)
app.command("preauth")(charging.preauth)
app.command("capture")(capturing.capture)
app.command("cancel")(capturing.cancel)
app.command("refund")(capturing.refund)
app.command("disable")(keeping.disable)
app.command("sync")(keeping.sync)
