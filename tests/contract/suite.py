"""What every provider must do, one class per capability, written once.

A provider's own test file overrides the fixture `provider` (one that works against a far side of its own) and `far_side` (what
stands behind that far side's counter), says in `can` what it can do, and inherits. Nothing here knows a provider's words, apart
from the two methods of LimitsContract that a provider fills in.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Protocol

import pytest

from cardctl.domain.accounts import AccountChange, AccountState, Address, NewAccount, RemoteAccount
from cardctl.domain.cards import Limits, NewCard, RemoteCard
from cardctl.domain.money import MAX_MINOR, Money
from cardctl.domain.operations import Draft
from cardctl.domain.redaction import luhn
from cardctl.domain.states import CardState, Move
from cardctl.domain.transactions import RemoteTransaction, TransactionKind, TransactionState
from cardctl.errors import (
    BadAmount,
    BadInput,
    CardctlError,
    CardUnlimited,
    InsufficientBalance,
    ProviderHasNot,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    ServerFailed,
    StateForbids,
)
from cardctl.providers.base import CAPABILITIES, capabilities

ADDRESS = Address(line1="123 Fake St", city="Beverly Hills", postal_code="90210", country="US", state="CA")
PAGE_AND_MORE = 103
_numbers = itertools.count(1)


class FarSide(Protocol):
    """The counter's other side."""

    def swipe(self, card_ref: str, amount: Money, *, hold: bool = False) -> Any: ...
    def fault(self, kind: str, times: int = 1, delay: float | None = None) -> None: ...
    def clear_faults(self) -> None: ...


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def mark() -> str:
    """A new operation's id, which is its idempotency key too."""
    return f"op_{next(_numbers)}"


class Contract:
    """Ground of every class below: a provider, and ways to get what the tests are about."""

    @pytest.fixture
    def provider(self) -> Any:
        raise NotImplementedError("a provider's test file says how it is built")

    @pytest.fixture
    def far_side(self) -> FarSide:
        raise NotImplementedError("a provider's test file says what stands behind it")

    def do(self, provider: Any, drafted: Callable[[str], Draft]) -> Any:
        """Drafts and sends under a new mark."""
        operation = mark()
        return provider.send(drafted(operation), operation)

    def an_account(self, provider: Any, **fields: Any) -> RemoteAccount:
        wanted = NewAccount(**{"name": "Jenny Rosen", "address": ADDRESS, **fields})
        account: RemoteAccount = self.do(provider, lambda operation: provider.draft_account(wanted, operation))
        return account

    def a_card(self, provider: Any, *, account_ref: str | None = None, **fields: Any) -> RemoteCard:
        wanted = NewCard(account_ref or self.an_account(provider).ref, "USD", **fields)
        card: RemoteCard = self.do(provider, lambda operation: provider.draft_card(wanted, operation))
        return card

    def move(self, provider: Any, card: RemoteCard, move: Move, reason: str | None = None) -> RemoteCard:
        moved: RemoteCard = self.do(provider, lambda operation: provider.draft_move(card.ref, move, operation, reason))
        return moved


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

    def test_a_ping_tells_of_the_other_side(self, provider: Any) -> None:
        ping = provider.ping()
        assert ping.latency_ms >= 0
        assert ping.mode in ("test", None)
        assert ping.clock is None or ping.clock.tzinfo is not None


