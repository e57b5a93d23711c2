"""The frame: how errors become exit codes and words, what a usage error looks like, and what is loaded when."""

from __future__ import annotations

import importlib.util
import inspect
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from cardctl import __version__, cli, errors
from cardctl.commands._options import moment
from cardctl.errors import BadInput, CardctlError
from tests.output import trial

HEAVY = ("sqlmodel", "sqlalchemy", "stripe", "httpx", "pydantic", "rich", "orjson", "keyring", "cryptography", "alembic")
TRIAL = [sys.executable, trial.__file__]
KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, CardctlError)]


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CARDCTL_HOME", str(tmp_path))
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


# What follows leans on Typer's private parts (its completion, its vendored click): look at it again before another is pinned.


def test_typer_is_the_one_that_was_looked_at() -> None:
    assert version("typer") == "0.29.2"


def completed(shell: str, words: str) -> subprocess.CompletedProcess[str]:
    """What `shell` is offered after `words`."""
    env = {**os.environ, "_CARDCTL_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": words}
    env |= {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return subprocess.run(TRIAL, capture_output=True, text=True, env=env, check=False)


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        ("cardctl car", ["card"]),
        ("cardctl pro", ["provision", "profile", "provider"]),
        ("cardctl trial f", ["fail", "findings"]),
        ("cardctl trial rows --co", ["--count"]),
        ("cardctl trial rows -o n", ["ndjson"]),
        ("cardctl --inst", ["--install-completion"]),
        ("cardctl nowhere ", []),
    ],
)
def test_completion(words: str, offers: list[str]) -> None:
    bash = completed("bash", words)
    assert (bash.returncode, bash.stderr) == (0, "")
    if offers:
        assert bash.stdout.split() == offers
    for shell in ("zsh", "fish"):
        other = completed(shell, words)
        assert (other.returncode, other.stderr) == (0, "")
        assert all(offer in other.stdout for offer in offers)


def test_completion_scripts() -> None:
    env = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "_CARDCTL_COMPLETE": "source_bash"}
    script = subprocess.run(TRIAL, capture_output=True, text=True, env=env, check=True).stdout
    assert "complete -o default -F _cardctl_completion cardctl" in script


def loaded_by(*argv: str, **env: str) -> set[str]:
    """Which heavy packages a process has loaded at its end."""
    program = (
        "import sys; from cardctl import cli; code = cli.run(sys.argv[1:], sys.stdout, sys.stderr, sys.stdin);"
        f"print(sorted(set({(*HEAVY, 'typer')}) & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *argv], capture_output=True, text=True, env={**os.environ, **env}, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(eval(done.stderr))


NOUNS_HERE = [noun for noun in cli.NOUNS if importlib.util.find_spec(f"cardctl.commands.{noun}")]


def test_version_loads_not_even_typer() -> None:
    assert loaded_by("--version") == set()


def test_help_loads_typer_alone() -> None:
    assert loaded_by("--help") == {"typer"}


@pytest.mark.parametrize("noun", NOUNS_HERE)
def test_help_of_a_noun_loads_typer_alone(noun: str) -> None:
    assert loaded_by(noun, "--help") == {"typer"}


@pytest.mark.parametrize("words", ["cardctl ", *(f"cardctl {noun} " for noun in NOUNS_HERE if noun not in cli.LONE)])
def test_completion_of_verbs_loads_typer_alone(words: str) -> None:
    count = len(words.split(" ")) - 1
    assert loaded_by(_CARDCTL_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count)) == {"typer"}


NOW = datetime(2026, 11, 21, 12, 0, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00+00:00"),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01t12:00:00.5z", "2026-01-01T12:00:00.500000+00:00"),
        ("2026-01-01 12:00:00+05:30", "2026-01-01T06:30:00+00:00"),
        ("24h", "2026-11-20T10:00:00+00:00"),
        ("7d", "2026-11-14T10:00:00+00:00"),
        ("90m", "2026-11-21T08:30:00+00:00"),
        ("2w", "2026-11-07T10:00:00+00:00"),
        ("0h", "2026-11-21T10:00:00+00:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    read = moment(text, now=NOW)
    assert read.isoformat() == expected
    assert read.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "yesterday", "2026", "2026-1-1", "2026-02-30", "20260101", "2026-W01-1", "2026-01-01T12:00:00",
        "2026-01-01T25:00:00Z", "2026-01-01T12:00Z", "24", "h", "-7d", "7 d", "7D ", "1.5h", "٧d", "9" * 30 + "d", "99999999d",
        "0001-01-01T00:00:00+05:00", "2026-01-01\n",
    ],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        moment(text, now=NOW)
    assert caught.value.hint
