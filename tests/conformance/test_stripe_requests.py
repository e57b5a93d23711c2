"""Every request that the Stripe adapter can make, held against the official descriptions of Stripe's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.domain.accounts import AccountChange, Address, NewAccount
from cardctl.domain.cards import Limits, NewCard
from cardctl.domain.money import Money
from cardctl.domain.operations import Draft
from cardctl.domain.redaction import Secret
from cardctl.domain.states import Move
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.simulator.transport import SimulatorTransport
from tests.conformance.openapi import Nonconforming, check_request, load

SPECS = ["stripe-issuing-2026-10-28", "stripe-issuing-2023-08-16"]
ADDRESS = Address("123 Fake St", "Beverly Hills", "90210", "US", "CA", "Apt 3")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


class Recorder(httpx.BaseTransport):
    """Writes down what passes on its way to the simulator."""

    def __init__(self, path: Path) -> None:
        self._inner = SimulatorTransport(path, sleep=lambda _seconds: None)
        self.seen: list[tuple[str, str, bytes]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        form = request.url.query if request.method == "GET" else request.read()
        self.seen.append((request.method, request.url.path, form))
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


class Tour:
    """A walk through everything that the provider can do, each stop by its name."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.account = self.send(provider.draft_account(NewAccount("Jenny Rosen", address=ADDRESS), "op_account"))
        limits = Limits(usd(1), usd(2), usd(3), usd(4))
        self.card = self.send(
            provider.draft_card(NewCard(self.account.ref, "USD", limits=limits, allowance=usd(500)), "op_card")
        )

    def send(self, draft: Draft) -> Any:
        marks = draft.body["metadata"]
        return self.provider.send(draft, marks.get("cardctl_operation") or marks["cardctl_moved_by"])

    def read_all(self) -> None:
        since = datetime(2026, 1, 1, tzinfo=UTC)
        list(self.provider.cards())
        list(self.provider.cards(account_ref=self.account.ref))
        list(self.provider.accounts())
        list(self.provider.transactions())
        list(self.provider.transactions_of(self.card.ref, since=since))
        self.provider.card(self.card.ref)
        self.provider.account(self.account.ref)
        self.provider.wallet_eligibility(self.card.ref)

    def many_pages(self) -> None:
        for number in range(101):
            self.send(self.provider.draft_account(NewAccount("Jenny Rosen", address=ADDRESS), f"op_many{number}"))
        assert len(list(self.provider.accounts())) > 1

    def new_accounts(self) -> None:
        full = NewAccount(
            "Acme", external_id="acct_user1", email="a@b.co", phone="+18008675309", type="company", address=ADDRESS
        )
        self.send(self.provider.draft_account(full, "op_full"))
        self.send(self.provider.draft_account(NewAccount("Jenny Rosen"), "op_bare"))

    def account_changes(self) -> None:
        change = AccountChange(email="a@b.co", phone="+18008675309", address=ADDRESS, active=False)
        self.send(self.provider.draft_account_change(self.account.ref, change, "op_change"))
        self.send(self.provider.draft_account_change(self.account.ref, AccountChange(active=True), "op_activate"))

    def moves(self) -> None:
        card = self.send(self.provider.draft_card(NewCard(self.account.ref, "USD", active=False), "op_inactive"))
        for move in Move:
            if move is not Move.CLOSE:
                self.send(self.provider.draft_move(card.ref, move, f"op_{move}", "because"))
        self.send(self.provider.draft_close(card.ref, "op_close", "stolen"))
        new = NewCard(self.account.ref, "USD", allowance=usd(5), replaces_ref=card.ref, replaces_reason="stolen")
        self.send(self.provider.draft_card(new, "op_new"))

    def limits(self) -> None:
        changes = {"per_transaction": usd(10), "daily": None, "weekly": usd(30)}
        self.send(self.provider.draft_limits(self.card.ref, changes, "op_limits"))

    def no_limits(self) -> None:
        card = self.send(self.provider.draft_card(NewCard(self.account.ref, "USD", limits=Limits(daily=usd(1))), "op_limited"))
        self.send(self.provider.draft_limits(card.ref, {"daily": None}, "op_unlimited"))

    def money(self) -> None:
        self.send(self.provider.draft_fund(self.card.ref, usd(2**53 - 501), "op_fund", account_ref=""))
        self.send(self.provider.draft_withdraw(self.card.ref, usd(7), "op_withdraw", account_ref=""))

    def purchases(self) -> None:
        assert self.provider.test_purchase(self.card.ref, usd(1), "Rocket Rides").settlement
        assert self.provider.test_purchase(self.card.ref, usd(1), "Rocket Rides", hold=True).approved
        assert not self.provider.test_purchase(self.card.ref, usd(7), "Rocket Rides").approved

    def looking(self) -> None:
        for draft in (
            self.provider.draft_account(NewAccount("Jenny Rosen"), "op_a"),
            self.provider.draft_card(NewCard(self.account.ref, "USD"), "op_c"),
            self.provider.draft_fund(self.card.ref, usd(1), "op_f", account_ref=""),
        ):
            self.provider.look_up(draft, "op_nothing")

    def secrets_and_float(self) -> None:
        self.provider.reveal(self.card.ref)
        self.provider.float_balances()
        self.provider.ping()


STOPS: list[Callable[[Tour], None]] = [stop for name, stop in vars(Tour).items() if name[0] != "_" and name != "send"]


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "simulator.db")
    yield recorder
    recorder.close()


@pytest.fixture
def provider(recorder: Recorder) -> Any:
    handed = Handed(
        environment="simulator",
        programme="stripe/simulator",
        settings={},
        secret=lambda _name: Secret("sk_test_4eC39HqLyjWDarjtT1zdp7dc"),
        transport=recorder,
        timeout=60.0,
        sleep=lambda _seconds: None,
        random=lambda: 0.0,
    )
    return registry.build("stripe", handed)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.__name__)
def test_what_is_sent_is_described(provider: Any, recorder: Recorder, stop: Callable[[Tour], None], spec: str) -> None:
    description = load(spec)
    tour = Tour(provider)
    begun = len(recorder.seen)
    stop(tour)
    assert len(recorder.seen) > begun
    for method, path, form in recorder.seen:
        check_request(description, method, path, form)


@pytest.mark.parametrize("spec", SPECS)
def test_the_check_would_find_an_error(provider: Any, recorder: Recorder, spec: str) -> None:
    description = load(spec)
    Tour(provider)
    method, path, form = recorder.seen[-1]
    for wrong in (form + b"&colour=red", form.replace(b"[amount]=1&", b"[amount]=one&"), form.replace(b"=daily", b"=hourly")):
        assert wrong != form
        with pytest.raises(Nonconforming):
            check_request(description, method, path, wrong)
