"""`cardctl provider …`: what each provider can do, whether it answers, what the programme holds there."""

from __future__ import annotations

import typer

from cardctl.commands._options import OutputOption, ProfileOption, ProviderOption, TimeoutOption
from cardctl.output.console import Output

app = typer.Typer(add_completion=False)


@app.command("list")
def list_(output: OutputOption = Output.TABLE) -> None:
    """List what each provider can do through cardctl; `not yet` is a provider without an adapter so far.

    Example: cardctl provider list
    """
    from cardctl import config, runtime  # noqa: PLC0415
    from cardctl.providers import registry  # noqa: PLC0415

    console, table = runtime.console_for(output), registry.capability_table(config.PROVIDERS)
    if output is Output.TABLE:
        lines = ({"capability": name.replace("_", " "), **words} for name, words in registry.capability_rows(table))
        console.rows(lines, ("capability", *table))
    else:
        shapes = ({"provider": name, "adapter": can is not None, "capabilities": can or {}} for name, can in table.items())
        console.rows(shapes, ("provider", "adapter", "capabilities"))


@app.command()
def check(
    provider: ProviderOption = None,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Ask whether the provider is there and takes the key, and compares its clock with ours. Exit 4: the key, 8: no answer.

    Example: cardctl provider check --profile acme-sandbox
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.shapes import instant  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        bank = run.provider()
        with run.console.progress(f"asking {bank.name}"):
            ping = bank.ping()
        if ping.mode is None:
            run.console.warn("MODE_NOT_PROVEN", f"nothing shows whether this key of {bank.name} is a test or a live one")
        data = {
            "provider": bank.name,
            "programme": bank.programme,
            "environment": bank.environment,
            "latency_ms": ping.latency_ms,
            "key_mode": ping.mode,
            "mode_proven": ping.mode is not None,
            "clock": instant(ping.clock),
            "clock_skew_seconds": round((ping.clock - runtime.now()).total_seconds()) if ping.clock else None,
        }
        run.console.show(data)


@app.command()
def balance(
    provider: ProviderOption = None,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the float: what the programme has at the provider to fund cards from, one line per currency.

    Example: cardctl provider balance
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output.shapes import money  # noqa: PLC0415
    from cardctl.providers.base import ReportsBalance, require  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        bank = run.provider()
        held = require(bank, ReportsBalance).float_balances()
        rows = ({"provider": bank.name, "programme": bank.programme, "float": money(each)} for each in held)
        run.console.rows(rows, ("provider", "programme", "float"))
