"""Faults on every write: what the client sees, and whether the write was done; there is no key to ask again with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.simulator import arming
from cardctl.simulator.books import FarSide
from cardctl.simulator.faults import FAULTS
from tests.simulator.strowallet.client import ADA, NFC_ADA, OLD_NFC_ADA, Client, Nfc, Virtual

SEEN: dict[str, type[Exception] | int] = {
    "refused": httpx.ConnectError,
    "401": 401,
    "429": 429,
    "500": 500,
    "500-after-commit": 500,
    "500-saved": 500,
    "lost-reply": httpx.RemoteProtocolError,
    "torn-body": httpx.RemoteProtocolError,
}
"""What meets the client; what a network does to a finished reply is no matter of this bank."""
Wish = tuple[str, str, dict[str, Any]]


def of_virtual(one: Virtual) -> dict[str, Wish]:
    person = one.customer()
    card = one.new_card("50")
    wish = {"name_on_card": "Ada", "card_type": "visa", "amount": "5", "customerEmail": ADA["customerEmail"]}
    return {
        "create-user": ("POST", "bitvcard/create-user/", ADA | {"customerEmail": "eve@example.test"}),
        "updateCardCustomer": ("PUT", "bitvcard/updateCardCustomer/", {"customerId": person, "city": "Abuja"}),
        "create-card": ("POST", "bitvcard/create-card/", wish),
        "create-giftcard": ("POST", "bitvcard/create-giftcard/", wish),
        "fund-card": ("POST", "bitvcard/fund-card/", {"card_id": card, "amount": "5"}),
        "card_withdraw": ("POST", "bitvcard/card_withdraw/", {"card_id": card, "amount": "5"}),
        "action/status": ("POST", "bitvcard/action/status/", {"card_id": card, "action": "freeze"}),
        "old create-nfc-card": ("POST", "bitvcard/create-nfc-card/", OLD_NFC_ADA),
    }


def of_nfc(one: Nfc) -> dict[str, Wish]:
    person = one.customer()
    card = one.new_card(person, "50")
    return {
        "cardkyc": ("POST", "bitvcard/cardkyc", NFC_ADA | {"email": "eve@example.test"}),
        "create-nfc-card": ("POST", "bitvcard/create-nfc-card", {"customer_id": person, "name": "Ada", "amount": "5"}),
        "fund nfc": ("POST", "bitvcard/fund-withdraw-nfccard", {"card_id": card, "amount": "5", "type": "fund"}),
        "withdraw nfc": ("POST", "bitvcard/fund-withdraw-nfccard", {"card_id": card, "amount": "5", "type": "withdraw"}),
        "freezeactivate-nfc": ("GET", "bitvcard/freezeactivate-nfc", {"card_id": card, "status": "frozen"}),
        "nfc-cards/status": ("POST", "bitvcard/nfc-cards/status", {"card_id": card, "status": "frozen"}),
    }


VIRTUAL = ["create-user", "updateCardCustomer", "create-card", "create-giftcard", "fund-card", "card_withdraw", "action/status"]
VIRTUAL += ["old create-nfc-card"]
NFC = ["cardkyc", "create-nfc-card", "fund nfc", "withdraw nfc", "freezeactivate-nfc", "nfc-cards/status"]


def everything(far_side: FarSide) -> list[Any]:
    """All that the bank knows, but the clock."""
    tables = ("strowallet_customers", "strowallet_cards", "strowallet_transactions", "floats")
    with far_side.reading() as desk:
        return [desk.db.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def outcome(send: Callable[[], httpx.Response]) -> type[Exception] | int:
    try:
        return send().status_code
    except httpx.TransportError as error:
        return type(error)


def strike(client: Client, far_side: FarSide, wish: Wish, kind: str) -> None:
    method, name, params = wish
    before, money = everything(far_side), client.float()
    arming.arm(far_side, kind)
    assert client.float() == money  # reads are spared
    assert outcome(lambda: client.send(method, name, **params)) == SEEN[kind]
    assert arming.armed(far_side) == ([], None)
    assert (everything(far_side) != before) is FAULTS[kind].committed


@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize("write", VIRTUAL)
def test_a_fault_on_a_write_of_strowallet(virtual: Virtual, far_side: FarSide, write: str, kind: str) -> None:
    strike(virtual, far_side, of_virtual(virtual)[write], kind)


@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize("write", NFC)
def test_a_fault_on_a_write_of_ziiropay(nfc: Nfc, far_side: FarSide, write: str, kind: str) -> None:
    strike(nfc, far_side, of_nfc(nfc)[write], kind)


@pytest.mark.parametrize("kind", ["500", "500-after-commit", "500-saved"])
def test_an_outage_is_a_page(virtual: Virtual, far_side: FarSide, kind: str) -> None:
    card = virtual.card()
    arming.arm(far_side, kind)
    reply = virtual.fund(card, "5")
    assert (reply.status_code, reply.headers["Content-Type"]) == (500, "text/html; charset=UTF-8")


def test_who_asks_again_after_a_lost_reply_pays_twice(virtual: Virtual, far_side: FarSide) -> None:
    card, before = virtual.card("5"), virtual.float()
    arming.arm(far_side, "lost-reply")
    with pytest.raises(httpx.RemoteProtocolError):
        virtual.fund(card, "7")
    assert (virtual.balance(card), before - virtual.float()) == (12, 7)
    virtual.fund(card, "7")
    assert (virtual.balance(card), before - virtual.float()) == (19, 14)


def test_a_spoiled_refusal_is_a_500_with_no_effect(virtual: Virtual, far_side: FarSide) -> None:
    card, before = virtual.card("5"), everything(far_side)
    arming.arm(far_side, "500-after-commit")
    assert virtual.withdraw(card, "6").status_code == 500
    assert everything(far_side) == before


def test_a_limit_may_say_when_to_come_back(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("5")
    arming.arm(far_side, "429-retry-after")
    reply = virtual.fund(card, "5")
    assert (reply.status_code, reply.headers["Retry-After"], reply.json()) == (429, "1", {"message": "Too Many Attempts."})


@pytest.mark.parametrize(("kind", "cents"), [("skipped-row", ["3", "1"]), ("repeated-row", ["3", "3", "2", "1"])])
def test_a_page_of_rows_can_be_twisted(virtual: Virtual, far_side: FarSide, kind: str, cents: list[str]) -> None:
    card = virtual.card("5")
    for amount in ("0.01", "0.02", "0.03"):
        virtual.fund(card, amount)
    arming.arm(far_side, kind)
    assert [row["centAmount"] for row in virtual.rows(card)] == cents
    assert [row["centAmount"] for row in virtual.rows(card)] == ["3", "2", "1"]


def test_a_stale_read_is_of_before_the_funding(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("5")
    virtual.fund(card, "2")
    arming.arm(far_side, "stale-read")
    assert [virtual.balance(card), virtual.balance(card)] == [5, 7]


def test_a_key_may_be_refused_in_the_middle_of_the_work(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("5")
    arming.arm(far_side, "401")
    assert virtual.fund(card, "5").json() == {"success": False, "message": "Invalid public key."}
    assert virtual.balance(card) == 5


def test_a_killed_process_leaves_no_half_of_a_funding(path: Path, virtual: Virtual) -> None:
    card, before = virtual.card("5"), virtual.float()
    script = f"""
import os, sys
from pathlib import Path
from cardctl.simulator.books import FarSide
from cardctl.simulator.strowallet import cards, funding
with FarSide(Path({str(path)!r})).transaction("strowallet") as desk:
    funding.fund(desk, cards.card_of(desk, "strowallet", {card!r}), 700)
    os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[3])
    assert done.returncode == -9
    assert (virtual.balance(card), virtual.float(), virtual.rows(card)) == (5, before, [])
