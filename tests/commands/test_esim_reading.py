"""`cardctl esim list|show`: whole documents, every name of an order, ambiguous ones, other outputs, QR codes on a terminal."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl
from tests.commands.terminal import on_terminal
from tests.commands.test_esim_fulfilling import CODES, PRICE, STEP_FIELDS, configured, fulfil, sell
from tests.commands.test_esim_selling import BUYER, OFFER, ORDER_FIELDS, usd
from tests.commands.test_saved_card import quiet, refused
from tests.machine.bank_orders import staff
from tests.output.pictures import text_of_drawing, text_of_png

SHARED = "".join(
    f'[profiles.{name}]\nenvironment = "simulator"\ndatabase = "../state/shared.db"\n'
    f'[profiles.{name}.stripe]\naccount = "acct_{name}"\n'
    for name in ("acme", "bolt")
)


@pytest.fixture
def payment(cardctl: Cardctl, far_side: Control) -> str:
    """Of an order that was delivered: A-1."""
    paid = sell(far_side)
    assert fulfil(cardctl, "--payment", paid).code == 0
    return paid


@pytest.fixture
def text(cardctl: Cardctl, payment: str) -> str:
    """What its QR code says."""
    (row,) = staff(cardctl.home, CODES)
    return f"LPA:1${row['smdpAddress']}${row['activationCode']}"


@pytest.fixture
def two(cardctl: Cardctl, far_side: Control, payment: str) -> Cardctl:
    """Another one, refunded: B-2."""
    assert fulfil(cardctl, "--payment", sell(far_side, "B-2", offer="ESIM-FAIL", recipient="b@example.com")).code == 3
    return cardctl


def test_list_whole(two: Cardctl) -> None:
    ran = two("esim", "list", "-o", "json")
    assert (ran.code, quiet(ran), [list(order) for order in ran.data]) == (0, True, [ORDER_FIELDS] * 2)
    assert [(order["transaction_id"], order["state"]) for order in ran.data] == [("B-2", "refunded"), ("A-1", "delivered")]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--state", "refunded"), ["B-2"]),
        (("--state", "stuck"), []),
        (("--recipient", BUYER), ["A-1"]),
        (("--since", "1h"), ["B-2", "A-1"]),
        (("--until", "1h"), []),
        (("--limit", "1"), ["B-2"]),
    ],
)
def test_list_chosen(two: Cardctl, words: tuple[str, ...], found: list[str]) -> None:
    assert [order["transaction_id"] for order in two("esim", "list", *words, "-o", "json").data] == found


def test_list_otherwise(two: Cardctl) -> None:
    refused(two("esim", "list", "--state", "lost", "-o", "json"), 2, "USAGE")
    csv, ndjson = two("esim", "list", "-o", "csv"), two("esim", "list", "-o", "ndjson")
    assert (len(csv.lines), len(ndjson.lines)) == (3, 2)
    assert csv.lines[0].startswith("id,")
    assert all(line.startswith('{"id":"order_') for line in ndjson.lines)
    assert two("esim", "list", "-o", "json", "--limit", "1").warnings == ["LIMIT_CUT"]


def test_show_whole(two: Cardctl, payment: str) -> None:
    ran = two("esim", "show", payment, "-o", "json")
    assert (ran.code, quiet(ran), list(ran.data)) == (0, True, [*ORDER_FIELDS, "steps", "topups", "refunds"])
    assert (ran.data["price"], ran.data["topups"], ran.data["refunds"]) == (usd(PRICE), [], [])
    assert all(list(step) == STEP_FIELDS for step in ran.data["steps"])
    back = two("esim", "show", "B-2", "-o", "json").data
    (refund,) = back["refunds"]
    assert (refund["state"], refund["amount"], back["refunded"]) == ("completed", usd(PRICE), usd(PRICE))
    assert {step["name"] for step in back["steps"] if step["state"] == "failed"} <= {"buy", "issue"}
    assert {"pay", "price", "fund", "buy", "refund", "tell"} <= {step["name"] for step in back["steps"]}


def test_show_plans(two: Cardctl) -> None:
    (plan,) = two("esim", "show", "A-1", "--plans", "-o", "json").data["plans"]
    assert (plan["offer_id"], plan["state"], plan["initial_gb"]) == (OFFER, "queued", "1")
    refused(two("esim", "show", "B-2", "--plans", "-o", "json"), 6, "STATE_FORBIDS")


def test_every_name_means_the_order(two: Cardctl) -> None:
    order = two("esim", "show", "A-1", "-o", "json").data
    names = [order[word] for word in ("id", "payment_ref", "transaction_id", "purchase_ref", "iccid")]
    for name in (*names, order["id"][:14]):
        assert two("esim", "show", name, "-o", "json").data["id"] == order["id"]
    refused(two("esim", "show", "nobody", "-o", "json"), 5, "ORDER_NOT_FOUND")
    refused(two("esim", "show", order["id"][:7], "-o", "json"), 5, "ORDER_NOT_FOUND")


def test_a_name_that_two_orders_have(cardctl: Cardctl, far_side: Control) -> None:
    """Two shops whose books are shared."""
    configured(cardctl, SHARED)
    ids = []
    for profile in ("acme", "bolt"):
        made = cardctl(
            "esim", "checkout", OFFER, "--recipient", BUYER, "--transaction-id", "A-1", "--profile", profile, "-o", "json"
        )
        assert made.code == 0, made
        ids.append(made.data["order"]["id"])
    assert len(set(ids)) == 2
    told = refused(cardctl("esim", "show", "A-1", "--profile", "acme", "-o", "json"), 2, "AMBIGUOUS_NAME")
    assert all(id_ in told["hint"] for id_ in ids)
    assert cardctl("esim", "show", ids[1], "--profile", "acme", "-o", "json").data["id"] == ids[1]


def test_two_shops_with_one_supplier_sell_under_one_name(cardctl: Cardctl, far_side: Control) -> None:
    configured(cardctl, SHARED)
    sold = []
    for profile in ("acme", "bolt"):
        words = ("esim", "checkout", OFFER, "--recipient", BUYER, "--transaction-id", "A-1", "--profile", profile)
        session = cardctl(*words, "-o", "json").data["order"]["checkout_ref"]
        far_side.pay(session)
        ran = cardctl("esim", "fulfil", "--session", session, "--profile", profile, "-o", "json")
        assert (ran.code, ran.data["order"]["state"]) == (0, "delivered")
        sold.append(ran.data["order"])
    assert len({order["iccid"] for order in sold}) == len({order["purchase_ref"] for order in sold}) == 2
    ran = cardctl("esim", "retry", sold[0]["id"], "--profile", "bolt", "-o", "json")
    assert (ran.code, ran.json["data"]["failed"][0]["error_code"]) == (10, "REFUSED")


def test_the_code_on_a_terminal(cardctl: Cardctl, text: str) -> None:
    code, shown, said = on_terminal(cardctl, "esim", "show", "A-1", "--qr")
    assert code == 0, said
    drawing = "\n".join(line for line in shown.splitlines() if line.startswith("\x1b[38;5;16"))
    assert text_of_drawing(drawing, color=True) == text
    assert text not in shown + said
    actions = [entry["action"] for entry in cardctl("audit", "list", "-o", "json").data]
    assert actions.count("esim.reveal") == 1


@pytest.mark.parametrize("name", ["qr.png", "qr.svg"])
def test_the_code_in_a_file(cardctl: Cardctl, text: str, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    assert cardctl("esim", "show", "A-1", "--save", str(file), "-o", "json").code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    if name.endswith("png"):
        assert text_of_png(file.read_bytes()) == text
    before = file.read_bytes()
    refused(cardctl("esim", "show", "A-1", "--save", str(file), "-o", "json"), 6, "REFUSED")
    refused(cardctl("esim", "show", "A-1", "--save", "qr.gif", "-o", "json"), 2, "INVALID_INPUT")
    assert file.read_bytes() == before
    assert [entry["action"] for entry in cardctl("audit", "list", "-o", "json").data].count("esim.reveal") == 1
    assert cardctl("esim", "show", "A-1", "--save", str(file), "--force").code == 0


def test_no_code_before_there_is_one(cardctl: Cardctl, far_side: Control, tmp_path: Path) -> None:
    far_side.set_wallet(Money(0, "USD"))
    fulfil(cardctl, "--payment", sell(far_side))
    refused(cardctl("esim", "show", "A-1", "--save", str(tmp_path / "qr.png"), "-o", "json"), 6, "STATE_FORBIDS")
    assert not (tmp_path / "qr.png").exists()


def test_in_words(two: Cardctl) -> None:
    shown = two("esim", "show", "B-2").stdout
    for word in ("refunded", "PURCHASE_FAILED", "4.90 USD", "tell"):
        assert word in shown
    assert two("esim", "show", "B-2", "--dry-run").code == 2
