"""`cardctl esim fulfil|retry`: whole documents, exit codes, dry runs, order files; the money there; no code in a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.services.flows.fulfilling import running
from cardctl.simulator.control import Control
from cardctl.simulator.delivering import to_line
from tests.commands.runner import Cardctl, Ran
from tests.commands.test_esim_selling import BUYER, OFFER, ORDER_FIELDS, usd
from tests.commands.test_saved_card import quiet, refused
from tests.machine.bank_orders import OPENING, Purses, purses, staff
from tests.smtp import Sink, sinking

COST, PRICE = 150, 490
STEP_FIELDS = ["name", "state", "operation_id", "at", "tries", "error"]
CODES = "SELECT smdpAddress, activationCode FROM zendit_purchases WHERE activationCode IS NOT NULL"
SANDBOX = '[profiles.box]\nenvironment = "sandbox"\n'


def sell(far_side: Control, name: str | None = "A-1", *, offer: str | None = OFFER, recipient: str = BUYER) -> str:
    """A customer has paid 4.90."""
    told = {"recipientEmail": recipient, "fullName": "Ada L."} | ({"offerId": offer} if offer else {})
    return far_side.sell(Money(PRICE, "USD"), told | ({"transactionId": name} if name else {}))


def spent(cardctl: Cardctl) -> tuple[int, int]:
    """What is left of what customers paid, and what left the wallet."""
    now = purses(cardctl.home)
    assert now.issuing == OPENING
    return now.payments, OPENING - now.wallet


def configured(cardctl: Cardctl, text: str) -> None:
    file = cardctl.home / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def order_file(tmp_path: Path, **told: Any) -> str:
    file = tmp_path / "order.json"
    file.write_text(json.dumps(told))
    return str(file)


def fulfil(cardctl: Cardctl, *words: str) -> Ran:
    return cardctl("esim", "fulfil", *words, "-o", "json")


@pytest.fixture
def sink(tmp_path: Path, cardctl: Cardctl) -> Iterator[Sink]:
    """A mail server, that the profile `dev` has."""
    with sinking(tmp_path / "sink") as made:
        configured(cardctl, f'[profiles.dev]\nenvironment = "simulator"\n[profiles.dev.mail]\n{made.table}\n')
        yield made


# --- fulfil


def test_whole(cardctl: Cardctl, far_side: Control, sink: Sink) -> None:
    payment = sell(far_side)
    assert spent(cardctl) == (PRICE, 0)
    ran = fulfil(cardctl, "--payment", payment)
    assert (ran.code, ran.warnings, quiet(ran), list(ran.data)) == (0, [], True, ["order"])
    order = ran.data["order"]
    assert list(order) == [*ORDER_FIELDS, "steps"]
    assert {name: order[name] for name in ORDER_FIELDS[1:15] + ORDER_FIELDS[17:19]} == {
        "programme": "stripe/default",
        "supplier": "zendit/default",
        "payment_ref": payment,
        "checkout_ref": None,
        "transaction_id": "A-1",
        "offer_id": OFFER,
        "title": "eSIM TR, 1 GB, 7 days",
        "recipient": BUYER,
        "full_name": "Ada L.",
        "state": "delivered",
        "cost": usd(COST),
        "price": usd(PRICE),
        "refunded": None,
        "purchase_ref": "A-1",
        "reason_code": None,
        "reason": None,
    }
    assert all(list(step) == STEP_FIELDS for step in order["steps"])
    steps = [(step["name"], step["state"], step["error"]) for step in order["steps"]]
    assert steps == [(name, "done", None) for name in ("pay", "price", "fund", "buy", "issue", "mail")]
    assert (spent(cardctl), [arrived.recipients for arrived in sink.got]) == ((PRICE, COST), [[BUYER]])
    again = fulfil(cardctl, "--payment", payment)
    assert (again.code, again.data) == (0, ran.data)
    assert (spent(cardctl), len(sink.got)) == ((PRICE, COST), 1)
    (code,) = [row["activationCode"] for row in staff(cardctl.home, CODES)]
    assert code not in ran.stdout + again.stdout + ran.stderr


def test_by_its_session(cardctl: Cardctl, far_side: Control) -> None:
    made = cardctl("esim", "checkout", OFFER, "--recipient", BUYER, "--price", "4.90", "--currency", "USD", "-o", "json").data
    session = made["order"]["checkout_ref"]
    refused(fulfil(cardctl, "--session", session), 6, "STATE_FORBIDS")
    assert spent(cardctl) == (0, 0)
    far_side.pay(session)
    ran = fulfil(cardctl, "--session", session)
    assert (ran.code, ran.data["order"]["id"], ran.data["order"]["state"]) == (0, made["order"]["id"], "delivered")
    assert (ran.warnings, spent(cardctl)) == (["NO_MAIL_SERVER"], (PRICE, COST))


def test_by_a_file(cardctl: Cardctl, far_side: Control, tmp_path: Path) -> None:
    payment = sell(far_side, None, offer=None)
    refused(fulfil(cardctl, "--payment", payment), 2, "INVALID_INPUT")
    told = {"payment": payment, "offer_id": OFFER, "recipient_email": BUYER, "full_name": "Ada L.", "transaction_id": "A-1"}
    ran = fulfil(cardctl, "--order", order_file(tmp_path, **told))
    order = ran.data["order"]
    assert (ran.code, order["state"], order["transaction_id"], order["payment_ref"]) == (0, "delivered", "A-1", payment)
    assert spent(cardctl) == (PRICE, COST)
    other = order_file(tmp_path, **{**told, "offer_id": "ESIM-DE-7D-1GB"})
    refused(fulfil(cardctl, "--order", other), 2, "INVALID_INPUT")
    assert spent(cardctl) == (PRICE, COST)


GOOD = {"payment": "pi_1", "offer_id": OFFER, "recipient_email": BUYER}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("[]", "an object with the order is wanted"),
        ("{}", "payment is missing"),
        (json.dumps(GOOD | {"payment": "ch_1"}), "payment"),
        (json.dumps(GOOD | {"recipient_email": "nobody"}), "recipient_email"),
        (json.dumps(GOOD | {"offer_id": ""}), "offer_id"),
        (json.dumps(GOOD | {"offerid": OFFER}), "unknown key offerid"),
        (json.dumps(GOOD | {"full_name": 7}), "full_name"),
        ("x" * 70_000, "too large"),
        ('{"payment": "\\ud800"}', "payment"),
        (None, "cannot be read"),
    ],
    ids=["empty", "list", "nothing", "payment", "recipient", "offer", "unknown", "type", "large", "surrogate", "absent"],
)
def test_bad_order_files(cardctl: Cardctl, tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "order.json"
    if text is not None:
        file.write_text(text)
    told = refused(fulfil(cardctl, "--order", str(file)), 2, "INVALID_FILE")
    assert said in told["message"]
    assert cardctl("esim", "list", "-o", "json").data == []


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ((), 2, "INVALID_INPUT"),
        (("--payment", "pi_1", "--session", "cs_1"), 2, "INVALID_INPUT"),
        (("--payment", "pi_1", "--offer", OFFER), 2, "INVALID_INPUT"),
        (("--payment", "pi_1", "--demo"), 2, "INVALID_INPUT"),
        (("--payment", "pi_nobody"), 7, "PROVIDER_HAS_NOT"),
        (("--session", "cs_nobody"), 7, "PROVIDER_HAS_NOT"),
        (("--demo", "--offer", "ESIM-NOWHERE"), 7, "PROVIDER_HAS_NOT"),
        (("--demo", "--wait", "soon"), 2, "INVALID_INPUT"),
        (("--demo", "--save", "qr.gif"), 2, "INVALID_INPUT"),
    ],
)
def test_nothing_that_could_be_fulfilled(cardctl: Cardctl, words: tuple[str, ...], code: int, error: str) -> None:
    refused(fulfil(cardctl, *words), code, error)
    assert cardctl("esim", "list", "--state", "delivered", "-o", "json").data == []


def test_a_name_that_is_taken_is_said_before_anything_is_bought(cardctl: Cardctl, tmp_path: Path) -> None:
    taken = tmp_path / "qr.png"
    taken.write_bytes(b"mine")
    refused(fulfil(cardctl, "--demo", "--save", str(taken)), 6, "REFUSED")
    assert taken.read_bytes() == b"mine"
    assert cardctl("esim", "list", "-o", "json").data == []
    assert fulfil(cardctl, "--demo", "--save", str(taken), "--force").code == 0
    assert (taken.read_bytes()[:4], taken.stat().st_mode & 0o777) == (b"\x89PNG", 0o600)


@pytest.mark.parametrize(
    ("offer", "state", "why", "left"),
    [
        ("ESIM-FAIL", "refunded", "PURCHASE_FAILED", (0, 0)),
        ("ESIM-NOWHERE", "refunded", "OFFER_GONE", (0, 0)),
        ("ESIM-DISABLED", "refunded", "OFFER_GONE", (0, 0)),
    ],
)
def test_refunded_is_3(cardctl: Cardctl, far_side: Control, sink: Sink, offer: str, state: str, why: str, left: Any) -> None:
    payment = sell(far_side, offer=offer)
    for _ in range(2):
        ran = fulfil(cardctl, "--payment", payment)
        order = ran.data["order"]
        assert (ran.code, order["state"], order["reason_code"], order["refunded"]) == (3, state, why, usd(PRICE))
        assert (spent(cardctl), [arrived.recipients for arrived in sink.got]) == (left, [[BUYER]])
    assert "4.90" in sink.got[0].part("plain")


def test_what_takes_its_time_is_pending(cardctl: Cardctl, far_side: Control, sink: Sink) -> None:
    payment = sell(far_side, offer="ESIM-SLOW")
    ran = fulfil(cardctl, "--payment", payment, "--wait", "0s")
    assert (ran.code, ran.warnings, ran.data["order"]["state"]) == (0, ["ORDER_PENDING"], "ordered")
    assert (ran.data["order"]["purchase_state"], spent(cardctl), sink.got) == ("in_progress", (PRICE, COST), [])
    far_side.advance(timedelta(hours=1, minutes=1))
    ran = cardctl("esim", "retry", "A-1", "-o", "json")
    assert (ran.code, ran.data["counts"], spent(cardctl), len(sink.got)) == (0, {"delivered": 1}, (PRICE, COST), 1)


@pytest.mark.parametrize("sort", ["3", "8"])
def test_mail_that_does_not_go(cardctl: Cardctl, far_side: Control, sink: Sink, sort: str) -> None:
    """3: the address is refused, and a person is needed. 8: the server will take it later."""
    sink.answers["RCPT"] = "550 no such user" if sort == "3" else "451 try again later"
    payment = sell(far_side)
    ran = fulfil(cardctl, "--payment", payment)
    order = ran.data["order"]
    assert (ran.code, order["state"]) == (int(sort), "ready")
    assert order["reason_code"] == ("MAIL_REFUSED" if sort == "3" else "MAIL_UNAVAILABLE")
    sink.answers.clear()
    ran = cardctl("esim", "retry", order["id"], "--recipient", "ada@new.example", "-o", "json")
    assert (ran.code, ran.data["counts"]) == (0, {"delivered": 1})
    assert ([arrived.recipients for arrived in sink.got], spent(cardctl)) == ([["ada@new.example"]], (PRICE, COST))
    assert len(staff(cardctl.home, CODES)) == 1


def test_a_dry_run_sends_nothing(cardctl: Cardctl, far_side: Control) -> None:
    payment = sell(far_side)
    ran = fulfil(cardctl, "--payment", payment, "--dry-run")
    assert (ran.code, ran.data["would_follow"]) == (0, ["no mail server is configured"])
    (draft,) = ran.data["would_send"]
    assert (draft["method"], draft["path"]) == ("POST", "/esim/purchases")
    assert draft["body"] == {"offerId": OFFER, "transactionId": "A-1"}
    assert (spent(cardctl), cardctl("esim", "list", "-o", "json").data) == ((PRICE, 0), [])
    demo = fulfil(cardctl, "--demo", "--dry-run")
    assert (demo.code, demo.data["would_follow"][-1], purses(cardctl.home).payments) == (0, "esim.buy", PRICE)
    far_side.set_wallet(Money(1, "USD"))
    short = fulfil(cardctl, "--payment", payment, "--dry-run")
    assert (short.code, "1.49 USD" in str(short.data["would_follow"]), short.warnings) == (0, True, [])
    assert cardctl("esim", "fulfil", "--payment", payment, "--dry-run").stdout.startswith(
        "would send nothing\nthe wallet is short"
    )


def test_in_words(cardctl: Cardctl, far_side: Control, sink: Sink) -> None:
    assert cardctl("esim", "fulfil", "--demo").lines[0].endswith("eSIM TR, 1 GB, 7 days: delivered to demo@example.com")
    failed = cardctl("esim", "fulfil", "--payment", sell(far_side, offer="ESIM-FAIL"))
    assert (failed.code, ": refunded 4.90 USD (" in failed.lines[0]) == (3, True)


def test_demo_is_for_the_simulator_alone(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(cardctl, SANDBOX)
    _secrets(monkeypatch)
    refused(fulfil(cardctl, "--demo", "--profile", "box"), 6, "DEVELOPMENT_ONLY")
    refused(fulfil(cardctl, "--demo", "--dry-run", "--profile", "box"), 6, "DEVELOPMENT_ONLY")


def test_no_card_is_taken_by_the_real_zendit(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is asked of anybody."""
    configured(cardctl, f'{SANDBOX}[profiles.box.zendit]\ntopup = "card"\n[profiles.box.zendit.cardholder]\n{HOLDER}')
    _secrets(monkeypatch)
    for words in (("fulfil", "--payment", "pi_1"), ("retry",), ("retry", "--dry-run")):
        told = refused(cardctl("esim", *words, "--profile", "box", "-o", "json"), 7, "NOT_SUPPORTED")
        assert "zendit" in told["message"].lower()
        assert "topup_url" in str(told)


