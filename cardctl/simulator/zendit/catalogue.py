"""What Zendit's shop has on its first day: ordinary offers of many countries, and those at which something happens."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import orjson

from cardctl.simulator.zendit.tables import JSON_COLUMNS, OFFERS
from cardctl.simulator.zendit.words import FACE, PROVIDER_ERROR

HOUR = 3600

_COUNTRIES = {
    "AE": "United Arab Emirates",
    "BR": "Brazil",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "IT": "Italy",
    "JP": "Japan",
    "TH": "Thailand",
    "TR": "Turkey",
    "US": "United States",
    "ZA": "South Africa",
}
_PLANS = ((7, 1, 150), (15, 3, 390), (30, 5, 610), (30, 10, 1075))
"""Days, gigabytes, cost in cents."""

_REGIONS = {
    "EUROPE": (["Western Europe", "Eastern Europe"], ["DE", "ES", "FR", "GB", "IT"], 210),
    "ASIA": (["Asia", "Southeast Asia"], ["JP", "TH"], 240),
    "LATAM": (["South America", "Central America"], ["BR"], 330),
    "GLOBAL": (["Global"], sorted(_COUNTRIES), 450),
}
"""Word of the offer's name → regions, countries to roam in, cost of a gigabyte in cents (the more, the less for each)."""

_REGIONAL = ((7, 1, 100), (30, 5, 340))
"""Days, gigabytes, cost as a percentage of a gigabyte's."""

_SPECIAL: dict[str, dict[str, Any]] = {
    "ESIM-FAIL": {"failure": PROVIDER_ERROR},
    "ESIM-SLOW": {"takes": HOUR},
    "ESIM-OUTAGE": {"takes": 24 * HOUR, "failure": PROVIDER_ERROR},
    "ESIM-NOCODE": {"codeless": 1},
    "ESIM-DISABLED": {"enabled": 0},
    "ESIM-FEE": {"cost_fee": 25},
    "ESIM-MILLS": {"cost_fixed": 1505, "price_fixed": 3000, "currencyDivisor": 1000, "country": "MT"},
    "ESIM-UNLIMITED": {"dataGB": 0, "dataUnlimited": 1, "cost_fixed": 2200, "price_fixed": 3900},
}
"""Name → what is unlike an ordinary offer: it fails, it takes an hour, it fails after a day of queue-and-retry, it comes as a
picture alone, it cannot be bought, it has a fee, its amounts are thousandths, it has no end of data."""


def open_shop(db: sqlite3.Connection, now: int) -> None:
    """Offers that are not there yet; those that staff have changed stay as they are."""
    rows = [_row(offer, now) for offer in _offers()]
    names = ", ".join(f'"{name}"' for name in rows[0])
    marks = ", ".join(f":{name}" for name in rows[0])
    db.executemany(f"INSERT OR IGNORE INTO {OFFERS} ({names}) VALUES ({marks})", rows)  # noqa: S608  (our own names)


def _offers() -> Iterator[dict[str, Any]]:
    for code, name in _COUNTRIES.items():
        for days, gigabytes, cost in _PLANS:
            yield _offer(f"ESIM-{code}-{days}D-{gigabytes}GB", days, gigabytes, cost, country=code, notes=f"Data in {name}.")
    for word, (regions, roaming, cost) in _REGIONS.items():
        for days, gigabytes, share in _REGIONAL:
            name = f"ESIM-{word}-{days}D-{gigabytes}GB"
            yield _offer(name, days, gigabytes, cost * share // 100, regions=regions, roams=roaming)
    for name, unlike in _SPECIAL.items():
        yield _offer(name, 7, 1, 150, country="TR", notes="An offer of the simulator.") | unlike


def _offer(
    name: str,
    days: int,
    gigabytes: int,
    cost: int,
    *,
    country: str = "",
    regions: list[str] | None = None,
    roams: list[str] | None = None,
    notes: str = "",
) -> dict[str, Any]:
    speeds = ["4G", "5G"]
    return {
        "ref": name,
        "brand": "simtel",
        "brandName": "Simtel",
        "country": country,
        "regions": regions or [],
        "enabled": 1,
        "subTypes": ["Standard"] if gigabytes < 10 else ["Standard", "Fast"],
        "durationDays": days,
        "dataGB": gigabytes,
        "dataUnlimited": 0,
        "dataSpeeds": speeds,
        "roaming": [{"country": each, "dataSpeeds": speeds} for each in roams or [country]],
        "notes": notes or f"Data in {', '.join(regions or [])}.",
        "currency": "USD",
        "currencyDivisor": 100,
        "cost_fixed": cost,
        "cost_fee": 0,
        "price_fixed": cost * 2,
        "price_fee": 0,
        "takes": 0,
        "failure": None,
        "codeless": 0,
    }


def _row(offer: dict[str, Any], now: int) -> dict[str, Any]:
    packed = {name: orjson.dumps(offer[name]).decode() for name in JSON_COLUMNS[OFFERS]}
    return {**offer, **packed, "face": FACE, "created": now, "updated": now}
