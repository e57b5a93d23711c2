"""`card show`: from our books while that is recent, else asked anew; where nobody answers, what was known, and its age."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.errors import SecretMissing
from cardctl.runtime import Run
from cardctl.simulator.control import Control
from cardctl.simulator.transport import SimulatorTransport
from tests.commands.runner import Cardctl
from tests.services.world import refuse

RECENT = timedelta(minutes=5)


class Shown:
    """A home with one programme in it; `asked` counts the requests that left, `down` lets none of them arrive."""

    def __init__(self, home: Path, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        self.cardctl = Cardctl(home)
        self.card = self.cardctl("provision", "--dev", "--provider", provider, "-o", "json").data["cards"][0]
        self.asked, self.down = 0, False
        real = SimulatorTransport.handle_request

        def handle(transport: SimulatorTransport, request: httpx.Request) -> httpx.Response:
            self.asked += 1
            if self.down:
                refuse(request)
            return real(transport, request)

        monkeypatch.setattr(SimulatorTransport, "handle_request", handle)

    def show(self, *more: str) -> Any:
        self.asked = 0
        return self.cardctl("card", "show", self.card["id"], "-o", "json", *more)

    def aged(self, by: timedelta) -> None:
        """As if the provider had last been asked so long ago."""
        moment = datetime.now(UTC) - by
        with sqlite3.connect(self.cardctl.books) as books:
            books.execute("UPDATE cards SET synced_at = ?", (moment.isoformat(timespec="microseconds").replace("+00:00", "Z"),))

    def freeze_behind_our_back(self) -> None:
        fields = {"stripe": {"status": "inactive"}, "marqeta": {"state": "SUSPENDED"}, "strowallet": {"card_status": "frozen"}}
        control = Control(self.cardctl.simulator)
        control.edit(self.card["ref"], fields[self.card["provider"]])
        control.close()


@pytest.fixture(params=["stripe", "marqeta", "strowallet"])
def shown(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Shown:
    return Shown(home, request.param, monkeypatch)


def test_what_is_recent_costs_no_request(shown: Shown) -> None:
    shown.freeze_behind_our_back()
    for age in (timedelta(0), RECENT - timedelta(seconds=30)):
        shown.aged(age)
        ran = shown.show()
        assert (ran.code, ran.data["state"], ran.warnings, shown.asked) == (0, "active", [], 0)
        assert abs(ran.data["age_seconds"] - age.total_seconds()) < 20


@pytest.mark.parametrize("age", [RECENT + timedelta(seconds=1), timedelta(days=3), timedelta(hours=-2)])
def test_what_is_older_or_from_the_future_is_asked_for(shown: Shown, age: timedelta) -> None:
    shown.freeze_behind_our_back()
    shown.aged(age)
    ran = shown.show()
    assert (ran.code, ran.data["state"], ran.warnings) == (0, "frozen", [])
    assert ran.data["age_seconds"] < 20
    assert shown.asked > 0
    assert (shown.show().data["state"], shown.asked) == ("frozen", 0)


def test_fresh_asks_however_recent_it_is(shown: Shown) -> None:
    shown.freeze_behind_our_back()
    ran = shown.show("--fresh")
    assert (ran.code, ran.data["state"]) == (0, "frozen")
    assert shown.asked > 0


def test_a_provider_that_is_down(shown: Shown) -> None:
    """Old data, said to be so and how old; with --fresh the error."""
    shown.down = True
    shown.aged(timedelta(hours=3, minutes=1))
    ran = shown.show()
    assert (ran.code, ran.data["state"], ran.data["balance"], ran.warnings) == (0, "active", shown.card["balance"], ["STALE"])
    assert "3 hours ago" in ran.json["warnings"][0]["message"]
    assert abs(ran.data["age_seconds"] - 10_860) < 20
    fresh = shown.show("--fresh")
    assert (fresh.code, fresh.error) == (8, "PROVIDER_UNAVAILABLE")
    shown.aged(timedelta(0))
    assert (shown.show().warnings, shown.asked) == ([], 0)


def test_a_card_that_its_provider_has_no_more(shown: Shown) -> None:
    control = Control(shown.cardctl.simulator)
    control.edit(shown.card["ref"], {"deleted": "true"})
    control.close()
    shown.aged(timedelta(minutes=30))
    ran = shown.show()
    assert (ran.code, ran.data["state"], ran.warnings) == (0, "active", ["STALE"])
    assert "30 minutes ago" in ran.json["warnings"][0]["message"]
    fresh = shown.show("--fresh")
    assert (fresh.code, fresh.error) == (7, "PROVIDER_HAS_NOT")


def test_a_missing_secret_is_such_a_failure_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The books of a real programme can be read without its key."""
    shown = Shown(home, "stripe", monkeypatch)
    shown.aged(timedelta(days=4))

    def missing(_run: Run, _name: str | None = None) -> Any:
        raise SecretMissing("stripe.api_key is missing")

    monkeypatch.setattr(Run, "provider", missing)
    ran = shown.show()
    assert (ran.code, ran.warnings, ran.data["state"]) == (0, ["STALE"], "active")
    assert "4 days ago" in ran.json["warnings"][0]["message"]
    assert shown.show("--fresh").code == 4
