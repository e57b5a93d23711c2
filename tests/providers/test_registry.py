"""Providers by name: found, told apart, and not imported before they are wanted."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cardctl.errors import BadInput, SecretMissing
from cardctl.providers import registry
from cardctl.providers.base import capabilities
from tests.providers.conftest import Hand
from tests.providers.scripted import Script


@pytest.mark.parametrize("name", registry.NAMES)
def test_every_name_leads_to_a_provider_of_that_name(name: str) -> None:
    found = registry.provider_class(name)
    assert found.name == name
    assert capabilities(found)


def test_a_provider_is_built_from_what_it_is_handed(hand: Hand) -> None:
    provider = registry.build("stripe", hand(Script(), programme="acct_1"))
    assert (provider.name, provider.environment, provider.programme) == ("stripe", "simulator", "acct_1")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput) as caught:
        registry.load("paypal")
    assert "stripe" in str(caught.value.hint)


def test_a_missing_secret_stays_what_it_is(hand: Hand) -> None:
    with pytest.raises(SecretMissing):
        registry.build("stripe", hand(Script(), key=None))


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import cardctl.providers.registry", {"stripe", "httpx", "cardctl.providers.stripe_issuing"}),
        ("from cardctl.providers import registry; registry.provider_class('stripe')", {"stripe"}),
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(code: str, unwanted: set[str]) -> None:
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert unwanted.isdisjoint(modules)
