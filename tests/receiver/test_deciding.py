"""Requests for an authorization are answered in time: by the rules, or by the default where those are slow or fail."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from cardctl.db.unit import Books
from cardctl.domain.events import Incoming
from cardctl.receiver import Answer, Rules
from tests.receiver.world import serving

PATH = "/webhooks/stripe/authorization"
NO = Answer(approved=False, headers={"Stripe-Version": "2026-10-28.endive"})


def test_the_rules_answer(books: Books, tmp_path: Path) -> None:
    asked: list[Incoming] = []

    def decide(incoming: Incoming) -> Answer | None:
        asked.append(incoming)
        return Answer(True, {"metadata": {"rule": "1"}}, {"Stripe-Version": "2026-10-28.endive"}) if incoming.body else None

    with serving(books, tmp_path, rules=Rules(decide, NO)) as world, world.client() as client:
        answer = client("POST", PATH, b"{}", {"Stripe-Signature": "t=1"})
        assert (answer.status, json.loads(answer.body)) == (200, {"approved": True, "metadata": {"rule": "1"}})
        assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
        assert answer.headers["Content-Type"] == "application/json"
        assert client("POST", PATH, b"").status == 400
        assert (client("HEAD", PATH).status, client("GET", PATH).status) == (200, 405)
        assert world.kept() == []
    assert asked[0].headers["stripe-signature"] == "t=1"


@pytest.mark.parametrize("fault", ["slow", "broken"])
def test_the_default_is_answered(books: Books, tmp_path: Path, fault: str) -> None:
    free = threading.Event()

    def decide(incoming: Incoming) -> Answer | None:
        if fault == "broken":
            raise RuntimeError("no rules")
        free.wait(10)
        return Answer(True)

    with serving(books, tmp_path, rules=Rules(decide, NO, deadline=0.3)) as world, world.client() as client:
        begun = time.monotonic()
        answer = client("POST", PATH, b"{}")
        assert time.monotonic() - begun < 1.5
        assert (answer.status, json.loads(answer.body)) == (200, {"approved": False})
        assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
        free.set()
    assert "default" in world.said("problem")[0]["message"]
