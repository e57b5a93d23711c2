"""`cardctl provider …`: who can do what, who answers, and what the programme holds there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from cardctl import config
from cardctl.providers import registry
from cardctl.providers.base import CAPABILITIES
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl


def test_every_provider_of_the_product_is_listed(cardctl: Cardctl) -> None:
    ran = cardctl("provider", "list", "-o", "json")
    assert (ran.code, ran.stderr) == (0, "")
    assert [each["provider"] for each in ran.data] == list(config.PROVIDERS)
    found = {each["provider"]: each for each in ran.data}
    assert (found["stripe"]["adapter"], found["stripe"]["capabilities"]["funds_cards"]) == (True, True)
    assert found["stripe"]["capabilities"].keys() == CAPABILITIES.keys()
    for name in config.PROVIDERS:
        assert found[name]["adapter"] is (name in registry.NAMES)
        assert bool(found[name]["capabilities"]) is (name in registry.NAMES)
    assert not cardctl.home.exists()


def test_the_table_has_a_line_for_each_capability(cardctl: Cardctl) -> None:
    head, *lines = cardctl("provider", "list").lines
    assert head.split() == ["capability", *config.PROVIDERS]
    assert [line.split("  ")[0] for line in lines] == [name.replace("_", " ") for name in CAPABILITIES]
    rows = dict(registry.capability_rows(registry.capability_table(config.PROVIDERS)))
    assert rows["funds_cards"]["stripe"] == "yes"
    assert rows["closes_accounts"]["stripe"] == "no"
    assert {rows["funds_cards"][name] for name in config.PROVIDERS if name not in registry.NAMES} <= {"not yet"}


def test_check_asks_the_provider(cardctl: Cardctl, far_side: Control) -> None:
    data: dict[str, Any] = cardctl("provider", "check", "-o", "json").data
    assert isinstance(data.pop("latency_ms"), int)
    assert abs(data.pop("clock_skew_seconds")) < 60
    assert datetime.fromisoformat(data.pop("clock")).tzinfo is not None
    assert data == {
        "provider": "stripe",
        "programme": "stripe/default",
        "environment": "simulator",
        "key_mode": "test",
        "mode_proven": True,
    }
    assert cardctl("simulator", "advance", "1h").code == 0
    assert 3540 <= cardctl("provider", "check", "-o", "json").data["clock_skew_seconds"] <= 3660


def test_check_without_a_key_says_so(cardctl: Cardctl) -> None:
    assert cardctl("profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe").code == 0
    ran = cardctl("provider", "check", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error) == (4, "SECRET_MISSING")


def test_check_with_a_key_of_the_wrong_mode_sends_nothing(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cardctl("profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe").code == 0
    monkeypatch.setenv("CARDCTL_STRIPE_API_KEY", "sk_" + "live_0123456789")
    ran = cardctl("provider", "check", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error) == (4, "SECRET_WRONG_MODE")
    assert "0123456789" not in ran.stdout + ran.stderr


def test_a_provider_that_does_not_answer_is_unavailable(
    cardctl: Cardctl, far_side: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # between the retries
    far_side.fault_random(1, 1.0)  # a seed whose first faults all keep a read from being answered
    for verb in ("check", "balance"):
        far_side.fault_random(1, 1.0)
        ran = cardctl("provider", verb, "-o", "json")
        assert (ran.code, ran.json["retryable"]) == (8, True), ran


@pytest.mark.parametrize("verb", ["check", "balance"])
def test_a_provider_without_an_adapter_is_said(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setattr(registry, "NAMES", registry.NAMES[:-1])
    (absent,) = set(config.PROVIDERS) - set(registry.NAMES)
    ran = cardctl("provider", verb, "--provider", absent, "-o", "json")
    assert (ran.code, ran.error) == (7, "NOT_SUPPORTED")
    unknown = cardctl("provider", verb, "--provider", "strype", "-o", "json")
    assert (unknown.code, unknown.error) == (2, "INVALID_INPUT")


def test_the_float_comes_by_currency(cardctl: Cardctl, programme: dict[str, Any], far_side: Control) -> None:
    assert cardctl("provider", "balance", "-o", "json").data == [
        {
            "provider": "stripe",
            "programme": "stripe/default",
            "float": {"minor": 1_000_000_000, "currency": "USD", "amount": "10000000.00"},
        }
    ]
    far_side.edit("stripe", {"float.JPY": "5000"})
    cardctl("simulator", "swipe", programme["cards"][0]["id"], "--amount", "0.05")
    held = {each["float"]["currency"]: each["float"]["amount"] for each in cardctl("provider", "balance", "-o", "json").data}
    assert held == {"USD": "9999999.95", "JPY": "5000"}
    assert cardctl("provider", "balance", "-o", "csv").lines[0] == "provider,programme,float_minor,float_currency,float_amount"
