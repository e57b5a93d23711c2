"""Whatever merchants do, in any order: no cent appears or vanishes, and no approval breaks a limit."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cardctl.simulator.books import OPENING_FLOAT
from tests.simulator.stranger import (
    AUTHORIZATIONS,
    CARDS,
    TEST_AUTHORIZATIONS,
    TEST_TRANSACTIONS,
    TRANSACTIONS,
    Stranger,
    limits,
)

AMOUNTS = st.integers(1, 1500)
PICKS = st.integers(0, 1000)
PER_AUTHORIZATION, ALL_TIME, HOLDER_ALL_TIME = 800, 2000, 3000


class Bank(RuleBasedStateMachine):
    """One cardholder with a limit over two limited cards, and a float that can run dry."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bank = Stranger(Path(self.folder.name) / "simulator.db")
        self.topped_up = 0

    @initialize()
    def two_cards(self) -> None:
        holder = self.bank.holder(**limits(all_time=HOLDER_ALL_TIME))
        own = limits(per_authorization=PER_AUTHORIZATION, all_time=ALL_TIME)
        self.cards = [self.bank.card(holder, **own) for _ in range(2)]

    def teardown(self) -> None:
        self.bank.http.close()
        self.folder.cleanup()

    @rule(pick=PICKS, amount=AMOUNTS)
    def buy(self, pick: int, amount: int) -> None:
        card = self.cards[pick % 2]
        before = self.net(card), self.net()
        allowed = amount <= PER_AUTHORIZATION and before[0] + amount <= ALL_TIME and before[1] + amount <= HOLDER_ALL_TIME
        status = self.bank.seen(f"{CARDS}/{card}")["status"]
        assert self.bank.authorise(card, amount)["approved"] == (allowed and status == "active")

    @rule(pick=PICKS, amount=AMOUNTS)
    def increment(self, pick: int, amount: int) -> None:
        self.helper(pick, "increment", increment_amount=amount)

    @rule(pick=PICKS, amount=st.none() | AMOUNTS, close=st.booleans())
    def capture(self, pick: int, amount: int | None, close: bool) -> None:
        self.helper(pick, "capture", capture_amount=amount, close_authorization=str(close).lower())

    @rule(pick=PICKS, amount=st.none() | AMOUNTS)
    def reverse(self, pick: int, amount: int | None) -> None:
        self.helper(pick, "reverse", reverse_amount=amount)

    @rule(pick=PICKS)
    def expire(self, pick: int) -> None:
        self.helper(pick, "expire")

    @rule(pick=PICKS, amount=AMOUNTS, kind=st.sampled_from(["create_force_capture", "create_unlinked_refund"]))
    def loose(self, pick: int, amount: int, kind: str) -> None:
        self.bank.done(f"{TEST_TRANSACTIONS}/{kind}", {"card": self.cards[pick % 2], "amount": str(amount)})

    @rule(pick=PICKS, amount=st.none() | AMOUNTS)
    def refund(self, pick: int, amount: int | None) -> None:
        booked = self.all(TRANSACTIONS)
        if booked:
            form = {} if amount is None else {"refund_amount": str(amount)}
            self.bank.post(f"{TEST_TRANSACTIONS}/{booked[pick % len(booked)]['id']}/refund", form)

    @rule(pick=PICKS, status=st.sampled_from(["active", "inactive"]))
    def freeze(self, pick: int, status: str) -> None:
        self.bank.done(f"{CARDS}/{self.cards[pick % 2]}", {"status": status})

    @rule(amount=AMOUNTS)
    def top_up(self, amount: int) -> None:
        self.bank.done("/v1/topups", {"amount": str(amount), "currency": "usd", "destination_balance": "issuing"})
        self.topped_up += amount

    @invariant()
    def every_cent_is_somewhere(self) -> None:
        booked = sum(one["amount"] for one in self.all(TRANSACTIONS))
        assert self.bank.balance() == OPENING_FLOAT + self.topped_up + booked - self.held()

    @invariant()
    def refunds_stay_within_their_captures(self) -> None:
        for authorization in self.all(AUTHORIZATIONS):
            assert sum(one["amount"] for one in authorization["transactions"]) <= 0

    def helper(self, pick: int, verb: str, **form: Any) -> None:
        """A test helper on some authorization, whether it can be or not; an approved increment keeps the limits."""
        every = self.all(AUTHORIZATIONS)
        if not every:
            return
        chosen = every[pick % len(every)]
        card = chosen["card"]["id"]
        sent = {name: str(value) for name, value in form.items() if value is not None}
        reply = self.bank.post(f"{TEST_AUTHORIZATIONS}/{chosen['id']}/{verb}", sent)
        assert reply.status_code == (200 if self.possible(chosen, verb, form) else 400), reply.text
        if verb == "increment" and reply.status_code == 200 and reply.json()["request_history"][-1]["approved"]:
            assert self.net(card) <= ALL_TIME
            assert self.net() <= HOLDER_ALL_TIME
            assert reply.json()["amount"] <= PER_AUTHORIZATION

    def possible(self, chosen: dict[str, Any], verb: str, form: dict[str, Any]) -> bool:
        left = hold(chosen)
        if chosen["status"] != "pending" or (verb == "reverse" and (form["reverse_amount"] or 0) > left):
            return False
        return verb != "capture" or form["capture_amount"] is not None or left > 0

    def held(self, card: str | None = None) -> int:
        query = {} if card is None else {"card": card}
        return sum(hold(one) for one in self.all(AUTHORIZATIONS, **query))

    def net(self, card: str | None = None) -> int:
        query = {} if card is None else {"card": card}
        return self.held(card) - sum(int(one["amount"]) for one in self.all(TRANSACTIONS, **query))

    def all(self, path: str, **query: str) -> list[dict[str, Any]]:
        return list(self.bank.seen(path, limit=100, **query)["data"])


def hold(authorization: dict[str, Any]) -> int:
    """What a client can work out: the amount of an open authorization less what was captured of it."""
    if authorization["status"] != "pending":
        return 0
    captured = -sum(int(one["amount"]) for one in authorization["transactions"] if one["type"] == "capture")
    return max(int(authorization["amount"]) - captured, 0)


TestBank = Bank.TestCase
TestBank.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
