"""One provider's adapter: what is handed to it, and the rate limit and the breaker that all processes of this machine share."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from cardctl.config import Settings
from cardctl.db.breakers import SharedBreaker
from cardctl.db.machine import Machine, RateBudget
from cardctl.domain.redaction import Secret
from cardctl.errors import CardctlError
from cardctl.providers import registry
from cardctl.providers.base import Handed, Provider
from cardctl.providers.guarding import Call

if TYPE_CHECKING:
    from cardctl.secrets import Secrets


def adapter(
    name: str,
    *,
    settings: Settings,
    secret: Callable[[str], Secret],
    keep: Callable[[str, Secret], None],
    fresh: Callable[[str], Secret],
    on_call: Callable[[Call], None],
    document: Callable[[str], str | None],
    machine: Callable[[], Machine],
    far_side: Callable[[], Path],
    timeout: float,
) -> Provider:
    """The adapter of a provider, ready to be used. `far_side` is the simulator's file, asked for where it is wanted; `keep` is
    handed what the provider renews of its secrets, and `fresh` gives what another process may have renewed."""
    budget, breaker = _guards(name, settings, machine())
    handed = Handed(
        environment=settings.profile.environment,
        programme=settings.programme(name),
        settings=settings.provider_settings(name),
        secret=secret,
        transport=_transport(name, settings, far_side),
        timeout=timeout,
        sleep=time.sleep,
        random=random.random,
        on_call=on_call,
        document=document,
        keep=keep,
        fresh=fresh,
        budget=budget,
        breaker=breaker,
    )
    return registry.build(name, handed)


def keeper(secrets: Secrets, warn: Callable[[str, str], None]) -> Callable[[str, Secret], None]:
    """What keeps a renewed secret in the keyring, for later runs. Where that cannot be done, or another source answers before
    the keyring, it is used in this run all the same, and `warn` is told."""

    def keep(name: str, secret: Secret) -> None:
        try:
            secrets.set(name, secret)
            found = secrets.find(name)
        except CardctlError as error:
            warn("RENEWED_NOT_KEPT", f"{name} was renewed, and is kept for this run only: {error.message}")
            return
        if found is None or found.secret.reveal() != secret.reveal():
            where = f"the {found.source} ({found.detail})" if found else "nobody"
            warn(
                "RENEWED_NOT_USED",
                f"{name} was renewed and stored in the keyring; {where} answers before that, with the old one",
            )

    return keep


def _guards(name: str, settings: Settings, machine: Machine) -> tuple[RateBudget | None, SharedBreaker]:
    """The rate limit, the profile's own or else the provider's (None: neither says one), and the breaker of a programme."""
    environment = settings.profile.environment
    key = f"{environment}:{settings.programme(name)}"
    rates: Mapping[str, float] = registry.provider_class(name).rates
    rate = settings.provider_settings(name)["rate_limit"] or rates.get(environment)
    return RateBudget(machine, key, rate) if rate else None, SharedBreaker(machine, key, name)


def _transport(name: str, settings: Settings, far_side: Callable[[], Path]) -> httpx.BaseTransport | None:
    """The simulator in this process, unless the provider's base_url names one that is served."""
    if settings.profile.environment != "simulator" or settings.provider_settings(name)["base_url"]:
        return None
    from cardctl.simulator.transport import SimulatorTransport  # noqa: PLC0415 - a live profile has no use for it

    return SimulatorTransport(far_side())
