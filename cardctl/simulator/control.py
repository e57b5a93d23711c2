"""What the `simulator` commands do to the far side: fault, edit, advance, status, reset; knows no wire."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.simulator import (
    arming,
    counter,
    delivering,
    editing,
    purses,
    schema,
    serving,
    webhook_secrets,
)
from cardctl.simulator.books import FACES, FarSide
from cardctl.simulator.desk import Desk
from cardctl.simulator.network import Network
from cardctl.simulator.outbox import Registered
from cardctl.simulator.rows import Record
from cardctl.simulator.server import Manner
from cardctl.simulator.square import counter as square
from cardctl.simulator.till import Till
from cardctl.simulator.transport import BASE_URLS
from cardctl.simulator.zendit import console


class Control(Network, Till, console.Console):
    """The far side in the file `path`, seen from behind the counter. Errors are CardctlErrors."""

    def __init__(self, path: Path) -> None:
        self._far_side = FarSide(path)

    def deliveries(
        self,
        *,
        face: str | None = None,
        since_seq: int | None = None,
        event_ids: Sequence[str] | None = None,
        undelivered: bool = True,
        limit: int | None = None,
        to: Registered | None = None,
        seed: int = 0,
        rate: float = 0.0,
        kinds: Sequence[str] = (),
        live: bool = False,
    ) -> Iterator[delivering.Posted]:
        """What the banks have to tell as signed requests, in the order of sending (see `delivering` for each word). With `to`
        what was registered there hears of, with its own secrets. BadInput for faults that make no sense."""
        wanted = delivering.Wanted(face, since_seq, event_ids, undelivered, limit, to.types if to else ("*",))
        manner = delivering.Manner(seed, rate, kinds, live, to.secrets if to else {})
        return delivering.deliveries(self._far_side, wanted, manner)

    def mark_delivered(self, event_ids: Sequence[str]) -> None:
        """They need not be sent again."""
        delivering.mark_delivered(self._far_side, event_ids)

    def last_told(self) -> int:
        """The `seq` of the newest event, for `deliveries(since_seq=…)`."""
        return delivering.last_told(self._far_side)

    def registered_urls(self) -> dict[str, list[Registered]]:
        """By face, where its clients asked to be told."""
        return delivering.registered(self._far_side)

    def webhook_secrets(self) -> dict[str, list[str]]:
        """By name (`stripe.webhook_secret`, …): the one in use, and the one before it where there was one."""
        return webhook_secrets.known(self._far_side)

    def rotate_webhook_secrets(self) -> dict[str, list[str]]:
        """New ones in use, beside those that were."""
        return webhook_secrets.rotate(self._far_side)

    def fault(self, kind: str, times: int = 1, delay: float | None = None) -> None:
        """The next `times` requests that it strikes, of any process, meet this fault: writes, or reads and lists alone."""
        arming.arm(self._far_side, kind, times, delay)

    def fault_random(self, seed: int, rate: float) -> None:
        """Every request meets some fault with this probability, the same sequence for the same seed."""
        arming.arm_random(self._far_side, seed, rate)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        arming.clear(self._far_side)

    def edit(self, ref: str, fields: Mapping[str, Any], *, tell: bool = False) -> tuple[Record, Record]:
        """Changes fields, silently unless the bank is to `tell` of it; the edited ones before and after."""
        with self._far_side.transaction(silent=not tell) as desk:
            return editing.edit(desk, ref, fields)

    def advance(self, by: timedelta) -> datetime:
        """Moves the far side's clock on; returns its new time."""
        if by < timedelta(0):
            raise BadInput("the simulator's clock only goes forward")
        try:
            datetime.fromtimestamp(self._far_side.now(), UTC) + by
        except OverflowError:
            raise BadInput(f"the simulator's clock cannot be moved by {by.days} days", hint="its last year is 9999") from None
        moved = datetime.fromtimestamp(self._far_side.advance(int(by.total_seconds())), UTC)
        with self._far_side.transaction() as desk:
            for bank in (square, counter, console):  # so that what has lapsed is told, whoever asks first
                bank.settle(desk)
        return moved

    def status(self) -> dict[str, Any]:
        """Path, clock, float (Money by face), counts of objects together and by provider, faults that wait, base URLs in this
        process, and who serves now."""
        waiting, random = arming.armed(self._far_side)
        with self._far_side.reading() as desk:
            counted = {name: _counted(desk, tables) for name, tables in schema.OF_PROVIDER.items()}
            money = {face: _float(Desk(desk.db, face, desk.now)) for face in FACES}
        return {
            "path": str(self._far_side.path),
            "clock": datetime.fromtimestamp(desk.now, UTC),
            "float": money,
            "objects": _together(counted),
            "providers": counted,
            "faults": [asdict(fault) for fault in waiting],
            "random_faults": random and {"seed": random[0], "rate": random[1]},
            "base_urls": dict(BASE_URLS),
            "served": serving.served(self._far_side.path),
        }

    @contextmanager
    def serving(
        self, host: str, port: int, *, rate_limit: int | None, latency: float, version: str
    ) -> Iterator[serving.Served]:
        """The far side on a port of this machine, for as long as the block lasts; `latency` in seconds. BadInput."""
        self._far_side.now()  # a file that cannot be used is said here, not to a client
        with serving.running(self._far_side.path, host, port, Manner(rate_limit, latency, version)) as served:
            yield served

    def reset(self) -> None:
        """A new bank: no objects, no faults, the machine's clock, the opening float."""
        self._far_side.reset()

    def close(self) -> None:
        self._far_side.close()


def _counted(desk: Desk, tables: Sequence[str]) -> dict[str, int]:
    """Noun to how many there are, in the bank's own words."""
    count = "SELECT count(*) FROM {} WHERE deleted = 0"
    rows = {table: desk.db.execute(count.format(table)).fetchone()[0] for table in tables}
    return {"cardholders" if table == "holders" else table.partition("_")[2] or table: many for table, many in rows.items()}


def _together(counted: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    together: dict[str, int] = {}
    for each in counted.values():
        for noun, many in each.items():
            together[noun] = together.get(noun, 0) + many
    return together


def _float(desk: Desk) -> list[Money]:
    return [Money(amount, currency.upper()) for currency, amount in purses.available(desk).items()]
