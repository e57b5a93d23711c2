"""Orders, payments, purchases and the wallet on two sides: what is told of each difference at its edge, and what is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cardctl.db.columns import moment_to_text
from cardctl.domain.break_kinds import KINDS, BreakType, Remedy, Severity
from cardctl.domain.breaks import Finding
from cardctl.domain.comparing.order_sides import (
    LedgerSide,
    PayingCardSide,
    PurchaseSide,
    SaleRefundSide,
    SaleSide,
    WalletTopUpSide,
)
from cardctl.domain.comparing.orders import PATIENCE, ComparedOrder, compare_order, is_order, same_order
from cardctl.domain.comparing.purchases import APART, compare_paying, compare_purchase, compare_topups, same_purchase
from cardctl.domain.comparing.sides import Rules
from cardctl.domain.fulfilment import OVERDUE
from cardctl.domain.money import Money

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = moment_to_text(NOW - timedelta(days=2))
LATE = moment_to_text(NOW - PATIENCE - timedelta(seconds=1))
ON_TIME = moment_to_text(NOW - PATIENCE)
RULES = Rules("stripe", "stripe/acct_1", NOW, fundings=False, links=True, begun=moment_to_text(NOW), here=NOW)
MOVING = replace(RULES, cutoff=moment_to_text(NOW - timedelta(minutes=10)))
HERE = SaleSide("pi_1", "paid", 300, 0, "USD", AT, id="order_1", step="delivered", purchase="done", updated_at=AT, due_at=AT)
THERE = SaleSide("pi_1", "paid", 300, 0, "USD", AT, named=True)
BACK = SaleRefundSide("re_1", "completed", 300, "USD", "op_1", AT, "pi_1")
OURS = PurchaseSide("fulfil-1", "done", 150, "USD", AT, AT, id="order_1", step="delivered", made_at=AT)
THEIRS = PurchaseSide("fulfil-1", "done", 150, "USD", AT, AT)
DEBIT = LedgerSide("debit", "esim", "done", 150, "USD", AT, AT, "fulfil-1")
TOP = WalletTopUpSide("op_9", "settled", 5000, "USD", AT, "card_1", "order_1")
CREDIT = LedgerSide("recharge", "wallet_recharge", "done", 5000, "USD", AT, AT, "tu_1")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def compared(ours: SaleSide | None, theirs: SaleSide | None, *refunds: SaleRefundSide, rules: Rules = RULES) -> ComparedOrder:
    return compare_order(ours, theirs, {each.ref: each for each in refunds}, rules)


def told(findings: list[Finding]) -> list[tuple[str, str, dict[str, Any], dict[str, Any], Money | None]]:
    return [(str(each.type), each.subject, each.local, each.remote, each.at_risk) for each in findings]


def bought(
    ours: PurchaseSide | None,
    theirs: PurchaseSide | None,
    debit: LedgerSide | None = DEBIT,
    owner: str | None = None,
    rules: Rules = RULES,
) -> list[Finding]:
    return compare_purchase(ours, theirs, debit, owner, rules).findings


def test_an_order_that_is_as_it_should_be() -> None:
    assert compared(HERE, THERE).findings == []
    assert compared(HERE, THERE._replace(refunded=None)).findings == []
    again = same_order(THERE, {})
    assert compared(again, THERE).findings == []


def test_a_paid_payment_that_no_order_knows() -> None:
    done = compared(None, THERE)
    assert told(done.findings) == [("order_missing_here", "pi_1", {}, {"state": "paid", "amount": "3.00 USD"}, usd(300))]
    assert (done.differs, done.findings[0].kind.severity) == (True, Severity.CRITICAL)
    done = compared(None, THERE._replace(refunded=300), BACK)
    (found,) = done.findings
    assert (found.at_risk, found.kind.severity) == (usd(0), Severity.WARNING), "its customer has the money back"
    assert found.evidence == {"objects": ["pi_1", "re_1"]}


def test_what_was_before_the_first_order_is_another_programs() -> None:
    """To the second: a payment's time has no more."""
    rules = replace(RULES, first=AT)
    second_before = moment_to_text(datetime.fromisoformat(AT) - timedelta(seconds=1))
    assert (is_order(THERE, rules), is_order(THERE._replace(created_at=second_before), rules)) == (True, False)
    assert bought(None, THEIRS, rules=rules)
    before = THEIRS._replace(created_at=second_before), DEBIT._replace(created_at=second_before)
    assert bought(None, *before, rules=rules) == bought(None, None, before[1], rules=rules) == []
    assert bought(OURS._replace(state="failed"), *before, rules=rules), "ours is ours, whenever it was"
    (found,) = compared(None, THERE, rules=replace(rules, none_yet=True)).findings
    assert found.local == {"orders": 0}
    assert "cardctl esim fulfil" in found.kind.fix


