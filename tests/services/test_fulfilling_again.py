"""What goes on after something stopped: lost answers, killed and living processes, a person's word, mails that did not go."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl.db.leases import FileLease
from cardctl.domain.esims import PurchaseState
from cardctl.domain.fulfilment import FOREVER, Why
from cardctl.domain.letters import Letter, LetterKind
from cardctl.domain.operations import OperationState
from cardctl.domain.orders import OrderState, StepName, StepState
from cardctl.domain.sales import OrderData
from cardctl.errors import (
    BadConfig,
    BadInput,
    CircuitOpen,
    ExitCode,
    MailRefused,
    MailUnavailable,
    Refused,
    SecretMissing,
    StateForbids,
    TargetBusy,
)
from cardctl.services.flows.fulfilling import running
from cardctl.services.flows.fulfilling.advancing import advance
from cardctl.services.flows.fulfilling.beginning import try_again
from cardctl.services.flows.fulfilling.running import failed, run, waiting
from cardctl.services.settling import resolve
from tests.services.orders import BUYER, COST, PRICE, PURCHASES, Ground, facts, usd
from tests.services.world import at, strike

FAULTS = [
    "lost-reply",
    "torn-body",
    "empty-body",
    "wrong-type",
    "500-after-commit",
    "500",
    "503-html",
    "portal",
    "429",
    "refused",
]


# --- lost answers


@pytest.mark.parametrize("fault", FAULTS)
def test_a_purchase_whose_answer_is_lost_is_made_once(ground: Ground, fault: str) -> None:
    payment = ground.sell()
    strike(ground.world, PURCHASES, fault)
    ground.bring(payment)
    ground.control.clear_faults()
    order = ground.until(OrderState.DELIVERED)
    ground.delivered(order)
    assert {operation.state for operation in ground.operations("esim.buy")} <= {OperationState.DONE, OperationState.REFUSED}


def test_a_purchase_that_cannot_be_seen_is_in_doubt(ground: Ground) -> None:
    """Neither bought again nor given back, as long as nobody knows."""
    payment = ground.sell()
    strike(ground.world, PURCHASES, "lost-reply", 1000)
    at(ground.world, PURCHASES, lambda: ground.down("test-api.zendit.io", "GET"), after=True)
    ground.bring(payment)
    ground.down("test-api.zendit.io")
    for _ in range(3):
        ground.later(hours=10)
        ran = ground.run()
        assert ran.exit_code in (ExitCode.IN_DOUBT, ExitCode.PARTLY)
        order = ground.order()
        assert (order.state, order.refunded, ground.mails) == (OrderState.BUYING, None, [])
    ground.up()
    ground.control.clear_faults()
    ground.later(hours=1)
    ground.run()
    ground.delivered(ground.order())


@pytest.mark.parametrize("verb", ["/v1/payment_intents", "/v1/esim/offers", "/v1/balance", f"{PURCHASES}/A-1"])
def test_a_reading_that_fails_is_made_again(ground: Ground, verb: str) -> None:
    payment = ground.sell()
    ground.tell()
    ground.later(minutes=10)

    def gone(request: object) -> None:
        from tests.services.world import refuse

        if str(getattr(request, "url", "")).split("?")[0].endswith(verb) or verb in str(getattr(request, "url", "")):
            refuse(request)  # type: ignore[arg-type]

    ground.world.wire.before = gone
    ran = ground.run()
    assert ran.exit_code is ExitCode.PARTLY
    assert (ground.order().state in (OrderState.PAID, OrderState.ORDERED), ground.mails) == (True, [])
    ground.up()
    ground.later(minutes=1)
    ground.run()
    ground.delivered(ground.order())
    assert ground.order().payment_ref == payment


# --- processes


def test_a_living_process_is_left_alone(ground: Ground, tmp_path: Path) -> None:
    other = FileLease(tmp_path / "leases")
    busy = ground.a_shop(other)
    order = ground.begin(ground.sell())
    with busy.working_on(order.id, wait=False) as claimed:
        assert claimed is not None
        assert ground.run().orders[0].state is OrderState.PAID
        assert ground.purchases() == []
        with pytest.raises(TargetBusy) as caught:
            advance(ground.shop, order.id, wait=True)
        assert caught.value.exit_code is ExitCode.BUSY
        assert sum(ground.world.slept) >= 30
    other.release()
    ground.run()
    ground.delivered(ground.order())


def test_a_dead_process_is_taken_over(ground: Ground, tmp_path: Path) -> None:
    dead = FileLease(tmp_path / "leases")
    killed = ground.a_shop(dead)
    order = ground.begin(ground.sell())
    context = killed.working_on(order.id, wait=False)
    context.__enter__()
    assert ground.order().lease == dead.name
    dead.release()
    ground.run()
    ground.delivered(ground.order())
    assert ground.order().lease == ""


def test_a_process_of_another_machine_is_believed_to_live_for_a_while(ground: Ground, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    far_away = FileLease(tmp_path / "elsewhere")
    order = ground.begin(ground.sell())
    at_work = ground.a_shop(far_away).working_on(order.id, wait=False)
    at_work.__enter__()
    ground.run()
    assert ground.order().state is OrderState.PAID
    ground.later(minutes=11)
    ground.run()
    ground.delivered(ground.order())
    far_away.release()


def test_who_waits_long_for_an_order_keeps_it(ground: Ground, tmp_path: Path) -> None:
    """On another machine, whose clock is all that tells."""
    (tmp_path / "elsewhere").mkdir()
    other = ground.a_shop(far_away := FileLease(tmp_path / "elsewhere"))
    ground.control.set_esim_pace(600)
    slept = ground.shop.supply.sleep
    met: list[bool] = []

    def asleep(seconds: float) -> None:
        slept(seconds)
        with other.working_on(ground.order().id, wait=False) as claimed:
            met.append(claimed is not None)

    ground.shop.supply = replace(ground.shop.supply, sleep=asleep)
    ground.bring(ground.sell(), patience=3_000)
    assert len(met) > 20
    assert not any(met)
    far_away.release()


def test_two_processes_at_once_meet_no_order_twice(ground: Ground, tmp_path: Path) -> None:
    for number in range(8):
        ground.sell(f"N-{number}")
    ground.tell()
    leases = [FileLease(tmp_path / "leases") for _ in range(3)]
    shops = [ground.a_shop(lease) for lease in leases]
    threads = [threading.Thread(target=run, args=(shop,), kwargs={"workers": 2}) for shop in shops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ground.run()
    assert {order.state for order in ground.orders()} == {OrderState.DELIVERED}
    assert (ground.spent, ground.paid, len(ground.mails)) == (8 * COST, 8 * PRICE, 8)
    assert ground.asked(f"POST {PURCHASES}") == 8
    for lease in leases:
        lease.release()


def test_an_order_of_another_profile_is_not_ours_to_fulfil(ground: Ground) -> None:
    order = ground.begin(ground.sell())
    ground.supply.desk.provider.programme = "zendit/other"
    ground.bring(str(order.payment_ref))
    ground.supply.desk.provider.programme = "zendit/default"
    with pytest.raises(Refused):
        advance(ground.shop, order.id)


def test_a_decision_of_long_ago_is_made_anew(ground: Ground) -> None:
    """Its process died between the decision to buy and the purchase, and the payment was given back meanwhile."""
    order = ground.begin(ground.sell())
    with ground.world.books.write() as unit:
        cost: dict[str, Any] = {
            "cost": usd("1.50"),
            "reserved": usd("1.50"),
            "purchase_ref": "A-1",
            "supplier": "zendit/default",
        }
        unit.orders.put(replace(unit.orders.named(order.id), state=OrderState.BUYING, **cost))
    ground.control.refund(str(order.payment_ref))
    ground.later(minutes=10)
    ground.run()
    order = ground.order()
    assert (order.state, order.reason_code, order.reserved) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE, None)
    assert (ground.spent, ground.purchases(), ground.mails) == (0, [], [])


def test_a_breaker_that_is_open_when_it_comes_to_buying(ground: Ground) -> None:
    """What was not sent for it is bought under the same key, once Zendit answers again."""

    class Open:
        shut = False

        def heard(self, request: httpx.Request) -> None:
            self.shut = request.url.path == "/v1/balance"

        def check(self) -> None:
            if self.shut:
                raise CircuitOpen("zendit did not answer lately")

        def succeeded(self) -> None: ...
        def failed(self) -> None: ...
        def released(self) -> None: ...

    breaker = Open()
    ground.guard(breaker)
    payment = ground.sell()
    ground.world.wire.after = breaker.heard
    ground.bring(payment)
    ground.world.wire.after = lambda _request: None
    ground.waits(ground.order(), OrderState.PAID, Why.UNAVAILABLE)
    breaker.shut = False
    ground.later(hours=1)
    ground.run()
    ground.delivered(ground.order())


# --- a person's word


def _in_doubt(ground: Ground, fault: str) -> str:
    """A purchase that nobody can see; its operation."""
    payment = ground.sell()
    strike(ground.world, PURCHASES, fault, 1000)
    at(ground.world, PURCHASES, lambda: ground.down("test-api.zendit.io"), after=True)
    ground.bring(payment)
    ground.down("test-api.zendit.io")
    ground.control.clear_faults()
    (operation,) = [one for one in ground.operations("esim.buy") if one.state is OperationState.IN_DOUBT]
    assert ground.order().state is OrderState.BUYING
    return operation.id


def test_a_person_says_that_it_was_bought(ground: Ground) -> None:
    operation = _in_doubt(ground, "lost-reply")
    resolve(ground.shop.supply, operation, state=OperationState.DONE, reason="seen in the console")
    order = ground.go_on(ground.order())
    assert (order.state, order.purchase) == (OrderState.ORDERED, PurchaseState.UNKNOWN)
    assert (ground.paid, ground.refunds(order)) == (PRICE, [])
    ground.up()
    ground.later(minutes=30)
    ground.run()
    ground.delivered(ground.order())
    assert ground.asked(f"POST {PURCHASES}") <= 4, "the tries of one request"


def test_a_person_says_that_it_was_bought_and_it_was_not(ground: Ground) -> None:
    """Nothing is given back, and nothing bought: the supplier has no such purchase, which is said until somebody acts."""
    operation = _in_doubt(ground, "500")
    resolve(ground.shop.supply, operation, state=OperationState.DONE, reason="seen in the console")
    ground.up()
    ground.go_on(ground.order())
    order = ground.order()
    assert (order.state, order.reason_code, ground.purchases()) == (OrderState.ORDERED, Why.UNAVAILABLE, [])
    assert "does not have the purchase" in str(order.reason)
    assert (ground.paid, ground.mails) == (PRICE, [])


def test_a_person_says_that_it_was_not_bought(ground: Ground) -> None:
    operation = _in_doubt(ground, "500")
    resolve(ground.shop.supply, operation, state=OperationState.REFUSED, reason="not in the console")
    ground.up()
    ground.go_on(ground.order())
    ground.refunded(ground.order())
    assert (ground.order().reason_code, ground.purchases()) == (Why.PURCHASE_REFUSED, [])


# --- what was given back meanwhile


@pytest.mark.parametrize("fault", ["lost-reply", "500"])
def test_a_purchase_in_doubt_is_not_made_for_a_customer_who_has_the_money_back(ground: Ground, fault: str) -> None:
    """Made before, it is seen, and kept; not made, it is waited for until it can be on its way no more, and not sent again."""
    made = fault == "lost-reply"
    _in_doubt(ground, fault)
    payment = ground.order().payment_ref
    ground.control.refund(payment)
    ground.tell("charge.refunded")
    ground.up()
    sent = ground.asked(f"POST {PURCHASES}")
    ground.go_on(ground.order())
    assert ground.asked(f"POST {PURCHASES}") == sent
    if not made:
        ground.waits(ground.order(), OrderState.BUYING, Why.IN_DOUBT)
        ground.later(minutes=59)
        assert ground.run().orders[0].state is OrderState.BUYING
    ground.later(minutes=30)
    ground.run()
    order = ground.order()
    assert ground.asked(f"POST {PURCHASES}") == sent
    assert (ground.paid, ground.spent) == (0, COST if made else 0)
    assert order.refunded == usd("4.90")
    if made:
        assert (order.state, [state for _, state in ground.purchases()]) == (OrderState.DELIVERED, ["DONE"])
    else:
        assert (order.state, order.reason_code, ground.purchases()) == (OrderState.REFUNDED, Why.REFUNDED_ELSEWHERE, [])


def test_a_purchase_in_doubt_is_not_made_for_a_disputed_payment(ground: Ground) -> None:
    _in_doubt(ground, "500")
    payment = ground.order().payment_ref
    with ground.world.books.write() as unit:  # as `webhook serve` leaves it: nobody has named it
        unit.orders.put(replace(ground.order(), asked=False))
    ground.control.dispute(payment)
    ground.tell("charge.dispute.created")
    ground.up()
    sent = ground.asked(f"POST {PURCHASES}")
    ground.later(minutes=30)
    ground.run()
    assert ground.order().state is OrderState.BUYING
    ground.later(minutes=61)
    ground.run()
    ground.waits(ground.order(), OrderState.STUCK, Why.DISPUTED)
    assert (ground.asked(f"POST {PURCHASES}"), ground.purchases(), ground.spent) == (sent, [], 0)


# --- what a person adds


def test_a_persons_word_adds_and_changes_nothing(ground: Ground) -> None:
    payment = ground.sell("A-1")
    for other in (
        OrderData("ESIM-DE-7D-1GB"),
        OrderData("ESIM-TR-7D-1GB", "other@example.com"),
        OrderData("ESIM-TR-7D-1GB", BUYER, "B"),
    ):
        with pytest.raises(BadInput):
            ground.bring(payment, other)
    with pytest.raises(BadInput):
        ground.bring(payment, OrderData("ESIM-TR-7D-1GB", BUYER, "Ada L.", "B-2"))
    assert ground.orders() == []
    order = ground.bring(payment, OrderData("ESIM-TR-7D-1GB", BUYER))
    ground.delivered(order)
    assert (order.transaction_id, order.full_name) == ("A-1", "Ada L.")
    for other in (OrderData("ESIM-DE-7D-1GB"), OrderData("ESIM-TR-7D-1GB", "other@example.com")):
        with pytest.raises(BadInput):
            ground.bring(payment, other)


def test_a_persons_word_does_not_hide_that_it_was_paid_twice(ground: Ground) -> None:
    first, second = ground.sell("A-1"), ground.sell("A-1")
    ground.bring(first, OrderData("ESIM-TR-7D-1GB", BUYER))
    ground.bring(second, OrderData("ESIM-TR-7D-1GB", BUYER))
    assert [order.state for order in ground.orders()].count(OrderState.DELIVERED) == 1
    assert (ground.paid, ground.spent) == (PRICE, COST)


# --- mails


def test_mail_that_is_down_and_back(ground: Ground) -> None:
    tried: list[Letter] = []

    def down(letter: Letter) -> None:
        tried.append(letter)
        raise MailUnavailable("421 try again later")

    ground.post = down
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code) == (OrderState.READY, Why.MAIL_UNAVAILABLE)
    assert (ground.spent, ground.refunds(order), order.iccid is not None) == (COST, [], True)
    for _ in range(3):
        ground.later(hours=1)
        assert ground.run().exit_code is ExitCode.PARTLY
    ground.post = ground.mails.append
    ground.later(hours=1)
    ground.run()
    ground.delivered(ground.order())
    assert ground.asked(f"POST {PURCHASES}") == 1
    assert {letter.message_id for letter in tried} == {ground.mails[0].message_id}
    assert ground.steps(order)[StepName.MAIL].tries == len(tried) + 1


@pytest.mark.parametrize("error", [SecretMissing("smtp.password is nowhere"), BadConfig("the template is broken")])
def test_a_mail_that_cannot_be_made_is_no_orders_trouble(ground: Ground, error: Exception) -> None:
    def broken(_letter: Letter) -> None:
        raise error

    ground.post = broken
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code, ground.spent) == (OrderState.READY, Why.MAIL_UNAVAILABLE, COST)
    assert (ground.paid, ground.refunds(order)) == (PRICE, [])
    ground.post = ground.mails.append
    ground.later(hours=1)
    ground.run()
    ground.delivered(ground.order())


def test_what_was_begun_comes_before_what_waits_longer(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer whose eSIM is there is not kept waiting by those for whom nothing has been bought."""
    monkeypatch.setattr(running, "_PORTION", 1)
    first = ground.sell("A-1")
    ground.tell()

    def closed(_letter: Letter) -> None:
        raise MailUnavailable("421 later")

    ground.post = closed
    begun = ground.bring(ground.sell("A-2"))
    ground.sell("A-3")
    ground.tell()
    assert (begun.state, ground.order("A-1").payment_ref) == (OrderState.READY, first)
    ground.post = ground.mails.append
    ground.later(minutes=5)
    assert [order.transaction_id for order in waiting(ground.shop)] == ["A-2", "A-1", "A-3"]
    ground.run()
    assert ground.letters() == [(BUYER, ground.order(name).id) for name in ("A-2", "A-1", "A-3")]
    assert (ground.paid, ground.spent) == (3 * PRICE, 3 * COST)


