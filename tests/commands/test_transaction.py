"""`cardctl transaction …`: money events read, shown, pulled and exported, exact to the cent."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran
from tests.commands.terminal import on_terminal

FIELDS = {
    "id", "ref", "provider", "card_id", "kind", "state", "amount", "impact", "merchant", "authorization_code",
    "parent_id", "occurred_at",
}  # fmt: skip
HOSTILE = "Caf\u00e9 😀\n\x1b[31mred\x1b]0;owned\x07"
FUNDED = {"minor": 100_000_000, "currency": "USD", "amount": "1000000.00"}


@pytest.fixture
def cards(programme: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = programme["cards"]
    return found


def listed(cardctl: Cardctl, *filters: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = cardctl("transaction", "list", *filters, "-o", "json").data
    return events


def balance(cardctl: Cardctl, card: dict[str, Any]) -> int:
    with sqlite3.connect(cardctl.books) as books:
        (minor,) = books.execute("SELECT balance_minor FROM cards WHERE id = ?", (card["id"],)).fetchone()
    books.close()
    assert isinstance(minor, int)
    return minor


def test_a_purchase_is_pulled_to_the_cent(cardctl: Cardctl, far_side: Control, cards: list[dict[str, Any]]) -> None:
    card = cards[0]
    assert balance(cardctl, card) == 100_000_000
    far_side.swipe(card["ref"], Money(1999, "USD"), merchant=HOSTILE)
    assert cardctl("transaction", "pull", "-o", "json").data == {"read": 2, "changed": 2, "strangers": 0}
    assert balance(cardctl, card) == 100_000_000 - 1999
    again = cardctl("transaction", "pull", "--card", card["id"], "-o", "json").data
    assert (again["changed"], again["strangers"]) == (0, 0)
    assert balance(cardctl, card) == 100_000_000 - 1999
    (settled,) = listed(cardctl, "--kind", "settlement")
    assert set(settled) == FIELDS
    assert settled["amount"] == {"minor": 1999, "currency": "USD", "amount": "19.99"}
    assert settled["impact"] == {"minor": -1999, "currency": "USD", "amount": "-19.99"}
    (hold,) = listed(cardctl, "--kind", "authorization")
    assert settled["parent_id"] == hold["id"]
    assert settled["card_id"] == card["id"]


def test_pull_says_what_it_did(cardctl: Cardctl, far_side: Control, cards: list[dict[str, Any]]) -> None:
    far_side.swipe(cards[0]["ref"], Money(100, "USD"))
    far_side.swipe(cards[1]["ref"], Money(200, "USD"), hold=True)
    one = cardctl("transaction", "pull", "--card", cards[0]["ref"])
    assert one.lines == ["2 events read, 2 new or changed, 0 of unknown cards"]
    assert (balance(cardctl, cards[0]), balance(cardctl, cards[1])) == (99_999_900, 100_000_000)
    assert cardctl("transaction", "pull", "-o", "json").data["changed"] == 1
    assert balance(cardctl, cards[1]) == 99_999_800


def test_events_of_unknown_cards_are_said(cardctl: Cardctl, far_side: Control, cards: list[dict[str, Any]]) -> None:
    lost = cards[0]
    with sqlite3.connect(cardctl.books) as books:
        books.execute("DELETE FROM transactions WHERE card_id = ?", (lost["id"],))
        books.execute("DELETE FROM cards WHERE id = ?", (lost["id"],))
    books.close()
    far_side.swipe(lost["ref"], Money(5, "USD"))
    ran = cardctl("transaction", "pull", "-o", "json")
    assert ran.code == 0
    assert ran.data == {"read": 2, "changed": 0, "strangers": 2}
    assert ran.warnings == ["UNKNOWN_CARDS"]
    assert "cardctl card sync" in ran.json["warnings"][0]["message"]
    assert "cardctl card sync" in cardctl("transaction", "pull").stderr


def test_list_filters(cardctl: Cardctl, far_side: Control, cards: list[dict[str, Any]], programme: dict[str, Any]) -> None:
    far_side.swipe(cards[0]["ref"], Money(1000, "USD"))
    far_side.swipe(cards[1]["ref"], Money(2000, "USD"), hold=True)
    cardctl("transaction", "pull")
    assert len(listed(cardctl)) == 6
    assert {event["card_id"] for event in listed(cardctl, "--card", cards[0]["id"])} == {cards[0]["id"]}
    assert len(listed(cardctl, "--card", cards[0]["id"][:14])) == 3
    account = programme["accounts"][1]
    assert {event["card_id"] for event in listed(cardctl, "--account", account["external_id"])} == {cards[1]["id"]}
    assert [event["amount"]["minor"] for event in listed(cardctl, "--state", "approved")] == [2000]
    assert len(listed(cardctl, "--kind", "funding")) == 3
    assert listed(cardctl, "--provider", "square") == []
    assert listed(cardctl, "--since", "2999-01-01") == []
    assert listed(cardctl, "--until", "2000-01-01") == []
    assert len(listed(cardctl, "--since", "7d", "--until", "2999-01-01")) == 6
    cut = cardctl("transaction", "list", "--limit", "5", "-o", "json")
    assert (len(cut.data), cut.warnings) == (5, ["LIMIT_CUT"])
    times = [event["occurred_at"] for event in listed(cardctl)]
    assert times == sorted(times, reverse=True)


def test_one_is_shown(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    event = listed(cardctl)[0]
    assert event["amount"] == FUNDED
    for name in (event["id"], event["id"][:12], event["ref"]):
        assert cardctl("transaction", "show", name, "-o", "json").data == event
    assert "1000000.00 USD" in cardctl("transaction", "show", event["id"]).stdout


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("show", "txn_nosuchthing"), 5, "TRANSACTION_NOT_FOUND"),
        (("show", "no\nsuch\x1b[2J"), 5, "TRANSACTION_NOT_FOUND"),
        (("show", ""), 5, "TRANSACTION_NOT_FOUND"),
        (("list", "--card", "card_nosuchthing"), 5, "CARD_NOT_FOUND"),
        (("list", "--account", "nobody"), 5, "ACCOUNT_NOT_FOUND"),
        (("pull", "--card", "😀"), 5, "CARD_NOT_FOUND"),
        (("export", "nowhere.csv", "--card", "card_nosuchthing"), 5, "CARD_NOT_FOUND"),
        (("list", "--kind", "theft"), 2, "USAGE"),
        (("list", "--state", "lost"), 2, "USAGE"),
        (("list", "--since", "1e3"), 2, "INVALID_INPUT"),
        (("pull", "--since", "٢٤h"), 2, "INVALID_INPUT"),
        (("pull", "--provider", "acme"), 2, "INVALID_INPUT"),
        (("export", "-", "--format", "xls"), 2, "USAGE"),
        (("export",), 2, "USAGE"),
    ],
)
def test_what_goes_wrong_is_said_in_the_envelope(
    cardctl: Cardctl, cards: list[dict[str, Any]], words: tuple[str, ...], code: int, error: str
) -> None:
    ran = cardctl("transaction", *words, "-o", "json")
    assert (ran.code, ran.error) == (code, error)
    spoken = cardctl("transaction", *words)
    assert (spoken.code, spoken.stdout) == (code, "")
    assert "\x1b" not in spoken.stderr


def test_a_prefix_of_several_is_refused(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    with sqlite3.connect(cardctl.books) as books:
        for number, event in enumerate(listed(cardctl)):
            books.execute("UPDATE transactions SET id = ? WHERE id = ?", (f"txn_twins{number}", event["id"]))
    books.close()
    ran = cardctl("transaction", "show", "txn_twins", "-o", "json")
    assert (ran.code, ran.error) == (2, "AMBIGUOUS_NAME")
    assert cardctl("transaction", "show", "txn_twins1", "-o", "json").code == 0


def test_a_merchants_name_never_reaches_a_terminal_raw(
    cardctl: Cardctl, far_side: Control, cards: list[dict[str, Any]]
) -> None:
    far_side.swipe(cards[0]["ref"], Money(1, "USD"), merchant=HOSTILE)
    cardctl("transaction", "pull")
    event = listed(cardctl, "--kind", "settlement")[0]
    for words in (("list",), ("show", event["id"]), ("list", "-o", "csv"), ("list", "-o", "json"), ("export", "-")):
        for ran in (cardctl("transaction", *words), Ran(*on_terminal(cardctl, "transaction", *words))):
            assert ran.code == 0
            for raw in ("\x1b[31m", "\x1b]0", "\x07"):
                assert raw not in ran.stdout + ran.stderr
    assert event["merchant"]["name"].startswith("Caf\u00e9 😀")


def test_the_far_side_fails_while_reading(cardctl: Cardctl, far_side: Control, cards: list[dict[str, Any]]) -> None:
    far_side.swipe(cards[0]["ref"], Money(1, "USD"))
    far_side.fault_random(seed=1, rate=1.0)
    ran = cardctl("transaction", "pull", "-o", "json")
    assert ran.code in (8, 9)  # which of the faults comes last decides
    assert ran.json["retryable"] is True
    far_side.clear_faults()
    assert balance(cardctl, cards[0]) == 100_000_000
    assert cardctl("transaction", "pull").code == 0
    assert balance(cardctl, cards[0]) == 99_999_999


@pytest.mark.parametrize("form", ["csv", "ndjson", "json"])
def test_an_export_is_what_a_list_prints(
    cardctl: Cardctl, far_side: Control, cards: list[dict[str, Any]], tmp_path: Path, form: str
) -> None:
    far_side.swipe(cards[0]["ref"], Money(12345, "USD"), merchant=HOSTILE)
    cardctl("transaction", "pull")
    printed = cardctl("transaction", "list", "-o", form).stdout
    file = tmp_path / f"july.{form}"
    ran = cardctl("transaction", "export", str(file), "-o", "json")
    assert ran.data == {"file": str(file), "format": form, "transactions": 5}
    assert file.read_bytes().decode() == printed
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir() if found.name != "home"] == [file.name]
    assert cardctl("transaction", "export", "-", "--format", form).stdout == printed


def test_amounts_are_exact_in_every_format(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    largest = 2**53 - 1
    with sqlite3.connect(cardctl.books) as books:
        books.execute("UPDATE transactions SET amount_minor = ?, impact_minor = ?", (largest, -largest))
    books.close()
    text = "90071992547409.91"
    rows = list(csv.DictReader(io.StringIO(cardctl("transaction", "export", "-").stdout)))
    assert len(rows) == 3
    assert {(row["amount_minor"], row["amount_amount"]) for row in rows} == {(str(largest), text)}
    assert {(row["impact_minor"], row["impact_amount"]) for row in rows} == {(str(-largest), f"-{text}")}
    for line in cardctl("transaction", "export", "-", "--format", "ndjson").lines:
        assert json.loads(line)["amount"] == {"minor": largest, "currency": "USD", "amount": text}
    for event in cardctl("transaction", "export", "-", "--format", "json").data:
        assert event["impact"] == {"minor": -largest, "currency": "USD", "amount": f"-{text}"}


def test_an_export_replaces_nothing_unasked(cardctl: Cardctl, cards: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    file.write_text("mine")
    ran = cardctl("transaction", "export", str(file), "-o", "json")
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert file.read_text() == "mine"
    assert cardctl("transaction", "export", str(file), "--force").lines == [f"3 events written to {file}"]
    assert len(file.read_text().splitlines()) == 4
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_export_that_fails_leaves_nothing(cardctl: Cardctl, cards: list[dict[str, Any]], tmp_path: Path) -> None:
    file = tmp_path / "kept.csv"
    file.write_text("mine")
    with sqlite3.connect(cardctl.books) as books:
        books.execute("UPDATE transactions SET occurred_at = 'never' WHERE rowid = 2")
    books.close()
    assert cardctl("transaction", "export", str(file), "--force", "-o", "json").code != 0
    assert file.read_text() == "mine"
    assert sorted(found.name for found in tmp_path.iterdir()) == ["home", "kept.csv"]


@pytest.mark.parametrize("name", ["nosuch/dir/file.csv", ".", "", "a\0b", "x" * 300])
def test_a_name_that_is_no_file_is_exit_2(
    cardctl: Cardctl, cards: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cardctl("transaction", "export", name, "--force", "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_FILE")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["home"]


def test_standard_output_is_the_events_or_the_envelope(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    ran = cardctl("transaction", "export", "-", "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")
    assert len(cardctl("transaction", "export", "-", "--format", "json", "-o", "json").data) == 3


def test_a_closed_pipe_ends_quietly(cardctl: Cardctl, cards: list[dict[str, Any]]) -> None:
    command = f"{sys.executable} -m cardctl transaction export - --format ndjson | head -n 1"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, env=cardctl.environ(), check=False, timeout=60)
    assert len(done.stdout.splitlines()) == 1
    assert b"Traceback" not in done.stderr
    assert b"error" not in done.stderr


def test_memory_stays_flat_over_many(cardctl: Cardctl, cards: list[dict[str, Any]], tmp_path: Path) -> None:
    """Peak memory over a hundred thousand events is that over three, and a little."""
    few = _peak(cardctl, tmp_path / "few.json")
    with sqlite3.connect(cardctl.books) as books:
        columns = [row[1] for row in books.execute("PRAGMA table_info(transactions)")]
        told = ", ".join({"id": "'txn_' || n", "ref": "'ref_' || n"}.get(column, column) for column in columns)
        books.execute(
            "WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 100000)"
            f" INSERT INTO transactions SELECT {told} FROM many, (SELECT * FROM transactions LIMIT 1)"
        )
    books.close()
    many = _peak(cardctl, tmp_path / "many.json")
    assert len(json.loads((tmp_path / "many.json").read_bytes())["data"]) == 100_003
    assert many < few + 24 * 1024  # KiB; the spool of an envelope keeps 8 MiB in memory


def _peak(cardctl: Cardctl, file: Path) -> int:
    program = (
        "import resource, sys; from cardctl import cli;"
        "code = cli.run(sys.argv[1:], sys.stdout, sys.stderr, sys.stdin);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(code)"
    )
    argv = [sys.executable, "-c", program, "transaction", "export", str(file)]
    done = subprocess.run(argv, capture_output=True, env=cardctl.environ(), check=True, timeout=120)
    return int(done.stdout.split()[-1])


def test_every_verb_has_an_example(cardctl: Cardctl) -> None:
    for verb in ("list", "show", "pull", "export"):
        assert "Example: cardctl transaction " + verb in cardctl("transaction", verb, "--help").stdout
