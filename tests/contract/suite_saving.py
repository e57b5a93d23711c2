"""What every provider that keeps buyers' cards must do, one class per capability, written once.

What goes wrong with writes is suite_saving_writes.py; lists and notifications are suite_saving_seeing.py.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.domain.payments import PaymentState, RefundState
from cardctl.domain.saved_cards import NewCustomer, NewSavedCard
from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, StateForbids
from cardctl.simulator.control import Control
from tests.contract.ground import clashes, mark, usd
from tests.contract.ground_saving import HELD, SavingContract, someone

_S = PaymentState
WEEK = timedelta(days=7)


class SavesCardsContract(SavingContract):
    def test_a_customer_comes_out_as_it_was_wanted(self, provider: Any, far_till: Any) -> None:
        before, person = self.till(far_till), someone()
        made = self.a_customer(provider, person, email="jenny@example.com", name="Jenny Rosen")
        assert (made.person, made.email, made.deleted, made.merged_into) == (person, "jenny@example.com", False, None)
        read = provider.customer(made.ref)
        assert (read.ref, clashes(read, made)) == (made.ref, [])
        assert self.till(far_till).customers == before.customers + 1

    @pytest.mark.parametrize("person", ["17", "Jenny Rosen", "x" * 190, "Zoë Ōkami"])
    def test_a_person_needs_no_email(self, provider: Any, person: str) -> None:
        made = self.do(provider, lambda operation: provider.draft_customer(NewCustomer(person), operation))
        found = provider.find_customer(person)
        assert found is not None
        assert found.ref == made.ref

    def test_a_card_comes_out_as_it_was_wanted(self, provider: Any, far_till: Any) -> None:
        owner, operation = self.a_customer(provider), mark()
        before = self.till(far_till)
        wanted = NewSavedCard(owner.ref, self.nonce, "Jenny Rosen", postal_code="94103")
        made = provider.send(provider.draft_saved_card(wanted, operation), operation)
        assert (made.customer_ref, made.mark) == (owner.ref, operation)
        assert (made.enabled, made.closed, made.forgotten) == (True, False, False)
        assert made.brand
        assert len(made.last4) == 4
        assert made.exp_month in range(1, 13)
        assert made.exp_year > 2025
        read = provider.saved_card(made.ref)
        assert (read.ref, clashes(read, made)) == (made.ref, [])
        now = self.till(far_till)
        assert (now.cards, now.enabled, now.taken, now.held) == (before.cards + 1, before.enabled + 1, 0, 0)

    def test_a_token_that_is_no_good_makes_no_card_and_says_why(self, provider: Any, far_till: Any) -> None:
        owner = self.a_customer(provider)
        before = self.till(far_till)
        for nonce, word in self.bad_nonces.items():
            with pytest.raises(ProviderRefused) as caught:
                self.a_saved_card(provider, owner, nonce=nonce)
            assert caught.value.vendor_code == word
            assert word in caught.value.message
            assert nonce not in caught.value.message
            assert owner.ref not in caught.value.message
        assert self.till(far_till) == before
        assert self.a_saved_card(provider, owner).enabled, "the next token is as good as any"

    def test_nobody_has_no_card(self, provider: Any, far_till: Any) -> None:
        before, nobody = self.till(far_till), "NOBODYNOBODYNOBODYNOBODYNO"
        operation = mark()
        with pytest.raises(ProviderRefused) as caught:
            provider.send(provider.draft_saved_card(NewSavedCard(nobody, self.nonce), operation), operation)
        assert nobody not in caught.value.message
        assert self.till(far_till) == before

    def test_a_disabled_card_pays_nothing_any_more(self, provider: Any, far_till: Any) -> None:
        card = self.a_saved_card(provider)
        self.pay(provider, card, 700)
        before = self.till(far_till)
        stopped = self.do(provider, lambda operation: provider.draft_disable(card.ref, operation))
        assert (stopped.ref, stopped.enabled, provider.saved_card(card.ref).enabled) == (card.ref, False, False)
        assert not self.do(provider, lambda operation: provider.draft_disable(card.ref, operation)).enabled, "twice is once"
        with pytest.raises(ProviderRefused) as caught:
            self.pay(provider, card)
        assert card.ref not in caught.value.message
        now = self.till(far_till)
        assert (now.cards, now.enabled, now.taken) == (before.cards, before.enabled - 1, 700)

    def test_a_person_may_have_several_cards(self, provider: Any, far_till: Any) -> None:
        owner = self.a_customer(provider)
        cards = [self.a_saved_card(provider, owner) for _ in range(3)]
        assert len({card.ref for card in cards}) == 3
        self.do(provider, lambda operation: provider.draft_disable(cards[0].ref, operation))
        assert [provider.saved_card(card.ref).enabled for card in cards] == [False, True, True]


class ReadsSavedCardsContract(SavingContract):
    def test_what_is_not_there(self, provider: Any) -> None:
        for read, ref in ((provider.customer, "NOBODYNOBODYNOBODYNOBODYNO"), (provider.saved_card, "ccof:nothing")):
            with pytest.raises(ProviderHasNot) as caught:
                read(ref)
            assert ref not in caught.value.message

    def test_a_customer_is_found_by_our_name_and_by_no_other(self, provider: Any) -> None:
        person = someone()
        made, _ = self.a_customer(provider, person), self.a_customer(provider, f"x{person}")
        assert provider.find_customer(person).ref == made.ref
        assert provider.find_customer(f"{person}x") is None
        assert provider.find_customer(someone()) is None

    def test_a_deleted_customer_is_gone(self, provider: Any, far_till: Any) -> None:
        person = someone()
        made = self.a_customer(provider, person)
        self.delete_customer(far_till, made.ref)
        assert provider.find_customer(person) is None
        try:
            assert provider.customer(made.ref).deleted
        except ProviderHasNot:
            return

    def delete_customer(self, far_till: Any, ref: str) -> None:
        raise NotImplementedError

    def test_sellers_do_not_see_one_another(self, provider: Any, tmp_path: Path) -> None:
        person = someone()
        owner = self.a_customer(provider, person)
        card = self.a_saved_card(provider, owner)
        paid = self.pay(provider, card)
        other = self.other_seller(tmp_path)
        try:
            assert other.find_customer(person) is None
            for read, ref in ((other.customer, owner.ref), (other.saved_card, card.ref), (other.payment, paid.ref)):
                with pytest.raises(ProviderHasNot):
                    read(ref)
            with pytest.raises(ProviderRefused):
                self.pay(other, card)
            theirs = self.a_customer(other, person)
            assert (theirs.ref != owner.ref, provider.find_customer(person).ref) == (True, owner.ref)
        finally:
            other.close()


class ChargesSavedCardsContract(SavingContract):
    def test_a_charge_takes_the_money_at_once(self, provider: Any, far_till: Any) -> None:
        card, operation = self.a_saved_card(provider), mark()
        assert self.till(far_till).taken == 0
        wanted = self.wish(card, 2_500, invoice="A-17", tip=usd(300))
        paid = provider.send(provider.draft_payment(wanted, operation), operation)
        assert (paid.state, paid.amount, paid.tip, paid.captured) == (_S.COMPLETED, usd(2_500), usd(300), usd(2_800))
        assert (paid.refunded, paid.expires_at, paid.invoice, paid.mark) == (usd(0), None, "A-17", operation)
        assert (paid.card_ref, paid.customer_ref) == (card.ref, card.customer_ref)
        now = self.till(far_till)
        assert (len(now.payments), now.taken, now.held) == (1, 2_800, 0)

    @pytest.mark.parametrize(("minor", "currency"), [(5_000, "JPY"), (12_345, "KWD"), (1_999, "EUR"), (1, "USD")])
    def test_an_amount_is_taken_to_the_smallest_unit(self, provider: Any, minor: int, currency: str) -> None:
        paid = self.pay(provider, self.a_saved_card(provider), Money(minor, currency))
        assert (paid.captured, provider.payment(paid.ref).captured) == (Money(minor, currency),) * 2

    def test_a_hold_takes_nothing_yet_and_ends_by_itself(self, provider: Any, far_till: Any, far_side: Control) -> None:
        held = self.hold(provider)
        assert (held.state, held.amount, held.captured) == (_S.APPROVED, usd(HELD), usd(0))
        assert held.expires_at is not None
        assert held.expires_at - held.created_at <= WEEK
        assert (self.till(far_till).taken, self.till(far_till).held) == (0, HELD)
        far_side.advance(WEEK + timedelta(hours=1))
        assert provider.payment(held.ref).state is _S.CANCELED
        assert (self.till(far_till).taken, self.till(far_till).held) == (0, 0)

    def test_a_hold_is_as_long_as_it_was_wanted(self, provider: Any, far_till: Any, far_side: Control) -> None:
        card = self.a_saved_card(provider)
        held = self.hold(provider, card, 1_000, hold_for=timedelta(hours=5))
        kept = self.hold(provider, card, 2_000, hold_for=timedelta(hours=5), then_capture=True)
        assert [one.expires_at for one in (held, kept)] == [one.created_at + timedelta(hours=5) for one in (held, kept)]
        far_side.advance(timedelta(hours=4, minutes=59))
        assert self.till(far_till).held == 3_000
        far_side.advance(timedelta(minutes=2))
        assert [provider.payment(one.ref).state for one in (held, kept)] == [_S.CANCELED, _S.COMPLETED]
        assert (self.till(far_till).taken, self.till(far_till).held) == (2_000, 0)

    @pytest.mark.parametrize(
        ("amount", "tip", "captured"),
        [(None, None, 5_000), (4_210, None, 4_210), (None, 300, 5_300), (4_210, 300, 4_510), (5_000, 0, 5_000), (1, None, 1)],
    )
    def test_a_hold_is_captured_whole_or_in_part_once(
        self, provider: Any, far_till: Any, amount: int | None, tip: int | None, captured: int
    ) -> None:
        held = self.hold(provider)
        part, extra = (None if minor is None else usd(minor) for minor in (amount, tip))
        done = self.capture(provider, held, part, extra)
        assert (done.state, done.captured) == (_S.COMPLETED, usd(captured))
        assert (done.amount, done.tip) == (usd(amount or HELD), usd(tip or 0))
        assert (self.till(far_till).taken, self.till(far_till).held) == (captured, 0)
        with pytest.raises((ProviderRefused, StateForbids)):
            self.capture(provider, held, usd(captured + 1))
        with pytest.raises((ProviderRefused, StateForbids)):
            self.cancel(provider, held)
        assert (self.till(far_till).taken, self.till(far_till).held) == (captured, 0)

    def test_a_hold_that_was_released_is_captured_no_more(self, provider: Any, far_till: Any) -> None:
        held = self.hold(provider)
        done = self.cancel(provider, held)
        assert (done.state, done.captured, self.till(far_till).held) == (_S.CANCELED, usd(0), 0)
        assert self.cancel(provider, held).state is _S.CANCELED, "twice is once"
        with pytest.raises((ProviderRefused, StateForbids)):
            self.capture(provider, held)
        assert (self.till(far_till).taken, self.till(far_till).held) == (0, 0)

    def test_what_was_captured_goes_back_as_far_as_it_goes(self, provider: Any, far_till: Any) -> None:
        paid, operation = self.pay(provider, self.a_saved_card(provider), tip=usd(500)), mark()
        drafted = provider.draft_refund(paid.ref, usd(2_000), operation, reason="broken on arrival")
        given = provider.send(drafted, operation)
        assert (given.payment_ref, given.amount, given.mark) == (paid.ref, usd(2_000), operation)
        assert given.reason == "broken on arrival"
        assert given.state in (RefundState.PENDING, RefundState.COMPLETED)
        assert self.till(far_till).taken == 3_500
        with pytest.raises(ProviderRefused):
            self.refund(provider, paid, 3_501)
        assert self.till(far_till).taken == 3_500
        self.refund(provider, paid, 3_500)
        assert (self.till(far_till).taken, provider.payment(paid.ref).refunded) == (0, usd(5_500))
        with pytest.raises(ProviderRefused):
            self.refund(provider, paid, 1)

    def test_a_reason_of_any_length_leaves_room_for_the_mark(self, provider: Any) -> None:
        paid, operation = self.pay(provider, self.a_saved_card(provider)), mark()
        given = provider.send(provider.draft_refund(paid.ref, usd(1), operation, reason="long " * 200), operation)
        assert given.mark == operation
        assert "long " * 20 in str(given.reason)

    def test_a_hold_is_not_refunded(self, provider: Any, far_till: Any) -> None:
        held = self.hold(provider)
        with pytest.raises((ProviderRefused, StateForbids)):
            self.refund(provider, held, 100)
        assert (self.till(far_till).taken, self.till(far_till).held, self.till(far_till).refunds) == (0, HELD, 0)

    @pytest.mark.parametrize("hold", [False, True])
    def test_a_decline_takes_nothing_and_is_explained(self, provider: Any, far_till: Any, hold: bool) -> None:
        for nonce, word in self.declining.items():
            card = self.a_saved_card(provider, nonce=nonce)
            with pytest.raises(ProviderRefused) as caught:
                self.pay(provider, card, hold=hold)
            assert caught.value.vendor_code == word
            assert word in caught.value.message
            assert len(caught.value.message.replace(word, "")) > 20, "in plain words too"
            assert card.ref not in caught.value.message
            assert str(card.customer_ref) not in caught.value.message
        assert (self.till(far_till).taken, self.till(far_till).held) == (0, 0)

    def test_a_decline_that_is_sent_again_takes_at_most_what_was_wanted(
        self, provider: Any, far_till: Any, far_side: Control
    ) -> None:
        """Under the same key, when the card has become good: it is declined again, or takes the money once."""
        card, operation = self.a_saved_card(provider, nonce=next(iter(self.declining))), mark()
        draft = provider.draft_payment(self.wish(card, 2_500), operation)
        for _ in range(2):
            with pytest.raises(ProviderRefused):
                provider.send(draft, operation)
        assert (provider.look_up(draft, operation).happened, self.till(far_till).taken) == (False, 0)
        self.make_good(far_side, card.ref)
        try:
            paid = provider.send(draft, operation)
        except ProviderRefused:
            assert (provider.look_up(draft, operation).happened, self.till(far_till).taken) == (False, 0)
            return
        assert provider.send(draft, operation).ref == paid.ref
        assert provider.look_up(draft, operation).remote.ref == paid.ref
        assert (len(self.till(far_till).payments), self.till(far_till).taken) == (1, 2_500)

    def make_good(self, far_side: Control, ref: str) -> None:
        """From now on the card's bank says yes."""
        raise NotImplementedError

    def test_a_card_is_charged_with_its_own_customer_only(self, provider: Any, far_till: Any) -> None:
        card, other = self.a_saved_card(provider), self.a_customer(provider)
        wanted, operation = self.wish(card), mark()
        mixed = type(wanted)(other.ref, card.ref, wanted.amount)
        with pytest.raises(ProviderRefused) as caught:
            provider.send(provider.draft_payment(mixed, operation), operation)
        assert card.ref not in caught.value.message
        assert other.ref not in caught.value.message
        assert self.till(far_till).taken == 0

    def test_a_payment_that_is_not_there(self, provider: Any) -> None:
        for drafted in (
            lambda operation: provider.draft_capture("nothing", operation, amount=None, tip=None),
            lambda operation: provider.draft_cancel("nothing", operation),
            lambda operation: provider.draft_refund("nothing", usd(1), operation, reason=None),
        ):
            with pytest.raises(CardctlError) as caught:
                self.do(provider, drafted)
            assert isinstance(caught.value, ProviderRefused)


