"""Money is neither made nor lost: float + GPAs + what was spent is one number, whatever happens, whoever asks at once."""

from __future__ import annotations

import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.control import Control
from tests.simulator.marqeta.stranger import SANDBOX, Stranger


def accounts(far_side: FarSide) -> tuple[int, int, int, int]:
    """Cents: float, in GPAs, spent, held; the last by users and by authorizations, which must agree."""
    with far_side.reading() as desk:
        (drawn,) = desk.db.execute("SELECT available FROM floats WHERE face = 'marqeta' AND purse = 'issuing'").fetchone()
        ledger, held = desk.db.execute(
            "SELECT coalesce(sum(ledger_balance), 0), coalesce(sum(held), 0) FROM marqeta_users"
        ).fetchone()
        (open_holds,) = desk.db.execute("SELECT coalesce(sum(held), 0) FROM marqeta_transactions").fetchone()
        totals = dict(
            desk.db.execute("SELECT type, sum(amount) FROM marqeta_transactions WHERE state != 'DECLINED' GROUP BY type")
        )
    spent = totals.get("authorization.clearing", 0) - totals.get("refund", 0)
    assert held == open_holds
    return drawn, ledger, spent, held


def test_a_long_life(one: Stranger, far_side: FarSide) -> None:
    chance = random.Random(7)
    users = [one.user() for _ in range(3)]
    users.append(one.user(parent_token=users[0], uses_parent_account=True))
    cards = [one.card(user) for user in users]
    orders: list[str] = []
    bought: list[str] = []
    for _ in range(250):
        amount = chance.randrange(1, 20_000) / 100
        match chance.randrange(6):
            case 0:
                orders.append(one.load(chance.choice(users), amount)["token"])
            case 1 if orders:
                one.post("/gpaorders/unloads", {"original_order_token": chance.choice(orders), "amount": amount})
            case 2 | 3:
                bought.append(one.authorise(chance.choice(cards), amount)["token"])
            case 4 if bought:
                wish = {"original_transaction_token": chance.choice(bought), "amount": amount}
                one.post("/simulate/clearing", {**wish, "is_refund": chance.random() < 0.2})
            case 5 if bought:
                one.post("/simulate/reversal", {"original_transaction_token": chance.choice(bought), "amount": amount})
        drawn, ledger, spent, _ = accounts(far_side)
        assert drawn + ledger + spent == OPENING_FLOAT
    assert len(orders) > 20
    assert spent > 0


def test_thirty_at_once_load_one_user(one: Stranger, far_side: FarSide) -> None:
    user = one.user()
    with ThreadPoolExecutor(30) as pool:
        orders = list(pool.map(lambda number: one.load(user, 1, token=f"g{number % 15}"), range(30)))
    assert len({order["token"] for order in orders}) == 15
    assert one.gpa(user) == (15, 15)
    assert accounts(far_side)[:2] == (OPENING_FLOAT - 15_00, 15_00)


def test_thirty_at_once_never_spend_more_than_is_there(one: Stranger, far_side: FarSide) -> None:
    user = one.user()
    one.load(user, 10)
    card = one.card(user)
    with ThreadPoolExecutor(30) as pool:
        states = list(pool.map(lambda _: one.authorise(card, 1)["state"], range(30)))
    assert (states.count("PENDING"), states.count("DECLINED")) == (10, 20)
    assert one.gpa(user) == (10, 0)


