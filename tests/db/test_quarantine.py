"""The quarantine: small however much is noted, sealed, readable without its key, and never a reason to stop."""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from cardctl.db.quarantine import Quarantine, Refusal, as_event
from cardctl.domain.events import EventState, Signature
from tests.db.conftest import keys_of

AT = datetime(2026, 7, 1, 12, 0, 0, tzinfo=UTC)


def refusal(number: int = 1, **changes: Any) -> Refusal:
    body = b"forged %d " % number * 10
    made = Refusal(
        provider="stripe",
        programme="stripe:acct",
        received_at=AT + timedelta(seconds=number),
        signature=Signature.INVALID,
        reason="the signature does not fit",
        digest=sha256(body).hexdigest(),
        body=body,
        headers={"stripe-signature": "t=1,v1=ab"},
        types=("issuing_card.updated",),
    )
    return replace(made, **changes)


@pytest.fixture
def quarantine(tmp_path: Path) -> Any:
    made = Quarantine(tmp_path / "deep" / "quarantine.db", keys=keys_of)
    yield made
    made.close()


def test_what_is_noted_is_found(quarantine: Quarantine, tmp_path: Path) -> None:
    quarantine.note_many([refusal(1), refusal(2)])
    newest, oldest = quarantine.rows()
    assert oldest.id.startswith("qev_")
    assert (newest.received_at, oldest.received_at) == (refusal(2).received_at, refusal(1).received_at)
    assert quarantine.get(oldest.id) == oldest
    assert quarantine.get("qev_other") is None
    assert quarantine.body(oldest.id) == refusal(1).body
    assert quarantine.headers(oldest.id) == {"stripe-signature": "t=1,v1=ab"}
    assert oldest.types == ("issuing_card.updated",)
    raw = (tmp_path / "deep" / "quarantine.db").read_bytes() + (tmp_path / "deep" / "quarantine.db-wal").read_bytes()
    assert b"forged" not in raw
    assert b"v1=ab" not in raw
    assert stat.S_IMODE(os.stat(tmp_path / "deep" / "quarantine.db").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "deep").st_mode) == 0o700


def test_asking_makes_no_file(quarantine: Quarantine, tmp_path: Path) -> None:
    assert (quarantine.rows(), quarantine.count(), quarantine.get("qev_1"), quarantine.clear()) == ([], 0, None, 0)
    quarantine.note_many([])
    assert not (tmp_path / "deep").exists()


def test_the_same_body_is_one_row(quarantine: Quarantine) -> None:
    quarantine.note_many([refusal(), refusal()])
    quarantine.note_many([refusal(received_at=AT + timedelta(days=1), times=5)])
    quarantine.note_many([refusal(provider="marqeta")])
    other, row = sorted(quarantine.rows(), key=lambda row: row.provider)
    assert (other.provider, other.times) == ("marqeta", 1)
    assert (row.times, row.received_at, row.last_at) == (7, refusal().received_at, AT + timedelta(days=1))


def test_rows_by_provider_time_and_number(quarantine: Quarantine) -> None:
    quarantine.note_many([refusal(n, provider="stripe" if n % 2 else "marqeta") for n in range(10)])
    assert len(quarantine.rows(provider="stripe")) == 5
    assert len(quarantine.rows(since=AT + timedelta(seconds=7))) == 3
    assert [row.received_at for row in quarantine.rows(provider="stripe", limit=2)] == [
        AT + timedelta(seconds=9),
        AT + timedelta(seconds=7),
    ]
    assert quarantine.count() == 10
    assert quarantine.clear() == 10
    assert quarantine.rows() == []


def test_no_more_rows_than_the_cap(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine.db", keys=keys_of, most_rows=20)
    for start in range(0, 100, 10):
        quarantine.note_many([refusal(n) for n in range(start, start + 10)])
    assert [row.received_at for row in quarantine.rows()] == [AT + timedelta(seconds=n) for n in reversed(range(80, 100))]
    quarantine.close()


def test_no_more_bytes_than_the_cap(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine.db", keys=keys_of, most_bytes=100_000)
    quarantine.note_many([refusal(n, digest=sha256(b"%d" % n).hexdigest(), body=b"x" * 20_000) for n in range(50)])
    assert 2 <= quarantine.count() <= 4
    assert quarantine.rows()[0].received_at == AT + timedelta(seconds=49)
    quarantine.note_many([refusal(60, body=b"x" * 200_000)])
    assert quarantine.count() == 0, "one that is over the cap by itself is not kept"
    quarantine.close()


def test_without_its_key_a_row_is_listed_and_not_opened(quarantine: Quarantine, tmp_path: Path) -> None:
    quarantine.note_many([refusal()])
    (row,) = quarantine.rows()
    for previous in (None, "k" * 40):
        another = Quarantine(tmp_path / "deep" / "quarantine.db", keys=partial(keys_of, "other" * 10, previous))
        assert another.rows() == [row]
        rotated = previous is not None
        assert another.body(row.id) == (refusal().body if rotated else None)
        assert another.headers(row.id) == ({"stripe-signature": "t=1,v1=ab"} if rotated else {})
        another.close()


def test_a_body_that_may_not_be_kept_is_not(quarantine: Quarantine) -> None:
    quarantine.note_many([refusal(body=None)])
    (row,) = quarantine.rows()
    assert (quarantine.body(row.id), row.digest) == (None, refusal().digest)


def test_a_row_as_an_event(quarantine: Quarantine) -> None:
    quarantine.note_many([refusal(), refusal(2, types=())])
    untold, row = quarantine.rows()
    event = as_event(row)
    assert (event.id, event.state, event.signature) == (row.id, EventState.QUARANTINED, Signature.INVALID)
    assert (event.type, event.error, event.digest) == ("issuing_card.updated", "the signature does not fit", row.digest)
    assert not event.believed
    assert as_event(untold).type == "unknown"


@pytest.mark.parametrize("damage", ["text", "directory", "unwritable"])
def test_a_file_that_cannot_be_used_is_told_once(tmp_path: Path, damage: str) -> None:
    told: list[str] = []
    file = tmp_path / "quarantine.db"
    if damage == "text":
        file.write_bytes(b"no database at all " * 500)
    else:
        file.mkdir()
    quarantine = Quarantine(file if damage != "unwritable" else file / "x" / "\0y", keys=keys_of, warn=told.append)
    if damage == "unwritable":
        quarantine = Quarantine(Path("/dev/null/quarantine.db"), keys=keys_of, warn=told.append)
    quarantine.note_many([refusal()])
    quarantine.note_many([refusal()])
    assert (quarantine.rows(), quarantine.count()) == ([], 0)
    assert len(told) == 1
    assert "cannot be used" in told[0]


def test_many_threads(quarantine: Quarantine) -> None:
    def note(first: int) -> None:
        for number in range(first, first + 20):
            quarantine.note_many([refusal(number)])
            quarantine.rows(limit=3)

    threads = [threading.Thread(target=note, args=(first,)) for first in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert quarantine.count() == 90
    assert sum(row.times for row in quarantine.rows()) == 160
