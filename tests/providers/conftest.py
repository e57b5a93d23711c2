"""What a provider is handed in these tests: a key, a transport, no clock and no real waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from cardctl.domain.redaction import Secret
from cardctl.errors import SecretMissing
from cardctl.providers.base import Handed

KEY = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"

Hand = Callable[..., Handed]


@pytest.fixture
def hand() -> Hand:
    """Makes a Handed; every part of it can be said."""

    def make(transport: httpx.BaseTransport | None, *, key: str | None = KEY, **parts: Any) -> Handed:
        def secret(name: str) -> Secret:
            if key is None:
                raise SecretMissing(f"{name} is nowhere")
            return Secret(key)

        defaults: dict[str, Any] = {
            "environment": "simulator",
            "programme": "stripe/simulator",
            "settings": {},
            "timeout": 5.0,
            "sleep": lambda _seconds: None,
            "random": lambda: 0.0,
        }
        return Handed(secret=secret, transport=transport, **{**defaults, **parts})

    return make
