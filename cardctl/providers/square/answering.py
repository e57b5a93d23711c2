"""What the answers to our drafts mean, and how each draft is looked for where its answer was lost; nothing is written.

Lists are behind by seconds (SPEC: payments, refunds) or up to a minute (customers), so a look may miss what has just been made.
That does no harm: within a key's life the same key is sent again, which makes nothing twice, and after it the lists are right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, cast

from cardctl.domain.operations import Draft
from cardctl.domain.payments import UNREFUNDED, PaymentState, RemotePayment, RemoteRefund
from cardctl.domain.saved_cards import RemoteCustomer, RemoteSaved
from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, ReplyLost
from cardctl.providers.base import Sighting
from cardctl.providers.square import drafting, translate, wire
from cardctl.providers.square.client import SquareClient
from cardctl.providers.square.judging import declined
from cardctl.providers.square.wire import SquarePayment, SquareRefund

LOOK_PAGES = 100
"""So many pages are looked through for a payment, newest first; one that is not in them may be older still."""

_LOOK = "look at it with `cardctl saved-card sync`, then try again"
_ENDS = {drafting.COMPLETE: PaymentState.COMPLETED, drafting.CANCEL: PaymentState.CANCELED}


class Answering:
    """One method for the answer, and one for the look-up, of each kind of draft. `location` is the seller's."""

    def __init__(self, client: SquareClient, location: str | None) -> None:
        self._client = client
        self._location = location
        self._looks: dict[str, Callable[[Draft, str], Sighting]] = {
            wire.CUSTOMERS: self._look_for_customer,
            wire.CARDS: self._look_for_card,
            wire.PAYMENTS: self._look_for_payment,
            wire.REFUNDS: self._look_for_refund,
            drafting.DISABLE: self._look_for_disabled,
            drafting.COMPLETE: self._look_at_payment,
            drafting.CANCEL: self._look_at_payment,
        }

    def read(self, draft: Draft, answer: dict[str, Any]) -> RemoteSaved:
        """The object that a yes tells. ProviderRefused for a payment or refund that failed, which may come as 200; ReplyLost
        where a change is answered with something else than what was wanted."""
        if draft.path == wire.CUSTOMERS:
            return translate.customer_from_wire(answer["customer"])
        if draft.path == wire.REFUNDS:
            return _given_back(translate.refund_from_wire(answer["refund"]))
        if draft.path.startswith(wire.CARDS):
            return translate.card_from_wire(answer["card"])
        payment = translate.payment_from_wire(answer["payment"])
        if payment.state is PaymentState.FAILED:
            raise declined(payment.decline)
        if draft.path != wire.PAYMENTS and payment.state is not _ENDS[_kind(draft)]:
            raise ReplyLost(f"square took it, and calls the payment {payment.word or 'nothing'}")
        return payment

    def already(self, draft: Draft) -> RemotePayment | None:
        """The payment, where a refused capture or cancel would have made it what it is (SPEC: DELAYED_TRANSACTION_…)."""
        if _kind(draft) not in (drafting.COMPLETE, drafting.CANCEL):
            return None
        with suppress(CardctlError, *translate.STRANGE):
            payment = self.payment(draft.before["payment"])
            return payment if _as_wanted(draft, payment) else None
        return None

    def changed(self, draft: Draft, answer: dict[str, Any]) -> RemotePayment:
        """The hold, as the answer to its change has it. ProviderRefused where its amounts are not those that were wanted:
        UNCONFIRMED whether an answer that is given again is the first one, or tells what somebody has made of it since."""
        try:
            hold = translate.payment_from_wire(answer["payment"])
        except translate.STRANGE:
            raise ReplyLost("square changed the hold, and answered with something that is no payment") from None
        if not _amounts_as_wanted(draft, hold):
            raise ProviderRefused("square did not make the hold what it shall be", hint=_LOOK)
        return hold

    def prepared(self, draft: Draft) -> RemotePayment | None:
        """The hold, where it already has the amounts that a refused prelude would have given it, so that it can be captured."""
        with suppress(CardctlError, *translate.STRANGE):
            payment = self.payment(draft.before["payment"])
            return payment if payment.state is PaymentState.APPROVED and _amounts_as_wanted(draft, payment) else None
        return None

    def look(self, draft: Draft, mark: str) -> Sighting:
        return self._looks[_kind(draft)](draft, mark)

    def payment(self, ref: str) -> RemotePayment:
        return translate.payment_from_wire(self._client.payment(ref))

    def customer_called(self, reference: str) -> RemoteCustomer | None:
        """The oldest with exactly this reference: Square's search knows no upper and lower case."""
        found = (one for one in self._client.customers_called(reference) if one.get("reference_id") == reference)
        first = next(found, None)
        return None if first is None else translate.customer_from_wire(first)

    def _look_for_customer(self, draft: Draft, _mark: str) -> Sighting:
        """Whoever made it: a person has one customer."""
        customer = self.customer_called(draft.body["reference_id"])
        return Sighting(False) if customer is None else Sighting(True, customer)

    def _look_for_card(self, _draft: Draft, mark: str) -> Sighting:
        cards = [translate.card_from_wire(card) for card in self._client.cards_called(mark)]
        found = next((card for card in cards if card.mark == mark), None)
        return Sighting(False) if found is None else Sighting(True, found)

    def _look_for_payment(self, draft: Draft, mark: str) -> Sighting:
        """Those of the same total first, which is one page as a rule; a hold may have another one by now. One that failed has
        taken nothing: sent again it is declined again, or takes the money once. Where there are too many to look through,
        nobody can tell."""
        parts = [draft.body["amount_money"], draft.body.get("tip_money")]
        total = sum(part["amount"] for part in parts if part)
        ended = False
        for query in ({"total": str(total)}, {}):
            payment, ended = self._find_payment({**self._of_location(), **query}, mark)
            if payment is not None:
                return Sighting(False) if payment.state is PaymentState.FAILED else Sighting(True, self._as_it_is(payment))
        return Sighting(False if ended else None)

    def _as_it_is(self, listed: RemotePayment) -> RemotePayment:
        """A payment read by its name: what a list says of it may be seconds old (SPEC), though it was cancelled since."""
        try:
            return self.payment(listed.ref)
        except ProviderHasNot:
            return listed

    def _find_payment(self, query: dict[str, str], mark: str) -> tuple[RemotePayment | None, bool]:
        """The payment with the mark, and whether the list was read to its end. A payment that failed is taken only where there
        is no other: UNCONFIRMED whether a key that was declined may be sent again to more success."""
        failed: RemotePayment | None = None
        asked = {**query, "sort_order": "DESC", "limit": "100"}
        cursor: str | None = None
        for part in self._client.pages(wire.PAYMENTS, "payments", asked, most=LOOK_PAGES):
            cursor = part.cursor
            for row in part.rows:
                if row.get("note") != translate.note_of(mark):
                    continue
                payment = translate.payment_from_wire(cast(wire.SquarePayment, row))
                if payment.state is not PaymentState.FAILED:
                    return payment, True
                failed = payment
        return failed, cursor is None

    def _look_for_refund(self, draft: Draft, mark: str) -> Sighting:
        """By the payment, which names its refunds; then by the list since the payment was made, should it not."""
        try:
            payment = self._client.payment(draft.before["payment"])
        except ProviderHasNot:
            return Sighting(None)
        found = next((one for one in self._named_refunds(payment) if one.get("reason", "").endswith(f"[{mark}]")), None)
        ended = True
        if found is None:
            found, ended = self._listed_refund(payment["created_at"], payment["id"], mark)
        if found is None:
            return Sighting(False if ended else None)
        refund = translate.refund_from_wire(found)
        return Sighting(False) if refund.state in UNREFUNDED else Sighting(True, refund)

    def _named_refunds(self, payment: SquarePayment) -> Iterator[SquareRefund]:
        """But for those that Square names, and then does not know."""
        for ref in payment.get("refund_ids") or []:
            with suppress(ProviderHasNot):
                yield self._client.refund(ref)

    def _listed_refund(self, since: str, payment: str, mark: str) -> tuple[SquareRefund | None, bool]:
        asked = {**self._of_location(), "begin_time": since, "sort_order": "DESC", "limit": "100"}
        cursor: str | None = None
        for part in self._client.pages(wire.REFUNDS, "refunds", asked, most=LOOK_PAGES):
            cursor = part.cursor
            for row in part.rows:
                if row.get("payment_id") == payment and str(row.get("reason") or "").endswith(f"[{mark}]"):
                    return cast(SquareRefund, row), True
        return None, cursor is None

    def _look_for_disabled(self, draft: Draft, _mark: str) -> Sighting:
        try:
            card = translate.card_from_wire(self._client.card(draft.before["card"]))
        except ProviderHasNot:
            return Sighting(None)
        return Sighting(not card.enabled, card)

    def _look_at_payment(self, draft: Draft, _mark: str) -> Sighting:
        """What it is now; where somebody else has captured or released it, sending it again brings the explicit no."""
        try:
            payment = self.payment(draft.before["payment"])
        except ProviderHasNot:
            return Sighting(None)
        return Sighting(_as_wanted(draft, payment), payment)

    def _of_location(self) -> dict[str, str]:
        """Without one, payments are those of the main location (SPEC), as new ones are."""
        return {"location_id": self._location} if self._location else {}


def _kind(draft: Draft) -> str:
    """The collection that a new object goes to, or what is done to one that is there."""
    return draft.path if draft.path in drafting.KEYED else "/" + draft.path.rpartition("/")[2]


def _as_wanted(draft: Draft, payment: RemotePayment) -> bool:
    kind = _kind(draft)
    return payment.state is _ENDS[kind] and (kind == drafting.CANCEL or _amounts_as_wanted(draft, payment))


def _amounts_as_wanted(draft: Draft, payment: RemotePayment) -> bool:
    wanted = draft.before
    is_now = (payment.amount.minor, payment.tip.minor, payment.amount.currency)
    return is_now == (wanted["amount"], wanted["tip"], wanted["currency"])


def _given_back(refund: RemoteRefund) -> RemoteRefund:
    if refund.state in UNREFUNDED:
        raise ProviderRefused(f"square did not give it back: the refund is {refund.word}", vendor_code=refund.word)
    return refund
