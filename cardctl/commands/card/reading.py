"""The verbs of `cardctl card` that read: list, show, sync, reveal, wallet-payload."""

from __future__ import annotations

from typing import Annotated

import typer

from cardctl.commands._options import (
    AccountOption,
    Last4Option,
    LimitOption,
    OptionalCardArgument,
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
from cardctl.commands.card._words import (
    FreshOption,
    StateOption,
)
from cardctl.output.console import Output


def list_(
    account: AccountOption = None,
    state: StateOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: LimitOption = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List the cards of our books, newest first.

    Example: cardctl card list --state frozen -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import limited, one_more  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.flows.finding import find_account, list_cards  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider) as run:
        holder = find_account(run.books, account) if account else None
        found = list_cards(
            run.books,
            account_id=holder.id if holder else None,
            provider=provider,
            state=state,
            since=moment(since, now=runtime.now()) if since else None,
            until=moment(until, now=runtime.now()) if until else None,
            limit=one_more(limit),
        )
        cards, cut = limited(found, limit)
        run.console.rows(map(shapes.card, cards), tables.CARDS, limit_cut=cut)


def show(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    fresh: FreshOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one card and how old that word is: from our books, or asked anew where it is over five minutes old (or --fresh).

    Example: cardctl card show card_7f3kq2m9 --fresh -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415
    from cardctl.services.flows.looking import card_now, is_recent  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, timeout=timeout) as run:
        found = find_card(run.books, card, last4=last4)
        if fresh or not is_recent(found, runtime.now()):
            seen = card_now(lambda: run.desk(found), found, runtime.now(), insist=fresh)
            found = seen.card
            for warned in seen.warnings:
                run.console.warn(warned.code, warned.text)
        age = round((runtime.now() - found.synced_at).total_seconds())
        run.console.show(shapes.card(found) | {"age_seconds": max(age, 0)})


def sync(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    profile: ProfileOption = None,
    provider: ProviderOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Take one card, or every card of the programme, from its provider into our books.

    Example: cardctl card sync
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands._frame import one_line  # noqa: PLC0415
    from cardctl.output import shapes  # noqa: PLC0415
    from cardctl.services.deeds.pulling import sync_accounts, sync_card, sync_cards  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, provider=provider, timeout=timeout) as run:
        if card is not None or last4 is not None:
            found = find_card(run.books, card, last4=last4)
            synced = sync_card(run.desk(found), found)
            run.console.done({"card": shapes.card(synced)}, [f"synced: {one_line(synced)}"])
            return
        with run.console.progress("reading cards") as advance:
            sync_accounts(run.desk(), lambda _count: None)
            pulled = sync_cards(run.desk(), advance)
        told = {"read": pulled.read, "new": pulled.new, "changed": pulled.changed}
        run.console.done(told, [f"{pulled.read} cards read, {pulled.new} new, {pulled.changed} changed"])


def reveal(
    card: OptionalCardArgument = None,
    last4: Last4Option = None,
    reason: ReasonOption = None,
    yes: YesOption = False,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show a card's numbers, once, on a terminal alone; asks first, and leaves an audit entry.

    Example: cardctl card reveal card_7f3kq2m9bx5d8c1g4h6j --reason "phone support"
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.commands import _frame  # noqa: PLC0415
    from cardctl.services.deeds.revealing import reveal as reveal_card  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, timeout=timeout) as run:
        found = find_card(run.books, card, last4=last4, prefix=False)
        run.console.check_can_reveal()
        _frame.consent(run, f"The numbers of {_frame.one_line(found)} would be shown.", found.last4, yes=yes)
        seen = reveal_card(run.desk(found), found, reason=reason)
        expires = f"{seen.exp_month:02d}/{seen.exp_year % 100:02d}"
        run.console.reveal({"holder": found.holder, "number": seen.number, "expires": expires, "cvc": seen.cvc})


def wallet_payload(
    cards: Annotated[list[str], typer.Argument(metavar="CARD...", help="One card or many.")],
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print what a phone's wallet needs: simulated in the simulator, the provider's word on eligibility elsewhere.

    Example: cardctl card wallet-payload card_7f3kq2m9 card_9d2m4k7q -o json
    """
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.output import shapes, tables  # noqa: PLC0415
    from cardctl.services.deeds.revealing import wallet_payload as payload_of  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    with runtime.opened(output=output, profile=profile, timeout=timeout) as run:
        found = [find_card(run.books, name) for name in cards]
        told = [payload_of(run.desk(card), card) for card in found]
        payloads = [
            shapes.wallet_payload(said.card, said.provisioning_token, said.instructions, said.eligibility) for said in told
        ]
        run.console.rows(payloads, tables.WALLET_PAYLOADS)
