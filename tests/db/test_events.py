"""Events in the books, on both databases: kept once, proven later, several in one body, sealed, marked, found in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.db.event_rows import place_of
from cardctl.db.events import EventFilter, Mark
from cardctl.db.unit import Books
from cardctl.domain.events import Arrival, Event, EventState, Receipt, Signature, Source, own_id
from cardctl.errors import BooksCorrupt
from tests.db.conftest import Opener, keys_of

PROGRAMME = "marqeta/default"
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BODY = b'{"cards":[\xff\x00 raw bytes, as they came]}'


def event(name: str, **fields: Any) -> Event:
    base: dict[str, Any] = {
        "id": own_id(PROGRAMME, name),
        "provider": "marqeta",
        "programme": PROGRAMME,
        "event_id": name,
        "type": "cards.state.suspended",
        "object_ref": f"ct_{name}",
        "card_ref": "card_0001",
        "occurred_at": NOW,
        "received_at": NOW,
        "signature": Signature.VALID,
        "source": Source.SERVED,
        "state": EventState.RECEIVED,
        "digest": "d" * 64,
    }
    return Event(**{**base, **fields})


def keep(books: Books, *arrivals: Arrival) -> list[Receipt]:
    with books.write() as unit:
        return unit.events.keep(arrivals)


def one(books: Books, name: str) -> Event:
    with books.read() as unit:
        found = unit.events.get(own_id(PROGRAMME, name))
    assert found is not None
    return found


def bodies(books: Books, *names: str) -> list[bytes | None]:
    with books.read() as unit:
        found = unit.events.bodies([one(books, name) for name in names])
    return [found.get(own_id(PROGRAMME, name)) for name in names]


def test_an_event_is_what_it_was_when_it_comes_back(books: Books) -> None:
    sent = event("a", occurred_at=None, object_ref=None, card_ref=None, attempts=3, error="why", position=4)
    keep(books, Arrival((sent,), BODY, {"x-marqeta-signature": "f" * 64}))
    assert one(books, "a") == sent
    assert bodies(books, "a") == [BODY]
    with books.read() as unit:
        assert unit.events.headers(sent.id) == {"x-marqeta-signature": "f" * 64}


def test_what_comes_again_is_counted_and_changes_nothing(books: Books) -> None:
    first = Arrival((event("a"),), BODY)
    assert keep(books, first) == [Receipt(own_id(PROGRAMME, "a"), new=True)]
    again = Arrival((event("a", type="another", digest="e" * 64),), b"another body")
    assert keep(books, again, again) == [Receipt(own_id(PROGRAMME, "a"), new=False)] * 2
    assert one(books, "a") == event("a", times=3)
    assert bodies(books, "a") == [BODY]
    assert keep(books, Arrival((event("b"), event("b")), BODY))[1].new is False


def test_ten_of_one_body_share_it_whichever_is_new(books: Books) -> None:
    names = [f"e{number}" for number in range(10)]
    keep(books, Arrival((event("e0"), event("e1")), b"an earlier body"))
    receipts = keep(books, Arrival(tuple(event(name, position=place) for place, name in enumerate(names)), BODY))
    assert [receipt.new for receipt in receipts] == [False, False, *[True] * 8]
    assert bodies(books, *names) == [b"an earlier body"] * 2 + [BODY] * 8
    assert bodies(books, "e9") == [BODY]  # without the one that carries it


def test_proof_that_comes_later_wins_and_leaves_the_others_of_that_body_theirs(books: Books) -> None:
    bare = [event(name, signature=Signature.ABSENT, source=Source.INGESTED) for name in ("a", "b")]
    keep(books, Arrival(tuple(bare), b"a bare body"))
    with books.write() as unit:
        unit.events.mark([Mark(bare[0].id, EventState.IGNORED, 1)])
    (receipt,) = keep(books, Arrival((event("a"),), BODY, {"x": "y"}))
    assert receipt == Receipt(bare[0].id, new=False, proven=True)
    assert one(books, "a") == event("a", times=2)
    assert bodies(books, "a", "b") == [BODY, b"a bare body"]
    (again,) = keep(books, Arrival((bare[0],), b"forged"))
    assert (again.new, again.proven) == (False, False)
    assert bodies(books, "a") == [BODY]


def test_what_the_provider_s_own_api_gave_is_believed_and_not_replaced(books: Books) -> None:
    keep(books, Arrival((event("a", signature=Signature.ABSENT, source=Source.BACKFILLED),), BODY))
    assert keep(books, Arrival((event("a"),), b"other"))[0].proven is False
    assert bodies(books, "a") == [BODY]


def test_a_body_that_may_not_be_kept_leaves_its_digest(books: Books) -> None:
    keep(books, Arrival((event("a"),), None, {"x": "y"}))
    assert bodies(books, "a") == [None]
    assert one(books, "a").digest == "d" * 64
    with books.read() as unit:
        assert unit.events.headers(own_id(PROGRAMME, "a")) == {}


def test_a_failure_never_takes_back_that_an_event_was_applied(books: Books) -> None:
    keep(books, Arrival((event("a"), event("b"), event("c")), BODY))
    a, b, c = (own_id(PROGRAMME, name) for name in "abc")
    with books.write() as unit:
        unit.events.mark([Mark(a, EventState.APPLIED, 1), Mark(b, EventState.FAILED, 1, "why", "ipi_1")])
    with books.write() as unit:
        unit.events.mark([Mark(each, EventState.DEAD, 8, "dead") for each in (a, b, c)])
    assert [one(books, name).state for name in "abc"] == [EventState.APPLIED, EventState.DEAD, EventState.DEAD]
    with books.write() as unit:
        unit.events.mark([Mark(b, EventState.APPLIED, 9)])
    assert (one(books, "b").error, one(books, "b").waits_for) == (None, None)


def test_events_that_wait_are_found_by_what_they_wait_for(books: Books) -> None:
    keep(books, Arrival((event("a"), event("b")), BODY))
    with books.write() as unit:
        unit.events.mark([Mark(own_id(PROGRAMME, "a"), EventState.FAILED, 1, "why", "ipi_1")])
        assert [found.event_id for found in unit.events.waiting_for(PROGRAMME, ["ipi_1", "ipi_2"])] == ["a"]
        assert unit.events.waiting_for("elsewhere", ["ipi_1"]) == []


def test_a_page_goes_on_where_the_last_one_ended(books: Books) -> None:
    sent = [event(f"e{number}", received_at=NOW + timedelta(seconds=number // 3)) for number in range(10)]
    keep(books, *(Arrival((each,), BODY) for each in sent))
    seen: list[Event] = []
    with books.read() as unit:
        after = None
        while page := unit.events.page(EventFilter(), after, 4):
            seen += page
            after = place_of(page[-1])
        assert seen == sorted(sent, key=lambda each: (each.received_at, each.id))
        assert list(unit.events.rows(EventFilter())) == seen[::-1]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (EventFilter(type="cards.*"), {"a", "b", "c"}),
        (EventFilter(type="transactions.refund"), {"d"}),
        (EventFilter(states=(EventState.FAILED, EventState.DEAD)), {"b"}),
        (EventFilter(card_ref="card_0002"), {"c"}),
        (EventFilter(since=NOW + timedelta(hours=1)), {"d"}),
        (EventFilter(until=NOW + timedelta(hours=1), states=(EventState.RECEIVED,)), {"a", "c"}),
        (EventFilter(ids=(own_id(PROGRAMME, "a"), own_id(PROGRAMME, "nobody"))), {"a"}),
        (EventFilter(provider="stripe"), set()),
    ],
)
def test_filters(books: Books, wanted: EventFilter, names: set[str]) -> None:
    keep(
        books,
        Arrival((event("a"), event("b", state=EventState.FAILED), event("c", card_ref="card_0002")), BODY),
        Arrival((event("d", type="transactions.refund", received_at=NOW + timedelta(hours=2)),), BODY),
    )
    with books.read() as unit:
        assert {found.event_id for found in unit.events.rows(wanted)} == names
        assert {found.event_id for found in unit.events.page(wanted, None, 100)} == names
        assert unit.events.count(wanted) == len(names)
        assert sum(unit.events.by_provider(wanted).values()) == len(names)


def test_another_key_opens_what_was_sealed_anew(target: str, opened: Opener) -> None:
    old, new = "old-" * 10, "new-" * 10
    keep(opened(target, keys=keys_of(old)), Arrival((event("a"), event("b")), BODY))
    books = opened(target, keys=keys_of(new, old))
    assert bodies(books, "a", "b") == [BODY, BODY]
    with books.write() as unit:
        assert unit.box.reseal() == 1
    books = opened(target, keys=keys_of(new))
    assert bodies(books, "a", "b") == [BODY, BODY]
    with books.write() as unit:
        assert unit.box.reseal() == 0


def test_a_body_opens_only_where_it_stands(tmp_path: Path, opened: Opener) -> None:
    import sqlite3

    books = opened(tmp_path / "books.db")
    keep(books, Arrival((event("a"),), BODY), Arrival((event("b"),), b"other"))
    with sqlite3.connect(tmp_path / "books.db") as file:
        (stolen,) = file.execute("SELECT message FROM events WHERE event_id = 'b'").fetchone()
        assert BODY not in stolen
        file.execute("UPDATE events SET message = ? WHERE event_id = 'a'", (stolen,))
    with pytest.raises(BooksCorrupt):
        bodies(books, "a")


def test_the_same_event_has_one_id_in_every_programme_of_its_own() -> None:
    assert own_id("stripe/a", "evt_1") == own_id("stripe/a", "evt_1") != own_id("stripe/b", "evt_1")
    assert replace(event("a"), source=Source.IMPORTED, signature=Signature.ABSENT).believed is False
