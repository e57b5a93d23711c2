"""How alerts are told: one message for each, and one for all the rest where there are many. Sends nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cardctl.domain.alerts import FREEZE, Alert
from cardctl.domain.breaks import Severity
from cardctl.domain.redaction import printable, redact
from cardctl.services.flows.alerting.watching import Message

ONE_BY_ONE = 10
"""So many have a message of their own; a storm must not silence the channel that it is told on."""
LISTED = 50
_LONGEST = 400


def told_in(alerts: Sequence[Alert], profile: str) -> Iterator[tuple[Message, Sequence[Alert]]]:
    """The messages with the alerts that each of them tells of; the gravest come first as they stand."""
    single = alerts if len(alerts) <= ONE_BY_ONE else alerts[: ONE_BY_ONE - 1]
    for alert in single:
        yield one(alert, profile), [alert]
    if rest := alerts[len(single) :]:
        yield many(rest, profile), rest


def one(alert: Alert, profile: str) -> Message:
    """What an alert says: what it is, by which threshold, what was done, and how to see to it."""
    lines = [alert.text, f"{alert.value} (fires: {alert.threshold})"]
    if alert.programme:
        lines.append(f"programme: {alert.programme}")
    if alert.card_id:
        lines.append(f"card: {alert.card_id}")
    if FREEZE in alert.evidence:
        lines.append(f"freeze: {alert.evidence[FREEZE][0]}")
    lines.append(f"since {alert.first_at:%Y-%m-%d %H:%M:%S} UTC, {alert.fingerprint}")
    lines.append(f'cardctl alert ack {alert.fingerprint} --profile {profile} --reason "…"')
    return _message(f"cardctl {profile}: {alert.severity}: {alert.rule}", lines, alert.severity)


def many(alerts: Sequence[Alert], profile: str) -> Message:
    """The rest in one: a line to each, as far as that can be read."""
    lines = [f"{alert.fingerprint} {alert.severity} {alert.rule}: {alert.text}" for alert in alerts[:LISTED]]
    if len(alerts) > LISTED:
        lines.append(f"and {len(alerts) - LISTED} more")
    lines.append(f"cardctl alert list --profile {profile}")
    return _message(f"cardctl {profile}: {len(alerts)} more alerts", lines, alerts[0].severity)


def _message(title: str, lines: Sequence[str], severity: Severity) -> Message:
    shown = [printable(redact(line))[:_LONGEST] for line in lines]
    return Message(printable(redact(title)), "\n".join(shown), severity)
