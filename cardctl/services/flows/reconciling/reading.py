"""Reading everything that a provider has into a stage: several parts at once, each kept whole before the next is asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime
from itertools import chain
from typing import Any

from cardctl.db.columns import free, moment_to_text
from cardctl.db.stage import Place, Stage
from cardctl.db.transactions import progress_to_text
from cardctl.db.unit import Unit
from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import RemoteCard
from cardctl.domain.comparing.orders import PATIENCE
from cardctl.domain.comparing.sides import AccountSide, CardSide, MoneySide
from cardctl.domain.fulfilment import LATE
from cardctl.domain.money import minor_or_none
from cardctl.domain.states import CardState
from cardctl.domain.transactions import OURS, RemoteTransaction
from cardctl.errors import CardctlError
from cardctl.providers.base import require
from cardctl.providers.paging import BOUGHT, ISSUED, SAVED, SOLD, Leaf, ReadsWhole, Source, Spot
from cardctl.providers.saving import ReadsSavedCards
from cardctl.providers.selling import SellsEsims
from cardctl.services.desk import Desk
from cardctl.services.flows.reconciling.order_rows import order_rows, orders_in
from cardctl.services.flows.reconciling.saved_sides import hasher_of, saved_in, saved_sides

WORKERS = 48
"""Parts read at once: a hundred a second at 300 ms each, and some more."""
_AHEAD = 500


def sources_of(desk: Desk, *, sales: bool) -> tuple[Source, ...]:
    """What is read of a provider; with `sales`, customers' payments beside what it issues."""
    if isinstance(desk.provider, SellsEsims):
        return BOUGHT
    return SAVED if isinstance(desk.provider, ReadsSavedCards) else (*ISSUED, *(SOLD if sales else ()))


def begin(desk: Desk, stage: Stage, since: datetime | None, run_id: str, sources: Sequence[Source]) -> None:
    """Put down where reading begins, and when; nothing is asked of the provider but its time."""
    reader = require(desk.provider, ReadsWhole)
    clock = desk.provider.ping().clock or desk.clock()
    saved = Source.SAVED_CARDS in sources
    with desk.books.read() as unit:
        known = {source: _known(unit.comparable.refs, reader, source, desk.programme) for source in sources}
        openings = chain.from_iterable(reader.openings(each, known=known[each], since=since) for each in sources)
        stage.begin(
            ((str(spot.source), spot.position) for spot in openings),
            run=run_id,
            programme=desk.programme,
            provider=desk.provider.name,
            environment=desk.provider.environment,
            begun=moment_to_text(clock),
            begun_here=moment_to_text(desk.clock()),
            audit=unit.audit.head().seq,
            since=None if since is None else moment_to_text(since),
            key=unit.comparable_saved.key if saved else None,
            **_beginnings(unit, desk, sources),
            sales=Source.SALES in sources,
            purchases=Source.PURCHASES in sources,
            requests=1,
        )


def _beginnings(unit: Unit, desk: Desk, sources: Sequence[Source]) -> dict[str, Any]:
    """From when on a payment should have an order, and a purchase one that wanted it: from the first order of the books on, and
    a little before it, since what came first may have been lost. Where there is none yet, lately: nobody hears of any."""
    if Source.SALES not in sources and Source.PURCHASES not in sources:
        return {}
    first = unit.comparable_orders.first(desk.programme)
    begun = desk.clock() - LATE if first is None else datetime.fromisoformat(first) - PATIENCE
    return {"first": moment_to_text(begun), "none_yet": first is None}


