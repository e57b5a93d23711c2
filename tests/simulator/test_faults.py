"""Every fault of the table: what the client sees, whether the write took effect, what the same key gives afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from cardctl.errors import BadInput
from cardctl.simulator.arming import draw
from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.control import Control
from cardctl.simulator.faults import FAULTS, On
from cardctl.simulator.transport import SimulatorTransport
from tests.simulator.stranger import ADA, HOLDERS, TEST_AUTHORIZATIONS, Stranger

SEEN: dict[str, type[Exception] | int] = {
    "refused": httpx.ConnectError,
    "dns": httpx.ConnectError,
    "tls": httpx.ConnectError,
    "429": 429,
    "429-retry-after": 429,
    "429-retry-date": 429,
    "401": 401,
    "redirect": 302,
    "redirect-forever": 301,
    "portal": 200,
    "503-html": 503,
    "500": 500,
    "500-after-commit": 500,
    "500-saved": 500,
    "lost-reply": httpx.RemoteProtocolError,
    "torn-body": httpx.RemoteProtocolError,
    "slow": 200,
    "trickle": 200,
    "wrong-type": 200,
    "empty-body": 200,
    "clock-skew": 200,
}
"""What meets the client of a write."""

AFTERWARDS = {"500-after-commit": 500, "500-saved": 500}
"""What the same key gives when the fault is over, where that is not 200."""

NEVER_DONE = {"500-saved"}


def outcome(stranger: Stranger, card: str) -> type[Exception] | int:
    try:
        return stranger.post(TEST_AUTHORIZATIONS, {"card": card, "amount": "700"}, key="k1").status_code
    except httpx.TransportError as error:
        return type(error)


def test_each_fault_of_writes_is_described_here() -> None:
    assert SEEN.keys() == {name for name, fault in FAULTS.items() if On.WRITES in fault.on}
    assert len(FAULTS) >= 25


@pytest.mark.parametrize("kind", SEEN)
def test_a_fault_strikes_once_and_tells_the_truth_about_its_effect(stranger: Stranger, control: Control, kind: str) -> None:
    card = stranger.card()
    control.fault(kind)
    assert stranger.balance() == OPENING_FLOAT  # reads are spared
    assert outcome(stranger, card) == SEEN[kind]
    assert control.status()["faults"] == []
    assert stranger.balance() == OPENING_FLOAT - (700 if FAULTS[kind].committed else 0)
    assert outcome(stranger, card) == AFTERWARDS.get(kind, 200)
    assert stranger.balance() == OPENING_FLOAT - (0 if kind in NEVER_DONE else 700)
    assert outcome(stranger, card) == AFTERWARDS.get(kind, 200)
    assert stranger.balance() == OPENING_FLOAT - (0 if kind in NEVER_DONE else 700)


@pytest.mark.parametrize("kind", ["500-after-commit", "500-saved"])
def test_a_saved_500_is_replayed(stranger: Stranger, control: Control, kind: str) -> None:
    control.fault(kind)
    first = stranger.post(HOLDERS, ADA, key="k1")
    again = stranger.post(HOLDERS, ADA, key="k1")
    assert (first.status_code, again.status_code) == (500, 500)
    assert first.json()["error"] == {"message": "An unknown error occurred", "type": "api_error"}
    assert "Idempotent-Replayed" not in first.headers
    assert (again.headers["Idempotent-Replayed"], again.content) == ("true", first.content)
    assert stranger.post(HOLDERS, ADA, key="k2").status_code == 200
    assert len(stranger.seen(HOLDERS)["data"]) == (2 if kind == "500-after-commit" else 1)


def test_a_500_of_the_front_end_saves_nothing(stranger: Stranger, control: Control) -> None:
    control.fault("500")
    assert stranger.post(HOLDERS, ADA, key="k1").status_code == 500
    reply = stranger.post(HOLDERS, ADA, key="k1")
    assert (reply.status_code, "Idempotent-Replayed" in reply.headers) == (200, False)


def test_rate_limits(stranger: Stranger, control: Control) -> None:
    control.fault("429")
    control.fault("429-retry-after")
    bare, timed = stranger.post(HOLDERS, ADA), stranger.post(HOLDERS, ADA)
    assert (bare.status_code, bare.headers.get("Retry-After")) == (429, None)
    assert (timed.status_code, timed.headers.get("Retry-After")) == (429, "1")
    assert bare.json()["error"]["code"] == "rate_limit"
    assert bare.headers["Request-Id"] != timed.headers["Request-Id"]


def test_a_torn_body_stops_in_its_middle(stranger: Stranger, control: Control) -> None:
    control.fault("torn-body")
    with stranger.http.stream("POST", HOLDERS, data=ADA) as reply:
        assert reply.status_code == 200
        pieces = reply.iter_raw()
        first = next(pieces)
        assert 0 < len(first) < int(reply.headers["Content-Length"])
        with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection without sending complete message body"):
            next(pieces)


def test_armed_faults_strike_in_order_and_are_counted(stranger: Stranger, control: Control) -> None:
    control.fault("500", 2)
    control.fault("429", 1)
    assert [(fault["kind"], fault["remaining"]) for fault in control.status()["faults"]] == [("500", 2), ("429", 1)]
    assert [stranger.post(HOLDERS, ADA).status_code for _ in range(4)] == [500, 500, 429, 200]
    control.fault("refused", 100)
    control.clear_faults()
    assert stranger.post(HOLDERS, ADA).status_code == 200


def test_a_fault_outlives_nothing_it_should_not(path: Path, control: Control) -> None:
    """Armed by one process, it strikes another; five processes share three strikes."""
    control.fault("500", 3)
    script = "import sys; from pathlib import Path; from tests.simulator.stranger import *\n"
    script += "with Stranger(Path(sys.argv[1])) as one: print(one.post(HOLDERS, ADA).status_code)"
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, str(path)]
    running = [
        subprocess.Popen(command, cwd=root, env={"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, text=True) for _ in range(5)
    ]
    assert sorted(one.communicate()[0].strip() for one in running) == ["200", "200", "500", "500", "500"]


def test_slow_replies_and_impatient_clients(path: Path, control: Control) -> None:
    slept: list[float] = []
    with Stranger(path, sleep=slept.append) as one:
        control.fault("slow")
        control.fault("slow", delay=0.5)
        control.fault("slow", delay=30)
        one.http.timeout = httpx.Timeout(10)
        assert [one.post(HOLDERS, ADA).status_code for _ in range(2)] == [200, 200]
        with pytest.raises(httpx.ReadTimeout):
            one.post(HOLDERS, ADA)
        assert slept == [2.0, 0.5, 10]
        assert len(one.seen(HOLDERS)["data"]) == 3
        control.fault("slow", delay=30)
        one.http.timeout = httpx.Timeout(None)
        assert one.post(HOLDERS, ADA).status_code == 200
        assert slept[-1] == 30


def test_random_faults_repeat_with_their_seed(path: Path, stranger: Stranger, control: Control) -> None:
    far_side = FarSide(path)
    far_side.now()

    def sequence(seed: int, rate: float) -> list[str | None]:
        control.fault_random(seed, rate)
        drawn = [draw(far_side, On.WRITES if place % 2 == 0 else On.READS) for place in range(200)]
        return [None if fault is None else fault.name for fault in drawn]

    first = sequence(7, 0.3)
    assert first == sequence(7, 0.3)
    assert first != sequence(8, 0.3)
    fitting = {name for name, fault in FAULTS.items() if fault.on & {On.READS, On.WRITES}}
    assert set(first) <= {None, *fitting}
    assert 20 < sum(name is not None for name in first) < 100
    assert set(sequence(7, 0)) == {None}
    assert set(sequence(7, 1)) == fitting
    assert control.status()["random_faults"] == {"seed": 7, "rate": 1.0}
    control.clear_faults()
    assert control.status()["random_faults"] is None
    assert stranger.balance() == OPENING_FLOAT


def test_random_faults_strike_reads_too(stranger: Stranger, control: Control) -> None:
    control.fault_random(1, 1)
    outcomes: set[object] = set()
    for _ in range(200):
        try:
            outcomes.add(stranger.get("/v1/balance").status_code)
        except httpx.TransportError as error:
            outcomes.add(type(error))
    assert outcomes == {200, 301, 302, 401, 429, 500, 503, httpx.ConnectError, httpx.RemoteProtocolError}


@pytest.mark.parametrize(
    ("kind", "times", "delay", "words"),
    [
        ("lost-repl", 1, None, "'lost-reply'"),
        ("500", 0, None, "at least once"),
        ("500", 1, 3.0, "delay"),
        ("slow", 1, -1.0, "delay"),
    ],
)
def test_faults_that_make_no_sense(control: Control, kind: str, times: int, delay: float | None, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        control.fault(kind, times, delay)
    assert words in f"{refused.value.message} {refused.value.hint}"
    with pytest.raises(BadInput):
        control.fault_random(1, 1.5)
    assert control.status()["faults"] == []


def test_another_host_is_not_there(path: Path) -> None:
    with httpx.Client(transport=SimulatorTransport(path)) as client, pytest.raises(httpx.ConnectError):
        client.get("https://api.example.com/v1/balance")
    assert not path.exists()
