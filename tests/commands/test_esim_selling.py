"""`cardctl esim offers|balance|checkout`: whole documents, what is refused, what a dry run sends: nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran
from tests.commands.test_saved_card import quiet, refused
from tests.machine.bank_orders import staff

OFFER = "ESIM-TR-7D-1GB"
BUYER = "ada@example.com"
CHECKOUT = ("esim", "checkout", OFFER, "--recipient", BUYER)
PRICED = ("--price", "4.90", "--currency", "USD")
ORDER_FIELDS = [
    "id", "programme", "supplier", "payment_ref", "checkout_ref", "transaction_id", "offer_id", "title", "recipient",
    "full_name", "state", "cost", "price", "refunded", "purchase_ref", "purchase_state", "iccid", "reason_code", "reason",
    "paid_at", "delivered_at", "refunded_at", "created_at", "updated_at",
]  # fmt: skip


def usd(minor: int) -> dict[str, Any]:
    return {"minor": minor, "currency": "USD", "amount": f"{minor // 100}.{minor % 100:02d}"}


def sessions(cardctl: Cardctl) -> int:
    return len(staff(cardctl.home, "SELECT 1 FROM stripe_checkout_sessions"))


def done(ran: Ran) -> Any:
    assert (ran.code, quiet(ran)) == (0, True), ran
    return ran.data


def test_offers_whole(cardctl: Cardctl) -> None:
    found = done(cardctl("esim", "offers", "--country", "tr", "-o", "json"))
    (offer,) = [each for each in found if each["id"] == OFFER]
    assert offer == {
        "id": OFFER,
        "brand": "Simtel",
        "enabled": True,
        "country": "TR",
        "regions": [],
        "roaming": ["TR"],
        "days": 7,
        "data_gb": "1",
        "data_unlimited": False,
        "speeds": ["4G", "5G"],
        "cost": usd(150),
        "price": usd(300),
        "notes": "Data in Turkey.",
    }
    assert {each["country"] for each in found} == {"TR"}
    assert "ESIM-DISABLED" not in {each["id"] for each in found}


def test_offers_chosen(cardctl: Cardctl) -> None:
    def ids(*words: str) -> set[str]:
        return {each["id"] for each in done(cardctl("esim", "offers", *words, "-o", "json"))}

    assert "ESIM-DISABLED" in ids("--country", "TR", "--all")
    assert ids("--region", "Global") == {"ESIM-GLOBAL-7D-1GB", "ESIM-GLOBAL-30D-5GB"}
    assert ids("--country", "XX") == ids("--brand", "Nobody") == set()
    assert ids("--brand", "Simtel", "--country", "DE") == ids("--country", "DE") != set()
    cut = cardctl("esim", "offers", "--country", "DE", "--limit", "2", "-o", "json")
    assert (len(cut.data), cut.warnings) == (2, ["LIMIT_CUT"])


@pytest.mark.parametrize("output", ["csv", "ndjson", "table"])
def test_offers_otherwise(cardctl: Cardctl, output: str) -> None:
    ran = cardctl("esim", "offers", "--country", "TR", "-o", output)
    assert (ran.code, sum(OFFER in line for line in ran.lines)) == (0, 1)
    assert (ran.lines[0].startswith("id,"), ran.lines[0].startswith("{")) == (output == "csv", output == "ndjson")


def test_balance_whole(cardctl: Cardctl, far_side: Control) -> None:
    far_side.set_wallet(_money(250))
    idle = {"available": usd(250), "reserved": usd(0), "free": usd(250), "wanted": usd(0), "orders": 0, "order_ids": []}
    assert done(cardctl("esim", "balance", "-o", "json")) == {"topup": "request", "wallet": [idle]}
    checked = cardctl("esim", "reconcile", "--check-balance", "-o", "json")
    assert (checked.code, done(checked)) == (0, {"wallet": [idle]})
    far_side.set_wallet(_money(100))
    waiting = cardctl("esim", "fulfil", "--demo", "-o", "json")
    assert waiting.warnings == ["ORDER_PENDING"]
    (purse,) = done(cardctl("esim", "balance", "-o", "json"))["wallet"]
    ids = [waiting.data["order"]["id"]]
    assert purse == {
        "available": usd(100), "reserved": usd(0), "free": usd(100), "wanted": usd(150), "orders": 1, "order_ids": ids,
    }  # fmt: skip
    assert cardctl("esim", "reconcile", "--check-balance").code == 3
    assert cardctl("esim", "balance").lines == [
        "1.00 USD in the wallet, 0.00 USD spoken for, 1.00 USD free",
        "1.50 USD wanted by orders that wait (1)",
    ]


def test_checkout_whole(cardctl: Cardctl) -> None:
    words = (*CHECKOUT, *PRICED, "--name", "Ada L.", "--transaction-id", "A-1", "-o", "json")
    made = done(cardctl(*words))
    assert list(made) == ["order", "operation", "url"]
    assert list(made["order"]) == ORDER_FIELDS
    (session,) = staff(cardctl.home, "SELECT ref, amount FROM stripe_checkout_sessions")
    told = {name: made["order"][name] for name in ORDER_FIELDS[1:22] if made["order"][name] is not None}
    assert told == {
        "programme": "stripe/default",
        "checkout_ref": session["ref"],
        "transaction_id": "A-1",
        "offer_id": OFFER,
        "recipient": BUYER,
        "full_name": "Ada L.",
        "state": "unpaid",
        "price": usd(490),
    }
    assert session["amount"] == 490
    assert (made["operation"]["kind"], made["operation"]["amount"]) == ("esim.checkout", usd(490))
    assert made["url"].endswith(session["ref"])


def test_a_name_has_one_checkout(cardctl: Cardctl) -> None:
    words = (*CHECKOUT, *PRICED, "--transaction-id", "A-1", "-o", "json")
    done(cardctl(*words))
    told = refused(cardctl(*words), 6, "STATE_FORBIDS")
    assert "--transaction-id" in told["hint"]
    assert sessions(cardctl) == 1


def test_a_key_gives_the_same_page_again(cardctl: Cardctl) -> None:
    words = (*CHECKOUT, *PRICED, "--idempotency-key", "basket-9", "-o", "json")
    first = done(cardctl(*words))
    again = cardctl(*words)
    assert (again.code, again.warnings, again.data["url"], sessions(cardctl)) == (0, ["REPEATED"], first["url"], 1)
    refused(cardctl(*CHECKOUT, "--idempotency-key", "basket-9", "-o", "json"), 2, "IDEMPOTENCY_MISMATCH")
    assert sessions(cardctl) == 1


def test_the_supplier_s_price_where_none_is_named(cardctl: Cardctl) -> None:
    assert done(cardctl(*CHECKOUT, "-o", "json"))["order"]["price"] == usd(300)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ((*CHECKOUT, "--price", "1.49", "--currency", "USD"), 2, "INVALID_INPUT"),
        ((*CHECKOUT, "--price", "4.90", "--currency", "EUR"), 2, "INVALID_INPUT"),
        ((*CHECKOUT, "--price", "4.90"), 2, "INVALID_INPUT"),
        ((*CHECKOUT, "--price", "4.999", "--currency", "USD"), 2, "INVALID_AMOUNT"),
        ((*CHECKOUT, "--price", "-1", "--currency", "USD"), 2, "INVALID_AMOUNT"),
        (("esim", "checkout", OFFER, "--recipient", "nobody"), 2, "INVALID_INPUT"),
        (("esim", "checkout", OFFER, "--recipient", "a b@example.com"), 2, "INVALID_INPUT"),
        (("esim", "checkout", "ESIM-NOWHERE", "--recipient", BUYER), 7, "PROVIDER_HAS_NOT"),
        (("esim", "checkout", "ESIM-DISABLED", "--recipient", BUYER), 6, "STATE_FORBIDS"),
    ],
)
def test_no_page_for(cardctl: Cardctl, words: tuple[str, ...], code: int, error: str) -> None:
    refused(cardctl(*words, "-o", "json"), code, error)
    assert sessions(cardctl) == 0
    assert done(cardctl("esim", "list", "-o", "json")) == []


def test_a_dry_run_sends_nothing(cardctl: Cardctl) -> None:
    ran = done(cardctl(*CHECKOUT, *PRICED, "--transaction-id", "A-1", "--dry-run", "-o", "json"))
    (draft,) = ran["would_send"]
    assert (draft["method"], draft["path"], draft["body"]["metadata"]["transactionId"]) == (
        "POST",
        "/v1/checkout/sessions",
        "A-1",
    )
    assert draft["body"]["line_items"][0]["price_data"]["unit_amount"] == 490
    assert (sessions(cardctl), done(cardctl("esim", "list", "-o", "json"))) == (0, [])
    assert done(cardctl("operation", "list", "-o", "json")) == []


def _money(minor: int) -> Any:
    from cardctl.domain.money import Money

    return Money(minor, "USD")