class ReadsPaymentsContract(SavingContract):
    def test_a_payment_is_read_as_it_is(self, provider: Any) -> None:
        held = self.hold(provider, invoice="A-17")
        read = provider.payment(held.ref)
        assert (read.ref, clashes(read, held)) == (held.ref, [])
        done = self.capture(provider, held, usd(4_210))
        read = provider.payment(held.ref)
        assert (clashes(read, done), read.updated_at >= held.updated_at, read.created_at) == ([], True, held.created_at)

    def test_a_refund_is_read_as_it_is(self, provider: Any) -> None:
        paid = self.pay(provider, self.a_saved_card(provider))
        given = self.refund(provider, paid, 1_000, "late")
        read = provider.refund(given.ref)
        assert (read.ref, set(clashes(read, given)) <= {"state", "updated_at"}) == (given.ref, True)
        assert provider.payment(paid.ref).refunded == usd(1_000)

    def test_what_is_not_there(self, provider: Any) -> None:
        for read in (provider.payment, provider.refund):
            with pytest.raises(ProviderHasNot):
                read("nothing")


class CancelsByKeyContract(SavingContract):
    @pytest.mark.parametrize("kind", ["lost-reply", "500-after-commit"])
    def test_what_nobody_knows_the_outcome_of_is_cancelled(
        self, provider: Any, far_side: Control, far_till: Any, kind: str
    ) -> None:
        card, operation = self.a_saved_card(provider), mark()
        draft = provider.draft_payment(self.wish(card, hold=True), operation)
        far_side.fault(kind, 20)
        with pytest.raises(CardctlError):
            provider.send(draft, operation)
        far_side.clear_faults()
        assert self.till(far_till).held == HELD
        provider.cancel_by_key(operation)
        (paid,) = self.till(far_till).payments.values()
        assert (paid.state, self.till(far_till).held, self.till(far_till).taken) == ("canceled", 0, 0)
        provider.cancel_by_key(operation)
        assert provider.look_up(draft, operation).remote.state is _S.CANCELED

    def test_nothing_happens_where_there_is_none(self, provider: Any, far_till: Any) -> None:
        held = self.hold(provider)
        before = self.till(far_till)
        provider.cancel_by_key(mark())
        assert self.till(far_till) == before
        assert provider.payment(held.ref).state is _S.APPROVED
