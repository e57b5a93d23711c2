"""What the provider says: whether it answers, to which key, how fast, by what clock, and what money is there."""

from __future__ import annotations

from collections.abc import Iterator

from cardctl.domain.checks import SKEW, SLOW_MS, Check, Outcome
from cardctl.providers.base import ListsCards, Ping, Provider, ReportsBalance
from cardctl.services.flows.doctor.subject import NOT_MADE, Subject, looked


def look_at_provider(subject: Subject) -> Iterator[Check]:
    """One ping, and what it tells; then what the key may read, and the money."""
    file = subject.settings.paths.simulator_file
    if subject.simulated and not file.exists():
        yield Check("provider", Outcome.OK, f"the simulator ({file}) is {NOT_MADE}")
        return
    provider = subject.provider()
    ping = provider.ping()
    yield Check("provider", Outcome.OK, f"{provider.name} answered, and takes the key")
    yield _latency(ping)
    yield _mode(provider, ping)
    yield from looked("scope", _scope, subject)
    yield _clock(subject, ping)
    yield from looked("float", _float, subject)


def _latency(ping: Ping) -> Check:
    if ping.latency_ms <= SLOW_MS:
        return Check("latency", Outcome.OK, f"{ping.latency_ms} ms")
    return Check("latency", Outcome.WARN, f"{ping.latency_ms} ms", "see the provider's status page, and this machine's network")


def _scope(subject: Subject) -> Iterator[Check]:
    """Whether the key may read what cardctl works with; that it may write shows only in writing."""
    provider = subject.provider()
    if not isinstance(provider, ListsCards):
        yield Check("scope", Outcome.OK, f"{provider.name} has no list to try the key on")
        return
    for _ in provider.accounts():
        break
    yield Check("scope", Outcome.OK, "the key may list accounts")


def _mode(provider: Provider, ping: Ping) -> Check:
    if ping.mode is not None:
        return Check("key mode", Outcome.OK, f"proven: a {ping.mode} key")
    detail = f"{provider.name} does not show whether this key is a test or a live one: the mode cannot be proven"
    return Check("key mode", Outcome.WARN, detail, "see that the base URL is the one you mean: `cardctl profile show`")


def _clock(subject: Subject, ping: Ping) -> Check:
    if ping.clock is None:
        return Check("clock", Outcome.OK, "the provider did not tell its time")
    skew = round((subject.clock() - ping.clock).total_seconds())
    detail = f"ours is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} the provider's"
    if subject.simulated:
        return Check("clock", Outcome.OK, f"{detail}, which `simulator advance` may have moved")
    if abs(skew) <= SKEW:
        return Check("clock", Outcome.OK, detail)
    return Check("clock", Outcome.WARN, detail, "set this machine's clock, for example with NTP")


def _float(subject: Subject) -> Iterator[Check]:
    provider = subject.provider()
    if not isinstance(provider, ReportsBalance):
        yield Check("float", Outcome.OK, f"{provider.name} keeps none")
        return
    held_there = provider.float_balances()
    detail = ", ".join(str(money) for money in held_there) or "nothing"
    if any(money.minor > 0 for money in held_there):
        yield Check("float", Outcome.OK, detail)
    else:
        yield Check("float", Outcome.WARN, f"{detail}: purchases will be declined", f"top it up at {provider.name}")