def test_a_recipient_that_is_refused(ground: Ground) -> None:
    def no(letter: Letter) -> None:
        if letter.to == BUYER:
            raise MailRefused("550 no such user")
        ground.mails.append(letter)

    ground.post = no
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code, order.due_at) == (OrderState.READY, Why.MAIL_REFUSED, FOREVER)
    assert ground.steps(order)[StepName.MAIL].state is StepState.FAILED
    assert (ground.run().orders, failed(ground.shop), waiting(ground.shop)) == ([], [order], [])
    ran = run(ground.shop, failed(ground.shop))
    assert (ran.exit_code, ground.mails) == (ExitCode.FINDINGS, [])
    try_again(ground.shop, ground.order(), recipient="ada@new.example")
    ground.run()
    order = ground.order()
    assert (order.state, order.recipient, ground.spent, ground.paid) == (OrderState.DELIVERED, "ada@new.example", COST, PRICE)
    assert ground.letters() == [("ada@new.example", order.id)]
    assert ground.asked(f"POST {PURCHASES}") == 1
    with pytest.raises(StateForbids):
        try_again(ground.shop, order, recipient="third@example.com")


def test_without_a_mail_server(ground: Ground) -> None:
    ground.shop.mail = None
    order = ground.bring(ground.sell())
    assert (order.state, order.reason_code) == (OrderState.READY, Why.NO_MAIL_SERVER)
    ground.shop = ground.a_shop(must_mail=False)
    ground.shop.mail = None
    ground.later(hours=1)
    assert ground.run().exit_code is ExitCode.DONE
    order = ground.order()
    assert (order.state, ground.mails, ground.steps(order)[StepName.MAIL].error) == (
        OrderState.DELIVERED,
        [],
        "no mail server is configured",
    )


def test_a_picture_that_is_not_there_yet(ground: Ground) -> None:
    ground.turned_away(f"{PURCHASES}/A-1/qrcode", 404)
    order = ground.bring(ground.sell(offer="ESIM-NOCODE"))
    assert (order.state, order.purchase, order.reason_code) == (OrderState.ORDERED, PurchaseState.DONE, Why.UNAVAILABLE)
    assert (ground.spent, ground.paid, ground.mails) == (COST, PRICE, [])
    ground.let_in()
    ground.later(hours=1)
    ground.run()
    ground.delivered(ground.order())


def test_what_waits_is_gone_on_with_by_its_name_at_once(ground: Ground) -> None:
    ground.fill(0)
    order = ground.bring(ground.sell())
    ground.fill(1_000)
    assert ground.run().orders == [], "not before its time"
    ground.go_on(order)
    ground.delivered(ground.order())
    assert facts(ground.go_on(ground.order())) == facts(ground.order())
    assert ground.letters(LetterKind.DELIVERY) == [(BUYER, order.id)]
    assert ground.order().refunded in (None, usd("0"))
