"""Every write to accounts and cards, and what it leaves at the far side; what goes wrong with it is suite_faults.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from cardctl.domain.accounts import AccountChange, AccountState, NewAccount
from cardctl.domain.cards import Limits, NewCard, RemoteCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.simulator.control import Control
from tests.contract.ground import ADDRESS, FUNDS, HOLDER, known_state, mark, usd
from tests.contract.suite_faults import FaultsContract

MOVED = replace(ADDRESS, line1="77 Elsewhere Avenue")
ACCOUNT_WRITES = ("account", "account_change", "account_close")
_MOVES = {"activate": Move.ACTIVATE, "freeze": Move.FREEZE, "unfreeze": Move.UNFREEZE, "close": Move.CLOSE}
_STATES = {"activate": CardState.ACTIVE, "freeze": CardState.FROZEN, "unfreeze": CardState.ACTIVE, "close": CardState.CLOSED}
_LIMITS = {"limits": Limits(usd(5), usd(20)), "limits_again": Limits(usd(20)), "limits_off": Limits()}
_PEOPLE = ("cardholders", "users", "customers")


@dataclass(frozen=True)
class World:
    """All that there is at the provider; the objects are those that a test made."""

    people: int
    cards: int
    money: Money
    objects: Mapping[str, Any]
    spendable: Mapping[str, Money]


class WritesContract(FaultsContract):
    unkeyed: ClassVar[frozenset[str]] = frozenset()
    """Writes that a provider may not do twice, though it is asked twice: they are sent once."""
    people_per_card: ClassVar[int] = 0
    """A card is made for a holder of its own beside the account's."""

    target: str

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

    def told_after_another(self, write: str) -> bool | None:
        undone = write in ("freeze", "unfreeze") and not self.keeps_moves
        return False if undone else super().told_after_another(write)

    def unprepared(self, now: World, before: World) -> World:
        return replace(now, people=before.people)

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
