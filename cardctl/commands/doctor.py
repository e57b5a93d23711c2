"""`cardctl doctor`: parse and hand over."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from cardctl.commands._options import OutputOption, ProfileOption, ProviderOption, TimeoutOption
from cardctl.errors import CardctlError, ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cardctl.domain.checks import Check
    from cardctl.output.console import Console
    from cardctl.runtime import Run

app = typer.Typer(add_completion=False)

UrlOption = Annotated[str | None, typer.Option("--url", metavar="URL", help="Only this: a simulator's or a gateway's health.")]
_PATIENCE = 5.0
"""Seconds that a health check may take."""


@app.command()
def doctor(
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    url: UrlOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Check that all that cardctl needs is there and works; changes nothing. Exit 3 where something fails.

    Example: cardctl doctor --profile acme-sandbox
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.domain.checks import Outcome  # noqa: PLC0415
    from cardctl.services.flows.doctor.examining import unusable  # noqa: PLC0415

    console = runtime.console_for(output)
    if url is not None:
        return _reached(console, url, timeout or _PATIENCE)
    with ExitStack() as stack:
        try:
            run = stack.enter_context(runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout))
        except CardctlError as error:
            checks: Sequence[Check] = [unusable(error)]
        else:
            checks = _examined(run)
        _show(console, checks)
    return ExitCode.FINDINGS if any(check.outcome is Outcome.FAIL for check in checks) else None


def _reached(console: Console, url: str, timeout: float) -> ExitCode | None:
    import time  # noqa: PLC0415

    from cardctl import runtime  # noqa: PLC0415
    from cardctl.domain.checks import Outcome  # noqa: PLC0415
    from cardctl.services.flows.doctor.reaching import reach  # noqa: PLC0415

    checks = list(reach(url, timeout=timeout, sleep=time.sleep, clock=runtime.now))
    _show(console, checks)
    return ExitCode.FINDINGS if any(check.outcome is Outcome.FAIL for check in checks) else None


def _examined(run: Run) -> Sequence[Check]:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.runtime.fulfilling import selling  # noqa: PLC0415
    from cardctl.runtime.mailing import post  # noqa: PLC0415
    from cardctl.services.flows.doctor.examining import examine  # noqa: PLC0415
    from cardctl.services.flows.doctor.orders import examine_orders  # noqa: PLC0415
    from cardctl.services.flows.doctor.subject import Subject  # noqa: PLC0415

    subject = Subject(
        settings=run.settings,
        secrets=run.secrets,
        target=lambda: run.database,
        books=lambda: run.books,
        provider=run.provider,
        clock=runtime.now,
        mailer=lambda: post(run),
    )
    sold = selling(run)
    with run.console.progress("looking") as count:
        checks = []
        for check in chain(examine(subject), examine_orders(sold) if sold else ()):
            checks.append(check)
            count(1)
    return checks


def _show(console: Console, checks: Sequence[Check]) -> None:
    shapes = [
        {"name": check.name, "outcome": check.outcome.value, "detail": check.detail, "remedy": check.remedy} for check in checks
    ]
    if console.output is Output.JSON:
        console.show({"checks": shapes})
    else:
        console.rows(shapes, ("name", "outcome", "detail", "remedy"))
