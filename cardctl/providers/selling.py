"""What a provider that takes customers' payments is, and one that sells eSIMs: the capability protocols of paid orders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol, Self, runtime_checkable

from cardctl.domain.cards import Credentials
from cardctl.domain.esims import LedgerEntry, NewPurchase, Offer, Plan, RemotePurchase
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.sales import NewCheckout, RemoteCheckout, RemoteSale, RemoteSaleRefund


@runtime_checkable
class TakesPayments(Protocol):
    """Makes pages on which customers pay, and gives back what they paid. Drafts read nothing. `duplicate`: the money is given
    back because the order was paid twice."""

    def draft_checkout(self, wanted: NewCheckout, mark: str) -> Draft: ...
    def draft_sale_refund(self, ref: str, amount: Money, mark: str, *, duplicate: bool = False) -> Draft: ...


@runtime_checkable
class ReadsSales(Protocol):
    """Reads one payment of a customer (with what was refunded of it), one checkout, one refund, or all refunds of a payment;
    ProviderHasNot where there is none."""

    def sale(self, ref: str) -> RemoteSale: ...
    def checkout(self, ref: str) -> RemoteCheckout: ...
    def sale_refund(self, ref: str) -> RemoteSaleRefund: ...
    def sale_refunds(self, sale_ref: str) -> list[RemoteSaleRefund]: ...


@runtime_checkable
class SellsEsims(Protocol):
    """Sells eSIMs out of a wallet. Drafts read nothing. `offers` are listed page by page, disabled ones too; ProviderHasNot
    for an offer that is not there. A purchase is accepted or refused at once, and ends later: `purchase` tells, and
    ProviderHasNot means that nothing was bought under that name. `qr_code` is a PNG; ProviderHasNot: there is none yet."""

    def offers(self, *, country: str | None = None, region: str | None = None) -> Iterator[list[Offer]]: ...
    def offer(self, offer_id: str) -> Offer: ...
    def draft_purchase(self, wanted: NewPurchase, mark: str) -> Draft: ...
    def purchase(self, ref: str) -> RemotePurchase: ...
    def qr_code(self, ref: str) -> bytes: ...
    def plans(self, iccid: str) -> list[Plan]: ...


@runtime_checkable
class RefundsPurchases(Protocol):
    """Asks the supplier for the money of a purchase back, into the wallet; `purchase_refund` tells what became of that."""

    def draft_purchase_refund(self, ref: str, mark: str) -> Draft: ...
    def purchase_refund(self, ref: str) -> LedgerEntry: ...


@runtime_checkable
class KeepsWallet(Protocol):
    """A wallet with a ledger, which is listed page by page, `since` being when an entry was made; and as a report (CSV) of what
    ended from `since` on and before `until`, waited for."""

    def ledger(self, *, since: datetime | None = None) -> Iterator[list[LedgerEntry]]: ...
    def report(self, since: datetime, until: datetime) -> bytes: ...


@runtime_checkable
class TopsUpWallet(Protocol):
    """Puts money into the wallet with a card, where there is anybody who takes one. `draft_wallet_topup` reads nothing, and
    raises Unsupported with the reason where there is nobody. The card's numbers are in no draft: `paying_with` is this provider
    with them at hand, in memory alone, for one `send`; without them `send` of a top-up raises ProviderUnavailable, and sends
    nothing."""

    def draft_wallet_topup(self, amount: Money, mark: str) -> Draft: ...
    def paying_with(self, credentials: Credentials) -> Self: ...
