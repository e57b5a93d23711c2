"""What the receiver counts, and its page for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Outcome(StrEnum):
    """How a request ended, or, for NEW and DUPLICATE, each event in one that was accepted."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    NEW = "new"
    DUPLICATE = "duplicate"


_NAMES = {
    Outcome.RECEIVED: ("requests_received", "Requests that came whole."),
    Outcome.ACCEPTED: ("requests_accepted", "Requests whose events are durable."),
    Outcome.REFUSED: ("requests_refused", "Requests that were not believed or not understood."),
    Outcome.UNAVAILABLE: ("requests_unavailable", "Requests that were answered 503."),
    Outcome.NEW: ("events_new", "Events that were not in the books before."),
    Outcome.DUPLICATE: ("events_duplicate", "Events that were."),
}


class Counts:
    """Safe for threads. `waiting` tells how many requests wait for a commit; `oldest` how old the oldest event is that is not
    applied, in seconds (None: there is none)."""

    def __init__(self, waiting: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        self._counters = {
            outcome: Counter(f"cardctl_webhook_{name}", text, ["provider"], registry=self._registry)
            for outcome, (name, text) in _NAMES.items()
        }
        self._children: dict[tuple[Outcome, str], Counter] = {}
        self._batches = Histogram(
            "cardctl_webhook_commit_requests", "Requests that shared a commit.", buckets=_BATCHES, registry=self._registry
        )
        self._failed = Counter("cardctl_webhook_commits_failed", "Commits that failed.", registry=self._registry)
        queue = Gauge("cardctl_webhook_queue_length", "Requests that wait for a commit.", registry=self._registry)
        queue.set_function(waiting)
        self._oldest = Gauge(
            "cardctl_webhook_oldest_unapplied_seconds", "Age of the oldest event not applied.", registry=self._registry
        )

    def add(self, outcome: Outcome, provider: str, many: int = 1) -> None:
        child = self._children.get((outcome, provider))
        if child is None:
            child = self._children[outcome, provider] = self._counters[outcome].labels(provider)
        child.inc(many)

    def committed(self, requests: int) -> None:
        """One commit, shared by so many requests."""
        self._batches.observe(requests)

    def failed(self) -> None:
        """One commit that failed."""
        self._failed.inc()

    def page(self, oldest: float | None) -> bytes:
        """The page; `oldest` is the age of the oldest event that is not applied, in seconds."""
        self._oldest.set(oldest or 0)
        return generate_latest(self._registry)
