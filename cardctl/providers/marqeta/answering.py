"""What the answers to our drafts mean, and how each draft is looked for where its answer was lost; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import CardNews, Limits
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, ReplyLost
from cardctl.providers.base import Remote, Sighting
from cardctl.providers.marqeta import translate, wire
from cardctl.providers.marqeta.client import MarqetaClient
from cardctl.providers.marqeta.reading import Reading
from cardctl.providers.marqeta.wire import MarqetaCard, MarqetaControl, MarqetaOrder, MarqetaTransition


class Answering:
    """One method for the answer, and one for the look-up, of each kind of draft; the kind is the collection that it goes to."""

    def __init__(self, client: MarqetaClient, reading: Reading) -> None:
        self._client = client
        self._reading = reading
        self._answers: dict[str, Callable[[Draft, dict[str, Any], str], Remote]] = {
            wire.USERS: self._account,
            wire.USER_TRANSITIONS: self._account,
            wire.CARDS: lambda _draft, answer, _mark: translate.card_from_wire(cast(MarqetaCard, answer)),
            wire.CARD_TRANSITIONS: self._moved,
            wire.CONTROLS: self._limited,
            wire.ORDERS: self._funded,
        }
        self._looks: dict[str, Callable[[Draft, str], Sighting]] = {
            wire.USERS: self._look_for_account,
            wire.USER_TRANSITIONS: self._look_for_status,
            wire.CARDS: self._look_for_card,
            wire.CARD_TRANSITIONS: self._look_for_move,
            wire.CONTROLS: self._look_for_limit,
            wire.ORDERS: self._look_for_order,
        }

    def read(self, draft: Draft, answer: dict[str, Any], mark: str) -> Remote:
        """The object, or the news of it, that a 2xx tells. ProviderRefused for an order that was declined, which comes as 2xx;
        ReplyLost for a state that is no word of Marqeta's."""
        return self._answers[_kind(draft)](draft, answer, mark)

    def look(self, draft: Draft, mark: str) -> Sighting:
        """By the token that the draft chose for what it makes; a change in place, by what is there."""
        return self._looks[_kind(draft)](draft, mark)

    def already(self, draft: Draft) -> CardNews | None:
        """The card, where a refused move would have made it what it is: UNCONFIRMED how such a move is refused."""
        if _kind(draft) != wire.CARD_TRANSITIONS:
            return None
        with suppress(CardctlError):
            news = self._card_now(draft, None)
            return news if news.word == draft.body["state"] else None
        return None

    def _account(self, draft: Draft, answer: dict[str, Any], _mark: str) -> RemoteAccount:
        """Only the making of a user is answered with all of it."""
        if draft.path == wire.USERS:
            return translate.account_from_wire(cast(wire.MarqetaUser, answer))
        try:
            return translate.account_from_wire(self._client.user(_user_of(draft)))
        except CardctlError as error:
            raise ReplyLost(f"marqeta took it, and the account could not be read since: {error.message}") from error

    def _moved(self, draft: Draft, answer: dict[str, Any], _mark: str) -> CardNews:
        transition = cast(MarqetaTransition, answer)
        return translate.move_from_wire(transition, transition["card_token"], transition["token"])

    def _limited(self, draft: Draft, answer: dict[str, Any], mark: str) -> CardNews:
        """All limits: what was there before, and what the answer says of this one."""
        control, currency = cast(MarqetaControl, answer), draft.before["currency"]
        name = translate.LIMIT_NAMES[control["velocity_window"]]
        limits = {kind: value and translate.money(value, currency) for kind, value in draft.before["limits"].items()}
        limits[name] = translate.money(control["amount_limit"], currency) if control["active"] else None
        return CardNews(draft.before["card"], translate.kept(control), limits=Limits(**limits), mark=mark)

    def _funded(self, draft: Draft, answer: dict[str, Any], mark: str) -> CardNews:
        order = cast(MarqetaOrder, answer)
        state = order["state"]
        if state == "DECLINED":
            response = order.get("response") or {}
            message = f"marqeta declined it: {response.get('memo') or response.get('code') or 'no reason given'}"
            raise ProviderRefused(message, vendor_code=str(response.get("code") or "") or None)
        if state not in ("COMPLETION", "PENDING"):
            raise ReplyLost(f"marqeta's order {order['token']} is {state}, which tells nothing of the money")
        return CardNews(
            draft.before["card"],
            translate.kept(order),
            balance=self._balance_now(draft),
            shared=True,
            settled=state == "COMPLETION",
            reference=order["token"],
            mark=mark,
        )

    def _balance_now(self, draft: Draft) -> Money | None:
        """The money has moved, whether or not this can be read."""
        with suppress(CardctlError):
            return self._reading.available(draft.before["user"], draft.before["currency"])
        return None

    def _look_for_account(self, draft: Draft, mark: str) -> Sighting:
        if draft.path == wire.USERS:
            found = self._found(wire.USERS, mark)
            return (
                Sighting(False) if found is None else Sighting(True, translate.account_from_wire(cast(wire.MarqetaUser, found)))
            )
        try:
            account = translate.account_from_wire(self._client.user(_user_of(draft)))
        except ProviderHasNot:
            return Sighting(None)
        if account.mark == mark:
            return Sighting(True, account)
        return Sighting(False if account.mark == draft.before.get("mark") else None, account)

    def _look_for_status(self, draft: Draft, mark: str) -> Sighting:
        """By the transition; where there is none, the status may be as wanted all the same."""
        ran = self._found(wire.USER_TRANSITIONS, mark) is not None
        try:
            user = self._client.user(draft.body["user_token"])
        except ProviderHasNot:
            return Sighting(None)
        return Sighting(ran or user.get("status") == draft.body["status"], translate.account_from_wire(user))

    def _look_for_card(self, draft: Draft, mark: str) -> Sighting:
        found = self._found(wire.CARDS, mark)
        return Sighting(False) if found is None else Sighting(True, translate.card_from_wire(cast(MarqetaCard, found)))

    def _look_for_move(self, draft: Draft, mark: str) -> Sighting:
        """By the transition; where there is none, the card may be as wanted all the same. What it is now, the card tells."""
        ran = self._found(wire.CARD_TRANSITIONS, mark) is not None
        try:
            news = self._card_now(draft, mark if ran else None)
        except ProviderHasNot:
            return Sighting(None)
        return Sighting(ran or news.word == draft.body["state"], news)

    def _look_for_limit(self, draft: Draft, mark: str) -> Sighting:
        """A new control by its token. A changed one by what it says now: once it is neither as before nor as wanted, another
        has written."""
        found = self._found(wire.CONTROLS, draft.body["token"])
        if draft.method == "POST":
            return Sighting(False) if found is None else Sighting(True, self._limits_now(draft, mark))
        if found is None:  # deleted, which is more than switched off
            return Sighting(True if not draft.body["active"] else None, self._limits_now(draft, mark))
        if all(found.get(name) == value for name, value in draft.body.items()):
            return Sighting(True, self._limits_now(draft, mark))
        as_before = all(found.get(name) == value for name, value in draft.before["control"].items())
        return Sighting(False if as_before else None, self._limits_now(draft, mark))

    def _look_for_order(self, draft: Draft, mark: str) -> Sighting:
        """One that was declined has moved nothing: sent again, it is declined again."""
        found = self._found(draft.path, mark)
        if found is None or found.get("state") == "DECLINED":
            return Sighting(False)
        try:
            return Sighting(True, self._funded(draft, found, mark))
        except ReplyLost:
            return Sighting(None)

    def _card_now(self, draft: Draft, moved_by: str | None) -> CardNews:
        card = self._client.card(draft.body["card_token"])
        return translate.move_from_wire(card, card["token"], moved_by)

    def _limits_now(self, draft: Draft, mark: str) -> CardNews:
        controls = self._client.controls_of(draft.before["user"])
        limits = translate.limits_from_wire(controls, draft.before["currency"])
        return CardNews(draft.before["card"], {}, limits=limits, mark=mark)

    def _found(self, collection: str, token: str) -> dict[str, Any] | None:
        try:
            return self._client.get(wire.one_of(collection, token))
        except ProviderHasNot:
            return None


def _kind(draft: Draft) -> str:
    """The collection that a draft goes to."""
    return "/" + draft.path.split("/")[1]


def _user_of(draft: Draft) -> str:
    """The user whom a change is about."""
    return str(draft.body.get("user_token") or draft.before["user"])
