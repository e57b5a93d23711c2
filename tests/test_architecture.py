"""House rules that imports cannot show, each with the bug that it prevents; exceptions are counted lines of one table."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cardctl"
LINES = 300
TYPER_BODY = 25

EXCEPTIONS = {  # (rule, file): why
    ("ids", "db/leases.py"): "a lock file's name is no id of the business",
    ("ids", "entropy.py"): "bytes are no ids: who makes ids of them is seen where that is done",
    ("ids", "db/schema.py"): "the database names itself when it is made",
    ("ids", "secrets/development.py"): "a key is no id",
    ("floats", "providers/http.py"): "Retry-After is seconds, not money",
}


@dataclass(frozen=True)
class Rule:
    """`where` may do it; everybody else may not, because of `bug`."""

    name: str
    where: tuple[str, ...]
    breaks: Callable[[ast.AST], bool]
    bug: str


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _calls(*names: str) -> Callable[[ast.AST], bool]:
    return lambda node: isinstance(node, ast.Call) and _dotted(node.func) in names


def _reads_environment(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and _dotted(node) == "os.environ") or _calls("os.getenv")(node)


def _commits(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"


def _power_of_ten(node: ast.AST) -> bool:
    power = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)
    return power and isinstance(node.left, ast.Constant) and node.left.value == 10  # type: ignore[attr-defined]


def _float_of_money(node: ast.AST) -> bool:
    return _calls("float")(node)


RULES = [
    Rule("environment", ("config/settings.py",), _reads_environment, "a setting that `profile show` cannot explain"),
    Rule("print", ("output/",), _calls("print", "sys.stdout.write", "sys.stderr.write"), "words in the middle of an envelope"),
    Rule("commit", ("db/unit.py", "simulator/"), _commits, "books and journal that part at a crash"),
    Rule(
        "exit", ("cli.py",), _calls("sys.exit", "exit", "quit", "typer.Exit", "os._exit"), "a failure without envelope or code"
    ),
    Rule("tens", ("domain/money.py", "simulator/"), _power_of_ten, "yen charged a hundredfold"),
    Rule("floats", ("simulator/",), _float_of_money, "a cent that is not there"),
    Rule(
        "clock",
        ("runtime/", "simulator/"),
        _calls("datetime.now", "datetime.utcnow", "time.time", "datetime.today", "date.today"),
        "a test that depends on the day",
    ),
    Rule(
        "ids",
        ("runtime/", "simulator/"),
        _calls(
            "uuid.uuid4", "uuid4", "secrets.token_hex", "secrets.token_bytes", "os.urandom", "token_hex", "randomness.choice"
        ),
        "an id that a replay cannot make again",
    ),
]


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@cache
def _nodes(file: Path) -> list[ast.AST]:
    """Everything in a file, which every rule walks through."""
    return list(ast.walk(ast.parse(file.read_text("utf-8"))))


def _name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def _offences(rule: Rule) -> Iterator[tuple[str, int]]:
    for file in _files():
        if _name(file).startswith(rule.where) or "migrations" in file.parts:
            continue
        for node in _nodes(file):
            if rule.breaks(node):
                yield _name(file), getattr(node, "lineno", 0)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_only_those_who_may_do_it(rule: Rule) -> None:
    found = [(file, line) for file, line in _offences(rule) if (rule.name, file) not in EXCEPTIONS]
    assert not found, f"only {rule.where or 'nobody'} may: {rule.bug}"


def test_every_exception_is_still_needed() -> None:
    used = {(rule.name, file) for rule in RULES for file, _ in _offences(rule)}
    assert set(EXCEPTIONS) <= used


def test_no_file_outgrows_its_room() -> None:
    assert [_name(file) for file in _files() if len(file.read_text("utf-8").splitlines()) > LINES] == []


def test_no_room_for_leftovers() -> None:
    leftovers = {"utils", "common", "helpers", "core", "managers", "misc"}
    assert [_name(file) for file in _files() if leftovers & {*file.parts, file.stem}] == []


def test_every_module_says_what_lives_in_it() -> None:
    assert [_name(file) for file in _files() if not ast.get_docstring(ast.parse(file.read_text("utf-8")))] == []


def _commands() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file in sorted((PACKAGE / "commands").rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not file.name.startswith("_"):
                yield f"{_name(file)}:{node.name}", node


def test_a_command_hands_over() -> None:
    long = []
    for name, function in _commands():
        body = function.body[1:] if ast.get_docstring(function) else function.body
        lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]
        if lines > TYPER_BODY:
            long.append((name, lines))
    assert not long


def test_every_command_has_an_example() -> None:
    documented = [(name, ast.get_docstring(function) or "") for name, function in _commands()]
    assert documented
    assert [name for name, text in documented if "Example: cardctl " not in text] == []


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    heavy = ["sqlmodel", "sqlalchemy", "stripe", "httpx", "cryptography", "alembic", "keyring", "tomlkit"]
    for argv in (["--version"], ["--help"], ["card", "--help"], ["card", "freeze", "--help"], ["provision", "--help"]):
        script = (
            "import sys, io\nfrom cardctl.cli import run\n"
            f"code = run({argv!r}, io.StringIO(), io.StringIO(), io.StringIO())\n"
            f"sys.exit(f'{{code}} ' + ' '.join(m for m in {heavy!r} if m in sys.modules))"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.stderr.strip() == "0", argv