HOLDER = """
name = "Acme"
email = "a@example.com"
line1 = "1 Main St"
city = "Oakland"
postal_code = "94612"
country = "US"
"""


def test_a_card_needs_a_holder(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(cardctl, f'{SANDBOX}[profiles.box.zendit]\ntopup = "card"\ntopup_url = "https://pay.example/v1/topups"\n')
    _secrets(monkeypatch)
    told = refused(fulfil(cardctl, "--payment", "pi_1", "--profile", "box"), 2, "INVALID_CONFIG")
    assert "cardholder" in told["message"]


def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_STRIPE_API_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc")
    monkeypatch.setenv("CARDCTL_ZENDIT_API_KEY", "sand_0123456789abcdef")
    monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE=")


# --- retry


def test_retry_whole(cardctl: Cardctl, far_side: Control, sink: Sink) -> None:
    far_side.set_wallet(Money(0, "USD"))
    order = fulfil(cardctl, "--payment", sell(far_side)).data["order"]
    assert (order["state"], order["reason_code"], order["reason"]) == (
        "funding", "WALLET_SHORT", "put 1.50 USD into the wallet",
    )  # fmt: skip
    due = cardctl("esim", "retry", "--dry-run", "-o", "json")
    assert (due.code, due.data) == (0, []), "not before its time"
    named = cardctl("esim", "retry", "A-1", "--dry-run", "-o", "json")
    assert ([each["id"] for each in named.data], named.data[0]["state"]) == ([order["id"]], "funding")
    waits = cardctl("esim", "retry", order["id"], "-o", "json")
    assert (waits.code, waits.data["counts"]) == (3, {"funding": 1})
    far_side.set_wallet(Money(COST, "USD"))
    ran = cardctl("esim", "retry", order["payment_ref"], "-o", "json")
    assert (ran.code, list(ran.data)) == (0, ["orders", "counts", "failed", "not_reached"])
    assert (ran.data["counts"], ran.data["failed"], ran.data["not_reached"]) == ({"delivered": 1}, [], 0)
    assert [list(each) for each in ran.data["orders"]] == [ORDER_FIELDS]
    assert (purses(cardctl.home), len(sink.got)) == (Purses(PRICE, OPENING, 0), 1)
    assert cardctl("esim", "retry").lines == ["no order is due"]


def test_retry_failed(cardctl: Cardctl, far_side: Control, sink: Sink) -> None:
    payment = sell(far_side)
    dispute = far_side.dispute(payment)
    ran = fulfil(cardctl, "--payment", payment)
    assert (ran.code, ran.data["order"]["state"], ran.data["order"]["reason_code"]) == (3, "stuck", "DISPUTED")
    assert cardctl("esim", "retry", "-o", "json").data["orders"] == []
    assert cardctl("esim", "retry", "--failed", "-o", "json").code == 3
    far_side.decide_dispute(dispute, "won")
    far_side.refund(payment)
    ran = cardctl("esim", "retry", "--failed", "-o", "json")
    assert (ran.data["counts"], spent(cardctl), sink.got) == ({"refunded": 1}, (0, 0), [])


def test_retry_of_nobodys_order(cardctl: Cardctl, far_side: Control) -> None:
    refused(cardctl("esim", "retry", "A-9", "-o", "json"), 5, "ORDER_NOT_FOUND")
    refused(cardctl("esim", "retry", "--recipient", BUYER, "-o", "json"), 2, "INVALID_INPUT")
    far_side.set_wallet(Money(0, "USD"))
    fulfil(cardctl, "--payment", sell(far_side))
    refused(cardctl("esim", "retry", "A-1", "--recipient", "nobody", "-o", "json"), 2, "INVALID_INPUT")
    far_side.set_wallet(Money(1_000, "USD"))
    assert cardctl("esim", "retry", "A-1").code == 0
    refused(cardctl("esim", "retry", "A-1", "--recipient", "b@example.com", "-o", "json"), 6, "STATE_FORBIDS")


def test_in_doubt_is_9(cardctl: Cardctl, far_side: Control) -> None:
    payment = sell(far_side)
    far_side.fault("lost-reply", times=60)
    ran = fulfil(cardctl, "--payment", payment, "--wait", "0s")
    assert (ran.code, ran.data["order"]["state"], ran.data["order"]["reason_code"]) == (9, "buying", "IN_DOUBT")
    far_side.clear_faults()
    ran = cardctl("esim", "retry", "A-1", "-o", "json")
    assert (ran.code, ran.data["counts"], spent(cardctl)) == (0, {"delivered": 1}, (PRICE, COST))


def test_no_code_in_any_pipe_or_file(cardctl: Cardctl, far_side: Control, sink: Sink, tmp_path: Path) -> None:
    fulfil(cardctl, "--payment", sell(far_side), "--qr", "--save", str(tmp_path / "qr.svg"))
    said = "".join(
        ran.stdout + ran.stderr
        for ran in (
            *(cardctl("esim", "show", "A-1", "-o", output) for output in ("json", "table", "csv", "ndjson")),
            cardctl("esim", "list", "-o", "json"),
            cardctl("audit", "list", "-o", "json"),
            cardctl("operation", "list", "-o", "json"),
            cardctl("esim", "reconcile", "--report", "-o", "json"),
            cardctl("esim", "fulfil", "--demo", "--qr"),
        )
    )
    rows = staff(cardctl.home, CODES)
    assert (len(rows), "A-1" in said) == (2, True)
    files = [file for file in cardctl.home.rglob("*") if file.is_file() and not file.name.startswith("simulator.db")]
    for row in rows:
        assert row["activationCode"] not in said
        assert [file.name for file in files if row["activationCode"].encode() in file.read_bytes()] == []
    refused(cardctl("esim", "show", "A-1", "--qr", "-o", "json"), 6, "REFUSED")


def test_a_dry_retry_shows_what_a_retry_would_take(
    cardctl: Cardctl, far_side: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, however many a run takes at a time, and what --failed adds, once."""
    monkeypatch.setattr(running, "_PORTION", 2)
    file = cardctl.home / "told.jsonl"

    def shown(*words: str) -> list[str]:
        return sorted(each["transaction_id"] for each in cardctl("esim", "retry", "--dry-run", *words, "-o", "json").data)

    def told() -> None:
        file.write_text("".join(f"{json.dumps(to_line(each))}\n" for each in far_side.deliveries(face="stripe")))
        assert cardctl("webhook", "ingest", str(file)).code == 0

    sell(far_side, "A-0", offer="ESIM-NOWHERE")
    told()
    assert cardctl("esim", "retry").code == 3
    assert (shown(), shown("--failed")) == ([], ["A-0"])
    for number in range(1, 4):
        sell(far_side, f"A-{number}")
    told()
    assert shown() == ["A-1", "A-2", "A-3"]
    assert shown("--failed") == ["A-0", "A-1", "A-2", "A-3"]
    assert shown("--failed", "A-0") == shown("A-0") == ["A-0"]
    assert spent(cardctl) == (4 * PRICE, 0)
