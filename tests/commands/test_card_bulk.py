"""`card issue --from cards.csv` and the other verbs by list, as a person or a script meets them."""

from __future__ import annotations

import csv
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl
from tests.commands.terminal import on_terminal


@pytest.fixture
def cards(programme: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = programme["cards"]
    return found


def listed(path: Path, count: int, *, fund: str = "25.00") -> Path:
    path.write_text("account,key,fund\n" + "".join(f"acct_user{n % 3 + 1},k{n},{fund}\n" for n in range(count)))
    return path


def results(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def balances(cardctl: Cardctl) -> list[int]:
    """Of every card that is not one of `provision --dev`."""
    found = cardctl("card", "list", "-o", "json").data
    return sorted(card["balance"]["minor"] for card in found if card["balance"]["minor"] < 100_000_000)


def test_a_list_is_issued_with_a_result_for_each_row(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    file = listed(tmp_path / "cards.csv", 5)
    ran = cardctl("card", "issue", "--from", str(file), "-o", "json")
    result = tmp_path / "cards.result.csv"
    assert ran.code == 0
    assert ran.data == {"done": 5, "failed": 0, "in_doubt": 0, "not_done": 0, "result": str(result)}
    told = results(result)
    assert list(told[0]) == ["account", "key", "fund", "card", "state", "error_code", "message"]
    assert [row["key"] for row in told] == [f"k{n}" for n in range(5)]
    assert {(row["state"], row["error_code"]) for row in told} == {("active", "")}
    shown = cardctl("card", "show", told[3]["card"], "-o", "json").data
    assert (shown["balance"]["minor"], shown["limits"]["daily"]["minor"]) == (2500, 100_000), (
        "with the profile's default limits"
    )
    assert stat.S_IMODE(result.stat().st_mode) == 0o600
    assert balances(cardctl) == [2500] * 5
    again = cardctl("card", "issue", "--from", str(file), "-o", "json")
    assert (again.code, again.data["done"], again.warnings) == (0, 5, ["REPEATED"])
    assert [row["card"] for row in results(result)] == [row["card"] for row in told]
    assert balances(cardctl) == [2500] * 5


@pytest.mark.parametrize("output", ["table", "ndjson", "csv"])
def test_other_outputs_tell_the_same(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path, output: str) -> None:
    ran = cardctl("card", "issue", "--from", str(listed(tmp_path / "cards.csv", 2)), "-o", output)
    assert ran.code == 0
    path = str(tmp_path / "cards.result.csv")
    if output == "table":
        assert ran.lines == ["2 done, 0 failed, 0 in doubt, 0 not done", f"row by row in {path}"]
    elif output == "csv":
        assert ran.lines == ["done,failed,in_doubt,not_done,result", f"2,0,0,0,{path}"]
    else:
        assert json.loads(ran.stdout) == {"done": 2, "failed": 0, "in_doubt": 0, "not_done": 0, "result": path}


def test_bad_rows_are_told_and_nothing_is_sent(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "cards.csv"
    file.write_text("account,fund\nacct_user1,5\nnobody,5\nacct_user2,five\n")
    ran = cardctl("card", "issue", "--from", str(file), "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_FILE")
    assert "line 3: no account answers to 'nobody'; line 4: fund: 'five' is not an amount" in ran.json["message"]
    assert (balances(cardctl), (tmp_path / "cards.result.csv").exists()) == ([], False)


def test_over_twenty_rows_ask_for_the_count(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    file = listed(tmp_path / "cards.csv", 21, fund="1")
    refused = cardctl("card", "issue", "--from", str(file), "-o", "json")
    assert (refused.code, refused.error, balances(cardctl)) == (6, "CONSENT_MISSING", [])
    assert "21 cards would be issued, 21.00 USD in all" in refused.json["message"]
    code, _, asked = on_terminal(cardctl, "card", "issue", "--from", str(file), typed="20\n")
    assert (code, "Type 21 to go on" in asked, balances(cardctl)) == (6, True, [])
    code, _, _ = on_terminal(cardctl, "card", "issue", "--from", str(file), typed="21\n")
    assert (code, balances(cardctl)) == (0, [100] * 21)
    assert cardctl("card", "issue", "--from", str(file)).code == 0, "all done before: nothing to ask"


def test_much_money_in_all_asks_too(
    cardctl: Cardctl, cards: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDCTL_CONFIRM_OVER", "1000.00 USD")
    file = tmp_path / "fund.csv"
    file.write_text("card,amount\n" + "".join(f"{card['id']},400\n" for card in cards))
    before = [cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] for card in cards]
    assert cardctl("card", "fund", "--from", str(file)).code == 6
    assert cardctl("card", "fund", "--from", str(file), "--yes").code == 0
    after = [cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] for card in cards]
    assert [late - early for early, late in zip(before, after, strict=True)] == [40_000] * 3


def test_a_close_by_list_always_asks(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    text = f"card,reason\n{cards[0]['id']},left\n"
    assert cardctl("card", "close", "--from", "-", stdin=text).code == 6
    ran = cardctl("card", "close", "--from", "-", "--yes", "-o", "json", stdin=text)
    assert (ran.code, ran.data["done"]) == (0, 1)
    assert cardctl("card", "show", cards[0]["id"], "-o", "json").data["state"] == "closed"
    result = Path(ran.data["result"])
    assert result.parent == cardctl.home / "reports"
    assert [(row["card"], row["state"]) for row in results(result)] == [(cards[0]["id"], "closed")]
    assert cardctl("card", "close", "--from", "-", stdin=text).code == 0, "closed already: nothing to ask"
    told = cardctl("audit", "list", "--action", "card.close", "-o", "json").data
    assert [entry["reason"] for entry in told] == ["left"]


def test_a_freeze_by_list_asks_nothing(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    text = "card\n" + "".join(f"{card['ref']}\n" for card in cards)
    assert cardctl("card", "freeze", "--from", "-", "--reason", "breach", stdin=text).code == 0
    assert {card["state"] for card in cardctl("card", "list", "-o", "json").data} == {"frozen"}
    told = cardctl("audit", "list", "--action", "card.freeze", "-o", "json").data
    assert [entry["reason"] for entry in told] == ["breach"] * 3


def test_limits_by_list(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    text = "card,daily,monthly\n" + "".join(f"{card['id']},12.50,none\n" for card in cards)
    assert cardctl("card", "limits", "--from", "-", stdin=text).code == 0
    limits = [card["limits"] for card in cardctl("card", "list", "-o", "json").data]
    assert [(each["daily"]["minor"], each["monthly"]) for each in limits] == [(1250, None)] * 3


def test_a_dry_run_shows_the_plan_and_sends_nothing(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path) -> None:
    before = len(cardctl("operation", "list", "-o", "json").data)
    ran = cardctl("card", "issue", "--from", str(listed(tmp_path / "cards.csv", 30)), "--dry-run", "-o", "json")
    assert (ran.code, ran.data["rows"], ran.data["would_change"], len(ran.data["first"])) == (0, 30, 30, 10)
    assert ran.data["totals"] == [{"minor": 75_000, "currency": "USD", "amount": "750.00"}]
    assert (balances(cardctl), len(cardctl("operation", "list", "-o", "json").data)) == ([], before)
    assert not (tmp_path / "cards.result.csv").exists()


def test_some_that_fail_are_exit_10_and_told_row_by_row(
    cardctl: Cardctl, cards: list[dict[str, Any]], far_side: Control, tmp_path: Path
) -> None:
    far_side.edit(cards[1]["ref"], {"status": "inactive"})  # our books do not know
    file = tmp_path / "fund.csv"
    file.write_text("card,amount\n" + "".join(f"{card['id']},5\n" for card in cards))
    ran = cardctl("card", "fund", "--from", str(file), "-o", "json")
    assert (ran.code, ran.data["done"], ran.data["failed"]) == (10, 2, 1)
    told = results(tmp_path / "fund.result.csv")
    assert [row["error_code"] for row in told] == ["", "STATE_FORBIDS", ""]
    assert [row["card"] for row in told] == [card["id"] for card in cards]
    far_side.edit(cards[1]["ref"], {"status": "active"})
    assert cardctl("card", "fund", "--from", str(file)).code == 0
    assert [cardctl("card", "show", card["id"], "-o", "json").data["balance"]["minor"] for card in cards] == [100_000_500] * 3


def test_nothing_done_is_the_first_error(cardctl: Cardctl, cards: list[dict[str, Any]], far_side: Control) -> None:
    far_side.edit(cards[1]["ref"], {"status": "inactive"})
    ran = cardctl("card", "fund", "--from", "-", "-o", "json", stdin=f"card,amount\n{cards[1]['id']},5\n")
    assert (ran.code, ran.error) == (6, "STATE_FORBIDS")
    assert "row by row in" in ran.json["hint"]


def test_a_doubt_is_exit_9(cardctl: Cardctl, cards: list[dict[str, Any]], far_side: Control) -> None:
    text = f"card,amount\n{cards[0]['id']},5\n"
    far_side.fault("lost-reply", 20)
    ran = cardctl("card", "fund", "--from", "-", "-o", "json", stdin=text)
    assert (ran.code, ran.data["in_doubt"]) == (9, 1)
    assert results(Path(ran.data["result"]))[0]["error_code"] == "OUTCOME_UNKNOWN"
    far_side.clear_faults()
    assert cardctl("card", "fund", "--from", "-", stdin=text).code == 0
    assert cardctl("card", "show", cards[0]["id"], "-o", "json").data["balance"]["minor"] == 100_000_500


def test_a_place_that_cannot_be_written_is_told_before_anything_is_sent(
    cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path
) -> None:
    file = listed(tmp_path / "cards.csv", 2)
    (tmp_path / "cards.result.csv").mkdir()
    ran = cardctl("card", "issue", "--from", str(file), "-o", "json")
    assert (ran.code, ran.error, balances(cardctl)) == (2, "INVALID_FILE", [])


@pytest.mark.parametrize(
    "argv",
    [
        ["issue", "--from", "-", "--account", "acct_user1"],
        ["issue", "--from", "-", "--daily", "5"],
        ["fund", "card_1", "--from", "-"],
        ["fund", "--from", "-", "--amount", "5"],
        ["freeze", "--from", "-", "--last4", "4242"],
        ["limits", "--from", "-", "--daily", "5"],
        ["close", "card_1", "--from", "-"],
    ],
)
def test_what_the_rows_say_is_not_said_beside_them(cardctl: Cardctl, argv: list[str]) -> None:
    ran = cardctl("card", *argv, "-o", "json", stdin="card\n")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")


def test_card_numbers_do_not_reach_the_results(cardctl: Cardctl, cards: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "freeze.csv"
    file.write_text(f"card,reason\n{cards[0]['id']},number 4242 4242 4242 4242 was seen\n")
    assert cardctl("card", "freeze", "--from", str(file)).code == 0
    file.unlink()
    assert "4242 4242 4242" not in (tmp_path / "freeze.result.csv").read_text()


def test_ctrl_c_leaves_a_file_that_says_what_is_not_done(
    cardctl: Cardctl, programme: dict[str, Any], far_side: Control, tmp_path: Path
) -> None:
    """Each reply takes a while, so that the interrupt comes in the middle; what is in flight then still ends."""
    file = listed(tmp_path / "cards.csv", 20)
    far_side.fault("slow", 200, 0.3)
    argv = [sys.executable, "-m", "cardctl", "card", "issue", "--from", str(file), "--workers", "2", "-o", "json"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=cardctl.environ(), text=True)
    while not balances(cardctl):
        assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    far_side.clear_faults()
    assert (process.returncode, json.loads(out)["error_code"]) == (130, "INTERRUPTED")
    assert "stopped: " in err
    told = results(tmp_path / "cards.result.csv")
    made = [row for row in told if row["card"]]
    assert len(told) == 20
    assert 0 < len(made) < 20
    assert {row["error_code"] for row in told if not row["card"]} == {"NOT_DONE"}
    assert len(balances(cardctl)) == len(made), "nothing is left in flight"
    assert {one["state"] for one in cardctl("operation", "list", "-o", "json").data} == {"done"}
    assert cardctl("card", "issue", "--from", str(file)).code == 0
    assert balances(cardctl) == [2500] * 20


def test_progress_tells_rate_and_time_left(
    cardctl: Cardctl, programme: dict[str, Any], far_side: Control, tmp_path: Path
) -> None:
    far_side.fault("slow", 200, 0.4)
    file = listed(tmp_path / "cards.csv", 12)
    code, told, shown = on_terminal(cardctl, "card", "issue", "--from", str(file), "--workers", "2")
    assert (code, told.splitlines()[0]) == (0, "12 done, 0 failed, 0 in doubt, 0 not done")
    assert "card issue" in shown
    assert "/12" in shown
    assert "/s" in shown
    assert "left" in shown
