"""The ledger of the wallet, recharges, refunds of purchases and reports; money asserted before, during and after."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.simulator.control import Control
from tests.simulator.zendit.client import COST, OPENING, Partner

ENTRY = {
    *("transactionId", "productType", "type", "status", "amount", "currency", "currencyDivisor", "log", "error"),
    *("createdAt", "updatedAt"),
}
PACE = 60


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def later(control: Control, seconds: int = PACE) -> None:
    control.advance(timedelta(seconds=seconds))


def test_every_movement_has_an_entry(partner: Partner, control: Control) -> None:
    bought, failed, waiting = partner.buy(), partner.buy("ESIM-FAIL"), partner.buy("ESIM-SLOW")
    recharge = control.recharge_wallet(usd(5000))
    entries = {one["transactionId"]: one for one in partner.ledger()}
    told = {name: (one["productType"], one["type"], one["status"], one["amount"]) for name, one in entries.items()}
    assert told == {
        bought: ("ESIM", "DEBIT", "DONE", COST),
        failed: ("ESIM", "DEBIT", "FAILED", COST),
        waiting: ("ESIM", "DEBIT", "IN_PROGRESS", COST),
        recharge: ("WALLET_RECHARGE", "CREDIT", "DONE", 5000),
    }
    assert set(entries[bought]) == ENTRY
    assert entries[failed]["error"]["code"] == "PROVIDER_ERROR"
    assert entries[bought]["log"] == partner.purchase(bought)["log"]
    assert partner.done("GET", f"/transactions/{bought}") == entries[bought]
    assert partner.refused("GET", "/transactions/nobody") == (404, "NOT_FOUND")
    assert partner.balance() == OPENING - 2 * COST + 5000


def test_the_ledger_is_filtered(partner: Partner, control: Control) -> None:
    bought, failed = partner.buy(), partner.buy("ESIM-FAIL")
    recharge = control.recharge_wallet(usd(1))

    def names(**query: str) -> set[str]:
        return {one["transactionId"] for one in partner.ledger(**query)}

    assert names(productType="ESIM") == {bought, failed}
    assert names(type="CREDIT") == {recharge}
    assert names(status="FAILED", type="DEBIT") == {failed}
    assert names(productType="VOUCHER") == set()
    later(control)
    assert names(createdAt="gte2020-01-01T00:00:00Z") == {bought, failed, recharge}
    assert names(createdAt="lt2020-01-01T00:00:00Z") == set()


def test_the_console_sets_the_balance(partner: Partner, control: Control) -> None:
    control.set_wallet(usd(700))
    assert partner.balance() == 700
    control.set_wallet(usd(1200))
    assert (partner.balance(), control.wallet_balance()) == (1200, usd(1200))
    assert control.set_wallet(usd(1200)) is None
    found = [(one["productType"], one["type"], one["amount"]) for one in partner.ledger()]
    assert found == [("RECHARGE_SANDBOX", "CREDIT", 500), ("RECHARGE_SANDBOX", "DEBIT", OPENING - 700)]
    for wrong in (usd(0), Money(5, "EUR")):
        with pytest.raises(BadInput):
            control.recharge_wallet(wrong)


def test_a_refund_is_accepted_and_done_later(partner: Partner, control: Control) -> None:
    name = partner.buy("ESIM-FEE")
    partner.state(name)
    control.set_esim_pace(PACE)
    path = f"/esim/purchases/{name}/refund"
    assert partner.refused("GET", path) == (404, "NOT_FOUND")
    assert partner.done("POST", path) == {"status": "ACCEPTED"}
    assert partner.balance() == OPENING - 175
    waiting = partner.done("GET", path)
    assert set(waiting) == ENTRY | {"refundedTransactionId"}
    told = ("productType", "type", "status", "amount", "refundedTransactionId")
    assert [waiting[field] for field in told] == ["REFUND", "CREDIT", "ACCEPTED", 175, name]
    assert partner.refused("POST", path) == (400, "DUPLICATE")
    later(control)
    done = partner.done("GET", path)
    assert (done["status"], done["transactionId"], partner.balance()) == ("DONE", waiting["transactionId"], OPENING)
    assert partner.refused("POST", path) == (400, "DUPLICATE")
    assert partner.purchase(name)["refund"] == {"transactionId": done["transactionId"], "status": "DONE"}
    assert done in partner.ledger()


@pytest.mark.parametrize("offer", ["ESIM-FAIL", "ESIM-SLOW"])
def test_what_is_not_done_is_not_refunded(partner: Partner, offer: str) -> None:
    name = partner.buy(offer)
    before = partner.balance()
    assert partner.refused("POST", f"/esim/purchases/{name}/refund") == (400, "REFUND_NOT_ALLOWED")
    assert partner.refused("POST", "/esim/purchases/nobody/refund") == (404, "NOT_FOUND")
    assert partner.balance() == before


def test_a_report_has_what_ended_in_its_time(partner: Partner, control: Control) -> None:
    early, slow = partner.buy(), partner.buy("ESIM-SLOW")
    partner.state(early)
    later(control, 3600)
    ended = partner.purchase(slow)["updatedAt"]
    partner.buy("ESIM-OUTAGE")
    assert rows(partner, "2020-01-01T00:00:00Z", ended) == [(early, "DONE")]
    assert rows(partner, ended, "2099-01-01T00:00:00Z") == [(slow, "DONE")]
    assert rows(partner, "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z") == [(early, "DONE"), (slow, "DONE")]


def rows(partner: Partner, start: str, end: str) -> list[tuple[str, str]]:
    ordered = partner.done("POST", "/reports/transactions", {"startGte": start, "endLt": end})
    assert (ordered["status"], ordered["file"], ordered["period"]) == ("REQUESTED", None, {"startGte": start, "endLt": end})
    ready = partner.done("GET", f"/reports/transactions/{ordered['reportId']}")
    assert ready["status"] == "READY"
    assert set(ready) == {"reportId", "status", "period", "file", "error", "log", "createdAt", "updatedAt"}
    page = partner.http.get(ready["file"]["downloadUrl"])
    assert page.headers["content-type"] == "text/csv"
    assert ready["file"]["downloadUrl"].endswith(ready["file"]["name"])
    return [(row["transactionId"], row["status"]) for row in csv.DictReader(io.StringIO(page.text))]


def test_a_report_takes_its_time_and_a_key(partner: Partner, control: Control) -> None:
    control.set_esim_pace(PACE)
    period = {"startGte": "2026-01-01T00:00:00Z", "endLt": "2026-01-02T00:00:00Z"}
    ref = partner.done("POST", "/reports/transactions", period)["reportId"]
    path = f"/reports/transactions/{ref}"
    assert partner.done("GET", path)["status"] == "REQUESTED"
    later(control)
    url = partner.done("GET", path)["file"]["downloadUrl"]
    assert partner.http.get(url, headers={"Authorization": "none"}).status_code == 401
    assert partner.refused("GET", f"{path}/other.csv") == (404, "NOT_FOUND")
    assert partner.refused("GET", "/reports/transactions/nobody") == (404, "NOT_FOUND")
    for wrong in ({"startGte": period["endLt"], "endLt": period["startGte"]}, {"startGte": "yesterday", "endLt": "today"}, {}):
        assert partner.refused("POST", "/reports/transactions", wrong) == (400, "INVALID_REQUEST")
