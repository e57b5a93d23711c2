"""`cardctl provision`: parse and hand over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption, ProviderOption, TimeoutOption
from cardctl.errors import BadInput, DevelopmentOnly
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.provisioning import Provisioned

app = typer.Typer(add_completion=False)

DevOption = Annotated[bool, typer.Option("--dev", help="Three accounts, a million dollars and an active card each.")]


@app.command()
def provision(
    dev: DevOption = False,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make accounts and cards: a whole development programme, or what a file declares.

    Example: cardctl provision --dev
    """
    from cardctl import runtime  # noqa: PLC0415

    if not dev:
        raise BadInput("say what to provision", hint="--dev, or --file programme.toml")
    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        _provision_dev(run)


def _provision_dev(run: Run) -> None:
    from cardctl.services.flows.provisioning import provision_dev  # noqa: PLC0415

    chosen = run.settings.profile
    if chosen.environment != "simulator":
        raise DevelopmentOnly(f"`provision --dev` makes accounts up: never on {chosen.name} ({chosen.environment})")
    run.console.notice("DEVELOPMENT ONLY: these accounts, cards and dollars exist in the simulator alone")
    with run.lock("provision"):
        _show(run, provision_dev(run.desk()))


def _show(run: Run, made: Provisioned) -> None:
    from cardctl.output import shapes  # noqa: PLC0415

    data = {
        "accounts": [shapes.account(account) for account in made.accounts],
        "cards": [shapes.card(card) for card in made.cards],
        "created": made.created,
        "changed": made.changed,
    }
    pairs = zip(made.accounts, made.cards, strict=True)
    lines = [f"{account.external_id or account.id}  {account.balance}  {card.id}  {card.state}" for account, card in pairs]
    run.console.done(data, [*lines, f"{made.created} made, {made.changed} changed"])
