"""From a paid order to an eSIM as a newcomer sees it: real processes, one after the other, a mail server that keeps what it
gets, QR codes read back as a phone would, and the money asserted."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.dying import die_after
from tests.commands.runner import Cardctl, Ran
from tests.commands.terminal import on_terminal
from tests.machine import bank_orders
from tests.machine.bank_orders import OPENING, Purses, staff
from tests.output.browser import chromium, program
from tests.output.pictures import text_of_drawing, text_of_png
from tests.smtp import Sink, sinking

COST, PRICE = 150, 300
"""Of the offer that the demo buys, in cents."""
CODES = "SELECT smdpAddress, activationCode FROM zendit_purchases WHERE activationCode IS NOT NULL"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with sinking(tmp_path / "sink") as made:
        yield made


@pytest.fixture
def shop(cardctl: Cardctl, sink: Sink) -> Cardctl:
    """The profile `dev`, with a mail server."""
    configure(cardctl, sink)
    return cardctl


def configure(cardctl: Cardctl, sink: Sink, *zendit: str) -> None:
    file = cardctl.home / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    mail = f"[profiles.dev.mail]\n{sink.table}\n"
    file.write_text("\n".join(['[profiles.dev]\nenvironment = "simulator"', mail, "[profiles.dev.zendit]", *zendit, ""]))


def codes(cardctl: Cardctl) -> list[str]:
    """What every QR code that was sold says."""
    return [f"LPA:1${row['smdpAddress']}${row['activationCode']}" for row in staff(cardctl.home, CODES)]


def drawing(shown: str, *, color: bool) -> str:
    """The lines of a QR code among what a terminal was sent."""
    lines = [line for line in shown.splitlines() if (line.startswith("\x1b[38;5;16") if color else set(line) == {"#", " "})]
    return "\n".join(lines)


def counted(cardctl: Cardctl) -> dict[str, int]:
    """What the far side has of purchases, of payments, and of refunds."""
    tables = {"purchases": "zendit_purchases", "payments": "stripe_charges", "refunds": "stripe_refunds"}
    return {name: len(staff(cardctl.home, f"SELECT 1 FROM {table}")) for name, table in tables.items()}


def the_payment(cardctl: Cardctl) -> str:
    """Of the only order that there is."""
    (order,) = cardctl("esim", "list", "-o", "json").data
    return str(order["payment_ref"])


def done(ran: Ran, code: int = 0) -> Any:
    assert ran.code == code, ran
    return ran.data


def test_the_issue_s_own_lines(shop: Cardctl, sink: Sink, tmp_path: Path) -> None:
    offers = done(shop.process("esim", "offers", "--country", "TR", "-o", "json"))
    sold = {offer["id"]: offer["cost"]["minor"] for offer in offers}
    assert sold["ESIM-TR-7D-1GB"] == COST
    assert all("TR" in (offer["country"], *offer["roaming"]) for offer in offers)
    assert bank_orders.purses(shop.home) == Purses(0, OPENING, OPENING), "to look costs nothing"

    code, shown, said = on_terminal(shop, "esim", "fulfil", "--demo")
    assert code == 0, shown + said
    (text,) = codes(shop)
    assert text_of_drawing(drawing(shown, color=True), color=True) == text
    assert text not in shown + said
    (mail,) = sink.got
    assert (mail.recipients, text_of_png(mail.picture)) == (["demo@example.com"], text)
    assert text in mail.part("plain")
    assert counted(shop) == {"purchases": 1, "payments": 1, "refunds": 0}
    assert bank_orders.purses(shop.home) == Purses(PRICE, OPENING, OPENING - COST)

    (order,) = done(shop.process("esim", "list", "-o", "json"))
    assert done(shop.process("esim", "retry", "-o", "json"))["orders"] == []
    again = shop.process("esim", "fulfil", "--payment", order["payment_ref"], "-o", "json")
    assert done(again)["order"]["state"] == "delivered"
    assert (counted(shop)["purchases"], len(sink.got)) == (1, 1)

    ran = shop.process("esim", "reconcile", "--report", "-o", "json")
    assert done(ran)["figures"]["esim_success_rate"] == "1.0000"
    (chain,) = ran.data["orders"]
    amounts = [chain[word]["minor"] for word in ("paid", "charged", "cost_there")]
    assert (amounts, chain["purchase_there"], chain["breaks"]) == ([PRICE, COST, COST], "done", [])
    pages = [Path(each) for each in ran.data["report"]]
    assert {stat.S_IMODE(each.stat().st_mode) for each in pages} == {0o600}
    assert order["id"] in look_at(next(each for each in pages if each.suffix == ".html"), tmp_path)


def look_at(page: Path, place: Path) -> str:
    """What a page says in a browser that complains of nothing, asks for nothing, and need not be scrolled aside on a phone."""
    browser = program()
    if browser is None:
        pytest.skip("Chromium is not installed")
    with chromium(browser, place / "browser") as tab:
        tab.resize(390)
        tab.open(page)
        assert (tab.complaints, tab.asked) == ([], [page.as_uri()])
        assert tab.value("document.documentElement.scrollWidth <= innerWidth")
        return str(tab.value("document.body.textContent"))


def test_without_colour_and_into_files(shop: Cardctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    code, shown, _ = on_terminal(shop, "esim", "fulfil", "--demo", "--save", str(tmp_path / "qr.png"))
    (text,) = codes(shop)
    assert (code, text_of_drawing(drawing(shown, color=False), color=False)) == (0, text)
    assert "\x1b" not in shown
    saved = tmp_path / "qr.png"
    assert (text_of_png(saved.read_bytes()), stat.S_IMODE(saved.stat().st_mode)) == (text, 0o600)
    order = shop("esim", "list", "-o", "json").data[0]["id"]
    refused = shop("esim", "show", order, "--qr")
    assert (refused.code, refused.stdout) == (6, ""), "no pipe"
    code, shown, _ = on_terminal(shop, "esim", "show", order, "--qr", "--plans")
    assert (code, text_of_drawing(drawing(shown, color=False), color=False)) == (0, text)
    looks = [one["action"] for one in shop("audit", "list", "--object", order, "-o", "json").data]
    assert looks.count("esim.reveal") == 2


def test_rows_have_the_same_columns_whether_money_moved_or_not(shop: Cardctl) -> None:
    assert shop("esim", "fulfil", "--demo").code == 0
    columns = shop("esim", "reconcile", "-o", "csv").lines[0].split(",")
    assert {f"{word}_minor" for word in ("paid", "given_back", "spent", "charged", "cost_there", "refunded")} <= set(columns)
    assert "spent" not in columns
    wallet = shop("esim", "balance", "-o", "csv").lines
    assert wallet[0].startswith("available_minor,available_currency,available_amount,reserved_minor,")
    assert wallet[1].startswith(f"{OPENING - COST},USD,9999998.50,0,USD,0.00,")


@pytest.mark.parametrize("step", ["pay", "price", "fund", "buy", "issue", "mail"])
def test_killed_after_each_step(shop: Cardctl, sink: Sink, step: str) -> None:
    die_after(shop, step, "esim", "fulfil", "--demo")
    assert shop.process("esim", "retry").code == 0
    assert shop("esim", "fulfil", "--payment", the_payment(shop)).code == 0
    bank_orders.assert_ended(shop.home)
    assert counted(shop) == {"purchases": 1, "payments": 1, "refunds": 0}
    assert bank_orders.purses(shop.home) == Purses(PRICE, OPENING, OPENING - COST)
    (mail,) = sink.got
    assert [text_of_png(mail.picture)] == codes(shop)
    assert shop("esim", "reconcile").code == 0


@pytest.mark.parametrize("step", ["buy", "refund", "tell"])
def test_killed_while_the_money_goes_back(shop: Cardctl, sink: Sink, step: str) -> None:
    die_after(shop, step, "esim", "fulfil", "--demo", "--offer", "ESIM-FAIL")
    assert shop.process("esim", "retry").code == 0
    assert shop("esim", "fulfil", "--payment", the_payment(shop)).code == 3
    bank_orders.assert_ended(shop.home)
    assert counted(shop) == {"purchases": 1, "payments": 1, "refunds": 1}
    assert bank_orders.purses(shop.home) == Purses(0, OPENING, OPENING)
    (mail,) = sink.got
    assert "3.00 USD" in mail.part("plain")


def test_what_was_edited_behind_our_back_is_named(shop: Cardctl, tmp_path: Path) -> None:
    failed, dearer, refunded = [done(shop("esim", "fulfil", "--demo", "-o", "json"))["order"] for _ in range(3)]
    assert shop("esim", "reconcile").code == 0
    assert shop("simulator", "edit", failed["purchase_ref"], "status=FAILED").code == 0
    assert shop("simulator", "edit", dearer["purchase_ref"], "cost=777").code == 0
    assert shop("simulator", "refund", refunded["id"], "--no-deliver").code == 0
    wanted = {
        ("purchase_state", failed["purchase_ref"]),
        ("purchase_amount", dearer["purchase_ref"]),
        ("order_payment", refunded["id"]),
        ("order_refunded_delivered", refunded["id"]),
    }
    ran = shop.process("esim", "reconcile", "--report", "-o", "json")
    assert ran.code == 3
    named = {(each["type"], each["subject"]) for chain in ran.data["orders"] for each in chain["breaks"]}
    assert (named, ran.data["loose"]) == (wanted, [])
    page = next(Path(each) for each in ran.data["report"] if each.endswith(".html"))
    told = look_at(page, tmp_path)
    assert all(word in told for word in (failed["id"], dearer["id"], refunded["id"], "6.27"))

    remembered = shop.process("reconcile", "--report", "-o", "json")
    assert remembered.code == 3
    assert {(each["type"], each["subject"]) for each in remembered.data["breaks"]} == wanted
    risks = {each["type"]: each["at_risk"]["minor"] for each in remembered.data["breaks"]}
    assert (risks["purchase_amount"], risks["order_payment"]) == (777 - COST, PRICE)
    assert [one["state"] for one in shop("esim", "list", "-o", "json").data] == ["delivered"] * 3, "a run changes nothing"


def test_no_code_of_an_esim_and_no_number_of_a_card_is_anywhere_in_clear(shop: Cardctl, sink: Sink, tmp_path: Path) -> None:
    """`grep -a` over the database, its WAL, the logs, the reports, the evidence, the backups, and what was printed."""
    configure(shop, sink, 'topup = "card"')
    said = list[str]()
    for line in (
        "simulator recharge 0.50 --set",
        "esim fulfil --demo --debug",
        "simulator fault --next lost-reply --times 20",
        "esim fulfil --demo --debug",
        "simulator fault --clear",
        "esim fulfil --demo --offer ESIM-NOCODE --debug",
        "esim retry --debug",
        "transaction pull --debug",
        "operation list -o json",
        "esim list -o csv",
        "esim reconcile --report --debug",
        "reconcile --report --report-format csv --report-format markdown --debug",
        "alert check --debug",
        "audit export {place}/audit.jsonl",
        f"db backup {tmp_path}/copy.db",
    ):
        ran = shop(*line.format(place=tmp_path).split())
        said += [ran.stdout, ran.stderr]
    for order in shop("esim", "list", "-o", "json").data:
        said += [shop("esim", "show", order["id"], "-o", "json", "--debug").stdout]
    sold = staff(shop.home, CODES)
    cards = staff(shop.home, "SELECT number FROM cards")
    assert len(sold) >= 2
    assert len(cards) >= 1
    secrets = {row["activationCode"] for row in sold} | {"LPA:1$"} | {row["number"] for row in cards}
    files = [file for file in [*shop.home.rglob("*"), *tmp_path.glob("*.*")] if file.is_file()]
    ours = [file for file in files if not file.name.startswith("simulator.db")]
    assert {"dev.db", "copy.db", "audit.jsonl"} <= {file.name for file in ours}
    assert {".log", ".html", ".json", ".csv", ".md"} <= {file.suffix for file in ours}
    found = [(file.name, each) for file in ours for each in secrets if each.encode() in file.read_bytes()]
    assert found == []
    assert [each for each in secrets if each in "\n".join(said)] == []
    assert not any(b"\x89PNG" in file.read_bytes() for file in ours), "a supplier's picture is a secret too"
    assert any(each["activationCode"] in mail.part("plain") for mail in sink.got for each in sold), (
        "else nothing was looked for"
    )
