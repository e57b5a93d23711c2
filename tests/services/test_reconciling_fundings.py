"""Money that is put on a card or taken off it: by us, by somebody else, and what a history does not show."""

from __future__ import annotations

from datetime import timedelta

from cardctl.domain.breaks import BreakState, BreakType
from cardctl.domain.cards import Card
from cardctl.services.deeds.funding import fund_card, withdraw
from cardctl.services.deeds.pulling import sync_card
from tests.services import reconciled as r
from tests.services.world import World, usd

T = BreakType


def _funding_gone(world: World, card: Card) -> dict[BreakType, str]:
    fund_card(world.desk, card, usd("5"))
    sync_card(world.desk, card)
    rows = [row["id"] for row in world.customer.rows(card.ref)]
    r.behind(world, "UPDATE strowallet_cards SET balance = balance - 500 WHERE ref = ?", card.ref)
    funding = next(one for one in world.events(card) if one.amount == usd("5"))
    assert rows
    r.behind(world, "DELETE FROM strowallet_transactions WHERE kind = 'funding'")
    return {T.FUNDING_UNMATCHED: funding.ref}


def test_money_moved_by_us_needs_no_pull(strowallet: World) -> None:
    """Its rows have names of their own, and do not say who asked for them."""
    card = strowallet.a_card("100")
    r.clean(strowallet)
    fund_card(strowallet.desk, card, usd("5"))
    fund_card(strowallet.desk, card, usd("5"))
    withdraw(strowallet.desk, card, usd("3"))
    types = {one.type for one in r.found(strowallet)}
    assert types <= {T.TRANSACTION_STATE, T.BALANCE}, "a funding may have settled since"
    sync_card(strowallet.desk, card)
    assert strowallet.card(card).balance == usd("107")
    r.clean(strowallet)


def test_money_moved_there_by_somebody_else(strowallet: World) -> None:
    card = strowallet.a_card("100")
    strowallet.customer.fund(card.ref, "5")
    (row,) = strowallet.customer.rows(card.ref)
    breaks = r.found(strowallet)
    assert r.told(breaks) == [(T.FUNDING_UNMATCHED, row["id"])], "it explains the balance, too"
    assert breaks[0].at_risk == usd("5")
    assert strowallet.card(card).balance == usd("100")
    r.mended(strowallet, breaks)
    assert strowallet.card(card).balance == usd("105")
    r.clean(strowallet)


def test_a_movement_that_the_history_does_not_show_is_proposed(strowallet: World) -> None:
    card = strowallet.a_card("100")
    fund_card(strowallet.desk, card, usd("5"))
    sync_card(strowallet.desk, card)
    r.clean(strowallet)
    wanted = _funding_gone(strowallet, card)
    strowallet.control.advance(timedelta(seconds=2))
    breaks = r.found(strowallet)
    assert set(r.told(breaks)) >= set(wanted.items())
    done = r.mended(strowallet, breaks)
    assert done.proposed == [one.fingerprint for one in breaks if one.type is T.FUNDING_UNMATCHED]
    left = r.found(strowallet)
    assert {one.type for one in left} == {T.FUNDING_UNMATCHED}
    assert {one.state for one in left} == {BreakState.ACKNOWLEDGED}
