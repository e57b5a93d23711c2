"""`cardctl account …`: whoever holds cards; its verbs, by what they do: making, reading, changing."""

import typer

from cardctl.commands.account import changing, making, reading

app = typer.Typer(add_completion=False)
app.command("create")(making.create)
app.command("list")(reading.list_)
app.command("show")(reading.show)
app.command("update")(changing.update)
app.command("activate")(changing.activate)
app.command("suspend")(changing.suspend)
app.command("close")(changing.close)
app.command("sync")(reading.sync)
