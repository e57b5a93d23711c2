"""Stored events against raw SQLite, in one run: `python -m tests.bench.events EVENTS [HOME]`.

Bulk ingest (verify, dedupe, seal, store) and replay (translate, fold, books), each as a ratio of what `executemany`, an HMAC
and `json.loads` of the same rows take. Bodies are like Stripe's own example of an authorization, on 200 cards.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cardctl import runtime
from cardctl.db.event_rows import FIELDS
from cardctl.domain.events import Arrival, Incoming, Source
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.output.console import Output
from cardctl.providers import registry
from cardctl.services.deeds.inbox import Reception, judge, keep_in_turn
from tests.bench.seed import account, card
from tests.services import mail

CARDS = 200
AT_ONCE = 2_000
SECRET = "whsec_bench0000000000000000000000"
_CREATED = 1_790_000_000


def bodies(events: int) -> Iterator[bytes]:
    """Events of distinct authorizations; each body is as long as the official example's (about 5 KB)."""
    example = _example()
    card_wire = example["card"]
    for number in range(events):
        told = example | {
            "id": f"iauth_{number:012d}",
            "amount": 1000 + number % 500,
            "card": card_wire | {"id": f"ic_bench{number % CARDS:06d}"},
            "created": _CREATED + number,
        }
        event = {
            "id": f"evt_{number:016d}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": _CREATED + number,
            "data": {"object": told},
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "type": "issuing_authorization.created",
        }
        yield json.dumps(event).encode()


def signed(body: bytes, at: int) -> str:
    told = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={told}"


def raw_rate(rows: list[tuple[Any, ...]], wires: list[bytes], path: Path, schema: list[str], at_once: int) -> float:
    """Events a second: an HMAC and `json.loads` of each body, and the rows by `executemany`, the same number to a commit."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    for statement in schema:
        db.execute(statement)
    marks = ", ".join("?" * len(rows[0]))
    begun = time.perf_counter()
    for start in range(0, len(rows), at_once):
        for body in wires[start : start + at_once]:
            hmac.digest(SECRET.encode(), body, "sha256")
            json.loads(body)
        db.execute("BEGIN IMMEDIATE")
        db.executemany(f"INSERT INTO events VALUES ({marks})", rows[start : start + at_once])
        db.execute("COMMIT")
    taken = time.perf_counter() - begun
    db.close()
    return len(rows) / taken


def ingest_rate(run: runtime.Run, wires: list[bytes], at_once: int) -> float:
    reception = _reception(run)
    at = datetime.fromtimestamp(_CREATED, UTC)
    headers = [{"stripe-signature": signed(body, _CREATED), "content-type": "application/json"} for body in wires]

    def batches() -> Iterator[list[Arrival]]:
        for start in range(0, len(wires), at_once):
            several = zip(wires[start : start + at_once], headers[start : start + at_once], strict=True)
            judged = [judge(reception, Incoming(body, told, at), Source.INGESTED) for body, told in several]
            yield [one.arrival for one in judged if one.arrival is not None]

    begun = time.perf_counter()
    kept = sum(len(receipts) for receipts in keep_in_turn(run.books, batches()))
    assert kept == len(wires)
    return kept / (time.perf_counter() - begun)


def replay_rate(run: runtime.Run, events: int) -> float:
    desk = run.desk()
    begun = time.perf_counter()
    applied = mail.apply_unfinished(desk, registry.webhooks("stripe"), failed=False)
    taken = time.perf_counter() - begun
    assert applied.counts == {"applied": events}, applied
    return events / taken


def main(events: int, home: Path) -> None:
    os.environ["CARDCTL_HOME"] = str(home)
    wires = list(bodies(events))
    print(f"{events} events of {sum(map(len, wires)) / events:.0f} bytes on {CARDS} cards")
    with runtime.opened(output=Output.JSON, profile="dev") as run:
        known_cards(run)
        ingested = ingest_rate(run, wires, AT_ONCE)
        rows, schema = _stored(Path(run.database))
        raw = raw_rate(rows, wires, home / "raw.db", schema, AT_ONCE)
        again = raw_rate(rows, wires, home / "raw2.db", schema, AT_ONCE)
        raw = (raw + again) / 2
        replayed = replay_rate(run, events)
    print(f"raw {raw:.0f}/s (two runs {again:.0f})")
    print(f"ingest {ingested:.0f}/s: {ingested / raw:.2f} of raw (wanted 0.6)")
    print(f"replay {replayed:.0f}/s: {replayed / raw:.2f} of raw (wanted 0.25)")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB, the bodies themselves included")


def known_cards(run: runtime.Run) -> None:
    programme = run.settings.programme("stripe")
    allowance = Money(10_000_000_00, "USD")
    with run.books.write() as unit:
        unit.accounts.add(account(0, programme), raw={})
        for number in range(CARDS):
            ref = f"ic_bench{number:06d}"
            one = replace(card(number % 10, programme), id=f"card_bench{number:06d}", ref=ref)
            unit.cards.add(replace(one, allowance=allowance, balance=allowance), raw={})


def _reception(run: runtime.Run) -> Reception:
    secrets = {"stripe.webhook_secret": [Secret(SECRET)]}
    return Reception(registry.webhooks("stripe"), run.settings.programme("stripe"), secrets, live=False)


def _stored(path: Path) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows as they were stored, and the statements that make such a table with its indexes."""
    db = sqlite3.connect(path)
    rows = db.execute("SELECT * FROM events ORDER BY rowid").fetchall()
    made = db.execute("SELECT sql FROM sqlite_master WHERE tbl_name = 'events' AND sql IS NOT NULL ORDER BY rowid")
    schema = [row[0] for row in made]
    db.close()
    assert len(rows[0]) == len(FIELDS) + 2
    return rows, schema


def _example() -> dict[str, Any]:
    specs = os.environ.get("CARDCTL_SPECS")
    if specs:
        fixtures = json.loads((Path(specs) / "stripe-fixtures.json").read_text())
        found: dict[str, Any] = fixtures["resources"]["issuing.authorization"]
    else:
        found = {"object": "issuing.authorization", "metadata": {"filling": "x" * 3500}}
    asked = {"amount": 1000, "approved": True, "authorization_code": "A1B2C3", "reason": "card_active", "currency": "usd"}
    return found | {
        "approved": True,
        "currency": "usd",
        "status": "pending",
        "card": found.get("card") or {"id": "ic_", "object": "issuing.card"},
        "merchant_data": found.get("merchant_data") or {"name": "Rocket Rides", "category": "eating_places_restaurants"},
        "request_history": [asked],
        "transactions": [],
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(int(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else made))
