"""Which providers there are: name → dotted path, imported on first use."""

from __future__ import annotations

import importlib
from types import ModuleType

from cardctl.errors import BadInput
from cardctl.providers.base import Handed, Provider

_PLACES = {"stripe": ("cardctl.providers.stripe_issuing.provider", "StripeProvider")}
NAMES: tuple[str, ...] = tuple(_PLACES)
"""Every provider, by the name that users type."""


def load(name: str) -> ModuleType:
    """The module that holds the provider's class and its `build`; BadInput where no provider has this name."""
    if name not in _PLACES:
        raise BadInput(f"no provider is called {name!r}", hint=f"there are: {', '.join(NAMES)}")
    return importlib.import_module(_PLACES[name][0])


def provider_class(name: str) -> type[Provider]:
    """The class alone, for what can be told without building it: its name, key life and capabilities."""
    found: type[Provider] = getattr(load(name), _PLACES[name][1])
    return found


def build(name: str, handed: Handed) -> Provider:
    """A provider ready to be used. SecretMissing or SecretWrongMode where its secret is not there or not of the environment."""
    provider: Provider = load(name).build(handed)
    return provider
