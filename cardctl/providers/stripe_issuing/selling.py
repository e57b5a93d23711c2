"""What the provider can do about customers' payments: checkouts, sales and their refunds; each method is a client call and a
translation, and drafts read nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.sales import NewCheckout, OrderData, RemoteCheckout, RemoteSale, RemoteSaleRefund, SaleState
from cardctl.errors import BadInput, ProviderUnavailable
from cardctl.providers.stripe_issuing import sales, wire
from cardctl.providers.stripe_issuing.amounts import money_to_wire
from cardctl.providers.stripe_issuing.translate import MARK

if TYPE_CHECKING:
    from cardctl.providers.stripe_issuing.client import StripeIssuingClient

CHECKOUT, SALE_REFUND = "checkout", "sale_refund"
"""What a draft calls what it makes."""
_LONGEST_NAME, _LONGEST_VALUE = 40, 500
"""Characters of metadata (docs.stripe.com/api/metadata)."""
_DEVELOPMENT_URL = "https://example.com/paid"
W = TypeVar("W")
R = TypeVar("R")


class Sells:
    """The part of the provider that takes customers' payments. `_settings` are the profile's for Stripe."""

    environment: str
    _client: StripeIssuingClient
    _settings: Mapping[str, Any]

    @property
    def _names(self) -> Mapping[str, str]:
        return sales.order_names(self._settings)

    def draft_checkout(self, wanted: NewCheckout, mark: str) -> Draft:
        """BadInput where nobody says where a customer goes who has paid (in the simulator that is made up), or the order's data
        is more than Stripe's metadata holds."""
        success = wanted.success_url or self._settings.get("success_url")
        if not success and self.environment == "simulator":
            success = _DEVELOPMENT_URL
        if not success:
            hint = "set stripe.success_url in the profile, or give --success-url"
            raise BadInput("stripe needs to know where a customer goes who has paid", hint=hint)
        said = {**_metadata(wanted.data, self._names), MARK: mark}
        product = {"currency": wanted.price.currency.lower(), "unit_amount": money_to_wire(wanted.price)}
        body = {
            "mode": "payment",
            "line_items": [{"price_data": {**product, "product_data": {"name": wanted.title}}, "quantity": 1}],
            "metadata": said,
            "payment_intent_data": {"metadata": said},  # Stripe copies nothing from the session to its payment
            "success_url": success,
        }
        more = {"customer_email": wanted.data.recipient, "cancel_url": wanted.cancel_url or self._settings.get("cancel_url")}
        return Draft("POST", wire.CHECKOUTS, CHECKOUT, body | {name: value for name, value in more.items() if value})

    def draft_sale_refund(self, ref: str, amount: Money, mark: str, *, duplicate: bool = False) -> Draft:
        """Stripe gives back in the currency of the payment, and takes no word for it."""
        reason = "duplicate" if duplicate else "requested_by_customer"
        body = {"payment_intent": ref, "amount": money_to_wire(amount), "reason": reason, "metadata": {MARK: mark}}
        return Draft("POST", wire.REFUNDS, SALE_REFUND, body)

    def sale(self, ref: str) -> RemoteSale:
        """A payment that was made in a checkout may say nothing of its order, or nothing of who gets it, and its checkout all:
        then that is asked too."""
        found = _read(lambda told: sales.sale_from_wire(told, self._names), self._client.sale(ref), "payment")
        if found.state is not SaleState.PAID or (found.data is not None and (found.data.recipient or found.email)):
            return found
        pages = self._client.checkouts_of(ref)
        data = next((said for one in pages if (said := sales.order_from_wire(one.get("metadata"), self._names))), None)
        payer = next((given for one in pages if (given := sales.payer_from_wire(one))), None)
        meant = data.recipient if data is not None else None
        return replace(found, data=found.data or data, email=meant or found.email or payer)

    def checkout(self, ref: str) -> RemoteCheckout:
        return _read(lambda told: sales.checkout_from_wire(told, self._names), self._client.checkout(ref), "checkout")

    def sale_refund(self, ref: str) -> RemoteSaleRefund:
        return _read(sales.refund_from_wire, self._client.sale_refund(ref), "refund")

    def sale_refunds(self, sale_ref: str) -> list[RemoteSaleRefund]:
        pages = self._client.sale_refunds(sale_ref)
        return [_read(sales.refund_from_wire, one, "refund") for page in pages for one in page]

    def _made(self, draft: Draft, answer: Mapping[str, Any]) -> RemoteCheckout | RemoteSaleRefund:
        """What Stripe answered to a draft of these; one of sales.STRANGE where it is no such thing."""
        if draft.subject == CHECKOUT:
            return sales.checkout_from_wire(cast(wire.StripeCheckout, answer), self._names)
        return sales.refund_from_wire(cast(wire.StripeRefund, answer))

    def _find_made(self, draft: Draft, mark: str) -> RemoteCheckout | RemoteSaleRefund | None:
        """What was made by a draft carries its mark. No filter of Stripe's finds a checkout that nobody has paid: they are
        looked through, newest first."""
        pages = (
            self._client.checkouts() if draft.subject == CHECKOUT else self._client.sale_refunds(draft.body["payment_intent"])
        )
        for page in pages:
            for one in page:
                if (one.get("metadata") or {}).get(MARK) == mark:
                    return _read(lambda told: self._made(draft, told), one, draft.subject)
        return None


def _metadata(data: OrderData, names: Mapping[str, str]) -> dict[str, str]:
    told = {
        "offer": data.offer_id,
        "recipient": data.recipient,
        "full_name": data.full_name,
        "transaction": data.transaction_id,
    }
    said = {names[word]: value for word, value in told.items() if value}
    for name, value in said.items():
        if len(name) > _LONGEST_NAME or len(value) > _LONGEST_VALUE:
            hint = f"a name has up to {_LONGEST_NAME} characters, and its value {_LONGEST_VALUE}"
            raise BadInput(f"stripe keeps no metadata as long as {name[:_LONGEST_NAME]}", hint=hint)
    return said


def _read(translated: Callable[[W], R], told: W, what: str) -> R:
    try:
        return translated(told)
    except sales.STRANGE:
        raise ProviderUnavailable(f"stripe answered with something that is no {what} that cardctl knows") from None