class IssuesCardsContract(Contract):
    def test_an_account_comes_out_as_it_was_wanted(self, provider: Any) -> None:
        operation = mark()
        wanted = NewAccount("Jenny Rosen", external_id="acct_user1", email="jenny@example.com", address=ADDRESS)
        made = provider.send(provider.draft_account(wanted, operation), operation)
        assert (made.name, made.external_id, made.email, made.mark) == (
            "Jenny Rosen",
            "acct_user1",
            "jenny@example.com",
            operation,
        )
        assert made.state is AccountState.ACTIVE
        assert provider.account(made.ref) == made

    def test_an_account_changes_only_where_it_is_told_to(self, provider: Any) -> None:
        made = self.an_account(provider, email="jenny@example.com", external_id="acct_user1")
        change = AccountChange(email="rosen@example.com", active=False)
        changed = self.do(provider, lambda operation: provider.draft_account_change(made.ref, change, operation))
        assert (changed.email, changed.external_id, changed.name) == ("rosen@example.com", "acct_user1", made.name)
        assert changed.state is AccountState.SUSPENDED
        again = AccountChange(active=True)
        restored = self.do(provider, lambda operation: provider.draft_account_change(made.ref, again, operation))
        assert (restored.state, restored.email) == (AccountState.ACTIVE, "rosen@example.com")

    def test_no_change_is_no_request(self, provider: Any) -> None:
        with pytest.raises(BadInput):
            provider.draft_account_change(self.an_account(provider).ref, AccountChange(), mark())

    def test_a_card_comes_out_as_it_was_wanted(self, provider: Any) -> None:
        account = self.an_account(provider)
        limits = Limits(usd(50_000), usd(100_000), None, usd(500_000))
        operation = mark()
        wanted = NewCard(account.ref, "USD", limits=limits, allowance=usd(100_000_000))
        made = provider.send(provider.draft_card(wanted, operation), operation)
        assert (made.account_ref, made.holder, made.currency, made.type) == (account.ref, "Jenny Rosen", "USD", "virtual")
        assert (made.limits, made.allowance, made.mark) == (limits, usd(100_000_000), operation)
        assert (made.state, made.ever_active) == (CardState.ACTIVE, True)
        assert len(made.last4) == 4
        assert provider.card(made.ref) == made

    def test_a_card_may_begin_inactive_and_unlimited(self, provider: Any) -> None:
        made = self.a_card(provider, active=False)
        assert (made.state, made.ever_active) == (CardState.INACTIVE, None)
        assert (made.limits, made.allowance) == (Limits(), None)

    def test_an_amount_in_another_currency_is_refused(self, provider: Any) -> None:
        account = self.an_account(provider)
        with pytest.raises(BadInput):
            provider.draft_card(NewCard(account.ref, "USD", allowance=Money(100, "EUR")), mark())
        with pytest.raises(BadInput):
            provider.draft_card(NewCard(account.ref, "USD", limits=Limits(daily=Money(100, "EUR"))), mark())

    def test_an_unknown_account_gets_no_card(self, provider: Any) -> None:
        with pytest.raises(ProviderRefused):
            self.a_card(provider, account_ref="nobody")


