"""Our side in this process: a desk over real SQLite books and the simulator, on a transport that remembers what was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from cardctl.config.paths import Paths
from cardctl.db.leases import FileLease
from cardctl.db.sealed import EncryptionKeys
from cardctl.db.unit import Books
from cardctl.domain.cards import Card
from cardctl.domain.operations import OPEN, Operation
from cardctl.domain.redaction import Secret
from cardctl.providers import registry
from cardctl.providers.base import Handed
from cardctl.runtime import new_id
from cardctl.secrets.development import KeyFile
from cardctl.services.desk import Desk
from cardctl.services.resuming import Resumed, resume
from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport
from tests.machine.bank import rows

TIMEOUT = 5.0
PROVIDERS = ("stripe", "marqeta", "strowallet")
_SECRETS = {"stripe": "sk_test_simulator"}


class Wire(httpx.BaseTransport):
    """The simulator's transport. `sent` keeps every POST and PUT as (key, path, body), `before` and `after` are called around
    each request. A key is empty where the provider takes none in a header."""

    def __init__(self, path: Path) -> None:
        self._inner = SimulatorTransport(path, sleep=lambda _: None)
        self.sent: list[tuple[str, str, bytes]] = []
        self.before: Callable[[httpx.Request], None] = _nothing
        self.after: Callable[[httpx.Request], None] = _nothing

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self.sent.append((request.headers.get("idempotency-key", ""), request.url.path, request.read()))
        self.before(request)
        response = self._inner.handle_request(request)
        self.after(request)
        return response

    def close(self) -> None:
        self._inner.close()


class World:
    """One process's means, in `home`, at one provider. `clock_off` moves our clock alone; `commit` is told of every commit of
    our books."""

    def __init__(self, home: Path, commit: Callable[[str], None] = lambda _: None, *, provider: str = "stripe") -> None:
        self.home = home
        self.provider = provider
        self.clock_off = timedelta(0)
        paths = Paths.of({"CARDCTL_HOME": str(home)})
        self.far_side = Control(paths.simulator_file)
        self.wire = Wire(paths.simulator_file)
        self.lease = FileLease(paths.leases_dir)
        self.desk = Desk(
            books=_WatchedBooks(paths, commit),
            provider=registry.build(provider, _handed(self.wire, provider)),
            clock=lambda: datetime.now(UTC) + self.clock_off,
            new_id=new_id,
            sleep=lambda _: None,
            lease=self.lease,
            actor="tester",
            correlation_id="run_test",
            live=False,
            log=lambda *_: None,
        )

    @property
    def card(self) -> Card:
        """The card that tests are about, as our books have it."""
        found = rows(self.home, f"SELECT id, daily_minor, state FROM cards WHERE provider = '{self.provider}' ORDER BY id")
        limited = [row for row in found if row["daily_minor"] is not None or row["state"] == "closed"]
        with self.desk.books.read() as unit:
            return unit.cards.named((limited or found)[0]["id"])

    def operations(self) -> list[Operation]:
        """The journal of this provider, oldest first."""
        with self.desk.books.read() as unit:
            journal = [unit.operations.named(row["id"]) for row in rows(self.home, _JOURNAL)]
        return [operation for operation in journal if operation.provider == self.provider]

    def open(self) -> list[Operation]:
        return [operation for operation in self.operations() if operation.state in OPEN]

    def resume(self) -> Resumed:
        return resume(self.desk)

    def audit_is_whole(self) -> bool:
        with self.desk.books.read() as unit:
            return unit.audit.verify().ok

    def beside(self) -> World:
        """Another process's means, in the same home."""
        return World(self.home, provider=self.provider)

    def close(self) -> None:
        """The ordinary end of a process."""
        self._shut()
        self.lease.release()

    def die(self) -> None:
        """What a kill leaves: nothing is tidied up, only the kernel lets go of the lease."""
        self._shut()
        self.lease._lock.release(force=True)

    def _shut(self) -> None:
        self.desk.provider.close()
        self.desk.books.close()
        self.far_side.close()


@contextmanager
def opened(home: Path, provider: str = "stripe") -> Iterator[World]:
    world = World(home, provider=provider)
    try:
        yield world
    finally:
        world.close()


class _WatchedBooks(Books):
    def __init__(self, paths: Paths, told: Callable[[str], None]) -> None:
        key = KeyFile(paths.development_key_file("dev"))
        file = paths.database_file("dev")
        super().__init__(str(file), environment="simulator", keys=lambda: EncryptionKeys(key.obtain(), None))
        self._told = told

    def _commit(self, connection: Any) -> None:
        self._told("commit before")
        super()._commit(connection)
        self._told("commit after")


_JOURNAL = "SELECT id FROM operations ORDER BY created_at, id"


def _handed(wire: Wire, provider: str) -> Handed:
    return Handed(
        environment="simulator",
        programme=f"{provider}/default",
        settings={},
        secret=lambda _: Secret(_SECRETS.get(provider, "simulator")),
        transport=wire,
        timeout=TIMEOUT,
        sleep=lambda _: None,
        random=lambda: 0.0,
    )


def _nothing(_: httpx.Request) -> None:
    return None
