"""What nothing proves: refused, kept apart, and cheap however much of it comes."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from cardctl.db.quarantine import Quarantine
from cardctl.db.unit import Books
from cardctl.domain.events import Signature
from tests.receiver.world import SECRET, World, event, keys, reception, serving, signed


def settled(world: World, wanted: int) -> int:
    """How many rows the quarantine has, once the writer has had the time."""
    end = time.monotonic() + 10
    while world.quarantine.count() < wanted and time.monotonic() < end:
        time.sleep(0.05)
    return world.quarantine.count()


def test_a_forged_event_is_refused_and_kept_apart(world: World) -> None:
    body = event(1)
    with world.client() as client:
        assert client.post(body, signed(body, "whsec_other")).status == 400
        assert client.post(body, {}).status == 400
        assert client.post(body, signed(body, at=1_000_000_000)).status == 400
        assert client.post(b"no json", signed(b"no json")).status == 400
        assert settled(world, 2) == 2
        assert world.kept() == []
        assert client.post(body).status == 200
    genuine, forged = sorted(world.quarantine.rows(), key=lambda row: row.types)
    assert (forged.types, forged.times, forged.signature) == (("issuing_card.updated",), 3, Signature.INVALID)
    assert world.quarantine.body(forged.id) == body
    assert (genuine.signature, genuine.reason) == (Signature.VALID, "what came is no JSON, so no event of stripe's")


def test_nothing_that_proves_is_kept_or_said(world: World) -> None:
    body = event(1)
    with world.client() as client:
        client.post(body, {**signed(body, "whsec_other"), "Authorization": "Basic " + "c" * 30}, "/webhooks/stripe?secret=abc")
        settled(world, 1)
    (row,) = world.quarantine.rows()
    assert "authorization" not in world.quarantine.headers(row.id)
    assert world.quarantine.headers(row.id)["stripe-signature"].startswith("t=")
    assert "secret=abc" not in str(world.log)


def test_a_one_time_code_lies_nowhere(books: Books, tmp_path: Path) -> None:
    body = b'{"event":"otp.code","reference":"r1","authorizationCode":"123456"}'
    with serving(books, tmp_path, receptions={"strowallet": reception("strowallet")}) as world, world.client() as client:
        assert client.post(body, {}, "/webhooks/strowallet").status == 400
        assert client.post(body, {}, f"/webhooks/strowallet?secret={'s' * 20}").status == 200
        assert settled(world, 1) == 1
    (row,) = world.quarantine.rows()
    assert world.quarantine.body(row.id) is None
    with books.read() as unit:
        assert unit.events.bodies(world.kept()) == {}


def test_a_flood_of_forgeries_is_bounded_and_the_books_untouched(books: Books, tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "quarantine.db", keys=keys, most_rows=50)
    flood, threads = 10_000, 8
    with serving(books, tmp_path, quarantine=quarantine) as world:
        statuses: list[int] = []

        def send(first: int) -> None:
            with world.client() as client:
                headers = signed(b"of another body")
                for number in range(first, flood, threads):
                    statuses.append(client.post(event(number), headers).status)

        senders = [threading.Thread(target=send, args=(first,)) for first in range(threads)]
        for sender in senders:
            sender.start()
        genuine = [world.together([event(f"real_{n}")], threads=1)[0] for n in range(10)]
        for sender in senders:
            sender.join()
        assert genuine == [200] * 10, "in the midst of it"
        assert (len(statuses), set(statuses)) == (flood, {400})
    assert quarantine.count() == 50
    assert len(world.kept()) == 10
    assert sum(int(line["count"]) for line in world.said("refused")) == flood
    assert os.path.getsize(tmp_path / "quarantine.db") < 2_000_000
    assert len(world.log) < 500


def test_the_same_forgery_again_is_counted(world: World) -> None:
    body = event(1)
    with world.client() as client:
        for _ in range(300):
            client.post(body, signed(body, "whsec_other"))
        settled(world, 1)
    time.sleep(0.1)
    (row,) = world.quarantine.rows()
    assert row.times <= 300


def test_a_damaged_quarantine_stops_nothing(books: Books, tmp_path: Path) -> None:
    file = tmp_path / "damaged.db"
    file.write_bytes(b"no database" * 1000)
    quarantine = Quarantine(file, keys=keys)
    body = event(1)
    with serving(books, tmp_path, quarantine=quarantine) as world, world.client() as client:
        assert client.post(body, signed(body, "whsec_other")).status == 400
        time.sleep(1.3)
        assert client.post(body).status == 200
        assert client.post(event(2), signed(body, "whsec_other")).status == 400
    assert len([line for line in world.said("problem") if "damaged.db" in line["message"]]) == 1


def test_a_provider_without_a_secret_is_put_off(books: Books, tmp_path: Path) -> None:
    receptions = {"stripe": reception(), "marqeta": reception("marqeta", proves=False)}
    with serving(books, tmp_path, receptions=receptions) as world, world.client() as client:
        assert client.post(b"{}", {}, "/webhooks/marqeta").status == 503
        assert client.post(event(1)).status == 200
    assert world.said("secret_missing")[0]["provider"] == "marqeta"


def test_the_log_tells_types_and_no_more(world: World) -> None:
    with world.client() as client:
        client.post(event(1))
        client.post(event(1))
        time.sleep(1.5)
    told = [(kind, line["outcome"], line["count"]) for kind, line in world.log]
    assert sorted(told) == [("issuing_card.updated", "duplicate", 1), ("issuing_card.updated", "new", 1)]
    assert SECRET not in str(world.log)
