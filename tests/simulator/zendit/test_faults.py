"""Faults on writes and reads: what the client sees, whether it was done, and that a name finds it again."""

from __future__ import annotations

import httpx
import pytest

from cardctl.simulator.control import Control
from cardctl.simulator.faults import FAULTS
from tests.simulator.zendit.client import COST, OPENING, TURKEY, Partner

SEEN: dict[str, type[Exception] | int] = {
    "refused": httpx.ConnectError,
    "dns": httpx.ConnectError,
    "401": 401,
    "429": 429,
    "429-retry-after": 429,
    "500": 500,
    "503-html": 503,
    "500-after-commit": 500,
    "500-saved": 500,
    "lost-reply": httpx.RemoteProtocolError,
    "torn-body": httpx.RemoteProtocolError,
}


@pytest.mark.parametrize("kind", SEEN)
def test_a_purchase_is_done_or_not_and_its_name_finds_it(partner: Partner, control: Control, kind: str) -> None:
    body = partner.buying(TURKEY, "t-1")
    control.fault(kind)
    seen = SEEN[kind]
    if isinstance(seen, int):
        assert partner.http.post("/esim/purchases", json=body).status_code == seen
    else:
        with pytest.raises(seen):
            partner.http.post("/esim/purchases", json=body)
    if FAULTS[kind].committed:
        assert partner.refused("POST", "/esim/purchases", body) == (400, "DUPLICATE")
    else:
        assert partner.refused("GET", "/esim/purchases/t-1") == (404, "NOT_FOUND")
        assert partner.balance() == OPENING
        partner.done("POST", "/esim/purchases", body)
    assert partner.state("t-1") == "DONE"
    assert (partner.balance(), len(partner.ledger())) == (OPENING - COST, 1)


@pytest.mark.parametrize("kind", ["500-after-commit", "lost-reply"])
def test_a_refund_is_found_again(partner: Partner, control: Control, kind: str) -> None:
    name = partner.buy()
    partner.state(name)
    path = f"/esim/purchases/{name}/refund"
    control.fault(kind)
    if kind == "lost-reply":
        with pytest.raises(httpx.RemoteProtocolError):
            partner.http.post(path)
    else:
        assert partner.http.post(path).status_code == 500
    assert partner.done("GET", path)["status"] == "DONE"
    assert partner.refused("POST", path) == (400, "DUPLICATE")
    assert partner.balance() == OPENING


def test_front_ends_speak_zendits_words(partner: Partner, control: Control) -> None:
    for kind, code in (("401", "NOT_AUTHORIZED"), ("429", "TOO_MANY_REQUESTS"), ("500", "SYSTEM_ERROR")):
        control.fault(kind)
        assert partner.refused("POST", "/esim/purchases", partner.buying())[1] == code


def test_a_stale_read(partner: Partner, control: Control) -> None:
    name = partner.buy("ESIM-SLOW")
    partner.state(name)
    control.edit(name, {"status": "DONE"})
    control.fault("stale-read")
    assert partner.state(name) == "IN_PROGRESS"
    assert partner.state(name) == "DONE"


@pytest.mark.parametrize(("kind", "seen"), [("repeated-row", [2, 2, 1, 0]), ("skipped-row", [2, 0])])
def test_lists_go_wrong(partner: Partner, control: Control, kind: str, seen: list[int]) -> None:
    made = [partner.buy() for _ in range(3)]
    for path in ("/esim/purchases", "/transactions"):
        partner.balance()
        control.fault(kind)
        page = partner.done("GET", path, _limit=10, _offset=0)
        assert [one["transactionId"] for one in page["list"]] == [made[place] for place in seen]
        assert page["total"] == 3
    control.fault("torn-page")
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        partner.http.get("/esim/offers", params={"_limit": 10, "_offset": 0}).json()