class ControlsCardsContract(Contract):
    def test_a_card_goes_through_its_life(self, provider: Any) -> None:
        card = self.a_card(provider, active=False)
        for move, state in [
            (Move.ACTIVATE, CardState.ACTIVE),
            (Move.FREEZE, CardState.INACTIVE),
            (Move.UNFREEZE, CardState.ACTIVE),
            (Move.CLOSE, CardState.CLOSED),
        ]:
            moved = self.move(provider, card, move)
            assert (moved.ref, moved.state) == (card.ref, state)
            assert provider.card(card.ref) == moved

    def test_a_frozen_card_shows_that_it_was_active(self, provider: Any) -> None:
        never = self.a_card(provider, active=False)
        frozen = self.move(provider, self.a_card(provider), Move.FREEZE)
        assert (provider.card(never.ref).ever_active, provider.card(frozen.ref).ever_active) == (None, True)

    def test_a_closed_card_stays_closed(self, provider: Any) -> None:
        card = self.move(provider, self.a_card(provider), Move.CLOSE, "lost")
        with pytest.raises(ProviderRefused):
            self.move(provider, card, Move.UNFREEZE)
        assert provider.card(card.ref).state is CardState.CLOSED

    def test_a_card_that_does_not_exist(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.send(provider.draft_move("nothing", Move.FREEZE, mark(), None), mark())


class LimitsCardsContract(Contract):
    def plant(self, provider: Any, ref: str) -> None:
        """Limits the card in every way that the provider has and cardctl has no word for."""
        raise NotImplementedError

    def planted(self, provider: Any, ref: str) -> Any:
        """What is left of that."""
        raise NotImplementedError

    def change(self, provider: Any, card: RemoteCard, changes: Mapping[str, Money | None]) -> RemoteCard:
        changed: RemoteCard = self.do(provider, lambda operation: provider.draft_limits(card.ref, changes, operation))
        return changed

    def test_limits_change_one_by_one(self, provider: Any) -> None:
        card = self.a_card(provider, limits=Limits(usd(1), usd(2), usd(3), usd(4)), allowance=usd(500))
        changed = self.change(provider, card, {"daily": usd(20), "weekly": None})
        assert changed.limits == Limits(usd(1), usd(20), None, usd(4))
        assert changed.allowance == usd(500)
        assert provider.card(card.ref) == changed

    def test_the_last_limit_can_be_taken_off(self, provider: Any) -> None:
        card = self.a_card(provider, limits=Limits(daily=usd(2)))
        assert self.change(provider, card, {"daily": None}).limits == Limits()

    def test_what_cardctl_has_no_word_for_stays_as_it_was(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(500))
        self.plant(provider, card.ref)
        planted = self.planted(provider, card.ref)
        assert planted
        self.change(provider, card, {"daily": usd(20)})
        self.change(provider, card, {"daily": None})
        self.do(provider, lambda operation: provider.draft_fund(card.ref, usd(1), operation))
        self.do(provider, lambda operation: provider.draft_withdraw(card.ref, usd(1), operation))
        assert self.planted(provider, card.ref) == planted

    def test_limits_in_another_currency_and_on_a_closed_card(self, provider: Any) -> None:
        card = self.a_card(provider)
        with pytest.raises(BadInput):
            provider.draft_limits(card.ref, {"daily": Money(100, "EUR")}, mark())
        self.move(provider, card, Move.CLOSE)
        with pytest.raises(StateForbids):
            provider.draft_limits(card.ref, {"daily": usd(100)}, mark())


class FundsCardsContract(Contract):
    def fund(self, provider: Any, card: RemoteCard, minor: int, **options: bool) -> RemoteCard:
        funded: RemoteCard = self.do(provider, lambda op: provider.draft_fund(card.ref, usd(minor), op, **options))
        return funded

    def withdraw(self, provider: Any, card: RemoteCard, minor: int) -> RemoteCard:
        left: RemoteCard = self.do(provider, lambda operation: provider.draft_withdraw(card.ref, usd(minor), operation))
        return left

    def test_money_goes_on_and_off_to_the_cent(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(100_000_000))
        assert self.fund(provider, card, 1).allowance == usd(100_000_001)
        assert self.fund(provider, card, 2_599).allowance == usd(100_002_600)
        assert self.withdraw(provider, card, 100_002_599).allowance == usd(1)
        assert self.withdraw(provider, card, 1).allowance == usd(0)
        assert self.fund(provider, card, 7).allowance == usd(7)
        assert provider.card(card.ref).allowance == usd(7)

    def test_an_unlimited_card_has_nothing_to_raise_or_lower(self, provider: Any) -> None:
        card = self.a_card(provider)
        with pytest.raises(CardUnlimited):
            provider.draft_fund(card.ref, usd(1), mark())
        with pytest.raises(CardUnlimited):
            provider.draft_withdraw(card.ref, usd(1), mark())
        assert provider.card(card.ref).allowance is None

    def test_an_allowance_can_be_begun_over_what_was_spent(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(300))
        far_side.swipe(card.ref, usd(40), hold=True)
        self.fund(provider, card, 1_000, set_allowance=True)
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(card.ref, usd(1_001), mark())
        self.withdraw(provider, card, 1_000)
        assert not far_side.swipe(card.ref, usd(1)).approved

    def test_only_what_is_unspent_can_be_withdrawn(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(card.ref, usd(300))
        far_side.swipe(card.ref, usd(50), hold=True)
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(card.ref, usd(651), mark())
        assert provider.card(card.ref).allowance == usd(1_000)
        assert self.withdraw(provider, card, 650).allowance == usd(350)
        assert not far_side.swipe(card.ref, usd(1)).approved
        self.fund(provider, card, 1)
        assert far_side.swipe(card.ref, usd(1)).approved

    def test_a_replacement_brings_its_own_allowance(self, provider: Any, far_side: FarSide) -> None:
        old = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(old.ref, usd(300))
        self.move(provider, old, Move.CLOSE, "lost")
        new = self.a_card(
            provider, account_ref=old.account_ref, allowance=usd(700), replaces_ref=old.ref, replaces_reason="lost"
        )
        assert new.allowance == usd(700)
        assert self.fund(provider, new, 5).allowance == usd(705)
        assert far_side.swipe(new.ref, usd(200)).approved
        with pytest.raises(InsufficientBalance):
            provider.draft_withdraw(new.ref, usd(506), mark())
        assert self.withdraw(provider, new, 505).allowance == usd(200)
        assert provider.card(old.ref).allowance == usd(1_000)

    @pytest.mark.parametrize("amount", [usd(0), usd(-1)])
    def test_an_amount_is_more_than_nothing(self, provider: Any, amount: Money) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        for draft in (provider.draft_fund, provider.draft_withdraw):
            with pytest.raises(BadAmount):
                draft(card.ref, amount, mark())

    def test_money_in_another_currency_too_much_of_it_and_on_a_closed_card(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        with pytest.raises(BadInput):
            provider.draft_fund(card.ref, Money(1, "EUR"), mark())
        with pytest.raises(BadAmount):
            provider.draft_fund(card.ref, usd(MAX_MINOR), mark())
        self.move(provider, card, Move.CLOSE)
        for draft in (provider.draft_fund, provider.draft_withdraw):
            with pytest.raises(StateForbids):
                draft(card.ref, usd(1), mark())
        assert provider.card(card.ref).allowance == usd(1_000)


class WritesContract(Contract):
    """Every write, through everything that goes wrong: done once, refused, or honestly unknown."""

    writes: ClassVar[tuple[str, ...]] = ("account", "account_change", "card", "freeze", "close", "limits", "fund", "withdraw")

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        if write == "account":
            return self._draft(provider.draft_account(NewAccount("Jenny Rosen", address=ADDRESS), operation))
        if write == "account_change":
            change = AccountChange(email="rosen@example.com")
            return self._draft(provider.draft_account_change(self.an_account(provider).ref, change, operation))
        card = self.a_card(provider, allowance=usd(1_000))
        drafts: dict[str, Callable[[], Draft]] = {
            "card": lambda: provider.draft_card(NewCard(str(card.account_ref), "USD", allowance=usd(5)), operation),
            "freeze": lambda: provider.draft_move(card.ref, Move.FREEZE, operation, None),
            "close": lambda: provider.draft_move(card.ref, Move.CLOSE, operation, "stolen"),
            "limits": lambda: provider.draft_limits(card.ref, {"daily": usd(20)}, operation),
            "fund": lambda: provider.draft_fund(card.ref, usd(25), operation),
            "withdraw": lambda: provider.draft_withdraw(card.ref, usd(25), operation),
        }
        return drafts[write]()

    @staticmethod
    def _draft(draft: Draft) -> Draft:
        return draft

    def world(self, provider: Any) -> tuple[list[RemoteCard], list[RemoteAccount]]:
        """All that there is at the provider."""
        return sum(provider.cards(), []), sum(provider.accounts(), [])

    def check_done_once(self, provider: Any, write: str, operation: str, before: Any) -> None:
        cards, accounts = self.world(provider)
        assert len(cards) - len(before[0]) == (write == "card")
        assert len(accounts) - len(before[1]) == (write == "account")
        changed = [one for one in (*cards, *accounts) if one not in (*before[0], *before[1])]
        assert [one.mark for one in changed] == [operation]
        allowance = getattr(changed[0], "allowance", None)
        assert allowance == {"card": usd(5), "fund": usd(1_025), "withdraw": usd(975)}.get(write, allowance)

    @pytest.mark.parametrize("write", writes)
    @pytest.mark.parametrize("kind", ["refused", "429", "429-retry-after", "500", "lost-reply", "torn-body", "slow"])
    def test_one_fault_changes_nothing(self, provider: Any, far_side: FarSide, write: str, kind: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider)
        far_side.fault(kind, 1, 3_600.0 if kind == "slow" else None)
        remote = provider.send(draft, operation)
        assert remote.mark == operation
        self.check_done_once(provider, write, operation, before)

    @pytest.mark.parametrize("write", writes)
    @pytest.mark.parametrize(
        ("kind", "error", "happened"),
        [
            ("refused", ProviderUnavailable, False),
            ("429", RateLimited, False),
            ("429-retry-after", RateLimited, False),
            ("500", ServerFailed, False),
            ("500-saved", ServerFailed, False),
            ("500-after-commit", ServerFailed, True),
            ("lost-reply", ReplyLost, True),
            ("torn-body", ReplyLost, True),
        ],
    )
    def test_faults_without_end_are_named_and_settled_by_looking(
        self, provider: Any, far_side: FarSide, write: str, kind: str, error: type[CardctlError], happened: bool
    ) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider)
        far_side.fault(kind, 20)
        with pytest.raises(CardctlError) as caught:
            provider.send(draft, operation)
        assert type(caught.value) is error
        far_side.clear_faults()
        sighting = provider.look_up(draft, operation)
        assert sighting.happened is happened
        if happened:
            assert sighting.remote.mark == operation
            self.check_done_once(provider, write, operation, before)
        else:
            assert self.world(provider) == before

    @pytest.mark.parametrize("write", writes)
    @pytest.mark.parametrize("kind", ["500-saved", "500-after-commit"])
    def test_a_failure_that_the_key_keeps_is_told_as_such(
        self, provider: Any, far_side: FarSide, write: str, kind: str
    ) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        far_side.fault(kind)
        with pytest.raises(ServerFailed) as caught:
            provider.send(draft, operation)
        assert caught.value.saved

    @pytest.mark.parametrize("write", writes)
    def test_the_same_key_again_gives_the_first_answer_again(self, provider: Any, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider)
        assert provider.send(draft, operation) == provider.send(draft, operation)
        self.check_done_once(provider, write, operation, before)

    @pytest.mark.parametrize("write", writes)
    def test_looking_tells_what_was_not_sent_from_what_was(self, provider: Any, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        assert provider.look_up(draft, operation).happened is False
        sent = provider.send(draft, operation)
        sighting = provider.look_up(draft, operation)
        assert (sighting.happened, sighting.remote) == (True, sent)

    @pytest.mark.parametrize("write", ["limits", "fund", "withdraw"])
    def test_looking_cannot_tell_once_another_has_written(self, provider: Any, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        provider.send(draft, operation)
        ref = provider.look_up(draft, operation).remote.ref
        self.do(provider, lambda other: provider.draft_limits(ref, {"monthly": usd(9)}, other))
        assert provider.look_up(draft, operation).happened is None

    @pytest.mark.parametrize("write", ["card", "account"])
    def test_what_was_made_is_found_though_another_has_written(self, provider: Any, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        ref = provider.send(draft, operation).ref
        if write == "card":
            self.do(provider, lambda other: provider.draft_fund(ref, usd(1), other))
        else:
            self.do(provider, lambda other: provider.draft_account_change(ref, AccountChange(active=False), other))
        assert provider.look_up(draft, operation).happened is True

    def test_a_freeze_is_there_whoever_made_it(self, provider: Any) -> None:
        operation = mark()
        draft = self.draft(provider, "freeze", operation)
        frozen = provider.send(draft, operation)
        self.do(provider, lambda other: provider.draft_limits(frozen.ref, {"monthly": usd(9)}, other))
        assert provider.look_up(draft, operation).happened is True
        self.move(provider, frozen, Move.UNFREEZE)
        assert provider.look_up(draft, operation).happened is False


class ListsCardsContract(Contract):
    def test_lists_are_complete_and_without_doubles(self, provider: Any) -> None:
        account, other = self.an_account(provider), self.an_account(provider)
        stray = self.a_card(provider, account_ref=other.ref)
        made = [self.a_card(provider, account_ref=account.ref) for _ in range(PAGE_AND_MORE)]
        pages = list(provider.cards())
        assert len(pages) > 1
        assert [card.ref for page in pages for card in page] == [card.ref for card in reversed([stray, *made])]
        of_account = [card for page in provider.cards(account_ref=account.ref) for card in page]
        assert of_account == list(reversed(made))

    def test_accounts_are_listed_the_same_way(self, provider: Any) -> None:
        made = [self.an_account(provider) for _ in range(PAGE_AND_MORE)]
        pages = list(provider.accounts())
        assert len(pages) > 1
        assert [account for page in pages for account in page] == list(reversed(made))

    def test_nothing_is_an_empty_list(self, provider: Any) -> None:
        assert list(provider.cards()) == list(provider.accounts()) == []

    def test_one_that_is_not_there(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.card("nothing")
        with pytest.raises(ProviderHasNot):
            provider.account("nobody")


class ListsTransactionsContract(Contract):
    def all(self, provider: Any, **filters: Any) -> list[RemoteTransaction]:
        return [one for page in provider.transactions(**filters) for one in page]

    def test_a_purchase_is_a_hold_and_then_a_settlement(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(card.ref, usd(300))
        authorization, settlement = self.all(provider, card_ref=card.ref)
        assert (authorization.kind, authorization.state) == (TransactionKind.AUTHORIZATION, TransactionState.SETTLED)
        assert (authorization.amount, authorization.impact) == (usd(300), usd(0))
        assert (settlement.kind, settlement.state) == (TransactionKind.SETTLEMENT, TransactionState.SETTLED)
        assert (settlement.amount, settlement.impact) == (usd(300), usd(-300))
        assert settlement.parent_ref == authorization.ref
        assert {one.card_ref for one in (authorization, settlement)} == {card.ref}
        assert settlement.merchant.name

    def test_a_hold_takes_from_what_can_be_spent_and_a_decline_does_not(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        far_side.swipe(card.ref, usd(300), hold=True)
        far_side.swipe(card.ref, usd(701))
        declined, held = self.all(provider, card_ref=card.ref)
        assert (held.state, held.amount, held.impact) == (TransactionState.APPROVED, usd(300), usd(-300))
        assert (declined.kind, declined.state) == (TransactionKind.DECLINE, TransactionState.DECLINED)
        assert (declined.amount, declined.impact) == (usd(701), usd(0))

    def test_the_list_is_complete_and_without_doubles(self, provider: Any, far_side: FarSide) -> None:
        card, other = self.a_card(provider), self.a_card(provider)
        far_side.swipe(other.ref, usd(5))
        for _ in range(PAGE_AND_MORE):
            far_side.swipe(card.ref, usd(1))
        pages = list(provider.transactions(card_ref=card.ref))
        refs = [one.ref for page in pages for one in page]
        assert len(pages) > 2
        assert len(refs) == len(set(refs)) == 2 * PAGE_AND_MORE
        assert sum(one.impact.minor for page in pages for one in page) == -PAGE_AND_MORE
        assert len(self.all(provider)) == 2 * PAGE_AND_MORE + 2

    def test_since_leaves_out_what_is_older(self, provider: Any, far_side: FarSide) -> None:
        card = self.a_card(provider)
        far_side.swipe(card.ref, usd(5))
        when = self.all(provider)[0].occurred_at
        assert len(self.all(provider, since=when)) == 2
        assert self.all(provider, since=when + timedelta(days=1)) == []
        assert len(self.all(provider, since=datetime(2020, 1, 1, tzinfo=UTC))) == 2


class RevealsCredentialsContract(Contract):
    def test_numbers_come_only_when_asked_for(self, provider: Any) -> None:
        card = self.a_card(provider, allowance=usd(1_000))
        shown = provider.reveal(card.ref)
        assert luhn(shown.number)
        assert shown.number.endswith(card.last4)
        assert (shown.exp_month, shown.exp_year) == (card.exp_month, card.exp_year)
        assert shown.cvc.isdigit()
        assert shown.number not in repr(shown)
        listed = [one for page in provider.cards() for one in page]
        assert shown.number not in str([card.raw, provider.card(card.ref).raw, *(one.raw for one in listed)])

    def test_a_card_that_does_not_exist_has_none(self, provider: Any) -> None:
        with pytest.raises(ProviderHasNot):
            provider.reveal("nothing")


class ReportsBalanceContract(Contract):
    def test_the_float_shrinks_with_what_is_spent(self, provider: Any, far_side: FarSide) -> None:
        (before,) = provider.float_balances()
        assert before > usd(0)
        card = self.a_card(provider, allowance=usd(1_000))
        assert provider.float_balances() == (before,)
        far_side.swipe(card.ref, usd(300))
        assert provider.float_balances() == (before - usd(300),)


class ProvisionsWalletsContract(Contract):
    def test_every_wallet_is_eligible_or_says_why_not(self, provider: Any) -> None:
        wallets = provider.wallet_eligibility(self.a_card(provider).ref)
        assert wallets
        assert all(wallet.eligible or wallet.reason for wallet in wallets)