def read(
    desk: Desk,
    stage: Stage,
    *,
    late: Callable[[], bool],
    progress: Callable[[int], None] = lambda _count: None,
    workers: int = WORKERS,
) -> bool:
    """Read on until everything is read; False where it became late first. What was read stays read, whatever ends it.

    Errors of the provider, once what was under way has ended.
    """
    reader = require(desk.provider, ReadsWhole)
    queue, flying = deque[Place](), dict[Future[Leaf], int]()
    reached, failed, since = 0, list[BaseException](), stage.fact("since")
    with desk.books.read() as unit:
        digest = hasher_of(unit, stage)
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                if len(queue) < workers:
                    more = stage.waiting(reached, _AHEAD)
                    queue.extend(more)
                    reached = more[-1][0] if more else reached
                while queue and len(flying) < workers and not failed and not late():
                    n, source, position = queue.popleft()
                    share = len(queue) + len(flying) < workers
                    flying[pool.submit(reader.turn, Spot(Source(source), position), share=share)] = n
                if not flying:
                    break
                for done in wait(flying, return_when=FIRST_COMPLETED).done:
                    progress(_take(stage, flying.pop(done), done, failed, since, digest))
        finally:
            pool.shutdown(cancel_futures=True)
    if failed:
        raise failed[0]
    if stage.unread():
        return False
    stage.note(read_at=moment_to_text(desk.clock()))
    return True


def _take(
    stage: Stage,
    n: int,
    done: Future[Leaf],
    failed: list[BaseException],
    since: str | None,
    digest: Callable[[str], str],
) -> int:
    """How many objects it brought; an error is put down, and the spot stays. Some lists give more than was asked for: money
    events from before `since` would have nothing to be compared with."""
    try:
        leaf = done.result()
    except CardctlError as error:
        failed.append(error)
        return 0
    stage.turned(
        n,
        map(account_side, leaf.accounts),
        map(card_side, leaf.cards),
        (row for row in map(money_side, leaf.transactions) if since is None or row.occurred_at >= since),
        ((str(spot.source), spot.position) for spot in leaf.then),
        absent=((str(leaf.spot.source), name) for name in leaf.absent),
        requests=leaf.requests,
        saved=saved_sides(leaf, since, digest) | order_rows(leaf, since),
    )
    return len(leaf.accounts) + len(leaf.cards) + len(leaf.transactions) + saved_in(leaf) + orders_in(leaf)


def account_side(remote: RemoteAccount) -> AccountSide:
    """A provider's word about an account, as it is compared."""
    return AccountSide(remote.ref, str(remote.state), str(remote.kyc))


def card_side(remote: RemoteCard) -> CardSide:
    """A provider's word about a card, as it is compared."""
    limits = remote.limits
    return CardSide(
        remote.ref,
        remote.account_ref or "",
        str(remote.state),
        remote.currency,
        remote.last4,
        remote.exp_month,
        remote.exp_year,
        free(remote.holder) or "",
        minor_or_none(limits.per_transaction),
        minor_or_none(limits.daily),
        minor_or_none(limits.weekly),
        minor_or_none(limits.monthly),
        minor_or_none(remote.allowance),
        minor_or_none(remote.balance),
        remote.shared,
        remote.state is CardState.ACTIVE or bool(remote.ever_active),
        remote.word,
    )


def money_side(remote: RemoteTransaction) -> MoneySide:
    """A provider's word about a money event, as it is compared."""
    merchant = remote.merchant
    return MoneySide(
        remote.ref,
        str(remote.kind),
        str(remote.state),
        remote.amount.minor,
        remote.impact.minor,
        remote.amount.currency,
        remote.parent_ref,
        moment_to_text(remote.occurred_at),
        free(merchant.name),
        merchant.mcc,
        remote.authorization_code,
        progress_to_text(remote.progress),
        remote.reference if remote.kind in OURS else None,
        remote.card_ref,
    )


def _known(refs: Callable[[str, str], Iterator[str]], reader: ReadsWhole, source: Source, programme: str) -> Iterator[str]:
    """The names that our books have, where the provider has no list; money events are read by card."""
    if source not in ISSUED or reader.lists(source):
        return iter(())
    return refs("accounts" if source is Source.ACCOUNTS else "cards", programme)
