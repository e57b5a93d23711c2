"""Users: making them once, changing them, their statuses, KYC, children."""

from __future__ import annotations

import itertools

import pytest

from cardctl.simulator.books import FarSide
from cardctl.simulator.marqeta.users import ALLOWED
from tests.simulator.marqeta.stranger import Stranger, refusal


def test_a_new_user(one: Stranger) -> None:
    user = one.done("/users", {"first_name": "Ada", "metadata": {"a": "b"}})
    assert len(user["token"]) == 36
    expected = {"status": "ACTIVE", "active": True, "uses_parent_account": False, "account_holder_group_token": "DEFAULT_AHG"}
    assert user.items() >= expected.items()
    assert user["metadata"] == {"a": "b"}
    assert "last_name" not in user
    assert one.seen(f"/users/{user['token']}") == user


def test_the_same_token_again(one: Stranger) -> None:
    wish = {"token": "u1", "first_name": "Ada", "email": "ada@example.com"}
    first = one.done("/users", wish)
    assert one.done("/users", wish) == first
    assert one.done("/users", dict(reversed(wish.items()))) == first
    one.refused("/users", {**wish, "first_name": "Eve"}, 409)
    one.refused("/users", {"token": "u1"}, 409)
    assert len(one.listed("/users")) == 1
    one.changed("/users/u1", {"first_name": "Augusta"})
    assert one.done("/users", wish)["first_name"] == "Augusta"  # the object as it is, not as it was


def test_a_token_is_used_up_for_good(one: Stranger, far_side: FarSide) -> None:
    one.user(token="u1")
    with far_side.transaction("marqeta") as desk:
        desk.db.execute("UPDATE marqeta_users SET deleted = 1")
    refusal(one.get("/users/u1"), 404)
    one.refused("/users", {"token": "u1", "first_name": "Ada", "last_name": "Lovelace"}, 409)


def test_an_email_belongs_to_one_user(one: Stranger) -> None:
    one.user(email="ada@example.com")
    other = one.user(email="eve@example.com")
    for email in ("ada@example.com", "ADA@example.com"):
        assert one.refused("/users", {"email": email})["error_code"] == "400057"
        assert refusal(one.put(f"/users/{other}", {"email": email}), 400)["error_code"] == "400057"
    one.changed(f"/users/{other}", {"email": "eve@example.com"})


def test_what_identifies_a_person_is_not_kept(one: Stranger, far_side: FarSide) -> None:
    papers = [{"type": "SSN", "value": "123456789"}]
    user = one.done("/users", {"ssn": "123456789", "password": "S3cret!x", "identifications": papers})
    assert user["ssn"] == "6789"
    assert user["identifications"] == [{"type": "SSN", "value": "6789"}]
    assert "password" not in user
    far_side.close()
    for file in far_side.path.parent.iterdir():
        assert b"123456789" not in file.read_bytes()
        assert b"S3cret!x" not in file.read_bytes()


def test_lookup(one: Stranger) -> None:
    ada = one.user(email="ada@example.com", phone="+15105551212", ssn="123456789")
    one.user(first_name="Eve", last_name="Adams", email="eve@example.com")
    for wish in ({"email": "ADA@EXAMPLE.COM"}, {"first_name": "ad"}, {"phone": "+15105551212"}, {"ssn": "123456789"}):
        reply = one.post("/users/lookup", wish)
        assert (reply.status_code, [user["token"] for user in reply.json()["data"]]) == (200, [ada])
    assert one.post("/users/lookup", {"first_name": "da"}).json() == {"data": []}
    assert one.post("/users/lookup", {"first_name": "Ada", "last_name": "Adams"}).json() == {"data": []}
    assert [user["token"] for user in one.listed("/users/phonenumber/%2B15105551212")] == [ada]


def test_children(one: Stranger) -> None:
    parent = one.user()
    child = one.user(parent_token=parent, uses_parent_account=True)
    assert [user["token"] for user in one.listed(f"/users/{parent}/children")] == [child]
    assert one.seen(f"/users/{parent}/children", start_index=1) == {"data": []}
    one.refused("/users", {"uses_parent_account": True})
    one.refused("/users", {"parent_token": "none", "uses_parent_account": True}, 412)
    refusal(one.put(f"/users/{child}", {"uses_parent_account": False}), 400)
    refusal(one.get("/users/none/children"), 404)
    for above in (parent, child):
        refusal(one.put(f"/users/{parent}", {"parent_token": above}), 400)
    other = one.user()
    assert one.changed(f"/users/{child}", {"parent_token": other})["parent_token"] == other


