"""The options and arguments that many commands share, as `Annotated` aliases, and how a moment is read. Runs no command."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cardctl.errors import BadInput
from cardctl.output.console import Output

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"([0-9]+)([mhdw])\Z", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})\Z", re.ASCII
)


def moment(text: str, *, now: datetime) -> datetime:
    """What --since and --until take, as aware UTC: `2026-01-01` (its first instant), RFC 3339, or `24h`, `7d` before `now`."""
    try:
        if ago := _AGO.match(text):
            return now.astimezone(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        if _DAY.match(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        if _INSTANT.match(text.upper()):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):  # 30 February, 25 o'clock, before the year 1
        pass
    raise BadInput(f"{text!r} is not a time", hint="2026-01-01, 2026-01-01T12:00:00Z, 24h or 7d (times are UTC)")


def _offers(name: str) -> Callable[[str], list[str]]:
    """Completion by `cardctl.completion.<name>(prefix)`; whatever goes wrong there, the shell gets no offers and no noise."""

    def complete(incomplete: str) -> list[str]:
        try:
            from cardctl import completion  # noqa: PLC0415 - parsing a command line must not open anything

            return list(getattr(completion, name)(incomplete))
        except Exception:
            return []

    return complete


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How the result is written.")]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="The profile to use; else CARDCTL_PROFILE, else the default.",
        autocompletion=_offers("profiles"),
    ),
]
ProviderOption = Annotated[
    str | None,
    typer.Option("--provider", metavar="NAME", help="Only this provider.", autocompletion=_offers("providers")),
]
LiveOption = Annotated[bool, typer.Option("--live", help="Said aloud: this may write to a live programme.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Answer the question beforehand.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show exactly what would be sent; send and write nothing.")]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", min=0.1, max=120, help="How long to wait for the provider.")
]
IdempotencyKeyOption = Annotated[
    str | None,
    typer.Option("--idempotency-key", metavar="KEY", help="The same key and arguments again give the first result again."),
]
ReasonOption = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit, sent where the provider takes one.")
]
LimitOption = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many; says when it cut.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="From then on: 2026-01-01, an RFC 3339 time, 24h, 7d.")
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Before then; written as for --since.")]
ProfileArgument = Annotated[str, typer.Argument(metavar="NAME", help="The profile.", autocompletion=_offers("profiles"))]
OptionalProfileArgument = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Else the profile in use.", autocompletion=_offers("profiles")),
]
CardArgument = Annotated[
    str,
    typer.Argument(
        metavar="CARD",
        help="Our id, 8 or more of its first characters, or the provider's ref.",
        autocompletion=_offers("cards"),
    ),
]
OptionalCardArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="CARD",
        help="Our id, 8 or more of its first characters (never for irreversible writes), or the provider's ref.",
        autocompletion=_offers("cards"),
    ),
]
Last4Option = Annotated[
    str | None, typer.Option("--last4", metavar="DIGITS", help="The card with these last four digits, where only one has them.")
]
AccountOption = Annotated[
    str | None,
    typer.Option("--account", metavar="ACCOUNT", help="Only this account's.", autocompletion=_offers("accounts")),
]
AccountArgument = Annotated[
    str,
    typer.Argument(
        metavar="ACCOUNT",
        help="Our id, its first characters, your external id, or the provider's ref.",
        autocompletion=_offers("accounts"),
    ),
]
CardOption = Annotated[
    str | None,
    typer.Option("--card", metavar="CARD", help="Only what is on this card.", autocompletion=_offers("cards")),
]
OptionalAccountArgument = Annotated[
    str | None,
    typer.Argument(metavar="ACCOUNT", help="Else every account.", autocompletion=_offers("accounts")),
]
OperationArgument = Annotated[
    str,
    typer.Argument(
        metavar="OPERATION",
        help="Its id, or 8 or more of its first characters.",
        autocompletion=_offers("operations"),
    ),
]
OperationsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="OPERATION...", help="Else all of them.", autocompletion=_offers("operations")),
]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="Where to, or - for standard output.")]
OptionalFileArgument = Annotated[str | None, typer.Argument(metavar="FILE", help="Where to, or - for standard output.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
