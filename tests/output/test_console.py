"""What each output writes, to the byte; tables and csv are in test_tables.py, terminals and pipes in test_streams.py."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from cardctl.errors import NotFound, OutcomeUnknown, ProviderRefused, RateLimited, Refused
from cardctl.output.console import Console, Output
from tests.output.desk import Desk
from tests.output.trial import COLUMNS, cards

HOSTILE = "Eve\x1b[31m\nBold\x9b\u202e\x7f"
SEEN = r"Eve\x1b[31m\nBold\x9b\u202e\x7f"


def test_json_list_is_one_envelope() -> None:
    desk = Desk(Output.JSON)
    desk.console.rows(cards(2), COLUMNS)
    out, err = desk.said
    assert out.endswith("}\n")
    assert out.count("\n") == 1
    assert json.loads(out) == {"schema_version": 1, "success": True, "data": list(cards(2)), "warnings": []}
    assert err == ""


def test_json_list_of_nothing() -> None:
    desk = Desk(Output.JSON)
    desk.console.rows([], COLUMNS)
    assert desk.said == ('{"schema_version":1,"success":true,"data":[],"warnings":[]}\n', "")


def test_json_object_and_write_carry_their_warnings() -> None:
    desk = Desk(Output.JSON)
    desk.console.warn("ALREADY", "nothing to do")
    desk.console.done({"card": {"id": "card_1"}, "operation": None}, ["frozen"])
    out, err = desk.said
    assert out == (
        '{"schema_version":1,"success":true,"data":{"card":{"id":"card_1"},"operation":null},'
        '"warnings":[{"code":"ALREADY","message":"nothing to do"}]}\n'
    )
    assert err == ""


@pytest.mark.parametrize("output", [Output.TABLE, Output.CSV, Output.NDJSON])
def test_warning_goes_to_stderr_without_an_envelope(output: Output) -> None:
    desk = Desk(output)
    desk.console.warn("ALREADY", "nothing to do")
    assert desk.said == ("", "warning: nothing to do\n")


def broken(after: int) -> Iterator[dict[str, Any]]:
    yield from cards(after)
    raise NotFound("card", "card_lost")


def test_csv_that_fails_on_the_way_leaves_stdout_empty() -> None:
    desk = Desk(Output.CSV)
    with pytest.raises(NotFound):
        desk.console.rows(broken(3), COLUMNS)
    assert desk.said == ("", "")


@pytest.mark.parametrize("after", [0, 3, 60_000])
def test_json_that_fails_on_the_way_is_one_failure(after: int) -> None:
    desk = Desk(Output.JSON)
    with pytest.raises(NotFound) as caught:
        desk.console.rows(broken(after), COLUMNS)
    assert desk.said == ("", "")
    desk.console.fail(caught.value)
    assert json.loads(desk.said[0]) == {
        "schema_version": 1,
        "success": False,
        "error_code": "CARD_NOT_FOUND",
        "message": "no card answers to 'card_lost'",
        "hint": None,
        "retryable": False,
    }


def test_ndjson_that_fails_on_the_way_ends_with_the_failure() -> None:
    desk = Desk(Output.NDJSON)
    with pytest.raises(NotFound) as caught:
        desk.console.rows(broken(2), COLUMNS)
    desk.console.fail(caught.value)
    first, second, last = (json.loads(line) for line in desk.said[0].splitlines())
    assert [first["id"], second["id"]] == ["card_1", "card_2"]
    assert last["error_code"] == "CARD_NOT_FOUND"
    assert desk.said[1] == ""


@pytest.mark.parametrize("output", [Output.TABLE, Output.CSV])
def test_failure_without_json_speaks_on_stderr(output: Output) -> None:
    desk = Desk(output)
    desk.console.fail(RateLimited("too many\nrequests with 4242 4242 4242 4242", hint="wait"))
    assert desk.said == ("", "error: too many\\nrequests with **** **** **** 4242\nhint: wait\n")


def test_failure_carries_what_the_error_knows() -> None:
    desk = Desk(Output.JSON)
    desk.console.fail(OutcomeUnknown("may have run", operation_id="op_1"))
    desk.console.fail(ProviderRefused("no", vendor_code="card_declined", request_id="req_1"))
    first, second = (json.loads(line) for line in desk.said[0].splitlines())
    assert first["operation_id"] == "op_1"
    assert first["retryable"] is False
    assert (second["vendor_code"], second["request_id"]) == ("card_declined", "req_1")


def test_ndjson_is_one_object_a_line() -> None:
    desk = Desk(Output.NDJSON)
    desk.console.rows(cards(3), COLUMNS)
    assert [json.loads(line) for line in desk.said[0].splitlines()] == list(cards(3))
    desk = Desk(Output.NDJSON)
    desk.console.show({"id": "card_1"})
    assert desk.said[0] == '{"id":"card_1"}\n'


def test_list_in_json_stays_out_of_memory() -> None:
    class Sink(io.TextIOBase):
        size = 0

        def write(self, text: str) -> int:
            self.size += len(text)
            return len(text)

    sink = Sink()
    console = Console(Output.JSON, stdout=sink, stderr=io.StringIO(), stdin=io.StringIO())  # type: ignore[arg-type]
    console.rows(cards(1), COLUMNS)
    tracemalloc.start()
    console.rows(cards(100_000), COLUMNS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sink.size > 25_000_000
    assert peak < 16_000_000


def test_limit_says_that_it_cut() -> None:
    desk = Desk(Output.JSON)
    desk.console.rows(cards(2), COLUMNS, limit_cut=True)
    assert json.loads(desk.said[0])["warnings"] == [
        {"code": "LIMIT_CUT", "message": "--limit cut this list after 2; there is more"}
    ]
    desk = Desk(Output.TABLE)
    desk.console.rows(cards(2), COLUMNS, limit_cut=lambda: True)
    assert desk.said[1] == "warning: --limit cut this list after 2; there is more\n"
    desk = Desk(Output.TABLE)
    desk.console.rows(cards(2), COLUMNS, limit_cut=lambda: False)
    assert desk.said[1] == ""


@pytest.mark.parametrize("output", list(Output))
@pytest.mark.parametrize("verb", ["rows", "show", "done"])
def test_nothing_moves_the_cursor(output: Output, verb: str) -> None:
    desk = Desk(output)
    data = {"id": "card_1", "holder": HOSTILE, "tree": {"x": HOSTILE}, "list": [HOSTILE]}
    if verb == "rows":
        desk.console.rows([data], ("id", "holder", "tree", "list"))
    elif verb == "show":
        desk.console.show(data, title=HOSTILE)
    else:
        desk.console.done(data, [f"frozen: {HOSTILE}"])
    desk.console.notice(HOSTILE)
    out, err = desk.said
    for text in (out, err):
        assert not [char for char in text if char != "\n" and not char.isprintable()]
    assert err == SEEN + "\n"
    if output in {Output.JSON, Output.NDJSON}:
        read = json.loads(out)
        assert (read["data"] if output is Output.JSON else read) in (data, [data]), "JSON escapes, and loses nothing"
    else:
        assert SEEN in out


@pytest.mark.parametrize("output", list(Output))
def test_card_numbers_in_free_text_are_masked_everywhere(output: Output) -> None:
    desk = Desk(output)
    data = {"ref": "4242424242424242", "holder": "Ada 4242 4242 4242 4242", "deep": [{"reason": "4242-4242-4242-4242"}]}
    desk.console.rows([data], ("ref", "holder", "deep"))
    desk.console.done(data, ["4242424242424242"])
    desk.console.warn("X", "4242424242424242")
    out, err = desk.said
    assert "4242 4242" not in out
    assert "4242-4242" not in out
    assert "4242424242424242" not in err
    assert "**** **** **** 4242" in out
    if output is not Output.TABLE:
        assert out.count("4242424242424242") == 2, "a provider's ref is no free text"


def test_bytes_of_the_command_line_that_are_no_utf8_do_not_break_json() -> None:
    desk = Desk(Output.JSON)
    desk.console.show({"name": "caf\udce9", "tags": ["\ud800"], "caf\udce9": 1})
    assert json.loads(desk.said[0])["data"] == {"name": "caf\\udce9", "tags": ["\\ud800"], "caf\\udce9": 1}


def test_large_amounts_stay_exact() -> None:
    desk = Desk(Output.NDJSON)
    money = {"minor": 2**53 - 1, "currency": "USD", "amount": "90071992547409.91"}
    desk.console.show({"balance": money})
    assert desk.said[0] == '{"balance":{"minor":9007199254740991,"currency":"USD","amount":"90071992547409.91"}}\n'


def test_no_question_and_no_numbers_without_a_terminal() -> None:
    desk = Desk(Output.TABLE)
    desk.keys.write("4242\n")
    desk.keys.seek(0)
    assert not desk.console.interactive
    assert not desk.console.ask("Close?", "4242")
    with pytest.raises(Refused):
        desk.console.reveal({"number": "4242424242424242"})
    assert desk.said == ("", "")


def test_progress_says_nothing_without_a_terminal() -> None:
    desk = Desk(Output.TABLE)
    with desk.console.progress("Working", total=2) as advance:
        advance(1)
    assert desk.said == ("", "")
