"""Funding, withdrawing, delays, the wallet, the rows: money before and after."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path

import pytest

from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.rows import write
from cardctl.simulator.strowallet import counter
from cardctl.simulator.strowallet.tables import CARDS
from tests.simulator.strowallet.client import Virtual, parsed

MERCHANT = {"name": "EXAMPLE SHOP", "country": "US"}
THREADS = 30


def delay(far_side: FarSide, times: int) -> None:
    with far_side.transaction() as desk:
        counter.delay_next(desk, times)


def settle(far_side: FarSide) -> int:
    with far_side.transaction() as desk:
        return counter.settle_pending(desk)


def test_funding_says_success_in_a_word_and_pending_though_it_is_settled(virtual: Virtual) -> None:
    card, before = virtual.card("5"), virtual.float()
    answer = parsed(virtual.fund(card, "20.25"))
    assert (answer["success"], answer["apiresponse"]["message"]) == ("success", "Card funding in progress")
    data = answer["apiresponse"]["data"]
    assert (data["cardId"], data["status"]) == (card, "pending")
    assert (virtual.balance(card), before - virtual.float()) == (Decimal("25.25"), Decimal("20.25"))
    (row,) = virtual.rows(card)
    assert (row["id"], row["reference"], row["status"]) == (data["id"], data["reference"], "success")
    assert (row["amount"], row["centAmount"], row["type"]) == ("20.25", "2025", "credit")


def test_the_same_funding_twice_is_done_twice(virtual: Virtual) -> None:
    card, before = virtual.card("5"), virtual.float()
    assert virtual.fund(card, "20").content != virtual.fund(card, "20").content
    assert (virtual.balance(card), before - virtual.float()) == (45, 40)


def test_a_short_float_and_a_frozen_card_are_refused_with_200(virtual: Virtual) -> None:
    card, before = virtual.card("5"), virtual.float()
    short = virtual.fund(card, str(before + 1))
    assert (short.status_code, parsed(short)) == (200, {"success": False, "message": "Insufficient USD balance"})
    virtual.act(card, "freeze")
    frozen = virtual.fund(card, "1")
    assert (frozen.status_code, parsed(frozen)) == (200, {"success": False, "message": "Card is frozen"})
    assert (virtual.balance(card), virtual.float(), virtual.rows(card)) == (5, before, [])


def test_withdrawing_answers_in_two_shapes(virtual: Virtual) -> None:
    virtual.customer()
    odd, even = virtual.new_card("50"), virtual.new_card("50")
    before = virtual.float()
    first, second = parsed(virtual.withdraw(odd, "20")), parsed(virtual.withdraw(even, "0.01"))
    assert first["apiresponse"]["data"]["cardId"] == odd
    assert "data" not in first
    assert set(second["data"]) == {"status", "reference"}
    assert "apiresponse" not in second
    assert (virtual.balance(odd), virtual.balance(even)) == (30, Decimal("49.99"))
    assert virtual.float() - before == Decimal("20.01")


def test_the_state_of_a_withdrawal_is_told_in_two_shapes(virtual: Virtual, far_side: FarSide) -> None:
    virtual.customer()
    card = virtual.new_card("50"), virtual.new_card("50")
    references = [
        parsed(virtual.withdraw(card[0], "1"))["apiresponse"]["data"]["reference"],
        parsed(virtual.withdraw(card[1], "1"))["data"]["reference"],
    ]
    first, second = (virtual.done("GET", "bitvcard/getcard_withdrawstatus/", reference=ref) for ref in references)
    assert (first["data"]["status"], second["status"]) == ("completed", "Completed")
    delay(far_side, 1)
    late = parsed(virtual.withdraw(card[0], "1"))["apiresponse"]["data"]["reference"]
    assert virtual.done("POST", "bitvcard/getcard_withdrawstatus/", reference=late)["data"]["status"] == "pending"
    funded = parsed(virtual.fund(card[0], "1"))["apiresponse"]["data"]["reference"]
    for reference in ("none", funded):
        reply = virtual.send("GET", "bitvcard/getcard_withdrawstatus/", reference=reference)
        assert (reply.status_code, parsed(reply)["message"]) == (400, "Withdrawal not found")


def test_a_card_gives_no_more_than_it_has_but_gives_while_frozen(virtual: Virtual) -> None:
    card, before = virtual.card("5"), virtual.float()
    short = virtual.withdraw(card, "5.01")
    assert (short.status_code, parsed(short)) == (400, {"success": False, "message": "Insufficient card balance"})
    virtual.act(card, "freeze")
    assert virtual.withdraw(card, "5").status_code == 200
    assert (virtual.balance(card), virtual.float() - before) == (0, 5)


def test_wrong_parameters_of_a_withdrawal_are_a_400(virtual: Virtual) -> None:
    reply = virtual.send("POST", "bitvcard/card_withdraw/", card_id="x")
    assert (reply.status_code, parsed(reply)["message"]) == (400, "Validation Error")


def test_delayed_fundings_pay_first_and_arrive_when_settled(virtual: Virtual, far_side: FarSide) -> None:
    card, before = virtual.card("5"), virtual.float()
    delay(far_side, 2)
    virtual.fund(card, "10")
    virtual.withdraw(card, "2")
    virtual.fund(card, "7")  # no longer delayed
    assert (virtual.balance(card), before - virtual.float()) == (10, 17)
    assert [row["status"] for row in virtual.rows(card)] == ["success", "pending", "pending"]
    assert settle(far_side) == 2
    assert (virtual.balance(card), before - virtual.float()) == (20, 15)
    assert [row["status"] for row in virtual.rows(card)] == ["success", "success", "success"]
    assert settle(far_side) == 0
    assert virtual.balance(card) == 20


@pytest.mark.parametrize(("seconds", "arrived"), [(20, False), (60, True)])
def test_a_delayed_funding_arrives_after_a_minute(virtual: Virtual, far_side: FarSide, seconds: int, arrived: bool) -> None:
    card = virtual.card("5")
    delay(far_side, 1)
    virtual.fund(card, "10")
    assert virtual.balance(card) == 5
    far_side.advance(seconds)
    assert virtual.balance(card) == (15 if arrived else 5)


def test_what_is_due_arrives_before_a_purchase(virtual: Virtual, far_side: FarSide) -> None:
    card = virtual.card("5")
    delay(far_side, 1)
    virtual.fund(card, "10")
    far_side.advance(60)
    with far_side.transaction() as desk:
        done = counter.swipe(desk, card, 1500, MERCHANT, hold=False)
    assert done is not None
    assert done["approved"]
    assert virtual.balance(card) == 0


@pytest.mark.parametrize("change", [{"card_status": "terminated"}, {"deleted": 1}])
def test_a_funding_that_finds_no_card_goes_back(virtual: Virtual, far_side: FarSide, change: dict[str, object]) -> None:
    card, before = virtual.card("5"), virtual.float()
    delay(far_side, 2)
    virtual.fund(card, "10")
    virtual.withdraw(card, "2")
    with far_side.transaction() as desk:
        write(desk, CARDS, card, change)
    assert settle(far_side) == 2
    assert virtual.float() - before == 2
    with far_side.transaction() as desk:
        write(desk, CARDS, card, {"deleted": 0})
    assert virtual.balance(card) == 3
    assert [row["status"] for row in virtual.rows(card)] == ["success", "failed"]


def test_a_card_without_rows_has_no_key_for_them(virtual: Virtual) -> None:
    card = virtual.card("5")
    answer = virtual.done("POST", "bitvcard/card-transactions/", card_id=card)
    assert answer == {"success": True, "response": {}}


def test_recent_rows_are_ten_and_the_whole_history_is_paged(virtual: Virtual) -> None:
    card = virtual.card("5")
    for cents in range(1, 24):
        virtual.fund(card, f"0.{cents:02d}")
    recent = [row["centAmount"] for row in virtual.rows(card)]
    assert recent == [str(cents) for cents in range(23, 13, -1)]
    pages = [
        virtual.done("GET", "apicard-transactions/", card_id=card, page=page, take=10)["response"]["card_transactions"]
        for page in (1, 2, 3, 4)
    ]
    assert [len(page) for page in pages] == [10, 10, 3, 0]
    assert [row["centAmount"] for page in pages for row in page] == [str(cents) for cents in range(23, 0, -1)]
    assert len(virtual.done("GET", "apicard-transactions/", card_id=card)["response"]["card_transactions"]) == 23
    assert {row["currency"] for row in pages[0]} == {"usd", "USD"}
    for wrong in ({"take": 51}, {"take": 0}, {"page": 0}, {"page": "x"}):
        reply = virtual.send("GET", "apicard-transactions/", card_id=card, **wrong)
        assert (reply.status_code, list(parsed(reply)["errors"])) == (422, list(wrong))


def test_the_wallet_and_the_rate(virtual: Virtual) -> None:
    assert virtual.done("GET", "wallet/balance/USD/") == {"balance": "10000000.00"}
    assert virtual.done("GET", "wallet/balance/NGN/") == {"balance": "0.00"}
    unknown = virtual.send("GET", "wallet/balance/DOLLARS/")
    assert (unknown.status_code, parsed(unknown)) == (400, {"message": "Wallet DOLLARS not found"})
    rate = virtual.http.get("exchange-rate/USD/NGN")
    assert Decimal(parsed(rate)["rate"]) > 0


def test_thirty_threads_fund_one_card(path: Path, virtual: Virtual) -> None:
    card, before = virtual.card("5"), virtual.float()
    statuses: list[int] = []
    start = threading.Barrier(THREADS)

    def fund() -> None:
        with Virtual(path) as one:
            start.wait()
            statuses.append(one.fund(card, "1.01").status_code)

    threads = [threading.Thread(target=fund) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * THREADS
    assert (virtual.balance(card), before - virtual.float()) == (Decimal("35.30"), Decimal("30.30"))
    rows = virtual.done("GET", "apicard-transactions/", card_id=card)["response"]["card_transactions"]
    assert len({row["reference"] for row in rows}) == THREADS


def test_thirty_threads_cannot_take_more_than_the_float_has(path: Path, virtual: Virtual) -> None:
    card = virtual.card("5")
    assert virtual.fund(card, str(virtual.float() - 10)).status_code == 200
    answers: list[object] = []

    def fund() -> None:
        with Virtual(path) as one:
            answers.append(parsed(one.fund(card, "1"))["success"])

    threads = [threading.Thread(target=fund) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("success") == 10
    assert (virtual.float(), virtual.balance(card)) == (0, Decimal(OPENING_FLOAT) / 100)
