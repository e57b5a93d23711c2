"""The circuit breaker of one programme, with its state in the machine's file: pybreaker decides, this makes it one for all."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from pybreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker, CircuitBreakerStorage

from cardctl.db.machine import SECOND, Machine
from cardctl.errors import CircuitOpen

FAIL_MAX = 5
"""Whole requests, one after another, that found nobody."""
RESET = 30
"""Seconds that nobody is asked, from the last of them on."""
PROBE_LIFE = 150
"""Seconds, longer than four attempts of 30 and the waits between them: a probe older than that was killed."""


class SharedBreaker:
    """Closed, it lets all pass; open, none; half-open, one at a time, to see.

    pybreaker 1.4.1 holds a lock while what it guards runs, and does not see other processes (its issues 44 and 55). So it is
    only told how requests ended, each time within one turn of the file, and who may go while it is half-open is decided here.
    """

    def __init__(self, machine: Machine, key: str, provider: str) -> None:
        self._machine = machine
        self._provider = provider
        self._row = _Row(machine, key)

    def check(self) -> None:
        """CircuitOpen while it is open; when its time is up, one request is let through to see."""
        if self._row.state == STATE_CLOSED:
            return
        with self._machine.turn():
            state = self._row.state
            if state == STATE_CLOSED:
                return
            since, lasts = (self._row.opened, RESET) if state == STATE_OPEN else (self._row.probed, PROBE_LIFE)
            if since <= self._machine.now() < since + lasts * SECOND:  # a clock stepped back must not hold it open
                raise self._refusal(state, since + lasts * SECOND)
            self._circuit().half_open()
            self._row.probed = self._machine.now()

    def succeeded(self) -> None:
        """A definite answer came, whoever asked: the provider is there."""
        if self._row.state == STATE_CLOSED and not self._row.counter:
            return
        with self._machine.turn():
            circuit = self._circuit()
            if circuit.current_state == STATE_OPEN:  # an urgent request, which asked nobody
                circuit.half_open()
            circuit.call(lambda: None)

    def failed(self) -> None:
        """A whole request, with all of its attempts, found nobody, or nobody who could answer."""
        with self._machine.turn():
            circuit = self._circuit()
            if circuit.current_state != STATE_OPEN:
                with suppress(_Failed):
                    circuit.call(_fail)

    def released(self) -> None:
        """A request ended without telling anything of the provider; the next one may see."""
        if self._row.state == STATE_HALF_OPEN:
            with self._machine.turn():
                if self._row.state == STATE_HALF_OPEN:
                    self._row.state = STATE_OPEN  # since when it was: its time is up

    def _circuit(self) -> CircuitBreaker:
        """As the file has it now; kept for longer, it would take another process's change for its own and reset the count."""
        return CircuitBreaker(FAIL_MAX, RESET, state_storage=self._row, throw_new_error_on_trip=False)

    def _refusal(self, state: str, until: int) -> CircuitOpen:
        if state == STATE_HALF_OPEN:
            return CircuitOpen(f"{self._provider} did not answer lately; another request is just looking whether it is back")
        moment = f"{datetime.fromtimestamp(until // SECOND + 1, UTC):%Y-%m-%d %H:%M:%S} UTC"
        return CircuitOpen(f"{self._provider} did not answer {FAIL_MAX} requests in a row; it is not asked before {moment}")


class _Row(CircuitBreakerStorage):
    """One row of `breakers`; a closed breaker that never failed has none. `opened` and `probed` are microseconds since 1970."""

    def __init__(self, machine: Machine, key: str) -> None:
        super().__init__(key)
        self._machine = machine

    @property
    def state(self) -> str:
        state = self._read("state", STATE_CLOSED)
        return str(state) if state in (STATE_OPEN, STATE_HALF_OPEN) else STATE_CLOSED

    @state.setter
    def state(self, state: str) -> None:
        self._write("state", state)

    @property
    def counter(self) -> int:
        return int(self._read("failures", 0))

    def increment_counter(self) -> None:
        self._write("failures", self.counter + 1)

    def reset_counter(self) -> None:
        self._write("failures", 0)

    @property
    def success_counter(self) -> int:
        return int(self._read("successes", 0))

    def increment_success_counter(self) -> None:
        self._write("successes", self.success_counter + 1)

    def reset_success_counter(self) -> None:
        self._write("successes", 0)

    @property
    def opened(self) -> int:
        return int(self._read("opened_at", 0))

    @property
    def opened_at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.opened)

    @opened_at.setter
    def opened_at(self, _moment: datetime) -> None:
        """pybreaker reads the process's clock itself; ours is the one that was handed in."""
        self._write("opened_at", self._machine.now())

    @property
    def probed(self) -> int:
        return int(self._read("probed_at", 0))

    @probed.setter
    def probed(self, moment: int) -> None:
        self._write("probed_at", moment)

    def _read(self, column: str, absent: str | int) -> str | int:
        row = self._machine.look(f"SELECT {column} FROM breakers WHERE key = :key", {"key": self.name})  # noqa: S608 - our names
        value: str | int = row[0] if row else absent
        return value

    def _write(self, column: str, value: str | int) -> None:
        self._machine.execute(
            "INSERT INTO breakers (key, state, failures, successes, opened_at, probed_at) VALUES (:key, :closed, 0, 0, 0, 0)"
            " ON CONFLICT (key) DO NOTHING",
            {"key": self.name, "closed": STATE_CLOSED},
        )
        statement = f"UPDATE breakers SET {column} = :value WHERE key = :key"  # noqa: S608 - our names
        self._machine.execute(statement, {"key": self.name, "value": value})


class _Failed(Exception):
    """Tells pybreaker of a failure."""


def _fail() -> None:
    raise _Failed
