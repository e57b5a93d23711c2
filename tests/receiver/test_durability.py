"""2xx is a receipt: what was acknowledged is in the books, once, whatever fails; what cannot be kept is not acknowledged."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from cardctl.db.unit import Books
from cardctl.errors import DiskFull
from tests.receiver.world import World, event, keys, reception, serving


class Failing(Books):
    """Books whose commits fail while `broken` is set, or as long as `poisoned` is among what they commit."""

    broken: Exception | None = None
    poisoned: str | None = None
    held = threading.Event()
    commits = 0

    def _commit(self, connection: Connection) -> None:
        self.held.wait(20)
        if self.broken is not None:
            raise self.broken
        if self.poisoned and connection.exec_driver_sql(f"SELECT 1 FROM events WHERE event_id = '{self.poisoned}'").first():
            raise RuntimeError("this one cannot be kept")
        self.commits += 1
        super()._commit(connection)


@pytest.fixture
def failing(tmp_path: Path) -> Any:
    books = Failing(str(tmp_path / "books.db"), environment="simulator", keys=keys)
    books.held = threading.Event()
    books.held.set()
    books.prepare()
    yield books
    books.held.set()
    books.close()


def rows(path: Path) -> int:
    """Read by other means, as another process would."""
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM events").fetchone()[0])


def test_nothing_is_acknowledged_before_it_is_durable(failing: Failing, tmp_path: Path) -> None:
    failing.held.clear()
    with serving(failing, tmp_path) as world, world.client() as client:
        sender = threading.Thread(target=lambda: answers.append(client.post(event(1)).status))
        answers: list[int] = []
        sender.start()
        time.sleep(0.4)
        assert answers == []
        assert rows(tmp_path / "books.db") == 0
        failing.held.set()
        sender.join(20)
        assert answers == [200]
        assert rows(tmp_path / "books.db") == 1


def test_what_cannot_be_kept_is_not_acknowledged(failing: Failing, tmp_path: Path) -> None:
    with serving(failing, tmp_path) as world, world.client() as client:
        failing.broken = DiskFull("no room")
        refused = client.post(event(1))
        assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
        assert client("GET", "/healthz").status == 503
        assert world.kept() == []
        failing.broken = None
        assert client.post(event(1)).status == 200
        assert client("GET", "/healthz").status == 200
        assert [each.event_id for each in world.kept()] == ["evt_1"]
    (problem, *_) = world.said("problem")
    assert "DiskFull" in problem["message"]


def test_one_that_cannot_be_kept_does_not_fail_the_others(failing: Failing, tmp_path: Path) -> None:
    failing.poisoned = "evt_7"
    failing.held.clear()
    with serving(failing, tmp_path) as world:
        threading.Timer(0.5, failing.held.set).start()  # until then all of them have come, and share a commit
        statuses = world.together([event(number) for number in range(16)])
        assert statuses == [503 if number == 7 else 200 for number in range(16)]
        assert {each.event_id for each in world.kept()} == {f"evt_{number}" for number in range(16) if number != 7}


def test_those_that_come_together_share_a_commit(failing: Failing, tmp_path: Path) -> None:
    with serving(failing, tmp_path) as world:
        assert set(world.together([event(number) for number in range(400)], threads=20)) == {200}
        assert len(world.kept()) == 400
    assert failing.commits < 300


def test_an_event_that_comes_again_is_acknowledged_and_kept_once(world: World) -> None:
    bodies = [event(number % 25) for number in range(100)]
    assert set(world.together(bodies)) == {200}
    assert sorted((each.event_id, each.times) for each in world.kept()) == sorted((f"evt_{n}", 4) for n in range(25))


def test_two_receivers_on_one_database(books: Books, tmp_path: Path) -> None:
    other_books = Books(str(tmp_path / "books.db"), environment="simulator", keys=keys)
    with serving(books, tmp_path) as one, serving(other_books, tmp_path / "other") as other:
        answers: list[int] = []
        senders = [
            threading.Thread(target=lambda at=at: answers.extend(at.together([event(n) for n in range(60)], threads=4)))
            for at in (one, other)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert answers == [200] * 120
        assert [each.times for each in one.kept()] == [2] * 60
    other_books.close()


def test_the_same_on_postgresql(new_postgres: str, tmp_path: Path) -> None:
    books = Books(new_postgres, environment="simulator", keys=keys)
    with serving(books, tmp_path) as world:
        assert set(world.together([event(number % 50) for number in range(100)])) == {200}
        assert sorted(each.times for each in world.kept()) == [2] * 50
        with world.client() as client:
            assert client("GET", "/healthz").status == 200
    books.close()


def test_too_much_at_once_is_put_off(failing: Failing, tmp_path: Path) -> None:
    from cardctl.receiver import Limits

    failing.held.clear()
    with serving(failing, tmp_path, limits=Limits(waiting=4)) as world:
        threading.Timer(0.6, failing.held.set).start()
        statuses = world.together([event(number) for number in range(12)], threads=12)
        assert sorted(set(statuses)) == [200, 503]
        assert statuses.count(200) == 4
        assert len(world.kept()) == 4


def test_several_events_in_one_body(books: Books, tmp_path: Path) -> None:
    import base64
    import json

    body = json.dumps({"cards": [{"token": f"t{n}", "card_token": "c1", "state": "ACTIVE"} for n in range(10)]}).encode()
    enter = {"Authorization": "Basic " + base64.b64encode(b"receiver:" + b"p" * 20).decode()}
    with serving(books, tmp_path, receptions={"marqeta": reception("marqeta")}) as world, world.client() as client:
        for path in ("/webhooks/marqeta", "/api/webhooks/marqeta"):
            assert client.post(body, enter, path).status == 200
        assert [each.times for each in world.kept()] == [2] * 10
        refused = client.post(body, {"Authorization": "Basic bm86bm8="}, "/webhooks/marqeta")
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, 'Basic realm="webhooks"')
        assert client.post(body, {}, "/webhooks/marqeta").status == 401
