"""The log: JSON lines with the promised fields, private, rotated, without secrets, and never in the way of the work."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cardctl.output import log as logging_room
from cardctl.output.log import CATEGORIES, Log

FIELDS = {"timestamp", "level", "category", "event_type", "card_id", "account_id", "correlation_id", "diff"}


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "cardctl.log").read_text("utf-8").split("\n")[:-1]]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state" / "cardctl" / "logs"


Opener = Callable[..., Log]


@pytest.fixture
def opened(directory: Path) -> Iterator[Opener]:
    """Makes logs, and closes them."""
    made: list[Log] = []

    def open_log(where: Path = directory, **more: Any) -> Log:
        made.append(Log(where, correlation_id="run_1", **more))
        return made[-1]

    yield open_log
    for log in made:
        log.close()


def test_a_line(directory: Path, opened: Opener) -> None:
    opened().write("card_lifecycle", "card.fund", {"object": "card_1", "operation": "op_1", "diff": {"balance": "5.00 USD"}})
    (line,) = lines(directory)
    assert set(line) == FIELDS | {"operation"}
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "category": "card_lifecycle",
        "event_type": "card.fund",
        "card_id": "card_1",
        "account_id": None,
        "correlation_id": "run_1",
        "diff": {"balance": "5.00 USD"},
        "operation": "op_1",
    }
    assert "card_lifecycle" in CATEGORIES


def test_subjects(directory: Path, opened: Opener) -> None:
    log = opened()
    for subject in ("card_1", "account_1", "op_1"):
        log.write("security", "seen", {"object": subject})
    assert [(line["card_id"], line["account_id"]) for line in lines(directory)] == [
        ("card_1", None),
        (None, "account_1"),
        (None, None),
    ]


def test_nothing_secret_is_written(directory: Path, opened: Opener) -> None:
    log = opened()
    log.write("security", "odd", {"note": "4242 4242 4242 4242 123", "number": "4242424242424242", "deep": [{"cvc": "123"}]})
    where = log.traceback("Traceback: sk_live_abcdefghijkl and postgresql://u:p@ss@h\nbad \x1b[1m")
    text = where.read_text()
    assert (where, "4242 4242" in text, "4242424242424242" in text, "abcdefghijkl" in text, "p@ss" in text) == (
        directory / "cardctl.log",
        False,
        False,
        False,
        False,
    )
    assert "\x1b" not in text
    bug = lines(directory)[-1]
    assert (bug["level"], bug["event_type"], bug["category"]) == ("ERROR", "bug", "security")
    assert bug["traceback"].startswith("Traceback: *** and postgresql://***@h\n")


def test_text_of_all_kinds_stays_one_line(directory: Path, opened: Opener) -> None:
    log = opened()
    for text in ("two\nlines", "Zoë 🙂", "\u2028", "\udcff"):
        log.write("security", "odd", {"note": text})
    assert [line["note"] for line in lines(directory)] == ["two\nlines", "Zoë 🙂", "\u2028", "\udcff"]


def test_files_and_directories_are_private(directory: Path, opened: Opener) -> None:
    was = os.umask(0)
    try:
        opened().write("security", "seen", {})
    finally:
        os.umask(was)
    file = directory / "cardctl.log"
    assert file.stat().st_mode & 0o777 == 0o600
    for made in (directory, directory.parent, directory.parent.parent):
        assert made.stat().st_mode & 0o777 == 0o700, made


def test_it_is_rotated_and_stays_private(directory: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging_room, "_SIZE", 2000)
    log = opened()
    for number in range(100):
        log.write("security", "seen", {"number_of": number})
    files = sorted(directory.iterdir())
    assert [file.name for file in files] == ["cardctl.log", *(f"cardctl.log.{number}" for number in range(1, 6))]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert all(file.stat().st_size <= 2000 for file in files)
    assert lines(directory)[-1]["number_of"] == 99


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, opened: Opener, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    opened(tmp_path / "file").write("security", "seen", {})
    opened(Path("/dev/full/logs")).write("security", "seen", {})
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_stops_nothing(directory: Path, opened: Opener, capfd: pytest.CaptureFixture[str]) -> None:
    directory.mkdir(parents=True)
    (directory / "cardctl.log").symlink_to("/dev/full")
    log = opened()
    log.write("security", "seen", {"note": "x" * 100_000})
    assert capfd.readouterr() == ("", "")


def test_what_json_has_no_word_for_stops_nothing(directory: Path, opened: Opener, capfd: pytest.CaptureFixture[str]) -> None:
    opened().write("security", "seen", {"odd": object()})
    assert capfd.readouterr() == ("", "")


def test_fields_of_any_name(directory: Path, opened: Opener) -> None:
    opened().write("security", "seen", {"name": "x", "message": "y", "args": 5, "msg": "z"})
    (line,) = lines(directory)
    assert (line["name"], line["message"], line["args"], line["msg"]) == ("x", "y", 5, "z")


def test_it_is_nobody_elses_logger(directory: Path, opened: Opener) -> None:
    opened().write("security", "seen", {})
    assert "cardctl" not in logging.Logger.manager.loggerDict
    assert logging.getLogger().handlers == [] or all("cardctl.log" not in str(one) for one in logging.getLogger().handlers)


def test_every_line_is_told_to_a_mirror(directory: Path, opened: Opener) -> None:
    told: list[str] = []
    opened(mirror=told.append).write("security", "seen", {"object": "card_1"})
    assert told == ["security seen card_id=card_1"]
