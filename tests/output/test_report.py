"""The report's files: what JSON, CSV and Markdown say, the verdict in words, and that they are whole or not there at all."""

from __future__ import annotations

import csv
import json
import stat
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.breaks import Break, BreakState, BreakType, Move, RunState, Severity
from cardctl.domain.money import Money
from cardctl.errors import BadFile, BadInput, DiskFull
from cardctl.output.break_shapes import BREAK_FIELDS, break_shape, run_shape
from cardctl.output.cells import csv_paths
from cardctl.output.report import FORMATS, write_report
from cardctl.output.report.tally import BUCKETS, NEW, OLDEST, Tally, bucket, gravity
from cardctl.output.report.verdict import verdict
from tests.output.reconciled import BEGUN, before, found, move, report, run, shape

NUMBER = "4242424242424242"
NAME = "reconcile-run_0000000000000001"
SNOOZED = found(
    BreakType.OPERATION_IN_DOUBT,
    "op_1",
    state=BreakState.SNOOZED,
    snoozed_until=datetime(2026, 12, 1, tzinfo=UTC),
    reason=f"asked about {NUMBER}",
    moves=(
        move(BreakState.OPEN, at=before(days=1)),
        move(BreakState.SNOOZED, BreakState.OPEN, reason=f"asked about {NUMBER}", run_id=None),
    ),
)
RICH = found(at_risk=Money(125_000, "USD"), evidence={"events": ["evt_1"]}, first_seen_at=before(days=2), occurrences=3)


def texts(directory: Path, *formats: str) -> dict[str, str]:
    """What was written, by ending."""
    return {
        path.suffix[1:]: path.read_text("utf-8") for path in directory.iterdir() if not formats or path.suffix[1:] in formats
    }


