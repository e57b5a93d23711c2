"""Budget and breaker as a request meets them: what waits, what is refused, what passes, and what other processes see of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from cardctl.db.breakers import FAIL_MAX, PROBE_LIFE, RESET, SharedBreaker
from cardctl.db.machine import Machine, RateBudget
from cardctl.errors import CardctlError, CircuitOpen, ExitCode, ProviderUnavailable
from cardctl.providers.http import Http
from tests.db.machines import Clock, machine_at
from tests.providers.scripted import Script, Step, ok, status, torn

ROOT = Path(__file__).parents[2]
KEY = "sandbox:stripe/default"
URL = "https://bank.example/v1/cards/ic_1"


class Process:
    """What one process has: its own opening of the file, its own HTTP client over a script; time passes by waiting alone."""

    def __init__(self, file: Path, clock: Clock, rate: float | None = None) -> None:
        self.waits: list[float] = []
        self.script = Script()
        self.machine: Machine = machine_at(file, clock)
        self.breaker = SharedBreaker(self.machine, KEY, "bank")
        self.http = self._http(clock, rate)

    def _http(self, clock: Clock, rate: float | None) -> Http:
        def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            clock.move(seconds)

        return Http(
            "bank",
            transport=httpx.MockTransport(self._answered),
            timeout=5.0,
            sleep=sleep,
            random=lambda: 0.0,
            busy=(409,),
            budget=RateBudget(self.machine, KEY, rate) if rate else None,
            breaker=self.breaker,
        )

    def _answered(self, request: httpx.Request) -> httpx.Response:
        return self.script.handle_request(request)

    def send(self, *steps: Step, urgent: bool = False) -> None:
        """One write with a key, to be answered by these steps; every one of them must be used."""
        self.script = Script(*steps)
        self.http.send("POST", URL, headers={}, content="a=1", keyed=True, urgent=urgent)
        assert len(self.script.requests) == len(steps)

    def fails(self, *steps: Step, times: int = 1, urgent: bool = False) -> None:
        for _ in range(times):
            with pytest.raises(CardctlError) as caught:
                self.send(*(steps or [torn()] * 4), urgent=urgent)
            assert not isinstance(caught.value, CircuitOpen)

    def refused(self) -> CircuitOpen:
        """Not asked at all."""
        with pytest.raises(CircuitOpen) as caught:
            self.send(ok())
        assert self.script.requests == []
        return caught.value

    def interrupted(self) -> None:
        """Ctrl-C while the answer is waited for."""
        self.script = _Interrupted()
        with pytest.raises(KeyboardInterrupt):
            self.http.send("POST", URL, headers={}, content="a=1", keyed=True)

    def close(self) -> None:
        self.http.close()
        self.machine.close()


class _Interrupted(Script):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt


Start = Callable[..., Process]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "machine.db"


@pytest.fixture
def start(file: Path, clock: Clock) -> Iterator[Start]:
    """Starts a process on the one machine."""
    started: list[Process] = []

    def begin(rate: float | None = None) -> Process:
        started.append(Process(file, clock, rate))
        return started[-1]

    yield begin
    for process in started:
        process.close()


NOBODY: list[list[Step]] = [
    [httpx.ConnectError("refused")] * 4,
    [httpx.ReadTimeout("timed out")] * 4,
    [torn()] * 4,
    [status(500)] * 4,
    [status(500, {"Idempotent-Replayed": "true"})],
    [status(429), status(429), status(429), status(503)],
]
SOMEBODY: list[list[Step]] = [
    [ok()],
    [status(400)],
    [status(401)],
    [status(402)],
    [status(404)],
    [status(429)] * 4,
    [status(409)] * 4,
    [status(500), torn(), httpx.ConnectError("refused"), ok()],
]


@pytest.mark.parametrize("steps", NOBODY)
def test_five_requests_that_find_nobody_open_it(start: Start, steps: list[Step]) -> None:
    process = start()
    process.fails(*steps, times=FAIL_MAX - 1)
    process.fails(*steps)
    process.refused()


def test_retries_of_one_request_count_once(start: Start) -> None:
    process = start()
    process.fails(times=FAIL_MAX - 1)  # sixteen attempts
    process.send(ok())


@pytest.mark.parametrize("steps", SOMEBODY)
def test_whoever_answers_is_there(start: Start, steps: list[Step]) -> None:
    process = start()
    process.fails(times=FAIL_MAX - 1)
    with suppress(CardctlError):  # to the caller some of these answers are errors
        process.send(*steps)
    process.fails(times=FAIL_MAX - 1)
    process.send(ok())


def test_the_refusal_says_when_to_come_again_and_what_still_works(start: Start) -> None:
    process = start()
    process.fails(times=FAIL_MAX)
    error = process.refused()
    assert (error.code, error.exit_code, error.retryable) == ("CIRCUIT_OPEN", ExitCode.UNAVAILABLE, True)
    assert isinstance(error, ProviderUnavailable)  # so that the journal knows that nothing ran
    assert "2100-10-21 07:28:31 UTC" in error.message
    assert "card show" in (error.hint or "")


def test_another_process_sees_it_and_a_later_one_too(start: Start) -> None:
    first, second = start(), start()
    first.fails(times=2)
    second.fails(times=3)
    first.refused()
    second.refused()
    first.close()
    second.close()
    start().refused()


def test_another_programme_is_asked_as_ever(start: Start) -> None:
    process = start()
    process.fails(times=FAIL_MAX)
    SharedBreaker(process.machine, "live:stripe/default", "bank").check()


def test_when_its_time_is_up_one_request_finds_out(start: Start, clock: Clock) -> None:
    process, others = start(), [start(), start()]
    process.fails(times=FAIL_MAX)
    clock.move(RESET - 1)
    process.refused()
    clock.move(1)
    process.breaker.check()  # this one is on its way
    for other in others:
        assert "another request" in other.refused().message
    process.breaker.succeeded()
    for other in others:
        other.fails(times=FAIL_MAX - 1)
        other.send(ok())


def test_a_probe_that_fails_opens_it_again(start: Start, clock: Clock) -> None:
    process, other = start(), start()
    process.fails(times=FAIL_MAX)
    clock.move(RESET)
    process.fails()
    other.refused()
    clock.move(RESET - 1)
    other.refused()
    clock.move(1)
    other.send(ok())
    process.send(ok())


def test_of_many_threads_one_is_let_through(start: Start, clock: Clock) -> None:
    process = start()
    process.fails(times=FAIL_MAX)
    clock.move(RESET)
    ended: list[str] = []

    def ask() -> None:
        try:
            process.breaker.check()
        except CircuitOpen:
            ended.append("refused")
        else:
            ended.append("let through")

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["let through"] + ["refused"] * 15


def test_of_many_processes_one_is_let_through(start: Start, file: Path, clock: Clock) -> None:
    process = start()
    process.fails(times=FAIL_MAX)
    script = f"""
