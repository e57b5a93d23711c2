"""The verbs of `cardctl saved-card` about a payment that is there: capture, cancel, refund."""

from __future__ import annotations

from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ReasonOption,
    TimeoutOption,
    YesOption,
)
from cardctl.commands.saved_card._words import (
    PROVIDER,
    PartOption,
    PaymentArgument,
    RefundInvoiceOption,
    TipOption,
    WhichInvoiceOption,
)
from cardctl.domain.money import Money
from cardctl.output.console import Output


def capture(
    payment: PaymentArgument,
    amount: PartOption = None,
    tip: TipOption = None,
    invoice: WhichInvoiceOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take what is held, all of it or a part; the rest is released.

    Example: cardctl saved-card capture buyer@example.com --invoice A-17 --amount 42.10
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import capturing  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_hold  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_hold(run.books, payment, invoice=invoice, ours=run.settings.programme(PROVIDER))
        currency, desk = found.amount.currency, run.desk(found)
        part = None if amount is None else _frame.amount_of(amount, currency)
        extra = None if tip is None else Money.parse(tip, currency)
        if dry_run:
            rehearsed = capturing.rehearse_capture(desk, found, amount=part, tip=extra, caller_key=idempotency_key)
            _frame.show_rehearsal(run, rehearsed)
            return
        _frame.consent_to_amount(run, (part or found.amount) + extra if extra else part or found.amount, yes=yes)
        done = capturing.capture(desk, found, amount=part, tip=extra, caller_key=idempotency_key)
        _frame.show_write(run, "payment", done, "captured")


def cancel(
    payment: PaymentArgument,
    invoice: WhichInvoiceOption = None,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Release what is held; nothing is taken.

    Example: cardctl saved-card cancel pay_7f3kq2m9bx5d8c1g4h6j --reason "outbid"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import capturing  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_hold  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_hold(run.books, payment, invoice=invoice, ours=run.settings.programme(PROVIDER))
        if dry_run:
            _frame.show_rehearsal(run, capturing.rehearse_cancel(run.desk(found), found))
            return
        _frame.show_write(run, "payment", capturing.cancel(run.desk(found), found, reason=reason), "released")


def refund(
    payment: PaymentArgument,
    amount: PartOption = None,
    invoice: RefundInvoiceOption = None,
    reason: ReasonOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Give back what was captured, all that is left of it or a part. Under an --invoice a part is given back once.

    Example: cardctl saved-card refund buyer@example.com --invoice A-17 --amount 10 --reason "broken on arrival"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds import refunding  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_refundable  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_refundable(run.books, payment, invoice=invoice, ours=run.settings.programme(PROVIDER))
        part = None if amount is None else _frame.amount_of(amount, found.amount.currency)
        how = {"invoice": invoice, "reason": reason, "caller_key": idempotency_key}
        if dry_run:
            _frame.show_rehearsal(run, refunding.rehearse_refund(run.desk(found), found, part, **how))
            return
        _frame.consent_to_amount(run, part or found.refundable, yes=yes)
        done = refunding.refund(run.desk(found), found, part, **how)
        _frame.show_write(run, "payment", done, f"refunded {part or 'all that was left'}")