def test_what_was_paid_just_now_may_be_on_its_way() -> None:
    just = THERE._replace(created_at=moment_to_text(NOW - timedelta(minutes=10)))
    done = compared(None, just, rules=MOVING)
    assert (done.findings, done.moving) == ([], 1)
    assert compared(None, just._replace(created_at=moment_to_text(NOW - timedelta(seconds=601))), rules=MOVING).findings


@pytest.mark.parametrize(
    ("there", "local", "remote", "risk"),
    [
        ({"amount": 250}, {"amount": "3.00 USD"}, {"amount": "2.50 USD"}, 50),
        ({"currency": "EUR"}, {"currency": "USD"}, {"currency": "EUR"}, 0),
        ({"refunded": 120}, {"refunded": "0.00 USD"}, {"refunded": "1.20 USD"}, 120),
        ({"state": "canceled"}, {"state": "paid"}, {"state": "canceled"}, 300),
    ],
)
def test_a_payment_that_is_another(there: dict[str, Any], local: dict[str, Any], remote: dict[str, Any], risk: int) -> None:
    done = compared(HERE, THERE._replace(**there))
    assert told(done.findings) == [("order_payment", "order_1", local, remote, usd(risk))]
    assert done.findings[0].evidence["objects"][:2] == ["order_1", "pi_1"]


@pytest.mark.parametrize(("state", "count"), [("pending", 300), ("completed", 300), ("failed", 0)])
@pytest.mark.parametrize("tells", [True, False])
def test_a_refund_counts_from_its_beginning_until_it_fails(state: str, count: int, tells: bool) -> None:
    """Whether or not the payment tells it."""
    refund = BACK._replace(state=state)
    there = THERE._replace(refunded=count if tells else None)
    ours = HERE._replace(refunded=count, step="refunded" if count else "delivered", purchase="")
    assert compared(ours, there, refund).findings == []


def test_books_that_wait_for_a_refund_to_be_through_are_right_too() -> None:
    pending = BACK._replace(state="pending", amount=100)
    assert compared(HERE, THERE._replace(refunded=None), pending).findings == []


def test_delivered_and_given_back() -> None:
    done = compared(HERE._replace(refunded=300), THERE._replace(refunded=300), BACK)
    here = {"order": "delivered", "purchase": "done"}
    assert told(done.findings) == [("order_refunded_delivered", "order_1", here, {"refunded": "3.00 USD"}, usd(300))]
    assert not done.differs
    part = BACK._replace(amount=299)
    assert compared(HERE._replace(refunded=299), THERE._replace(refunded=299), part).findings == []
    given_up = HERE._replace(refunded=300, step="refunded", purchase="failed")
    assert compared(given_up, THERE._replace(refunded=300), BACK).findings == []


def test_more_went_back_than_came() -> None:
    ours = HERE._replace(refunded=300, step="refunded", purchase="")
    done = compared(ours, THERE._replace(refunded=300, disputed=True), BACK)
    there = {"paid": "3.00 USD", "refunded": "3.00 USD", "disputed": True}
    assert told(done.findings) == [("order_refunded_twice", "order_1", {}, there, usd(300))]
    assert compared(HERE, THERE._replace(disputed=True)).findings == [], "a dispute alone is its own affair"
    twice = [BACK, BACK._replace(ref="re_2", amount=1)]
    (found,) = compared(ours._replace(refunded=301), THERE._replace(refunded=301), *twice).findings
    assert (str(found.type), found.at_risk) == ("order_refunded_twice", usd(1))


