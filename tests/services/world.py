"""One programme with its books and its bank; what a test does to either side, and what each of them then says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from cardctl import runtime
from cardctl.db.leases import FileLease
from cardctl.db.unit import Books
from cardctl.domain.accounts import Account, NewAccount
from cardctl.domain.cards import NO_LIMITS, Card, Limits
from cardctl.domain.money import Money
from cardctl.domain.operations import Operation
from cardctl.domain.redaction import Secret
from cardctl.domain.transactions import Transaction
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.services.deeds.issuing import CardWish, create_account
from cardctl.services.desk import Desk
from cardctl.services.opening import issue_card
from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport
from tests.db.conftest import keys_of
from tests.simulator.marqeta.stranger import Stranger as MarqetaStranger
from tests.simulator.stranger import TEST_AUTHORIZATIONS, TEST_TRANSACTIONS, Stranger
from tests.simulator.strowallet.client import Virtual

PROGRAMMES = {"stripe": "stripe/acct_1"} | {name: f"{name}/default" for name in ("marqeta", "strowallet", "square")}
_SECRETS = {"stripe": "sk_test_4eC39HqLyjWDarjtT1zdp7dc"}


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


class Wire(httpx.BaseTransport):
    """The simulator's transport. `asked` is every request as `METHOD path`; `before` and `after` are called around each."""

    def __init__(self, path: Path) -> None:
        self._inner = SimulatorTransport(path, sleep=lambda _seconds: None)
        self.asked: list[str] = []
        self.before: Callable[[httpx.Request], None] = lambda _request: None
        self.after: Callable[[httpx.Request], None] = lambda _request: None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        self.before(request)
        response = self._inner.handle_request(request)
        self.after(request)
        return response

    def close(self) -> None:
        self._inner.close()


