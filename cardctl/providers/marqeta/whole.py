"""Marqeta's users, cards and transactions read whole, part by part; a position holds all that its turn needs.

Cards are listed by user alone, and what a message does to a balance depends on those before it about the same purchase: so
both are read user by user, which is in parts that know nothing of one another. Users are listed one page after the other: they
are few beside what is read of each, and it is UNCONFIRMED that a page beyond the end is no error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.transactions import RemoteTransaction
from cardctl.errors import BadInput, ProviderUnavailable
from cardctl.providers.http import Reply
from cardctl.providers.marqeta import translate
from cardctl.providers.marqeta.client import OLDEST_FIRST, MarqetaClient
from cardctl.providers.marqeta.reading import LAST, Reading, span
from cardctl.providers.marqeta.transactions import Holds, events_from_wire
from cardctl.providers.marqeta.wire import CARDS, USERS, MarqetaCard, MarqetaTransaction, MarqetaUser, one_of
from cardctl.providers.paging import Leaf, Source, Spot

_NEEDED = ("token", "parent_token", "uses_parent_account", "first_name", "last_name", "company")
"""What a card's turn needs of its user, beside the mark of a user who is there for one card."""
_STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, BadInput)
"""What the translation of an answer raises that is not what it should be."""
_Position = Mapping[str, Any]


def openings(source: Source, since: datetime | None) -> Iterator[Spot]:
    """The list of users; for transactions since some time the one list of all, since hardly any user has one then."""
    recent = source is Source.TRANSACTIONS and since is not None
    yield Spot(source, {"at": 0, "since": since.isoformat()} if recent and since else {"users": 0})


def turn(client: MarqetaClient, spot: Spot) -> Leaf:
    """One page of users, or one of what a user has. ProviderUnavailable, also where an answer is not in Marqeta's words."""
    counting = _Counting(client)
    read = _users if "users" in spot.position else _TURNS[spot.source]
    try:
        found = read(counting, spot)
    except _STRANGE:
        raise ProviderUnavailable("an answer came that is not in Marqeta's words") from None
    return Leaf(spot, found.accounts, found.cards, found.transactions, found.then, counting.asked)


class _Counting(MarqetaClient):
    """A client of one turn, which counts what it asks for."""

    def __init__(self, client: MarqetaClient) -> None:
        vars(self).update(vars(client))
        self.asked = 0

    def ask(self, path: str, query: Mapping[str, str | int] | None = None) -> Reply:
        self.asked += 1
        return super().ask(path, query)


@dataclass(slots=True)
class _Found:
    accounts: list[RemoteAccount] = field(default_factory=list)
    cards: list[RemoteCard] = field(default_factory=list)
    transactions: list[RemoteTransaction] = field(default_factory=list)
    then: list[Spot] = field(default_factory=list)


def _users(client: MarqetaClient, spot: Spot) -> _Found:
    """A page of users: they are accounts, or what is read of each follows."""
    part = client.part(USERS, OLDEST_FIRST, spot.position["users"])
    users = cast(list[MarqetaUser], part.rows)
    found = _Found(then=[] if part.following is None else [Spot(spot.source, {"users": part.following})])
    if spot.source is Source.ACCOUNTS:
        users = [user for user in users if not translate.is_card_user(user)]
        found.accounts = [translate.account_from_wire(user, keep=False) for user in users if user.get("status")]
        users = [user for user in users if not user.get("status")]  # the list need not tell it: then each is read by itself
    found.then += [Spot(spot.source, _of_user(spot.source, user)) for user in users]
    return found


def _of_user(source: Source, user: MarqetaUser) -> dict[str, Any]:
    if source is not Source.CARDS:
        return {"user": user["token"], "at": 0}
    told = {name: value for name, value in user.items() if name in _NEEDED and value is not None}
    return {"user": told | ({"metadata": {translate.CARD_USER: ""}} if translate.is_card_user(user) else {}), "at": 0}


def _account(client: MarqetaClient, spot: Spot) -> _Found:
    return _Found(accounts=[translate.account_from_wire(client.user(spot.position["user"]), keep=False)])


def _cards(client: MarqetaClient, spot: Spot) -> _Found:
    """A page of one user's cards; money and limits, which are the user's, are read with each page."""
    user = cast(MarqetaUser, spot.position["user"])
    part = client.part(one_of(f"{CARDS}/user", user["token"]), OLDEST_FIRST, spot.position["at"])
    cards = Reading(client).whole_cards(user, cast(list[MarqetaCard], part.rows), keep=False)
    return _Found(cards=cards, then=_onward(spot, part.following, {}))


def _transactions(client: MarqetaClient, spot: Spot) -> _Found:
    """A page of one user's transactions, or of all, oldest first; what authorizations still hold goes on from page to page, and
    what stands on two neighbouring pages counts once."""
    told = spot.position
    since = datetime.fromisoformat(told["since"]) if "since" in told else None
    first, earliest = span(since)
    part = client.transactions_from(told["at"], first, LAST, acting_user=told.get("user"))
    before, holds = set(told.get("before", ())), _holds(told)
    fresh = [cast(MarqetaTransaction, row) for row in part.rows if row["token"] not in before]
    events = [event for event in events_from_wire(fresh, holds, keep=False) if event.occurred_at >= earliest]
    standing = {token: [held.minor, held.currency] for token, held in holds.items() if held.minor}
    now = {"holds": standing, "before": [row["token"] for row in part.rows]}
    return _Found(transactions=events, then=_onward(spot, part.following, now))


def _holds(told: _Position) -> Holds:
    return {token: Money(minor, currency) for token, (minor, currency) in told.get("holds", {}).items()}


def _onward(spot: Spot, following: int | None, now: _Position) -> list[Spot]:
    return [] if following is None else [Spot(spot.source, {**spot.position, **now, "at": following})]


_TURNS = {Source.ACCOUNTS: _account, Source.CARDS: _cards, Source.TRANSACTIONS: _transactions}
