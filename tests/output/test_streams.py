"""Real processes: terminals, pipes that close, disks that are full, streams that are not there."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

TRIAL = [sys.executable, str(Path(__file__).with_name("trial.py")), "trial"]
ENV = {**os.environ, "TERM": "xterm-256color", "TZ": "Asia/Tokyo", "COLUMNS": "80"}
ENV.pop("NO_COLOR", None)


@pytest.fixture(autouse=True)
def _home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENV, "CARDCTL_HOME", str(home))


class Terminal:
    """A process on a pseudo-terminal; `read_until` gives all it wrote so far."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str] = ENV, *, stdout: int | None = None) -> None:
        self._master, slave = pty.openpty()
        self._seen = b""
        self.process = subprocess.Popen(
            [*TRIAL, *args],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            env=dict(env),
            close_fds=True,
        )
        os.close(slave)

    def read_until(self, text: str) -> str:
        while text.encode() not in self._seen and self._more():
            pass
        return self._seen.decode()

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def finish(self) -> str:
        while self._more():
            pass
        self.process.wait(timeout=30)
        os.close(self._master)
        return self._seen.decode()

    def _more(self) -> bool:
        if not select.select([self._master], [], [], 30)[0]:
            return False
        try:
            read = os.read(self._master, 65536)
        except OSError:  # the last process on it has gone
            return False
        self._seen += read
        return bool(read)


def test_table_on_a_terminal_is_local_and_coloured() -> None:
    seen = Terminal(["rows"]).finish()
    assert "2026-11-21 09:57:43" in seen
    assert "\x1b[32mactive" in seen
    assert "25.00 USD" in seen


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_is_turned_off(changes: dict[str, str]) -> None:
    seen = Terminal(["rows"], {**ENV, **changes}).finish()
    assert "active" in seen
    assert "\x1b" not in seen


@pytest.mark.parametrize("output", ["json", "ndjson", "csv"])
def test_other_outputs_are_the_same_on_a_terminal_as_in_a_pipe(output: str) -> None:
    seen = Terminal(["rows", "-o", output]).finish()
    piped = subprocess.run([*TRIAL, "rows", "-o", output], capture_output=True, env=ENV, check=True)
    assert seen.replace("\r\n", "\n") == piped.stdout.decode()
    assert piped.stderr == b""
    assert "2026-11-21T00:57:43.123456Z" in seen


@pytest.mark.parametrize("verb", [["rows", "--holder"], ["show"]])
def test_a_hostile_name_cannot_reach_a_terminal(verb: list[str]) -> None:
    for output in ("table", "json", "ndjson", "csv"):
        seen = Terminal([*verb, "E\x1b[2Jv\ne\u202e\x9b", "-o", output], {**ENV, "NO_COLOR": "1"}).finish()
        assert not {"\x1b", "\u202e", "\x9b"} & set(seen)
        assert "\\x1b[2J" in seen.replace("\n", "").replace("\r", "") or "\\u001b[2J" in seen


def test_long_table_streams_on_a_terminal() -> None:
    seen = Terminal(["rows", "--count", "1500"]).finish()
    assert len(seen.splitlines()) == 1501
    assert "2026-11-21 09:57:43" in seen.splitlines()[1500]


def test_narrow_terminal_cuts_nothing() -> None:
    seen = Terminal(["rows", "--holder", "Augusta Ada King Countess of Lovelace"], {**ENV, "NO_COLOR": "1"}).finish()
    assert "…" not in seen
    assert "Countess" in seen


@pytest.mark.parametrize(("typed", "code"), [("4242\n", 0), ("\n", 6), ("y\n", 6), ("\x04", 6)])
def test_consent_is_the_expected_answer_and_nothing_else(typed: str, code: int) -> None:
    terminal = Terminal(["ask"])
    assert "Close card_1? Type 4242 to go on:" in terminal.read_until("go on:")
    terminal.type(typed)
    terminal.finish()
    assert terminal.process.returncode == code


