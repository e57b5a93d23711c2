"""What guards a provider's calls: their log, the rate limit and the breaker that all processes of a machine share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt, for a call log. `status` None: no whole answer came."""

    provider: str
    method: str
    path: str
    status: int | None
    latency_ms: int
    attempt: int
    request_id: str | None


class Budget(Protocol):
    """The rate limit of one programme, shared by the processes of this machine. `take` books the next request and gives the
    seconds to wait before it may be sent (0 where `wait` is False, though it is booked); `penalise` holds later ones back."""

    def take(self, *, wait: bool = True) -> float: ...
    def penalise(self, seconds: float) -> None: ...


class Breaker(Protocol):
    """Whether a provider is worth asking; its state outlives the process. `check` raises CircuitOpen while it is open, and when
    its time is up lets one request through to see. That ends as succeeded, failed, or released: it told nothing (Ctrl-C)."""

    def check(self) -> None: ...
    def succeeded(self) -> None: ...
    def failed(self) -> None: ...
    def released(self) -> None: ...
