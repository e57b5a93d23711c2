"""What the provider makes of answers, how it settles lost ones, and what it reads in several requests."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from cardctl.domain.accounts import AccountChange, AccountState, NewAccount, RemoteAccount
from cardctl.domain.cards import CardNews, Limits, NewCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadInput, ProviderHasNot, ProviderRefused, ReplyLost
from cardctl.providers.base import capabilities
from cardctl.providers.marqeta.provider import MarqetaProvider, build
from tests.providers.conftest import Hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Answer, Far, refused

Answers = dict[str, Answer | list[Answer]]


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def a_provider(hand: Hand, answers: Answers | None = None, **settings: Any) -> MarqetaProvider:
    return build(hand(Far(answers), settings=settings))


def test_what_marqeta_can_do() -> None:
    everything = {
        "issues_cards",
        "closes_accounts",
        "controls_cards",
        "closes_cards",
        "limits_cards",
        "funds_cards",
        "reads_cards",
        "lists_cards",
        "reads_transactions",
        "lists_transactions",
        "reads_whole",
        "reveals_credentials",
        "relays_wallets",
        "simulates_purchases",
        "receives_webhooks",
        "resends_events",
    }
    assert set(capabilities(MarqetaProvider)) == everything


def freeze(provider: MarqetaProvider) -> Draft:
    return provider.draft_move("card_1", Move.FREEZE, "op_1", None)


def test_a_move_tells_the_state_alone(hand: Hand) -> None:
    provider = a_provider(hand)
    news = provider.send(freeze(provider), "op_1")
    assert isinstance(news, CardNews)
    assert (news.ref, news.state, news.word, news.moved_by) == ("card_1", CardState.FROZEN, "SUSPENDED", "op_1")
    assert (news.balance, news.limits) == (None, None)
    assert "pan" not in news.raw


def test_a_move_that_is_refused_because_it_is_so_already_is_done(hand: Hand) -> None:
    answers: Answers = {"POST /cardtransitions": refused(400), "GET /cards/card_1": objects.card(state="SUSPENDED")}
    provider = a_provider(hand, answers)
    news = provider.send(freeze(provider), "op_1")
    assert isinstance(news, CardNews)
    assert (news.state, news.moved_by) == (CardState.FROZEN, None)


@pytest.mark.parametrize("now", [objects.card(), refused(404), httpx.Response(500)])
def test_any_other_refusal_stays_one(hand: Hand, now: Answer) -> None:
    provider = a_provider(hand, {"POST /cardtransitions": refused(422, "422001"), "GET /cards/card_1": now})
    with pytest.raises(ProviderRefused) as caught:
        provider.send(freeze(provider), "op_1")
    assert caught.value.vendor_code == "422001"


@pytest.mark.parametrize(
    ("transition", "state", "happened", "moved_by"),
    [
        (objects.card_transition(), "SUSPENDED", True, "op_1"),
        (objects.card_transition(), "ACTIVE", True, "op_1"),  # and somebody has thawed it since
        (refused(404), "SUSPENDED", True, None),
        (refused(404), "ACTIVE", False, None),
    ],
)
def test_looking_for_a_move(hand: Hand, transition: Answer, state: str, happened: bool, moved_by: str | None) -> None:
    answers: Answers = {"GET /cardtransitions/op_1": transition, "GET /cards/card_1": objects.card(state=state)}
    provider = a_provider(hand, answers)
    sighting = provider.look_up(freeze(provider), "op_1")
    assert isinstance(sighting.remote, CardNews)
    assert (sighting.happened, sighting.remote.word, sighting.remote.moved_by) == (happened, state, moved_by)


def test_looking_for_a_move_of_what_is_gone_tells_nothing(hand: Hand) -> None:
    provider = a_provider(hand, {"GET /cards/card_1": refused(404)})
    assert provider.look_up(freeze(provider), "op_1").happened is None


def test_what_is_made_is_found_by_its_token(hand: Hand) -> None:
    found: Answers = {"GET /users/op_1": objects.user(token="op_1"), "GET /cards/op_1": objects.card(token="op_1")}
    for answers, happened in (({}, False), (found, True)):
        provider = a_provider(hand, answers)
        for draft in (
            provider.draft_account(NewAccount("Ada"), "op_1"),
            provider.draft_card(NewCard("user_1", "USD"), "op_1"),
        ):
            sighting = provider.look_up(draft, "op_1")
            assert sighting.happened is happened
            assert (sighting.remote.ref if sighting.remote else None) == ("op_1" if happened else None)


def marked(mark: str) -> dict[str, Any]:
    return objects.user(metadata={"cardctl_operation": mark})


@pytest.mark.parametrize(("now", "happened"), [("op_1", True), ("op_0", False), ("op_2", None)])
def test_looking_for_a_change_of_data(hand: Hand, now: str, happened: bool | None) -> None:
    provider = a_provider(hand, {"GET /users/user_1": [marked("op_0"), marked(now)]})
    draft = provider.draft_account_change("user_1", AccountChange(email="a@b.co"), "op_1")
    assert provider.look_up(draft, "op_1").happened is happened


@pytest.mark.parametrize(
    ("transition", "status", "happened"),
    [
        (objects.user_transition(), "SUSPENDED", True),
        (objects.user_transition(), "ACTIVE", True),
        (refused(404), "SUSPENDED", True),
        (refused(404), "ACTIVE", False),
    ],
)
def test_looking_for_a_change_of_status(hand: Hand, transition: Answer, status: str, happened: bool) -> None:
    answers: Answers = {"GET /usertransitions/op_1": transition, "GET /users/user_1": objects.user(status=status)}
    provider = a_provider(hand, answers)
    draft = provider.draft_account_change("user_1", AccountChange(active=False), "op_1")
    assert provider.look_up(draft, "op_1").happened is happened


def test_a_changed_account_is_read_again(hand: Hand) -> None:
    provider = a_provider(hand, {"GET /users/user_1": objects.user(status="SUSPENDED")})
    draft = provider.draft_account_change("user_1", AccountChange(active=False), "op_1")
    account = provider.send(draft, "op_1")
    assert isinstance(account, RemoteAccount)
    assert account.state is AccountState.SUSPENDED
    lost = a_provider(hand, {"GET /users/user_1": httpx.Response(500)})
    with pytest.raises(ReplyLost):
        lost.send(draft, "op_1")


@pytest.mark.parametrize("status", ["COMPLETION", "PENDING"])
def test_money_that_was_moved(hand: Hand, status: str) -> None:
    order, unload = objects.order(state=status), objects.unload(state=status)
    provider = a_provider(hand, {"POST /gpaorders": order, "POST /gpaorders/unloads": unload})
    for draft in (
        provider.draft_fund("card_1", usd(2500), "op_1", account_ref="user_1"),
        provider.draft_withdraw("card_1", usd(2500), "op_1", account_ref="user_1", load="op_0"),
    ):
        news = provider.send(draft, "op_1")
        assert isinstance(news, CardNews)
        assert (news.ref, news.balance, news.shared, news.reference) == ("card_1", usd(7500), True, "op_1")
        assert news.settled is (status == "COMPLETION")


@pytest.mark.parametrize("unreadable", [httpx.Response(500), refused(404), httpx.Response(403, html="<h1>no</h1>")])
def test_money_has_moved_whether_or_not_the_balance_can_be_read(hand: Hand, unreadable: Answer) -> None:
    provider = a_provider(hand, {"GET /balances/user_1": unreadable})
    news = provider.send(provider.draft_fund("card_1", usd(2500), "op_1", account_ref="user_1"), "op_1")
    assert isinstance(news, CardNews)
    assert (news.balance, news.settled) == (None, True)


@pytest.mark.parametrize(
    ("found", "happened"),
    [
        (objects.order(), True),
        (objects.order(state="PENDING"), True),
        (objects.order(state="DECLINED"), False),
        (objects.order(state="REVERSED"), None),
        (objects.order(state="DREAMING"), None),
        (refused(404), False),
    ],
)
def test_looking_for_money(hand: Hand, found: Answer, happened: bool | None) -> None:
    provider = a_provider(hand, {"GET /gpaorders/op_1": found, "GET /gpaorders/unloads/op_1": found})
    for draft in (
        provider.draft_fund("card_1", usd(2500), "op_1", account_ref="user_1"),
        provider.draft_withdraw("card_1", usd(2500), "op_1", account_ref="user_1", load="op_0"),
    ):
        assert provider.look_up(draft, "op_1").happened is happened


def test_a_declined_order_says_why(hand: Hand) -> None:
    response = {"code": "1016", "memo": "Not sufficient funds"}
    provider = a_provider(hand, {"POST /gpaorders": objects.order(state="DECLINED", response=response)})
    with pytest.raises(ProviderRefused, match="Not sufficient funds") as caught:
        provider.send(provider.draft_fund("card_1", usd(2500), "op_1", account_ref="user_1"), "op_1")
    assert caught.value.vendor_code == "1016"


WEEK, TIGHT = objects.control("WEEK", 50), objects.control("DAY", 10)


@pytest.mark.parametrize(
    ("controls", "wanted", "answer", "daily"),
    [
        ([WEEK], 2000, objects.control("DAY", 20), 2000),
        ([WEEK, TIGHT], 2000, objects.control("DAY", 20), 2000),
        ([WEEK, TIGHT], None, objects.control("DAY", 10, active=False), None),
    ],
)
def test_a_limit_is_answered_with_all_of_them(
    hand: Hand, controls: list[dict[str, Any]], wanted: int | None, answer: dict[str, Any], daily: int | None
) -> None:
    answers: Answers = {"POST /velocitycontrols": answer, "PUT /velocitycontrols/vc_DAY": answer}
    provider = a_provider(hand, {**answers, "GET /velocitycontrols": objects.listed(*controls)})
    draft = provider.draft_limits("card_1", {"daily": None if wanted is None else usd(wanted)}, "op_1")
    news = provider.send(draft, "op_1")
    assert isinstance(news, CardNews)
    assert (news.ref, news.mark) == ("card_1", "op_1")
    assert news.limits == Limits(daily=None if daily is None else usd(daily), weekly=usd(5000))


def test_looking_for_a_new_limit(hand: Hand) -> None:
    provider = a_provider(hand)
    draft = provider.draft_limits("card_1", {"daily": usd(2000)}, "op_1")
    assert provider.look_up(draft, "op_1").happened is False
    made = objects.control("DAY", 20, token="op_1")
    provider = a_provider(hand, {"GET /velocitycontrols/op_1": made, "GET /velocitycontrols": objects.listed(made)})
    sighting = provider.look_up(draft, "op_1")
    assert isinstance(sighting.remote, CardNews)
    assert (sighting.happened, sighting.remote.limits) == (True, Limits(daily=usd(2000)))


@pytest.mark.parametrize(
    ("wanted", "now", "happened"),
    [
        (2000, objects.control("DAY", 20), True),
        (2000, TIGHT, False),
        (2000, objects.control("DAY", 30), None),
        (2000, refused(404), None),
        (None, objects.control("DAY", 10, active=False), True),
        (None, TIGHT, False),
        (None, refused(404), True),
    ],
)
def test_looking_for_a_changed_limit(hand: Hand, wanted: int | None, now: Answer, happened: bool | None) -> None:
    answers: Answers = {"GET /velocitycontrols": objects.listed(TIGHT), "GET /velocitycontrols/vc_DAY": now}
    provider = a_provider(hand, answers)
    draft = provider.draft_limits("card_1", {"daily": None if wanted is None else usd(wanted)}, "op_1")
    assert provider.look_up(draft, "op_1").happened is happened


@pytest.mark.parametrize("embedded", [{"user": objects.user()}, {"user": {"metadata": {}}}, {}])
def test_a_card_is_read_with_its_holders_money_and_limits(hand: Hand, embedded: dict[str, Any]) -> None:
    controls = objects.listed(objects.control("DAY", 10))
    far = Far({"GET /cards/card_1": objects.card(**embedded), "GET /velocitycontrols": controls})
    card = build(hand(far)).card("card_1")
    assert (card.holder, card.balance, card.shared, card.limits) == ("Ada Lovelace", usd(7500), True, Limits(daily=usd(1000)))
    assert far.requests[0].url.params["expand"] == "user"
    assert next(one for one in far.requests if "velocity" in one.url.path).url.params["user"] == "user_1"


CHILD = objects.user(
    token="op_1u", parent_token="user_1", uses_parent_account=True, metadata={"cardctl_card_user": "op_1"}, status="ACTIVE"
)


def test_a_card_with_a_user_of_its_own_spends_its_parents_money(hand: Hand) -> None:
    card = objects.card(user_token="op_1u", user=CHILD)
    far = Far({"GET /cards/card_1": card})
    found = build(hand(far)).card("card_1")
    assert (found.account_ref, found.balance, found.holder) == ("user_1", usd(7500), "Ada Lovelace")
    assert "GET /balances/user_1" in far.calls
    assert next(one for one in far.requests if "velocity" in one.url.path).url.params["user"] == "op_1u"


def test_all_cards_are_those_of_all_users(hand: Hand) -> None:
    idle = objects.user(token="user_2")
    far = Far(
        {
            "GET /users": objects.listed(objects.user(), idle, CHILD),
            "GET /cards/user/user_2": objects.listed(),
            "GET /cards/user/op_1u": objects.listed(objects.card(token="card_2", user_token="op_1u")),
            "GET /cards/user/user_1": [
                objects.listed(objects.card(), more=True),
                objects.listed(objects.card(token="card_3"), start=1),
            ],
        }
    )
    pages = list(build(hand(far)).cards())
    assert [[(card.ref, card.account_ref) for card in page] for page in pages] == [
        [("card_1", "user_1"), ("card_3", "user_1")],
        [("card_2", "user_1")],
    ]
    assert all(card.balance == usd(7500) for page in pages for card in page)
    assert "GET /balances/user_2" not in far.calls


def test_the_cards_of_an_account_are_also_those_of_its_card_users(hand: Hand) -> None:
    stranger = objects.user(token="kid", parent_token="user_1", metadata={})
    far = Far(
        {
            "GET /users/user_1/children": objects.listed(stranger, CHILD),
            "GET /cards/user/op_1u": objects.listed(objects.card(token="card_2", user_token="op_1u")),
        }
    )
    found = [card.ref for page in build(hand(far)).cards(account_ref="user_1") for card in page]
    assert found == ["card_1", "card_2"]
    assert "GET /cards/user/kid" not in far.calls


def test_a_listed_card_is_the_one_that_is_read(hand: Hand) -> None:
    """What comes by expansion is kept nowhere."""
    provider = a_provider(hand, {"GET /cards/card_1": objects.card(user=objects.user())})
    ((listed,),) = provider.cards()
    assert listed == provider.card("card_1")


def test_an_account_is_read_with_its_balances(hand: Hand) -> None:
    two = objects.balance(objects.purse(75), objects.purse(20.5, "EUR"))
    answers: Answers = {"GET /balances/user_1": two, "GET /users/op_1u": CHILD}
    provider = a_provider(hand, answers)
    assert provider.account("user_1").balances == (Money(2050, "EUR"), usd(7500))
    assert provider.account("op_1u").balances is None  # its parent's are not its own
    assert a_provider(hand, {"GET /balances/user_1": refused(404)}).account("user_1").balances == ()
    with pytest.raises(ProviderHasNot):
        provider.account("nobody")


def test_accounts_are_users_but_not_those_of_a_card(hand: Hand) -> None:
    bare = {name: value for name, value in objects.user().items() if name != "status"}
    far = Far({"GET /users": objects.listed(bare, CHILD)})
    ((found,),) = build(hand(far)).accounts()
    assert (found.ref, found.state, found.balances) == ("user_1", AccountState.ACTIVE, None)
    assert far.calls == ["GET /users", "GET /users/user_1"]


def test_a_number_that_is_not_given_is_refused(hand: Hand) -> None:
    with pytest.raises(ProviderRefused):
        a_provider(hand, {"GET /cards/card_1/showpan": objects.card()}).reveal("card_1")


@pytest.mark.parametrize(("wallet", "path"), [("apple", "applepay"), ("google", "androidpay")])
def test_what_a_wallet_asks_is_handed_on(hand: Hand, wallet: str, path: str) -> None:
    far = Far()
    answer = build(hand(far)).relay_wallet("card_1", wallet, {"device_type": "WATCH", "card_token": "another"})
    assert far.writes == [(f"POST /digitalwalletprovisionrequests/{path}", {"device_type": "WATCH", "card_token": "card_1"})]
    assert answer["card_token"] == "card_1"
    assert objects.NUMBER not in json.dumps(answer)


def test_there_are_two_wallets(hand: Hand) -> None:
    with pytest.raises(BadInput):
        a_provider(hand).relay_wallet("card_1", "samsung", {})


def test_a_purchase_is_held_and_cleared(hand: Hand) -> None:
    far = Far()
    purchase = build(hand(far)).test_purchase("card_1", usd(2510), "Rocket Rides")
    assert (purchase.approved, purchase.authorization, purchase.settlement) == (True, "t_1", "t_2")
    (_, authorization), (_, clearing) = far.writes
    assert (authorization["card_token"], str(authorization["amount"])) == ("card_1", "25.10")
    assert authorization["card_acceptor"]["name"] == "Rocket Rides"
    assert (clearing["original_transaction_token"], str(clearing["amount"])) == ("t_1", "25.10")


def test_a_purchase_may_only_be_held(hand: Hand) -> None:
    far = Far()
    assert build(hand(far)).test_purchase("card_1", usd(2510), "Rocket Rides", hold=True).settlement is None
    assert far.calls == ["POST /simulate/authorization"]


@pytest.mark.parametrize("state", ["DECLINED", "ERROR", "DREAMING"])
def test_a_declined_purchase_comes_as_201(hand: Hand, state: str) -> None:
    response = {"code": "1016", "memo": "Not sufficient funds"}
    answer = {"transaction": objects.transaction(state=state, response=response)}
    far = Far({"POST /simulate/authorization": answer})
    purchase = build(hand(far)).test_purchase("card_1", usd(2510), "Rocket Rides")
    assert (purchase.approved, purchase.reason, purchase.settlement) == (False, "Not sufficient funds", None)
    assert far.calls == ["POST /simulate/authorization"]


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("timed out"), {"transaction": None}, {}])
def test_a_lost_purchase_is_not_made_twice(hand: Hand, lost: Answer) -> None:
    far = Far({"POST /simulate/authorization": lost})
    with pytest.raises(ReplyLost):
        build(hand(far)).test_purchase("card_1", usd(2510), "Rocket Rides")
    assert len(far.requests) == 1
