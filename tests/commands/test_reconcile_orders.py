"""`cardctl reconcile` over paid orders, as a seller of eSIMs types it; and that whoever sells none asks for nothing more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.commands.runner import Cardctl


def sold(cardctl: Cardctl) -> dict[str, Any]:
    """An order from the payment to the QR code."""
    assert cardctl("esim", "fulfil", "--demo", "-o", "json").code == 0
    (order,) = cardctl("esim", "list", "-o", "json").data
    assert order["state"] == "delivered"
    return dict(order)


def figures(cardctl: Cardctl, *words: str) -> dict[str, Any]:
    ran = cardctl("reconcile", *words, "-o", "json")
    assert ran.code in (0, 3), ran
    told: dict[str, Any] = ran.data["run"]["figures"]["programmes"]
    return told


def test_an_order_is_part_of_the_report(cardctl: Cardctl) -> None:
    order = sold(cardctl)
    ran = cardctl("reconcile", "--report", "--report-format", "markdown", "-o", "json")
    assert (ran.code, ran.data["breaks"]) == (0, [])
    assert set(ran.data["run"]["figures"]["programmes"]) == {"stripe/default", "zendit/default"}
    page, plain, markdown = (next(Path(each) for each in ran.data["report"] if each.endswith(end)) for end in _ENDS)
    assert "Orders, and what was bought for them" in page.read_text()
    assert f"USD: paid {order['price']['amount']}<" in page.read_text()
    assert "1 orders" in markdown.read_text()
    assert json.loads(plain.read_text())["run"]["figures"]["programmes"]["stripe/default"]["order_states"] == {"delivered": 1}
    assert cardctl("run", "verify", _exported(cardctl, ran.data["run"]["id"])).code == 0


def test_what_staff_change_behind_our_back_is_found_proven_and_left_to_a_person(cardctl: Cardctl) -> None:
    order = sold(cardctl)
    ref = cardctl("esim", "show", order["id"], "-o", "json").data["purchase_ref"]
    assert cardctl("simulator", "edit", ref, "status=FAILED").code == 0
    ran = cardctl("reconcile", "-o", "json")
    assert ran.code == 3
    (one,) = [each for each in ran.data["breaks"] if each["type"] == "purchase_state"]
    assert (one["subject"], one["severity"], one["provider"]) == (ref, "critical", "zendit")
    assert (one["local"]["state"], one["remote"]["state"]) == ("done", "failed")
    assert cardctl("run", "verify", _exported(cardctl, ran.data["run"]["id"])).code == 0
    fixed = cardctl("reconcile", "--fix", "--yes", "-o", "json")
    assert fixed.code == 10, "two ends cannot both be true: no word takes it out of that"
    assert cardctl("esim", "show", order["id"], "-o", "json").data["state"] == "delivered"
    assert cardctl("metrics", "show", "-o", "json").data["orders"]["esim_success_rate"] == "1.0000"


def test_who_sells_no_esims_pays_no_request_more(cardctl: Cardctl) -> None:
    cardctl("provision", "--dev")
    before = figures(cardctl)
    assert list(before) == ["stripe/default"]
    assert "orders" not in before["stripe/default"]
    sold(cardctl)
    after = figures(cardctl)
    assert after["stripe/default"]["requests"] > before["stripe/default"]["requests"]
    assert after["zendit/default"]["purchases"]["there"] == 1


def _exported(cardctl: Cardctl, run: str) -> str:
    file = cardctl.home / f"{run}.zip"
    assert cardctl("run", "export", run, str(file)).code == 0
    return str(file)


_ENDS = (".html", ".json", ".md")
