"""Every write of every provider through everything that goes wrong: done once, refused, or honestly unknown."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar

import pytest

from cardctl.domain.accounts import AccountChange, NewAccount, RemoteAccount
from cardctl.domain.cards import NewCard, RemoteCard
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move
from cardctl.errors import (
    CardctlError,
    ProviderUnavailable,
    RateLimited,
    ReplyLost,
    ServerFailed,
)
from tests.contract.ground import ADDRESS, Contract, FarSide, mark, marks, usd


class WritesContract(Contract):
    writes: ClassVar[tuple[str, ...]] = ("account", "account_change", "card", "freeze", "close", "limits", "fund", "withdraw")

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        if write == "account":
            made: Draft = provider.draft_account(NewAccount("Jenny Rosen", address=ADDRESS), operation)
            return made
        if write == "account_change":
            change = AccountChange(email="rosen@example.com")
            changed: Draft = provider.draft_account_change(self.an_account(provider).ref, change, operation)
            return changed
        card = self.a_card(provider, allowance=usd(1_000))
        drafts: dict[str, Callable[[], Draft]] = {
            "card": lambda: provider.draft_card(NewCard(str(card.account_ref), "USD", allowance=usd(5)), operation),
            "freeze": lambda: provider.draft_move(card.ref, Move.FREEZE, operation, None),
            "close": lambda: provider.draft_close(card.ref, operation, "stolen"),
            "limits": lambda: provider.draft_limits(card.ref, {"daily": usd(20)}, operation),
            "fund": lambda: provider.draft_fund(card.ref, usd(25), operation, account_ref=str(card.account_ref)),
            "withdraw": lambda: provider.draft_withdraw(card.ref, usd(25), operation, account_ref=str(card.account_ref)),
        }
        return drafts[write]()

    def world(self, provider: Any) -> tuple[list[RemoteCard], list[RemoteAccount]]:
        """All that there is at the provider."""
        cards, accounts = itertools.chain.from_iterable(provider.cards()), itertools.chain.from_iterable(provider.accounts())
        return list(cards), list(accounts)

    def check_done_once(self, provider: Any, write: str, operation: str, before: Any) -> None:
        cards, accounts = self.world(provider)
        assert len(cards) - len(before[0]) == (write == "card")
        assert len(accounts) - len(before[1]) == (write == "account")
        now: list[RemoteCard | RemoteAccount] = [*cards, *accounts]
        changed = [one for one in now if one not in (*before[0], *before[1])]
        assert [operation in marks(one) for one in changed] == [True]
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
        assert operation in marks(remote)
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
            assert operation in marks(sighting.remote)
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

    @pytest.mark.parametrize("write", writes)
    def test_a_draft_is_the_same_after_the_journal(self, provider: Any, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        kept = Draft(**json.loads(json.dumps(asdict(draft))))
        assert kept == draft
        assert provider.send(draft, operation) == provider.send(kept, operation)

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
            self.do(provider, lambda other: provider.draft_fund(ref, usd(1), other, account_ref=""))
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
