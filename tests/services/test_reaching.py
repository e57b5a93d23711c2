"""`doctor --url`: a server that is well, one that is not, and whatever else may answer there; over this machine's sockets."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl, Ran

Answer = Callable[[BaseHTTPRequestHandler], None]
WELL = {"status": "ok"}


@contextmanager
def served(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server that answers so: its address, and the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer(self)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(body: object, status: int = 200, *, skew: float = 0, **headers: str) -> Answer:
    """JSON where `body` is not bytes; the Date is `skew` seconds ahead."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response_only(status)
        handler.send_header("Date", formatdate(time.time() + skew, usegmt=True))
        handler.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@pytest.fixture
def doctor(home: Path) -> Callable[..., Ran]:
    cardctl = Cardctl(home)
    return lambda url, *more: cardctl("doctor", "--url", url, "-o", "json", *more)


def outcomes(ran: Ran) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in ran.data["checks"]}


def detail(ran: Ran, name: str) -> str:
    return str(next(check["detail"] for check in ran.data["checks"] if check["name"] == name))


@pytest.mark.parametrize("body", [WELL, {"status": "Healthy"}, {"success": True}, {"status": "UP", "more": [1]}])
def test_a_server_that_is_well(doctor: Callable[..., Ran], home: Path, body: object) -> None:
    with served(says(body)) as (url, asked):
        ran = doctor(url)
    assert (ran.code, outcomes(ran)) == (0, {"reachable": "ok", "status": "ok", "health": "ok", "clock": "ok"})
    assert asked == ["/health"]
    assert not (home / "state" / "books").exists()


def test_the_path_that_was_named_is_asked(doctor: Callable[..., Ran]) -> None:
    with served(says(WELL)) as (url, asked):
        assert doctor(f"{url}/up?deep=1#x").code == 0
        assert doctor(f"{url}/").code == 0
    assert asked == ["/up?deep=1", "/health"]


@pytest.mark.parametrize("body", [b"<html>OK</html>", b'{"status": {"db"', b"\xff\xfe"])
def test_what_is_no_json_is_not_well(doctor: Callable[..., Ran], body: bytes) -> None:
    """A portal or a proxy answers 200 with a page too."""
    with served(says(body)) as (url, asked):
        ran = doctor(url)
    assert (ran.code, outcomes(ran)["health"], len(asked)) == (3, "fail", 1)


@pytest.mark.parametrize("body", [b"", b"OK", b"healthy\n"])
def test_a_plain_word_or_nothing_is_an_answer_too(doctor: Callable[..., Ran], body: bytes) -> None:
    with served(says(body)) as (url, _):
        ran = doctor(url)
    assert (ran.code, outcomes(ran)["health"]) == (0, "ok")


@pytest.mark.parametrize("body", [[1, 2], {}, {"version": "1"}])
def test_one_that_says_nothing_of_itself_is_taken_by_its_status(doctor: Callable[..., Ran], body: object) -> None:
    with served(says(body)) as (url, _):
        ran = doctor(url)
    assert (ran.code, outcomes(ran)["health"]) == (0, "ok")


@pytest.mark.parametrize("word", ["down", "degraded", "false", "unhealthy", "\x1b[31mred\x1b[0m"])
def test_one_that_says_it_is_not_well(doctor: Callable[..., Ran], word: str) -> None:
    with served(says({"status": word})) as (url, _):
        ran = doctor(url)
    assert (ran.code, outcomes(ran)["health"], outcomes(ran)["status"]) == (3, "fail", "ok")
    assert "\x1b" not in detail(ran, "health")


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_an_error(doctor: Callable[..., Ran], status: int) -> None:
    with served(says({"status": "ok"}, status)) as (url, asked):
        ran = doctor(url)
    assert ran.code == 3
    assert "fail" in outcomes(ran).values()
    assert str(status) in json.dumps(ran.data)
    assert len(asked) == 1, "it asks once"
    assert "health" not in outcomes(ran)


def test_a_redirect_is_not_followed(doctor: Callable[..., Ran]) -> None:
    with served(says(b"", 302, Location="https://elsewhere.invalid/login?token=sk_live_4eC39HqLyjWDarjtT1zdp7dc")) as (
        url,
        asked,
    ):
        ran = doctor(url)
    assert (ran.code, outcomes(ran)["status"], asked) == (3, "fail", ["/health"])
    assert "elsewhere.invalid" in detail(ran, "status")
    assert "sk_live_4eC39HqLyjWDarjtT1zdp7dc" not in ran.stdout + ran.stderr


def test_one_that_is_slower_than_our_patience(doctor: Callable[..., Ran]) -> None:
    ended = threading.Event()

    def wait(handler: BaseHTTPRequestHandler) -> None:
        ended.wait(20)
        handler.close_connection = True

    with served(wait) as (url, asked):
        ran = doctor(url, "--timeout", "0.3")
        ended.set()
    assert (ran.code, outcomes(ran), asked) == (3, {"reachable": "fail"}, ["/health"])


def test_one_that_trickles_has_no_longer(doctor: Callable[..., Ran]) -> None:
    ended = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response_only(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(200):
            if ended.wait(0.05):
                return
            handler.wfile.write(b" ")
            handler.wfile.flush()

    with served(trickle) as (url, _):
        ran = doctor(url, "--timeout", "0.3")
        ended.set()
    assert (ran.code, outcomes(ran)) == (3, {"reachable": "fail"})


def test_nobody_there(doctor: Callable[..., Ran]) -> None:
    with served(says(WELL)) as (url, _):
        pass
    ran = doctor(url)
    assert (ran.code, outcomes(ran)) == (3, {"reachable": "fail"})


@pytest.mark.parametrize(("skew", "outcome"), [(-7200, "warn"), (100, "ok"), (4000, "warn")])
def test_clocks_that_disagree(doctor: Callable[..., Ran], skew: float, outcome: str) -> None:
    with served(says(WELL, skew=skew)) as (url, _):
        ran = doctor(url)
    assert (ran.code, outcomes(ran)["clock"]) == (0, outcome)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8420", "ftp://127.0.0.1/", "http://", "http://me:secret@127.0.0.1:1/", "", "http:///x"]
)
def test_what_is_no_url_to_ask(doctor: Callable[..., Ran], url: str) -> None:
    ran = doctor(url)
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")
    assert "secret" not in ran.stdout + ran.stderr


def test_a_simulator_that_is_served(doctor: Callable[..., Ran], tmp_path: Path) -> None:
    control = Control(tmp_path / "simulator.db")
    with control.serving("127.0.0.1", 0, rate_limit=None, latency=0.0, version="1") as bank:
        ran = doctor(bank.base_url)
    control.close()
    assert (ran.code, set(outcomes(ran).values())) == (0, {"ok"}), ran
