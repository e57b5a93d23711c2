"""A card whose place another has taken is disabled at the provider, however late the run that was killed is gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cardctl import runtime
from cardctl.domain.operations import OperationState
from cardctl.services.deeds.saved_cards import AddCard, SaveWish, _links
from cardctl.services.desk import Done
from cardctl.services.journal import lay_down
from cardctl.services.operations import claim
from cardctl.services.resuming import resume
from cardctl.services.sending import carry_out
from tests.contract.seller import Seller
from tests.services.selling import Selling
from tests.services.world import World


@pytest.fixture
def seller(tmp_path: Path) -> Iterator[Selling]:
    far = Seller(tmp_path / "simulator.db")
    yield Selling(World(tmp_path, str(tmp_path / "books.db"), provider="square"), far)
    far.close()


def test_the_old_card_is_stopped_after_hours(seller: Selling) -> None:
    card, desk = seller.save(), seller.world.desk
    (first, wish), *rest = _links(desk, SaveWish(card.person, "cnon:card-nonce-mastercard", replace=True), None)
    claimed = claim(desk, first, wish, rest)
    assert not isinstance(claimed, Done)
    adding, stopping = claimed
    carry_out(desk, AddCard(), adding)
    lay_down(desk, [stopping])  # the process dies here
    assert sorted(one["enabled"] for one in seller.far.cards()) == [True, True]
    later = replace(desk, clock=lambda: runtime.now() + timedelta(hours=5))
    (settled,) = resume(later, [stopping.id]).settled
    assert settled.state is OperationState.DONE
    assert {one["card_brand"]: one["enabled"] for one in seller.far.cards()} == {"VISA": False, "MASTERCARD": True}
    with seller.world.books.read() as unit:
        assert unit.saved_cards.named(card.id).brand == "MASTERCARD"
