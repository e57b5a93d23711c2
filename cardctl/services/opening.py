"""A card as it is wanted whole, from as many writes as its provider needs: made, limited, activated, funded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cardctl.domain.cards import NO_LIMITS, Limits
from cardctl.domain.operations import Draft
from cardctl.domain.states import FINAL, Move
from cardctl.errors import BadInput
from cardctl.providers.base import FundsCards, LimitsCards, require
from cardctl.services.awaiting import WAIT, await_card
from cardctl.services.chaining import Link, run_chain
from cardctl.services.deeds.controls import move_link
from cardctl.services.deeds.funding import fund_link, limit_links, limits_shared_warning
from cardctl.services.deeds.issuing import CardWish, issue_link, rehearse_card
from cardctl.services.desk import Desk, Done, Thing, Warned
from cardctl.services.entries import limits_told


def issue_card(
    desk: Desk, wanted: CardWish, *, caller_key: str | None = None, reason: str | None = None, wait: float = WAIT
) -> Done:
    """Issue a card and make it what is wanted. Refused (6) unless its account is active and its KYC verified; Unsupported (7)
    where the provider has no limits and some were named.

    The operation of the Done is the making of the card. An error after it was made says so.
    """
    wish, warnings = _possible(desk, wanted)
    if wish.allowance is not None:
        require(desk.provider, FundsCards)
    done = await_card(desk, run_chain(desk, _links(desk, wish, caller_key, reason)), wait=wait)
    return replace(done, warnings=(*warnings, *done.warnings))


def rehearse_issue(desk: Desk, wanted: CardWish, *, caller_key: str | None = None) -> tuple[Draft | Thing, list[str]]:
    """What would be sent to make the card, and the writes that would follow it, in words: they need the card to be there."""
    wish, _ = _possible(desk, wanted)
    following = [_in_words(link) for link in _links(desk, wish, caller_key, None)[1:]]
    return rehearse_card(desk, _carried(desk, wish), caller_key=caller_key), following


def _links(desk: Desk, wish: CardWish, caller_key: str | None, reason: str | None) -> list[Link]:
    first = issue_link(desk, _carried(desk, wish), caller_key, reason)
    return [first, *_following(desk, wish, first[1].target, caller_key)]


def _following(desk: Desk, wish: CardWish, card_id: str, caller_key: str | None) -> Iterator[Link]:
    """What the making of the card does not bring along: limits first, so that no purchase comes before them."""
    carries = desk.provider.issue_carries
    limits = {name: minor for name, minor in limits_told(wish.limits).items() if minor is not None}
    if limits and "limits" not in carries:
        yield from limit_links(desk, card_id, dict(limits), caller_key)
    if wish.active and "active" not in carries:
        yield move_link(card_id, Move.ACTIVATE, _key(caller_key, "activate"))
    if wish.allowance is not None and wish.allowance.minor > 0 and "allowance" not in carries:
        if not wish.active:
            raise BadInput("only an active card can be funded", hint="leave out either --inactive or --fund")
        yield fund_link(card_id, wish.allowance, _key(caller_key, "fund"))


def _carried(desk: Desk, wish: CardWish) -> CardWish:
    """The part of the wish that goes into the making of the card."""
    carries = desk.provider.issue_carries
    return replace(
        wish,
        active=wish.active or "active" not in carries,
        limits=wish.limits if "limits" in carries else NO_LIMITS,
        allowance=wish.allowance if "allowance" in carries else None,
    )


def _possible(desk: Desk, wish: CardWish) -> tuple[CardWish, tuple[Warned, ...]]:
    """The wish without limits that only the profile asked for, where they cannot be had, or would change other cards'."""
    if wish.limits == NO_LIMITS:
        return wish, ()
    if not isinstance(desk.provider, LimitsCards):
        named = _without(wish.limits, wish.defaulted)
        if named != NO_LIMITS:
            require(desk.provider, LimitsCards)
        text = f"{desk.provider.name} sets no limits on cards: the profile's default limits do not hold for this one"
        return replace(wish, limits=NO_LIMITS), (Warned("LIMITS_UNSUPPORTED", text),)
    if not desk.provider.limits_shared:
        return wish, ()
    kept = _without(wish.limits, tuple(name for name in wish.defaulted if _held(desk, wish, name)))
    return replace(wish, limits=kept), (limits_shared_warning(desk, wish.account_id),)


def _held(desk: Desk, wish: CardWish, name: str) -> bool:
    """Whether the holder has a limit of that kind: a default does not take the place of what somebody chose."""
    with desk.books.read() as unit:
        cards = unit.cards.of_account(wish.account_id)
    return any(card.state not in FINAL and getattr(card.limits, name) is not None for card in cards)


def _without(limits: Limits, names: tuple[str, ...]) -> Limits:
    return replace(limits, **dict.fromkeys(names))


def _key(caller_key: str | None, step: str) -> str | None:
    return f"{caller_key}/{step}" if caller_key else None


def _in_words(link: Link) -> str:
    deed, wish = link
    what = wish.amount or wish.arguments.get("changes") or ""
    return f"{deed.kind} {what}".strip()