import sys
from pathlib import Path
from cardctl.db.breakers import SharedBreaker
from cardctl.errors import CircuitOpen
from tests.db.machines import Clock, machine_at
clock = Clock()
clock.move(float(sys.argv[2]))
breaker = SharedBreaker(machine_at(Path(sys.argv[1]), clock), "{KEY}", "bank")
print("ready", flush=True)
sys.stdin.readline()
try:
    breaker.check()
except CircuitOpen:
    print("refused")
else:
    print("let through")
"""
    command = [sys.executable, "-c", script, str(file)]
    for passed, expected in ((RESET - 1, ["refused"] * 4), (RESET, ["let through"] + ["refused"] * 3)):
        ran = [
            subprocess.Popen([*command, str(passed)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        assert [one.stdout.readline() for one in ran if one.stdout] == ["ready\n"] * 4
        for one in ran:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        assert sorted(one.communicate(timeout=60)[0].strip() for one in ran) == expected
        assert [one.returncode for one in ran] == [0] * 4


def test_a_probe_that_was_killed_is_not_waited_for_for_ever(start: Start, clock: Clock) -> None:
    process, killed = start(), start()
    process.fails(times=FAIL_MAX)
    clock.move(RESET)
    killed.breaker.check()
    clock.move(PROBE_LIFE - 1)
    process.refused()
    clock.move(1)
    process.send(ok())


def test_a_probe_that_is_interrupted_leaves_it_to_the_next(start: Start, clock: Clock) -> None:
    process, other = start(), start()
    process.fails(times=FAIL_MAX)
    clock.move(RESET)
    process.interrupted()
    other.send(ok())


def test_interrupts_do_not_open_it(start: Start) -> None:
    process = start()
    process.fails(times=FAIL_MAX - 1)
    process.interrupted()
    process.send(ok())


def test_a_clock_stepped_back_does_not_hold_it_open(start: Start, clock: Clock) -> None:
    process = start()
    process.fails(times=FAIL_MAX)
    clock.move(-3600)
    process.send(ok())
    process.send(ok())


def test_an_urgent_request_passes_and_its_answer_closes_it(start: Start) -> None:
    process, other = start(), start()
    process.fails(times=FAIL_MAX)
    process.send(ok(), urgent=True)
    other.send(ok())


def test_an_urgent_request_that_finds_nobody_does_not_hold_it_open_for_longer(start: Start, clock: Clock) -> None:
    process = start()
    process.fails(times=FAIL_MAX)
    clock.move(RESET - 1)
    process.fails(urgent=True)
    process.refused()
    clock.move(1)
    process.send(ok())


def test_every_attempt_is_booked(start: Start) -> None:
    process = start(rate=10)
    process.send(status(500), status(500), ok())
    assert process.waits == [0.0, 0.1, 0.0, 0.1]  # before each retry: its backoff, then the budget


def test_an_urgent_request_does_not_wait_for_the_budget_and_the_next_one_does(start: Start) -> None:
    process = start(rate=1)
    for _ in range(3):
        process.send(ok(), urgent=True)
    assert process.waits == []
    process.send(ok())
    assert process.waits == [3.0]


def test_what_is_not_asked_is_not_booked(start: Start) -> None:
    process = start(rate=1)
    process.fails(times=FAIL_MAX)
    process.waits.clear()
    for _ in range(10):
        process.refused()
    assert process.waits == []
    process.send(ok(), urgent=True)
    process.send(ok())
    assert sum(process.waits) <= 2


def test_a_429_makes_the_other_processes_wait_too(start: Start) -> None:
    process, other = start(rate=10), start(rate=10)
    process.fails(*[status(429, {"Retry-After": "7"})] * 4)
    other.send(ok(), urgent=True)
    assert other.waits == []
    other.send(ok())
    assert other.waits == [pytest.approx(7.1)]  # behind the urgent one


def test_a_server_error_with_retry_after_is_its_own_requests_wait(start: Start) -> None:
    process, other = start(rate=10), start(rate=10)
    with pytest.raises(CardctlError):
        process.send(*[status(503, {"Retry-After": "60"})] * 4)
    assert sum(process.waits) == 180
    other.send(ok())
    assert other.waits == [pytest.approx(0.1)]
