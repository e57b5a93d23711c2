"""Reading cards, customers and histories: client calls with their translation; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeVar, cast

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import Credentials, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.transactions import RemoteTransaction
from cardctl.errors import BadInput, ProviderRefused, ProviderUnavailable
from cardctl.providers.strowallet import rows, translate, wire
from cardctl.providers.strowallet.client import TAKE, PageMissing, StrowalletClient

STRANGE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, BadInput)
"""What the translation of an answer raises that is not what it should be."""
T = TypeVar("T")


class Reader:
    """Reads through one client. ProviderUnavailable where an answer is not in Strowallet's words, or about something else.

    `whole` False leaves out the whole history, which a sandbox cannot ask for: it takes no mode.
    """

    def __init__(self, client: StrowalletClient, *, whole: bool) -> None:
        self._client = client
        self._whole = whole

    def card(self, ref: str, *, urgent: bool = False) -> RemoteCard:
        detail = self._client.card(ref, urgent=urgent)
        return _understood(lambda: translate.card_from_wire(detail, ref, nfc=self._client.nfc))

    def account(self, ref: str) -> RemoteAccount:
        """A customer by id; one of the NFC product by email."""
        nfc, customer = self._client.nfc, self.customer(ref)
        return _understood(lambda: translate.account_from_wire(customer, nfc=nfc, email=ref if nfc else None))

    def customer(self, ref: str) -> dict[str, Any]:
        """The same as it came."""
        customer = self._client.customer(ref=ref)
        told = translate.email_in(customer) if self._client.nfc else translate.customer_id(customer)
        if told and told.lower() != ref.lower():
            raise ProviderUnavailable(f"strowallet answered with another customer than {ref}")
        return customer

    def account_by_email(self, email: str) -> RemoteAccount:
        customer = self._client.customer(email=email)
        account = _understood(lambda: translate.account_from_wire(customer, nfc=self._client.nfc, email=email))
        if account.email is None or account.email.lower() != email.lower():
            raise ProviderUnavailable(f"strowallet answered with another customer than {email}")
        return account

    def recent(self, ref: str) -> list[RemoteTransaction]:
        """The newest money events of a card."""
        return _events(self._client.recent(ref), ref)

    def transactions(self, ref: str, since: datetime | None) -> Iterator[list[RemoteTransaction]]:
        """The whole history, then what only the newest rows have. Each row once."""
        known: set[str] = set()
        for page in self._pages(ref):
            new = {event.ref: event for event in _events(page, ref) if event.ref not in known}
            known |= new.keys()
            yield [event for event in new.values() if since is None or event.occurred_at >= since]

    def credentials(self, ref: str) -> Credentials:
        """ProviderRefused where Strowallet gives no number, or only a page that shows it."""
        detail = self._client.revealed(ref)
        credentials = _understood(lambda: translate.credentials_from_wire(detail))
        if credentials is not None:
            return credentials
        if translate.detail_in(detail).get("card_number_url"):
            hint = "see it in Strowallet's dashboard"
            raise ProviderRefused("strowallet shows this card's number on a page of its own only", hint=hint)
        raise ProviderRefused("strowallet did not give this card's number", hint="a card that is still being made has none")

    def float_balances(self) -> tuple[Money, ...]:
        balance, _ = self._client.wallet()
        return _understood(lambda: translate.float_from_wire(balance))

    def withdrawal_word(self, reference: str) -> str:
        return translate.withdrawal_word(self._client.withdrawal(reference))

    def _pages(self, ref: str) -> Iterator[list[dict[str, Any]]]:
        """Until a page is not full, or brings nothing new: nothing proves that `page` is heeded."""
        seen: set[str] = set()
        number = 1
        while page := self._history(ref, number):
            new = rows.ids_of(page) - seen
            if not new:
                break
            seen |= new
            yield page
            if len(page) < TAKE:
                break
            number += 1
        yield self._client.recent(ref)

    def _history(self, ref: str, number: int) -> list[dict[str, Any]]:
        """Nothing where it is not served: by the NFC product, in a sandbox, or where the address is not there."""
        if self._client.nfc or not self._whole:
            return []
        try:
            return self._client.history(ref, number)
        except (PageMissing, ProviderRefused):
            if number > 1:
                raise  # a history that breaks off is not a whole one
            return []


def _understood(translated: Callable[[], T]) -> T:
    try:
        return translated()
    except STRANGE:
        raise ProviderUnavailable("an answer came that is not in Strowallet's words") from None


def _events(page: list[dict[str, Any]], ref: str) -> list[RemoteTransaction]:
    own = _own(page, ref)
    return _understood(lambda: [rows.transaction_from_row(cast(wire.StrowalletRow, row), ref) for row in own])


def _own(page: list[dict[str, Any]], ref: str) -> list[dict[str, Any]]:
    """Without the rows of other cards; UNCONFIRMED that `cardId` names a card as we do, so one row at least must."""
    named = any(row.get("cardId") == ref for row in page)
    return [row for row in page if row.get("cardId") in (ref, None)] if named else page
