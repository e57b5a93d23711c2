"""The verbs of `cardctl saved-card` that take or hold money: charge, preauth."""

from __future__ import annotations

from typing import Any

from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    TimeoutOption,
    YesOption,
)
from cardctl.commands.saved_card._words import (
    AmountOption,
    CurrencyOption,
    HoldOption,
    InvoiceOption,
    SavedCardArgument,
    ThenCaptureOption,
    TipOption,
    VerificationOption,
    duration,
)
from cardctl.domain.money import Money
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
        found = find_saved_card(run.books, card)
        money, extra, desk = _frame.amount_of(amount, currency), tip and Money.parse(tip, currency), run.desk(found)
        how = {"caller_key": idempotency_key, "verification": verification}
        if dry_run:
            _frame.show_rehearsal(run, charging.rehearse_charge(desk, found, money, invoice=invoice, tip=extra or None, **how))
            return
        _frame.consent_to_amount(run, money + extra if extra else money, yes=yes)
        done = charging.charge(desk, found, money, invoice=invoice, tip=extra or None, **how)
        _frame.show_write(run, "payment", done, f"charged {money}")


def preauth(
    card: SavedCardArgument,
    amount: AmountOption,
    currency: CurrencyOption,
    invoice: InvoiceOption = None,
    hold_for: HoldOption = None,
    then_capture: ThenCaptureOption = False,
    verification: VerificationOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Hold money on a saved card, to be captured or released later.

    Example: cardctl saved-card preauth buyer@example.com --amount 50 --currency USD --invoice A-17 --hold-for 6d
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import charging  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_saved_card  # noqa: PLC0415

    how: dict[str, Any] = {"hold_for": duration(hold_for), "then_capture": then_capture, "invoice": invoice}
    how |= {"caller_key": idempotency_key, "verification": verification}
    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_saved_card(run.books, card)
        money, desk = _frame.amount_of(amount, currency), run.desk(found)
        if dry_run:
            _frame.show_rehearsal(run, charging.rehearse_preauth(desk, found, money, **how))
            return
        _frame.consent_to_amount(run, money, yes=yes)
        _frame.show_write(run, "payment", charging.preauth(desk, found, money, **how), f"held {money}")
