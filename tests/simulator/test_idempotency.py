"""Idempotency keys: replayed, refused for other requests, forgotten after a day, one effect however many ask at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.control import Control
from tests.simulator.stranger import ADA, CARDS, HOLDERS, TEST_AUTHORIZATIONS, Stranger


def test_the_first_answer_again(stranger: Stranger) -> None:
    first = stranger.post(HOLDERS, ADA, key="k1")
    again = stranger.post(HOLDERS, ADA, key="k1")
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert len(stranger.seen(HOLDERS)["data"]) == 1


def test_the_order_of_parameters_does_not_matter(stranger: Stranger) -> None:
    first = stranger.post(HOLDERS, ADA, key="k1")
    assert stranger.post(HOLDERS, dict(reversed(ADA.items())), key="k1").content == first.content


def test_without_a_key_every_request_is_new(stranger: Stranger) -> None:
    assert stranger.holder() != stranger.holder()


def test_a_replay_shows_the_object_as_it_was(stranger: Stranger) -> None:
    card = f"{CARDS}/{stranger.card()}"
    stranger.post(card, {"status": "inactive"}, key="freeze")
    stranger.done(card, {"status": "active"})
    assert stranger.post(card, {"status": "inactive"}, key="freeze").json()["status"] == "inactive"
    assert stranger.seen(card)["status"] == "active"


def test_a_key_belongs_to_one_request(stranger: Stranger) -> None:
    made = stranger.post(HOLDERS, ADA, key="k1").json()
    for path, form, words in (
        (HOLDERS, ADA | {"name": "Charles"}, "same parameters"),
        (f"{HOLDERS}/{made['id']}", {"email": "c@example.com"}, "same endpoint"),
    ):
        reply = stranger.post(path, form, key="k1")
        assert (reply.status_code, reply.json()["error"]["type"]) == (400, "idempotency_error")
        assert words in reply.json()["error"]["message"]
        assert "'k1'" in reply.json()["error"]["message"]
    assert stranger.seen(HOLDERS)["data"] == [made]


def test_a_key_lives_for_a_day(stranger: Stranger, control: Control) -> None:
    first = stranger.post(HOLDERS, ADA, key="k1").json()["id"]
    control.advance(timedelta(hours=23, minutes=58))
    assert stranger.post(HOLDERS, ADA, key="k1").json()["id"] == first
    control.advance(timedelta(minutes=3))
    assert stranger.post(HOLDERS, ADA | {"name": "Charles"}, key="k1").json()["id"] != first


def test_bad_parameters_are_not_saved(stranger: Stranger) -> None:
    assert stranger.post(HOLDERS, {"name": "Ada"}, key="k1").status_code == 400
    assert stranger.post(HOLDERS, ADA, key="k1").status_code == 200


def test_the_bank_s_refusal_is_saved(stranger: Stranger) -> None:
    card = f"{CARDS}/{stranger.card()}"
    stranger.done(card, {"status": "canceled"})
    first = stranger.post(card, {"status": "active"}, key="k1")
    again = stranger.post(card, {"status": "active"}, key="k1")
    assert first.status_code == again.status_code == 400
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")


def test_a_refusal_takes_back_what_it_had_done(stranger: Stranger) -> None:
    """A bad `expand` is found after the purchase was made; the purchase must not stay."""
    card = stranger.card()
    reply = stranger.post(TEST_AUTHORIZATIONS, {"card": card, "amount": "500", "expand[]": "nonsense"}, key="k1")
    assert reply.json()["error"]["param"] == "expand"
    assert stranger.balance() == OPENING_FLOAT
    assert stranger.seen("/v1/issuing/authorizations")["data"] == []


@pytest.mark.parametrize(("length", "status"), [(255, 200), (256, 400)])
def test_how_long_a_key_may_be(stranger: Stranger, length: int, status: int) -> None:
    assert stranger.post(HOLDERS, ADA, key="k" * length).status_code == status


def test_reads_know_no_keys(stranger: Stranger) -> None:
    reply = stranger.http.get("/v1/balance", headers={"Idempotency-Key": "k1"})
    assert "Idempotent-Replayed" not in reply.headers
    assert stranger.post(HOLDERS, ADA, key="k1").status_code == 200


def test_old_answers_are_forgotten_in_the_file_too(path: Path, stranger: Stranger, control: Control) -> None:
    for place in range(5):
        stranger.post(HOLDERS, ADA, key=f"k{place}")
    control.advance(timedelta(days=2))
    stranger.post(HOLDERS, ADA, key="last")
    with FarSide(path).reading() as desk:
        assert desk.db.execute("SELECT key FROM answers").fetchall() == [("last",)]


RACER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tests.simulator.stranger import Stranger

path, card = Path(sys.argv[1]), sys.argv[2]
with Stranger(path) as one, ThreadPoolExecutor(4) as pool:
    one.balance()
    form = {"card": card, "amount": "700"}
    replies = pool.map(lambda _: one.post("/v1/test_helpers/issuing/authorizations", form, key="same"), range(20))
    for reply in replies:
        print(reply.status_code, reply.json()["id"], reply.headers.get("Idempotent-Replayed"))
"""


def test_many_processes_with_one_key_buy_once(path: Path, stranger: Stranger) -> None:
    card = stranger.card()
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", RACER, str(path), card]
    racers = [
        subprocess.Popen(command, cwd=root, env={"PYTHONPATH": str(root)}, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    lines = [line.split() for racer in racers for line in racer.communicate()[0].splitlines()]
    assert len(lines) == 60
    assert {(status, name) for status, name, _ in lines} == {("200", lines[0][1])}
    assert sum(replayed == "None" for _, _, replayed in lines) == 1
    assert stranger.balance() == OPENING_FLOAT - 700
    assert len(stranger.seen("/v1/issuing/authorizations")["data"]) == 1


def test_threads_with_keys_of_their_own_lose_nothing(stranger: Stranger) -> None:
    card = stranger.card()

    def buy(place: int) -> int:
        return stranger.post(TEST_AUTHORIZATIONS, {"card": card, "amount": "1"}, key=f"k{place}").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(buy, range(80))) == {200}
    assert stranger.balance() == OPENING_FLOAT - 80
    assert len(stranger.seen("/v1/issuing/authorizations", limit=100)["data"]) == 80