def test_a_customer_whose_money_is_still_here() -> None:
    ours = HERE._replace(step="refunded", purchase="failed")
    assert told(compared(ours, THERE).findings) == [("order_unrefunded", "order_1", {"order": "refunded"}, {}, usd(300))]
    types = [str(each.type) for each in compared(ours._replace(refunded=300), THERE).findings]
    assert types == ["order_payment", "order_unrefunded"], "the books are wrong, and the customer has nothing"
    waiting = HERE._replace(step="refunding", purchase="", due_at=ON_TIME)
    assert compared(waiting, THERE).findings == []
    (found,) = compared(waiting._replace(due_at=LATE), THERE).findings
    assert (str(found.type), found.at_risk) == ("order_unrefunded", usd(300))
    failed = HERE._replace(step="ordered", purchase="failed", due_at=LATE)
    assert [str(each.type) for each in compared(failed, THERE).findings] == ["order_unrefunded"]
    assert compared(waiting._replace(due_at=LATE, refunded=300), THERE._replace(refunded=300), BACK).findings == []


def test_an_order_that_nothing_goes_on_with() -> None:
    stuck = HERE._replace(step="stuck", purchase="", reason="REFUND_REFUSED", refunded=100)
    done = compared(stuck, THERE._replace(refunded=100), BACK._replace(amount=100))
    here = {"order": "stuck", "reason": "REFUND_REFUSED"}
    assert told(done.findings) == [("order_stuck", "order_1", here, {}, usd(200))]
    assert done.findings[0].kind.severity is Severity.CRITICAL
    for step in ("paid", "funding", "buying"):
        assert compared(HERE._replace(step=step, purchase="", due_at=ON_TIME), THERE).findings == []
        (found,) = compared(HERE._replace(step=step, purchase="", due_at=LATE), THERE).findings
        assert (str(found.type), found.kind.severity) == ("order_stuck", Severity.CRITICAL)
    forever = moment_to_text(datetime(9999, 12, 31, tzinfo=UTC))
    (found,) = compared(HERE._replace(step="paid", purchase="", reason="TOO_OLD", due_at=forever), THERE).findings
    assert (str(found.type), found.kind.severity) == ("order_stuck", Severity.WARNING)


def test_an_esim_that_is_here_and_no_mail_is_gone() -> None:
    ready = HERE._replace(step="ready", issued_at=ON_TIME)
    assert compared(ready, THERE).findings == []
    (found,) = compared(ready._replace(issued_at=LATE), THERE).findings
    assert (str(found.type), found.local, found.at_risk) == (
        "order_undelivered",
        {"order": "ready", "issued_at": LATE},
        usd(300),
    )


def test_a_payment_that_the_provider_does_not_have() -> None:
    (found,) = compared(HERE, None).findings
    assert (str(found.type), found.at_risk) == ("order_payment_missing", usd(300))
    assert compared(HERE, None, rules=replace(RULES, since=AT)).findings == [], "it may be older than what was read"
    by_hand = HERE._replace(ref="order_1", amount=None, currency=None)
    assert compared(by_hand, None).findings == []
    (found,) = compared(by_hand._replace(step="stuck"), None).findings
    assert (str(found.type), found.at_risk) == ("order_stuck", None)


def test_what_the_books_wrote_meanwhile_is_no_difference() -> None:
    after = HERE._replace(updated_at=moment_to_text(NOW + timedelta(seconds=1)), amount=299)
    done = compared(after, THERE)
    assert (done.findings, done.moving) == ([], 1)


def test_a_purchase_that_is_as_it_should_be() -> None:
    assert bought(OURS, THEIRS) == []
    assert bought(OURS, THEIRS._replace(cost=None)) == []
    assert bought(same_purchase(THEIRS), THEIRS) == []
    held = DEBIT._replace(state="authorized")
    assert bought(OURS._replace(state="accepted"), THEIRS._replace(state="in_progress", created_at=LATE), held) == []
    failed = DEBIT._replace(state="failed")
    assert bought(OURS._replace(state="failed"), THEIRS._replace(state="failed"), failed) == []
    assert bought(OURS._replace(state="failed"), THEIRS._replace(state="failed"), None) == []
    assert bought(OURS._replace(state=""), None, None) == [], "it is decided, and nobody has asked for it yet"


