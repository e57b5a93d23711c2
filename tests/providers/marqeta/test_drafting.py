"""The exact requests that our wishes become."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

import pytest

from cardctl.db.columns import exact_json, exact_value
from cardctl.domain.accounts import AccountChange, Address, NewAccount
from cardctl.domain.cards import Limits, NewCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.states import Move
from cardctl.errors import BadAmount, BadConfig, BadInput, InsufficientBalance, ReplyLost, StateForbids
from cardctl.providers.marqeta.provider import MarqetaProvider, build
from tests.providers.conftest import Hand
from tests.providers.marqeta import objects
from tests.providers.marqeta.far import Answer, Far, refused

ADDRESS = Address("1 Main St", "Oakland", "94612", "US", "CA", "Apt 3")
SSN = "111-23-4444"
MARK = "op_0123456789abcdefghij"


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def a_provider(hand: Hand, answers: dict[str, Answer | list[Answer]] | None = None, **parts: Any) -> MarqetaProvider:
    return build(hand(Far(answers), **{"environment": "sandbox", **parts}))


def test_an_account(hand: Hand) -> None:
    wanted = NewAccount(
        "Ada  King Lovelace",
        external_id="emp-7",
        email="a@b.co",
        phone="+15105551212",
        address=ADDRESS,
        birth_date="1991-01-01",
    )
    draft = a_provider(hand).draft_account(wanted, MARK)
    assert (draft.method, draft.path, draft.subject, draft.prelude) == ("POST", "/users", "account", [])
    assert draft.body == {
        "token": MARK,
        "first_name": "Ada King",
        "last_name": "Lovelace",
        "email": "a@b.co",
        "phone": "+15105551212",
        "address1": "1 Main St",
        "address2": "Apt 3",
        "city": "Oakland",
        "state": "CA",
        "postal_code": "94612",
        "country": "USA",
        "birth_date": "1991-01-01",
        "metadata": {"cardctl_external_id": "emp-7", "cardctl_operation": MARK, "cardctl_created_by": MARK},
    }


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (NewAccount("Plato"), {"first_name": "Plato"}),
        (NewAccount("Acme  Tools Ltd", type="company"), {"company": "Acme Tools Ltd"}),
    ],
)
def test_names(hand: Hand, wanted: NewAccount, names: dict[str, str]) -> None:
    body = a_provider(hand).draft_account(wanted, MARK).body
    assert {name: body[name] for name in ("first_name", "last_name", "company") if name in body} == names


def test_in_the_simulator_what_is_missing_is_made_up(hand: Hand) -> None:
    body = a_provider(hand, environment="simulator").draft_account(NewAccount("Ada"), MARK).body
    assert body["address1"]
    assert body["birth_date"]
    assert "address1" not in a_provider(hand).draft_account(NewAccount("Ada"), MARK).body


def test_a_document_is_sent_and_not_kept(hand: Hand) -> None:
    far = Far()
    provider = build(hand(far, document=lambda name: SSN if name == "id_number" else None))
    draft = provider.draft_account(NewAccount("Ada", id_type="SSN", documents=("id_number",)), MARK)
    assert SSN not in exact_json(asdict(draft))
    provider.send(draft, MARK)
    ((_, sent),) = far.writes
    assert sent["identifications"] == [{"type": "SSN", "value": SSN}]


@pytest.mark.parametrize(
    "wanted",
    [
        NewAccount("Ada", id_type="SSN"),  # not at hand
        NewAccount("Ada", id_type="LIBRARY_CARD", documents=("id_number",)),
        NewAccount("Ada", documents=("id_number",)),
        NewAccount("Ada", type="trust"),
    ],
)
def test_what_no_account_can_be_made_of(hand: Hand, wanted: NewAccount) -> None:
    with pytest.raises(BadInput):
        a_provider(hand).draft_account(wanted, MARK)


def test_a_document_that_has_gone_since_sends_nothing(hand: Hand) -> None:
    at_hand = {"id_number": SSN}
    far = Far()
    provider = build(hand(far, document=at_hand.get))
    draft = provider.draft_account(NewAccount("Ada", id_type="SSN"), MARK)
    at_hand.clear()
    with pytest.raises(BadInput):
        provider.send(draft, MARK)
    assert far.requests == []


def test_a_change_of_data_keeps_what_else_is_known(hand: Hand) -> None:
    metadata = {"cardctl_operation": "op_0", "cardctl_external_id": "emp-7", "theirs": "x"}
    provider = a_provider(hand, {"GET /users/user_1": objects.user(metadata=metadata)})
    moved = Address("2 Side St", "Reno", "89501", "US")
    draft = provider.draft_account_change("user_1", AccountChange(email="a@b.co", address=moved), MARK)
    assert (draft.method, draft.path, draft.before) == ("PUT", "/users/user_1", {"user": "user_1", "mark": "op_0"})
    assert draft.body == {
        "email": "a@b.co",
        "address1": "2 Side St",
        "address2": "",  # of the old address nothing stays
        "city": "Reno",
        "state": "",
        "postal_code": "89501",
        "country": "USA",
        "metadata": {**metadata, "cardctl_operation": MARK},
    }


@pytest.mark.parametrize(("active", "status"), [(True, "ACTIVE"), (False, "SUSPENDED")])
def test_a_change_of_status_is_a_transition(hand: Hand, active: bool, status: str) -> None:
    draft = a_provider(hand).draft_account_change("user_1", AccountChange(active=active), MARK)
    transition = {"token": MARK, "user_token": "user_1", "status": status, "reason_code": "01", "channel": "API"}
    assert (draft.method, draft.path, draft.body, draft.prelude) == ("POST", "/usertransitions", transition, [])


def test_data_and_status_are_two_requests(hand: Hand) -> None:
    draft = a_provider(hand).draft_account_change("user_1", AccountChange(phone="+15105551212", active=False), MARK)
    (step,) = draft.prelude
    assert (step["method"], step["path"], step["body"]["phone"]) == ("PUT", "/users/user_1", "+15105551212")
    assert (draft.path, draft.body["status"]) == ("/usertransitions", "SUSPENDED")


def test_no_change_is_no_request(hand: Hand) -> None:
    with pytest.raises(BadInput):
        a_provider(hand).draft_account_change("user_1", AccountChange(), MARK)


def test_closing_an_account(hand: Hand) -> None:
    draft = a_provider(hand).draft_account_close("user_1", MARK)
    assert (draft.path, draft.body["status"], draft.body["token"]) == ("/usertransitions", "CLOSED", MARK)


def test_a_card(hand: Hand) -> None:
    wanted = NewCard("user_1", "USD", limits=Limits(daily=usd(5)), allowance=usd(500))
    draft = a_provider(hand).draft_card(wanted, MARK)
    assert (draft.method, draft.path, draft.prelude) == ("POST", "/cards", [])
    assert draft.body == {
        "token": MARK,
        "user_token": "user_1",
        "card_product_token": "cp_1",
        "metadata": {
            "cardctl_operation": MARK,
            "cardctl_created_by": MARK,
            "cardctl_account": "user_1",
            "cardctl_currency": "USD",
        },
    }


@pytest.mark.parametrize(
    "product",
    [
        objects.product(active=False),
        objects.product(config={"fulfillment": {"payment_instrument": "PHYSICAL_MSR"}}),
        objects.product(config={"fulfillment": {"payment_instrument": "VIRTUAL_PAN", "allow_card_creation": False}}),
        objects.product(config={}),
    ],
)
def test_where_no_product_makes_virtual_cards_one_is_made(hand: Hand, product: dict[str, Any]) -> None:
    draft = a_provider(hand, {"GET /cardproducts": objects.listed(product)}).draft_card(NewCard("user_1", "USD"), MARK)
    (step,) = draft.prelude
    assert (step["path"], step["body"]["token"]) == ("/cardproducts", "cardctl_virtual")
    assert draft.body["card_product_token"] == "cardctl_virtual"


def test_the_product_may_be_on_a_later_page(hand: Hand) -> None:
    pages: list[Answer] = [
        objects.listed(objects.product(token="cp_0", active=False), more=True),
        objects.listed(objects.product(), start=1),
    ]
    draft = a_provider(hand, {"GET /cardproducts": pages}).draft_card(NewCard("user_1", "USD"), MARK)
    assert (draft.body["card_product_token"], draft.prelude) == ("cp_1", [])


def test_the_product_that_was_set_is_taken_unread(hand: Hand) -> None:
    far = Far()
    provider = build(hand(far, settings={"card_product": "cp_metal"}))
    assert provider.draft_card(NewCard("user_1", "USD", type="physical"), MARK).body["card_product_token"] == "cp_metal"
    assert far.requests == []
    with pytest.raises(BadInput, match="card_product"):
        a_provider(hand).draft_card(NewCard("user_1", "USD", type="physical"), MARK)


def test_a_user_for_each_card(hand: Hand) -> None:
    provider = a_provider(hand, settings={"user_per_card": True})
    assert not provider.limits_shared
    draft = provider.draft_card(NewCard("user_1", "USD"), MARK)
    (step,) = draft.prelude
    assert (step["method"], step["path"]) == ("POST", "/users")
    assert step["body"] == {
        "token": f"{MARK}u",
        "parent_token": "user_1",
        "uses_parent_account": True,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "metadata": {"cardctl_card_user": MARK, "cardctl_created_by": MARK},
    }
    assert draft.body["user_token"] == f"{MARK}u"
    assert draft.body["metadata"]["cardctl_account"] == "user_1"


@pytest.mark.parametrize("settings", [{}, {"user_per_card": True}])
def test_a_replacement_is_a_new_card_for_the_same_user(hand: Hand, settings: dict[str, Any]) -> None:
    old = objects.card(user_token="op_0u", card_product_token="cp_metal")
    provider = a_provider(hand, {"GET /cards/card_1": old}, settings=settings)
    draft = provider.draft_card(NewCard("user_1", "USD", replaces_ref="card_1", replaces_reason="lost"), MARK)
    assert draft.prelude == []
    assert draft.body["metadata"]["cardctl_replaces"] == "card_1"
    assert (draft.body["user_token"], draft.body["card_product_token"]) == ("op_0u", "cp_metal")
    assert not [name for name in draft.body if name.endswith("from_card_token")]


@pytest.mark.parametrize("wish", [{"allowance": Money(1, "EUR")}, {"limits": Limits(daily=Money(1, "EUR"))}])
def test_an_amount_in_another_currency_than_the_card(hand: Hand, wish: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        a_provider(hand).draft_card(NewCard("user_1", "USD", **wish), MARK)


@pytest.mark.parametrize(
    ("move", "reason", "state", "code", "sync", "urgent"),
    [
        (Move.ACTIVATE, None, "ACTIVE", "00", None, False),
        (Move.FREEZE, None, "SUSPENDED", "01", True, True),
        (Move.FREEZE, "Stolen", "SUSPENDED", "23", True, True),
        (Move.FREEZE, "fraud", "SUSPENDED", "08", True, True),
        (Move.UNFREEZE, "lost", "ACTIVE", "19", True, False),
        (Move.CLOSE, "left the company", "TERMINATED", "01", True, True),
        (Move.CLOSE, "lost", "TERMINATED", "10", True, True),
    ],
)
def test_moves(hand: Hand, move: Move, reason: str | None, state: str, code: str, sync: bool | None, urgent: bool) -> None:
    far = Far()
    provider = build(hand(far))
    if move is Move.CLOSE:
        draft = provider.draft_close("card_1", MARK, reason)
    else:
        draft = provider.draft_move("card_1", move, MARK, reason)
    assert far.requests == []
    assert (draft.path, draft.urgent) == ("/cardtransitions", urgent)
    body = {"token": MARK, "card_token": "card_1", "state": state, "channel": "API", "reason_code": code}
    told = {"reason": reason, "sync_state_with_dwts": sync}
    assert draft.body == body | {name: value for name, value in told.items() if value is not None}


def test_no_reason_is_too_long_to_stop_a_card(hand: Hand) -> None:
    assert len(a_provider(hand).draft_move("card_1", Move.FREEZE, MARK, "x" * 300).body["reason"]) == 255


def with_controls(*controls: dict[str, Any], **card: Any) -> dict[str, Answer | list[Answer]]:
    return {"GET /velocitycontrols": objects.listed(*controls), "GET /cards/card_1": objects.card(**card)}


@pytest.mark.parametrize(
    ("name", "window"),
    [("per_transaction", "TRANSACTION"), ("daily", "DAY"), ("weekly", "WEEK"), ("monthly", "MONTH")],
)
def test_a_new_limit(hand: Hand, name: str, window: str) -> None:
    draft = a_provider(hand).draft_limits("card_1", {name: usd(2050)}, MARK)
    assert (draft.method, draft.path) == ("POST", "/velocitycontrols")
    assert draft.body == {
        "token": MARK,
        "name": f"{name} limit".replace("_", " "),
        "active": True,
        "amount_limit": Decimal("20.50"),
        "currency_code": "USD",
        "velocity_window": window,
        "association": {"user_token": "user_1"},
    }


def test_a_limit_that_is_there_is_changed_in_place(hand: Hand) -> None:
    provider = a_provider(hand, with_controls(objects.control("DAY", 10), objects.control("WEEK", 50)))
    draft = provider.draft_limits("card_1", {"daily": usd(2050)}, MARK)
    assert (draft.method, draft.path, draft.prelude) == ("PUT", "/velocitycontrols/vc_DAY", [])
    assert draft.body == {"token": "vc_DAY", "active": True, "amount_limit": Decimal("20.50")}
    assert draft.before["limits"] == {
        "per_transaction": None,
        "daily": Decimal("10.00"),
        "weekly": Decimal("50.00"),
        "monthly": None,
    }


def test_a_limit_is_taken_off_by_switching_it_off(hand: Hand) -> None:
    draft = a_provider(hand, with_controls(objects.control("DAY", 10))).draft_limits("card_1", {"daily": None}, MARK)
    assert (draft.method, draft.path, draft.body) == ("PUT", "/velocitycontrols/vc_DAY", {"token": "vc_DAY", "active": False})


def test_of_several_the_tightest_is_changed_last(hand: Hand) -> None:
    loose, tight = objects.control("DAY", 90, token="loose"), objects.control("DAY", 10, token="tight")
    draft = a_provider(hand, with_controls(loose, tight)).draft_limits("card_1", {"daily": usd(5000)}, MARK)
    assert draft.path == "/velocitycontrols/tight"
    assert draft.prelude == [{"method": "PUT", "path": "/velocitycontrols/loose", "body": {"token": "loose", "active": False}}]


@pytest.mark.parametrize(
    "theirs",
    [
        {"merchant_scope": {"mcc": "5734"}},
        {"active": False},
        {"association": {"card_product_token": "cp_1"}},
        {"include_purchases": False},
        {"approvals_only": False},
        {"money_in_transaction": {"include_network_load_types": ["X"]}},
        {"currency_code": "EUR"},
    ],
)
def test_controls_that_cardctl_has_no_word_for_are_left_alone(hand: Hand, theirs: dict[str, Any]) -> None:
    provider = a_provider(hand, with_controls(objects.control("DAY", 10, **theirs)))
    assert provider.draft_limits("card_1", {"daily": usd(5)}, MARK).method == "POST"
    with pytest.raises(StateForbids):
        provider.draft_limits("card_1", {"daily": None}, MARK)


def test_limits_that_cannot_be_set(hand: Hand) -> None:
    with pytest.raises(BadInput):
        a_provider(hand).draft_limits("card_1", {"daily": usd(1), "weekly": usd(2)}, MARK)
    with pytest.raises(BadInput):
        a_provider(hand).draft_limits("card_1", {}, MARK)
    with pytest.raises(BadInput):
        a_provider(hand).draft_limits("card_1", {"daily": Money(100, "EUR")}, MARK)
    with pytest.raises(StateForbids):
        a_provider(hand, with_controls(state="TERMINATED")).draft_limits("card_1", {"daily": usd(1)}, MARK)


@pytest.mark.parametrize(("settings", "source"), [({}, "sandbox_program_funding"), ({"funding_source": "ops"}, "ops")])
def test_funding(hand: Hand, settings: dict[str, Any], source: str) -> None:
    far = Far()
    provider = build(hand(far, settings=settings))
    draft = provider.draft_fund("card_1", usd(2510), MARK, account_ref="user_1", set_allowance=True)
    assert far.requests == []
    assert (draft.method, draft.path) == ("POST", "/gpaorders")
    assert draft.body == {
        "token": MARK,
        "user_token": "user_1",
        "amount": Decimal("25.10"),
        "currency_code": "USD",
        "funding_source_token": source,
        "memo": f"cardctl {MARK}",
    }


def test_live_money_needs_a_source_of_its_own(hand: Hand) -> None:
    settings = {"base_url": "https://acme-api.marqeta.com/v3"}
    with pytest.raises(BadConfig, match="funding_source"):
        a_provider(hand, environment="live", settings=settings).draft_fund("card_1", usd(1), MARK, account_ref="user_1")


def test_withdrawing_names_the_order(hand: Hand) -> None:
    draft = a_provider(hand).draft_withdraw("card_1", usd(7500), MARK, account_ref="user_1", load="op_0")
    assert (draft.method, draft.path) == ("POST", "/gpaorders/unloads")
    assert draft.body == {
        "token": MARK,
        "original_order_token": "op_0",
        "amount": Decimal("75.00"),
        "memo": f"cardctl {MARK}",
    }


def test_withdrawing_what_is_not_there(hand: Hand) -> None:
    provider = a_provider(hand)
    with pytest.raises(InsufficientBalance):
        provider.draft_withdraw("card_1", usd(7501), MARK, account_ref="user_1", load="op_0")
    with pytest.raises(BadInput):
        provider.draft_withdraw("card_1", usd(1), MARK, account_ref="user_1")


@pytest.mark.parametrize("minor", [0, -1])
def test_nothing_cannot_be_moved(hand: Hand, minor: int) -> None:
    with pytest.raises(BadAmount):
        a_provider(hand).draft_fund("card_1", usd(minor), MARK, account_ref="user_1")
    with pytest.raises(BadAmount):
        a_provider(hand).draft_withdraw("card_1", usd(minor), MARK, account_ref="user_1", load="op_0")


def drafts(provider: MarqetaProvider) -> dict[str, Draft]:
    return {
        "account": provider.draft_account(NewAccount("Ada", address=ADDRESS), "op_1"),
        "account_change": provider.draft_account_change("user_1", AccountChange(email="a@b.co", active=False), "op_1"),
        "card": provider.draft_card(NewCard("user_1", "USD"), "op_1"),
        "freeze": provider.draft_move("card_1", Move.FREEZE, "op_1", "lost"),
        "limit": provider.draft_limits("card_1", {"daily": usd(2000)}, "op_1"),
        "changed limit": provider.draft_limits("card_1", {"daily": usd(2000)}, "op_1"),
        "fund": provider.draft_fund("card_1", usd(2510), "op_1", account_ref="user_1"),
        "withdraw": provider.draft_withdraw("card_1", usd(2510), "op_1", account_ref="user_1", load="op_0"),
    }


def test_drafts_are_the_same_bytes_after_the_journal(hand: Hand) -> None:
    controls: list[Answer] = [objects.listed(), objects.listed(objects.control("DAY", 10))]
    far = Far({"GET /velocitycontrols": controls})
    provider = build(hand(far, settings={"user_per_card": True}))
    for name, draft in drafts(provider).items():
        kept = Draft(**exact_value(exact_json(asdict(draft))))
        assert kept == draft, name
        begun = len(far.requests)
        provider.send(draft, "op_1")
        middle = len(far.requests)
        provider.send(kept, "op_1")
        first = [one.content for one in far.requests[begun:middle] if one.method != "GET"]
        assert first
        assert first == [one.content for one in far.requests[middle:] if one.method != "GET"], name


def test_a_taken_token_in_what_goes_before_ends_the_write(hand: Hand) -> None:
    """Nothing of the write itself has run, so it is no doubt that would come again at every resume."""
    far = Far({"GET /cardproducts": objects.listed(), "POST /cardproducts": refused(409)})
    provider = build(hand(far))
    draft = provider.draft_card(NewCard("user_1", "USD"), MARK)
    with pytest.raises(Exception, match="409") as caught:
        provider.send(draft, MARK)
    assert not isinstance(caught.value, ReplyLost)
    assert "POST /cards" not in far.calls
