"""`webhook serve --fulfil`, a real server: whoever has paid gets the eSIM without anybody typing, once, whatever is sent to the
server, and however it is stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cardctl.db.unit import Books
from cardctl.domain.events import Incoming
from cardctl.domain.money import Money
from cardctl.errors import BooksUnusable
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl
from tests.machine import bank_orders
from tests.machine.bank_orders import OPENING, Purses
from tests.receiver.world import Answered, Client
from tests.receiver.world import serving as receiving
from tests.smtp import Sink, sinking

COST, PRICE = 150, 490
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with sinking(tmp_path / "sink") as made:
        yield made


@pytest.fixture
def shop(cardctl: Cardctl, sink: Sink) -> Cardctl:
    configure(cardctl, sink)
    return cardctl


def configure(cardctl: Cardctl, sink: Sink, *zendit: str) -> None:
    file = cardctl.home / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    tables = ["[profiles.dev.mail]", sink.table, "[profiles.dev.zendit]", *zendit]
    file.write_text("\n".join(['[profiles.dev]\nenvironment = "simulator"', *tables, ""]))


@contextmanager
def serving(cardctl: Cardctl, *words: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server of orders, its URL, and its process; stopped by SIGTERM, and well, unless that was done before."""
    argv = ["webhook", "serve", "--port", "0", "--providers", "stripe,zendit", "--profile", "dev", "-o", "json", *words]
    server = subprocess.Popen(
        [sys.executable, "-X", "faulthandler", "-m", "cardctl", *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=cardctl.environ(),
    )
    assert server.stdout is not None
    try:
        yield json.loads(server.stdout.readline())["data"]["base_url"], server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        errors = _ended(server)
    assert server.returncode == 0, errors


def _ended(server: subprocess.Popen[bytes]) -> str:
    """What it said; one that does not end says where it is stuck."""
    try:
        return server.communicate(timeout=60)[1].decode()
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGABRT)
        return server.communicate()[1].decode()


def sell(far_side: Control, many: int = 1, offer: str = "ESIM-TR-7D-1GB") -> list[str]:
    """Customers who have paid; nobody was told yet."""
    told = [{"offerId": offer, "recipientEmail": f"c{n}@example.com", "transactionId": f"{offer}-{n}"} for n in range(many)]
    return far_side.sell_all([(Money(PRICE, "USD"), each, None) for each in told])


def deliver(cardctl: Cardctl, url: str, *words: str) -> int:
    """What the far side has to tell, sent; how many were taken."""
    ran = cardctl("simulator", "deliver", "--to", url, "--profile", "dev", "-o", "json", *words)
    assert ran.code == 0, ran
    return int(ran.data.get("accepted", 0))


def states(cardctl: Cardctl) -> list[str]:
    return sorted(one["state"] for one in cardctl("esim", "list", "--profile", "dev", "-o", "json").data)


def until(condition: Callable[[], bool], seconds: float = 90) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def said(url: str, path: str, body: bytes, headers: dict[str, str], method: str = "POST") -> Answered:
    client = Client(urlsplit(url).port or 0)
    try:
        return client(method, path, body, headers)
    finally:
        client.close()


