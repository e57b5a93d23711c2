"""The form of cards.csv and other lists: what is read as a row, and what is no list at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardctl.config.lists import parsed_list, read_list
from cardctl.domain.bulk import COLUMNS, Verb
from cardctl.errors import BadFile


def test_rows_with_the_lines_that_they_begin_on() -> None:
    text = '\ufeffcard, reason\r\ncard_1,"lost,\r\nthen found"\r\n\r\n,\r\n card_2 ,"said ""no"""\r\n'
    listed = parsed_list(text.encode(), Verb.FREEZE, "x.csv")
    assert listed.columns == ("card", "reason")
    assert [(row.line, row.cells) for row in listed.rows] == [
        (2, {"card": "card_1", "reason": "lost,\r\nthen found"}),
        (6, {"card": "card_2", "reason": 'said "no"'}),
    ]


def test_columns_come_in_any_order_and_may_be_left_out() -> None:
    listed = parsed_list(b"fund,account\n5,emp-1\n", Verb.ISSUE, "x.csv")
    assert listed.rows[0].cells == {"account": "emp-1", "fund": "5"}


@pytest.mark.parametrize("text", ["card\ncard_1,lost\n", "card,reason\ncard_1\n"])
def test_a_row_of_another_length_is_kept_with_its_fault(text: str) -> None:
    (row,) = parsed_list(text.encode(), Verb.FREEZE, "x.csv").rows
    assert row.fault
    assert "cells" in row.fault


@pytest.mark.parametrize(
    ("data", "verb", "fault"),
    [
        (b"", Verb.ISSUE, "the column 'account' is missing"),
        (b"acount,key\n", Verb.ISSUE, "unknown column 'acount'; did you mean account?; the column 'account' is missing"),
        (b"card,card\n", Verb.CLOSE, "the column 'card' is there more than once"),
        (b"card,currency\n", Verb.FUND, "the column 'amount' is missing"),
        (b"card\n\xff\n", Verb.FREEZE, "byte 5 is not UTF-8"),
        (b'card\n"card_1"x\n', Verb.FREEZE, "line 2"),
        (b'card\n"card_1\n', Verb.FREEZE, "line 2"),
        (b"card;reason\n", Verb.FREEZE, "unknown column 'card;reason'"),
    ],
)
def test_what_is_no_list(data: bytes, verb: Verb, fault: str) -> None:
    with pytest.raises(BadFile) as raised:
        parsed_list(data, verb, "x.csv")
    assert raised.value.message.startswith("x.csv: ")
    assert fault in raised.value.message


def test_a_header_alone_is_an_empty_list() -> None:
    assert parsed_list(b"card\n", Verb.FREEZE, "x.csv").rows == ()


def test_another_content_has_another_digest() -> None:
    assert len({parsed_list(data, Verb.FREEZE, "x").digest for data in (b"card\na\n", b"card\nb\n", b"card\na\n")}) == 2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        read_list(tmp_path / "none.csv", Verb.FREEZE)
    with pytest.raises(BadFile, match="directory"):
        read_list(tmp_path, Verb.FREEZE)


def test_the_documented_example_is_read() -> None:
    example = (
        b"account,key,currency,type,fund,per_transaction,daily,monthly\nemp-0042,travel,USD,virtual,250.00,100.00,200.00,\n"
    )
    (row,) = parsed_list(example, Verb.ISSUE, "cards.csv").rows
    assert (row.cells["fund"], row.cells["monthly"], row.fault) == ("250.00", "", None)
    assert set(row.cells) < set(COLUMNS[Verb.ISSUE])
