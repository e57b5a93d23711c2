"""The retry rules, case by case: what is sent again, what it costs to wait, and what a missing answer is called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from cardctl.errors import CardctlError, ProviderUnavailable, RateLimited, ReplyLost, ServerFailed
from cardctl.providers.guarding import Call
from cardctl.providers.http import Http
from tests.providers.scripted import Script, Step, broken, ok, status, torn

URL = "https://bank.example/v1/cards/ic_1?secret=hunter22"

NOT_SENT: list[Callable[[], Step]] = [
    lambda: httpx.ConnectError("[Errno 111] Connection refused"),
    lambda: httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"),
    lambda: httpx.ConnectTimeout("timed out"),
    lambda: httpx.PoolTimeout("timed out"),
    lambda: status(429),
]
LOST: list[Callable[[], Step]] = [
    lambda: httpx.ReadError("reset"),
    lambda: httpx.ReadTimeout("timed out"),
    lambda: httpx.WriteError("broken pipe"),
    lambda: httpx.RemoteProtocolError("Server disconnected without sending a response."),
    torn,
    broken,
    lambda: httpx.Response(200, content=b""),
    lambda: httpx.Response(200, content=b'{"id": "\xff"}'),
    lambda: httpx.Response(200, content=b'{"amount": NaN}'),
    lambda: httpx.Response(200, stream=httpx.ByteStream(b"not gzip"), headers={"content-encoding": "gzip"}),
]
FAILED: list[Callable[[], Step]] = [lambda: status(500), lambda: httpx.Response(502, html="<h1>Bad gateway</h1>")]


class Bench:
    """An Http over a script, with its waits written down instead of slept."""

    def __init__(self, *steps: Step, random: float = 1.0, timeout: float = 5.0) -> None:
        self.script = Script(*steps)
        self.waits: list[float] = []
        self.calls: list[Call] = []
        self.http = Http(
            "bank",
            transport=self.script,
            timeout=timeout,
            sleep=self.waits.append,
            random=lambda: random,
            busy=(409,),
            on_call=self.calls.append,
        )

    def read(self) -> object:
        return self.http.send("GET", URL, headers={}, keyed=None).data

    def write(self, *, keyed: bool) -> object:
        return self.http.send("POST", URL, headers={"Idempotency-Key": "k"}, content="a=1", keyed=keyed).data


@pytest.mark.parametrize("step", [*NOT_SENT, *LOST, *FAILED])
def test_a_read_is_sent_again_whatever_happened(step: Callable[[], Step]) -> None:
    bench = Bench(step(), step(), step(), ok())
    assert bench.read() == {"id": "x"}
    assert len(bench.script.requests) == 4


@pytest.mark.parametrize("step", [*NOT_SENT, *LOST, *FAILED])
def test_a_read_ends_as_unavailable_after_three_retries(step: Callable[[], Step]) -> None:
    bench = Bench(*(step() for _ in range(4)))
    with pytest.raises(ProviderUnavailable):
        bench.read()


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("step", NOT_SENT)
def test_any_write_that_surely_did_not_run_is_sent_again(step: Callable[[], Step], keyed: bool) -> None:
    bench = Bench(step(), step(), step(), ok())
    assert bench.write(keyed=keyed) == {"id": "x"}


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("step", NOT_SENT)
def test_when_surely_nothing_ran_nothing_is_in_doubt(step: Callable[[], Step], keyed: bool) -> None:
    bench = Bench(*(step() for _ in range(4)))
    with pytest.raises(ProviderUnavailable) as caught:
        bench.write(keyed=keyed)
    assert isinstance(caught.value, RateLimited) == isinstance(step(), httpx.Response)


@pytest.mark.parametrize("step", [*LOST, *FAILED, lambda: status(409)])
def test_a_keyed_write_is_sent_again_as_the_same_bytes(step: Callable[[], Step]) -> None:
    bench = Bench(step(), step(), step(), ok())
    assert bench.write(keyed=True) == {"id": "x"}
    assert len({(request.content, request.headers["idempotency-key"]) for request in bench.script.requests}) == 1


@pytest.mark.parametrize("step", LOST)
def test_an_unkeyed_write_whose_reply_is_lost_is_never_sent_again(step: Callable[[], Step]) -> None:
    bench = Bench(step())
    with pytest.raises(ReplyLost) as caught:
        bench.write(keyed=False)
    assert not isinstance(caught.value, ServerFailed)
    assert bench.waits == []


def test_an_unkeyed_write_that_met_a_server_error_is_never_sent_again() -> None:
    with pytest.raises(ServerFailed):
        Bench(status(500)).write(keyed=False)


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([torn(), status(429), status(429), status(429)], ReplyLost),
        ([torn(), *[httpx.ConnectError("refused")] * 3], ReplyLost),
        ([status(429), torn(), status(429), status(429)], ReplyLost),
        ([torn(), status(500), status(429), status(429)], ServerFailed),
        ([status(500), *[httpx.ConnectError("refused")] * 3], ServerFailed),
        ([*[status(409)] * 4], ReplyLost),
    ],
)
def test_one_attempt_that_may_have_run_is_remembered_to_the_end(steps: list[Step], kind: type[CardctlError]) -> None:
    with pytest.raises(ReplyLost) as caught:
        Bench(*steps).write(keyed=True)
    assert type(caught.value) is kind


@pytest.mark.parametrize("name", ["Idempotent-Replayed", "Stripe-Should-Retry"])
def test_a_saved_failure_is_not_asked_for_again(name: str) -> None:
    headers = {name: "true" if name == "Idempotent-Replayed" else "false"}
    bench = Bench(torn(), status(500, headers))
    with pytest.raises(ServerFailed) as caught:
        bench.write(keyed=True)
    assert caught.value.saved
    assert len(bench.waits) == 1


def test_an_unsaved_failure_says_so() -> None:
    with pytest.raises(ServerFailed) as caught:
        Bench(*[status(500) for _ in range(4)]).write(keyed=True)
    assert not caught.value.saved


@pytest.mark.parametrize(("first", "doubtful"), [(torn(), True), (status(429), False), (httpx.ConnectError("x"), False)])
@pytest.mark.parametrize("code", [200, 302, 400, 401, 404])
def test_a_definite_answer_is_given_with_what_went_before(first: Step, doubtful: bool, code: int) -> None:
    second = ok() if code == 200 else status(code)
    first = torn() if doubtful else first
    reply = Bench(first, second).http.send("POST", URL, headers={}, content="a=1", keyed=True)
    assert (reply.status, reply.doubtful) == (code, doubtful)


def test_redirects_are_not_followed() -> None:
    bench = Bench(httpx.Response(307, headers={"location": "https://thief.example/"}))
    assert bench.http.send("POST", URL, headers={}, content="a=1", keyed=True).status == 307
    assert len(bench.script.requests) == 1


def test_an_error_page_that_is_no_json_is_an_answer_without_data() -> None:
    reply = Bench(httpx.Response(403, html="<h1>Forbidden</h1>")).http.send("GET", URL, headers={}, keyed=None)
    assert (reply.status, reply.data) == (403, None)


@pytest.mark.parametrize(("random", "waits"), [(1.0, [0.5, 1.0, 2.0]), (0.5, [0.25, 0.5, 1.0]), (0.0, [0.0, 0.0, 0.0])])
def test_backoff_doubles_and_its_jitter_is_full(random: float, waits: list[float]) -> None:
    bench = Bench(status(429), status(429), status(429), ok(), random=random)
    bench.read()
    assert bench.waits == waits


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "86400"}, 60.0),
        ({"Retry-After": "9" * 400}, 60.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:09 GMT", "Date": DATE}, 9.0),
        ({"Retry-After": "Wed, 21 Oct 2026 09:28:00 GMT", "Date": DATE}, 60.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:09 GMT"}, 0.0),
        ({"Retry-After": "soon"}, 0.0),
        ({"Retry-After": "-5"}, 0.0),
        (httpx.Headers([(b"Retry-After", "٧".encode())]), 0.0),
    ],
)
def test_retry_after_is_honoured(headers: Mapping[str, str], wait: float) -> None:
    bench = Bench(status(429, headers), ok(), random=0.0)
    bench.read()
    assert bench.waits == [wait]


def test_the_jitter_counts_where_it_is_longer_than_retry_after() -> None:
    bench = Bench(status(429, {"Retry-After": "0"}), ok(), random=1.0)
    bench.read()
    assert bench.waits == [0.5]


def test_a_body_that_trickles_past_the_timeout_is_lost() -> None:
    bench = Bench(ok(), timeout=-1.0)
    with pytest.raises(ReplyLost):
        bench.write(keyed=False)


def test_numbers_with_a_point_are_decimals() -> None:
    content = b'{"amount": 0.1, "minor": 9007199254740993}'
    assert Bench(httpx.Response(200, content=content)).read() == {"amount": Decimal("0.1"), "minor": 9007199254740993}


def test_no_error_carries_a_secret_or_the_url() -> None:
    leak = httpx.LocalProtocolError("Illegal header value b'Bearer sk_live_abcdefghijklmnop'")
    with pytest.raises(ReplyLost) as caught:
        Bench(leak).write(keyed=False)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert "abcdefghijklmnop" not in str(caught.value)
    assert "hunter22" not in str(caught.value)


def test_every_attempt_is_told_of() -> None:
    bench = Bench(httpx.ConnectError("refused"), status(429), ok(headers={"Request-Id": "req_1"}))
    bench.write(keyed=True)
    told = [(call.provider, call.method, call.path, call.status, call.attempt, call.request_id) for call in bench.calls]
    path = "/v1/cards/ic_1"
    assert told == [
        ("bank", "POST", path, None, 1, None),
        ("bank", "POST", path, 429, 2, None),
        ("bank", "POST", path, 200, 3, "req_1"),
    ]
    assert all(call.latency_ms >= 0 for call in bench.calls)


class Recorder:
    """A budget and a breaker that write down what they are asked, and what is sent in between."""

    def __init__(self, *steps: Step) -> None:
        self.told: list[str] = []
        self._script = Script(*steps)
        self.http = Http(
            "bank",
            transport=httpx.MockTransport(self._answer),
            timeout=5.0,
            sleep=lambda seconds: self.told.append(f"sleep {seconds}"),
            random=lambda: 0.0,
            budget=self,
            breaker=self,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.told.append("sent")
        return self._script.handle_request(request)

    def take(self, *, wait: bool = True) -> float:
        self.told.append("take" if wait else "book")
        return 0.25 if wait else 0.0

    def penalise(self, seconds: float) -> None:
        self.told.append(f"penalise {seconds}")

    def check(self) -> None:
        self.told.append("check")

    def succeeded(self) -> None:
        self.told.append("succeeded")

    def failed(self) -> None:
        self.told.append("failed")

    def released(self) -> None:
        self.told.append("released")


def test_the_breaker_hears_of_requests_and_the_budget_of_attempts() -> None:
    recorder = Recorder(status(429, {"Retry-After": "7"}), ok())
    recorder.http.send("GET", URL, headers={}, keyed=None)
    first = ["check", "take", "sleep 0.25", "sent", "penalise 7.0"]
    assert recorder.told == [*first, "sleep 7.0", "take", "sleep 0.25", "sent", "succeeded"]


def test_an_urgent_request_asks_nobody_and_is_told_of() -> None:
    recorder = Recorder(status(500), torn())
    with pytest.raises(ReplyLost):
        recorder.http.send("POST", URL, headers={}, content="a=1", keyed=False, urgent=True)
    assert recorder.told == ["book", "sent", "failed"]


def test_a_bug_in_between_tells_the_breaker_nothing() -> None:
    recorder = Recorder()  # no answer at all: the script itself fails
    with pytest.raises(AssertionError):
        recorder.http.send("GET", URL, headers={}, keyed=None)
    assert recorder.told == ["check", "take", "sleep 0.25", "sent", "released"]


def test_a_reply_does_not_print_its_body() -> None:
    reply = Bench(ok({"number": "4000009990000005"})).http.send("GET", URL, headers={}, keyed=None)
    assert "4000009990000005" not in repr(reply)


class _Waves(BaseHTTPRequestHandler):
    """Answers so many requests at a time, all of them or none; remembers its connections."""

    protocol_version = "HTTP/1.1"
    together: threading.Barrier
    connections: list[object]

    def setup(self) -> None:
        super().setup()
        self.connections.append(self.client_address)

    def do_GET(self) -> None:
        self.together.wait(30)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its word
        """Nothing."""


def test_as_many_connections_stay_open_as_a_list_has_workers() -> None:
    workers, waves = 64, 3
    connections: list[object] = []
    handler = type("_OneTest", (_Waves,), {"together": threading.Barrier(workers), "connections": connections})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads, server.request_queue_size = True, workers
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    http = Http("bank", transport=None, timeout=60, sleep=lambda _: None, random=lambda: 0.0)
    url = f"http://127.0.0.1:{server.server_port}/v1/cards"
    try:
        with ThreadPoolExecutor(workers) as pool:
            for _ in range(waves):
                replies = pool.map(lambda _: http.send("GET", url, headers={}).status, range(workers))
                assert set(replies) == {200}
    finally:
        http.close()
        server.shutdown()
        server.server_close()
    assert len(connections) == workers
