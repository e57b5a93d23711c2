"""Whatever is done in whatever order, what was paid less what went back or is disputed is what is there."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from cardctl.errors import BadInput
from cardctl.simulator.control import Control
from tests.simulator.shop import CHARGES, CHECKOUTS, INTENTS, REFUNDS, page, purse
from tests.simulator.stranger import Stranger

METHODS = ["visa", "chargeDeclined", "pendingRefund", "refundFail", "createDispute"]
PLACES = st.integers(0, 50)


class Shop(RuleBasedStateMachine):
    """The model knows no rule of the bank's: it counts what the bank has said yes to, and what it says of each charge."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        path = Path(self.home.name) / "simulator.db"
        self.one, self.control = Stranger(path), Control(path)
        self.pages: list[str] = []
        self.refunds: list[str] = []

    @rule(amount=st.integers(50, 5000))
    def opens_a_page(self, amount: int) -> None:
        self.pages.append(page(self.one, amount)["id"])

    @rule(place=PLACES, declined=st.booleans(), later=st.booleans())
    def pays_a_page(self, place: int, declined: bool, later: bool) -> None:
        if self.pages:
            with suppress(BadInput):
                self.control.pay(self.pages[place % len(self.pages)], declined=declined, later=later)

    @rule(amount=st.integers(50, 5000), name=st.sampled_from(METHODS))
    def pays_at_once(self, amount: int, name: str) -> None:
        form = {"amount": str(amount), "currency": "usd", "confirm": "true", "payment_method": f"pm_card_{name}"}
        assert self.one.post(INTENTS, form).status_code == (402 if name == "chargeDeclined" else 200)

    @rule(place=PLACES, amount=st.integers(1, 3000) | st.none())
    def gives_back(self, place: int, amount: int | None) -> None:
        intents = self.one.seen(INTENTS, limit=100)["data"]
        if intents:
            form = {"payment_intent": intents[place % len(intents)]["id"]} | ({} if amount is None else {"amount": str(amount)})
            reply = self.one.post(REFUNDS, form)
            assert reply.status_code in (200, 400), reply.text
            self.refunds += [reply.json()["id"]] if reply.status_code == 200 else []

    @rule(place=PLACES, status=st.sampled_from(["failed", "succeeded", "pending", "canceled"]), tell=st.booleans())
    def staff_moves_a_refund(self, place: int, status: str, tell: bool) -> None:
        if self.refunds:
            self.control.edit(self.refunds[place % len(self.refunds)], {"status": status}, tell=tell)

    @rule(hours=st.integers(0, 13))
    def time_passes(self, hours: int) -> None:
        self.control.advance(timedelta(hours=hours))

    @invariant()
    def every_cent_is_somewhere(self) -> None:
        charges = self.one.seen(CHARGES, limit=100)["data"]
        given = [one for one in self.one.seen(REFUNDS, limit=100)["data"] if one["status"] in ("succeeded", "pending")]
        taken = sum(one["amount"] for one in charges if one["status"] == "succeeded")
        contested = sum(one["amount"] for one in charges if one["disputed"])
        assert purse(self.one) == taken - sum(one["amount"] for one in given) - contested
        for charge in charges:
            assert charge["amount_refunded"] == sum(one["amount"] for one in given if one["charge"] == charge["id"])
        received = [one["amount_received"] for one in self.one.seen(INTENTS, limit=100)["data"]]
        assert sum(received) == taken
        paid = [one["amount_total"] for one in self.one.seen(CHECKOUTS, limit=100)["data"] if one["payment_status"] == "paid"]
        assert sum(paid) <= taken

    def teardown(self) -> None:
        self.one.http.close()
        self.control.close()
        self.home.cleanup()


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
