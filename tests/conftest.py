"""What every test stands on: a home of its own, nothing of ours set around it, no network, no skip where all must run."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from tests import canary

_REQUIRE_ALL = "CARDCTL_REQUIRE_ALL"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run the whole of every big count, not a slice")


def pytest_configure() -> None:
    """A shell starts what it puts into the background with Ctrl-C ignored, and our processes would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--whole"):
        whole = [item for item in items if item.get_closest_marker("whole")]
        items[:] = [item for item in items if item not in whole]
        config.hook.pytest_deselected(items=whole)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must run, a skip is a failure that says what is missing."""
    report = yield
    if report.skipped and os.environ.get(_REQUIRE_ALL) == "1" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped under {_REQUIRE_ALL}=1: {report.longrepr}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """After the whole suite: no card number or secret in anything that the tests left on disk."""
    base = getattr(session.config, "_tmp_path_factory", None)
    if base is None or hasattr(session.config, "workerinput"):
        return
    found = canary.look(Path(base.getbasetemp()))
    if found:
        print("\nCANARY: card data or a secret was written in clear:", *found[:20], sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own; whatever of cardctl is set outside does not reach it."""
    for name in list(os.environ):
        if name.startswith("CARDCTL_") and name not in ("CARDCTL_SPECS", _REQUIRE_ALL):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARDCTL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path / "home"
