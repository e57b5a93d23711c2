"""What a provider that keeps buyers' cards for a seller is: the capability protocols of saved cards and of what they pay."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.payments import NewPayment, RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard, RemoteCustomer, RemoteSavedCard


@runtime_checkable
class SavesCards(Protocol):
    """Keeps a buyer's card as a token. Drafts read nothing."""

    def draft_customer(self, wanted: NewCustomer, mark: str) -> Draft: ...
    def draft_saved_card(self, wanted: NewSavedCard, mark: str) -> Draft: ...
    def draft_disable(self, ref: str, mark: str) -> Draft: ...


@runtime_checkable
class ReadsSavedCards(Protocol):
    """Reads one customer or card; ProviderHasNot where there is none. `find_customer`: the one that was made for our name of a
    person, None where nobody is called so."""

    def customer(self, ref: str) -> RemoteCustomer: ...
    def find_customer(self, person: str) -> RemoteCustomer | None: ...
    def saved_card(self, ref: str) -> RemoteSavedCard: ...


@runtime_checkable
class ChargesSavedCards(Protocol):
    """Takes money with a saved card, at once or by a hold, and gives it back.

    `draft_capture`: of an approved payment, all of it or `amount` (tip apart); it reads the payment first, and raises
    StateForbids where it cannot be captured so. `draft_cancel` releases a hold. A decline is a ProviderRefused whose
    `vendor_code` is the provider's word, explained in its message.
    """

    def draft_payment(self, wanted: NewPayment, mark: str) -> Draft: ...
    def draft_capture(self, ref: str, mark: str, *, amount: Money | None, tip: Money | None) -> Draft: ...
    def draft_cancel(self, ref: str, mark: str) -> Draft: ...
    def draft_refund(self, ref: str, amount: Money, mark: str, *, reason: str | None) -> Draft: ...


@runtime_checkable
class ReadsPayments(Protocol):
    """Reads one payment or refund; ProviderHasNot where there is none."""

    def payment(self, ref: str) -> RemotePayment: ...
    def refund(self, ref: str) -> RemoteRefund: ...


@runtime_checkable
class CancelsByKey(Protocol):
    """Cancels a payment whose outcome nobody knows, by the key that it was sent under; nothing happens where there is none."""

    def cancel_by_key(self, key: str) -> None: ...