def test_two_processes_make_one_order_once(one: Stranger, path: Path) -> None:
    user = one.user()
    script = "import sys; from pathlib import Path; from tests.simulator.marqeta.stranger import *\n"
    script += "with Stranger(Path(sys.argv[1])) as one: print(one.load(sys.argv[2], 7, token='g1')['transaction_token'])"
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", script, str(path), user]
    running = [
        subprocess.Popen(command, cwd=root, env={"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in running}) == 1
    assert one.gpa(user) == (7, 7)


WRITES = {
    "user": ("/users", {"token": "t1", "first_name": "Ada"}),
    "product": ("/cardproducts", {"token": "t1", "name": "P", "start_date": "2026-01-01"}),
    "card": ("/cards", {"token": "t1", "user_token": "u", "card_product_token": "p"}),
    "card transition": ("/cardtransitions", {"token": "t1", "card_token": "c", "state": "SUSPENDED", "channel": "API"}),
    "user transition": (
        "/usertransitions",
        {"token": "t1", "user_token": "u", "status": "SUSPENDED", "reason_code": "01", "channel": "API"},
    ),
    "kyc": ("/kyc", {"token": "t1", "user_token": "u"}),
    "control": (
        "/velocitycontrols",
        {
            "token": "t1",
            "association": {"user_token": "u"},
            "velocity_window": "DAY",
            "amount_limit": 5,
            "currency_code": "USD",
        },
    ),
    "source": ("/fundingsources/program", {"token": "t1", "name": "ops"}),
    "order": (
        "/gpaorders",
        {"token": "t1", "user_token": "u", "amount": 5, "currency_code": "USD", "funding_source_token": SANDBOX},
    ),
    "unload": ("/gpaorders/unloads", {"token": "t1", "original_order_token": "o", "amount": 5}),
}
"""Every write that a token makes safe to repeat."""

BY_TOKEN = {
    "user": "/users/t1",
    "product": "/cardproducts/t1",
    "card": "/cards/t1",
    "card transition": "/cardtransitions/t1",
    "user transition": "/usertransitions/t1",
    "kyc": "/kyc/t1",
    "control": "/velocitycontrols/t1",
    "source": "/fundingsources/program/t1",
    "order": "/gpaorders/t1",
    "unload": "/gpaorders/unloads/t1",
}

DONE = {"lost-reply": True, "torn-body": True, "500-after-commit": True, "500-saved": False, "500": False, "429": False}
"""Whether the write took effect. Marqeta saves no answer under a token: what was not done can be done with the same one."""


@pytest.fixture
def furnished(one: Stranger) -> Stranger:
    one.user(token="u")
    one.done("/cardproducts", {"token": "p", "name": "P", "start_date": "2026-01-01"})
    one.done("/cards", {"token": "c", "user_token": "u", "card_product_token": "p"})
    one.load("u", 50, token="o")
    return one


@pytest.mark.parametrize("kind", DONE)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_that_failed_to_answer(furnished: Stranger, control: Control, far_side: FarSide, write: str, kind: str) -> None:
    one = furnished
    path, body = WRITES[write]
    control.fault(kind)
    try:
        assert one.post(path, body).status_code in (429, 500)
    except httpx.RemoteProtocolError:
        assert kind in ("lost-reply", "torn-body")
    found = one.get(BY_TOKEN[write])
    assert (found.status_code != 404) is DONE[kind]
    again = one.done(path, body)
    if DONE[kind]:
        assert again == one.done(path, body)
    moved = {"order": 5_00, "unload": -5_00}.get(write, 0)
    assert accounts(far_side)[:2] == (OPENING_FLOAT - 50_00 - moved, 50_00 + moved)


@pytest.mark.parametrize(("kind", "holds"), [("lost-reply", 2), ("500-after-commit", 2), ("500-saved", 1), ("500", 1)])
def test_a_simulated_purchase_has_no_token(furnished: Stranger, control: Control, kind: str, holds: int) -> None:
    one = furnished
    one.move("c", "ACTIVE")
    control.fault(kind)
    wish = {"card_token": "c", "amount": 5, "mid": "1"}
    try:
        assert one.post("/simulate/authorization", wish).status_code == 500
    except httpx.RemoteProtocolError:
        assert kind == "lost-reply"
    one.authorise("c", 5)
    assert one.gpa("u") == (50, 50 - 5 * holds)


@pytest.mark.parametrize("kind", ["lost-reply", "500-after-commit", "500-saved"])
def test_updates_that_failed_to_answer(furnished: Stranger, control: Control, kind: str) -> None:
    one = furnished
    limit = one.limit({"user_token": "u"}, "DAY", 5)["token"]
    updates: dict[str, dict[str, object]] = {"/users/u": {"notes": "n"}, "/cards/c": {"token": "c", "metadata": {"a": "b"}}}
    updates[f"/velocitycontrols/{limit}"] = {"token": limit, "name": "n"}
    for path, body in updates.items():
        control.fault(kind)
        try:
            assert one.put(path, body).status_code == 500
        except httpx.RemoteProtocolError:
            assert kind == "lost-reply"
        seen = one.seen(path)
        assert (body.items() <= seen.items()) is DONE[kind]
        assert one.changed(path, body).items() >= body.items()
