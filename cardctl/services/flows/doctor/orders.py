"""`doctor`'s look at a profile that sells eSIMs: whether its orders can be fulfilled; asks no provider, and changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cardctl.config import Profile
from cardctl.db.orders import OrderFilter
from cardctl.db.unit import Books
from cardctl.domain.checks import Check, Outcome
from cardctl.domain.orders import OrderState
from cardctl.services.flows.doctor.subject import looked

_WAYS = {
    "card": "a card is issued for what the wallet lacks, and pays the top-up endpoint",
    "request": "an order for which the wallet lacks money waits until somebody fills it in Zendit's console",
    "prefunded": "the wallet is kept full in Zendit's console, and an order for which it is not waits",
}
_STUCK = "see `cardctl esim list --state stuck`; `cardctl esim retry --failed` tries them again"


@dataclass(frozen=True, slots=True)
class Selling:
    """What is looked at. `check` raises what every order would fail of; `books` is None where they are not made yet."""

    profile: Profile
    check: Callable[[], None]
    books: Callable[[], Books] | None


def examine_orders(selling: Selling) -> Iterator[Check]:
    """Every check in turn; what one cannot do is its own failure, and the next goes on."""
    for name, look in (("topup", _topup), ("delivery", _delivery), ("orders", _orders)):
        yield from looked(name, look, selling)


def _topup(selling: Selling) -> Iterator[Check]:
    selling.check()
    way = selling.profile.zendit.topup
    yield Check("topup", Outcome.OK, f"{way}: {_WAYS[way]}")


def _delivery(selling: Selling) -> Iterator[Check]:
    """A server that is named is looked at by itself."""
    if selling.profile.mail.host is not None:
        return
    if selling.profile.environment == "simulator":
        yield Check("delivery", Outcome.OK, "the profile names no mail server: in the simulator nothing is mailed")
    else:
        table = f"[profiles.{selling.profile.name}.mail]"
        told = "the profile names no mail server: what is bought is not sent to anybody"
        yield Check("delivery", Outcome.WARN, told, f"host and sender in {table} of config.toml")


def _orders(selling: Selling) -> Iterator[Check]:
    """Paid orders that nobody goes on with by themselves."""
    if selling.books is None:
        return
    wanted = OrderFilter(states=(OrderState.STUCK, OrderState.FUNDING))
    with selling.books().read() as unit:
        found = Counter(order.state for order in unit.orders.rows(wanted))
    stuck, short = found[OrderState.STUCK], found[OrderState.FUNDING]
    detail = f"{stuck} stuck, {short} waiting for money in the wallet"
    if stuck:
        yield Check("orders", Outcome.WARN, detail, _STUCK)
    elif short:
        yield Check("orders", Outcome.WARN, detail, "see `cardctl esim balance`")
    else:
        yield Check("orders", Outcome.OK, detail)
