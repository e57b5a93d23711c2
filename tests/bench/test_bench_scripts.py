"""The scripts still run, and measure what they say; no figure is looked at here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cardctl import runtime
from tests.bench import events, flat, freeze, issuing, lists, many, memory, orders, receiving, startup, whole
from tests.bench.measuring import Command, alternate, once, python
from tests.bench.seed import account, card, seed, transaction
from tests.commands.conftest import cardctl
from tests.commands.runner import Cardctl

__all__ = ["cardctl"]


def test_commands_take_turns(tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands = {name: Command(python(f"open({str(log)!r}, 'a').write({name!r})")) for name in "ab"}
    series = alternate(commands, runs=3, warmups=1)
    assert log.read_text("utf-8") == "abababab"
    assert [len(each.runs) for each in series.values()] == [3, 3]


@pytest.mark.parametrize("terminal", [True, False])
def test_what_a_command_prints_is_read_to_its_end(terminal: bool) -> None:
    taken = once(Command(python("print('x' * 1_000_000)"), terminal=terminal))
    assert 0 < taken.cpu < 60
    assert 1 < taken.peak < 1000


def test_a_command_that_fails_ends_the_benchmark() -> None:
    with pytest.raises(SystemExit, match="ended with 3: no"):
        once(Command(python("import sys; sys.stderr.write('no'); sys.exit(3)")))


def test_seeded_books_are_listed_as_they_were_made(cardctl: Cardctl) -> None:
    with runtime.opened(profile="dev") as run:
        seed(run, 12, 5)
    ids = {
        noun: [each["id"] for each in cardctl(noun, "list", "-o", "json").data] for noun in ("card", "account", "transaction")
    }
    assert ids == {
        "card": [card(number).id for number in reversed(range(12))],
        "account": [account(number).id for number in reversed(range(2))],
        "transaction": [transaction(number, number).id for number in reversed(range(5))],
    }


@pytest.mark.whole
@pytest.mark.parametrize(
    "script", [startup.main, lists.main, freeze.main, memory.main, many.main], ids=lambda main: main.__module__
)
def test_every_script_runs(script: Callable[[int], None], capsys: pytest.CaptureFixture[str]) -> None:
    script(1)
    assert "wanted" in capsys.readouterr().out


@pytest.mark.whole
def test_stored_and_served_events_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events.main(100, tmp_path / "stored")
    flat.main(100, tmp_path / "flat")
    receiving.main(50)
    told = capsys.readouterr().out
    assert told.count("wanted") == 3
    assert told.count("100 events, ") == 3


@pytest.mark.whole
@pytest.mark.parametrize("provider", ["stripe", "marqeta", "strowallet"])
def test_a_list_is_issued_at_a_rate(provider: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    issuing.main([provider, "3", "50", "2", str(tmp_path / "home")])
    told = capsys.readouterr().out
    assert told.startswith("3 cards in ")
    assert "at 50 a second" in told


@pytest.mark.whole
def test_whole_lists_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    whole.main(3, 1)
    assert capsys.readouterr().out.count("x json.loads") == 9


@pytest.mark.whole
def test_orders_are_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    orders.main(3, 2, tmp_path / "home")
    told = capsys.readouterr().out
    assert told.startswith("3 orders in ")
    assert "8." in told.splitlines()[1]
