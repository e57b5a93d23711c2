"""What every provider must do with accounts and cards, one class per capability, written once.

Money is suite_money.py, what is only looked at suite_seeing.py, what goes wrong suite_writes.py. A provider's own file inherits
and says what differs; nothing here knows a provider's words.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from cardctl.domain.accounts import AccountChange, AccountState, NewAccount
from cardctl.domain.cards import Limits, NewCard
from cardctl.domain.money import Money
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadInput, ProviderHasNot, ProviderRefused, Unsupported
from cardctl.providers.base import CAPABILITIES, capabilities
from cardctl.simulator.control import Control
from tests.contract.ground import ADDRESS, FUNDS, HOLDER, Contract, clashes, known_state, mark, usd

CHANGES = {
    "email": AccountChange(email="rosen@example.com"),
    "phone": AccountChange(phone="+15105551212"),
    "address": AccountChange(address=replace(ADDRESS, line1="77 Elsewhere Avenue")),
}


class ProviderContract(Contract):
    """What everyone is held to."""

    can: ClassVar[frozenset[str]]

    def test_declared_and_implemented_capabilities_are_equal(self, provider: Any) -> None:
        assert set(capabilities(provider)) == self.can
        assert set(capabilities(type(provider))) == self.can

    def test_every_method_takes_what_the_protocol_says(self, provider: Any) -> None:
        for name in capabilities(provider):
            for method, promised in vars(CAPABILITIES[name]).items():
                if not method.startswith("_") and callable(promised):
                    kept = inspect.signature(getattr(type(provider), method))
                    assert str(kept) == str(inspect.signature(promised)), method

    def test_it_states_its_facts(self, provider: Any) -> None:
        assert provider.name == self.name
        assert provider.issue_carries <= {"limits", "active", "allowance"}
        assert provider.key_life is None or provider.key_life > timedelta(0)
        assert all(rate > 0 for rate in provider.rates.values())
        assert {type(fact) for fact in (provider.limits_together, provider.needs_load, provider.starts_itself)} == {bool}

    def test_a_ping_tells_of_the_other_side(self, provider: Any) -> None:
        ping = provider.ping()
        assert ping.latency_ms >= 0
        assert ping.mode in ("test", None)
        assert ping.clock is None or ping.clock.tzinfo is not None


class IssuesCardsContract(Contract):
    def test_an_account_comes_out_as_it_was_wanted(self, provider: Any) -> None:
        operation = mark()
        wanted = NewAccount(HOLDER, external_id="acct_user1", email="jenny@example.com", address=ADDRESS)
        made = provider.send(provider.draft_account(wanted, operation), operation)
        assert (made.name.casefold(), made.email, made.state) == (HOLDER.casefold(), "jenny@example.com", AccountState.ACTIVE)
        assert made.external_id == ("acct_user1" if self.keeps_external_id else None)
        assert made.mark == (operation if self.keeps_marks else None)
        read = provider.account(made.ref)
        assert (read.ref, clashes(read, made)) == (made.ref, [])

    def test_an_account_changes_only_where_it_is_told_to(self, provider: Any) -> None:
        made = self.an_account(provider, email="jenny@example.com", external_id="acct_user1")
        before = provider.account(made.ref)
        for name in sorted(self.changes & {"phone", "address"}):
            changed = self.change(provider, made.ref, CHANGES[name])
            assert set(clashes(changed, before)) <= {"mark"}
        if "email" in self.changes:
            changed = self.change(provider, made.ref, CHANGES["email"])
            assert set(clashes(changed, before)) == {"email", "mark"}
            assert (changed.email, provider.account(made.ref).email) == ("rosen@example.com", "rosen@example.com")

    def test_an_account_is_suspended_and_active_again(self, provider: Any) -> None:
        made = self.an_account(provider, external_id="acct_user1")
        for active, state in [(False, AccountState.SUSPENDED), (True, AccountState.ACTIVE)]:
            if "active" not in self.changes:
                with pytest.raises(Unsupported):
                    provider.draft_account_change(made.ref, AccountChange(active=active), mark())
                continue
            changed = self.change(provider, made.ref, AccountChange(active=active))
            assert (changed.state, provider.account(made.ref).state) == (state, state)
            assert changed.external_id == made.external_id

    def test_what_cannot_be_changed_is_not_tried(self, provider: Any) -> None:
        made = self.an_account(provider)
        for name in sorted(CHANGES.keys() - self.changes):
            with pytest.raises(Unsupported):
                provider.draft_account_change(made.ref, CHANGES[name], mark())
        with pytest.raises(BadInput):
            provider.draft_account_change(made.ref, AccountChange(), mark())

    def test_two_changes_are_one_write(self, provider: Any) -> None:
        """Of which none is left out, however many requests it takes; or neither can be made."""
        made = self.an_account(provider, email="jenny@example.com")
        change = AccountChange(email="rosen@example.com", active=False)
        if not {"email", "active"} <= self.changes:
            with pytest.raises(Unsupported):
                provider.draft_account_change(made.ref, change, mark())
            return
        changed = self.change(provider, made.ref, change)
        assert (changed.email, changed.state) == ("rosen@example.com", AccountState.SUSPENDED)

    def test_a_card_comes_out_as_it_was_wanted(self, provider: Any, far_side: Control) -> None:
        account, carried, operation = self.an_account(provider), provider.issue_carries, mark()
        limits = Limits(usd(50_000), usd(100_000), None, usd(500_000)) if "limits" in carried else Limits()
        allowance, float_before = usd(100_000_000) if "allowance" in carried else None, self.float_of(far_side)
        wanted = NewCard(account.ref, "USD", limits=limits, allowance=allowance, holder=HOLDER)
        made = provider.send(provider.draft_card(wanted, operation), operation)
        card = provider.card(made.ref)
        assert set(clashes(card, made)) <= ({"state"} if provider.starts_itself else set())
        assert (card.account_ref, card.holder.casefold(), card.currency) == (account.ref, HOLDER.casefold(), "USD")
        assert (card.type, card.limits, len(card.last4)) == ("virtual", limits, 4)
        assert card.exp_month in range(1, 13)
        assert card.exp_year > 2020
        assert card.mark == (operation if self.keeps_marks else None)
        assert card.state is (CardState.ACTIVE if "active" in carried else CardState.PENDING)
        money = allowance or usd(0)
        assert self.spendable(provider, card.ref) == money
        assert self.float_of(far_side) == float_before - (money if self.prefunded else usd(0))

    def test_a_card_may_begin_inactive(self, provider: Any) -> None:
        wanted = NewCard(self.an_account(provider).ref, "USD", active=False, allowance=FUNDS, holder=HOLDER)
        if provider.starts_itself:
            with pytest.raises(Unsupported):
                provider.draft_card(wanted, mark())
            return
        made = self.do(provider, lambda operation: provider.draft_card(wanted, operation))
        assert made.state in (CardState.INACTIVE, CardState.PENDING)
        assert made.ever_active is None

    def test_an_amount_in_another_currency_is_refused(self, provider: Any) -> None:
        account = self.an_account(provider)
        with pytest.raises(BadInput):
            provider.draft_card(NewCard(account.ref, "USD", allowance=Money(100, "EUR"), holder=HOLDER), mark())
        limits = Limits(daily=Money(100, "EUR"))
        with pytest.raises(BadInput):
            provider.draft_card(NewCard(account.ref, "USD", limits=limits, allowance=FUNDS, holder=HOLDER), mark())

    def test_an_unknown_account_gets_no_card(self, provider: Any, far_side: Control) -> None:
        self.an_account(provider)
        before = far_side.status()["objects"]["cards"]
        with pytest.raises(ProviderRefused):
            self.a_card(provider, account_ref=self.nobody)
        assert far_side.status()["objects"]["cards"] == before


class ControlsCardsContract(Contract):
    def test_a_card_goes_through_its_life(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider, active=False)
        begun = [] if provider.starts_itself else [(Move.ACTIVATE, CardState.ACTIVE)]
        for move, state in [*begun, (Move.FREEZE, CardState.FROZEN), (Move.UNFREEZE, CardState.ACTIVE)]:
            moved = self.move(provider, card, move)
            now = provider.card(card.ref)
            assert (moved.ref, moved.state, known_state(now)) == (card.ref, now.state, state)
            assert far_side.swipe(card.ref, usd(1)).approved is (state is CardState.ACTIVE)
        assert self.spendable(provider, card.ref) == FUNDS - usd(len([*begun, "unfrozen"]))

    def test_what_a_card_does_by_itself_is_not_asked_for(self, provider: Any) -> None:
        card = self.a_card(provider, active=False)
        if provider.starts_itself:
            with pytest.raises(Unsupported):
                provider.draft_move(card.ref, Move.ACTIVATE, mark(), None)
        else:
            assert known_state(card) in (CardState.INACTIVE, CardState.PENDING)

    @pytest.mark.parametrize("move", [Move.FREEZE, Move.UNFREEZE])
    def test_a_move_to_where_a_card_is_already(self, provider: Any, move: Move) -> None:
        card = self.a_card(provider)
        self.move(provider, card, Move.FREEZE)
        first = self.move(provider, card, move)
        assert self.move(provider, card, move).state is first.state is provider.card(card.ref).state

    def test_a_freeze_waits_for_nobody(self, provider: Any) -> None:
        card = self.a_card(provider)
        assert provider.draft_move(card.ref, Move.FREEZE, mark(), "suspicious").urgent
        assert not provider.draft_move(card.ref, Move.UNFREEZE, mark(), None).urgent

    def test_a_card_that_does_not_exist(self, provider: Any) -> None:
        with pytest.raises(ProviderRefused):
            self.do(provider, lambda operation: provider.draft_move("nothing", Move.FREEZE, operation, None))


class ClosesCardsContract(Contract):
    @pytest.mark.parametrize("reason", [None, "lost", "stolen", "the dog ate it"])
    def test_a_closed_card_stays_closed(self, provider: Any, far_side: Control, reason: str | None) -> None:
        card = self.a_card(provider)
        assert self.move(provider, card, Move.CLOSE, reason).state is CardState.CLOSED
        with pytest.raises(ProviderRefused):
            self.move(provider, card, Move.UNFREEZE)
        assert provider.card(card.ref).state is CardState.CLOSED
        assert not far_side.swipe(card.ref, usd(1)).approved
        assert self.spendable(provider, card.ref) == FUNDS

    @pytest.mark.parametrize("before", [Move.ACTIVATE, Move.FREEZE])
    def test_it_is_closed_from_any_state(self, provider: Any, before: Move) -> None:
        card = self.a_card(provider, active=before is Move.FREEZE)
        if before is Move.FREEZE:
            self.move(provider, card, before)
        assert self.move(provider, card, Move.CLOSE).state is CardState.CLOSED
        assert provider.draft_close(card.ref, mark(), None).urgent

    def test_a_replacement_spends_what_the_old_card_had_left(self, provider: Any, far_side: Control) -> None:
        old, float_before = self.a_card(provider, funds=usd(1_000)), self.float_of(far_side)
        far_side.swipe(old.ref, usd(300))
        self.move(provider, old, Move.CLOSE, "lost")
        left = None if old.shared else usd(700)
        new = self.a_card(provider, account_ref=old.account_ref, funds=left, replaces_ref=old.ref, replaces_reason="lost")
        assert (new.account_ref, known_state(new)) == (old.account_ref, CardState.ACTIVE)
        assert self.spendable(provider, new.ref) == usd(700)
        assert not far_side.swipe(old.ref, usd(1)).approved
        assert far_side.swipe(new.ref, usd(700)).approved
        assert not far_side.swipe(new.ref, usd(1)).approved
        assert self.spendable(provider, new.ref) == usd(0)
        assert self.float_of(far_side) == float_before - (usd(0) if self.prefunded else usd(1_000))


class ClosesAccountsContract(Contract):
    def test_a_closed_account_stays_closed_and_takes_no_money(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        before, float_before = self.spendable(provider, card.ref), self.float_of(far_side)
        closed = self.do(provider, lambda operation: provider.draft_account_close(card.account_ref, operation))
        assert (closed.state, provider.account(card.account_ref).state) == (AccountState.CLOSED, AccountState.CLOSED)
        with pytest.raises(ProviderRefused):
            self.fund(provider, card, 100)
        with pytest.raises(ProviderRefused):
            self.change(provider, str(card.account_ref), AccountChange(active=True))
        assert not far_side.swipe(card.ref, usd(1)).approved
        assert (self.spendable(provider, card.ref), self.float_of(far_side)) == (before, float_before)

    def test_an_account_that_does_not_exist(self, provider: Any) -> None:
        with pytest.raises(ProviderRefused):
            self.do(provider, lambda operation: provider.draft_account_close(self.nobody, operation))


class ReadsCardsContract(Contract):
    def test_a_card_and_its_account_are_read_as_they_are(self, provider: Any, far_side: Control) -> None:
        card = self.a_card(provider)
        assert provider.account(card.account_ref).ref == card.account_ref
        assert provider.card(card.ref) == card
        far_side.swipe(card.ref, usd(300), hold=True)
        assert self.spendable(provider, card.ref) == FUNDS - usd(300)

    def test_one_that_is_not_there(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.card("nothing")
        with pytest.raises(ProviderHasNot):
            provider.account(self.nobody)
