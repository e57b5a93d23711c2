"""The web application behind `webhook serve`: authenticate, store, answer. What an event is and does is the services' matter.

`serving` (the port), `answering` (what a request is answered), `writing` (shared commits), `refusing` (into quarantine),
`applying` (its thread), `deciding` (authorization requests), `counting` (Prometheus), `logbook`, `limits`, and `receiving`,
which puts them together.
"""

from __future__ import annotations

from cardctl.receiver.deciding import Answer, Rules
from cardctl.receiver.limits import Limits
from cardctl.receiver.receiving import Setup, running
from cardctl.receiver.serving import Served, is_loopback

__all__ = ["Answer", "Limits", "Rules", "Served", "Setup", "is_loopback", "running"]