class World:
    """`desk` is what services work with; `control` and `merchant` (at Stripe; `user` at Marqeta, `customer` at Strowallet) are
    the far side's own people. `slept` is every wait that was asked for, and `documents` what a command was given to hand on."""

    def __init__(
        self,
        home: Path,
        target: str,
        environment: str = "simulator",
        *,
        provider: str = "stripe",
        settings: dict[str, Any] | None = None,
    ) -> None:
        far_side = home / "simulator.db"
        self.books_target = target
        self.books = Books(target, environment=environment, keys=keys_of)
        self.control = Control(far_side)
        self.merchant = Stranger(far_side)
        self.user = MarqetaStranger(far_side)
        self.customer = Virtual(far_side)
        self.wire = Wire(far_side)
        self.slept: list[float] = []
        self.documents: dict[str, str] = {}
        (home / "leases").mkdir(exist_ok=True)
        self.lease = FileLease(home / "leases")
        handed = Handed(
            environment=environment,
            programme=PROGRAMMES[provider],
            settings=settings or {},
            secret=lambda _name: Secret(_SECRETS.get(provider, "simulator")),
            transport=self.wire,
            timeout=60.0,
            sleep=self.slept.append,
            random=lambda: 0.0,
            document=self.documents.get,
        )
        self.logged: list[tuple[str, str, dict[str, Any]]] = []
        self.desk = Desk(
            books=self.books,
            provider=registry.build(provider, handed),
            clock=runtime.now,
            new_id=runtime.new_id,
            sleep=self.slept.append,
            lease=self.lease,
            actor="tester",
            correlation_id="run_1",
            live=False,
            log=lambda category, event, fields: self.logged.append((category, event, fields)),
        )

    def close(self) -> None:
        self.desk.provider.close()
        for stranger in (self.merchant, self.user, self.customer):
            stranger.http.close()
        self.control.close()
        self.books.close()
        self.lease.release()

    def desk_with(self, **changes: Any) -> Desk:
        return replace(self.desk, **changes)

    def an_account(self, name: str = "Ada Lovelace", **fields: Any) -> Account:
        made = create_account(self.desk, NewAccount(name, **fields)).object
        assert isinstance(made, Account)
        return made

    def a_card(
        self, fund: str | None = "100", *, account: Account | None = None, limits: Limits = NO_LIMITS, **fields: Any
    ) -> Card:
        holder = account or self.an_account()
        wish = CardWish(holder.id, "USD", allowance=usd(fund) if fund else None, limits=limits, **fields)
        made = issue_card(self.desk, wish).object
        assert isinstance(made, Card)
        return made

    def card(self, card: Card) -> Card:
        """As the books have it now."""
        with self.books.read() as unit:
            return unit.cards.named(card.id)

    def account(self, account: Account) -> Account:
        with self.books.read() as unit:
            return unit.accounts.named(account.id)

    def events(self, card: Card | None = None) -> list[Transaction]:
        """The money events in our books, oldest first."""
        with self.books.read() as unit:
            found = list(unit.transactions.rows())
        return [event for event in reversed(found) if card is None or event.card_id == card.id]

    def operations(self) -> list[Operation]:
        """The journal, newest first."""
        with self.books.read() as unit:
            return list(unit.operations.rows())

    def audit(self) -> list[tuple[str, str]]:
        """What the audit tells, oldest first."""
        with self.books.read() as unit:
            assert unit.audit.verify().ok
            return [(entry.action, entry.object) for entry in unit.audit.rows()]

    def far(self, card: Card) -> dict[str, Any]:
        """The card as the bank has it."""
        return self.merchant.seen(f"/v1/issuing/cards/{card.ref}")

    def far_limit(self, card: Card, interval: str = "all_time") -> int | None:
        limits = self.far(card)["spending_controls"]["spending_limits"]
        return next((limit["amount"] for limit in limits if limit["interval"] == interval), None)

    def hold(self, card: Card, minor: int) -> str:
        """An approved authorization's ref."""
        made = self.merchant.authorise(card.ref, minor)
        assert made["approved"], made
        return str(made["id"])

    def on(self, authorization: str, what: str, **more: Any) -> dict[str, Any]:
        """capture, reverse, expire or increment an authorization."""
        return self.merchant.done(f"{TEST_AUTHORIZATIONS}/{authorization}/{what}", {k: str(v).lower() for k, v in more.items()})

    def refund(self, transaction: str, minor: int) -> dict[str, Any]:
        return self.merchant.done(f"{TEST_TRANSACTIONS}/{transaction}/refund", {"refund_amount": str(minor)})

    def force(self, card: Card, minor: int) -> dict[str, Any]:
        """A capture that nobody authorised."""
        return self.merchant.done(
            f"{TEST_TRANSACTIONS}/create_force_capture", {"card": card.ref, "amount": str(minor), "currency": "usd"}
        )

    def captures(self, authorization: str) -> list[str]:
        found = self.merchant.seen(f"/v1/issuing/authorizations/{authorization}")["transactions"]
        return [str(one["id"]) for one in found]


def strike(world: World, path: str, fault: str, times: int = 1) -> None:
    """The next request to `path`, and as many after it as `times` says, meet the fault."""

    def arm(request: httpx.Request) -> None:
        if request.method != "GET" and request.url.path.rstrip("/") == path:
            world.wire.before = lambda _request: None
            world.control.fault(fault, times)

    world.wire.before = arm


def at(world: World, path: str, act: Callable[[], Any], *, after: bool = False) -> None:
    """`act` happens once, while the next write to `path` is on its way there, or its answer on its way back."""

    def passed(request: httpx.Request) -> None:
        if request.method != "GET" and request.url.path.rstrip("/") == path:
            setattr(world.wire, when, lambda _request: None)
            act()

    when = "after" if after else "before"
    setattr(world.wire, when, passed)


def refuse(_request: httpx.Request) -> None:
    """Nobody is there: a provider that is down."""
    raise httpx.ConnectError("[Errno 111] Connection refused")