@pytest.mark.parametrize(
    ("here", "there", "severity"),
    [
        ({"state": "in_progress", "step": "ordered"}, {}, Severity.WARNING),
        ({"state": "", "step": "buying"}, {}, Severity.WARNING),
        ({"state": "in_progress", "step": "ordered"}, {"state": "failed", "error": "PROVIDER_ERROR"}, Severity.WARNING),
        ({"state": "in_progress", "step": "refunded"}, {}, Severity.CRITICAL),
        ({"state": "failed", "step": "refunded"}, {}, Severity.CRITICAL),
        ({}, {"state": "failed"}, Severity.CRITICAL),
        ({}, {"state": "in_progress", "created_at": LATE}, Severity.CRITICAL),
    ],
)
def test_a_purchase_that_stands_otherwise(here: dict[str, Any], there: dict[str, Any], severity: Severity) -> None:
    theirs = THEIRS._replace(**there)
    (found,) = bought(OURS._replace(**here), theirs, DEBIT._replace(state=theirs.state))
    assert (str(found.type), found.subject, found.kind.severity) == ("purchase_state", "fulfil-1", severity)
    assert (found.local["state"], found.remote["state"]) == (here.get("state", "done") or None, theirs.state)
    assert found.evidence == {"objects": ["fulfil-1", "order_1"]}


def test_a_wallet_that_was_charged_otherwise() -> None:
    (found,) = bought(OURS, THEIRS, DEBIT._replace(amount=151))
    assert told([found]) == [("purchase_amount", "fulfil-1", {"cost": "1.50 USD"}, {"charged": "1.51 USD"}, usd(1))]
    (found,) = bought(OURS, THEIRS._replace(cost=149), DEBIT)
    assert (str(found.type), found.remote) == ("purchase_amount", {"charged": "1.49 USD"})
    (found,) = bought(OURS, THEIRS, None)
    assert (str(found.type), found.remote) == ("purchase_amount", {"charged": "0.00 USD"})
    assert bought(OURS, THEIRS, None, rules=replace(RULES, since=AT)) == []
    failed = OURS._replace(state="failed"), THEIRS._replace(state="failed")
    (found,) = bought(*failed, DEBIT)
    assert (found.local, found.remote) == ({"cost": "0.00 USD"}, {"charged": "1.50 USD"}), "the hold was not let go of"


def test_a_day_and_an_hour_are_too_long() -> None:
    ours = OURS._replace(state="in_progress", step="ordered")
    for after, many in ((OVERDUE, 0), (OVERDUE + timedelta(seconds=1), 1)):
        theirs = THEIRS._replace(state="in_progress", created_at=moment_to_text(NOW - after))
        done = compare_purchase(ours, theirs, DEBIT._replace(state="in_progress"), None, RULES)
        assert [str(each.type) for each in done.findings] == ["order_overdue"] * many
        assert not done.differs, "both sides say the same"
    told_no_time = THEIRS._replace(state="in_progress", created_at="", updated_at="")
    assert bought(ours, told_no_time, DEBIT._replace(state="in_progress")) == []


def test_what_is_bought_and_no_order_wants() -> None:
    (found,) = bought(None, THEIRS)
    assert told([found]) == [("purchase_missing_here", "fulfil-1", {}, {"state": "done", "cost": "1.50 USD"}, usd(150))]
    failed = compare_purchase(None, THEIRS._replace(state="failed"), DEBIT._replace(state="failed"), None, RULES)
    assert (failed.findings, failed.other) == ([], True)
    (found,) = bought(None, THEIRS, owner="order_1")
    assert (str(found.type), found.local, found.at_risk) == ("purchase_twice", {"order": "order_1"}, usd(150))
    assert bought(None, THEIRS._replace(state="failed"), DEBIT._replace(state="failed"), "order_1") == []
    just = THEIRS._replace(updated_at=moment_to_text(NOW - timedelta(minutes=9)))
    assert bought(None, just, rules=MOVING) == []


