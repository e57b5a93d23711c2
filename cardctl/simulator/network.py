"""What cardholders, merchants and their banks do at the far side: swipes, refunds, disputes, a verdict on a holder; no wire."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Protocol

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator import asking, categories, counter, disputes, refunds
from cardctl.simulator.books import FarSide
from cardctl.simulator.desk import Desk
from cardctl.simulator.issuing import BankRefuses
from cardctl.simulator.marqeta import counter as marqeta
from cardctl.simulator.rows import Record
from cardctl.simulator.square import counter as square
from cardctl.simulator.strowallet import counter as strowallet

KYC = ("pending", "verified", "rejected")
"""What a bank can think of a holder."""


@dataclass(frozen=True, slots=True)
class Swipe:
    """What became of a purchase; `reason` is the bank's word (`card_active` when approved), `message` its sentence if any."""

    approved: bool
    reason: str
    message: str | None
    authorization_ref: str
    transaction_ref: str | None
    amount: Money


class Network:
    """The part of `Control` where cards are used."""

    _far_side: FarSide

    def swipe(
        self,
        card_ref: str,
        amount: Money,
        *,
        merchant: str = "Rocket Rides",
        category: str | None = None,
        mcc: str | None = None,
        country: str = "US",
        city: str = "San Francisco",
        hold: bool = False,
        decide: asking.Decide | None = None,
    ) -> Swipe:
        """A purchase: authorised and, unless `hold`, captured at once. `category` is Stripe's name, `mcc` four digits.

        `decide` is asked before a Stripe card's purchase is approved; it gets the signed request, and gives the JSON of its
        answer, or None where that comes too late. NotFound, also for a card whose holder is gone; BadInput for nothing, another
        currency or no merchant.
        """
        if amount.minor <= 0:
            raise BadInput(f"a purchase of {amount} is none", hint="swipe more than nothing")
        named = {"name": merchant, "country": country, "city": city, **_category(category, mcc)}
        if (currency := self.card_currency(card_ref)) != amount.currency:
            raise BadInput(f"this card spends {currency}, not {amount.currency}")
        asked = decide and asking.verdict(self._far_side, card_ref, amount.minor, named, decide)
        with self._far_side.transaction() as desk:
            if asked is not None:
                done = counter.swipe(desk, card_ref, amount.minor, named, hold, asked)
            else:
                done = _bank(desk, card_ref)[0].swipe(desk, card_ref, amount.minor, named, hold)
        if done is None:
            raise NotFound("card", card_ref)
        return Swipe(**done, amount=amount)

    def captured(self, transaction_ref: str) -> Money:
        """What a purchase took. NotFound; BadInput for a transaction that took nothing."""
        with self._far_side.reading() as desk:
            return refunds.captured(desk, transaction_ref, _BANKS)

    def refund(self, transaction_ref: str, amount: Money | None = None, *, times: int = 1) -> refunds.Refunded:
        """A merchant gives back a purchase: all that is left of it, or `amount`. More than it took only where it does so
        several `times`, by mistake: then nobody counts, and all of it is given back each time. NotFound, BadInput."""
        with self._far_side.transaction() as desk:
            return refunds.refund(desk, transaction_ref, amount, times, _BANKS)

    def card_currency(self, card_ref: str) -> str:
        """What a card spends, as an ISO code; NotFound."""
        with self._far_side.reading() as desk:
            return _bank(desk, card_ref)[1].upper()

    def set_kyc(self, ref: str, word: str) -> None:
        """What the bank found out about a holder: `pending`, `verified` or `rejected`. BadInput, NotFound."""
        if word not in KYC:
            raise BadInput(f"{word!r} is no verdict on a holder", hint=f"there are {', '.join(KYC)}")
        with self._far_side.transaction() as desk:
            if not any(bank.set_kyc(desk, ref, word) for bank in _BANKS.values()):
                raise NotFound("cardholder", ref)

    def dispute(self, ref: str, amount: Money | None = None, reason: str | None = None) -> str:
        """A buyer's bank wants a payment back, all of it or `amount`; the dispute's name. NotFound, BadInput."""
        with self._far_side.transaction() as desk:
            made = square.contest(desk, ref, amount, reason) or counter.contest(desk, ref, amount, reason)
        if made is None:
            raise NotFound("payment", ref)
        return made

    def decide_dispute(self, ref: str, verdict: str) -> None:
        """What the networks found about a dispute that was handed in: `won` or `lost`. BadInput, NotFound."""
        if verdict not in disputes.VERDICTS:
            raise BadInput(f"a dispute is {' or '.join(disputes.VERDICTS)}, not {verdict!r}")
        with self._far_side.transaction() as desk:
            try:
                decided = any(each.decide(desk, ref, verdict) for each in (disputes, square, counter))
            except BankRefuses as refused:
                raise BadInput(refused.message) from refused
        if not decided:
            raise NotFound("dispute", ref)


class _Bank(Protocol):
    """One bank from behind the counter. A Desk may come without the face's name; None and False: nobody here is called so."""

    def swipe(self, desk: Desk, card_ref: str, amount: int, merchant: Record, hold: bool) -> Record | None: ...
    def card_currency(self, desk: Desk, card_ref: str) -> str | None: ...
    def set_kyc(self, desk: Desk, ref: str, word: str) -> bool: ...
    def purchase(self, desk: Desk, ref: str) -> Record | None: ...
    def refund(self, desk: Desk, ref: str, amount: int) -> str: ...


_BANKS: dict[str, _Bank] = {"stripe": counter, "marqeta": marqeta, "strowallet": strowallet, "square": square}


def _bank(desk: Desk, card_ref: str) -> tuple[_Bank, str]:
    """Whose card it is, and what it spends."""
    for bank in _BANKS.values():
        currency = bank.card_currency(desk, card_ref)
        if currency is not None:
            return bank, currency
    raise NotFound("card", card_ref)


def _category(category: str | None, mcc: str | None) -> Record:
    if mcc is not None:
        if mcc not in categories.NAMES:
            raise BadInput(f"no merchant category has the code {mcc!r}", hint="four digits, such as 5812")
        if category not in (None, categories.NAMES[mcc]):
            raise BadInput(f"{mcc} is {categories.NAMES[mcc]}, not {category}")
        return {"category": categories.NAMES[mcc]}
    if category is not None and category not in categories.CODES:
        near = difflib.get_close_matches(category, categories.CODES, n=1, cutoff=0.4)
        raise BadInput(f"no merchant category is called {category!r}", hint=f"did you mean {near[0]!r}?" if near else None)
    return {} if category is None else {"category": category}
