"""A partner of the simulated Zendit, who tops its wallet up with a card of the simulated Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.stranger import Stranger
from tests.simulator.zendit.client import NUMBERS, Partner, TopUps


@pytest.fixture
def partner(path: Path) -> Iterator[Partner]:
    with Partner(path) as one:
        yield one


@pytest.fixture
def topups(path: Path) -> Iterator[TopUps]:
    with TopUps(path) as one:
        yield one


@pytest.fixture
def card_ref(stranger: Stranger) -> str:
    return stranger.card(stranger.holder())


@pytest.fixture
def card(stranger: Stranger, card_ref: str) -> dict[str, Any]:
    """The numbers of a card, as its owner reads them."""
    shown = stranger.seen(f"/v1/issuing/cards/{card_ref}", **NUMBERS)
    return {name: shown[name] for name in ("number", "exp_month", "exp_year", "cvc")}
