"""Paid orders with their payments, purchases and the wallet's ledger on all sides, with every normal life, breaks planted among
them, and the truth.

What the seller takes and buys otherwise is among them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from cardctl.domain.comparing.sides import Rules
from cardctl.domain.esims import LedgerEntry, PurchaseState, RemotePurchase
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.money import Money
from cardctl.domain.operations import Operation, OperationState
from cardctl.domain.orders import Order, OrderState, WalletTopUp, order_id_of, purchase_ref_of
from cardctl.domain.payments import RefundState
from cardctl.domain.sales import OrderData, RemoteSale, RemoteSaleRefund, SaleState
from cardctl.domain.topups import TopUpState
from cardctl.domain.transactions import Transaction
from tests.corpus.houses import BEGUN, CUTOFF, NOW
from tests.corpus.pen import DAY, HOUR, MINUTE, Dice, Truth
from tests.db.builders import operation, transaction, usd

SALES, SUPPLY = "stripe/acct_1", "zendit/default"
_BEGUN, _CUTOFF = BEGUN.isoformat()[:19] + ".000000Z", CUTOFF.isoformat()[:19] + ".000000Z"
_FIRST = (NOW - 30 * DAY).isoformat()[:19] + ".000000Z"
SOLD_RULES = Rules("stripe", SALES, NOW, False, True, _BEGUN, _CUTOFF, here=BEGUN, first=_FIRST)
SUPPLY_RULES = Rules("zendit", SUPPLY, NOW, False, False, _BEGUN, _CUTOFF, here=BEGUN, first=_FIRST)
_O, _P, _R = OrderState, PurchaseState, RefundState


@dataclass(slots=True)
class Bought:
    """A purchase there, with the ledger's entry about it; None where the supplier has it not."""

    purchase: RemotePurchase | None
    debit: LedgerEntry | None


@dataclass(slots=True)
class Line:
    """One order on all sides, None where a side has it not. `also` are payments as another list has them. `spends` is what
    cards of ours spent."""

    here: Order | None
    sale: RemoteSale | None
    bought: list[Bought] = field(default_factory=list)
    refunds: list[RemoteSaleRefund] = field(default_factory=list)
    topups: list[WalletTopUp] = field(default_factory=list)
    credits: list[LedgerEntry] = field(default_factory=list)
    spends: list[Transaction] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    also: list[RemoteSale] = field(default_factory=list)
    truth: list[Truth] = field(default_factory=list)

    @property
    def order(self) -> Order:
        assert self.here is not None
        return self.here

    @property
    def payment(self) -> RemoteSale:
        assert self.sale is not None
        return self.sale

    def told(self, type_: str, subject: str, *, card_id: str | None = None, info: bool = False) -> None:
        self.truth.append(Truth(type_, subject, card_id, info))

    def is_now(self, **words: Any) -> None:
        self.here = replace(self.order, **words)

    def is_there(self, **words: Any) -> None:
        self.sale = replace(self.payment, **words)


@dataclass(frozen=True, slots=True)
class OrderCorpus:
    """So many orders, and each way in which a break comes about planted `times` times."""

    seed: int
    orders: int
    times: int

    def lines(self) -> Iterator[Line]:
        """Every order, each finished; the same for the same seed. Each plant grows on an order of its own."""
        dice = Dice(f"orders {self.seed}")
        plants = [plant for plant in PLANTS for _ in range(self.times)]
        for number in range(self.orders):
            grow = plants[number] if number < len(plants) else None
            line = _delivered(dice) if grow is not None else dice.choice(_LIVES)(dice)
            if grow is not None:
                grow(dice, line)
            yield line


