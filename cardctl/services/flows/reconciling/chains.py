"""One chain per order: what was paid, what a card spent, what the wallet paid, what was bought and delivered, with its breaks.

Reads what customers paid and what the supplier sold, beside the books, into a place that is gone afterwards. Changes nothing,
and remembers no breaks: that is what a reconcile run does.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from cardctl.db.orders import OrderFilter
from cardctl.db.stage import Stage
from cardctl.db.staged_orders import staged_debits, staged_purchases, staged_refunds, staged_sales
from cardctl.db.unit import Unit
from cardctl.domain.breaks import Finding
from cardctl.domain.chains import Chain, Pick, is_picked
from cardctl.domain.comparing.orders import back_of
from cardctl.domain.money import Money, zero
from cardctl.domain.order_figures import OrderFigures, Purse
from cardctl.domain.orders import Order, OrderState, WalletTopUp
from cardctl.errors import ProviderUnavailable
from cardctl.providers.paging import BOUGHT, SOLD, Source
from cardctl.services.desk import Desk
from cardctl.services.flows.reconciling.comparing_orders import compare_sold
from cardctl.services.flows.reconciling.comparing_supply import compare_supply, our_supply
from cardctl.services.flows.reconciling.reading import begin, read
from cardctl.services.flows.reconciling.running import rules_of
from cardctl.services.wallets import look

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 500
_ORDER = "order_"


@dataclass(slots=True)
class Joined:
    """Everything that was read, as long as it is at hand: `chains` are streamed, newest first. `loose` are findings about no
    order of the books; `requests` were sent."""

    sales: Desk
    supply: Desk
    since: datetime | None
    wallet: list[Purse]
    figures: OrderFigures
    requests: int
    loose: list[Finding] = field(default_factory=list)
    by_order: dict[str, list[Finding]] = field(default_factory=lambda: defaultdict(list))
    _stages: tuple[Stage, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """All of them, once."""
        return [*self.loose, *(each for found in self.by_order.values() for each in found)]

    def chains(self, pick: Pick = Pick.ALL) -> Iterator[Chain]:
        """One for each order that was paid."""
        paid = frozenset(OrderState) - {OrderState.UNPAID}
        wanted = OrderFilter(programme=self.sales.programme, states=paid, since=self.since)
        with self.sales.books.read() as unit:
            rows = unit.orders.rows(wanted)
            while orders := list(islice(rows, _AT_ONCE)):
                yield from (each for each in self._of(unit, orders) if is_picked(each, pick))

    def _of(self, unit: Unit, orders: Sequence[Order]) -> Iterator[Chain]:
        ids = [order.id for order in orders]
        steps = unit.orders.steps_of(ids)
        topups, refunds = unit.order_money.topups_of_many(ids), unit.order_money.refunds_of_many(ids)
        spent = unit.comparable_orders.spent({top.card_id for tops in topups.values() for top in tops if top.card_id})
        sold, supplied = self._stages
        sales = staged_sales(sold, [order.payment_ref for order in orders])
        back = staged_refunds(sold, sales)
        refs = [order.purchase_ref for order in orders]
        purchases, debits = staged_purchases(supplied, refs), staged_debits(supplied, refs)
        for order in orders:
            sale, purchase = sales.get(order.payment_ref or ""), purchases.get(order.purchase_ref or "")
            debit, tops = debits.get(order.purchase_ref or ""), topups.get(order.id, [])
            paid = sale is not None and sale.state == "paid"
            yield Chain(
                order,
                tuple(steps.get(order.id, ())),
                tuple(tops),
                tuple(refunds.get(order.id, ())),
                paid=_money(sale.amount, sale.currency) if sale and paid else None,
                given_back=_money(back_of(sale, back.get(sale.ref, {}))[0], sale.currency) if sale and paid else None,
                purchase=purchase.state if purchase else None,
                cost=_money(purchase.cost, purchase.currency) if purchase else None,
                charged=_money(debit.amount, debit.currency) if debit and debit.state != "failed" else None,
                spent=_total(spent, tops),
                findings=tuple(self.by_order.get(order.id, ())),
            )


@contextmanager
def joined(
    sales: Desk,
    supply: Desk,
    place: Path,
    *,
    since: datetime | None = None,
    late: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda _count: None,
) -> Iterator[Joined]:
    """Read both sides, compare, and join; what was read is at hand inside the block. `place` is a directory of the profile's.
    Errors of the providers; ProviderUnavailable where it was `late` before everything was read."""
    with tempfile.TemporaryDirectory(dir=place, prefix=".chains.") as work, ExitStack() as opened:
        stages = []
        for desk, sources in ((sales, SOLD), (supply, BOUGHT)):
            stage = Stage(Path(work) / f"{sources[0]}.stage")
            opened.callback(stage.close)
            _read(desk, stage, sources, since, late, progress)
            stages.append(stage)
        _compare(sales, supply, stages)
        with sales.books.read() as unit:
            figures = unit.order_measures.figures(since or _BEGINNING)
        requests = sum(stage.fact("requests") or 0 for stage in stages)
        found = Joined(sales, supply, since, look(supply), figures, requests + 1, _stages=tuple(stages))
        for finding in (Finding.from_plain(each) for stage in stages for each in stage.findings()):
            _file(found, finding)
        yield found


def _read(
    desk: Desk,
    stage: Stage,
    sources: Sequence[Source],
    since: datetime | None,
    late: Callable[[], bool],
    progress: Callable[[int], None],
) -> None:
    begin(desk, stage, since, "chains", sources)
    if not read(desk, stage, late=late, progress=progress):
        raise ProviderUnavailable(f"it became late before everything of {desk.programme} was read")


def _compare(sales: Desk, supply: Desk, stages: Sequence[Stage]) -> None:
    sold, supplied = stages
    with sales.books.read() as unit:
        comparable = unit.comparable_orders
        busy = comparable.busy(sales.programme), comparable.busy(supply.programme)

        def written(ids: list[str]) -> set[str]:
            return unit.audit.touched_any(ids, after=sold.fact("audit"), but="card.balance")

        compare_sold(sold, comparable.sales(sales.programme), rules_of(sales, sold), busy=busy[0], written=written, keep=False)
        ours = our_supply(comparable, supply.programme)
        compare_supply(supplied, ours, rules_of(supply, supplied), busy=busy[1], written=written, keep=False)


def _file(found: Joined, finding: Finding) -> None:
    order = next((name for name in finding.evidence.get("objects", ()) if name.startswith(_ORDER)), None)
    (found.loose if order is None else found.by_order[order]).append(finding)


def _money(minor: int | None, currency: str | None) -> Money | None:
    return None if minor is None or currency is None else Money(minor, currency)


def _total(spent: Mapping[str, Money], tops: Iterable[WalletTopUp]) -> Money | None:
    """What the cards of these top-ups spent; None where no card did, or in several currencies."""
    known = [spent[card] for card in dict.fromkeys(top.card_id or "" for top in tops) if card in spent]
    if not known or len({each.currency for each in known}) > 1:
        return None
    return sum(known, zero(known[0].currency))
