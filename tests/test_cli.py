"""The frame: how errors become exit codes and words, and what a usage error looks like."""

from __future__ import annotations

import inspect
import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cardctl import __version__, cli, errors
from cardctl.errors import CardctlError
from tests.output import trial

TRIAL = [sys.executable, trial.__file__]
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, CardctlError)]


@pytest.fixture(autouse=True)
def _trial() -> Iterator[None]:
    trial.install()
    yield
    cli.NOUNS.pop("trial")


def run(*argv: str, stdin: str = "") -> tuple[int, str, str]:
    """One command line: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = cli.run(argv, out, err, io.StringIO(stdin))
    return code, out.getvalue(), err.getvalue()


def failure(text: str) -> dict[str, Any]:
    """The failure envelope that is all of `text`."""
    assert text.count("\n") == 1
    envelope = json.loads(text)
    assert list(envelope)[:6] == ["schema_version", "success", "error_code", "message", "hint", "retryable"]
    assert envelope["schema_version"] == 1
    assert envelope["success"] is False
    return dict(envelope)


def test_version() -> None:
    assert run("--version") == (0, f"cardctl {__version__}\n", "")
    assert run("--version", "card") == (0, f"cardctl {__version__}\n", "")


def test_module_and_script_are_the_same() -> None:
    for command in ([sys.executable, "-m", "cardctl"], [str(Path(sys.executable).with_name("cardctl"))]):
        done = subprocess.run([*command, "nonsense"], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("Usage: cardctl [OPTIONS] COMMAND")


def test_help_names_every_noun() -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for noun, text in cli.NOUNS.items():
        assert noun in out
        assert text in " ".join(out.split())
    assert run("-h")[1] == out


def test_no_command_shows_the_help_on_stderr() -> None:
    for argv in ([], ["trial"]):
        code, out, err = run(*argv)
        assert (code, out) == (2, "")
        assert err.rstrip("\n") == run(*argv, "--help")[1].rstrip("\n")


USAGE_ERRORS = [
    ["-o", "json"],
    ["cardz", "-o", "json"],
    ["trial", "-o", "json"],
    ["trial", "nonsense", "-o", "json"],
    ["trial", "nonsense", "--output", "json"],
    ["trial", "nonsense", "--output=json"],
    ["trial", "nonsense", "-ojson"],
    ["trial", "rows", "--bogus", "-o", "json"],
    ["trial", "rows", "-o", "json", "--bogus=\x1b[1m\u202e"],
    ["trial", "rows", "-vojson", "--count", "many"],
    ["trial", "rows", "-o", "json", "--count"],
    ["trial", "rows", "-o", "json", "--limit", "0"],
    ["trial", "rows", "-o", "table", "extra", "-vo", "json"],
    ["trial", "show", "-o", "json"],
    ["trial", "show", "-o", "json", "a", "b"],
    ["--bogus", "trial", "rows", "-o", "json"],
]


@pytest.mark.parametrize("argv", USAGE_ERRORS)
def test_usage_error_in_json(argv: list[str]) -> None:
    code, out, err = run(*argv)
    assert (code, err) == (2, "")
    envelope = failure(out)
    assert envelope["error_code"] == "USAGE"
    assert envelope["message"]
    assert "\n" not in envelope["message"]
    assert envelope["hint"].startswith("try ")
    assert "--help" in envelope["hint"]


@pytest.mark.parametrize("argv", USAGE_ERRORS)
def test_usage_error_in_words(argv: list[str]) -> None:
    words = [word.replace("json", "csv") for word in argv]
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    *usage, error, hint = err.splitlines()
    assert error.startswith("error: ")
    if "requires an argument" not in error:
        assert usage[0].startswith("Usage: cardctl ")
        assert hint.startswith("hint: try `cardctl")
    assert not {"\x1b", "\u202e"} & set(err)


def test_usage_error_in_ndjson_is_the_last_line() -> None:
    code, out, err = run("trial", "rows", "--bogus", "-o", "ndjson")
    assert (code, err, failure(out)["error_code"]) == (2, "", "USAGE")


@pytest.mark.parametrize("argv", [["-o", "yaml"], ["-o"], ["-o=json"], ["--", "-o", "json"]])
def test_unreadable_output_speaks_words(argv: list[str]) -> None:
    code, out, err = run("trial", "rows", *argv)
    assert (code, out) == (2, "")
    assert "error: " in err


def test_did_you_mean() -> None:
    assert run("tril")[2].splitlines()[1] == "error: No such command 'tril'. Did you mean 'trial'?"
    assert "Did you mean 'findings'?" in run("trial", "finding")[2]
    assert "--count" in run("trial", "rows", "--coun", "3")[2]


def test_card_numbers_on_the_command_line_are_not_repeated() -> None:
    for output in ("table", "json"):
        _, out, err = run("4242424242424242", "-o", output)
        assert "4242424242424242" not in out + err
        assert "**** 4242" in out + err


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_its_code_and_envelope(kind: type[CardctlError]) -> None:
    code, out, err = run("trial", "fail", kind.__name__, "-o", "json")
    assert (code, err) == (kind.exit_code, "")
    envelope = failure(out)
    assert envelope["error_code"] == ("CARD_NOT_FOUND" if issubclass(kind, errors.NotFound) else kind.error_code)
    assert envelope["retryable"] is kind.retryable
    assert envelope["hint"] == kind.default_hint
    code, out, err = run("trial", "fail", kind.__name__)
    assert (code, out) == (kind.exit_code, "")
    assert err.splitlines()[0] == f"error: {envelope['message']}"


def test_findings_are_no_error() -> None:
    assert run("trial", "findings") == (3, "found something\n", "")
    code, out, _ = run("trial", "findings", "-o", "json")
    assert (code, json.loads(out)["success"]) == (3, True)


def test_a_write_speaks_on_both_streams() -> None:
    assert run("trial", "write") == (0, "frozen: card_1\n", "for your eyes\nwarning: nothing to do\n")
    code, out, err = run("trial", "write", "-o", "json")
    assert (code, err) == (0, "for your eyes\n")
    assert json.loads(out)["data"] == {"card": trial.CARD, "operation": None}


def test_list_that_fails_on_the_way() -> None:
    code, out, err = run("trial", "rows", "--break-after", "2", "-o", "json")
    assert (code, err, failure(out)["error_code"]) == (5, "", "CARD_NOT_FOUND")
    code, out, err = run("trial", "rows", "--break-after", "2", "-o", "ndjson")
    assert (code, err, len(out.splitlines())) == (5, "", 3)
    assert failure(out.splitlines()[-1] + "\n")["hint"] == "look elsewhere"
    code, out, err = run("trial", "rows", "--break-after", "2")
    assert (code, out, err) == (5, "", "error: no card answers to 'card_lost'\nhint: look elsewhere\n")


def test_limit_cuts_and_says_so() -> None:
    code, out, err = run("trial", "rows", "--limit", "2", "-o", "csv")
    assert (code, len(out.splitlines()), err) == (0, 3, "warning: --limit cut this list after 2; there is more\n")


def alone(*argv: str) -> tuple[int, str, str]:
    """The same in a process of its own."""
    done = subprocess.run([*TRIAL, *argv], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_bug_is_one_line_without_values(tmp_path: Path) -> None:
    code, out, err = alone("trial", "bug")
    assert (code, out) == (1, "")
    error, hint = err.splitlines()
    assert error.startswith("error: a bug in cardctl: ValueError")
    assert "sesame" not in err
    log = Path(hint.removeprefix("hint: the traceback is in "))
    assert log.is_relative_to(tmp_path)
    assert "ValueError" in log.read_text()
    code, out, err = alone("trial", "bug", "-o", "json")
    assert (code, err, failure(out)["error_code"]) == (1, "", "BUG")


def test_bug_in_a_noun_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli.NOUNS, "nowhere", "Is not there.")
    monkeypatch.setitem(sys.modules, "cardctl.runtime", None)
    code, out, err = run("nowhere", "list", "-o", "json")
    assert (code, err, failure(out)["error_code"]) == (1, "", "BUG")
    assert run("--help")[0] == 0, "the rest goes on"


def test_bug_without_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cardctl.runtime", None)
    monkeypatch.delattr("cardctl.runtime", raising=False)  # another test may have imported it
    code, _, err = run("trial", "bug")
    assert (code, len(err.splitlines())) == (1, 1)


@pytest.mark.parametrize("output", ["table", "json"])
def test_interrupt(output: str) -> None:
    process = subprocess.Popen(
        [*TRIAL, "trial", "wait", "-o", output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    if output == "json":
        assert (failure(out)["error_code"], err) == ("INTERRUPTED", "")
    else:
        assert (out, err.splitlines()[0]) == ("", "error: interrupted")


def test_run_gives_the_streams_back() -> None:
    before = sys.stdin, sys.stdout, sys.stderr
    run("trial", "fail", "Busy")
    assert (sys.stdin, sys.stdout, sys.stderr) == before


def test_main_exits_with_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["trial", "findings"])
    assert exit_.value.code == 3
    assert capsys.readouterr().out == "found something\n"
