"""Money: every currency of ISO 4217, every amount that a person may type, and no float anywhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from cardctl.domain import money
from cardctl.domain.money import MAX_MINOR, Money, exponent, zero
from cardctl.errors import BadAmount, BadInput, ExitCode

STANDARD = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
CURRENCIES = st.sampled_from(sorted(STANDARD))
MINORS = st.integers(-MAX_MINOR, MAX_MINOR)


def test_the_exponents_are_the_standards() -> None:
    assert money._EXPONENT == STANDARD


@pytest.mark.parametrize("code", ["", "US", "usd", "USDT", "BTC", "XXX", "XAU", "ＵＳＤ", "US\n"])
def test_what_is_no_currency(code: str) -> None:
    with pytest.raises(BadInput) as caught:
        exponent(code)
    assert caught.value.exit_code is ExitCode.BAD_INPUT


@given(CURRENCIES, st.integers(0, MAX_MINOR))
def test_text_there_and_back(currency: str, minor: int) -> None:
    one = Money(minor, currency)
    assert Money.parse(one.amount, currency) == one
    assert Money.parse(one.amount, currency.lower()) == one
    assert str(one) == f"{one.amount} {currency}"


@given(CURRENCIES, MINORS)
def test_decimals_there_and_back(currency: str, minor: int) -> None:
    decimals = STANDARD[currency]
    assert decimals is not None
    one = Money(minor, currency)
    assert Decimal(one.amount) == Decimal(minor).scaleb(-decimals)
    assert Money.of_decimal(Decimal(one.amount), currency) == one


@given(CURRENCIES, MINORS, MINORS)
def test_sums(currency: str, left: int, right: int) -> None:
    one, other = Money(left, currency), Money(right, currency)
    assert one + other == Money(left + right, currency)
    assert one - other == -(other - one)
    assert one + zero(currency) == one
    assert (one < other, one <= other, one > other, one >= other) == (left < right, left <= right, left > right, left >= right)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25", "USD", 2500),
        ("25.0", "USD", 2500),
        ("25.00", "USD", 2500),
        ("0025.50", "USD", 2550),
        ("0", "USD", 0),
        ("0.01", "USD", 1),
        ("25", "JPY", 25),
        ("1.234", "KWD", 1234),
        ("0.0001", "CLF", 1),
        ("90071992547409.91", "USD", MAX_MINOR),
        ("9007199254740991", "JPY", MAX_MINOR),
        ("9007199254740.991", "KWD", MAX_MINOR),
    ],
)
def test_amounts(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


HOSTILE = [
    "", " ", "-5", "+5", " 5", "5 ", "5\n", ".5", "5.", ".", "1e3", "1E3", "1_000", "1,000.00", "1.000.00", "25.005", "25.000",
    "٢٥", "２５", "२५", "²", "10^30", "1" + "0" * 30, "1" + "0" * 5000, "0." + "0" * 5000, "0." + "1" * 5000, "0x10", "1/2",
    "NaN", "sNaN", "inf", "-inf", "Infinity", "$5", "5 USD", "5USD", "1'000", "\x005", "5\x00", "\u200b5", "90071992547409.92",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:20]))
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadAmount) as caught:
        Money.parse(text, "USD")
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.BAD_INPUT, "INVALID_AMOUNT")


@pytest.mark.parametrize(("text", "currency"), [("1.5", "JPY"), ("9007199254740992", "JPY"), ("1.2345", "KWD"), ("1.0", "JPY")])
def test_decimals_that_a_currency_has_not(text: str, currency: str) -> None:
    with pytest.raises(BadAmount):
        Money.parse(text, currency)


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        read = Money.parse(text, "USD")
    except BadAmount:
        return
    assert set(text) <= set("0123456789.")
    assert Decimal(text) * 100 == read.minor


@pytest.mark.parametrize("text", ["25.000", "2.5E1", "250E-1", "0E+99999999", "-0"])
def test_decimals_of_a_wire_may_be_written_otherwise(text: str) -> None:
    assert Money.of_decimal(Decimal(text), "USD").minor in (2500, 0)


@pytest.mark.parametrize(
    "text", ["25.005", "1E-999999999", "1E+999999999", "1E+41", "NaN", "-Infinity", "90071992547409.92", "-90071992547409.92"]
)
def test_decimals_that_do_not_fit(text: str) -> None:
    with pytest.raises(BadAmount):
        Money.of_decimal(Decimal(text), "USD")


@given(st.decimals())
def test_any_decimal_fits_exactly_or_is_refused(value: Decimal) -> None:
    try:
        read = Money.of_decimal(value, "USD")
    except BadAmount:
        return
    assert Decimal(read.amount) == value


def test_two_currencies_never_net() -> None:
    dollars, euros = Money(100, "USD"), Money(100, "EUR")
    for act in (
        lambda: dollars + euros,
        lambda: dollars - euros,
        lambda: dollars < euros,
        lambda: dollars <= euros,
        lambda: dollars > euros,
        lambda: dollars >= euros,
    ):
        with pytest.raises(BadInput, match="never net"):
            act()
    assert dollars != euros


@pytest.mark.parametrize(
    ("minor", "currency", "text"), [(-50, "KWD", "-0.050"), (-1, "USD", "-0.01"), (-7, "JPY", "-7"), (0, "CLF", "0.0000")]
)
def test_negative_and_small_amounts_as_text(minor: int, currency: str, text: str) -> None:
    assert Money(minor, currency).amount == text
