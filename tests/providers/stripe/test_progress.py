"""How far an authorization's life has gone: counts none of which ever goes back, and that tell every change apart."""

from __future__ import annotations

import copy
import itertools
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from cardctl.domain.transactions import RemoteTransaction
from cardctl.providers.stripe_issuing import translate
from cardctl.providers.stripe_issuing.wire import StripeAuthorization
from tests.providers.stripe import objects

_AMOUNTS = st.integers(1, 1000)


def word(wire: dict[str, Any]) -> RemoteTransaction:
    return translate.authorization_from_wire(cast(StripeAuthorization, wire), keep=False)


class Life:
    """An authorization at Stripe, as far as its documentation tells; `shrinks`: a capture takes from `amount`, which it does
    not tell."""

    def __init__(self, *, shrinks: bool, asked: bool) -> None:
        self.shrinks = shrinks
        self.wire = objects.authorization(approved=False, request_history=[], amount=0, transactions=[])
        self.wire["pending_request"] = {"amount": 100}
        self.words = [copy.deepcopy(self.wire)] if asked else []

    def decide(self, amount: int, approved: bool) -> None:
        self.wire["request_history"].append({"amount": amount, "approved": approved})
        self.wire.update(approved=approved, amount=amount, pending_request=None, status="pending" if approved else "closed")
        self.note()

    def increment(self, amount: int, approved: bool) -> None:
        if self.wire["status"] == "pending":
            self.wire["request_history"].append({"amount": amount, "approved": approved})
            self.wire["amount"] += amount if approved else 0

    def reverse(self, amount: int) -> None:
        if self.wire["status"] == "pending":
            self.wire["amount"] -= min(amount, self.wire["amount"])
            if not self.wire["amount"]:
                self.wire["status"] = "reversed"

    def expire(self) -> None:
        if self.wire["status"] == "pending":
            self.wire["status"] = "expired"

    def capture(self, amount: int, close: bool) -> None:
        """Stripe takes one that comes late, too."""
        if self.wire["approved"]:
            self.wire["transactions"].append({"type": "capture", "amount": -amount})
            self.wire["amount"] -= min(amount, self.wire["amount"]) if self.shrinks else 0
            if close or self.wire["status"] != "pending":
                self.wire["status"] = "closed"

    def refund(self, amount: int) -> None:
        if self.wire["transactions"]:
            self.wire["transactions"].append({"type": "refund", "amount": amount})

    def note(self) -> None:
        self.words.append(copy.deepcopy(self.wire))


_STEPS = st.one_of(
    st.tuples(st.just("increment"), _AMOUNTS, st.booleans()),
    st.tuples(st.just("reverse"), _AMOUNTS),
    st.tuples(st.just("expire")),
    st.tuples(st.just("capture"), _AMOUNTS, st.booleans()),
    st.tuples(st.just("refund"), _AMOUNTS),
)


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, Any]]:
    life = Life(shrinks=draw(st.booleans()), asked=draw(st.booleans()))
    life.decide(draw(_AMOUNTS), draw(st.booleans()))
    for name, *arguments in draw(st.lists(_STEPS, max_size=12)):
        getattr(life, name)(*arguments)
        life.note()
    return life.words


@settings(max_examples=500, deadline=None)
@given(lives())
def test_no_count_goes_back_and_every_change_is_seen(words: list[dict[str, Any]]) -> None:
    told = [word(wire) for wire in words]
    for before, after in itertools.pairwise(told):
        assert all(one <= other for one, other in zip(before.progress, after.progress, strict=True)), (before, after)
        if (before.kind, before.state, before.amount, before.impact) != (after.kind, after.state, after.amount, after.impact):
            assert before.progress != after.progress, (before, after)


@settings(max_examples=200, deadline=None)
@given(lives(), st.sets(st.sampled_from(["request_history", "transactions", "status"])), st.data())
def test_what_leaves_something_out_is_never_ahead(words: list[dict[str, Any]], gone: set[str], data: st.DataObject) -> None:
    wire = data.draw(st.sampled_from(words))
    less = {name: value for name, value in wire.items() if name not in gone}
    assert all(one <= other for one, other in zip(word(less).progress, word(wire).progress, strict=True))


def test_the_table() -> None:
    life = Life(shrinks=False, asked=True)
    life.decide(1000, True)
    for step in (
        ("increment", 500, True),
        ("increment", 900, False),
        ("reverse", 300),
        ("capture", 100, False),
        ("expire",),
        ("capture", 50, False),
        ("refund", 50),
    ):
        getattr(life, step[0])(*step[1:])
        life.note()
    assert [word(wire).progress for wire in life.words] == [
        (0, 0, 0, 0),
        (0, 1, 0, 0),
        (0, 2, 0, 0),
        (0, 3, 0, 0),
        (0, 3, 0, 300),
        (0, 3, 1, 300),
        (1, 3, 1, 300),
        (1, 3, 2, 300),
        (1, 3, 3, 300),
    ]
