"""What staff change behind the wire: offers, purchases and the money that follows, the ledger, the pace; reset and status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput, NotFound
from cardctl.simulator.control import Control
from tests.simulator.zendit.client import COST, OPENING, TURKEY, Partner, TopUps


def test_an_offer_is_changed(partner: Partner, control: Control) -> None:
    before, after = control.edit(TURKEY, {"cost.fixed": 175, "cost.fee": 5, "failure": "PROVIDER_ERROR", "enabled": "true"})
    assert (before["cost.fixed"], after["cost.fixed"], after["enabled"]) == (150, 175, True)
    found = partner.purchase(partner.buy())
    assert (found["status"], found["cost"]) == ("FAILED", 180)
    control.edit(TURKEY, {"failure": "", "takes": 60})
    name = partner.buy()
    assert (partner.state(name), partner.balance()) == ("IN_PROGRESS", OPENING - 180)
    control.edit(TURKEY, {"enabled": "false", "cost.fixed": 1})
    assert partner.refused("POST", "/esim/purchases", partner.buying()) == (404, "NOT_FOUND")
    control.advance(timedelta(seconds=60))
    assert (partner.state(name), partner.balance()) == ("DONE", OPENING - 180)


@pytest.mark.parametrize(
    ("words", "lacks"),
    [
        (["DONE"], COST),
        (["FAILED"], 0),
        (["PENDING"], 0),
        (["IN_PROGRESS", "DONE"], COST),
        (["FAILED", "DONE"], COST),
        (["DONE", "FAILED", "IN_PROGRESS"], COST),
        (["ON_HOLD"], COST),
    ],
)
def test_the_money_follows_a_state(partner: Partner, control: Control, words: list[str], lacks: int) -> None:
    name = partner.buy("ESIM-SLOW")
    partner.state(name)
    for word in words:
        control.edit(name, {"status": word})
    found = partner.purchase(name)
    assert (found["status"], OPENING - partner.balance()) == (words[-1], lacks)
    assert partner.done("GET", f"/transactions/{name}")["status"] == words[-1]
    assert ("confirmation" in found, bool(found["error"])) == (words[-1] == "DONE", words[-1] == "FAILED")
    control.advance(timedelta(days=2))
    assert partner.state(name) == words[-1], "it stays where staff have put it"


def test_staff_say_when_it_goes_on(partner: Partner, control: Control) -> None:
    name = partner.buy()
    control.edit(name, {"status": "PENDING"})
    assert partner.state(name) == "PENDING"
    control.edit(name, {"due": int(control.status()["clock"].timestamp())})
    assert (partner.state(name), partner.balance()) == ("DONE", OPENING - COST)


def test_a_time_for_what_has_ended_moves_nothing(
    partner: Partner, topups: TopUps, control: Control, card: dict[str, Any]
) -> None:
    done, failed, odd = partner.buy(), partner.buy("ESIM-FAIL"), partner.buy("ESIM-SLOW")
    topup = topups.send("op-1", 100, card).json()["id"]
    partner.state(done)
    control.edit(odd, {"status": "ON_HOLD"})
    partner.done("POST", f"/esim/purchases/{done}/refund")
    refund = partner.done("GET", f"/esim/purchases/{done}/refund")["transactionId"]
    before = (partner.balance(), len(partner.ledger()))
    now = int(control.status()["clock"].timestamp())
    for ref in (done, failed, odd, topup, f"ledger:{refund}", f"ledger:{done}", f"ledger:{topup}"):
        control.edit(ref, {"due": now})
        assert (partner.balance(), len(partner.ledger())) == before
    assert [partner.state(name) for name in (done, failed, odd)] == ["DONE", "FAILED", "ON_HOLD"]


def test_a_top_up_that_staff_end_takes_the_cards_money_and_gives_none(
    partner: Partner, topups: TopUps, control: Control, card: dict[str, Any]
) -> None:
    control.set_esim_pace(0, topups=60)
    topup = topups.send("op-1", 100, card).json()["id"]
    control.edit(topup, {"status": "failed"})
    control.advance(timedelta(hours=1))
    assert topups.find("op-1").json()["status"] == topups.send("op-1", 100, card).json()["status"] == "failed"
    assert (partner.balance(), partner.ledger()) == (OPENING, [])


def test_a_refund_that_staff_end_gives_nothing(partner: Partner, control: Control) -> None:
    name = partner.buy()
    partner.state(name)
    control.set_esim_pace(60)
    path = f"/esim/purchases/{name}/refund"
    partner.done("POST", path)
    control.edit(f"ledger:{partner.done('GET', path)['transactionId']}", {"status": "FAILED"})
    control.advance(timedelta(hours=1))
    assert (partner.done("GET", path)["status"], partner.balance()) == ("FAILED", OPENING - COST)
    assert partner.done("POST", path) == {"status": "ACCEPTED"}, "one that failed may be asked for again"
    control.advance(timedelta(hours=1))
    assert (partner.done("GET", path)["status"], partner.balance()) == ("DONE", OPENING)


def test_why_it_failed_stays(partner: Partner, control: Control) -> None:
    control.set_wallet(Money(0, "USD"))
    name = partner.buy()
    partner.state(name)
    control.edit(name, {"cost": 200})
    assert partner.purchase(name)["error"]["code"] == "INSUFFICIENT_FUNDS"


def test_the_wallet_pays_another_cost(partner: Partner, control: Control) -> None:
    name = partner.buy()
    partner.state(name)
    control.edit(name, {"cost": 199})
    assert (partner.purchase(name)["cost"], partner.balance()) == (199, OPENING - 199)
    assert partner.done("GET", f"/transactions/{name}")["amount"] == 199


def test_nothing_follows_the_ledger_or_the_float(partner: Partner, control: Control) -> None:
    """So that the two can part, as a reconciliation ought to see."""
    name = partner.buy()
    partner.state(name)
    control.edit(f"ledger:{name}", {"amount": 999})
    assert (partner.purchase(name)["cost"], partner.ledger()[0]["amount"]) == (COST, 999)
    control.edit("zendit", {"float.USD": 12})
    assert (partner.balance(), len(partner.ledger())) == (12, 1)


def test_a_code_is_set_and_not_shown(partner: Partner, control: Control) -> None:
    name = partner.buy()
    partner.state(name)
    before, after = control.edit(name, {"activationCode": "LPA:1$rsp.example.test$WHOLE"})
    assert (before, after) == ({"activationCode": "***"}, {"activationCode": "***"})
    assert partner.purchase(name)["confirmation"]["activationCode"] == "LPA:1$rsp.example.test$WHOLE"
    assert partner.done("GET", f"/esim/purchases/{name}/qrcode")["imageBase64"]
    control.edit(name, {"activationCode": ""})
    assert "activationCode" not in partner.purchase(name)["confirmation"]
    assert partner.refused("GET", f"/esim/purchases/{name}/qrcode") == (404, "NOT_FOUND")


def test_silence_and_telling(partner: Partner, control: Control) -> None:
    name = partner.buy("ESIM-SLOW")
    partner.state(name)
    since = control.last_told()
    control.edit(name, {"status": "FAILED"})
    assert control.last_told() == since
    control.edit(name, {"status": "DONE"}, tell=True)
    assert control.last_told() == since + 1


def test_a_deleted_purchase_is_nowhere(partner: Partner, control: Control) -> None:
    name = partner.buy("ESIM-SLOW")
    partner.state(name)
    control.edit(name, {"deleted": "true"})
    assert partner.refused("GET", f"/esim/purchases/{name}") == (404, "NOT_FOUND")
    control.advance(timedelta(days=1))
    assert partner.refused("POST", "/esim/purchases", partner.buying(TURKEY, name)) == (400, "DUPLICATE")


def test_the_pace_is_set(partner: Partner, control: Control) -> None:
    before, after = control.edit("zendit", {"pace": "60", "topup_pace": "30"})
    assert (before, after) == ({"pace": "0", "topup_pace": "0"}, {"pace": "60", "topup_pace": "30"})
    name = partner.buy()
    assert partner.state(name) == "ACCEPTED"
    for wrong in ({"pace": "soon"}, {"speed": "1"}):
        with pytest.raises(BadInput):
            control.edit("zendit", wrong)
    with pytest.raises(BadInput):
        control.edit(name, {"colour": "red"})
    with pytest.raises(NotFound):
        control.edit("ledger:nobody", {"amount": 1})
    with pytest.raises(BadInput):
        control.set_esim_pace(-1)


def test_a_reset_opens_the_shop_anew(partner: Partner, topups: TopUps, control: Control, card: dict[str, Any]) -> None:
    topups.send("op-1", 100, card)
    name = partner.buy()
    partner.state(name)
    control.edit(TURKEY, {"enabled": "false"})
    control.edit("zendit", {"pace": "60"})
    assert control.status()["providers"]["zendit"] == {"purchases": 1, "ledger": 2, "wallet_topups": 1}
    assert control.status()["float"]["zendit"] == [Money(OPENING + 100 - COST, "USD")]
    control.reset()
    assert set(control.status()["providers"]["zendit"].values()) == {0}
    assert (partner.balance(), partner.ledger(), topups.find("op-1").status_code) == (OPENING, [], 404)
    assert partner.state(partner.buy(TURKEY, name)) == "DONE"