def test_no_consent_from_a_pipe() -> None:
    run = subprocess.run([*TRIAL, "ask"], input=b"4242\n", capture_output=True, env=ENV, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (6, b"", b"")


def test_a_question_goes_to_stderr_where_stdout_is_a_pipe(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        terminal = Terminal(["ask"], stdout=out.fileno())
        assert "go on:" in terminal.read_until("go on:")
        terminal.type("4242\n")
        terminal.finish()
    assert terminal.process.returncode == 0
    assert (tmp_path / "out").read_bytes() == b""


def test_card_numbers_are_shown_on_a_terminal_alone() -> None:
    assert "number: 4242424242424242" in Terminal(["reveal"]).finish()
    run = subprocess.run([*TRIAL, "reveal"], capture_output=True, env=ENV, check=False)
    assert (run.returncode, run.stdout) == (6, b"")
    assert b"4242" not in run.stderr
    refused = Terminal(["reveal", "-o", "json"])
    assert json.loads(refused.finish())["error_code"] == "REFUSED"


def test_progress_on_a_terminal_alone() -> None:
    terminal = Terminal(["work", "--until-enter"])
    assert "Counting [bold]cards[/bold]" in terminal.read_until("3/10")
    terminal.type("\n")
    assert "counted 10" in terminal.finish()
    run = subprocess.run([*TRIAL, "work"], capture_output=True, env=ENV, check=True)
    assert (run.stdout, run.stderr) == (b"counted 10\n", b"")


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv"])
def test_closed_pipe_ends_quietly(output: str) -> None:
    process = subprocess.Popen(
        [*TRIAL, "rows", "--count", "20000", "-o", output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENV
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=30) == 0


def into_a_closed_pipe(*args: str) -> tuple[int, bytes]:
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run([*TRIAL, *args], stdout=write, stderr=subprocess.PIPE, env=ENV, check=False)
    os.close(write)
    return run.returncode, run.stderr


@pytest.mark.parametrize("args", [["rows"], ["rows", "-o", "json"], ["show", "Ada"], ["--help"]])
def test_pipe_closed_from_the_start_ends_quietly(args: list[str]) -> None:
    assert into_a_closed_pipe(*args) == (0, b"")


def test_a_failure_that_nobody_reads_is_said_on_stderr() -> None:
    assert into_a_closed_pipe("fail", "Refused", "-o", "json") == (6, b"error: it went wrong\n")


def test_head_gets_its_lines() -> None:
    shell = f"set -o pipefail; {TRIAL[0]} {TRIAL[1]} trial rows --count 20000 -o ndjson | head -n 2"
    run = subprocess.run(["bash", "-c", shell], capture_output=True, env=ENV, check=False)
    assert [json.loads(line)["id"] for line in run.stdout.splitlines()] == ["card_1", "card_2"]
    assert (run.returncode, run.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
@pytest.mark.parametrize(
    "args",
    [
        ["rows"],
        ["rows", "-o", "json"],
        ["rows", "-o", "json", "--count", "100000"],
        ["rows", "-o", "csv"],
        ["write"],
        ["--help"],
    ],
)
def test_full_disk_under_stdout_is_an_error(args: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        run = subprocess.run([*TRIAL, *args], stdout=full, stderr=subprocess.PIPE, env=ENV, check=False)
    assert run.returncode == 12
    assert b"error: cannot write the result: No space left on device\nhint: " in run.stderr
    assert b"Traceback" not in run.stderr
    assert b"Exception ignored" not in run.stderr


def test_stdout_open_for_reading_only_is_an_error() -> None:
    with open(os.devnull, "rb") as readable:
        run = subprocess.run([*TRIAL, "rows", "-o", "ndjson"], stdout=readable, stderr=subprocess.PIPE, env=ENV, check=False)
    assert run.returncode == 2
    assert run.stderr.startswith(b"error: cannot write the result: Bad file descriptor\nhint: ")
    assert len(run.stderr.splitlines()) == 2


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_streams_closed_beforehand(redirection: str) -> None:
    shell = f"{TRIAL[0]} {TRIAL[1]} trial write {redirection}"
    run = subprocess.run(["bash", "-c", shell], capture_output=True, env=ENV, check=False)
    assert run.returncode == 0
    assert b"Traceback" not in run.stderr
    if ">&-" not in redirection:
        assert run.stdout == b"frozen: card_1\n"


def test_names_beyond_the_alphabet_of_stdout_end_nothing() -> None:
    env = {**ENV, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    run = subprocess.run([*TRIAL, "rows", "--holder", "漢é"], capture_output=True, env=env, check=True)
    assert "\\u6f22é".encode("latin-1") in run.stdout
    for output in ("json", "ndjson", "csv"):
        run = subprocess.run([*TRIAL, "rows", "--holder", "漢é", "-o", output], capture_output=True, env=env, check=True)
        assert "漢é" in run.stdout.decode("utf-8"), "data is UTF-8 everywhere"


def test_full_disk_under_a_long_result_is_an_error(tmp_path: Path) -> None:
    limited = f"ulimit -f 1000; {TRIAL[0]} {TRIAL[1]} trial rows --count 60000 -o json"
    env = {**ENV, "TMPDIR": str(tmp_path)}
    run = subprocess.run(["bash", "-c", limited], capture_output=True, env=env, check=False)
    assert run.returncode == 12
    assert json.loads(run.stdout)["message"] == "cannot write the result: File too large"
