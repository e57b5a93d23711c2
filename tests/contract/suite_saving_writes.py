"""Every write of saved cards and payments, and what it leaves at the far side; what goes wrong with it is suite_faults.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cardctl.domain.operations import Draft
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard
from cardctl.errors import ProviderRefused, ReplyLost
from cardctl.simulator.control import Control
from tests.contract.ground import mark, usd
from tests.contract.ground_saving import HELD, Paid, SavingContract, Till, someone
from tests.contract.suite_faults import FaultsContract

SAVED_WRITES = (
    *("customer", "saved_card", "disable", "charge", "charge_tip", "preauth"),
    *("capture", "capture_part", "capture_tip", "cancel", "refund"),
)
_MADE = {
    "charge": Paid("completed", 2_500, 0, 2_500, 0),
    "charge_tip": Paid("completed", 2_500, 300, 2_800, 0),
    "preauth": Paid("approved", 2_500, 0, 0, 0),
}
_CAPTURED = {"capture": (HELD, 0), "capture_part": (4_210, 0), "capture_tip": (HELD, 300)}


class SavedWritesContract(SavingContract, FaultsContract):
    writes = SAVED_WRITES
    unmarked: ClassVar[frozenset[str]] = frozenset({"customer", "disable", "capture", "capture_part", "capture_tip", "cancel"})
    """A customer has our name for the person; a change of what is there leaves nothing of ours."""

    target: str = ""
    """The payment that a write changes."""

    @pytest.fixture(autouse=True)
    def _till(self, far_till: Any, tmp_path: Path) -> None:
        self._far_till = far_till

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        if write == "customer":
            drafted: Draft = provider.draft_customer(NewCustomer(someone(), "jenny@example.com"), operation)
            return drafted
        if write == "saved_card":
            made: Draft = provider.draft_saved_card(NewSavedCard(self.a_customer(provider).ref, self.nonce), operation)
            return made
        card = self.a_saved_card(provider)
        if write in ("disable", *_MADE):
            self.card = card
            return self.a_draft_on_a_card(provider, write, operation)
        paid = self.pay(provider, card, hold=write != "refund", invoice="A-17")
        self.target = paid.ref
        return self.a_draft_on_a_payment(provider, write, operation)

    def a_draft_on_a_card(self, provider: Any, write: str, operation: str) -> Draft:
        if write == "disable":
            stopping: Draft = provider.draft_disable(self.card.ref, operation)
            return stopping
        tip = usd(300) if write == "charge_tip" else None
        wanted = self.wish(self.card, 2_500, hold=write == "preauth", tip=tip, invoice="A-18")
        paying: Draft = provider.draft_payment(wanted, operation)
        return paying

    def a_draft_on_a_payment(self, provider: Any, write: str, operation: str) -> Draft:
        part, tip = usd(4_210) if write == "capture_part" else None, usd(300) if write == "capture_tip" else None
        drafts: dict[str, Callable[[], Draft]] = {
            "cancel": lambda: provider.draft_cancel(self.target, operation),
            "refund": lambda: provider.draft_refund(self.target, usd(1_000), operation, reason="late"),
        }
        capturing: Callable[[], Draft] = lambda: provider.draft_capture(self.target, operation, amount=part, tip=tip)  # noqa: E731
        return drafts.get(write, capturing)()

    def world(self, provider: Any, far_side: Control) -> Till:
        return self.till(self._far_till)

    def check_done_once(self, provider: Any, far_side: Control, write: str, before: Till) -> None:
        now = self.world(provider, far_side)
        new = [paid for ref, paid in now.payments.items() if ref not in before.payments]
        assert new == ([_MADE[write]] if write in _MADE else [])
        known = replace(now, payments={ref: now.payments[ref] for ref in before.payments})
        assert known == self.after(write, before)
        if write in _MADE:
            assert now.taken + now.held == before.taken + before.held + _MADE[write].amount + _MADE[write].tip

    def after(self, write: str, before: Till) -> Till:
        """What there is once it was done, but for a new payment."""
        if write in _CAPTURED:
            amount, tip = _CAPTURED[write]
            return before.paid(self.target, state="completed", amount=amount, tip=tip, captured=amount + tip)
        return {
            "customer": lambda: replace(before, customers=before.customers + 1),
            "saved_card": lambda: replace(before, cards=before.cards + 1, enabled=before.enabled + 1),
            "disable": lambda: replace(before, enabled=before.enabled - 1),
            "cancel": lambda: before.paid(self.target, state="canceled"),
            "refund": lambda: replace(before.paid(self.target, refunded=1_000), refunds=before.refunds + 1),
        }.get(write, lambda: before)()

    def again(self, provider: Any, write: str, draft: Draft) -> bool:
        """Under its key, or because it says what shall be."""
        assert provider.key_life is not None
        return True

    def unprepared(self, now: Till, before: Till) -> Till:
        """A hold's amounts are changed before it is captured; it is still held, and nothing is taken."""
        was = before.payments[self.target]
        assert (now.payments[self.target].state, now.taken) == ("approved", before.taken)
        return now.paid(self.target, amount=was.amount, tip=was.tip)

    def another(self, provider: Any, write: str) -> None:
        """The same kind of thing, once more."""
        operation = mark()
        if write in _MADE:
            provider.send(self.a_draft_on_a_card(provider, write, operation), operation)
        if write == "refund":
            provider.send(self.a_draft_on_a_payment(provider, write, operation), operation)
        if write in _CAPTURED:
            self.do(provider, lambda key: provider.draft_refund(self.target, usd(100), key, reason=None))
        if write in ("customer", "saved_card"):
            self.a_saved_card(provider)

    def test_the_same_key_for_another_wish_does_nothing(self, provider: Any, far_side: Control) -> None:
        """It is refused, or nobody knows: the key has been used."""
        operation = mark()
        provider.send(self.draft(provider, "charge", operation), operation)
        before = self.world(provider, far_side)
        other = provider.draft_payment(self.wish(self.card, 2_501), operation)
        with pytest.raises((ProviderRefused, ReplyLost)):
            provider.send(other, operation)
        assert self.world(provider, far_side) == before

    def test_a_stop_waits_for_nothing(self, provider: Any) -> None:
        card = self.a_saved_card(provider)
        assert provider.draft_disable(card.ref, mark()).urgent
        assert not provider.draft_payment(self.wish(card), mark()).urgent
