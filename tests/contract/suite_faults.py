"""Any write of any provider through everything that goes wrong: done once, refused, or honestly unknown.

What the writes are, and what there is at the far side before and after, says whoever inherits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import pytest

from cardctl.db.columns import exact_json, exact_value
from cardctl.domain.operations import Draft
from cardctl.errors import CardctlError, ProviderUnavailable, RateLimited, ReplyLost, ServerFailed
from cardctl.simulator.control import Control
from tests.contract.ground import Contract, clashes, mark

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


class FaultsContract(Contract):
    writes: ClassVar[Sequence[str]]
    saves_failures: ClassVar[bool] = False
    """A 500 is kept under the key, and comes again for it."""
    tells: ClassVar[Mapping[str, tuple[bool | None, bool | None]]] = {}
    """What looking tells of a write that took effect, and of one that did not, where it is not True and False."""
    overwritten: ClassVar[frozenset[str]] = frozenset()
    """Writes of which looking cannot tell once another has written the same thing."""
    unmarked: ClassVar[frozenset[str]] = frozenset()
    """Writes that leave no operation's id on what they change."""
    told_by_refusals: ClassVar[frozenset[str]] = frozenset()
    """Writes whose repetition is refused because they are done, which is as good as a yes."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "write" in metafunc.fixturenames:
            metafunc.parametrize("write", self.writes)

    def draft(self, provider: Any, write: str, operation: str) -> Draft:
        """Of one write, and whatever it needs to be there."""
        raise NotImplementedError

    def world(self, provider: Any, far_side: Control) -> Any:
        """All that there is at the far side, to be compared."""
        raise NotImplementedError

    def check_done_once(self, provider: Any, far_side: Control, write: str, before: Any) -> None:
        raise NotImplementedError

    def again(self, provider: Any, write: str, draft: Draft) -> bool:
        """Whether sending it twice does it once: by its key, or because it says what shall be."""
        raise NotImplementedError

    def another(self, provider: Any, write: str) -> None:
        """Another write after the first: what it did is covered, or undone."""
        raise NotImplementedError

    def told_after_another(self, write: str) -> bool | None:
        """What looking tells of the first write then."""
        return None if write in self.overwritten else self.tells.get(write, (True, False))[0]

    def unprepared(self, now: Any, before: Any) -> Any:
        """The world without what only prepares a write."""
        return now

    def marked(self, write: str, remote: Any, operation: str) -> bool:
        """Whether an object says which operation wrote it, where it ought to."""
        told = (getattr(remote, "mark", None), getattr(remote, "moved_by", None), getattr(remote, "created_by", None))
        return not self.keeps_marks or write in self.unmarked or operation in told

    def check_looking(
        self, provider: Any, far_side: Control, write: str, draft: Draft, operation: str, before: Any, *, ran: bool
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
            assert (self.unprepared(now, before) if draft.prelude else now) == before

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
        if kind == "500-after-commit" and write in self.told_by_refusals:  # it spoils only what is done
            provider.send(draft, operation)
            self.check_done_once(provider, far_side, write, before)
            return
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
        assert provider.look_up(draft, operation).happened is self.told_after_another(write)
