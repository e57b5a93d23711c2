"""`cardctl alert …`: what fires, who is told, and what people say about it; parse and hand over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._jobs import DeadlineOption, WaitOption
from cardctl.commands._options import (
    CardOption,
    LimitOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    moment,
)
from cardctl.domain.alerts import AlertState, Rule
from cardctl.domain.spans import span
from cardctl.errors import ExitCode
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run
    from cardctl.services.flows.alerting.checking import Checked
    from cardctl.services.flows.alerting.moving import Moved

app = typer.Typer(add_completion=False)

StateOption = Annotated[AlertState | None, typer.Option("--state", help="Only alerts in this state.")]
RuleOption = Annotated[Rule | None, typer.Option("--rule", help="Only what this rule found.")]
AllOption = Annotated[bool, typer.Option("--all", help="With those that have ended.")]
AlertsArgument = Annotated[
    list[str], typer.Argument(metavar="ALERT...", help="Fingerprints, or 8 or more of their first characters.")
]
WhyOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit.")]
ForOption = Annotated[str, typer.Option("--for", metavar="SPAN", help="How long: 90m, 8h, 7d.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what fires; write, freeze and send nothing.")]


@app.command()
def check(
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    deadline: DeadlineOption = None,
    random_wait: WaitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode:
    """Ask every rule; tell of what is new, once; freeze cards where the profile says so. Exit 3 while one fires.

    Asks no provider. 10 where somebody could not be told, or a card not frozen: the next check tries again.

    Example: cardctl alert check -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._jobs import job  # noqa: PLC0415
    from cardctl.runtime.watching import watch  # noqa: PLC0415
    from cardctl.services.flows.alerting import checking  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        if dry_run:
            checked = checking.rehearse(watch(run, provider))
            return _show(run, checked, _code(checked))
        with job(run, "alert", deadline=deadline, random_wait=random_wait) as late:
            checked = checking.check(watch(run, provider), late=late)
            return _show(run, checked, late.verdict(_code(checked)))


@app.command("list")
def list_(
    state: StateOption = None,
    rule: RuleOption = None,
    card: CardOption = None,
    all_: AllOption = False,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List alerts that have not ended, last found first; --since and --until are about when a check last found them.

    Example: cardctl alert list --state firing
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output.alert_shapes import ALERTS, alert_shape  # noqa: PLC0415
    from cardctl.services.flows.alerting.moving import list_alerts  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        found = list_alerts(
            run.books,
            state=state,
            rule=rule,
            provider=provider,
            card_id=find_card(run.books, card).id if card else None,
            cleared=all_,
            since=moment(since, now=runtime.now()) if since else None,
            until=moment(until, now=runtime.now()) if until else None,
            limit=one_more(limit),
        )
        alerts, cut = limited(found, limit)
        run.console.rows(map(alert_shape, alerts), ALERTS, limit_cut=cut)


@app.command()
def ack(alerts: AlertsArgument, reason: WhyOption, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Say that alerts were seen: they stay quiet until they end, and fire again when they come back.

    Example: cardctl alert ack alr_3f9a1c07 --reason "asked the provider"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.runtime.watching import person  # noqa: PLC0415
    from cardctl.services.flows.alerting import moving  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        _show_moved(run, moving.acknowledge(person(run), alerts, reason))


@app.command()
def snooze(
    alerts: AlertsArgument,
    for_: ForOption,
    reason: WhyOption,
    profile: ProfileOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Keep alerts quiet for a while, whatever becomes of them; those that go on after it fire again.

    Example: cardctl alert snooze alr_3f9a1c07 --for 8h --reason "maintenance at the provider"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.runtime.watching import person  # noqa: PLC0415
    from cardctl.services.flows.alerting import moving  # noqa: PLC0415

    length = span(for_)
    with runtime.opened(output=output, profile=profile) as run:
        _show_moved(run, moving.snooze(person(run), alerts, reason, length))


def _code(checked: Checked) -> ExitCode:
    if checked.failed:
        return ExitCode.PARTLY
    return ExitCode.FINDINGS if checked.firing else ExitCode.DONE


def _show(run: Run, checked: Checked, code: ExitCode) -> ExitCode:
    from cardctl.output.alert_shapes import alert_line, alert_shape  # noqa: PLC0415

    for warned in checked.warnings:
        run.console.warn(warned.code, warned.text)
    data: dict[str, Any] = {
        "alerts": [alert_shape(alert) for alert in checked.alerts],
        "firing": len(checked.firing),
        "cleared": checked.cleared,
        "notified": checked.notified,
        "not_notified": len(checked.untold),
        "frozen": checked.frozen,
    }
    quiet = len(checked.alerts) - len(checked.firing)
    summary = f"{data['firing']} firing, {quiet} seen to, {checked.cleared} ended; {checked.notified} told"
    frozen = [f"frozen: {card}" for card in checked.frozen]
    run.console.done(data, [*map(alert_line, checked.firing), *frozen, summary])
    return code


def _show_moved(run: Run, moved: Moved) -> None:
    from cardctl.output.alert_shapes import alert_line, alert_shape  # noqa: PLC0415

    if moved.already:
        run.console.warn("ALREADY", f"nothing to do, it is already so: {', '.join(moved.already)}")
    lines = [f"{alert.state}: {alert_line(alert)}" for alert in moved.alerts]
    run.console.done({"alerts": [alert_shape(alert) for alert in moved.alerts]}, lines)
