"""The file of a pre-authorisation policy, TOML or CSV: read and checked whole; BadFile names every fault with its place."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from cardctl.config.document import nearest
from cardctl.domain.lots import KEEP, LONGEST_LOT, WINDOW, Lot, LotStatus, Policy, looks_renewed
from cardctl.domain.money import Money
from cardctl.domain.payments import checked_invoice
from cardctl.domain.saved_cards import checked_person
from cardctl.domain.spans import span
from cardctl.errors import BadFile, BadInput

_TOP = ("window", "keep", "hold", "currency", "lots")
_LOT = ("person", "amount", "start", "end", "invoice", "status", "final", "tip", "currency")
_NEEDED = ("person", "amount", "start", "invoice")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2})\Z", re.ASCII)
_LONGEST_SPAN = timedelta(days=366)
_HOLDS = timedelta(hours=1), timedelta(days=7)
"""Square holds less than seven days where a card is not present (its staff, older); a run comes only every few minutes."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says instead of the file; a CSV says none of it itself, but the currency of each lot."""

    window: str | None = None
    hold: str | None = None
    currency: str | None = None


def read_policy(file: Path, told: Overrides = Overrides()) -> Policy:
    """The policy in `file`; errors as `parsed_policy`."""
    try:
        return parsed_policy(file.read_bytes(), str(file), is_csv=file.suffix.lower() == ".csv", told=told)
    except OSError as error:
        raise BadFile(f"{file}: {error.strerror}") from None


