"""What every provider must do that is read whole by parts: all is given, whoever reads on, from wherever it was left."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardctl.providers import registry
from cardctl.providers.paging import ISSUED, Source
from cardctl.simulator.control import Control
from tests.contract.ground import PAGE_AND_MORE, Contract, usd
from tests.contract.turning import bare, openings, read, read_at_once

_QUICK = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


class ReadsWholeContract(Contract):
    has_lists: ClassVar[bool] = True
    """The provider lists what it has; elsewhere the names that are known are read one by one."""
    sources: ClassVar[tuple[Source, ...]] = ISSUED
    many: ClassVar[Source] = Source.TRANSACTIONS
    """What a page cannot hold in these tests, and `since` leaves out."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "source" in metafunc.fixturenames:
            metafunc.parametrize("source", self.sources)

    @pytest.fixture
    def names(self, provider: Any, far_side: Control) -> dict[Source, list[str]]:
        """A few accounts and cards, and more purchases than a page holds, spread over two days."""
        cards = [self.a_card(provider) for _ in range(4)]
        for number in range(PAGE_AND_MORE):
            card = cards[0] if number % 3 else cards[number % len(cards)]
            far_side.swipe(card.ref, usd(1 if number % 20 else 900_000), hold=number % 2 == 0)
            far_side.advance(timedelta(minutes=0 if number % 4 else 100))
        refs = [card.ref for card in cards]
        return {Source.ACCOUNTS: [str(card.account_ref) for card in cards], Source.CARDS: refs, Source.TRANSACTIONS: refs}

    @pytest.fixture
    def others(self, tmp_path: Path) -> Iterator[Others]:
        """Providers that are built anew for each turn: whoever goes on knows nothing but the spot."""
        others = Others(self, tmp_path)
        yield others
        others.close()

    def listed(self, provider: Any, source: Source, names: list[str], since: datetime | None = None) -> dict[str, Any]:
        """The same as the provider gives it by its lists, or one by one."""
        if not self.has_lists:
            return self.asked(provider, source, names, since)
        pages = {
            Source.ACCOUNTS: provider.accounts,
            Source.CARDS: provider.cards,
            Source.TRANSACTIONS: lambda: provider.transactions(since=since),
        }[source]()
        return {item.ref: bare(item) for page in pages for item in page}

    def asked(self, provider: Any, source: Source, names: list[str], since: datetime | None) -> dict[str, Any]:
        if source is not Source.TRANSACTIONS:
            one = provider.account if source is Source.ACCOUNTS else provider.card
            return {name: bare(one(name)) for name in names}
        pages = (page for name in names for page in provider.transactions_of(name, since=since))
        return {event.ref: bare(event) for page in pages for event in page}

    def test_it_says_what_it_lists_and_asks_nothing_first(self, others: Others) -> None:
        assert [others.turner.lists(source) for source in self.sources] == [self.has_lists] * 3
        for source in self.sources:
            assert openings(others.turner, source, ["somebody"])
            assert bool(openings(others.turner, source)) is self.has_lists
        assert others.calls == 0

    def test_all_is_given_whatever_the_order_and_whoever_is_killed(
        self, provider: Any, others: Others, names: dict[Source, list[str]], source: Source
    ) -> None:
        expected = self.listed(provider, source, names[source])
        assert len(expected) >= (PAGE_AND_MORE if source is self.many and self.most_events is None else 4)

        @given(st.integers(0, 2**32))
        @_QUICK
        def by_turns(seed: int) -> None:
            done = read(others, openings(provider, source, names[source]), random.Random(seed))
            assert done.by_ref == expected
            assert len(done.items) == len(expected)

        by_turns()

    def test_many_read_at_once(self, provider: Any, names: dict[Source, list[str]], source: Source) -> None:
        done = read_at_once(provider, openings(provider, source, names[source]))
        assert done.by_ref == self.listed(provider, source, names[source])

    def test_requests_are_counted(self, others: Others, names: dict[Source, list[str]]) -> None:
        for source in self.sources:
            done = read(others, openings(others.turner, source, names[source]), random.Random(1), kills=0)
            assert done.requests == others.calls > 0
            others.calls = 0

    @pytest.mark.parametrize("back", [timedelta(0), timedelta(hours=12), timedelta(days=4_000)])
    def test_since_leaves_out_what_is_older(
        self, provider: Any, others: Others, far_side: Control, names: dict[Source, list[str]], back: timedelta
    ) -> None:
        when = far_side.status()["clock"] - back
        for source in self.sources:
            expected = self.listed(provider, source, names[source], when)
            done = read(others, openings(provider, source, names[source], when), random.Random(2))
            assert done.by_ref == expected
        expected = self.listed(provider, self.many, names[self.many], when)
        everything = self.listed(provider, self.many, names[self.many])
        assert (len(expected) == len(everything)) is (back > timedelta(days=100))
        assert openings(provider, self.many, since=datetime(1, 1, 1, tzinfo=UTC)) or not self.has_lists

    def test_what_is_made_meanwhile_moves_nothing(
        self, provider: Any, others: Others, far_side: Control, names: dict[Source, list[str]]
    ) -> None:
        dice = random.Random(3)

        def life() -> None:
            self.live(provider, far_side, names, dice)
            far_side.advance(timedelta(seconds=dice.randrange(3)))

        for source in self.sources:
            before = self.listed(provider, source, names[source])
            done = read(others, openings(provider, source, names[source]), dice, between=life)
            found = done.by_ref
            now = self.listed(provider, source, names[source])
            if self.most_events is None:  # else the newest push the others out
                assert before.keys() <= found.keys() <= now.keys()
                assert len(done.items) == len(found)

    def live(self, provider: Any, far_side: Control, names: dict[Source, list[str]], dice: random.Random) -> None:
        """Now and then something new."""
        if dice.random() < 0.5:
            far_side.swipe(dice.choice(names[Source.CARDS]), usd(1), hold=dice.random() < 0.5)
        if dice.random() < 0.2:
            self.a_card(provider)

    def test_a_name_that_is_not_there_is_told(self, provider: Any, others: Others, names: dict[Source, list[str]]) -> None:
        for source in self.sources:
            stranger = self.nobody if source is Source.ACCOUNTS else "4f9d54c0-0000-4000-8000-000000000000"
            done = read(others, openings(provider, source, [stranger, *names[source]]), random.Random(4))
            assert done.absent == ([] if self.has_lists else [stranger])
            assert done.by_ref == self.listed(provider, source, names[source])

    @pytest.mark.parametrize("fault", ["torn-page", "repeated-row"])
    def test_a_page_that_is_not_as_it_should_be_loses_nothing(
        self, provider: Any, others: Others, far_side: Control, names: dict[Source, list[str]], fault: str
    ) -> None:
        dice = random.Random(5)

        def breaks() -> None:
            if dice.random() < 0.6:
                far_side.fault(fault, dice.choice((1, 1, 2, 5)))

        for source in self.sources:
            far_side.clear_faults()
            expected = self.listed(provider, source, names[source])
            done = read(others, openings(provider, source, names[source]), dice, between=breaks)
            assert done.by_ref == expected
            assert all(error.retryable for error in done.failures)

    @pytest.mark.parametrize("seed", range(3))
    def test_whatever_goes_wrong_it_ends(
        self, provider: Any, others: Others, far_side: Control, names: dict[Source, list[str]], seed: int
    ) -> None:
        """Rows are left out and old ones come, which nobody can tell; but nothing is made up, and nothing is for ever."""
        far_side.fault_random(seed, 0.4)
        found = [read(others, openings(provider, source, names[source]), random.Random(seed)) for source in self.sources]
        far_side.clear_faults()
        for source, done in zip(self.sources, found, strict=True):
            assert done.by_ref.keys() <= self.listed(provider, source, names[source]).keys()


class Others:
    """Turns, each by another provider of two; and how often they have asked the far side."""

    def __init__(self, contract: Contract, path: Path) -> None:
        self.calls = 0
        self._built = [registry.build(contract.name, contract.handed(path, self._count)) for _ in range(2)]
        self._turns = 0

    @property
    def turner(self) -> Any:
        self._turns += 1
        return self._built[self._turns % 2]

    def turn(self, spot: Any, *, share: bool) -> Any:
        return self.turner.turn(spot, share=share)

    def close(self) -> None:
        for provider in self._built:
            provider.close()

    def _count(self, _call: object) -> None:
        self.calls += 1
