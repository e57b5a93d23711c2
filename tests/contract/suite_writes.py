"""Every write of every provider through everything that goes wrong: done once, refused, or honestly unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import pytest

from cardctl.db.columns import exact_json, exact_value
from cardctl.domain.accounts import AccountChange, AccountState, NewAccount
from cardctl.domain.cards import Limits, NewCard, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.errors import CardctlError, ProviderUnavailable, RateLimited, ReplyLost, ServerFailed
from cardctl.simulator.control import Control
from tests.contract.ground import ADDRESS, FUNDS, HOLDER, Contract, clashes, known_state, mark, usd

MOVED = replace(ADDRESS, line1="77 Elsewhere Avenue")
ACCOUNT_WRITES = ("account", "account_change", "account_close")
_MOVES = {"activate": Move.ACTIVATE, "freeze": Move.FREEZE, "unfreeze": Move.UNFREEZE, "close": Move.CLOSE}
_STATES = {"activate": CardState.ACTIVE, "freeze": CardState.FROZEN, "unfreeze": CardState.ACTIVE, "close": CardState.CLOSED}
_LIMITS = {"limits": Limits(usd(5), usd(20)), "limits_again": Limits(usd(20)), "limits_off": Limits()}
_PEOPLE = ("cardholders", "users", "customers")
_FAULTS: dict[str, tuple[type[CardctlError], bool]] = {  # kind: what it is called where it has no end, and whether it ran
    "refused": (ProviderUnavailable, False),
    "429": (RateLimited, False),
    "429-retry-after": (RateLimited, False),
    "500": (ServerFailed, False),
    "500-saved": (ServerFailed, False),
    "500-after-commit": (ServerFailed, True),
    "lost-reply": (ReplyLost, True),
    "torn-body": (ReplyLost, True),
    "slow": (ReplyLost, True),
}


@dataclass(frozen=True)
class World:
    """All that there is at the provider; the objects are those that a test made."""

    people: int
    cards: int
    money: Money
    objects: Mapping[str, Any]
    spendable: Mapping[str, Money]


class WritesContract(Contract):
    writes: ClassVar[Sequence[str]]
    unkeyed: ClassVar[frozenset[str]] = frozenset()
    """Writes that a provider may not do twice, though it is asked twice: they are sent once."""
    saves_failures: ClassVar[bool] = False
    """A 500 is kept under the key, and comes again for it."""
    tells: ClassVar[Mapping[str, tuple[bool | None, bool | None]]] = {}
    """What looking tells of a write that took effect, and of one that did not, where it is not True and False."""
    overwritten: ClassVar[frozenset[str]] = frozenset()
    """Writes of which looking cannot tell once another has written the same thing."""
    unmarked: ClassVar[frozenset[str]] = frozenset()
    """Writes that leave no operation's id on what they change."""

    people_per_card: ClassVar[int] = 0
    """A card is made for a holder of its own beside the account's."""

    target: str

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "write" in metafunc.fixturenames:
            metafunc.parametrize("write", self.writes)

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        """Also tells `target`, the object that it changes or that it makes another of; empty where there is none."""
        if write == "account":
            self.target = ""
            made: Draft = provider.draft_account(NewAccount(HOLDER, address=ADDRESS), operation)
            return made
        if write == "first_card":
            self.target = self.an_account(provider).ref
            return self.a_cards_draft(provider, self.target, operation)
        if write in ACCOUNT_WRITES:
            self.target = self.an_account(provider).ref
            change = AccountChange(address=MOVED) if "address" in self.changes else AccountChange(email="rosen@example.com")
            drafted: Draft = (
                provider.draft_account_change(self.target, change, operation)
                if write == "account_change"
                else provider.draft_account_close(self.target, operation)
            )
            return drafted
        limits = Limits(usd(5)) if write == "limits" else Limits(usd(30)) if write.startswith("limits") else Limits()
        card = self.a_card(provider, active=write != "activate", limits=limits)
        if write == "unfreeze":
            self.move(provider, card, Move.FREEZE)
        self.target = card.ref
        return self.a_draft(provider, write, card, operation)

    def a_draft(self, provider: Any, write: str, card: RemoteCard, operation: str) -> Draft:
        drafts: dict[str, Callable[[], Draft]] = {
            "card": lambda: self.a_cards_draft(provider, str(card.account_ref), operation),
            "limits": lambda: provider.draft_limits(card.ref, {"daily": usd(20)}, operation),
            "limits_again": lambda: provider.draft_limits(card.ref, {"per_transaction": usd(20)}, operation),
            "limits_off": lambda: provider.draft_limits(card.ref, {"per_transaction": None}, operation),
            "fund": lambda: provider.draft_fund(card.ref, usd(25), operation, account_ref=card.account_ref),
            "withdraw": lambda: self.draft_withdraw(provider, card, 25, operation),
        }
        if write in _MOVES:
            return drafted_move_of(provider, card.ref, write, operation)
        return drafts[write]()

    def a_cards_draft(self, provider: Any, account_ref: str, operation: str) -> Draft:
        allowance = usd(500) if "allowance" in provider.issue_carries else None
        wanted = NewCard(account_ref, "USD", allowance=allowance, holder=HOLDER)
        draft: Draft = provider.draft_card(wanted, operation)
        return draft

    def world(self, provider: Any, far_side: Control) -> World:
        counts = far_side.status()["providers"][self.name]
        account = self.target and (self.target in self.people)
        read = provider.account if account else provider.card
        objects = {self.target: read(self.target)} if self.target else {}
        spendable = {} if account or not self.target else {self.target: self.spendable(provider, self.target)}
        people = sum(counts.get(noun, 0) for noun in _PEOPLE)
        return World(people, counts["cards"], self.float_of(far_side), objects, spendable)

    @property
    def people(self) -> set[str]:
        """The accounts among targets."""
        return self.__dict__.setdefault("_people", set())  # type: ignore[no-any-return]

    def an_account(self, provider: Any, **told: Any) -> Any:
        account = super().an_account(provider, **told)
        self.people.add(account.ref)
        return account

    def check_done_once(self, provider: Any, far_side: Control, write: str, before: World) -> None:
        now = self.world(provider, far_side)
        card = write in ("card", "first_card")
        people = self.people_per_card if card else write == "account"
        assert (now.cards - before.cards, now.people - before.people) == (card, people)
        carried = usd(500) if card and "allowance" in provider.issue_carries else usd(0)
        moved = {"fund": usd(25), "withdraw": usd(-25)}.get(write, usd(0))
        assert now.money == before.money - (moved + carried if self.prefunded else usd(0))
        assert now.spendable == {ref: money + moved for ref, money in before.spendable.items()}
        if card or write == "account":
            assert now.objects == before.objects
        else:
            self.check_target(write, before.objects[self.target], now.objects[self.target])

    def check_target(self, write: str, before: Any, now: Any) -> None:
        if write in _MOVES:
            assert (known_state(now), now.limits) == (_STATES[write], before.limits)
        elif write == "account_close":
            assert (now.state, now.name) == (AccountState.CLOSED, before.name)
        elif write == "account_change":
            wanted = MOVED.line1 if "address" in self.changes else "rosen@example.com"
            assert (wanted in str(now.raw), wanted in str(before.raw), now.name) == (True, False, before.name)
        else:
            assert (now.limits, now.state) == (_LIMITS.get(write, before.limits), before.state)

    def again(self, provider: Any, write: str, draft: Draft) -> bool:
        """Whether sending it twice does it once: by its key, or because it says what shall be."""
        again = write in _MOVES or (provider.key_life is not None and write not in self.unkeyed)
        assert again or not draft.repeatable
        return again

    def marked(self, write: str, remote: Any, operation: str) -> bool:
        """Whether an object says which operation wrote it, where it ought to."""
        told = (remote.mark, getattr(remote, "moved_by", None), getattr(remote, "created_by", None))
        return not self.keeps_marks or write in self.unmarked or operation in told

    def check_looking(
        self, provider: Any, far_side: Control, write: str, draft: Draft, operation: str, before: World, *, ran: bool
    ) -> None:
        """What looking tells is true, as far as it tells; and so is the world."""
        sighting = provider.look_up(draft, operation)
        yes, no = self.tells.get(write, (True, False))
        assert sighting.happened is (yes if ran else no)
        if sighting.happened:
            assert self.marked(write, sighting.remote, operation)
        if ran:
            self.check_done_once(provider, far_side, write, before)
        else:
            now = self.world(provider, far_side)
            assert (replace(now, people=before.people) if draft.prelude else now) == before

    @pytest.mark.parametrize("kind", _FAULTS)
    def test_one_fault_changes_nothing_or_is_named(self, provider: Any, far_side: Control, write: str, kind: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider, far_side)
        far_side.fault(kind, 1, 3_600.0 if kind == "slow" else None)
        error, ran = _FAULTS[kind]
        kept = self.saves_failures and kind in ("500-saved", "500-after-commit")
        if not kept and (self.again(provider, write, draft) or kind in ("refused", "429", "429-retry-after")):
            remote = provider.send(draft, operation)
            assert self.marked(write, remote, operation)
            self.check_done_once(provider, far_side, write, before)
            return
        with pytest.raises(error) as caught:
            provider.send(draft, operation)
        assert type(caught.value) is error
        assert getattr(caught.value, "saved", False) is kept
        self.check_looking(provider, far_side, write, draft, operation, before, ran=ran)

    @pytest.mark.parametrize("kind", _FAULTS)
    def test_faults_without_end_are_named_and_settled_by_looking(
        self, provider: Any, far_side: Control, write: str, kind: str
    ) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider, far_side)
        far_side.fault(kind, 20, 3_600.0 if kind == "slow" else None)
        error, ran = _FAULTS[kind]
        with pytest.raises(error) as caught:
            provider.send(draft, operation)
        assert type(caught.value) is error
        far_side.clear_faults()
        ran = ran and not draft.prelude  # then only what prepares it ran
        self.check_looking(provider, far_side, write, draft, operation, before, ran=ran)
        if not ran and not (self.saves_failures and kind == "500-saved"):
            provider.send(draft, operation)
            self.check_done_once(provider, far_side, write, before)

    def test_the_same_again_gives_the_first_answer_again(self, provider: Any, far_side: Control, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider, far_side)
        first = provider.send(draft, operation)
        if self.again(provider, write, draft):
            assert provider.send(draft, operation) == first
        self.check_done_once(provider, far_side, write, before)

    def test_looking_tells_what_was_not_sent_from_what_was(self, provider: Any, far_side: Control, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider, far_side)
        self.check_looking(provider, far_side, write, draft, operation, before, ran=False)
        sent = provider.send(draft, operation)
        self.check_looking(provider, far_side, write, draft, operation, before, ran=True)
        remote = provider.look_up(draft, operation).remote
        assert remote is None or clashes(remote, sent) == []

    def test_a_draft_is_the_same_after_the_journal(self, provider: Any, far_side: Control, write: str) -> None:
        operation = mark()
        draft = self.draft(provider, write, operation)
        before = self.world(provider, far_side)
        kept = Draft(**exact_value(exact_json(asdict(draft))))
        assert kept == draft
        provider.send(kept, operation)
        self.check_looking(provider, far_side, write, kept, operation, before, ran=True)

    def test_looking_says_nothing_untrue_once_another_has_written(self, provider: Any, far_side: Control, write: str) -> None:
        """The same kind of thing, on the same object."""
        operation = mark()
        draft = self.draft(provider, write, operation)
        provider.send(draft, operation)
        self.another(provider, write)
        told = None if write in self.overwritten else self.tells.get(write, (True, False))[0]
        undone = write in ("freeze", "unfreeze") and not self.keeps_moves
        assert provider.look_up(draft, operation).happened is (False if undone else told)

    def another(self, provider: Any, write: str) -> None:
        """Another write after the first: what it did is covered, or undone."""
        if write in ACCOUNT_WRITES and self.target and write != "account_close" and "email" in self.changes:
            self.change(provider, self.target, AccountChange(email="other@example.com"))
        if self.target in self.people or not self.target:
            return
        card = provider.card(self.target)
        if write.startswith("limits"):
            name = "daily" if write == "limits" else "per_transaction"
            self.limit(provider, card, {name: usd(9)})
        if write in ("fund", "withdraw"):
            self.fund(provider, card, 9)
        if write in ("freeze", "unfreeze"):
            self.move(provider, card, Move.UNFREEZE if write == "freeze" else Move.FREEZE)

    def test_a_freeze_is_there_whoever_made_it(self, provider: Any) -> None:
        operation = mark()
        draft = self.draft(provider, "freeze", operation)
        self.move(provider, provider.card(self.target), Move.FREEZE)
        assert provider.look_up(draft, operation).happened is True
        assert provider.card(self.target).balance in (None, FUNDS)


def drafted_move_of(provider: Any, ref: str, write: str, operation: str) -> Draft:
    """A move by the name of its write."""
    if write == "close":
        drafted: Draft = provider.draft_close(ref, operation, "stolen")
        return drafted
    moved: Draft = provider.draft_move(ref, _MOVES[write], operation, None)
    return moved
