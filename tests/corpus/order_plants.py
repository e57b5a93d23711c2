"""Breaks of paid orders, of their purchases and of the wallet. Each grows on an order that is delivered on every side."""

from __future__ import annotations

from dataclasses import replace

from cardctl.domain.esims import LedgerEntry, PurchaseState, RemotePurchase
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.orders import OrderState
from cardctl.domain.payments import RefundState
from cardctl.domain.sales import SaleState
from cardctl.domain.topups import TopUpState
from tests.corpus.houses import BEGUN, NOW
from tests.corpus.orders import PLANTS, Bought, Line, Plant, buy, give_back, top_up
from tests.corpus.pen import DAY, HOUR, MINUTE, Dice
from tests.db.builders import usd

_O, _P, _R = OrderState, PurchaseState, RefundState


def plant(grow: Plant) -> Plant:
    PLANTS.append(grow)
    return grow


def theirs(line: Line) -> tuple[RemotePurchase, LedgerEntry]:
    one = line.bought[-1]
    assert one.purchase is not None
    assert one.debit is not None
    return one.purchase, one.debit


def undone(line: Line, state: OrderState, **words: object) -> None:
    """Nothing was bought yet."""
    line.bought.clear()
    nothing = {"purchase": None, "purchase_ref": None, "bought_at": None, "issued_at": None, "delivered_at": None}
    line.is_now(state=state, **nothing | words)


@plant
def paid_and_nobody_told(dice: Dice, line: Line) -> None:
    line.bought.clear()
    line.here = None
    if dice.chance(30):
        line.also.append(replace(line.payment, data=None))
    line.told("order_missing_here", line.payment.ref)


@plant
def paid_and_refunded_and_nobody_told(dice: Dice, line: Line) -> None:
    give_back(dice, line, 100)
    line.bought.clear()
    line.here = None
    line.told("order_missing_here", line.payment.ref)


@plant
def paid_and_held_for_unpaid(dice: Dice, line: Line) -> None:
    undone(line, _O.UNPAID, payment_ref=None, paid_at=None, due_at=FOREVER)
    line.told("order_missing_here", line.payment.ref)


@plant
def another_amount(dice: Dice, line: Line) -> None:
    line.is_now(price=usd(line.payment.amount.minor + dice.choice((-1, 1, 100))))
    line.told("order_payment", line.order.id)


@plant
def refunded_in_part_elsewhere(dice: Dice, line: Line) -> None:
    give_back(dice, line, 30, here=False)
    line.told("order_payment", line.order.id)


@plant
def refunded_whole_elsewhere(dice: Dice, line: Line) -> None:
    """The books are behind, and the customer has both."""
    give_back(dice, line, 100, here=False)
    line.told("order_payment", line.order.id)
    line.told("order_refunded_delivered", line.order.id)


@plant
def not_paid_after_all(dice: Dice, line: Line) -> None:
    line.is_there(state=SaleState.CANCELED, refunded=None)
    line.told("order_payment", line.order.id)


@plant
def a_word_of_a_payment(dice: Dice, line: Line) -> None:
    line.is_there(state=SaleState.UNKNOWN)
    line.told("unknown_word", line.order.id)


@plant
def payment_of_another_account(dice: Dice, line: Line) -> None:
    line.sale = None
    line.told("order_payment_missing", line.order.id)


@plant
def delivered_and_given_back(dice: Dice, line: Line) -> None:
    give_back(dice, line, 100)
    line.told("order_refunded_delivered", line.order.id)


@plant
def refunded_twice(dice: Dice, line: Line) -> None:
    give_back(dice, line, 100)
    give_back(dice, line, 100)
    line.told("order_refunded_twice", line.order.id)
    line.told("order_refunded_delivered", line.order.id)


@plant
def refunded_and_disputed(dice: Dice, line: Line) -> None:
    undone(line, _O.REFUNDED, reason_code=Why.OFFER_GONE)
    give_back(dice, line, 100)
    line.is_there(disputed=True)
    line.told("order_refunded_twice", line.order.id)


@plant
def refund_came_to_nothing(dice: Dice, line: Line) -> None:
    """The books have it that the customer has the money."""
    undone(line, _O.REFUNDED, reason_code=Why.OFFER_GONE, refunded=line.payment.amount)
    give_back(dice, line, 100, _R.FAILED)
    line.told("order_payment", line.order.id)
    line.told("order_unrefunded", line.order.id)