def _new(dice: Dice, state: OrderState, at: datetime | None = None, **more: Any) -> Line:
    """An order and its payment, about two weeks old, of which nothing was bought."""
    when = at or NOW - 20 * DAY + dice.randint(0, 10) * DAY
    name = dice.hex("shop", 12) if dice.chance(80) else None
    ref, price = dice.hex("pi", 24), usd(dice.randint(300, 9_000))
    order = Order(
        id=order_id_of(SALES, name or ref), programme=SALES, environment="simulator", transaction_id=name or ref, state=state,
        offer_id="ESIM-TR-7D-1GB", created_at=when, updated_at=when + MINUTE, due_at=FOREVER, recipient="ada@example.com",
        payment_ref=ref, price=price, paid_at=when, supplier=SUPPLY, cost=usd(price.minor // 2),
    )  # fmt: skip
    data = OrderData("ESIM-TR-7D-1GB", "ada@example.com", transaction_id=name)
    sale = RemoteSale(ref, SaleState.PAID, price, {}, when, data, refunded=usd(0) if dice.chance(80) else None)
    return Line(replace(order, **more), sale)


def buy(dice: Dice, line: Line, state: PurchaseState, *, here: PurchaseState | None = None, error: str | None = None) -> None:
    """Its purchase on both sides, as the ledger has it; here it may be told of otherwise while it is under way."""
    order = line.order
    at = order.created_at + MINUTE
    ref, cost = purchase_ref_of(order), order.cost or usd(0)
    line.is_now(purchase_ref=ref, purchase=here or state, bought_at=at)
    iccid = "8900000000000000001" if state is _P.DONE else None
    there = RemotePurchase(ref, state, {}, order.offer_id, cost, iccid, error_code=error, created_at=at, updated_at=at)
    line.bought.append(Bought(there, LedgerEntry(ref, "ESIM", False, state, cost, at, at)))


def give_back(dice: Dice, line: Line, percent: int, state: RefundState = _R.COMPLETED, *, here: bool = True) -> None:
    """A refund that the provider has, and the books know of."""
    amount = usd(line.payment.amount.minor * percent // 100)
    ref = dice.hex("re", 24)
    line.refunds.append(RemoteSaleRefund(ref, line.payment.ref, state, amount, {}, line.payment.created_at + HOUR))
    if state in (_R.FAILED, _R.REJECTED):
        return
    if here:
        line.is_now(refunded=usd((line.order.refunded.minor if line.order.refunded else 0) + amount.minor))
    if line.payment.refunded is not None:
        line.is_there(refunded=usd(line.payment.refunded.minor + amount.minor))


def top_up(dice: Dice, line: Line, *, named: bool, state: TopUpState = TopUpState.SETTLED) -> None:
    """The wallet is topped up with a card for the order; `named`: the ledger calls it as we do."""
    order, at = line.order, line.order.created_at + MINUTE
    amount, far, card = usd(dice.randint(100, 9_000)), dice.hex("tu", 16), dice.hex("card", 20)
    top = WalletTopUp(dice.hex("op", 20), order.id, SUPPLY, far if named else None, card, amount, state, at, at)
    line.topups.append(top)
    entry = LedgerEntry(far, "WALLET_RECHARGE", True, _P.DONE, amount, at + HOUR, at + HOUR, recharge=True)
    line.credits.append(entry)
    line.spends.append(_spent(dice, card, amount, at))


def _spent(dice: Dice, card: str, amount: Money, at: datetime) -> Transaction:
    return transaction(
        dice.hex("txn", 20), ref=dice.hex("ipi", 20), card_id=card, amount=amount, impact=-amount, occurred_at=at
    )


def _delivered(dice: Dice) -> Line:
    line = _new(dice, _O.DELIVERED)
    buy(dice, line, _P.DONE)
    line.is_now(issued_at=line.order.created_at + MINUTE, delivered_at=line.order.created_at + 2 * MINUTE)
    return line


def _goodwill(dice: Dice) -> Line:
    line = _delivered(dice)
    give_back(dice, line, 20)
    give_back(dice, line, 10, _R.FAILED)
    return line


def _refunded(dice: Dice) -> Line:
    line = _new(dice, _O.REFUNDED, reason_code=Why.PURCHASE_FAILED)
    buy(dice, line, _P.FAILED, error="PROVIDER_ERROR")
    give_back(dice, line, 100, dice.choice((_R.COMPLETED, _R.PENDING)))
    return line


def _given_back_before(dice: Dice) -> Line:
    line = _new(dice, _O.REFUNDED, reason_code=Why.OFFER_GONE)
    give_back(dice, line, 100)
    return line


def _bought_anew(dice: Dice) -> Line:
    """The first time the wallet was short."""
    line = _new(dice, _O.DELIVERED)
    buy(dice, line, _P.FAILED, error="INSUFFICIENT_FUNDS")
    line.is_now(attempt=2)
    buy(dice, line, _P.DONE)
    return line


def _under_way(dice: Dice) -> Line:
    """The books have heard of less than there is."""
    line = _new(dice, _O.ORDERED, NOW - dice.between(2 * HOUR, 24 * HOUR), due_at=NOW)
    buy(dice, line, _P.IN_PROGRESS, here=dice.choice((_P.ACCEPTED, _P.PENDING, _P.IN_PROGRESS)))
    return line


def _decided(dice: Dice) -> Line:
    """It is to be bought; nobody has asked for it yet."""
    line = _new(dice, _O.BUYING, NOW - 2 * HOUR, due_at=BEGUN - 50 * MINUTE)
    line.is_now(purchase_ref=purchase_ref_of(line.order))
    return line


def _waiting(dice: Dice) -> Line:
    return _new(dice, dice.choice((_O.FUNDING, _O.PAID)), NOW - 5 * HOUR, due_at=BEGUN - 59 * MINUTE, supplier=None, cost=None)


def _unmailed(dice: Dice) -> Line:
    line = _new(dice, _O.READY, NOW - 2 * HOUR, due_at=NOW)
    buy(dice, line, _P.DONE)
    line.is_now(issued_at=BEGUN - 59 * MINUTE)
    return line


def _repaying(dice: Dice) -> Line:
    return _new(dice, _O.REFUNDING, NOW - 3 * HOUR, due_at=BEGUN - 10 * MINUTE, reason_code=Why.OFFER_GONE)


def _unpaid(dice: Dice) -> Line:
    line = _new(dice, _O.UNPAID, payment_ref=None, paid_at=None)
    line.sale = None
    return line


def _by_hand(dice: Dice) -> Line:
    """Without a payment: somebody has taken the money otherwise."""
    line = _delivered(dice)
    line.is_now(payment_ref=None, price=None)
    line.sale = None
    return line


def _unnamed(dice: Dice) -> Line:
    """A person has said what the payment is for."""
    line = _delivered(dice)
    line.is_there(data=None)
    return line


def _named_by_checkout(dice: Dice) -> Line:
    """Among the payments it says nothing of its order."""
    line = _delivered(dice)
    line.also.append(replace(line.payment, data=None))
    return line


def _topped_up(dice: Dice) -> Line:
    line = _delivered(dice)
    top_up(dice, line, named=dice.chance(50))
    if dice.chance(30):
        top_up(dice, line, named=True)
    return line


def _topping_up(dice: Dice) -> Line:
    """The card has paid, and the wallet does not have it yet."""
    line = _new(dice, _O.FUNDING, NOW - 5 * HOUR, due_at=NOW)
    top_up(dice, line, named=True, state=TopUpState.PENDING)
    line.credits.clear()
    return line


def _just_paid(dice: Dice) -> Line:
    line = _new(dice, _O.PAID, CUTOFF + MINUTE)
    line.here = None
    return line


def _just_refunded(dice: Dice) -> Line:
    line = _delivered(dice)
    give_back(dice, line, 30, here=False)
    line.refunds = [replace(each, created_at=CUTOFF + MINUTE) for each in line.refunds]
    return line


def _just_done(dice: Dice) -> Line:
    line = _under_way(dice)
    (one,) = line.bought
    assert one.purchase is not None
    assert one.debit is not None
    one.purchase = replace(one.purchase, state=_P.DONE, updated_at=CUTOFF + MINUTE)
    one.debit = replace(one.debit, state=_P.DONE, updated_at=CUTOFF + MINUTE)
    return line


def _in_doubt(dice: Dice) -> Line:
    """A write about it is open: that is told by itself."""
    line = _delivered(dice)
    give_back(dice, line, 40, here=False)
    op = operation(dice.hex("op", 20), kind="sale.refund", target=line.order.id, programme=SALES, state=OperationState.IN_DOUBT)
    line.operations.append(op)
    return line


def _sold_otherwise(dice: Dice) -> Line:
    """Of the seller's other business; refunded, disputed, never paid."""
    line = _new(dice, _O.PAID)
    state = dice.choice((SaleState.PAID, SaleState.PAID, SaleState.OPEN, SaleState.CANCELED))
    line.is_there(data=None, state=state, disputed=dice.chance(20))
    give_back(dice, line, dice.choice((0, 50, 100)))
    line.here = None
    return line


def _never_paid(dice: Dice) -> Line:
    """A checkout's payment that did not come to anything; the books may have the order."""
    line = _new(dice, _O.UNPAID, payment_ref=None, paid_at=None)
    line.is_there(state=dice.choice((SaleState.OPEN, SaleState.CANCELED)))
    return line


def _bought_otherwise(dice: Dice) -> Line:
    """What failed, bought nothing, whoever asked; and what is no eSIM is nothing of ours."""
    line, at = _delivered(dice), NOW - 9 * DAY
    ref = dice.hex("x", 12)
    failed = RemotePurchase(ref, _P.FAILED, {}, "ESIM-X", usd(500), created_at=at, updated_at=at)
    line.bought.append(Bought(failed, LedgerEntry(ref, "ESIM", False, _P.FAILED, usd(500), at, at)))
    line.bought.append(Bought(None, LedgerEntry(dice.hex("x", 12), "VOUCHER", False, _P.DONE, usd(900), at, at)))
    line.bought.append(Bought(None, LedgerEntry(dice.hex("x", 12), "REFUND", True, _P.DONE, usd(100), at, at)))
    return line


def _of_before(dice: Dice) -> Line:
    """Another program sold eSIMs before there were any books."""
    at = NOW - 30 * DAY - HOUR
    line = _new(dice, _O.DELIVERED, at)
    buy(dice, line, dice.choice((_P.DONE, _P.DONE, _P.FAILED, _P.IN_PROGRESS)))
    give_back(dice, line, dice.choice((0, 100)))
    line.is_there(disputed=dice.chance(30))
    if dice.chance(30):
        line.bought[0].debit = None
    line.credits.append(LedgerEntry(dice.hex("tu", 16), "WALLET_RECHARGE", True, _P.DONE, usd(777_777), at, at, recharge=True))
    line.here = None
    return line


_LIVES: tuple[Callable[[Dice], Line], ...] = (
    *(_delivered,) * 50, _goodwill, *(_refunded,) * 4, _given_back_before, _bought_anew, *(_under_way,) * 2, _decided,
    *(_waiting,) * 2, _unmailed, _repaying, *(_unpaid,) * 2, _by_hand, _unnamed, _named_by_checkout, *(_topped_up,) * 6,
    _topping_up, _just_paid, _just_refunded, _just_done, _in_doubt, *(_sold_otherwise,) * 6, *(_never_paid,) * 2,
    _bought_otherwise, *(_of_before,) * 3,
)  # fmt: skip
Plant = Callable[[Dice, Line], None]
PLANTS: list[Plant] = []
"""Every way in which a break comes about; order_plants.py fills it."""


def truth_of(corpus: OrderCorpus) -> Counter[Truth]:
    """What must be found."""
    return Counter(told for line in corpus.lines() for told in line.truth)
