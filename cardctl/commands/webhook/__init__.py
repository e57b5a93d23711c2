"""`cardctl webhook …`: what providers tell us; its verbs, by what they do: serving, taking in, reading, replaying."""

import typer

from cardctl.commands.webhook import reading, replaying, serving, taking

app = typer.Typer(add_completion=False)
app.command("serve")(serving.serve)
app.command("ingest")(taking.ingest)
app.command("verify")(taking.verify)
app.command("list")(reading.list_)
app.command("show")(reading.show)
app.command("replay")(replaying.replay)
app.command("backfill")(replaying.backfill)
