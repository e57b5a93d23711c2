"""What is loaded when, and what the shell is offered: answers that must come before anything heavy."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from cardctl import cli
from cardctl.commands._nouns import module_of
from tests.output import trial

HEAVY = ("sqlmodel", "sqlalchemy", "stripe", "httpx", "pydantic", "rich", "orjson", "keyring", "cryptography", "alembic")
TRIAL = [sys.executable, trial.__file__]


def test_typer_is_the_one_that_was_looked_at() -> None:
    """cli.py and commands/_nouns.py lean on its private parts (completion, vendored click): look again before another."""
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


NOUNS_HERE = [noun for noun in cli.NOUNS if importlib.util.find_spec(module_of(noun))]


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
