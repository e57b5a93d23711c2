"""What every test stands on: a home of its own, nothing of ours set around it, no network, no skip where all must run."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import canary, founding
from tests.machine import slicing

_REQUIRE_ALL = "CARDCTL_REQUIRE_ALL"
_LEAK = "card data or a secret was written in clear"
_watch = canary.Watch()
settings.register_profile("cardctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cardctl")  # a busy machine is no failure
_told: list[str] = []
"""What the other processes of this run have found at their ends."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run the whole of every big count, not a slice")


def pytest_configure() -> None:
    """A shell starts what it puts into the background with Ctrl-C ignored, and our processes would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header(config: pytest.Config) -> str:
    return f"slices of big counts begin at {slicing.OFFSET}={slicing.offset()}" * (not config.getoption("--whole"))


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
    """After the whole suite: no card number or secret in what is left on disk, and no number in what is gone (see below)."""
    base = getattr(session.config, "_tmp_path_factory", None)
    if base is None:
        return
    found = [*_watch.look(Path(base.getbasetemp())), *_watch.late(), *_told]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["canary"] = found
    elif found:
        print(f"\nCANARY: {_LEAK}:", *sorted(set(found))[:20], sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist has ended."""
    _told.extend(getattr(node, "workeroutput", {}).get("canary", []))


@pytest.fixture(autouse=True, scope="session")
def _copied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with founding.copied(tmp_path_factory.mktemp("models")):
        yield


@pytest.fixture(autouse=True)
def _looked_through(tmp_path: Path) -> Iterator[None]:
    """At the end no card number or secret is in anything that the test wrote; then pytest takes it away, if it has passed."""
    yield
    found = _watch.look(tmp_path)
    # pytest's link to the newest of a name, which it would leave behind and read past for every other test
    tmp_path.with_name(tmp_path.name.rstrip("0123456789") + "current").unlink(missing_ok=True)
    assert not found, f"{_LEAK}: {found}"


@pytest.fixture(autouse=True)
def home(_looked_through: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own; whatever of cardctl is set outside does not reach it."""
    for name in list(os.environ):
        if name.startswith("CARDCTL_") and name not in ("CARDCTL_SPECS", _REQUIRE_ALL, slicing.OFFSET):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARDCTL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return tmp_path / "home"
