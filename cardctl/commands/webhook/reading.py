"""The verbs of `cardctl webhook` that read what is kept: list, show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cardctl.commands._options import (
    CardOption,
    LimitOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    SinceOption,
    UntilOption,
    moment,
)
from cardctl.domain.events import EventState
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.domain.events import Event
    from cardctl.runtime import Run

StateOption = Annotated[EventState | None, typer.Option("--state", help="Only events in this state.")]
TypeOption = Annotated[
    str | None, typer.Option("--type", metavar="TYPE", help="Only this type, or those that begin so: 'issuing_card.*'.")
]
EventArgument = Annotated[
    str, typer.Argument(metavar="EVENT", help="Our id, 8 or more of its first characters, or the provider's id.")
]
RawOption = Annotated[bool, typer.Option("--raw", help="The body and headers that came, as `webhook ingest` takes them.")]


def list_(
    state: StateOption = None,
    type: TypeOption = None,  # noqa: A002 - the option's own word
    card: CardOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the events that are kept, the last that came first; --state quarantined those that were not believed.

    Example: cardctl webhook list --state failed --since 24h
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415
    from cardctl.services.flows.recalling import Wanted, list_events, list_quarantined  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        about = find_card(run.books, card) if card else None
        times = (moment(when, now=runtime.now()) if when else None for when in (since, until))
        wanted = Wanted(provider, type, about, *times)
        if state is EventState.QUARANTINED:
            found = list_quarantined(run.quarantine, wanted)
        else:
            found = list_events(run.books, wanted, state, one_more(limit))
            _tell_quarantined(run, wanted, told=state is None and about is None)
        events, cut = limited(found, limit)
        run.console.rows(map(shapes.event, events), tables.EVENTS, limit_cut=cut)


def show(
    event: EventArgument, raw: RawOption = False, profile: ProfileOption = None, output: OutputOption = Output.TABLE
) -> None:
    """Show one event; --raw its body and headers, in one line with -o ndjson. No card number is ever printed.

    Example: cardctl webhook show evt_1Nv0FGQ9RKHgCVdK --raw -o ndjson >> missed.jsonl
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.flows.recalling import card_of, find_event  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = find_event(run.books, run.quarantine, event)
        if raw:
            _show_raw(run, found)
            return
        known = card_of(run.books, found)
        run.console.show({**shapes.event(found), "card_id": known.id if known else None})


def _tell_quarantined(run: Run, wanted: Any, *, told: bool) -> None:
    from cardctl.services.flows.recalling import list_quarantined  # noqa: PLC0415

    count = sum(1 for _ in list_quarantined(run.quarantine, wanted)) if told else 0
    if count:
        text = f"{count} more were not believed: `cardctl webhook list --state quarantined`"
        run.console.warn("QUARANTINED", text)


def _show_raw(run: Run, event: Event) -> None:
    from cardctl.output.shapes import instant  # noqa: PLC0415
    from cardctl.services.flows.recalling import stored  # noqa: PLC0415

    kept = stored(run.books, run.quarantine, event)
    if kept.redacted:
        told = "what looks like a card number or a secret was taken out: neither its digest nor its signature fits any more"
        run.console.warn("REDACTED", told)
    if kept.body is None and kept.body_base64 is None:
        run.console.warn("BODY_DROPPED", "its body may not be kept; only its digest is")
    body = {"body_base64": kept.body_base64} if kept.body_base64 is not None else {"body": kept.body}
    told_of = {"provider": event.provider, "received_at": instant(event.received_at), "headers": dict(kept.headers)}
    run.console.show({**told_of, **body})
