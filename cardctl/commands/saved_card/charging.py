"""The verbs of `cardctl saved-card` that take or hold money: charge, preauth; a whole auction's holds are in _policy.py."""

from __future__ import annotations

from typing import Any

from cardctl.commands._jobs import DeadlineOption, WaitOption
from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    TimeoutOption,
    YesOption,
)
from cardctl.commands.saved_card._policy import PolicyOption, ReportOption, WindowOption
from cardctl.commands.saved_card._words import (
    PROVIDER,
    AmountOption,
    CurrencyOption,
    HoldOption,
    InvoiceOption,
    OptionalAmountOption,
    OptionalCurrencyOption,
    OptionalSavedCardArgument,
    SavedCardArgument,
    ThenCaptureOption,
    TipOption,
    VerificationOption,
)
from cardctl.domain.money import Money
from cardctl.domain.spans import span
from cardctl.errors import BadInput, ExitCode
from cardctl.output.console import Output


def charge(
    card: SavedCardArgument,
    amount: AmountOption,
    currency: CurrencyOption,
    tip: TipOption = None,
    invoice: InvoiceOption = None,
    verification: VerificationOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Charge a saved card. Under an --invoice it is charged once, however often this runs.

    Example: cardctl saved-card charge buyer@example.com --amount 5 --currency USD --invoice A-17
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import charging  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_saved_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_saved_card(run.books, card, ours=run.settings.programme(PROVIDER))
        money, extra, desk = _frame.amount_of(amount, currency), tip and Money.parse(tip, currency), run.desk(found)
        how = {"caller_key": idempotency_key, "verification": verification}
        if dry_run:
            _frame.show_rehearsal(run, charging.rehearse_charge(desk, found, money, invoice=invoice, tip=extra or None, **how))
            return
        _frame.consent_to_amount(run, money + extra if extra else money, yes=yes)
        done = charging.charge(desk, found, money, invoice=invoice, tip=extra or None, **how)
        _frame.show_write(run, "payment", done, f"charged {money}")


def preauth(
    card: OptionalSavedCardArgument = None,
    amount: OptionalAmountOption = None,
    currency: OptionalCurrencyOption = None,
    invoice: InvoiceOption = None,
    hold_for: HoldOption = None,
    then_capture: ThenCaptureOption = False,
    verification: VerificationOption = None,
    policy: PolicyOption = None,
    window: WindowOption = None,
    report: ReportOption = False,
    deadline: DeadlineOption = None,
    random_wait: WaitOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> ExitCode | None:
    """Hold money on a saved card, to be captured or released later; or with --policy on those of an auction's lots.

    A policy is safe to run every five minutes, from cron with --yes. Exit 3: somebody is not covered; 9: in
    doubt; 10: work is left.

    Example: cardctl saved-card preauth buyer@example.com --amount 50 --currency USD --invoice A-17 --hold-for 6d

    Example: cardctl saved-card preauth --policy auction.toml --report --yes
    """
    from cardctl.commands.saved_card import _policy  # noqa: PLC0415

    told: dict[str, Any] = {"dry_run": dry_run, "yes": yes, "live": live, "profile": profile, "timeout": timeout}
    told |= {"hold_for": hold_for, "currency": currency, "output": output}
    single: dict[str, Any] = {"card": card, "amount": amount, "invoice": invoice, "then_capture": then_capture}
    single |= {"verification": verification, "idempotency_key": idempotency_key}
    by_policy: dict[str, Any] = {"window": window, "report": report, "deadline": deadline, "random_wait": random_wait}
    if policy is not None:
        _policy.refuse_both(**single)
        return _policy.follow(policy, _policy.How(**by_policy, **told))
    _policy.refuse_alone(**by_policy)
    _preauth(**single, **told)
    return None


def _preauth(
    *,
    card: str | None,
    amount: str | None,
    currency: str | None,
    hold_for: str | None,
    idempotency_key: str | None,
    dry_run: bool,
    yes: bool,
    live: bool,
    profile: str | None,
    timeout: float | None,
    output: Output,
    **how: Any,
) -> None:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import charging  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_saved_card  # noqa: PLC0415

    if card is None or amount is None or currency is None:
        raise BadInput(
            "a hold needs a saved card, --amount and --currency", hint="or --policy FILE, for the lots of an auction"
        )
    how |= {"hold_for": None if hold_for is None else span(hold_for), "caller_key": idempotency_key}
    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_saved_card(run.books, card, ours=run.settings.programme(PROVIDER))
        money, desk = _frame.amount_of(amount, currency), run.desk(found)
        if dry_run:
            _frame.show_rehearsal(run, charging.rehearse_preauth(desk, found, money, **how))
            return
        _frame.consent_to_amount(run, money, yes=yes)
        _frame.show_write(run, "payment", charging.preauth(desk, found, money, **how), f"held {money}")