@plant
def refunded_and_nothing_went_back(dice: Dice, line: Line) -> None:
    undone(line, _O.REFUNDED, reason_code=Why.OFFER_GONE)
    line.told("order_unrefunded", line.order.id)


@plant
def given_up_and_left(dice: Dice, line: Line) -> None:
    undone(line, _O.REFUNDING, reason_code=Why.OFFER_GONE, due_at=BEGUN - 61 * MINUTE)
    line.told("order_unrefunded", line.order.id)


@plant
def failed_and_left(dice: Dice, line: Line) -> None:
    undone(line, _O.ORDERED, due_at=BEGUN - 2 * HOUR)
    buy(dice, line, _P.FAILED, error="PROVIDER_ERROR")
    line.told("order_unrefunded", line.order.id)


@plant
def stuck(dice: Dice, line: Line) -> None:
    undone(line, _O.STUCK, reason_code=Why.REFUND_REFUSED)
    line.told("order_stuck", line.order.id)


@plant
def nobody_runs_the_chain(dice: Dice, line: Line) -> None:
    undone(line, dice.choice((_O.PAID, _O.FUNDING, _O.BUYING)), due_at=BEGUN - 61 * MINUTE)
    line.told("order_stuck", line.order.id)


@plant
def run_and_at_no_end(dice: Dice, line: Line) -> None:
    """The chain goes on with it, and nobody is asked anything that would end it."""
    state = dice.choice((_O.PAID, _O.FUNDING, _O.BUYING))
    undone(line, state, due_at=NOW, reason_code=Why.UNAVAILABLE)
    line.told("order_stuck", line.order.id)


@plant
def paid_long_ago(dice: Dice, line: Line) -> None:
    undone(line, _O.PAID, due_at=FOREVER, reason_code=Why.TOO_OLD)
    line.told("order_stuck", line.order.id)


@plant
def no_mail_is_gone(dice: Dice, line: Line) -> None:
    line.is_now(state=_O.READY, issued_at=BEGUN - 61 * MINUTE, delivered_at=None, due_at=NOW)
    line.told("order_undelivered", line.order.id)


@plant
def worked_on_for_too_long(dice: Dice, line: Line) -> None:
    line.is_now(created_at=NOW - 25 * HOUR - 2 * MINUTE)
    line.is_there(created_at=NOW - 26 * HOUR)
    undone(line, _O.ORDERED, due_at=NOW)
    buy(dice, line, _P.IN_PROGRESS)
    line.told("order_overdue", theirs(line)[0].ref)


@plant
def sold_to_nobody(dice: Dice, line: Line) -> None:
    at, ref = NOW - DAY, dice.hex("x", 12)
    state = dice.choice((_P.DONE, _P.IN_PROGRESS))
    other = RemotePurchase(ref, state, {}, "ESIM-X", usd(700), created_at=at, updated_at=at)
    line.bought.append(Bought(other, LedgerEntry(ref, "ESIM", False, state, usd(700), at, at)))
    line.told("purchase_missing_here", ref)


@plant
def purchase_of_another_account(dice: Dice, line: Line) -> None:
    ref = theirs(line)[0].ref
    line.bought.clear()
    line.told("purchase_missing_there", ref)


@plant
def purchase_gone_and_paid(dice: Dice, line: Line) -> None:
    """One break."""
    line.bought[-1].purchase = None
    line.told("purchase_missing_there", line.order.purchase_ref or "")


@plant
def done_and_nobody_asked(dice: Dice, line: Line) -> None:
    line.is_now(state=_O.ORDERED, purchase=_P.IN_PROGRESS, issued_at=None, delivered_at=None, due_at=NOW)
    line.told("purchase_state", line.order.purchase_ref or "")


@plant
def bought_and_the_reply_was_lost(dice: Dice, line: Line) -> None:
    line.is_now(state=_O.BUYING, purchase=None, bought_at=None, issued_at=None, delivered_at=None, due_at=NOW)
    line.is_now(created_at=NOW - 3 * HOUR, paid_at=NOW - 3 * HOUR)
    line.told("purchase_state", line.order.purchase_ref or "")


