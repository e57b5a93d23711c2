"""The verbs of `cardctl card` that read: list, show, sync, reveal, wallet-payload."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
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
from cardctl.errors import BadFile, BadInput
from cardctl.output.console import Output


class Wallet(StrEnum):
    """What --wallet takes."""

    APPLE = "apple"
    GOOGLE = "google"


WalletOption = Annotated[Wallet | None, typer.Option("--wallet", help="With --relay: whose wallet asks.")]
RelayOption = Annotated[
    str | None, typer.Option("--relay", metavar="FILE", help="JSON that the phone's wallet asks of the issuer, or - for stdin.")
]
_LARGEST = 1 << 20
_PATIENCE = 5.0
"""Seconds for one attempt where our books have an answer too."""


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

    patience = timeout or (None if fresh else _PATIENCE)
    with runtime.opened(output=output, profile=profile, timeout=patience) as run:
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
    wallet: WalletOption = None,
    relay: RelayOption = None,
    profile: ProfileOption = None,
    timeout: TimeoutOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Print what a phone's wallet needs: simulated in the simulator, the provider's word on eligibility elsewhere.

    Example: cardctl card wallet-payload card_7f3kq2m9 card_9d2m4k7q -o json
    """
    if wallet is not None or relay is not None:
        _relay(cards, wallet, relay, profile, timeout, output)
        return
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


def _relay(
    cards: list[str], wallet: Wallet | None, relay: str | None, profile: str | None, timeout: float | None, output: Output
) -> None:
    from cardctl import runtime  # noqa: PLC0415
    from cardctl.services.deeds.revealing import relay_wallet  # noqa: PLC0415
    from cardctl.services.flows.finding import find_card  # noqa: PLC0415

    if wallet is None or relay is None or len(cards) != 1:
        raise BadInput("a wallet's request is handed on for one card", hint="one card, --wallet apple|google, --relay FILE")
    asked = _asked(relay)
    with runtime.opened(output=output, profile=profile, timeout=timeout) as run:
        found = find_card(run.books, cards[0], prefix=False)
        answer = relay_wallet(run.desk(found), found, wallet.value, asked)
        run.console.show({"card_id": found.id, "wallet": wallet.value, "answer": answer})


def _asked(path: str) -> dict[str, object]:
    try:
        text = sys.stdin.read(_LARGEST) if path == "-" else Path(path).expanduser().read_text("utf-8")
        asked = json.loads(text)
    except (OSError, ValueError) as error:
        raise BadFile(f"cannot read a wallet's request from {path}: {type(error).__name__}") from None
    if not isinstance(asked, dict):
        raise BadFile(f"{path} is no wallet's request: a JSON object is wanted")
    return asked
