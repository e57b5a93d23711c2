"""`cardctl simulator …`: the built-in bank; its verbs, by who does them: merchants, messengers, bad luck, staff, a port."""

import typer

from cardctl.commands.simulator import delivering, disputing, failing, paying, recharging, refunding, serving, staff, swiping

app = typer.Typer(add_completion=False)
app.command("serve")(serving.serve)
app.command("swipe")(swiping.swipe)
app.command("pay")(paying.pay)
app.command("recharge")(recharging.recharge)
app.command("refund")(refunding.refund)
app.command("dispute")(disputing.dispute)
app.command("deliver", epilog=delivering.FAULTS)(delivering.deliver)
app.command("resend")(delivering.resend)
app.command("fault", epilog=failing.KINDS)(failing.fault)
app.command("edit")(staff.edit)
app.command("advance")(staff.advance)
app.command("reset")(staff.reset)
app.command("status")(staff.status)
