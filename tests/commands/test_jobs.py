"""What a job is: alone, at most so long, stopped between two pieces of work, and told of in the log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cardctl import runtime
from cardctl.errors import BadInput, Busy, ExitCode
from cardctl.output.log import CATEGORIES
from cardctl.runtime import jobs
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl
from tests.commands.test_operation import doubtful, holders, listed
from tests.test_log import FIELDS

MILLION = 100_000_000
_SIGTERM_CAUGHT = 1 << (signal.SIGTERM - 1)


class Time:
    """A clock of the test's own: each look at it costs `look` seconds, and sleeping costs what it takes."""

    def __init__(self, look: float = 0) -> None:
        self.now, self.look = 0.0, look
        self.slept: list[float] = []

    def monotonic(self) -> float:
        self.now += self.look
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@contextmanager
def working(name: str = "replay", **more: Any) -> Iterator[jobs.Job]:
    with runtime.opened(profile="dev") as run, jobs.work(run, name, **more) as job:
        yield job


def told(cardctl: Cardctl, *names: str) -> list[dict[str, Any]]:
    """The lines of the log about jobs."""
    lines = [json.loads(line) for line in (cardctl.home / "logs" / "cardctl.log").read_text("utf-8").splitlines()]
    return [line for line in lines if line["event_type"] in (names or ("job_started", "job_ended"))]


def waiting_events(cardctl: Cardctl, far_side: Control, card: dict[str, Any], tmp_path: Path, many: int) -> None:
    """Three events of each of so many purchases of a dollar, kept and not applied."""
    cardctl("simulator", "deliver", "--profile", "dev")
    for _ in range(many):
        assert cardctl("simulator", "swipe", card["id"], "--amount", "1", "--no-deliver", "--profile", "dev").code == 0
    file = tmp_path / "events.jsonl"
    assert cardctl("simulator", "deliver", "--to-file", str(file), "--profile", "dev").code == 0
    assert cardctl("webhook", "ingest", str(file), "--no-apply", "--profile", "dev").code == 0


def balance(cardctl: Cardctl, card: dict[str, Any]) -> int:
    """As the books have it: `card show` would ask the provider, once the programme is over five minutes old."""
    cards = cardctl("card", "list", "--profile", "dev", "-o", "json").data
    (minor,) = (one["balance"]["minor"] for one in cards if one["id"] == card["id"])
    return int(minor)


@pytest.mark.parametrize("text", ["", "0s", "20", "-5m", "1h30m", "3661d"])
def test_no_span(cardctl: Cardctl, text: str) -> None:
    for option in ("--deadline", "--random-wait"):
        ran = cardctl("operation", "resume", f"{option}={text}", "-o", "json")
        assert (ran.code, ran.error) == (2, "INVALID_INPUT")


def test_the_wait_is_random_and_bounded(cardctl: Cardctl) -> None:
    assert jobs.random_part(600, lambda count: b"\xff" * count) == 600
    assert jobs.random_part(600, bytes) == 0
    assert len({jobs.random_part(600) for _ in range(50)}) > 40
    for _ in range(20):
        clock = Time()
        with working(wait=5, clock=clock.monotonic, sleep=clock.sleep):
            pass
        assert 0 < sum(clock.slept) <= 5
        assert max(clock.slept) <= 0.5


def test_a_deadline_begins_after_the_wait(cardctl: Cardctl) -> None:
    clock = Time()
    with working(seconds=10, wait=1000, clock=clock.monotonic, sleep=clock.sleep) as late:
        assert clock.now > 0
        answers = []
        for _ in range(3):
            answers.append(late())
            clock.now += 5
        assert answers == [False, False, True]
        assert late.verdict(ExitCode.DONE) is ExitCode.PARTLY


def test_who_was_never_told_that_it_is_late_left_nothing_undone(cardctl: Cardctl) -> None:
    clock = Time()
    with working(seconds=10, clock=clock.monotonic, sleep=clock.sleep) as late:
        assert not late()
        clock.now += 100
        assert late.verdict(ExitCode.FINDINGS) is ExitCode.FINDINGS
    assert told(cardctl, "job_ended")[-1]["late"] is False


def test_a_wait_comes_before_the_lock(cardctl: Cardctl) -> None:
    clock = Time()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        with runtime.opened(profile="dev") as other, other.lock("replay"):
            pass  # free as long as the other one only waits

    with working(wait=100, clock=clock.monotonic, sleep=sleep):
        assert clock.slept