def test_updates(one: Stranger) -> None:
    user = one.user(token="u1")
    assert one.changed("/users/u1", {"token": "u1", "city": "Oakland"})["city"] == "Oakland"
    assert one.seen("/users/u1")["first_name"] == "Ada"
    refusal(one.put("/users/u1", {"token": "u2"}), 400)
    refusal(one.put("/users/u1", {"status": "SUSPENDED"}), 400)
    refusal(one.put("/users/none", {"city": "Oakland"}), 404)
    assert user == "u1"


def transition(one: Stranger, user: str, status: str, **more: str) -> int:
    wish = {"user_token": user, "status": status, "reason_code": "01", "channel": "API", **more}
    return one.post("/usertransitions", wish).status_code


def test_every_move_between_statuses(one: Stranger, far_side: FarSide) -> None:
    user = one.user()
    for before, after in itertools.product(ALLOWED, repeat=2):
        with far_side.transaction("marqeta") as desk:
            desk.db.execute("UPDATE marqeta_users SET status = ?", (before,))
        allowed = after in ALLOWED[before]
        assert transition(one, user, after) == (201 if allowed else 412), (before, after)
        seen = one.seen(f"/users/{user}")
        assert seen["status"] == (after if allowed else before)
        assert seen["active"] is (seen["status"] in ("ACTIVE", "LIMITED"))


def test_a_transition_says_why(one: Stranger) -> None:
    user = one.user()
    wish = {"user_token": user, "status": "SUSPENDED", "reason_code": "06", "reason": "odd", "channel": "FRAUD", "token": "ut1"}
    moved = one.done("/usertransitions", wish)
    assert moved.items() >= wish.items()
    assert one.done("/usertransitions", wish) == moved  # again, though SUSPENDED cannot be suspended
    one.refused("/usertransitions", {**wish, "reason": "other"}, 409)
    assert one.seen("/usertransitions/ut1") == moved
    history = one.listed(f"/usertransitions/user/{user}")
    assert [(entry["status"], entry["channel"]) for entry in history] == [("SUSPENDED", "FRAUD"), ("ACTIVE", "SYSTEM")]


@pytest.mark.parametrize("lacking", ["reason_code", "channel", "status", "user_token"])
def test_a_transition_needs_its_reason_code(one: Stranger, lacking: str) -> None:
    wish = {"user_token": one.user(), "status": "SUSPENDED", "reason_code": "01", "channel": "API"}
    del wish[lacking]
    assert lacking in one.refused("/usertransitions", wish)["error_message"]


def test_kyc(one: Stranger) -> None:
    bare = one.user()
    assert transition(one, bare, "UNVERIFIED") == 201
    failed = one.done("/kyc", {"user_token": bare})
    assert (failed["result"]["status"], len(failed["result"]["codes"])) == ("failure", 7)
    assert one.seen(f"/users/{bare}")["status"] == "UNVERIFIED"
    passed = one.done("/kyc", {"user_token": bare, "manual_override": True, "token": "k1"})
    assert passed["result"] == {"status": "success", "codes": []}
    assert one.seen(f"/users/{bare}")["status"] == "ACTIVE"
    assert one.seen("/kyc/k1") == passed
    assert len(one.listed(f"/kyc/user/{bare}")) == 2


def test_who_is_unverified_loads_nothing_and_activates_nothing(one: Stranger) -> None:
    user = one.user()
    card = one.card(user, one.product(active=False))
    assert transition(one, user, "UNVERIFIED") == 201
    wish = {"user_token": user, "amount": 5, "currency_code": "USD", "funding_source_token": "sandbox_program_funding"}
    one.refused("/gpaorders", wish, 422)
    one.refused("/cardtransitions", {"card_token": card, "state": "ACTIVE", "channel": "API"}, 422)
    assert one.gpa(user) == (0, 0)
    assert one.seen(f"/cards/{card}")["state"] == "UNACTIVATED"
