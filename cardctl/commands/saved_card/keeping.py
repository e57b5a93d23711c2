"""The verbs of `cardctl saved-card` about the cards themselves: add, list, show, disable, sync."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cardctl.commands._options import (
    DryRunOption,
    IdempotencyKeyOption,
    LimitOption,
    LiveOption,
    OutputOption,
    ProfileOption,
    ProviderOption,
    ReasonOption,
    SinceOption,
    TimeoutOption,
    UntilOption,
    YesOption,
    moment,
)
from cardctl.commands.saved_card._words import (
    PROVIDER,
    EmailOption,
    HolderOption,
    NameOption,
    NonceOption,
    OnlyPersonOption,
    PersonOption,
    PostalCodeOption,
    ReplaceOption,
    SavedCardArgument,
    SellerOption,
    StateOption,
    VerificationOption,
)
from cardctl.errors import BadInput
from cardctl.output.console import Output

if TYPE_CHECKING:
    from cardctl.runtime import Run

_LONGEST = 16_384


def add(
    person: PersonOption,
    nonce: NonceOption,
    email: EmailOption = None,
    name: NameOption = None,
    holder: HolderOption = None,
    postal_code: PostalCodeOption = None,
    verification: VerificationOption = None,
    replace: ReplaceOption = False,
    idempotency_key: IdempotencyKeyOption = None,
    dry_run: DryRunOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    provider: SellerOption = PROVIDER,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Save a buyer's card from the one-time token of the seller's payment page; a person has one with each seller.

    Example: cardctl saved-card add --person buyer@example.com --nonce - < token.txt
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds.saved_cards import SaveWish, rehearse_save, save_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, live=live, timeout=timeout) as run:
        wish = SaveWish(person, _nonce(run, nonce), email, name, holder, postal_code, verification, replace)
        desk = run.desk(provider=provider)
        if dry_run:
            results = rehearse_save(desk, wish, caller_key=idempotency_key)
            _frame.show_rehearsal(run, *results, then=() if len(results) else ("saved_card.add",))
            return
        _frame.show_write(run, "saved_card", save_card(desk, wish, caller_key=idempotency_key), "saved")


def _nonce(run: Run, told: str) -> str:
    """The token from standard input: what is typed on a command line is seen by everybody on the machine."""
    if told != "-":
        return told
    if sys.stdin.isatty():
        run.console.notice("type the token, then Enter")
    text = sys.stdin.readline(_LONGEST + 2).strip()
    if not text or len(text) > _LONGEST:
        raise BadInput("no token came on standard input", hint="echo TOKEN | cardctl saved-card add … --nonce -")
    return text


def list_(
    person: OnlyPersonOption = None,
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the saved cards of our books, newest first, whichever seller they are kept with.

    Example: cardctl saved-card list --state expired -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import list_saved_cards  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        found = list_saved_cards(
            run.books,
            runtime.now(),
            person=person,
            provider=provider,
            state=state,
            since=moment(since, now=runtime.now()) if since else None,
            until=moment(until, now=runtime.now()) if until else None,
            limit=one_more(limit),
        )
        cards, cut = limited(found, limit)
        run.console.rows(map(shapes.saved_card, cards), tables.SAVED_CARDS, limit_cut=cut)


def show(card: SavedCardArgument, profile: ProfileOption = None, output: OutputOption = Output.TABLE) -> None:
    """Show one saved card and what was paid with it, from our books.

    Example: cardctl saved-card show buyer@example.com -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import FEW, find_saved_card, payments_of  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile) as run:
        found = find_saved_card(run.books, card, ours=run.settings.programme(PROVIDER)).as_of(runtime.now())
        payments = [shapes.payment_whole(*each) for each in payments_of(run.books, found)]
        age = {"age_seconds": max(round((runtime.now() - found.synced_at).total_seconds()), 0)}
        if output is not Output.TABLE:
            run.console.show(shapes.saved_card(found) | {"payments": payments} | age)
            return
        counted = f"the newest {FEW}" if len(payments) == FEW else str(len(payments) or "none")
        run.console.show(shapes.saved_card(found) | age | {"payments": counted})
        if payments:
            run.console.rows(map(_row, payments), tables.PAYMENTS)


def _row(payment: dict[str, Any]) -> dict[str, Any]:
    """With what more there is about it in a cell: refunds that are not through, and disputes, as the provider calls them."""
    told = [f"refund of {one['amount']['amount']} {one['state']}" for one in payment["refunds"] if one["state"] != "completed"]
    return payment | {"more": ", ".join([*told, *(f"dispute {one['state']}" for one in payment["disputes"])])}


def disable(
    card: SavedCardArgument,
    reason: ReasonOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    live: LiveOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Stop a saved card for good: nothing can be charged with it any more. It cannot be undone, only saved anew.

    Example: cardctl saved-card disable sc_7f3kq2m9bx5d8c1g4h6j --yes
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds.saved_cards import disable_card, rehearse_disable  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_saved_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, live=live, timeout=timeout) as run:
        found = find_saved_card(run.books, card, prefix=False, ours=run.settings.programme(PROVIDER))
        if dry_run:
            _frame.show_rehearsal(run, rehearse_disable(run.desk(found), found))
            return
        _frame.consent(run, f"{_frame.one_line(found)} would be stopped for good.", found.last4 or found.id, yes=yes)
        _frame.show_write(run, "saved_card", disable_card(run.desk(found), found, reason=reason), "disabled")


def sync(
    card: SavedCardArgument,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take one saved card, its open payments and their refunds from the provider into our books.

    Example: cardctl saved-card sync buyer@example.com
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import one_line  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.deeds.refreshing import sync_saved  # noqa: PLC0415
    from cardctl.services.flows.finding_saved import find_saved_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, timeout=timeout) as run:
        found = find_saved_card(run.books, card, ours=run.settings.programme(PROVIDER))
        synced = sync_saved(run.desk(found), found)
        run.console.done({"saved_card": shapes.saved_card(synced)}, [f"synced: {one_line(synced)}"])
