"""What Marqeta must have notified, as its lists show, and a notification once more; what notifications say is webhooks.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import orjson

from cardctl.domain.events import Expected
from cardctl.errors import ProviderHasNot
from cardctl.providers.marqeta import wire
from cardctl.providers.marqeta.client import MarqetaClient
from cardctl.providers.marqeta.translate import moment
from cardctl.providers.marqeta.webhooks import CARD_TRANSITIONS, TRANSACTIONS, event_id

_KINDS = {TRANSACTIONS: "transaction", CARD_TRANSITIONS: "cardtransition"}
"""How a resend calls what stands under these keys."""
_KEYS = {kind: key for key, kind in _KINDS.items()}
_COLLECTIONS = {"transaction": wire.TRANSACTIONS, "cardtransition": wire.CARD_TRANSITIONS}
_LATE = timedelta(days=7)
"""UNCONFIRMED by which of its times the list is cut: what was made today may have been paid for days ago."""
_LAST = "2100-01-01"


class Resending:
    """Notifications of transactions and of card transitions."""

    def __init__(self, client: MarqetaClient) -> None:
        self._client = client
        self._endpoint: str | None = None

    def expected(self, since: datetime, card_refs: Sequence[str]) -> Iterator[list[Expected]]:
        """Transactions of these cards, and of no card, oldest first; then the transitions of card after card. Of a transaction
        whose state has changed only the newest notification is known to its list."""
        cards = set(card_refs)
        for page in self._client.transactions((since - _LATE).date().isoformat(), _LAST):
            yield [_expected(TRANSACTIONS, row) for row in page if _is_since(row, since) and _is_of(row, cards)]
        for card in card_refs:
            with suppress(ProviderHasNot):  # nothing is owed of a card that is gone
                for steps in self._client.card_transitions(card):
                    yield [_expected(CARD_TRANSITIONS, row) for row in steps if _is_since(row, since)]

    def resend(self, expected: Expected) -> bytes:
        """The body as it would have been delivered. ProviderHasNot where there is no such thing, or no endpoint to send it to.

        UNCONFIRMED in which form the answer has it: a whole body, the item alone, or neither; then the thing itself is read.
        """
        key = _KEYS[expected.kind]
        answer = self._client.resend(self._active_endpoint(), expected.kind, expected.token)
        item = _item(answer, key) or self._client.get(wire.one_of(_COLLECTIONS[expected.kind], expected.token))
        return orjson.dumps({key: [item]}, default=wire.exact_number)

    def _active_endpoint(self) -> str:
        """The first; all of them are sent the same. It is asked for once."""
        if self._endpoint is None:
            hooks = (hook for page in self._client.webhooks() for hook in page)
            active = (hook["token"] for hook in hooks if hook.get("active") is not False and hook.get("token"))
            self._endpoint = next(active, None)
        if self._endpoint is None:
            raise ProviderHasNot("marqeta has no active webhook to resend to", hint="register one there, and try again")
        return self._endpoint


def _expected(key: str, row: Mapping[str, Any]) -> Expected:
    return Expected(event_id(key, row), _KINDS[key], str(row.get("token") or ""))


def _is_since(row: Mapping[str, Any], since: datetime) -> bool:
    """Whether it was made by then; one that does not tell may have been."""
    made = moment(row.get("created_time"))
    return made is None or made >= since


def _is_of(row: Mapping[str, Any], cards: set[str]) -> bool:
    return row.get("card_token") in cards or not row.get("card_token")


def _item(answer: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """The one item of the answer, wherever in it that stands."""
    places = [answer, *(value[0] if isinstance(value, list) and len(value) == 1 else value for value in answer.values())]
    return next((place for place in places if isinstance(place, dict) and "token" in place and _fits(place, key)), None)


def _fits(item: Mapping[str, Any], key: str) -> bool:
    """Whether it is a notification of that kind, and not the endpoint that it went to, or a card in it."""
    return "amount" in item if key == TRANSACTIONS else "card_token" in item and "state" in item
