"""The steps that every row of a list takes, one by one and together: `pytest tests/bench --benchmark-enable`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cardctl.db.cards import card_from_row, card_to_row
from cardctl.domain.money import Money
from cardctl.output import shapes
from cardctl.output.cells import csv_paths, csv_row
from cardctl.output.envelope import encode
from tests.bench.seed import account, card
from tests.services.world import World

ROWS = 200


@pytest.mark.parametrize("text", ["25", "1000000.00"])
def test_money_is_parsed(benchmark: BenchmarkFixture, text: str) -> None:
    assert benchmark(Money.parse, text, "USD") == Money(int(text.partition(".")[0]) * 100, "USD")


def test_money_is_written(benchmark: BenchmarkFixture) -> None:
    assert benchmark(lambda: Money(-123_456_789, "USD").amount) == "-1234567.89"


def test_a_row_becomes_a_card(benchmark: BenchmarkFixture) -> None:
    row = (*card_to_row(card(1)).values(), None)
    assert benchmark(card_from_row, row) == card(1)


def test_a_card_takes_its_shape(benchmark: BenchmarkFixture) -> None:
    assert benchmark(shapes.card, card(1))["balance"] == {"minor": 9_999_999, "currency": "USD", "amount": "99999.99"}


@pytest.mark.parametrize("number", [0, 10])
def test_a_shape_becomes_json(benchmark: BenchmarkFixture, number: int) -> None:
    """The holder of card 0 is ASCII; that of card 10 is not, which takes another way."""
    shape = shapes.card(card(number))
    assert json.loads(benchmark(encode, shape)) == shape


def test_a_shape_becomes_csv(benchmark: BenchmarkFixture) -> None:
    shape = shapes.card(card(1))
    paths = csv_paths(shape)
    assert shape["id"] in benchmark(csv_row, shape, paths)


def test_a_list_from_the_books_to_json(benchmark: BenchmarkFixture, world: World) -> None:
    with world.books.write() as unit:
        for number in range(ROWS // 10):
            unit.accounts.add(account(number), raw={})
        for number in range(ROWS):
            unit.cards.add(card(number), raw={})

    def listed() -> list[bytes]:
        with world.books.read() as unit:
            return [encode(shapes.card(each)) for each in unit.cards.rows()]

    lines: list[Any] = [json.loads(line) for line in benchmark(listed)]
    assert [line["id"] for line in lines] == [card(number).id for number in reversed(range(ROWS))]
