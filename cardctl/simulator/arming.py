"""Which fault strikes next: armed ones wait in the far side's file, random ones are drawn by a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cardctl.errors import BadInput
from cardctl.simulator import refunds
from cardctl.simulator.books import FarSide
from cardctl.simulator.desk import Desk
from cardctl.simulator.faults import FAULTS, Fault, On, named

_RANDOM_DELAY = 0.05  # a long run under random faults should not spend its time asleep

_DELAYED = {"delay_funding": "delayed-funding", refunds.DELAY: "delayed-refund"}
"""Where it is counted how many fundings (Strowallet) and refunds (Square, Stripe) will be delayed, and the kind of each."""


@dataclass(frozen=True, slots=True)
class Armed:
    """A fault that waits for the next requests that it strikes."""

    kind: str
    remaining: int
    delay: float | None


def arm(far_side: FarSide, kind: str, times: int = 1, delay: float | None = None) -> None:
    """The next `times` requests that it strikes, of any process, meet this fault, after those armed before.

    It waits for writes; for reads or lists where it strikes those alone. `delay` in seconds, for slow ones.
    """
    fault = named(kind)
    if times < 1:
        raise BadInput(f"a fault strikes at least once, not {times} times")
    if delay is not None and (delay < 0 or not fault.delay):
        slow = " and ".join(name for name, each in FAULTS.items() if each.delay)
        raise BadInput(f"{kind} takes no delay of {delay} seconds", hint=f"only {slow} take one")
    with far_side.transaction() as desk:
        if On.FUNDINGS in fault.on:
            _delay_fundings(desk, times)
        elif On.REFUNDS in fault.on:
            _delay_refunds(desk, times)
        else:
            desk.db.execute("INSERT INTO faults (kind, remaining, delay) VALUES (?, ?, ?)", (kind, times, delay))


def arm_random(far_side: FarSide, seed: int, rate: float) -> None:
    """From now on each request, reads too, meets some fault with probability `rate`; the same seed gives the same sequence."""
    if not 0 <= rate <= 1:
        raise BadInput(f"a rate lies between 0 and 1, not {rate}")
    with far_side.transaction() as desk:
        for key, value in (("fault_seed", str(seed)), ("fault_rate", repr(rate)), ("fault_counter", "0")):
            desk.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def clear(far_side: FarSide) -> None:
    """Nothing goes wrong any more."""
    with far_side.transaction() as desk:
        desk.db.execute("DELETE FROM faults")
        desk.db.execute("DELETE FROM meta WHERE key LIKE 'fault_%'")
        _delay_fundings(desk, 0)
        _delay_refunds(desk, 0)


def armed(far_side: FarSide) -> tuple[list[Armed], tuple[int, float] | None]:
    """What waits, in order, and the (seed, rate) of random faults."""
    with far_side.reading() as desk:
        waiting = [Armed(*row) for row in desk.db.execute("SELECT kind, remaining, delay FROM faults ORDER BY seq")]
        counts = dict(desk.db.execute("SELECT key, CAST(value AS INTEGER) FROM meta WHERE key IN (?, ?)", tuple(_DELAYED)))
        random = _random(desk)
    waiting += [Armed(_DELAYED[key], many, None) for key, many in counts.items() if many]
    return waiting, random and (random[0], random[1])


def awake(far_side: FarSide, *on: On) -> bool:
    """Whether anything may strike a request that is one of `on`: a look that costs no commit."""
    with far_side.reading() as desk:
        return _next(desk, on) is not None or _random(desk) is not None


def draw(far_side: FarSide, *on: On) -> Fault | None:
    """The fault that a request meets which is all of `on`. An armed one is used up by one request of one process, whichever
    comes first; a random one fits the request, so that the same requests under the same seed meet the same faults."""
    with far_side.transaction() as desk:
        return _take(desk, on) or _drawn(desk, [fault for fault in FAULTS.values() if fault.on.intersection(on)])


def _next(desk: Desk, on: Sequence[On]) -> tuple[int, str, float | None] | None:
    names = [fault.name for fault in FAULTS.values() if fault.armed_for.intersection(on)]
    where = f"kind IN ({', '.join('?' * len(names))}) ORDER BY seq LIMIT 1"
    found: tuple[int, str, float | None] | None = desk.db.execute(
        f"SELECT seq, kind, delay FROM faults WHERE {where}",  # noqa: S608  (question marks)
        names,
    ).fetchone()
    return found


def _take(desk: Desk, on: Sequence[On]) -> Fault | None:
    row = _next(desk, on)
    if row is None:
        return None
    desk.db.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", (row[0],))
    desk.db.execute("DELETE FROM faults WHERE remaining <= 0")
    fault = FAULTS[row[1]]
    return fault if row[2] is None else replace(fault, delay=row[2])


def _drawn(desk: Desk, fitting: list[Fault]) -> Fault | None:
    settings = _random(desk)
    if settings is None:
        return None
    seed, rate, counter = settings
    desk.db.execute("UPDATE meta SET value = ? WHERE key = 'fault_counter'", (str(counter + 1),))
    digest = hashlib.sha256(f"{seed}:{counter}".encode()).digest()
    if int.from_bytes(digest[:8], "big") >= rate * 2**64:
        return None
    fault = fitting[digest[8] % len(fitting)]
    return replace(fault, delay=_RANDOM_DELAY) if fault.delay else fault


def _random(desk: Desk) -> tuple[int, float, int] | None:
    values = dict(
        desk.db.execute("SELECT key, value FROM meta WHERE key IN ('fault_seed', 'fault_rate', 'fault_counter')").fetchall()
    )
    return (int(values["fault_seed"]), float(values["fault_rate"]), int(values["fault_counter"])) if values else None


def _delay_fundings(desk: Desk, times: int) -> None:
    from cardctl.simulator.strowallet import counter  # noqa: PLC0415 - only who delays loads that bank

    delay_next: Callable[[Desk, int], None] = counter.delay_next
    delay_next(Desk(desk.db, "strowallet", desk.now), times)


def _delay_refunds(desk: Desk, times: int) -> None:
    refunds.delay_next(desk, times)