def test_a_second_one_is_busy_at_once(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    for name, argv in (("replay", ("webhook", "replay", "--failed")), ("resume", ("operation", "resume"))):
        with runtime.opened(profile="dev") as run, run.lock(name):
            ran = cardctl(*argv, "--deadline", "5m", "--profile", "dev", "-o", "json")
        assert (ran.code, ran.error, ran.json["retryable"]) == (11, "BUSY", True)
        assert cardctl(*argv, "--profile", "dev").code == 0
    ended = told(cardctl, "job_ended")
    assert [(line["job"], line["exit"], line["level"]) for line in ended] == [
        ("replay", 11, "WARNING"),
        ("replay", 0, "INFO"),
        ("resume", 11, "WARNING"),
        ("resume", 0, "INFO"),
    ]


def test_the_log_frames_a_job(cardctl: Cardctl, programme: dict[str, Any]) -> None:
    assert cardctl("operation", "resume", "--deadline", "20m", "--profile", "dev").code == 0
    started, ended = told(cardctl)
    assert set(started) == FIELDS | {"job", "deadline_seconds", "waited_seconds"}
    assert set(ended) == FIELDS | {"job", "seconds", "exit", "late"}
    assert (started["event_type"], started["job"], started["deadline_seconds"]) == ("job_started", "resume", 1200)
    assert (ended["event_type"], ended["exit"], ended["late"]) == ("job_ended", 0, False)
    assert started["correlation_id"] == ended["correlation_id"]
    assert {started["category"], ended["category"]} == {"card_lifecycle"}
    assert set(jobs._CATEGORIES.values()) <= set(CATEGORIES)


@pytest.mark.parametrize(
    ("error", "code"), [(Busy("x"), 11), (BadInput("x"), 2), (KeyboardInterrupt(), 130), (ZeroDivisionError(), 1)]
)
def test_the_log_tells_how_a_job_failed(cardctl: Cardctl, error: BaseException, code: int) -> None:
    with pytest.raises(type(error)), working():
        raise error
    assert [line["exit"] for line in told(cardctl, "job_ended")] == [code]
    with working():
        pass  # and the lock is free again


def test_a_deadline_ends_a_resume_between_two_operations(
    cardctl: Cardctl, far_side: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [doubtful(cardctl, far_side, name) for name in ("Ada", "Grace", "Joan", "Mary")]
    clock = Time(look=1)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "time", clock)
        ran = cardctl("operation", "resume", "--deadline", "3s", "--profile", "dev", "-o", "json")
    assert (ran.code, ran.warnings, ran.stderr) == (10, ["DEADLINE"], "")
    assert "deadline of 3s" in ran.json["warnings"][0]["message"]
    settled = [found["id"] for found in ran.data["settled"]]
    assert settled == names[: len(settled)]
    assert 0 < len(settled) < 4
    assert (ran.data["left"], ran.data["not_reached"]) == ([], 4 - len(settled))
    states = {found["id"]: found["state"] for found in listed(cardctl)}
    assert [states[name] for name in names] == ["done"] * len(settled) + ["in_doubt"] * (4 - len(settled))
    assert told(cardctl, "job_ended")[-1]["exit"] == 10

    again = cardctl("operation", "resume", "--deadline", "1h", "--profile", "dev", "-o", "json")
    assert (again.code, again.warnings) == (0, [])
    assert [found["id"] for found in again.data["settled"]] == names[len(settled) :]
    assert holders(far_side) == 4


def test_a_deadline_ends_a_replay_between_two_pages(
    cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = programme["cards"][0]
    waiting_events(cardctl, far_side, card, tmp_path, 3)
    monkeypatch.setattr("cardctl.services.flows.replaying.BATCH", 2)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "time", Time(look=1))
        ran = cardctl("webhook", "replay", "--since", "2026-01-01", "--deadline", "3s", "--profile", "dev", "-o", "json")
    assert (ran.code, ran.warnings) == (10, ["DEADLINE"])
    done = ran.data["events"]
    assert done in (2, 4)  # whole pages
    states = [event["state"] for event in cardctl("webhook", "list", "--profile", "dev", "-o", "json").data]
    assert (states.count("received"), states.count("failed")) == (len(states) - states.count("applied"), 0)

    again = cardctl("webhook", "replay", "--since", "2026-01-01", "--deadline", "1h", "--profile", "dev", "-o", "json")
    assert (again.code, again.warnings) == (0, ["RESUMED"])
    assert done + again.data["events"] == len(states)
    assert balance(cardctl, card) == MILLION - 300


def test_late_before_the_first_piece_does_nothing(
    cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = programme["cards"][0]
    waiting_events(cardctl, far_side, card, tmp_path, 1)
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "time", SimpleNamespace(monotonic=Time(look=3600).monotonic, sleep=lambda _seconds: None))
        ran = cardctl("webhook", "replay", "--failed", "--deadline", "1s", "--profile", "dev")
    assert (ran.code, ran.lines) == (10, ["0 events replayed: nothing"])
    assert ran.stderr.startswith("warning: the deadline of 1s has passed")
    assert balance(cardctl, card) == MILLION
    assert cardctl("webhook", "replay", "--failed", "--profile", "dev").code == 0
    assert balance(cardctl, card) == MILLION - 100


def test_sigterm_makes_it_late_and_is_given_back(cardctl: Cardctl) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with working() as late:
        assert not late()
        os.kill(os.getpid(), signal.SIGTERM)
        assert late()
        assert late.verdict(ExitCode.DONE) is ExitCode.PARTLY
    assert signal.getsignal(signal.SIGTERM) is before


def test_sigterm_ends_a_process_that_waits(
    cardctl: Cardctl, far_side: Control, programme: dict[str, Any], tmp_path: Path
) -> None:
    card = programme["cards"][0]
    waiting_events(cardctl, far_side, card, tmp_path, 1)
    argv = [sys.executable, "-m", "cardctl", "webhook", "replay", "--failed", "--random-wait", "3000d"]
    with subprocess.Popen(
        [*argv, "--profile", "dev", "-o", "json"],
        env=cardctl.environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and not _catches_sigterm(process.pid):
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=60)
    envelope = json.loads(stdout)
    assert (process.returncode, stderr) == (10, "")
    assert [warning["code"] for warning in envelope["warnings"]] == ["DEADLINE"]
    assert "told to stop" in envelope["warnings"][0]["message"]
    assert envelope["data"]["events"] == 0
    assert balance(cardctl, card) == MILLION
    assert (told(cardctl)[-1]["exit"], told(cardctl)[-1]["late"]) == (10, True)


def _catches_sigterm(pid: int) -> bool:
    try:
        caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    except (OSError, IndexError):
        return False
    return bool(int(caught, 16) & _SIGTERM_CAUGHT)
