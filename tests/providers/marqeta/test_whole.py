"""Users, and what each has, read part by part: what a position holds, what a turn asks for, and what lists may do wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cardctl.errors import ProviderHasNot, ProviderUnavailable
from cardctl.providers.marqeta import translate
from cardctl.providers.marqeta.provider import MarqetaProvider, build
from cardctl.providers.paging import Leaf, Source, Spot
from tests.contract.turning import Read, kept, openings
from tests.providers.conftest import Hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Answer, Far

SINCE = datetime(2026, 3, 10, 12, tzinfo=UTC)
OF_USER = Spot(Source.TRANSACTIONS, {"user": "user_1", "at": 0})


def whole(provider: MarqetaProvider, source: Source, since: datetime | None = None) -> Read:
    done, left = Read(), openings(provider, source, since=since)
    while left:
        leaf = provider.turn(left.pop(0), share=True)
        done.keep(leaf)
        left += [kept(spot) for spot in leaf.then]
    return done


def turn(hand: Hand, spot: Spot, answers: dict[str, Answer | list[Answer]]) -> Leaf:
    return build(hand(Far(answers))).turn(spot, share=False)


def message(token: str, kind: str, state: str, amount: int, parent: str | None = "a") -> dict[str, Any]:
    return objects.transaction(kind, state, amount, token=token, preceding_related_transaction_token=parent)


def test_an_account_whose_state_the_list_does_not_tell_is_read_by_itself(hand: Hand) -> None:
    listed = [objects.user(token=f"user_{number}", status="ACTIVE" if number % 2 else None) for number in range(4)]
    for_a_card = objects.user(token="user_9", metadata={translate.CARD_USER: "op_9"})
    told = {f"GET /users/{one['token']}": objects.user(token=one["token"], status="SUSPENDED") for one in listed}
    far = Far({"GET /users": objects.listed(*listed, for_a_card), **told})
    done = whole(build(hand(far)), Source.ACCOUNTS)
    assert {ref: str(account.state) for ref, account in done.by_ref.items()} == {
        "user_0": "suspended",
        "user_1": "active",
        "user_2": "suspended",
        "user_3": "active",
    }
    assert far.calls == ["GET /users", "GET /users/user_0", "GET /users/user_2"]


def test_a_position_holds_no_more_of_a_user_than_the_cards_need(hand: Hand) -> None:
    user = objects.user(metadata={translate.CARD_USER: "op_1", "other": "x"}, parent_token="p", ssn="111-23-4444")
    (spot,) = turn(hand, Spot(Source.CARDS, {"users": 0}), {"GET /users": objects.listed(user)}).then
    assert json.loads(json.dumps(spot.position)) == {
        "user": {
            "token": "user_1",
            "first_name": "Ada",
            "last_name": "Lovelace",
            "parent_token": "p",
            "uses_parent_account": False,
            "metadata": {translate.CARD_USER: ""},
        },
        "at": 0,
    }


def test_cards_are_those_of_the_list_with_money_and_limits(hand: Hand) -> None:
    controls = objects.listed(objects.control("DAY", 20))
    pages: list[Answer] = [objects.listed(objects.card(), more=True), objects.listed(objects.card(token="card_2"), start=1)]
    far = Far({"GET /cards/user/user_1": pages, "GET /velocitycontrols": controls})
    done = whole(build(hand(far)), Source.CARDS)
    plain = Far({"GET /cards/user/user_1": list(pages), "GET /velocitycontrols": controls})
    listed = [card for page in build(hand(plain)).cards() for card in page]
    assert [done.by_ref[card.ref].limits for card in listed] == [card.limits for card in listed]
    assert {card.ref: card.balance for card in listed} == {ref: card.balance for ref, card in done.by_ref.items()}
    assert far.calls[2:] == ["GET /balances/user_1", "GET /velocitycontrols", *far.calls[1:4]]
    assert done.requests == len(far.calls)


def test_who_has_no_cards_is_asked_nothing_more(hand: Hand) -> None:
    far = Far({"GET /cards/user/user_1": objects.listed()})
    assert whole(build(hand(far)), Source.CARDS).items == []
    assert far.calls == ["GET /users", "GET /cards/user/user_1"]


def test_a_hold_goes_on_from_page_to_page_and_counts_a_row_once(hand: Hand) -> None:
    reversed_ = message("b", "authorization.reversal", "PENDING", 30)
    pages: list[Answer] = [
        objects.listed(message("a", "authorization", "PENDING", 100, None), reversed_, more=True),
        objects.listed(reversed_, message("c", "authorization.reversal", "PENDING", 90), start=2),
    ]
    done = whole(build(hand(Far({"GET /transactions": pages}))), Source.TRANSACTIONS)
    assert [(one.ref, one.impact.minor) for one in done.items] == [("a", -10000), ("b", 3000), ("c", 7000)]


def test_a_hold_that_is_used_up_is_carried_no_further(hand: Hand) -> None:
    page = objects.listed(
        message("a", "authorization", "PENDING", 100, None),
        message("b", "authorization.reversal", "PENDING", 100),
        message("d", "authorization", "PENDING", 70, None),
        more=True,
    )
    (then,) = turn(hand, OF_USER, {"GET /transactions": page}).then
    assert then.position["holds"] == {"d": [7000, "USD"]}
    assert then.position["at"] == 3


def test_what_is_asked_of_each_user_and_since(hand: Hand) -> None:
    far = Far()
    provider = build(hand(far))
    whole(provider, Source.TRANSACTIONS)
    whole(provider, Source.TRANSACTIONS, SINCE)
    users, of_user, recent = (dict(one.url.params) for one in far.requests)
    assert users == {"count": "100", "start_index": "0", "sort_by": "createdTime"}
    assert (of_user["acting_user_token"], of_user["state"]) == ("user_1", "PENDING,CLEARED,COMPLETION,DECLINED,ERROR")
    assert of_user["start_date"] < "2010-01-02"
    assert (recent["start_date"], recent["sort_by"], "acting_user_token" in recent) == ("2026-03-03", "created_time", False)


@pytest.mark.parametrize(
    ("spot", "path"),
    [
        (Spot(Source.ACCOUNTS, {"users": 100}), "GET /users"),
        (Spot(Source.CARDS, {"user": {"token": "user_1"}, "at": 100}), "GET /cards/user/user_1"),
        (Spot(Source.TRANSACTIONS, {"user": "user_1", "at": 100}), "GET /transactions"),
    ],
)
@pytest.mark.parametrize("page", [{"data": [], "is_more": True}, {"data": [{"token": "x"}], "is_more": True, "end_index": 99}])
def test_a_list_that_does_not_go_on_ends(hand: Hand, spot: Spot, path: str, page: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable, match="does not go on"):
        turn(hand, spot, {path: page})


@pytest.mark.parametrize("row", [{}, {"token": "t", "card_token": "c"}, {"token": "t", "card_token": "c", "amount": "x"}])
def test_a_row_that_is_none_is_an_answer_of_somebody_else(hand: Hand, row: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailable, match="not in Marqeta's words"):
        turn(hand, OF_USER, {"GET /transactions": objects.listed(row)})


def test_a_holder_who_is_gone_is_said(hand: Hand) -> None:
    with pytest.raises(ProviderHasNot):
        turn(hand, Spot(Source.CARDS, {"user": {"token": "user_0"}, "at": 0}), {})
