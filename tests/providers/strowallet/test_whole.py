"""What is known, read one by one: a name that is not there is told, and a row of another card is not this one's."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from cardctl.errors import ProviderUnavailable
from cardctl.providers.paging import Source, Spot
from tests.contract.turning import openings
from tests.providers.scripted import torn
from tests.providers.strowallet import objects
from tests.providers.strowallet.objects import answer, no, strowallet

CARD = Spot(Source.CARDS, {"ref": "card-1"})
EVENTS = Spot(Source.TRANSACTIONS, {"ref": "card-1"})


def test_a_spot_for_each_name_made_as_it_is_taken() -> None:
    provider, script = strowallet()
    names = iter(["card-1", "card-2"])
    spots = provider.openings(Source.CARDS, known=names, since=datetime(2026, 1, 1, tzinfo=UTC))
    assert next(spots) == CARD
    assert next(names) == "card-2"
    assert list(spots) == []
    assert script.requests == []


def test_since_goes_with_transactions_alone() -> None:
    since = datetime(2025, 1, 15, 10, tzinfo=UTC)
    page = objects.recent(objects.row(), objects.row("t-2", createdAt="2025-01-15T09:00:00Z"))
    provider, _ = strowallet(page, page)
    (spot,) = openings(provider, Source.TRANSACTIONS, ["card-1"], since)
    assert [event.ref for event in provider.turn(spot, share=False).transactions] == ["t-1"]
    assert "since" not in openings(provider, Source.ACCOUNTS, ["cus-1"], since)[0].position


@pytest.mark.parametrize("step", [no("Card not found"), no("Card not found", 404)])
def test_a_card_that_is_not_there_is_told_and_is_no_error(step: httpx.Response) -> None:
    leaf = strowallet(step)[0].turn(CARD, share=False)
    assert (leaf.absent, leaf.cards, leaf.then, leaf.requests) == (("card-1",), [], [], 1)
    leaf = strowallet(objects.page(), step)[0].turn(EVENTS, share=False)
    assert (leaf.absent, leaf.transactions, leaf.requests) == (("card-1",), [], 2)


@pytest.mark.parametrize("steps", [(objects.page(500),) * 4, (torn(),) * 4, (answer({"success": True, "response": [1]}),)])
def test_what_tells_nothing_is_an_error_and_nobody_is_absent(steps: tuple[httpx.Response, ...]) -> None:
    with pytest.raises(ProviderUnavailable):
        strowallet(*steps)[0].turn(CARD, share=False)


def test_a_row_of_another_card_is_not_this_one_s() -> None:
    page = objects.recent(objects.row("t-9", cardId="card-9"), objects.row("t-1"), objects.row("t-2", cardId=None))
    leaf = strowallet(page, page)[0].turn(EVENTS, share=False)
    assert [(event.ref, event.card_ref) for event in leaf.transactions] == [("t-1", "card-1"), ("t-2", "card-1")]


def test_where_rows_name_cards_in_another_way_they_are_taken() -> None:
    page = objects.recent(objects.row(cardId="b1"), objects.row("t-2", cardId="b1"))
    assert len(strowallet(page, page)[0].turn(EVENTS, share=False).transactions) == 2
