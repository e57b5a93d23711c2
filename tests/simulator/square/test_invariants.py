"""Whatever is asked, in whatever order and however often: no more is taken than was held, and no more given back than taken."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulator.square.client import Seller, usd

AMOUNTS = st.integers(min_value=1, max_value=5000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), AMOUNTS, st.booleans()),
        st.tuples(st.just("change"), st.integers(0, 5), AMOUNTS),
        st.tuples(st.sampled_from(["complete", "cancel"]), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("refund"), st.integers(0, 5), AMOUNTS),
    ),
    max_size=12,
)


@dataclass
class Model:
    """One payment as it ought to be."""

    ref: str
    amount: int
    status: str
    refunded: int = 0
    refunds: list[str] = field(default_factory=list)

    def seen(self, found: dict[str, Any]) -> bool:
        refunded = found.get("refunded_money", {}).get("amount", 0)
        told = (found["status"], found["total_money"]["amount"], refunded, found.get("refund_ids", []))
        return told == (self.status, self.amount, self.refunded, self.refunds)


def step(seller: Seller, buyer: dict[str, Any], models: list[Model], move: tuple[str, int, int]) -> None:
    """One move twice, as if its answer had been lost; done where the model says so, refused where not."""
    name, first, second = move
    if name == "pay":
        body = seller.paying(buyer, first, autocomplete=bool(second))
        made = [seller.done("POST", "/v2/payments", body)["payment"] for _ in range(2)]
        assert made[0] == made[1]
        models.append(Model(made[0]["id"], first, "COMPLETED" if second else "APPROVED"))
    elif models:
        _act(seller, models[first % len(models)], name, second)


def _act(seller: Seller, model: Model, name: str, amount: int) -> None:
    path = f"/v2/payments/{model.ref}"
    if name == "change":
        body = {"idempotency_key": seller.key(), "payment": {"amount_money": usd(amount)}}
        done = _twice(seller, "PUT", path, body)
        assert done == (model.status == "APPROVED")
        model.amount = amount if done else model.amount
    elif name == "refund":
        body = {"idempotency_key": seller.key(), "payment_id": model.ref, "amount_money": usd(amount)}
        done = _twice(seller, "POST", "/v2/refunds", body)
        assert done == (model.status == "COMPLETED" and amount <= model.amount - model.refunded)
        if done:
            model.refunded += amount
            model.refunds.append(seller.done("POST", "/v2/refunds", body)["refund"]["id"])
    else:
        done = seller.send("POST", f"{path}/{name}").status_code == 200
        assert done == (model.status == "APPROVED")
        assert seller.send("POST", f"{path}/{name}").status_code == 400
        model.status = ("COMPLETED" if name == "complete" else "CANCELED") if done else model.status


def _twice(seller: Seller, method: str, path: str, body: dict[str, Any]) -> bool:
    first, again = (seller.send(method, path, body) for _ in range(2))
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    return first.status_code == 200


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_the_bank_and_the_model_agree(steps: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder, Seller(Path(folder) / "simulator.db") as seller:
        buyer, models = seller.buyer(), []  # type: tuple[dict[str, Any], list[Model]]
        for move in steps:
            step(seller, buyer, models, move)
            found = {one["id"]: one for one in seller.all("payments")}
            assert set(found) == {model.ref for model in models}
            assert all(model.seen(found[model.ref]) for model in models)
        assert len(seller.all("refunds")) == sum(len(model.refunds) for model in models)