@plant
def two_ends(dice: Dice, line: Line) -> None:
    """Its customer has the money back, and the eSIM."""
    line.is_now(state=_O.REFUNDED, purchase=_P.FAILED, reason_code=Why.PURCHASE_FAILED)
    give_back(dice, line, 100)
    line.told("purchase_state", line.order.purchase_ref or "")


@plant
def a_word_of_a_purchase(dice: Dice, line: Line) -> None:
    purchase, debit = theirs(line)
    line.bought[-1].purchase = replace(purchase, state=_P.UNKNOWN)
    line.bought[-1].debit = replace(debit, state=_P.UNKNOWN)
    line.told("unknown_word", purchase.ref)


@plant
def dearer_than_priced(dice: Dice, line: Line) -> None:
    purchase, debit = theirs(line)
    more = usd((line.order.cost or usd(0)).minor + 1)
    line.bought[-1].purchase = replace(purchase, cost=dice.choice((more, purchase.cost, None)))
    line.bought[-1].debit = replace(debit, amount=more)
    line.told("purchase_amount", purchase.ref)


@plant
def failed_and_charged(dice: Dice, line: Line) -> None:
    undone(line, _O.REFUNDED, reason_code=Why.PURCHASE_FAILED)
    buy(dice, line, _P.FAILED)
    give_back(dice, line, 100)
    line.bought[-1].debit = replace(theirs(line)[1], state=_P.DONE)
    line.told("purchase_amount", theirs(line)[0].ref)


@plant
def done_and_not_charged(dice: Dice, line: Line) -> None:
    line.bought[-1].debit = None
    line.told("purchase_amount", line.order.purchase_ref or "")


@plant
def bought_twice(dice: Dice, line: Line) -> None:
    """The first was not over when the second was made."""
    first = line.order.purchase_ref or ""
    line.is_now(attempt=2)
    buy(dice, line, _P.DONE)
    line.told("purchase_twice", first)


@plant
def paid_for_nothing(dice: Dice, line: Line) -> None:
    at, ref = NOW - DAY, dice.hex("x", 12)
    line.bought.append(Bought(None, LedgerEntry(ref, "ESIM", False, _P.DONE, usd(700), at, at)))
    line.told("ledger_orphan", ref)


@plant
def anothers_failure_was_charged(dice: Dice, line: Line) -> None:
    at, ref = NOW - DAY, dice.hex("x", 12)
    failed = RemotePurchase(ref, _P.FAILED, {}, "ESIM-X", usd(700), created_at=at, updated_at=at)
    line.bought.append(Bought(failed, LedgerEntry(ref, "ESIM", False, _P.DONE, usd(700), at, at)))
    line.told("ledger_orphan", ref)


@plant
def top_up_never_came(dice: Dice, line: Line) -> None:
    top_up(dice, line, named=dice.chance(50))
    (top,) = line.topups
    line.topups = [replace(top, amount=usd(77_777_00 + dice.randint(1, 10**6)))]
    line.spends = [replace(each, amount=line.topups[0].amount, impact=-line.topups[0].amount) for each in line.spends]
    line.credits.clear()
    line.told("topup_unmatched", top.id, card_id=top.card_id)


@plant
def less_came_than_was_paid(dice: Dice, line: Line) -> None:
    """Both are told: neither is the other, by its sum."""
    top_up(dice, line, named=True)
    top, entry = line.topups[0], line.credits[0]
    much = usd(99_999_00 + dice.randint(1, 10**6))
    line.topups, line.credits = [replace(top, amount=much)], [replace(entry, amount=usd(much.minor - 7))]
    line.spends = [replace(each, amount=much, impact=-much) for each in line.spends]
    line.told("topup_unmatched", top.id, card_id=top.card_id)
    line.told("topup_unmatched", entry.ref, info=True)


@plant
def wired_by_hand(dice: Dice, line: Line) -> None:
    at, ref = NOW - DAY, dice.hex("tu", 16)
    amount = usd(55_555_00 + dice.randint(1, 10**6))
    line.credits.append(LedgerEntry(ref, "RECHARGE_SANDBOX", True, _P.DONE, amount, at, at, recharge=True))
    line.told("topup_unmatched", ref, info=True)


@plant
def card_paid_for_a_top_up_that_failed(dice: Dice, line: Line) -> None:
    top_up(dice, line, named=True, state=TopUpState.FAILED)
    line.credits.clear()
    card = line.topups[0].card_id or ""
    line.told("topup_unmatched", card, card_id=card)
