"""Money as integers of minor units; the only file that knows a power of ten."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from cardctl.errors import BadAmount, BadInput

MAX_MINOR = 2**53 - 1
"""The largest amount: what a JSON reader with doubles still reads exactly."""

_EXPONENTS: dict[int, str] = {  # ISO 4217, held against a kept copy of the standard by tests/domain/test_money.py
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY "
    "COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR "
    "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP "
    "STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_EXPONENT = {code: exponent for exponent, codes in _EXPONENTS.items() for code in codes.split()}
_LONGEST = 40
"""Digits: an amount with more before its point is refused unread."""
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z", re.ASCII)


def exponent(currency: str) -> int:
    """How many decimals `currency` (ISO 4217, upper case) has; BadInput when there is no such currency."""
    try:
        return _EXPONENT[currency]
    except KeyError:
        raise BadInput(f"{currency!r} is not an ISO 4217 currency with minor units", hint="for example USD, EUR, JPY") from None


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount: `minor` units (may be negative) of an ISO 4217 `currency`. Two currencies never net."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """What a person typed: ASCII digits with at most one point, never negative. BadAmount otherwise.

        25.000 USD is refused too: where it was typed it may have meant twenty-five thousand.
        """
        currency = currency.upper()
        decimals = exponent(currency)
        if not _AMOUNT.match(text):
            raise BadAmount(f"{text!r} is not an amount", hint="digits with at most one point, such as 25 or 25.00")
        if len(text.partition(".")[2]) > decimals:
            raise BadAmount(f"{text[:_LONGEST]} has more decimals than {currency} has ({decimals})")
        return cls._scaled(Decimal(text), currency, decimals)

    @classmethod
    def of_decimal(cls, value: Decimal, currency: str) -> Money:
        """Decimal major units from a wire; BadAmount where they do not fit the currency's decimals."""
        return cls._scaled(value, currency, exponent(currency))

    @classmethod
    def _scaled(cls, value: Decimal, currency: str, decimals: int) -> Money:
        sign, digits, power = value.as_tuple()
        if not isinstance(power, int):
            raise BadAmount(f"{value} is not an amount")
        if value and value.adjusted() >= _LONGEST:  # before a power of ten is made that no memory holds
            raise BadAmount(f"an amount of {value.adjusted() + 1} digits is more than cardctl can hold exactly")
        text = "".join(map(str, digits)).rstrip("0")
        shift = decimals + power + len(digits) - len(text)
        if text and shift < 0:
            raise BadAmount(f"{value!s:.{_LONGEST}} has more decimals than {currency} has ({decimals})")
        minor = int(text) * 10**shift if text else 0
        if minor > MAX_MINOR:
            raise BadAmount(f"{value} {currency} is more than cardctl can hold exactly")
        return cls(-minor if sign else minor, currency)

    @property
    def amount(self) -> str:
        """The decimal text, such as `25.00` or `-0.050`."""
        decimals = exponent(self.currency)
        if not decimals:
            return str(self.minor)
        whole, rest = divmod(abs(self.minor), 10**decimals)
        return f"{'-' if self.minor < 0 else ''}{whole}.{rest:0{decimals}d}"

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise BadInput(f"{self} and {other} are different currencies, which never net")
        return other.minor


def minor_or_none(money: Money | None) -> int | None:
    """Its minor units, where there is any word of money."""
    return None if money is None else money.minor


def zero(currency: str) -> Money:
    """No money, in `currency`."""
    return Money(0, currency)