def parsed_policy(data: bytes, name: str, *, is_csv: bool, told: Overrides = Overrides()) -> Policy:
    """TOML (`window keep hold currency`, and `[[lots]]`) or CSV (a header, a lot a line). BadFile (2) where anything is wrong.

    An invoice is of one lot alone: it is paid once. Amounts are text such as "50.00", times have their zone.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"{name}: byte {error.start} is not UTF-8") from None
    document = {"lots": list(_csv_lots(text, name))} if is_csv else _toml(text, name)
    faults: list[str] = []
    policy = _policy(document, told, faults)
    if faults:
        raise BadFile(f"{name}: " + "; ".join(faults), hint=f"a lot has {', '.join(_LOT)}")
    return policy


def _toml(text: str, name: str) -> dict[str, Any]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(f"{name}: {error}") from None
    except RecursionError:
        raise BadFile(f"{name}: nested too deeply") from None
    lots = document.get("lots", [])
    if not isinstance(lots, list) or not all(isinstance(lot, dict) for lot in lots):
        raise BadFile(f"{name}: lots: each begins with [[lots]]")
    return document | {"lots": [(f"lots[{place}]", lot) for place, lot in enumerate(lots)]}


def _csv_lots(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line that is not empty, with its place; an empty cell says nothing."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    columns: list[str] | None = None
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if not any(cells):
                continue
            if columns is None:
                columns = _header(cells, name)
                continue
            if len(cells) != len(columns):
                raise BadFile(f"{name}: line {reader.line_num} has {len(cells)} cells, the header has {len(columns)}")
            yield f"line {reader.line_num}", {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
    except csv.Error as error:
        raise BadFile(f"{name}: line {reader.line_num}: {error}") from None


def _header(columns: list[str], name: str) -> list[str]:
    faults = [f"unknown column {column!r}{nearest(column, _LOT)}" for column in columns if column not in _LOT]
    faults += [f"the column {column!r} is there more than once" for column in _LOT if columns.count(column) > 1]
    faults += [f"the column {column!r} is missing" for column in _NEEDED if column not in columns]
    if faults:
        raise BadFile(f"{name}: " + "; ".join(faults), hint=f"the first line names the columns: {', '.join(_LOT)}")
    return columns


def _policy(document: dict[str, Any], told: Overrides, faults: list[str]) -> Policy:
    faults += [f"unknown key {key}{nearest(key, _TOP)}" for key in document if key not in _TOP]
    spans = {key: _span(key, getattr(told, key, None) or document.get(key), faults) for key in ("window", "keep", "hold")}
    currency = told.currency or document.get("currency")
    read = [(place, _lot(place, lot, currency, faults)) for place, lot in document["lots"]]
    lots = [lot for _, lot in read if lot is not None]
    if not read:
        faults.append("it has no lots")
    faults += _twice(lots)
    hold = spans["hold"]
    if hold is not None and not _HOLDS[0] <= hold < _HOLDS[1]:
        faults.append("hold: from 1h to less than 7d")
    return Policy(tuple(lots), spans["window"] or WINDOW, spans["keep"] or KEEP, hold)


def _twice(lots: Iterable[Lot]) -> list[str]:
    counts = Counter(lot.invoice for lot in lots)
    return [f"the invoice {invoice!r} is there {count} times" for invoice, count in counts.items() if count > 1]


def _lot(place: str, told: dict[str, Any], currency: Any, faults: list[str]) -> Lot | None:
    """One lot, or None with its faults told."""
    reader = _Reader(place, told, faults)
    before = len(faults)
    reader.unknown()
    currency = reader.currency(told.get("currency", currency))
    person, invoice, amount = reader.person(), reader.invoice(), reader.amount("amount", currency)
    start, end = reader.moment("start"), reader.moment("end")
    final, tip, status = reader.amount("final", currency), reader.amount("tip", currency), reader.status()
    if amount is not None and not amount.minor:
        reader.fault("amount", "it must be more than zero")
    if start is not None and end is not None and end < start:
        reader.fault("end", "it is before the start")
    if len(faults) > before or amount is None or start is None:
        return None
    return Lot(person, invoice, amount, start, end or start, status, final, tip if tip and tip.minor else None)


class _Reader:
    """The words of one lot, each read or told as a fault."""

    def __init__(self, place: str, told: dict[str, Any], faults: list[str]) -> None:
        self._place, self._told, self._faults = place, told, faults

    def fault(self, key: str, text: str) -> None:
        self._faults.append(
            f"{self._place}.{key}: {text}" if self._place.startswith("lots") else f"{self._place}, {key}: {text}"
        )

    def unknown(self) -> None:
        for key in self._told:
            if key not in _LOT:
                self._faults.append(f"{self._place}: unknown key {key}{nearest(key, _LOT)}")

    def text(self, key: str) -> str | None:
        value = self._told.get(key)
        if value is None:
            if key in _NEEDED:
                self.fault(key, "it is missing")
            return None
        if not isinstance(value, str) or not value.strip():
            self.fault(key, "text in quotes is wanted")
            return None
        return value.strip()

    def currency(self, value: Any) -> str | None:
        try:
            if not isinstance(value, str):
                raise BadInput("none is named, in the lot or for all")
            Money.parse("0", value)
        except BadInput as error:
            self.fault("currency", error.message)
            return None
        return value.upper()

    def amount(self, key: str, currency: str | None) -> Money | None:
        text = self.text(key)
        if text is None or currency is None:
            return None
        try:
            return Money.parse(text, currency)
        except BadInput as error:
            self.fault(key, error.message)
            return None

    def person(self) -> str:
        person = self.text("person") or ""
        try:
            return checked_person(person) if person else person
        except BadInput as error:
            self.fault("person", error.message)
            return person

    def invoice(self) -> str:
        invoice = self.text("invoice") or ""
        try:
            checked_invoice(invoice or None)
        except BadInput as error:
            self.fault("invoice", error.message)
            return invoice
        if len(invoice) > LONGEST_LOT:
            self.fault("invoice", f"at most {LONGEST_LOT} characters, so that a later hold can be named after it")
        if looks_renewed(invoice):
            self.fault("invoice", "it ends as the names of later holds do (~2)")
        return invoice

    def moment(self, key: str) -> datetime | None:
        value = self._told.get(key)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.astimezone(UTC)
        if value is not None and not isinstance(value, str):
            self.fault(key, "a time with its zone is wanted, such as 2026-11-27T18:00:00Z")
            return None
        text = self.text(key)
        try:
            if text is not None and _INSTANT.match(text):
                return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        if text is not None:
            self.fault(key, f"{text!r} is not a time with its zone, such as 2026-11-27T18:00:00Z")
        return None

    def status(self) -> LotStatus:
        text = self.text("status") or "open"
        known = [str(status) for status in LotStatus]
        if text not in known:
            self.fault("status", f"{text!r} is none of {', '.join(known)}{nearest(text, known)}")
            return LotStatus.OPEN
        return LotStatus(text)


def _span(key: str, value: Any, faults: list[str]) -> timedelta | None:
    if value is None:
        return None
    try:
        found = span(value) if isinstance(value, str) else None
    except BadInput:
        found = None
    if found is None or found > _LONGEST_SPAN:
        faults.append(f"{key}: a span of time such as 30m, 4h or 6d is wanted, a year at most")
        return None
    return found
