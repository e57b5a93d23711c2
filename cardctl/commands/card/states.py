"""The verbs of `cardctl card` that move its state: activate, freeze, unfreeze, close."""

from __future__ import annotations

from cardctl.commands._options import (
    DryRunOption,
    Last4Option,
    LiveOption,
    OptionalCardArgument,
    OutputOption,
    ProfileOption,
    ReasonOption,
    TimeoutOption,
    YesOption,
)
from cardctl.commands.card import _bulk
from cardctl.domain.bulk import Verb
from cardctl.domain.states import Move
from cardctl.errors import ExitCode
from cardctl.output.console import Output


def activate(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Activate a card that was never active.

    Example: cardctl card activate card_7f3kq2m9
    """
    _move(Move.ACTIVATE, card, last4, reason, dry_run, live, profile, timeout, output)


def freeze(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    file: _bulk.FromOption = None,
    reason: ReasonOption = None,
    workers: _bulk.WorkersOption = _bulk.WORKERS,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Freeze a card at once; it can be unfrozen. Waits for nothing, not even for what is in doubt.

    Example: cardctl card freeze card_7f3kq2m9 --reason "reported lost"
    """
    if file is not None:
        _bulk.refuse_beside(card=card, last4=last4)
        how = _bulk.How(file, workers, dry_run, yes, live, profile, timeout, output)
        return _bulk.do_list(Verb.FREEZE, how, reason=reason)
    _move(Move.FREEZE, card, last4, reason, dry_run, live, profile, timeout, output)
    return None


def unfreeze(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Let a frozen card spend again.

    Example: cardctl card unfreeze card_7f3kq2m9
    """
    _move(Move.UNFREEZE, card, last4, reason, dry_run, live, profile, timeout, output)


def close(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    file: _bulk.FromOption = None,
    reason: ReasonOption = None,
    workers: _bulk.WorkersOption = _bulk.WORKERS,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Close a card for good.

    Example: cardctl card close card_7f3kq2m9bx5d8c1g4h6j --reason "left the company" --yes
    """
    if file is not None:
        _bulk.refuse_beside(card=card, last4=last4)
        how = _bulk.How(file, workers, dry_run, yes, live, profile, timeout, output)
        return _bulk.do_list(Verb.CLOSE, how, reason=reason)
    _move(Move.CLOSE, card, last4, reason, dry_run, live, profile, timeout, output, yes=yes)
    return None


def _move(
    move: Move,
    name: str | None,
    last4: str | None,
    reason: str | None,
    dry_run: bool,
    live: bool,
    profile: str | None,
    timeout: float | None,
    output: Output,
    *,
    yes: bool = True,
) -> None:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import controls  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    final = move is Move.CLOSE
    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        card = find_card(run.books, name, last4=last4, prefix=not final)
        if dry_run:
            _frame.show_rehearsal(run, controls.rehearse_move(run.desk(card), card, move, reason=reason))
            return
        if final and controls.would_move(card, move):
            _frame.consent(run, f"{_frame.one_line(card)} would be closed for good.", card.last4, yes=yes)
        _frame.show_write(run, "card", controls.move_card(run.desk(card), card, move, reason=reason), _DONE[move])


_DONE = {Move.ACTIVATE: "activated", Move.FREEZE: "frozen", Move.UNFREEZE: "unfrozen", Move.CLOSE: "closed"}