def test_what_the_wallet_paid_for_nothing() -> None:
    (found,) = bought(None, None, DEBIT)
    assert told([found]) == [("ledger_orphan", "fulfil-1", {}, {"charged": "1.50 USD", "state": "done"}, usd(150))]
    assert bought(None, None, DEBIT._replace(state="failed")) == []
    assert bought(None, None, DEBIT._replace(product="voucher")) == [], "what is no eSIM is none of ours"
    (found,) = bought(None, THEIRS._replace(state="failed"), DEBIT)
    assert (str(found.type), found.remote["purchase"]) == ("ledger_orphan", "failed")


def test_a_purchase_that_the_supplier_does_not_have() -> None:
    (found,) = bought(OURS, None, None)
    assert (str(found.type), found.at_risk, found.remote) == ("purchase_missing_there", usd(150), {})
    (found,) = bought(OURS, None, DEBIT)
    assert found.remote == {"charged": "1.50 USD"}
    assert bought(OURS._replace(state="failed"), None, None) == []
    assert bought(OURS, None, None, rules=replace(RULES, since=AT)) == []


def topped_up(tops: list[WalletTopUpSide], credits_: list[LedgerSide], rules: Rules = RULES) -> list[Finding]:
    return list(compare_topups(iter(tops), iter(credits_), rules, tops_up=bool(tops)))


def test_the_same_sum_at_about_the_same_time_is_the_same_money() -> None:
    assert topped_up([TOP], [CREDIT]) == []
    day = datetime.fromisoformat(AT)
    edge = CREDIT._replace(created_at=moment_to_text(day + APART))
    assert topped_up([TOP], [edge]) == []
    found = topped_up([TOP], [edge._replace(created_at=moment_to_text(day + APART + timedelta(seconds=1)))])
    assert [(each.subject, each.kind.severity) for each in found] == [("op_9", Severity.CRITICAL), ("tu_1", Severity.INFO)]
    assert (found[0].card_id, found[0].at_risk) == ("card_1", usd(5000))
    assert topped_up([TOP, TOP._replace(ref="op_99")], [CREDIT])[0].subject == "op_99", "one came once"


def test_wires_are_worth_knowing_only_beside_top_ups() -> None:
    assert topped_up([], [CREDIT]) == []
    more = CREDIT._replace(amount=7000, ref="tu_2")
    (found,) = topped_up([TOP], [CREDIT, more])
    assert (found.subject, found.kind.severity, found.at_risk) == ("tu_2", Severity.INFO, usd(0))


def test_a_top_up_under_way_may_take_its_time() -> None:
    young = TOP._replace(state="pending", created_at=moment_to_text(NOW - APART + timedelta(seconds=1)))
    assert topped_up([young], []) == []
    assert topped_up([young._replace(created_at=moment_to_text(NOW - APART))], [])[0].local["state"] == "pending"
    assert topped_up([TOP], [], replace(RULES, since=AT)) == []


def test_a_card_that_paid_more_than_it_brought() -> None:
    card = PayingCardSide("card_1", "USD", 5000, 5000, AT)
    assert compare_paying(card, RULES) is None
    assert compare_paying(card._replace(spent=4000), RULES) is None, "its transactions are missing here, which is told there"
    found = compare_paying(card._replace(brought=0), RULES)
    assert found is not None
    assert (found.card_id, found.at_risk, found.local) == (
        "card_1",
        usd(5000),
        {"spent": "50.00 USD", "topped_up": "0.00 USD"},
    )


def test_nothing_of_orders_that_moves_money_is_mended() -> None:
    taken = {kind for kind in BreakType if kind.startswith(("order_", "purchase_", "ledger_", "topup_"))}
    taken = {kind for kind in taken if KINDS[kind].remedy is not Remedy.PROPOSE}
    assert taken == {BreakType.ORDER_MISSING_HERE, BreakType.ORDER_PAYMENT, BreakType.PURCHASE_STATE}