class TestFiles:
    def test_html_and_json_always(self, tmp_path: Path) -> None:
        assert write_report(report(), tmp_path, []) == [tmp_path / f"{NAME}.html", tmp_path / f"{NAME}.json"]
        assert write_report(report(), tmp_path, ["csv", "html"]) == [
            tmp_path / f"{NAME}.{end}" for end in ("html", "json", "csv")
        ]
        every = write_report(report(), tmp_path, FORMATS)
        assert [path.suffix for path in every] == [".html", ".json", ".md", ".csv"]

    def test_nobody_else_may_read_them(self, tmp_path: Path) -> None:
        paths = write_report(report(), tmp_path / "a" / "b", FORMATS)
        assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
        assert [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700, 0o700]

    def test_a_report_of_the_same_run_is_replaced(self, tmp_path: Path) -> None:
        write_report(report(), tmp_path, [])
        write_report(report([RICH]), tmp_path, [])
        assert RICH.fingerprint in texts(tmp_path)["html"]

    def test_none_is_there_where_reading_the_breaks_fails(self, tmp_path: Path) -> None:
        def torn() -> Iterator[Break]:
            yield RICH
            raise DiskFull("no room")

        with pytest.raises(DiskFull):
            write_report(replace(report(), breaks=torn), tmp_path, FORMATS)
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_format(self, tmp_path: Path) -> None:
        with pytest.raises(BadInput, match="'pdf' is no format of a report"):
            write_report(report(), tmp_path / "new", ["csv", "pdf"])
        assert not (tmp_path / "new").exists()

    def test_a_directory_that_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "taken").write_text("")
        for place in ("taken", "taken/below"):
            with pytest.raises(BadFile):
                write_report(report(), tmp_path / place, [])

    def test_the_breaks_are_read_once_and_not_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ten times as many breaks need no more memory; every file is of the same pass."""
        monkeypatch.setattr("cardctl.output.report.SHOWN", 50)
        passes: list[int] = []

        def many() -> Iterator[Break]:
            count = [300, 3_000][len(passes)]
            passes.append(count)
            yield from (replace(RICH, subject=f"ic_{number}", fingerprint=f"brk_{number:020}") for number in range(count))

        peaks = []
        for _ in range(2):
            tracemalloc.start()
            write_report(replace(report(), breaks=many), tmp_path, ["csv", "markdown"])
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert passes == [300, 3_000]
        assert peaks[1] < peaks[0] * 1.25
        written = texts(tmp_path)
        assert len(json.loads(written["json"])["breaks"]) == 3_000
        assert written["csv"].count("\n") == 3_001
        assert written["html"].count("<article ") == written["md"].count("| brk_0") == 50
        assert "2,950 more breaks are not shown here; all are in the JSON file." in written["md"]


class TestJson:
    def test_the_whole_document(self, tmp_path: Path) -> None:
        write_report(report([RICH, SNOOZED], not_checked=["limits"]), tmp_path, [])
        told = json.loads(texts(tmp_path)["json"])
        assert told == {
            "schema_version": 1,
            "run": json.loads(json.dumps(run_shape(run(not_checked=["limits"])))),
            "breaks": [break_shape(RICH, moves=True), told["breaks"][1]],
            "made_at": "2026-11-26T02:01:20.250000Z",
            "profile": "nightly",
            "environment": "simulator",
        }
        assert list(told) == ["schema_version", "run", "breaks", "made_at", "profile", "environment"]
        assert told["breaks"][1]["reason"] == "asked about **** **** **** 4242"

    def test_no_breaks(self, tmp_path: Path) -> None:
        write_report(report(), tmp_path, [])
        assert json.loads(texts(tmp_path)["json"])["breaks"] == []

    def test_a_break(self) -> None:
        assert break_shape(SNOOZED, moves=True) == {
            "fingerprint": SNOOZED.fingerprint, "type": "operation_in_doubt", "severity": "critical", "provider": "stripe",
            "programme": "stripe/default", "subject": "op_1", "card_id": "card_00000001", "local": {"state": "active"},
            "remote": {"state": "frozen"}, "at_risk": None, "evidence": {}, "cause": SNOOZED.cause,
            "proposed_fix": SNOOZED.proposed_fix, "first_seen_at": "2026-11-26T02:00:00.250000Z",
            "last_seen_at": "2026-11-26T02:00:00.250000Z", "occurrences": 1, "state": "snoozed",
            "snoozed_until": "2026-12-01T00:00:00.000000Z", "reason": SNOOZED.reason,
            "moves": [
                {"at": "2026-11-25T02:00:00.250000Z", "actor": "ada", "before": None, "after": "open", "reason": None,
                 "run_id": "run_1"},
                {"at": "2026-11-26T02:00:00.250000Z", "actor": "ada", "before": "open", "after": "snoozed",
                 "reason": SNOOZED.reason, "run_id": None},
            ],
        }  # fmt: skip
        assert tuple(break_shape(RICH)) == BREAK_FIELDS
        assert break_shape(RICH)["at_risk"] == shape(125_000)

    def test_a_run(self) -> None:
        shown = run_shape(run(state=RunState.PARTIAL, finished_at=None, error="the list broke off"))
        assert " ".join(shown) == (
            "id state started_at finished_at actor correlation_id programmes watermark figures not_checked found fixed digest"
            " error"
        )
        assert (shown["state"], shown["finished_at"], shown["error"]) == ("partial", None, "the list broke off")


class TestCsv:
    def rows(self, directory: Path, *breaks: Break) -> list[dict[str, str]]:
        write_report(report(breaks), directory, ["csv"])
        return list(csv.DictReader(texts(directory)["csv"].splitlines()))

    def test_a_row(self, tmp_path: Path) -> None:
        (row,) = self.rows(tmp_path, RICH)
        assert row == {
            "fingerprint": RICH.fingerprint, "type": "card_state", "severity": "critical", "provider": "stripe",
            "programme": "stripe/default", "subject": "ic_1", "card_id": "card_00000001", "local": '{"state":"active"}',
            "remote": '{"state":"frozen"}', "at_risk_minor": "125000", "at_risk_currency": "USD", "at_risk_amount": "1250.00",
            "evidence": '{"events":["evt_1"]}', "cause": RICH.cause, "proposed_fix": RICH.proposed_fix,
            "first_seen_at": "2026-11-24T02:00:00.250000Z", "last_seen_at": "2026-11-26T02:00:00.250000Z", "occurrences": "3",
            "state": "open", "snoozed_until": "", "reason": "",
        }  # fmt: skip

    def test_the_columns_are_those_of_any_break(self, tmp_path: Path) -> None:
        write_report(report(), tmp_path, ["csv"])
        empty = texts(tmp_path)["csv"].strip().split(",")
        assert [empty, empty] == [["_".join(path) for path in csv_paths(break_shape(each))] for each in (RICH, SNOOZED)]

    @pytest.mark.parametrize("text", ["=HYPERLINK(A1)", "+1", "-1+1", "@SUM(A1)", "\t=1"])
    def test_a_spreadsheet_reckons_nothing(self, tmp_path: Path, text: str) -> None:
        (row,) = self.rows(tmp_path, found(subject=text, reason=text, at_risk=Money(-5, "USD")))
        assert row["subject"][0] not in "=+-@\t"
        assert row["reason"][0] not in "=+-@\t"
        assert (row["at_risk_minor"], row["at_risk_amount"]) == ("-5", "-0.05")

    def test_card_numbers_are_masked(self, tmp_path: Path) -> None:
        (row,) = self.rows(tmp_path, found(local={"note": f"card {NUMBER}"}, reason=NUMBER))
        assert (row["local"], row["reason"]) == ('{"note":"card **** **** **** 4242"}', "**** **** **** 4242")


class TestMarkdown:
    def told(self, directory: Path, *breaks: Break, **fields: Any) -> str:
        write_report(report(breaks, **fields), directory, ["markdown"])
        return texts(directory)["md"]

    def row(self, told: str, name: str) -> list[str]:
        """The cells of the first table row that begins with `name`."""
        line = next(line for line in told.splitlines() if line.startswith(f"| {name} "))
        return [cell.strip() for cell in line.strip("|").split(" | ")]

    def test_what_it_says(self, tmp_path: Path) -> None:
        told = self.told(tmp_path, RICH, SNOOZED, not_checked=["limits of strowallet"], found=2)
        assert "**1 break wants somebody.**" in told
        assert self.row(told, "All USD") == [
            "All USD", "1,224,881.17", "1,224,881.17", "both ways", "2,500.00", "96,422.80", "1,800.00", "–",
        ]  # fmt: skip
        assert self.row(told, "stripe/default")[:4] == ["stripe/default", "1,204,881.17", "1,204,756.17", "125.00"]
        assert self.row(told, "critical") == [
            "critical", "Card state", "stripe/default", "ic_1", "state: active → frozen", "1,250.00 USD", "2026-11-24 02:00:00",
            "open", "2026-11-26 02:00:00 found (ada)", RICH.fingerprint,
        ]  # fmt: skip
        assert "- limits of strowallet" in told
        assert "asked about \\*\\*\\*\\* \\*\\*\\*\\* \\*\\*\\*\\* 4242" in told
        assert "since: –; cutoff: 2026-11-26 01:50:00.250000 UTC; newest: 2026-11-26 01:41:10 UTC" in told
        assert "| provider clock | 2026-11-26 02:00:04 UTC " in told
        assert self.row(told, "Frozen cards")[1] == "13"
        assert self.row(told, "Parts")[1] == "reading 61.2 s, comparing 12.5 s"

    def test_values_are_no_markup(self, tmp_path: Path) -> None:
        hostile = "<b>|[x](http://e.com) *a* _b_ `c` www.e.com card_1\n# h"
        told = self.told(tmp_path, found(local={"name": hostile}, remote={"name": "x"}))
        cell = self.row(told, "critical")[4]
        assert cell == (
            r"name: \<b\>\|\[x\](http\://e.com) \*a\* \_b\_ \`c\` www\.e.com card_1\\n\# h → x"
        )  # the line's end became visible

    def test_a_wide_cell_does_not_widen_the_file_without_end(self, tmp_path: Path) -> None:
        wide = found(local={f"field_{number}": "x" * 300 for number in range(50)}, remote={})
        told = self.told(tmp_path, wide, *[found(subject=f"ic_{number}") for number in range(200)])
        assert max(map(len, told.splitlines())) < 1_500


@pytest.mark.parametrize(
    ("fields", "breaks", "tone", "headline"),
    [
        ({}, [], "good", "Clean: our books and the providers' say the same."),
        ({}, [SNOOZED, found(BreakType.CAPTURE_AFTER_FREEZE)], "good", "Clean: no break wants anybody."),
        ({}, [found(BreakType.CARD_LIMITS)], "unsure", "1 break wants somebody."),
        ({}, [found(), found(BreakType.CARD_LIMITS)], "bad", "2 breaks want somebody."),
        ({"state": RunState.PARTIAL}, [], "unsure", "Partly read: no break wants anybody in what was read."),
        ({"state": RunState.PARTIAL}, [found()], "bad", "Partly read: 1 break wants somebody in what was read."),
        ({"state": RunState.STOPPED}, [], "bad", "Stopped: nothing was concluded."),
        ({"state": RunState.RUNNING}, [], "unsure", "Not finished: no break wants anybody so far."),
    ],
)
def test_verdict(fields: dict[str, Any], breaks: list[Break], tone: str, headline: str) -> None:
    said = verdict(run(**fields), tallied(*breaks))
    assert (said.tone, said.headline) == (tone, headline)


def test_the_verdict_names_money_per_currency_and_what_was_not_checked() -> None:
    breaks = [
        found(at_risk=Money(1_000_00, "USD")), found(BreakType.CARD_LIMITS, at_risk=Money(5, "USD")),
        found(BreakType.BALANCE, at_risk=Money(4_000, "JPY")), replace(SNOOZED, at_risk=Money(9, "EUR")),
    ]  # fmt: skip
    said = verdict(run(fixed=2, not_checked=["a", "b"], error=f"broke off at {NUMBER}"), tallied(*breaks))
    assert said.details == [
        "broke off at **** **** **** 4242",
        "Waiting: 2 critical, 1 warning.",
        "Money at risk, at most: 4,000 JPY, 1,000.05 USD. Breaks on the same card may count the same money.",
        "1 more break is seen to, or only worth knowing.",
        "2 breaks were fixed by this run.",
        "2 things were not checked; see below.",
    ]


def tallied(*breaks: Break) -> Tally:
    tally = Tally(BEGUN)
    for each in breaks:
        tally.add(each)
    return tally


@pytest.mark.parametrize(
    ("age", "name"),
    [
        (timedelta(), NEW),
        (timedelta(seconds=-20), NEW),
        (timedelta(microseconds=1), "under 1 day"),
        (timedelta(days=1), "1 to 3 days"),
        (timedelta(days=3), "3 to 7 days"),
        (timedelta(days=7), "7 to 30 days"),
        (timedelta(days=30), OLDEST),
    ],
)
def test_ages(age: timedelta, name: str) -> None:
    assert bucket(BEGUN, BEGUN - age) == name
    assert name in BUCKETS


def test_a_tally() -> None:
    tally = tallied(RICH, RICH, SNOOZED, found(severity=Severity.INFO))
    assert tally.total == 4
    assert tally.by_type[BreakType.CARD_STATE] == Counter({Severity.CRITICAL: 2, Severity.INFO: 1})
    assert tally.by_age["1 to 3 days"] == Counter({Severity.CRITICAL: 2})
    assert (tally.waiting.total(), tally.at_risk) == (2, Counter(USD=250_000))


def test_the_gravest_first() -> None:
    order = [
        found(subject="a", at_risk=Money(1, "EUR")),
        found(subject="b", at_risk=Money(500, "USD")),
        found(subject="c", at_risk=Money(499, "USD")),
        found(subject="d"),
        found(BreakType.CARD_LIMITS, "e", at_risk=Money(9_999, "USD")),
        replace(SNOOZED, at_risk=Money(99_999, "USD")),
        found(BreakType.CAPTURE_AFTER_FREEZE, "f"),
    ]
    shuffled = order[::-1]
    assert sorted(shuffled, key=gravity) == order


@pytest.mark.parametrize(
    "torn",
    [
        {"figures": {}, "watermark": {}},
        {"figures": {"programmes": {"p": {}}, "totals": [{}]}, "watermark": {"p": {}}},
        {"figures": {"programmes": None, "totals": None, "seconds": None}, "watermark": {"p": None}},
        {
            "figures": {
                "programmes": {"p": {"cards": 3, "states": [], "frozen": "?"}},
                "totals": ["?"],
                "seconds": {"reading": "?"},
            }
        },
        {
            "figures": {"totals": [{"programme": "p", "currency": "XX", "drift": 3, "held": 1.5}]},
            "watermark": {"p": {"cards": []}},
        },
        {"finished_at": None, "programmes": [], "digest": "", "actor": ""},
    ],
)
def test_whatever_is_missing_is_shown_as_missing(tmp_path: Path, torn: dict[str, Any]) -> None:
    write_report(report([RICH], **torn), tmp_path, FORMATS)
    assert RICH.fingerprint in texts(tmp_path)["html"]


@pytest.mark.parametrize(
    "odd",
    [
        {"local": {"a": {"b": {"c": [1, None, {"d": True}]}}}, "remote": {"a": []}},
        {"local": {"at": "2026-11-26T02:00:00Z", "x_at": "9999-12-31T23:59:59-12:00"}, "remote": {"at": "never"}},
        {"local": {"amount": {"minor": "?", "currency": 3, "amount": None}}, "remote": {}},
        {"local": {"half": "\ud800"}, "remote": {"": ""}, "reason": "\ud800", "cause": "\ufffe"},
        {"at_risk": None, "evidence": {"events": []}, "moves": ()},
    ],
)
def test_odd_values_spoil_no_report(tmp_path: Path, odd: dict[str, Any]) -> None:
    write_report(report([found(**odd)]), tmp_path, FORMATS)
    assert len(texts(tmp_path)) == 4


def test_a_move_is_shown_once_per_step(tmp_path: Path) -> None:
    moves: tuple[Move, ...] = (move(BreakState.OPEN), move(BreakState.ACCEPTED, BreakState.OPEN, actor="bob", reason="known"))
    write_report(report([found(state=BreakState.ACCEPTED, moves=moves)]), tmp_path, [])
    assert "open → accepted by <bdi>bob</bdi>: <bdi>known</bdi>" in texts(tmp_path)["html"]
