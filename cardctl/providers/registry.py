"""Which providers there are: name → dotted path, imported on first use."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from cardctl.domain.states import CardState
from cardctl.errors import BadInput
from cardctl.providers.base import CAPABILITIES, Handed, Provider, capabilities
from cardctl.providers.notifying import Questions, Webhooks

_PLACES = {
    "stripe": ("cardctl.providers.stripe_issuing.provider", "StripeProvider"),
    "marqeta": ("cardctl.providers.marqeta.provider", "MarqetaProvider"),
    "strowallet": ("cardctl.providers.strowallet.provider", "StrowalletProvider"),
    "square": ("cardctl.providers.square.provider", "SquareProvider"),
    "zendit": ("cardctl.providers.zendit.provider", "ZenditProvider"),
}
_WEBHOOKS = {
    "stripe": ("cardctl.providers.stripe_issuing.webhooks", "StripeWebhooks"),
    "marqeta": ("cardctl.providers.marqeta.webhooks", "MarqetaWebhooks"),
    "strowallet": ("cardctl.providers.strowallet.webhooks", "StrowalletWebhooks"),
    "square": ("cardctl.providers.square.webhooks", "SquareWebhooks"),
    "zendit": ("cardctl.providers.zendit.webhooks", "ZenditWebhooks"),
}
_BOUND_TO_SETTINGS = frozenset({"stripe", "square", "zendit"})
"""Providers whose notifications are read by a setting: Square signs the address that it was told to notify, a payment at Stripe
names an order's data as the profile says, and Zendit sends a header that the profile names."""
_STATE_WORDS = {
    "stripe": ("cardctl.providers.stripe_issuing.translate", "state_of"),
    "marqeta": ("cardctl.providers.marqeta.translate", "state_of"),
    "strowallet": ("cardctl.providers.strowallet.translate", "state_of"),
    "square": ("cardctl.providers.square.translate", "state_of"),
    "zendit": ("cardctl.providers.zendit.translate", "card_state_of"),
}
_QUESTIONS = {"stripe": ("cardctl.providers.stripe_issuing.asking", "StripeQuestions")}
_CONFIRMATIONS = {"zendit": ("cardctl.providers.zendit.webhooks", "asked_about")}
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


def webhooks(name: str, settings: Mapping[str, Any] | None = None, *, simulated: bool = True) -> Webhooks:
    """What reads the notifications of a provider, without the provider's keys; BadInput where none has this name. `settings`
    are the profile's for this provider, and `simulated` whether it is the simulator's: only who verifies needs them."""
    if name not in _WEBHOOKS:
        raise BadInput(f"no provider called {name!r} notifies", hint=f"there are: {', '.join(_WEBHOOKS)}")
    module, kind = _WEBHOOKS[name]
    make = getattr(importlib.import_module(module), kind)
    made: Webhooks = make(settings, simulated=simulated) if name in _BOUND_TO_SETTINGS else make()
    return made


def card_state_of(name: str, word: str) -> CardState:
    """What a provider's own word for a card's state means; UNKNOWN for one that it does not have."""
    module, function = _STATE_WORDS[name]
    state: CardState = getattr(importlib.import_module(module), function)(word)
    return state


def questions(name: str) -> Questions | None:
    """What reads a provider's questions about purchases; None where it asks none."""
    if name not in _QUESTIONS:
        return None
    module, kind = _QUESTIONS[name]
    made: Questions = getattr(importlib.import_module(module), kind)()
    return made


def asked_about(name: str) -> Callable[[bytes], str | None] | None:
    """What reads which purchase a supplier asks about before it makes it; None where it asks nothing."""
    if name not in _CONFIRMATIONS:
        return None
    module, function = _CONFIRMATIONS[name]
    read: Callable[[bytes], str | None] = getattr(importlib.import_module(module), function)
    return read


def capability_table(names: Iterable[str]) -> dict[str, dict[str, bool] | None]:
    """What each provider of `names` can do, by the names of base.CAPABILITIES; None where there is no adapter yet."""
    return {name: _capabilities(name) if name in _PLACES else None for name in names}


def capability_rows(table: Mapping[str, Mapping[str, bool] | None]) -> list[tuple[str, dict[str, str]]]:
    """The same turned round, for people: each capability with `yes`, `no` or `not yet` by provider."""
    return [
        (capability, {name: "not yet" if can is None else "yes" if can[capability] else "no" for name, can in table.items()})
        for capability in CAPABILITIES
    ]


def build(name: str, handed: Handed) -> Provider:
    """A provider ready to be used. SecretMissing or SecretWrongMode where its secret is not there or not of the environment."""
    provider: Provider = load(name).build(handed)
    return provider


def _capabilities(name: str) -> dict[str, bool]:
    has = capabilities(provider_class(name))
    return {capability: capability in has for capability in CAPABILITIES}
