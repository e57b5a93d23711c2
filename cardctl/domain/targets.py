"""The targets that a programme is held to, and the verdict on what was measured; measures nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum


class Verdict(StrEnum):
    """NO_DATA: nothing was there to measure, which is no pass."""

    MET = "met"
    MISSED = "missed"
    NO_DATA = "no_data"


class MeasureUnit(StrEnum):
    """A RATIO (0 to 1) must be above its bound, SECONDS below it."""

    RATIO = "ratio"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted. `text` says in one line what is measured, and of what."""

    name: str
    unit: MeasureUnit
    bound: Decimal
    text: str

    @property
    def wanted(self) -> str:
        """For a person: `over 99 %`, `under 2 s`."""
        return f"over {_plain(self.bound * 100)} %" if self.unit is MeasureUnit.RATIO else f"under {_plain(self.bound)} s"


CARD_CREATION = Target(
    "card_creation",
    MeasureUnit.RATIO,
    Decimal("0.99"),
    "cards issued, of all that were asked for and ended: done, refused, in doubt",
)
TRANSACTION_PROCESSING = Target(
    "transaction_processing",
    MeasureUnit.SECONDS,
    Decimal(5),
    "95 of 100 operations that move money: from the intent in the journal to the known outcome; what has none counts its age",
)
PROVIDER_ANSWERS = Target(
    "provider_answers", MeasureUnit.SECONDS, Decimal(2), "mean time until a provider answered, whatever it answered"
)
PROVIDER_ANSWERS_P95 = Target("provider_answers_p95", MeasureUnit.SECONDS, Decimal(2), "95 of 100 answers of providers")
WEBHOOKS_PROCESSED = Target(
    "webhooks_processed", MeasureUnit.RATIO, Decimal("0.999"), "events applied or ignored, of all that were believed"
)
TARGETS = (CARD_CREATION, TRANSACTION_PROCESSING, PROVIDER_ANSWERS, PROVIDER_ANSWERS_P95, WEBHOOKS_PROCESSED)
IN_TIME = timedelta(seconds=int(TRANSACTION_PROCESSING.bound))
"""What is younger than this and not finished is not late yet, and is left out."""
_DIGITS = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Measure:
    """A target beside what was measured (six decimals, cut), over `sample` things."""

    target: Target
    measured: Decimal | None
    verdict: Verdict
    sample: int

    @property
    def told(self) -> str:
        """For a person: `99.5 %`, `0.84 s`, `no data`."""
        if self.measured is None:
            return "no data"
        ratio = self.target.unit is MeasureUnit.RATIO
        return f"{_plain(self.measured * 100)} %" if ratio else f"{_plain(self.measured)} s"


def share(target: Target, good: int, total: int) -> Measure:
    """How many of how many; judged on the counts, so that no rounding decides."""
    if not total:
        return Measure(target, None, Verdict.NO_DATA, 0)
    measured = (Decimal(good) / total).quantize(_DIGITS, ROUND_DOWN)
    return Measure(target, measured, Verdict.MET if good > target.bound * total else Verdict.MISSED, total)


def span(target: Target, micros: int | None, sample: int, *, over: int = 1) -> Measure:
    """A time of `micros` microseconds, or where it is a sum, that over `over` things."""
    if micros is None or not sample:
        return Measure(target, None, Verdict.NO_DATA, 0)
    measured = (Decimal(micros) / over / _MICROS).quantize(_DIGITS, ROUND_DOWN)
    return Measure(target, measured, Verdict.MET if micros < target.bound * _MICROS * over else Verdict.MISSED, sample)


def rank(sample: int) -> int:
    """Which of `sample` sorted things, counted from 1, is the 95th percentile (nearest rank)."""
    return (95 * sample + 99) // 100


_MICROS = 1_000_000


def _plain(number: Decimal) -> str:
    """Without an exponent and without zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
