"""Tables and csv as they stand in a pipe."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from cardctl.output.console import Output
from tests.output.desk import Desk
from tests.output.trial import CARD, COLUMNS, cards


def test_csv_joins_nested_names_and_keeps_its_columns_where_things_are_null() -> None:
    desk = Desk(Output.CSV)
    unlimited = {**CARD, "balance": None, "limits": dict.fromkeys(("per_transaction", "daily", "weekly", "monthly"))}
    desk.console.rows([unlimited, CARD], COLUMNS)
    header, first, second = csv.reader(io.StringIO(desk.said[0]))
    assert header[:6] == ["id", "holder", "state", "balance_minor", "balance_currency", "balance_amount"]
    assert header[6:9] == ["limits_per_transaction_minor", "limits_per_transaction_currency", "limits_per_transaction_amount"]
    assert header[-1] == "created_at"
    assert len(header) == 3 + 3 + 4 * 3 + 1
    assert first == ["card_1", "Ada", "active", *[""] * 15, CARD["created_at"]]
    assert second[3:6] == ["2500", "USD", "25.00"]
    assert second[header.index("limits_daily_amount")] == "5"


def test_csv_keeps_lists_and_open_trees_in_one_column() -> None:
    desk = Desk(Output.CSV)
    items = [
        {"seq": 1, "before": {"state": "active"}, "flags": ["a", "b"], "merchant": {"name": None, "mcc": "1"}, "ok": True},
        {"seq": 2, "before": {}, "flags": [], "merchant": None, "ok": False},
    ]
    desk.console.rows(items, ("seq",))
    header, first, second = csv.reader(io.StringIO(desk.said[0]))
    assert header == [
        "seq", "before", "flags", "merchant_name", "merchant_mcc",
        "merchant_category", "merchant_city", "merchant_country", "ok",
    ]  # fmt: skip
    assert first == ["1", '{"state":"active"}', '["a","b"]', "", "1", "", "", "", "true"]
    assert second == ["2", "{}", "[]", "", "", "", "", "", "false"]


def test_csv_of_a_write_and_of_nothing() -> None:
    desk = Desk(Output.CSV)
    desk.console.done({"card": {"id": "card_1", "balance": None}, "operation": None}, [])
    assert desk.said[0] == "card_id,card_balance_minor,card_balance_currency,card_balance_amount,operation\ncard_1,,,,\n"
    desk = Desk(Output.CSV)
    desk.console.rows([], ("id", "merchant.name"))
    assert desk.said[0] == "id,merchant_name\n"


def test_table_in_a_pipe_is_plain_and_utc() -> None:
    desk = Desk(Output.TABLE)
    desk.console.rows([CARD, {**CARD, "holder": None, "balance": None}], COLUMNS)
    assert desk.said == (
        "id      holder    state      balance    limits daily  created at\n"
        "card_1  Ada       active   25.00 USD           5 JPY  2026-11-21T00:57:43Z\n"
        "card_1  -         active           -           5 JPY  2026-11-21T00:57:43Z\n",
        "",
    )


def test_table_of_nothing_is_its_head() -> None:
    desk = Desk(Output.TABLE)
    desk.console.rows([], ("id", "created_at"))
    assert desk.said == ("id    created at\n", "")


def test_table_never_takes_text_for_a_number() -> None:
    desk = Desk(Output.TABLE)
    desk.console.rows([{"last4": "0042", "ref": "1e5"}], ("last4", "ref"))
    assert desk.said[0].splitlines()[1].split() == ["0042", "1e5"]


def test_long_table_streams_every_row_aligned() -> None:
    desk = Desk(Output.TABLE)
    asked: list[int] = []

    def items() -> Iterator[dict[str, Any]]:
        for number, card in enumerate(cards(2500)):
            asked.append(number)
            if number == 2000:
                assert "card_1000" in desk.said[0], "nothing was written although the first thousand rows are known"
            yield {**card, "holder": "漢字" if number == 5 else "Ada"}

    desk.console.rows(items(), ("id", "holder", "balance", "state"))
    lines = desk.said[0].splitlines()
    assert len(lines) == 2501
    assert len(asked) == 2500
    assert lines[0].split() == ["id", "holder", "balance", "state"]
    assert {line.index("25.00 USD") for line in lines[1:] if "漢" not in line} == {lines[1].index("25.00 USD")}
    assert lines[6].index("25.00 USD") == lines[1].index("25.00 USD") - 2, "two wide characters fill four columns"
    assert lines[2500].startswith("card_2500")


def test_show_is_field_and_value() -> None:
    desk = Desk(Output.TABLE)
    desk.console.show({**CARD, "flags": ["a", "b"], "fresh": True, "money": []}, title="A card")
    assert desk.said[0] == (
        "A card\n"
        "id                      card_1\n"
        "holder                  Ada\n"
        "state                   active\n"
        "balance                 25.00 USD\n"
        "limits.per_transaction  -\n"
        "limits.daily            5 JPY\n"
        "limits.weekly           -\n"
        "limits.monthly          -\n"
        "created_at              2026-11-21T00:57:43Z\n"
        "flags                   a, b\n"
        "fresh                   yes\n"
        "money                   -\n"
    )
