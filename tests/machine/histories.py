"""Random lives of cards at each bank, as merchants, holders and the bank's own people make them; all of a seed.

`pace` is how much of the bank's time passes with each step, on the whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from cardctl.domain.money import Money
from cardctl.errors import CardctlError
from cardctl.simulator.control import Control
from tests.services.world import World
from tests.simulator.stranger import CARDS, HOLDERS, TEST_AUTHORIZATIONS, TEST_TRANSACTIONS

STEPS = 8
DISPUTES = "/v1/issuing/disputes"


class StripeLives:
    """Cards that somebody else made at Stripe, and what becomes of them; nobody here hears of it but by notifications."""

    def __init__(self, world: World, dice: random.Random, pace: timedelta) -> None:
        self.bank, self.control, self.dice, self.pace = world.merchant, world.control, dice, pace
        self.holders = [self.bank.holder() for _ in range(5)]

    def live(self, steps: int = STEPS) -> str:
        """One card's ref, after a life of so many steps."""
        card = self.bank.card(self.dice.choice(self.holders), status=self.dice.choice(("active", "active", "inactive")))
        held: list[str] = []
        paid: list[str] = []
        disputed: list[str] = []
        for _ in range(steps):
            self.dice.choice(self._acts)(self, card, held, paid, disputed)
            _pause(self.control, self.dice, self.pace)
        return card

    def _purchase(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        made = self.bank.authorise(card, self.dice.randint(1, 5_000))
        if made["approved"]:
            held.append(made["id"])

    def _capture(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        if held:
            part = {"capture_amount": str(self.dice.randint(1, 6_000)), "close_authorization": "false"}
            one = self.dice.choice(held)
            self._on(one, "capture", part if self.dice.random() < 0.5 else {})
            seen = self.bank.seen(f"/v1/issuing/authorizations/{one}")
            paid += [each["id"] for each in seen["transactions"] if each["id"] not in paid]

    def _change_hold(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        if held:
            what, form = self.dice.choice(
                (
                    ("increment", {"increment_amount": str(self.dice.randint(1, 900))}),
                    ("reverse", {"reverse_amount": str(self.dice.randint(0, 300))}),
                    ("reverse", {}),
                    ("expire", {}),
                )
            )
            self._on(self.dice.choice(held), what, form)

    def _refund(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        if paid:
            amount = {"refund_amount": str(self.dice.randint(1, 400))}
            self.bank.post(f"{TEST_TRANSACTIONS}/{self.dice.choice(paid)}/refund", amount)

    def _unasked(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        what = self.dice.choice(("create_force_capture", "create_unlinked_refund"))
        form = {"card": card, "amount": str(self.dice.randint(1, 700)), "currency": "usd"}
        self.bank.post(f"{TEST_TRANSACTIONS}/{what}", form)

    def _turn(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        """Twice in one second as likely as not."""
        for status in self.dice.sample(("active", "inactive", "active"), self.dice.randint(1, 3)):
            self.bank.post(f"{CARDS}/{card}", {"status": status})

    def _limit(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        limit = "spending_controls[spending_limits][0]"
        form = {f"{limit}[amount]": str(self.dice.randint(1, 99) * 1_000), f"{limit}[interval]": "all_time"}
        self.bank.post(f"{CARDS}/{card}", form)

    def _rename(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        self.bank.post(f"{HOLDERS}/{self.dice.choice(self.holders)}", {"email": f"{self.dice.randint(1, 99)}@example.com"})

    def _dispute(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        if disputed and self.dice.random() < 0.5:
            self.bank.post(f"{DISPUTES}/{disputed[-1]}/submit")
            with suppress(CardctlError):
                self.control.decide_dispute(disputed[-1], self.dice.choice(("won", "lost")))
        elif paid:
            form = {"transaction": self.dice.choice(paid), "evidence[reason]": "fraudulent"}
            made = self.bank.post(DISPUTES, form)
            disputed += [made.json()["id"]] if made.status_code == 200 else []

    def _close(self, card: str, held: list[str], paid: list[str], disputed: list[str]) -> None:
        if self.dice.random() < 0.2:
            self.bank.post(f"{CARDS}/{card}", {"status": "canceled"})

    def _on(self, authorization: str, what: str, form: dict[str, str]) -> None:
        self.bank.post(f"{TEST_AUTHORIZATIONS}/{authorization}/{what}", form)

    _acts: Sequence[Callable[..., None]] = (
        _purchase, _purchase, _purchase, _capture, _capture, _change_hold, _change_hold, _refund, _unasked, _turn, _limit,
        _rename, _dispute, _close,
    )  # fmt: skip


class MarqetaLives:
    """The same at Marqeta, where money is the holder's."""

    def __init__(self, world: World, dice: random.Random, pace: timedelta) -> None:
        self.bank, self.control, self.dice, self.pace = world.user, world.control, dice, pace
        self.product = self.bank.product()

    def live(self, steps: int = STEPS) -> str:
        user = self.bank.user()
        card = self.bank.card(user, self.product)
        self.bank.post("/cardtransitions", {"card_token": card, "state": "ACTIVE", "channel": "API", "reason_code": "00"})
        self.bank.load(user, self.dice.randint(20, 200))
        held: list[str] = []
        for _ in range(steps):
            self.dice.choice(self._acts)(self, card, held)
            _pause(self.control, self.dice, self.pace)
        return card

    def _purchase(self, card: str, held: list[str]) -> None:
        made = self.bank.authorise(card, self.dice.randint(1, 60))
        if made["state"] == "PENDING":
            held.append(made["token"])

    def _clear(self, card: str, held: list[str]) -> None:
        if held:
            body = {"original_transaction_token": self.dice.choice(held), "amount": self.dice.randint(1, 50)}
            self.bank.post("/simulate/clearing", body)

    def _reverse(self, card: str, held: list[str]) -> None:
        if held:
            body = {"original_transaction_token": self.dice.choice(held), "amount": self.dice.randint(1, 9)}
            self.bank.post("/simulate/reversal", body)

    def _turn(self, card: str, held: list[str]) -> None:
        for state in self.dice.sample(("ACTIVE", "SUSPENDED"), self.dice.randint(1, 2)):
            self.bank.post("/cardtransitions", {"card_token": card, "state": state, "channel": "API", "reason_code": "01"})

    _acts: Sequence[Callable[..., None]] = (_purchase, _purchase, _purchase, _clear, _clear, _reverse, _turn)


class StrowalletLives:
    """The same at Strowallet, which tells of purchases and money, and never of a freeze."""

    def __init__(self, world: World, dice: random.Random, pace: timedelta) -> None:
        self.bank, self.control, self.dice, self.pace = world.customer, world.control, dice, pace
        self.people = 0

    def live(self, steps: int = STEPS) -> str:
        self.people += 1
        email = f"a{self.people}@example.test"
        self.bank.customer(email)
        card = self.bank.new_card("100", email)
        for _ in range(steps):
            self.dice.choice(self._acts)(self, card)
            _pause(self.control, self.dice, self.pace)
        return card

    def _purchase(self, card: str) -> None:
        self.control.swipe(card, Money(self.dice.randint(1, 6_000), "USD"), hold=self.dice.random() < 0.3)

    def _fund(self, card: str) -> None:
        self.bank.fund(card, str(self.dice.randint(3, 50)))

    def _withdraw(self, card: str) -> None:
        self.bank.withdraw(card, str(self.dice.randint(3, 20)))

    _acts: Sequence[Callable[..., None]] = (_purchase, _purchase, _fund, _withdraw)


def _pause(control: Control, dice: random.Random, pace: timedelta) -> None:
    """Every third time the bank's clock goes on by about three times `pace`; else the next thing is of the same second."""
    if dice.random() < 1 / 3:
        control.advance(timedelta(seconds=int(pace.total_seconds() * dice.uniform(0, 6))))


LIVES: dict[str, Any] = {"stripe": StripeLives, "marqeta": MarqetaLives, "strowallet": StrowalletLives}
