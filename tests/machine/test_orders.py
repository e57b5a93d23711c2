"""Ten thousand paid orders, a tenth of all requests going wrong, `kill -9` now and then: every one ends delivered or refunded,
exactly once, and wallet and purse agree to the cent with what the orders say."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from cardctl.domain.money import Money
from tests.machine.bank import rows
from tests.machine.bank_orders import assert_ended, orders
from tests.machine.mill import NAMED, WORKERS, Mill, Moods
from tests.machine.processes import KILLED, Processes
from tests.smtp import Sink, sinking

SEED = 20261127
RATE = 0.1
FIRST_MONEY = 2_000
"""What is in the wallet at first for each hundred orders, in cents: not enough."""
ROUNDS = 40
"""So many runs that nobody kills are enough for what is left."""
FORKED = 1_000
TRIED = 0.3
"""How often orders are tried between two kills that would have to wait."""
_FINE = {0, 3, 4, 8, 9, 10, 11, KILLED}
"""How a command may end here; 4: a front end's 401. Everything else is a bug."""
ANYWHERE = {"TOPUP_FAILED", "PAID_TWICE", "NO_RECIPIENT"}
HOPELESS = {
    "ESIM-FAIL": {"PURCHASE_FAILED"},
    "ESIM-DISABLED": {"OFFER_GONE"},
    "ESIM-NOWHERE": {"OFFER_GONE"},
    "ESIM-US-30D-10GB": {"COST_ABOVE_PRICE"},
}
"""Why money went back: for any order, and for what cannot be bought."""


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with sinking(tmp_path / "mail") as made:
        yield made


@pytest.fixture
def mill(tmp_path: Path, sink: Sink) -> Mill:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    text = f'[profiles.dev]\nenvironment = "simulator"\n[profiles.dev.mail]\n{sink.table}\n'
    (home / "config" / "config.toml").write_text(f'{text}[profiles.dev.zendit]\ntopup = "card"\n')
    return Mill(home, sink, Random(SEED))


@pytest.mark.parametrize(("count", "kills"), [(60, 3), pytest.param(10_000, 150, marks=pytest.mark.whole)])
def test_every_order_ends_once(mill: Mill, processes: Processes, count: int, kills: int) -> None:
    """The slice in forked processes, the whole in such as anybody would start."""
    begun = time.monotonic()
    mill.forked = processes if count < FORKED else None
    mill.sink.answers = moods = Moods(mill.sink, SEED)
    far_side = mill.far_side
    far_side.set_wallet(Money(FIRST_MONEY * count // 100, "USD"))
    told = mill.sell(count)
    far_side.fault_random(SEED, RATE)
    mill.together(*(["webhook", "ingest", str(file)] for file in told))
    mill.run("webhook", "ingest", str(told[0]))
    with mill.trouble():
        _kill(mill, count, kills)
    moods.good = True
    _finish(mill)
    took = time.monotonic() - begun
    assert set(mill.ended) <= _FINE, mill.ended
    assert mill.kills > kills // 4
    assert_ended(mill.home)
    _assert_mailed(mill, moods)
    _assert_ordered(mill, count)
    for look in (["card", "sync"], ["transaction", "pull"], ["reconcile"], ["esim", "reconcile"], ["audit", "verify"]):
        mill.check(*look)
    _tell(mill, count, took)


def _kill(mill: Mill, count: int, kills: int) -> None:
    """Each after some more orders have ended, or before the first ones do; between two, one order is wanted by two at once, and
    some that would have to wait are tried. What is left when all were killed goes on while everything still fails."""
    far_side = mill.far_side
    for _ in range(3 * kills):
        payments = mill.payments()
        if mill.kills == kills or not payments:
            break
        mill.go_on(patience=mill.dice.randint(0, 2 * count // kills))
        mill.together(["esim", "fulfil", "--payment", payments[0], "--wait", "0s"], ["esim", "retry", payments[0]])
        if mill.dice.random() < TRIED:
            mill.go_on(mill.waiting(), patience=mill.dice.randint(0, NAMED))
        far_side.advance(timedelta(minutes=2))
    mill.go_on()
    mill.go_on(mill.waiting())
    far_side.close()


def _finish(mill: Mill) -> None:
    """Nothing goes wrong any more, and time goes by at the supplier's: less than a day in all, after which Stripe forgets a
    key."""
    far_side = mill.far_side
    far_side.clear_faults()
    far_side.recharge_wallet(Money(1_000_000_00, "USD"))
    for _ in range(ROUNDS):
        if not mill.unfinished() and not mill.stuck():
            break
        mill.go_on()
        for names in (mill.stuck(), mill.waiting()):  # a person's word that what wants no known offer is an order
            for at in range(0, len(names), NAMED):
                mill.go_on(names[at:])
        far_side.advance(timedelta(minutes=10))
    far_side.close()
    mill.check("operation", "resume")  # a card that was about to be made for an order that needs it no more
    mill.check("esim", "retry")
    assert {row["state"] for row in rows(mill.home, "SELECT state FROM cards")} <= {"closed"}


def _assert_ordered(mill: Mill, count: int) -> None:
    """Each name was paid for, and its first payment bought what can be bought, unless no card could pay for the wallet."""
    names = Counter(row["transaction_id"] for row in orders(mill.home))
    assert {f"T-{number}" for number in range(count)} <= set(names)
    assert set(names.values()) == {1}
    for row in orders(mill.home):
        if row["state"] == "refunded":
            assert row["reason_code"] in HOPELESS.get(row["offer_id"], ANYWHERE) | ANYWHERE, row
        else:
            assert row["offer_id"] not in HOPELESS, row
    assert sum(row["state"] == "delivered" for row in orders(mill.home)) > count // 2


def _assert_mailed(mill: Mill, moods: Moods) -> None:
    """Every customer got one letter, which bears one name however often it came: again only where somebody died, or the server
    hung up, between its yes and our note."""
    letters = {"delivered": "delivery", "refunded": "refund"}
    wanted = {f"<{row['id']}.{letters[row['state']]}@example.com>": row["recipient"] for row in orders(mill.home)}
    told = {str(each.mail["Message-ID"]): each.recipients for each in mill.sink.got}
    assert told == {name: [recipient] for name, recipient in wanted.items() if recipient is not None}
    assert len(mill.sink.got) - len(told) <= moods.hung_up + mill.kills * WORKERS


def _tell(mill: Mill, count: int, took: float) -> None:
    reasons = Counter(row["reason_code"] or row["state"] for row in orders(mill.home))
    print(f"{count} orders in {took:.0f} s: {count / took:.2f} a second; {mill.kills} kills, exits {dict(mill.ended)}")
    print(f"{dict(reasons)}; {mill.asked.total() / count:.2f} requests an order:")
    print("\n".join(f"{many / count:8.3f} {name}" for name, many in mill.asked.most_common()))
