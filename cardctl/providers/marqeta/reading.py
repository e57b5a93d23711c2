"""Reading at Marqeta what takes several requests: whole cards and accounts, lists, money events; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.transactions import RemoteTransaction
from cardctl.errors import ProviderHasNot
from cardctl.providers.marqeta import translate
from cardctl.providers.marqeta.client import MarqetaClient
from cardctl.providers.marqeta.transactions import Holds, events_from_wire
from cardctl.providers.marqeta.wire import MarqetaBalance, MarqetaCard, MarqetaUser

_LAG = timedelta(hours=4)
"""How late a transaction may show up in the list (SPEC): what was made so long before `since` is given too."""
_LATE = timedelta(days=7)
"""UNCONFIRMED by which of its times the list is cut: what was made today may have been paid for days ago."""
_FIRST, LAST = datetime(2010, 1, 1, tzinfo=UTC), "2100-01-01"


def span(since: datetime | None) -> tuple[str, datetime]:
    """From which day on the list is asked for, and when the earliest event of it was made that is given."""
    start = max(since, _FIRST) if since else _FIRST
    return (start - _LATE).date().isoformat(), start - _LAG


class Reading:
    """What there is at Marqeta, in our words."""

    def __init__(self, client: MarqetaClient) -> None:
        self._client = client

    def account(self, ref: str) -> RemoteAccount:
        """With its balances, where they are its own."""
        user = self._client.user(ref)
        own = None if user.get("uses_parent_account") else translate.balances_from_wire(self._balance(user) or {})
        return translate.account_from_wire(user, own)

    def accounts(self) -> Iterator[list[RemoteAccount]]:
        """Every user that is not there for one card only; balances would be a request each."""
        for page in self._client.users():
            if users := [self._whole(user) for user in page if not translate.is_card_user(user)]:
                yield [translate.account_from_wire(user) for user in users]

    def card(self, ref: str) -> RemoteCard:
        card = self._client.card(ref)
        user = self.user_of(card)
        controls = self._client.controls_of(user["token"])
        return translate.card_from_wire(card, user, self._balance(user), controls)

    def user_of(self, card: MarqetaCard) -> MarqetaUser:
        """The user whom a card was issued to."""
        user = card.get("user") or {}
        return user if "token" in user else self._client.user(card["user_token"])

    def currency(self, card: MarqetaCard) -> str:
        return translate.card_currency(card, self._balance(self.user_of(card)))

    def available(self, user: str, currency: str) -> Money | None:
        """What the holder can still spend; None where there is no such balance."""
        return translate.available(self._client.balance(user), currency)

    def cards(self, account_ref: str | None) -> Iterator[list[RemoteCard]]:
        """User by user: there is no list of all cards."""
        for user in self._client_users() if account_ref is None else self._users_of(account_ref):
            if cards := self.cards_of(user):
                yield cards

    def cards_of(self, user: MarqetaUser) -> list[RemoteCard]:
        """Every card of one user; the money and limits, which are the user's, are read once."""
        return self.whole_cards(user, [card for page in self._client.cards_of(user["token"]) for card in page])

    def whole_cards(self, user: MarqetaUser, cards: list[MarqetaCard], *, keep: bool = True) -> list[RemoteCard]:
        """Some cards of one user, with the money and limits; nothing is asked where there are none."""
        if not cards:
            return []
        balance, controls = self._balance(user), self._client.controls_of(user["token"])
        return [translate.card_from_wire(card, user, balance, controls, keep=keep) for card in cards]

    def transactions(self, card_ref: str | None, since: datetime | None) -> Iterator[list[RemoteTransaction]]:
        """Oldest first, so that an authorization comes before what becomes of it."""
        first, earliest = span(since)
        holds: Holds = {}
        for page in self._client.transactions(first, LAST, card=card_ref):
            events = [event for event in events_from_wire(page, holds) if event.occurred_at >= earliest]
            if events:
                yield events

    def _client_users(self) -> Iterator[MarqetaUser]:
        for page in self._client.users():
            yield from page

    def _users_of(self, account_ref: str) -> Iterator[MarqetaUser]:
        """The account itself, and those that were made for one card of it."""
        yield self._client.user(account_ref)
        for page in self._client.children(account_ref):
            yield from (user for user in page if translate.is_card_user(user))

    def _whole(self, user: MarqetaUser) -> MarqetaUser:
        """The description of the list has no `status`: where it does not come, the user is read by itself."""
        return user if user.get("status") else self._client.user(user["token"])

    def _balance(self, user: MarqetaUser) -> MarqetaBalance | None:
        """Of the account that the user spends from; None where there is none."""
        parent = user.get("parent_token") if user.get("uses_parent_account") else None
        try:
            return self._client.balance(parent or user["token"])
        except ProviderHasNot:
            return None
