"""Faults of replies: a read as of before, pages torn, with a row too many or too few, and what else may happen."""

from __future__ import annotations

import subprocess
import sys
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.errors import BadInput
from cardctl.simulator.books import OPENING_FLOAT, FarSide
from cardctl.simulator.control import Control
from cardctl.simulator.faults import FAULTS, On
from tests.simulator.stranger import ADA, CARDS, HOLDERS, TEST_AUTHORIZATIONS, Stranger


def ids(reply: httpx.Response) -> list[str]:
    return [one["id"] for one in reply.json()["data"]]


def cards(stranger: Stranger, many: int) -> list[str]:
    """Newest first, as they are listed."""
    holder = stranger.holder()
    return [stranger.card(holder) for _ in range(many)][::-1]


def test_a_stale_read_is_of_before_the_last_write(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    stranger.done(f"{CARDS}/{card}", {"status": "inactive", "metadata[note]": "it's here"})
    stranger.done(f"{CARDS}/{card}", {"status": "active"})
    control.fault("stale-read", 2)
    for _ in range(2):
        stale = stranger.seen(f"{CARDS}/{card}")
        assert (stale["status"], stale["metadata"]) == ("inactive", {"note": "it's here"})
    assert stranger.seen(f"{CARDS}/{card}")["status"] == "active", "nothing was taken back"


def test_what_was_just_made_is_not_there_yet(stranger: Stranger, control: Control) -> None:
    first = stranger.card()
    second = stranger.card()
    control.fault("stale-read", 2)
    assert stranger.get(f"{CARDS}/{second}").status_code == 404
    assert ids(stranger.get(CARDS)) == [first]
    assert ids(stranger.get(CARDS)) == [second, first]


def test_stale_money(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    held = stranger.authorise(card, 700)
    assert stranger.balance() == OPENING_FLOAT - 700
    stranger.done(f"{TEST_AUTHORIZATIONS}/{held['id']}/capture", {"capture_amount": "300"})
    control.fault("stale-read", 2)
    assert stranger.balance() == OPENING_FLOAT - 700
    assert stranger.seen("/v1/issuing/transactions")["data"] == []
    assert stranger.balance() == OPENING_FLOAT - 300


def test_a_refused_write_and_another_s_clock_are_no_writes(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    stranger.done(f"{CARDS}/{card}", {"status": "inactive"})
    stranger.refused(f"{CARDS}/{card}", {"status": "nonsense"})
    control.fault("stale-read")
    assert stranger.seen(f"{CARDS}/{card}")["status"] == "active"


def test_an_edit_is_a_write_and_a_reset_has_nothing_before_it(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    control.edit(card, {"last4": "0000"})
    control.edit("stripe", {"float.USD": "5"})
    control.fault("stale-read")
    assert stranger.balance() == OPENING_FLOAT
    control.reset()
    control.fault("stale-read")
    assert stranger.balance() == OPENING_FLOAT
    stranger.holder()
    control.fault("stale-read")
    assert stranger.seen(HOLDERS)["data"] == []


def test_another_process_wrote_last(path: Path, stranger: Stranger, control: Control) -> None:
    root = Path(__file__).parents[2]
    script = "import sys; from pathlib import Path; from tests.simulator.stranger import *\n"
    script += "with Stranger(Path(sys.argv[1])) as one: print(one.holder())"
    first = stranger.holder()
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=root, env={"PYTHONPATH": str(root)}, capture_output=True, check=True
    )
    control.fault("stale-read")
    assert ids(stranger.get(HOLDERS)) == [first]
    assert ids(stranger.get(HOLDERS)) == [done.stdout.decode().strip(), first]


def test_only_the_last_write_is_remembered(path: Path, stranger: Stranger) -> None:
    cards(stranger, 5)
    with FarSide(path).reading() as desk:
        assert desk.db.execute("SELECT count(DISTINCT write) FROM undo").fetchone()[0] <= 2, "this one, and the one before"


def test_a_torn_page_says_that_it_is_whole(stranger: Stranger, control: Control) -> None:
    cards(stranger, 3)
    control.fault("torn-page")
    reply = stranger.get(CARDS)
    assert (reply.status_code, int(reply.headers["Content-Length"])) == (200, len(reply.content))
    with pytest.raises(ValueError, match=r"."):
        reply.json()
    assert len(ids(stranger.get(CARDS))) == 3


def test_a_row_of_the_page_before_comes_again(stranger: Stranger, control: Control) -> None:
    made = cards(stranger, 6)
    assert ids(stranger.get(CARDS, limit=2)) == made[:2]
    control.fault("repeated-row")
    assert ids(stranger.get(CARDS, limit=2, starting_after=made[1])) == made[1:4]
    assert ids(stranger.get(CARDS, limit=2, starting_after=made[3])) == made[4:6]


def test_a_row_comes_twice_in_one_page(stranger: Stranger, control: Control) -> None:
    made = cards(stranger, 3)
    control.fault("repeated-row")
    assert ids(stranger.get(CARDS)) == [made[0], *made]


@pytest.mark.parametrize("many", [1, 2, 3, 6])
def test_a_row_is_left_out(stranger: Stranger, control: Control, many: int) -> None:
    made = cards(stranger, many)
    control.fault("skipped-row")
    shown = ids(stranger.get(CARDS))
    assert len(shown) == many - 1
    assert [one for one in made if one in shown] == shown
    assert many == 1 or shown[-1] == made[-1], "a client goes on from the last"


@pytest.mark.parametrize("kind", [name for name, fault in FAULTS.items() if fault.on == {On.LISTS}])
def test_faults_of_lists_wait_for_lists(stranger: Stranger, control: Control, kind: str) -> None:
    card = stranger.card()
    control.fault(kind)
    assert stranger.seen(f"{CARDS}/{card}")["id"] == card
    assert stranger.balance() == OPENING_FLOAT
    stranger.holder()
    assert [one["kind"] for one in control.status()["faults"]] == [kind]
    stranger.get(HOLDERS)
    assert control.status()["faults"] == []


def test_a_whole_page_of_every_number_stays_exact(stranger: Stranger, control: Control) -> None:
    cards(stranger, 2)
    plain = stranger.get(CARDS).text
    control.fault("repeated-row")
    again = stranger.get(CARDS).text
    assert len(again) > len(plain)
    assert again.startswith(plain[: plain.index("{", 1)])
    assert plain[plain.index("[") + 1 :] in again


def test_pages_of_html(stranger: Stranger, control: Control) -> None:
    for kind, status in (("portal", 200), ("503-html", 503), ("redirect", 302), ("redirect-forever", 301)):
        control.fault(kind)
        reply = stranger.post(HOLDERS, ADA)
        assert (reply.status_code, reply.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert reply.text.startswith("<!doctype html>")
        assert ("Location" in reply.headers) == (300 <= status < 400)
    assert stranger.seen(HOLDERS)["data"] == []


def test_what_becomes_of_a_whole_reply(stranger: Stranger, control: Control) -> None:
    control.fault("wrong-type")
    called = stranger.post(HOLDERS, ADA)
    assert (called.headers["Content-Type"][:9], called.json()["object"]) == ("text/html", "issuing.cardholder")
    control.fault("empty-body")
    empty = stranger.post(HOLDERS, ADA)
    assert (empty.status_code, empty.content, empty.headers["Content-Length"]) == (200, b"", "0")
    control.fault("clock-skew")
    ahead = parsedate_to_datetime(stranger.post(HOLDERS, ADA).headers["Date"]).timestamp() - time.time()
    assert 3500 < ahead < 3700
    assert len(stranger.seen(HOLDERS)["data"]) == 3


def test_a_date_to_wait_for(stranger: Stranger, control: Control) -> None:
    control.fault("429-retry-date")
    reply = stranger.post(HOLDERS, ADA)
    until, now = (parsedate_to_datetime(reply.headers[name]) for name in ("Retry-After", "Date"))
    assert 0 <= (until - now).total_seconds() <= 2
    assert reply.json()["error"]["code"] == "rate_limit"


def test_the_key_is_refused_in_the_middle(stranger: Stranger, control: Control) -> None:
    control.fault("401")
    assert stranger.refused(HOLDERS, ADA, status=401)["code"] == "api_key_expired"
    assert stranger.holder()


def test_a_trickle_comes_byte_by_byte(path: Path, control: Control) -> None:
    slept: list[float] = []
    with Stranger(path, sleep=slept.append) as one:
        control.fault("trickle", delay=5)
        with one.http.stream("POST", HOLDERS, data=ADA, timeout=1) as reply:
            pieces = list(reply.iter_raw())
        assert {len(piece) for piece in pieces} == {1}
        assert len(pieces) == int(reply.headers["Content-Length"])
        assert sum(slept) == pytest.approx(5)
        assert max(slept) < 1, "no single wait is as long as the client's patience"
        control.fault("trickle", delay=100)
        with pytest.raises(httpx.ReadTimeout):
            one.http.post(HOLDERS, data=ADA, timeout=1)
        assert len(one.seen(HOLDERS)["data"]) == 2


def test_faults_of_reads_and_writes_wait_for_their_own(stranger: Stranger, control: Control) -> None:
    control.fault("stale-read")
    control.fault("500")
    control.fault("dropped")
    assert stranger.post(HOLDERS, ADA).status_code == 500
    stranger.holder()
    assert [one["kind"] for one in control.status()["faults"]] == ["stale-read", "dropped"]
    assert stranger.seen(HOLDERS)["data"] == []
    assert [one["kind"] for one in control.status()["faults"]] == ["dropped"], "no request is a webhook"
    control.clear_faults()
    assert control.status()["faults"] == []


def test_delayed_funding_is_counted_by_its_bank(control: Control) -> None:
    control.fault("delayed-funding", 3)
    assert control.status()["faults"] == [{"kind": "delayed-funding", "remaining": 3, "delay": None}]
    control.clear_faults()
    assert control.status()["faults"] == []
    with pytest.raises(BadInput):
        control.fault("delayed-funding", 1, 2.0)


def test_the_same_seed_strikes_the_same_requests(tmp_path: Path) -> None:
    def told(place: int) -> list[Any]:
        far = tmp_path / f"{place}.db"
        control = Control(far)
        control.fault_random(11, 0.5)
        seen: list[Any] = []
        with Stranger(far) as one:
            for turn in range(60):
                try:
                    reply = one.post(HOLDERS, ADA, key=f"k{turn}") if turn % 3 else one.get(HOLDERS, limit=3)
                    seen.append((reply.status_code, reply.headers.get("Retry-After", "")[:1], len(reply.content) > 0))
                except httpx.TransportError as error:
                    seen.append(type(error))
        control.close()
        return seen

    assert told(1) == told(2)
