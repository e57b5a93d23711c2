"""The README cannot lie: its tables are what the code says, and its tour is run as it stands."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

from cardctl import cli, config
from cardctl.commands._nouns import module_of
from cardctl.errors import ExitCode
from cardctl.providers import registry

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
_UPDATE = "the README's capability table is outdated; it ought to be:\n\n"


def _after(marker: str) -> str:
    return README.split(f"<!-- {marker} -->\n", 1)[1]


def _block(marker: str) -> str:
    return _after(marker).split("```\n", 2)[1]


def _table(marker: str) -> list[list[str]]:
    lines = _after(marker).split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _verbs(noun: str) -> set[str]:
    app = importlib.import_module(module_of(noun)).app
    return {command.name or command.callback.__name__.rstrip("_").replace("_", "-") for command in app.registered_commands}


def test_every_command_is_in_the_table() -> None:
    told = {row[0].strip("`").removeprefix("cardctl "): set(row[1].split()) for row in _table("commands")}
    assert set(told) == set(cli.NOUNS)
    assert {noun: told[noun] for noun in told if noun not in cli.LONE} == {
        noun: _verbs(noun) for noun in cli.NOUNS if noun not in cli.LONE
    }


def test_every_exit_code_is_in_the_table() -> None:
    assert [int(row[0]) for row in _table("exit codes")] == sorted(ExitCode)


def test_the_capability_table_is_what_the_adapters_can() -> None:
    table = registry.capability_table(config.PROVIDERS)
    lines = ["| " + " | ".join(["", *table]) + " |", "| " + " | ".join(["---"] * (len(table) + 1)) + " |"]
    for name, words in registry.capability_rows(table):
        lines.append("| " + " | ".join([name.replace("_", " "), *words.values()]) + " |")
    wanted = "\n".join(lines) + "\n"
    assert _after("capabilities").startswith(wanted), _UPDATE + wanted


def test_the_tour_runs_as_it_stands(tmp_path: Path) -> None:
    steps = [line for line in _block("tour").splitlines() if not line.startswith("source ")]
    script = "set -e\n" + "\n".join(steps) + '\ncardctl card show $CARD -o csv | tail -n 1 > "$OUT"\n'
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {"PATH": path, "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "OUT": str(tmp_path / "last")}
    done = subprocess.run(["bash", "-c", script], env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "24750" in (tmp_path / "last").read_text().split(","), done.stdout  # 250 − 12.50 + 10


def test_the_check_runs_the_readme_s_own_command() -> None:
    assert "'/^<!-- tests -->$/" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"-m pytest", _block("tests"))
    assert "cardctl provision --dev" in _block("main job")
