"""Every way of a purchase by the clock: what it says, what the wallet has, what was bought; QR codes, plans, names."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
import segno

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.simulator.zendit.client import COST, OPENING, TURKEY, Partner

PURCHASE = {
    *("transactionId", "status", "productType", "offerId", "brand", "brandName", "country", "regions", "subTypes", "priceType"),
    *("cost", "costBase", "costFee", "costCurrency", "costCurrencyDivisor"),
    *("price", "priceBase", "priceFee", "priceCurrency", "priceCurrencyDivisor"),
    *("error", "refund", "log", "dataGB", "dataUnlimited", "dataSpeeds", "durationDays", "roaming"),
    *("voiceMinutes", "voiceUnlimited", "smsNumber", "smsUnlimited", "notes", "shortNotes", "createdAt", "updatedAt"),
}
PACE = 60


def later(control: Control, seconds: int = PACE) -> None:
    control.advance(timedelta(seconds=seconds))


def logged(found: dict[str, Any]) -> list[str]:
    return [line["status"] for line in found["log"]]


def test_the_first_read_says_done(partner: Partner) -> None:
    assert partner.balance() == OPENING
    name = partner.buy()
    found = partner.purchase(name)
    assert set(found) == PURCHASE | {"confirmation"}
    assert (found["status"], found["productType"], found["offerId"]) == ("DONE", "ESIM", TURKEY)
    assert (found["cost"], found["costBase"], found["costFee"], found["price"]) == (COST, COST, 0, 300)
    assert (found["costCurrency"], found["costCurrencyDivisor"], found["error"], found["refund"]) == ("USD", 100, None, None)
    assert logged(found) == ["ACCEPTED", "PENDING", "AUTHORIZED", "IN_PROGRESS", "DONE"]
    assert set(found["confirmation"]) == {
        *("iccid", "smdpAddress", "activationCode", "externalReferenceId", "redemptionInstructions")
    }
    assert partner.balance() == OPENING - COST
    assert partner.purchase(name) == found


def test_each_state_has_its_time(partner: Partner, control: Control) -> None:
    """The cost is held from AUTHORIZED on, and captured at DONE."""
    control.set_esim_pace(PACE)
    name, seen = partner.buy(), []
    for _ in range(6):
        found = partner.purchase(name)
        seen.append((found["status"], partner.balance() - OPENING, "confirmation" in found))
        later(control)
    assert seen == [
        ("ACCEPTED", 0, False),
        ("PENDING", 0, False),
        ("AUTHORIZED", -COST, False),
        ("IN_PROGRESS", -COST, False),
        ("DONE", -COST, True),
        ("DONE", -COST, True),
    ]
    times = [line["dateTime"] for line in partner.purchase(name)["log"]]
    assert times == sorted(set(times))


def test_a_day_passes_at_once(partner: Partner, control: Control) -> None:
    """Whoever looks late sees what happened when it did."""
    control.set_esim_pace(PACE)
    name = partner.buy()
    later(control, 86400)
    found = partner.purchase(name)
    times = [datetime.fromisoformat(line["dateTime"]) for line in found["log"]]
    assert [(at - times[0]).total_seconds() for at in times] == [0, PACE, 2 * PACE, 3 * PACE, 4 * PACE]
    assert (found["createdAt"], found["updatedAt"]) == (found["log"][0]["dateTime"], found["log"][-1]["dateTime"])


@pytest.mark.parametrize(
    ("offer", "states", "code"),
    [
        ("ESIM-FAIL", {0: ("FAILED", 0)}, "PROVIDER_ERROR"),
        ("ESIM-SLOW", {0: ("IN_PROGRESS", COST), 3500: ("IN_PROGRESS", COST), 3600: ("DONE", COST)}, None),
        ("ESIM-OUTAGE", {0: ("IN_PROGRESS", COST), 86300: ("IN_PROGRESS", COST), 86400: ("FAILED", 0)}, "PROVIDER_ERROR"),
        ("ESIM-FEE", {0: ("DONE", COST + 25)}, None),
        ("ESIM-MILLS", {0: ("DONE", 151)}, None),
        ("ESIM-UNLIMITED", {0: ("DONE", 2200)}, None),
    ],
)
def test_special_offers(
    partner: Partner, control: Control, offer: str, states: dict[int, tuple[str, int]], code: str | None
) -> None:
    """Seconds after the purchase → its state, and what the wallet lacks."""
    name, passed = partner.buy(offer), 0
    for seconds, expected in states.items():
        later(control, seconds - passed)
        passed = seconds
        found = partner.purchase(name)
        assert (found["status"], OPENING - partner.balance()) == expected
    assert (found["error"] and found["error"]["code"]) == code
    assert ("confirmation" in found) == (code is None)
    if code:
        assert set(found["error"]) == {"code", "description", "message"}
        assert logged(found)[-2:] == ["IN_PROGRESS", "FAILED"]


def test_a_fee_is_part_of_the_cost(partner: Partner) -> None:
    offer = partner.done("GET", "/esim/offers/ESIM-FEE")["cost"]
    found = partner.purchase(partner.buy("ESIM-FEE"))
    assert (offer["fixed"], offer["fee"]) == (found["costBase"], found["costFee"]) == (150, 25)
    assert [one["amount"] for one in partner.ledger()] == [found["cost"]] == [175]


def test_amounts_have_the_divisor_of_their_own_object(partner: Partner) -> None:
    offer = partner.done("GET", "/esim/offers/ESIM-MILLS")["cost"]
    assert (offer["fixed"], offer["currencyDivisor"]) == (1505, 1000)
    partner.buy("ESIM-MILLS")
    (entry,) = partner.ledger()
    assert (entry["amount"], entry["currencyDivisor"]) == (1505, 1000)


def test_a_wallet_that_is_short_is_a_failure_inside_a_200(partner: Partner, control: Control) -> None:
    control.set_wallet(Money(COST - 1, "USD"))
    name = partner.buy()
    found = partner.purchase(name)
    assert (found["status"], found["error"]["code"]) == ("FAILED", "INSUFFICIENT_FUNDS")
    assert logged(found) == ["ACCEPTED", "PENDING", "FAILED"]
    assert partner.balance() == COST - 1
    control.recharge_wallet(Money(1, "USD"))
    assert partner.state(name) == "FAILED"
    assert partner.state(partner.buy()) == "DONE"
    assert partner.balance() == 0
    assert partner.state(partner.buy()) == "FAILED"


def test_two_that_wait_cannot_both_have_the_last_money(partner: Partner, control: Control) -> None:
    control.set_wallet(Money(COST, "USD"))
    control.set_esim_pace(PACE)
    first, second = partner.buy(), partner.buy()
    later(control, 5 * PACE)
    assert [partner.state(name) for name in (first, second)] == ["DONE", "FAILED"]
    assert partner.balance() == 0


def test_a_name_is_used_once(partner: Partner) -> None:
    """It is refused, and not answered with what it did first; a failure uses it up too."""
    for offer in (TURKEY, "ESIM-FAIL"):
        body = partner.buying(offer)
        partner.done("POST", "/esim/purchases", body)
        before = partner.purchase(body["transactionId"])
        assert partner.refused("POST", "/esim/purchases", body) == (400, "DUPLICATE")
        assert partner.refused("POST", "/esim/purchases", {**body, "offerId": "ESIM-FEE"}) == (400, "DUPLICATE")
        assert partner.purchase(body["transactionId"]) == before
    assert len(partner.ledger()) == 2
    assert partner.balance() == OPENING - COST


def test_purchases_are_listed_newest_first(partner: Partner, control: Control) -> None:
    names = []
    for offer in (TURKEY, "ESIM-FAIL", "ESIM-SLOW"):
        names.append(partner.buy(offer))
        partner.state(names[-1])
        later(control)
    whole = partner.all("/esim/purchases", limit=2)
    assert [one["transactionId"] for one in whole] == names[::-1]
    assert whole[-1] == partner.purchase(names[0])
    for status, name in zip(("DONE", "FAILED", "IN_PROGRESS"), names, strict=True):
        assert [one["transactionId"] for one in partner.all("/esim/purchases", status=status)] == [name]
    at = whole[1]["createdAt"]
    found = {sign: {one["transactionId"] for one in partner.all("/esim/purchases", createdAt=f"{sign}{at}")} for sign in SIGNS}
    assert found == {
        "": {names[1]},
        "gt": {names[2]},
        "gte": {names[1], names[2]},
        "lt": {names[0]},
        "lte": {names[0], names[1]},
    }


SIGNS = ("", "gt", "gte", "lt", "lte")


def test_the_qr_code_is_a_picture_or_json(partner: Partner, control: Control) -> None:
    control.set_esim_pace(PACE)
    name = partner.buy()
    path = f"/esim/purchases/{name}/qrcode"
    assert partner.refused("GET", path) == (404, "NOT_FOUND")
    later(control, 4 * PACE)
    told = partner.purchase(name)["confirmation"]
    drawn = segno.make(f"LPA:1${told['smdpAddress']}${told['activationCode']}", micro=False)
    picture = partner.http.get(path, headers={"Accept": "*/*"})
    assert (picture.headers["content-type"], picture.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(picture.content[16:20], "big") == drawn.symbol_size(scale=5)[0]
    wrapped = partner.done("GET", path)
    assert base64.b64decode(wrapped["imageBase64"]) == picture.content
    assert set(wrapped) == {"imageBase64"}
    assert partner.refused("GET", "/esim/purchases/nobody/qrcode") == (404, "NOT_FOUND")
    assert partner.refused("GET", f"/esim/purchases/{partner.buy('ESIM-FAIL')}/qrcode") == (404, "NOT_FOUND")


def test_one_without_a_code_has_a_picture(partner: Partner) -> None:
    name = partner.buy("ESIM-NOCODE")
    assert set(partner.purchase(name)["confirmation"]) == {"iccid", "externalReferenceId", "redemptionInstructions"}
    assert base64.b64decode(partner.done("GET", f"/esim/purchases/{name}/qrcode")["imageBase64"]).startswith(b"\x89PNG")


def test_plans_of_an_esim(partner: Partner, control: Control) -> None:
    """A second plan goes onto the same eSIM, and waits for the first to end."""
    first = partner.buy()
    iccid = partner.purchase(first)["confirmation"]["iccid"]
    second = partner.buy("ESIM-FEE", iccid=iccid)
    assert partner.purchase(second)["confirmation"]["iccid"] == iccid
    path = f"/esim/{iccid}/plans"
    fresh = partner.done("GET", path)
    assert (fresh["total"], set(fresh)) == (2, {"total", "list"})
    assert [(one["status"], one["remainingDataGB"], "startAt" in one) for one in fresh["list"]] == [("QUEUED", 1, False)] * 2
    now = int(control.status()["clock"].timestamp())
    control.edit(first, {"installedAt": now, "usedMB": 600})
    used = partner.done("GET", path)
    assert [(one["status"], one["remainingDataGB"]) for one in used["list"]] == [("ACTIVE", 0.4), ("QUEUED", 1)]
    assert used["list"][0]["startAt"] == used["firstInstalledAt"]
    later(control, 8 * 86400)
    assert [one["status"] for one in partner.done("GET", path)["list"]] == ["ACTIVE", "ACTIVE"]
    assert partner.refused("GET", "/esim/8900000000000000001/plans") == (404, "NOT_FOUND")


def test_the_number_of_an_esim_checks(partner: Partner) -> None:
    for _ in range(20):
        iccid = partner.purchase(partner.buy())["confirmation"]["iccid"]
        doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(iccid))]
        assert (len(iccid), iccid[:2], sum(each // 10 + each % 10 for each in doubled) % 10) == (19, "89", 0)
