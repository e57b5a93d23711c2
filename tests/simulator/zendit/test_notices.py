"""What Zendit tells: every state as it was then, proved by a header alone, to the address that was saved."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest

from cardctl.errors import BadInput
from cardctl.simulator.control import Control
from cardctl.simulator.delivering import Posted
from cardctl.simulator.posting import deliver_to
from tests.simulator.zendit.client import Partner

ALL = ["ACCEPTED", "PENDING", "AUTHORIZED", "IN_PROGRESS", "DONE"]


def told(control: Control, **how: Any) -> list[Posted]:
    return list(control.deliveries(face="zendit", **how))


def bodies(control: Control, **how: Any) -> list[dict[str, Any]]:
    return [orjson.loads(one.posting.body) for one in told(control, **how)]


@contextmanager
def console(head: int = 200) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """An address that notes what it hears: method, the header X-Hook, body."""
    heard: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def _hear(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard.append((self.command, self.headers.get("X-Hook", ""), body))
            self.send_response(head if self.command == "HEAD" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_POST = _hear  # noqa: N815 - the library's words

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        worker = threading.Thread(target=server.serve_forever, args=(0.02,))
        worker.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook", heard
        finally:
            server.shutdown()
            worker.join()


def test_every_state_is_told_as_it_was(partner: Partner, control: Control) -> None:
    name = partner.buy()
    last = partner.purchase(name)
    found = bodies(control)
    assert [body["status"] for body in found] == ALL
    assert {body["transactionId"] for body in found} == {name}
    assert found[-1] == last
    assert [len(body["log"]) for body in found] == [1, 2, 3, 4, 5]
    assert ["confirmation" in body for body in found] == [False] * 4 + [True]


def test_a_failure_is_told_and_a_refund_is_not(partner: Partner, control: Control) -> None:
    failed = partner.buy("ESIM-FAIL")
    partner.state(failed)
    assert bodies(control)[-1] == partner.purchase(failed)
    name = partner.buy()
    partner.state(name)
    control.mark_delivered([ref for one in told(control) for ref in one.event_ids])
    partner.done("POST", f"/esim/purchases/{name}/refund")
    partner.balance()
    assert partner.purchase(name)["refund"]["status"] == "DONE"
    assert bodies(control) == []


def test_what_falls_due_is_told_when_the_clock_moves(partner: Partner, control: Control) -> None:
    """Nobody need read for it."""
    partner.state(partner.buy("ESIM-SLOW"))
    assert [body["status"] for body in bodies(control)] == ALL[:4]
    control.advance(timedelta(hours=1))
    assert [body["status"] for body in bodies(control)] == ALL


def test_a_header_proves_it(partner: Partner, control: Control) -> None:
    partner.buy()
    (one,) = told(control)
    secret = control.webhook_secrets()["zendit.webhook_secret"][0]
    assert one.posting.headers == {"Content-Type": "application/json", "Authorization": secret}
    assert (one.path, one.posting.query) == ("/webhooks/zendit", "")
    control.edit("zendit", {"webhook_header": "X-Webhook-Token"})
    assert told(control)[0].posting.headers["X-Webhook-Token"] == secret


def test_after_a_rotation_both_are_in_use(partner: Partner, control: Control) -> None:
    partner.buy()
    before = control.webhook_secrets()["zendit.webhook_secret"][0]
    control.rotate_webhook_secrets()
    new, old = control.webhook_secrets()["zendit.webhook_secret"]
    assert (old, told(control)[0].posting.headers["Authorization"]) == (before, new)
    assert told(control, kinds=["rotated"])[0].posting.headers["Authorization"] == old


def test_a_forgery_has_a_strangers_header(partner: Partner, control: Control) -> None:
    partner.state(partner.buy())
    known = control.webhook_secrets()["zendit.webhook_secret"]
    for seed in range(5):
        found = told(control, kinds=["forged"], seed=seed)
        assert len(found) == 2 * len(ALL)
        assert all((one.posting.headers["Authorization"] in known) != one.forged for one in found)


def test_one_address_for_each_product(partner: Partner, control: Control) -> None:
    """It is asked with HEAD, and then it alone hears, with the header of its own."""
    with console() as (first, before), console() as (second, after):
        assert control.save_webhook(first, "X-Hook", "one")
        assert control.save_webhook(second, "X-Hook", "two")
        assert [heard[0] for heard in before + after] == ["HEAD", "HEAD"]
        partner.state(partner.buy())
        (address,) = control.registered_urls()["zendit"]
        assert address.url == second
        tally = deliver_to(address.url, told(control, to=address), workers=1)
        assert (tally.sent, tally.accepted, len(before)) == (5, 5, 1)
        assert [(method, proof) for method, proof, _ in after[1:]] == [("POST", "two")] * 5
        assert [orjson.loads(body)["status"] for _, _, body in after[1:]] == ALL
        control.save_webhook(first, "X-Hook", "voucher", "VOUCHER")
        assert sum(1 for each in control.registered_urls()["zendit"] for _ in told(control, to=each)) == 5


def test_who_does_not_answer_is_saved_all_the_same(control: Control) -> None:
    with console(head=405) as (url, _):
        assert not control.save_webhook(url, "X-Hook", "one")
    assert not control.save_webhook(url, "X-Hook", "one")
    assert [address.url for address in control.registered_urls()["zendit"]] == [url]
    with pytest.raises(BadInput):
        control.save_webhook("https://example.com/hook", "X-Hook", "one")
    with pytest.raises(BadInput):
        control.save_webhook(url, "X-Hook", "one", "CARDS")
