"""Everything that can go wrong between a client and the far side: one table, and which fault strikes which request."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, replace
from enum import Enum

from cardctl.errors import BadInput
from cardctl.simulator.books import Desk, FarSide
from cardctl.simulator.wire import Spoil


class Delivery(Enum):
    """How much of the reply arrives."""

    WHOLE = "whole"
    TORN = "torn"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind. `committed`: the write has its effect; `front`: a status answered before the bank sees the request."""

    name: str
    does: str
    committed: bool
    connects: bool = True
    front: int | None = None
    retry_after: int | None = None
    spoil: Spoil = Spoil.NOTHING
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("refused", "the connection is refused; nothing runs", committed=False, connects=False),
        Fault("429", "rate limited, without Retry-After; nothing runs", committed=False, front=429),
        Fault("429-retry-after", "rate limited, with Retry-After: 1; nothing runs", committed=False, front=429, retry_after=1),
        Fault("500", "the front end fails; nothing runs, and the same key works later", committed=False, front=500),
        Fault("500-after-commit", "done, but a 500 is saved under the key and replayed", committed=True, spoil=Spoil.ANSWER),
        Fault("500-saved", "nothing is done; a 500 is saved under the key and replayed", committed=False, spoil=Spoil.EFFECT),
        Fault("lost-reply", "done and saved; the connection closes before the reply", committed=True, delivery=Delivery.NONE),
        Fault("torn-body", "done and saved; the reply stops in its middle", committed=True, delivery=Delivery.TORN),
        Fault("slow", "done and saved; the reply comes after a delay (2 s)", committed=True, delay=2.0),
    )
}

_RANDOM_DELAY = 0.05  # a long run under random faults should not spend its time asleep


@dataclass(frozen=True, slots=True)
class Armed:
    """A fault that waits for its next writes."""

    kind: str
    remaining: int
    delay: float | None


def named(kind: str) -> Fault:
    """The fault of that name; BadInput names the nearest."""
    if kind in FAULTS:
        return FAULTS[kind]
    near = difflib.get_close_matches(kind, FAULTS, n=1, cutoff=0.3)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise BadInput(f"there is no fault {kind!r}", hint=f"{hint}there are {', '.join(FAULTS)}")


def arm(far_side: FarSide, kind: str, times: int = 1, delay: float | None = None) -> None:
    """The next `times` writes, of any process, meet this fault, after those armed before. `delay` in seconds, for slow ones."""
    fault = named(kind)
    if times < 1:
        raise BadInput(f"a fault strikes at least once, not {times} times")
    if delay is not None and (delay < 0 or not fault.delay):
        raise BadInput(f"{kind} takes no delay of {delay} seconds", hint="only `slow` takes one")
    with far_side.transaction() as desk:
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


def armed(far_side: FarSide) -> tuple[list[Armed], tuple[int, float] | None]:
    """What waits, in order, and the (seed, rate) of random faults."""
    with far_side.reading() as desk:
        waiting = [Armed(*row) for row in desk.db.execute("SELECT kind, remaining, delay FROM faults ORDER BY seq")]
        random = _random(desk)
    return waiting, random and (random[0], random[1])


def draw(far_side: FarSide, *, write: bool) -> Fault | None:
    """The fault that this request meets. An armed one is used up by one write of one process, whichever comes first."""
    with far_side.reading() as desk:  # nearly always there is none, and a read costs no commit
        waiting = write and desk.db.execute("SELECT 1 FROM faults LIMIT 1").fetchone()
        random = _random(desk)
    if waiting:
        with far_side.transaction() as desk:
            taken = _take(desk)
        if taken is not None:
            return taken
    if random is None:
        return None
    with far_side.transaction() as desk:
        return _drawn(desk)


def _take(desk: Desk) -> Fault | None:
    row = desk.db.execute("SELECT seq, kind, delay FROM faults ORDER BY seq LIMIT 1").fetchone()
    if row is None:
        return None
    desk.db.execute("UPDATE faults SET remaining = remaining - 1 WHERE seq = ?", (row[0],))
    desk.db.execute("DELETE FROM faults WHERE remaining <= 0")
    fault = FAULTS[row[1]]
    return fault if row[2] is None else replace(fault, delay=row[2])


def _drawn(desk: Desk) -> Fault | None:
    settings = _random(desk)
    if settings is None:
        return None
    seed, rate, counter = settings
    desk.db.execute("UPDATE meta SET value = ? WHERE key = 'fault_counter'", (str(counter + 1),))
    digest = hashlib.sha256(f"{seed}:{counter}".encode()).digest()
    if int.from_bytes(digest[:8], "big") >= rate * 2**64:
        return None
    fault = list(FAULTS.values())[digest[8] % len(FAULTS)]
    return replace(fault, delay=_RANDOM_DELAY) if fault.delay else fault


def _random(desk: Desk) -> tuple[int, float, int] | None:
    values = dict(
        desk.db.execute("SELECT key, value FROM meta WHERE key IN ('fault_seed', 'fault_rate', 'fault_counter')").fetchall()
    )
    return (int(values["fault_seed"]), float(values["fault_rate"]), int(values["fault_counter"])) if values else None