def test_an_order_is_delivered_without_anybody_typing(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    page = shop("esim", "checkout", "ESIM-TR-7D-1GB", "--recipient", "ada@example.com", "--profile", "dev", "-o", "json")
    with serving(shop, "--fulfil") as (url, _):
        far_side.pay(page.data["order"]["checkout_ref"])
        assert deliver(shop, url) > 0
        assert until(lambda: states(shop) == ["delivered"]), states(shop)
        assert deliver(shop, url) > 0, "Zendit tells of the purchase"
        deliver(shop, url, "--all", "--fault", "duplicate")
    assert bank_orders.purses(shop.home) == Purses(300, OPENING, OPENING - COST)
    assert [mail.recipients for mail in sink.got] == [["ada@example.com"]]
    bank_orders.assert_ended(shop.home)


def test_what_ends_an_hour_later_is_told_by_the_supplier(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    sell(far_side, offer="ESIM-SLOW")
    with serving(shop, "--fulfil") as (url, _):
        deliver(shop, url)
        assert until(lambda: states(shop) == ["ordered"])
        assert sink.got == []
        assert shop("simulator", "advance", "61m", "--profile", "dev").code == 0
        assert deliver(shop, url, "--provider", "zendit") > 0
        assert until(lambda: states(shop) == ["delivered"])
    bank_orders.assert_ended(shop.home)
    assert len(sink.got) == 1


def test_a_purchase_that_failed_is_given_back(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    sell(far_side, offer="ESIM-FAIL")
    with serving(shop, "--fulfil") as (url, _):
        deliver(shop, url)
        assert until(lambda: states(shop) == ["refunded"] and len(sink.got) == 1)
        deliver(shop, url)  # charge.refunded is among it
    assert bank_orders.purses(shop.home) == Purses(0, OPENING, OPENING)
    bank_orders.assert_ended(shop.home)


def test_what_is_forged_changes_nothing(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    payment, unheard = sell(far_side, 2)
    bought = {
        "transactionId": "ESIM-TR-7D-1GB-0",
        "status": "FAILED",
        "productType": "ESIM",
        "updatedAt": "2099-01-01T00:00:00Z",
    }
    lie = json.dumps(bought).encode()
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "created": 1, "livemode": False}
    paid = json.dumps(event | {"data": {"object": {"id": unheard, "object": "payment_intent", "status": "succeeded"}}}).encode()
    with serving(shop, "--fulfil") as (url, _):
        begun = shop("esim", "fulfil", "--payment", payment, "--profile", "dev", "-o", "json")
        assert begun.data["order"]["state"] == "delivered"
        assert (
            said(url, "/webhooks/stripe", paid, JSON | {"Stripe-Signature": f"t={int(time.time())},v1={'0' * 64}"}).status
            == 400
        )
        assert said(url, "/webhooks/stripe", paid, JSON).status == 400
        for headers in (JSON, JSON | {"Authorization": "Bearer guessed"}):
            assert said(url, "/webhooks/zendit", lie, headers).status == 400
        genuine = JSON | {"Authorization": secret_of(far_side)}
        assert said(url, "/webhooks/zendit", b"", JSON, "HEAD").status == 200
        assert said(url, "/webhooks/zendit", lie, genuine).status == 200, "it was said by whoever knows the header"
        listed = ("webhook", "list", "--provider", "zendit", "--profile", "dev", "-o", "json")
        assert until(lambda: [one["state"] for one in shop(*listed).data] == ["applied"]), "the purchase was read again"
    assert states(shop) == ["delivered"]
    assert bank_orders.purses(shop.home) == Purses(2 * PRICE, OPENING, OPENING - COST)
    assert len(sink.got) == 1


def secret_of(far_side: Control) -> str:
    return far_side.webhook_secrets()["zendit.webhook_secret"][0]


def test_many_that_come_twice_and_in_disorder(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    sell(far_side, 8)
    sell(far_side, 2, offer="ESIM-FAIL")
    wanted = ["delivered"] * 8 + ["refunded"] * 2
    with serving(shop, "--fulfil") as (url, _):
        for seed in ("1", "2"):
            deliver(shop, url, "--all", "--fault", "duplicate", "--fault", "reordered", "--seed", seed)
        assert until(lambda: states(shop) == wanted), states(shop)
        deliver(shop, url, "--all", "--fault", "duplicate", "--fault", "reordered", "--seed", "3")
    assert states(shop) == wanted
    bank_orders.assert_ended(shop.home)
    assert bank_orders.purses(shop.home) == Purses(8 * PRICE, OPENING, OPENING - 8 * COST)
    assert len(sink.got) == 10
    assert shop("esim", "reconcile", "--profile", "dev").code == 0


def test_stopped_in_the_middle_the_next_one_goes_on(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    sell(far_side, 12)
    with serving(shop, "--fulfil") as (url, server):
        deliver(shop, url)
        assert until(lambda: len(sink.got) > 0)
        server.send_signal(signal.SIGTERM)
    ended = states(shop)
    assert (len(ended), "delivered" in ended) == (12, True)
    with serving(shop, "--fulfil"):
        assert until(lambda: states(shop) == ["delivered"] * 12), states(shop)
    bank_orders.assert_ended(shop.home)
    assert sorted(mail.recipients[0] for mail in sink.got) == sorted(f"c{n}@example.com" for n in range(12))


def test_without_fulfil_an_order_is_known_and_waits(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    sell(far_side)
    with serving(shop) as (url, _):
        deliver(shop, url)
        assert until(lambda: states(shop) == ["paid"])
        assert said(url, "/webhooks/zendit/shieldwall", b"{}", {}, "HEAD").status == 404, "off unless the profile says so"
    assert sink.got == []
    assert shop("esim", "retry", "--profile", "dev").code == 0
    assert (states(shop), len(sink.got)) == (["delivered"], 1)


def test_a_question_whether_a_purchase_is_ours(shop: Cardctl, far_side: Control, sink: Sink) -> None:
    configure(shop, sink, "shieldwall = true", 'webhook_header = "X-Shop-Token"')
    for payment in (*sell(far_side), *sell(far_side, offer="ESIM-SLOW")):
        shop("esim", "fulfil", "--payment", payment, "--wait", "0s", "--profile", "dev")
    until(lambda: shop("esim", "retry", "--profile", "dev").code == 0 and len(sink.got) == 1)
    assert states(shop) == ["delivered", "ordered"]
    ours = {"X-Shop-Token": secret_of(far_side)}

    def asked(name: str, headers: dict[str, str], **more: Any) -> int:
        entry = {"transactionId": name, "productType": "ESIM", "type": "DEBIT", "status": "PENDING", "amount": COST}
        return said(url, "/webhooks/zendit/shieldwall", json.dumps(entry | more).encode(), JSON | headers).status

    with serving(shop) as (url, _):
        assert said(url, "/webhooks/zendit/shieldwall", b"", {}, "HEAD").status == 200
        assert said(url, "/webhooks/zendit/shieldwall", b"", {}, "GET").status == 405
        assert asked("ESIM-SLOW-0", ours) == 200, "an order waits for it"
        assert asked("ESIM-TR-7D-1GB-0", ours) == 404, "that one is bought"
        assert asked("somebody-else-s", ours) == 404
        assert asked("ESIM-SLOW-0", {}) == 404
        assert asked("ESIM-SLOW-0", {"X-Shop-Token": "guessed"}) == 404
        assert asked("ESIM-SLOW-0", {"Authorization": secret_of(far_side)}) == 404, "the header has another name here"
        assert said(url, "/webhooks/zendit/shieldwall", b"no json", ours).status == 404
        assert asked("ESIM-SLOW-0", ours, offerId="a purchase") == 404
    assert states(shop) == ["delivered", "ordered"], "a question changes nothing"


def test_what_cannot_be_told_just_now_is_neither_yes_nor_no(books: Books, tmp_path: Path) -> None:
    def locked(_: Incoming) -> bool:
        raise BooksUnusable("another process holds them")

    with receiving(books, tmp_path, recognises=locked) as world, world.client() as client:
        answer = client("POST", "/webhooks/zendit/shieldwall", b"{}", JSON)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "could not be told" in world.said("problem")[0]["message"]


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--fulfil", "--no-apply"], 2), (["--fulfil", "--profile", "acme"], 6), (["--fulfil", "--profile", "card"], 7)],
)
def test_what_it_does_not_begin_with(shop: Cardctl, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int) -> None:
    """Orders that nothing is applied for; live without a word; a way to fill the wallet that Zendit does not have."""
    for name, value in (
        ("STRIPE_WEBHOOK_SECRET", "whsec_0123456789abcdef"),
        ("ACME__STRIPE_API_KEY", "sk_live_abcdefghijklmnop"),
        ("ACME__ZENDIT_API_KEY", "prod_abcdefghijklmnop"),
        ("CARD__STRIPE_API_KEY", "sk_test_abcdefghijklmnop"),
        ("CARD__ZENDIT_API_KEY", "sand_abcdefghijklmnop"),
        ("DB_ENCRYPTION_KEY", "0123456789abcdef" * 4),
    ):
        monkeypatch.setenv(f"CARDCTL_{name}", value)
    file = shop.home / "config" / "config.toml"
    live = '[profiles.acme]\nprovider = "stripe"\nenvironment = "live"\n'
    card = '[profiles.card]\nprovider = "stripe"\nenvironment = "sandbox"\n[profiles.card.zendit]\ntopup = "card"\n'
    card += '[profiles.card.zendit.cardholder]\nline1 = "1 Main St"\ncity = "Oakland"\npostal_code = "94612"\ncountry = "US"\n'
    file.write_text(f"{file.read_text()}\n{live}\n{card}")
    ran = shop("webhook", "serve", "--port", "0", "--providers", "stripe,zendit", *words)
    assert (ran.code, ran.stdout) == (code, ""), ran
