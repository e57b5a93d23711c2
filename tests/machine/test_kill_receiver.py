"""`kill -9` of `webhook serve` under load: what it acknowledged is in the books, exactly once, and applied at most once."""

from __future__ import annotations

import http.client
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.machine.processes import ROOT, alone, environ
from tests.providers.stripe.objects import authorization
from tests.receiver.world import SECRET, signed

SENDERS = 8
SEED = 20261126


def event(number: int, card: str) -> bytes:
    """An authorization of so many cents on a card, which its balance goes down by."""
    told = authorization(id=f"iauth_{number}", card=card, amount=cents(number))
    whole = {"id": f"evt_{number}", "object": "event", "type": "issuing_authorization.created", "created": 1_790_000_000}
    return json.dumps({**whole, "livemode": False, "data": {"object": told}}).encode()


def cents(number: int) -> int:
    return 100 + number % 89


@contextmanager
def served(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A receiver in a process of its own, and its port; killed at the end, if nobody was quicker."""
    env = {**environ(home), "CARDCTL_STRIPE_WEBHOOK_SECRET": SECRET}
    line = [sys.executable, "-m", "cardctl", "webhook", "serve", "--port", "0", "--providers", "stripe", "-o", "json"]
    with subprocess.Popen(
        line, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, urlsplit(json.loads(process.stdout.readline())["data"]["base_url"]).port or 0
        finally:
            process.kill()
            process.wait(20)


class Senders:
    """Clients that send until nobody answers any more; `acknowledged` are the events that were answered 2xx."""

    def __init__(self, port: int, first: int, card: str) -> None:
        self.acknowledged: list[int] = []
        self.sent = first
        self._port = port
        self._card = card
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(60)

    def _send(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
            while True:
                with self._lock:
                    number = self.sent
                    self.sent += 1
                for _ in range(1 + number % 2):  # every other one twice
                    body = event(number, self._card)
                    try:
                        connection.request("POST", "/webhooks/stripe", body, signed(body))
                        answer = connection.getresponse()
                        answer.read()
                    except (OSError, http.client.HTTPException):
                        return
                    if answer.status == 200:
                        self.acknowledged.append(number)


def look(home: Path) -> dict[int, str]:
    """The state of each event by its number; each is one row."""
    with closing(sqlite3.connect(home / "state" / "books" / "dev.db")) as database:
        found = database.execute("SELECT event_id, state FROM events").fetchall()
    states = {int(name.removeprefix("evt_")): state for name, state in found}
    assert len(states) == len(found), "an event stands there twice"
    return states


def spent(home: Path, card: str) -> tuple[int, set[str]]:
    """What the card's balance has gone down by, in cents, and the authorizations in the books."""
    with closing(sqlite3.connect(home / "state" / "books" / "dev.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ((balance,),) = database.execute("SELECT balance_minor FROM cards WHERE ref = ?", (card,)).fetchall()
        refs = {ref for (ref,) in database.execute("SELECT ref FROM transactions WHERE ref LIKE 'iauth_%'")}
    return 100_000_000 - balance, refs


def trials(home: Path, card: str, kills: int) -> set[int]:
    """So many kills against one home, each at a moment of its own; the events that were acknowledged."""
    dice, acknowledged, first = random.Random(SEED), set[int](), 0
    for number in range(kills):
        with served(home) as (process, port):
            senders = Senders(port, first, card)
            time.sleep(dice.uniform(0.02, 0.35))
            process.send_signal(signal.SIGKILL)
            senders.join()
        first = senders.sent
        acknowledged |= set(senders.acknowledged)
        if number % 25 == 0:
            assert acknowledged <= set(look(home)), f"lost by kill {number}"
    return acknowledged


def finish(home: Path) -> None:
    """A receiver that nobody kills applies what the others left, and stops when it is asked to."""
    with served(home) as (process, _):
        end = time.monotonic() + 120
        while time.monotonic() < end and "received" in look(home).values():
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize("kills", [10, pytest.param(1000, marks=pytest.mark.whole)])
def test_no_acknowledged_event_is_lost_and_none_applied_twice(tmp_path: Path, kills: int) -> None:
    home = tmp_path / "home"
    card = json.loads(alone(home, "provision", "--dev", "-o", "json").stdout)["data"]["cards"][0]["ref"]
    acknowledged = trials(home, card, kills)
    finish(home)
    kept = look(home)
    assert len(acknowledged) > kills, "there was a load"
    assert acknowledged <= set(kept)
    assert set(kept.values()) == {"applied"}
    assert spent(home, card) == (sum(map(cents, kept)), {f"iauth_{number}" for number in kept})
    print(f"{kills} kills: {len(acknowledged)} acknowledged, {len(kept)} kept and applied")
