"""What a provider says of saved cards and payments, folded into real books: any order, twice, ours or nobody's; to the cent."""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from cardctl.domain.money import Money
from cardctl.domain.payments import Payment, PaymentKind, PaymentState, RefundState
from cardctl.domain.saved_cards import RemoteCustomer, SavedCard, SavedCardState, SavedTold
from cardctl.domain.things import Kind, Named
from cardctl.services.desk import Desk
from cardctl.services.saving import take_payment, take_refund, take_saved_card
from tests.db.builders import later, usd
from tests.db.saved_builders import SELLER
from tests.services.shop import CARD, CUSTOMER, OURS, Shop, books_say, desk_at, tell, tell_all


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = desk_at(tmp_path / "books.db")
    yield made
    made.books.close()


def the_card(desk: Desk) -> SavedCard:
    with desk.books.read() as unit:
        return unit.saved_cards.named(OURS.id)


def payment(desk: Desk, ref: str) -> Payment:
    with desk.books.read() as unit:
        return unit.payments.by_refs(SELLER, [ref])[ref]


def amounts(desk: Desk, ref: str) -> tuple[PaymentState, Money, Money]:
    found = payment(desk, ref)
    return found.state, found.captured, found.refunded


def audit(desk: Desk) -> list[tuple[str, str]]:
    with desk.books.read() as unit:
        return [(entry.action, entry.object) for entry in unit.audit.rows()]


# --- payments


def test_a_hold_is_told_captured_and_refunded(desk: Desk) -> None:
    shop = Shop()
    shop.pay("P", 5000, hold=True, mark="op_hold")
    tell_all(desk, shop)
    held = payment(desk, "P")
    assert (held.id, held.kind, held.invoice, held.asked) == ("pay_hold", PaymentKind.PREAUTH, "lot-7", usd(5000))
    assert (held.saved_card_id, held.expires_at) == (OURS.id, later(7 * 86_400))
    assert amounts(desk, "P") == (PaymentState.APPROVED, usd(0), usd(0))
    shop.capture("P", tip=500)
    tell_all(desk, shop)
    assert amounts(desk, "P") == (PaymentState.COMPLETED, usd(5500), usd(0))
    shop.refund("R", "P", 1000)
    tell_all(desk, shop)
    assert amounts(desk, "P") == (PaymentState.COMPLETED, usd(5500), usd(1000))
    entries = [action for action, object_ in audit(desk) if object_ == "pay_hold"]
    assert entries == ["payment.event"] * 3  # once each, though the first was told three times


def test_a_refund_whose_payment_was_told_first_and_last_counts_once(desk: Desk) -> None:
    shop = Shop()
    shop.pay("P", 5000, mark="op_charge")
    shop.refund("R", "P", 1000)
    created, captured, refunded, counted = shop.told
    for told, expected in ((captured, 0), (refunded, 1000), (counted, 1000), (refunded, 1000), (created, 1000)):
        tell(desk, told, shop.shelf)
        assert amounts(desk, "P") == (PaymentState.COMPLETED, usd(5000), usd(expected))


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_refund_that_was_rejected_is_taken_off_in_any_order(desk: Desk, order: tuple[int, ...]) -> None:
    shop = Shop()
    shop.pay("P", 5000, mark="op_charge")
    tell_all(desk, shop)
    shop.told.clear()
    shop.refund("R", "P", 1000)
    shop.refund_ends("R", RefundState.REJECTED)
    tell_all(desk, shop, [*order, order[0]])
    assert amounts(desk, "P") == (PaymentState.COMPLETED, usd(5000), usd(0))


def test_a_rejection_counts_before_its_payment_says_so(desk: Desk) -> None:
    shop = Shop()
    shop.pay("P", 5000, mark="op_charge")
    shop.refund("R", "P", 1000)
    shop.refund("S", "P", 500)
    tell_all(desk, shop)
    assert amounts(desk, "P")[2] == usd(1500)
    shop.refund_ends("R", RefundState.FAILED)
    tell(desk, shop.told[-2], shop.shelf)
    assert amounts(desk, "P")[2] == usd(500)


def test_what_has_ended_never_goes_on(desk: Desk) -> None:
    shop = Shop()
    shop.pay("P", 5000, hold=True, mark="op_hold")
    shop.cancel("P")
    tell_all(desk, shop)
    for state, at in (
        (PaymentState.APPROVED, later(99)),
        (PaymentState.COMPLETED, later(100)),
        (PaymentState.UNKNOWN, later(101)),
    ):
        word = replace(shop.payments["P"], state=state, captured=usd(5000), updated_at=at)
        tell(desk, SavedTold(payments=(word,)), shop.shelf)
        assert amounts(desk, "P") == (PaymentState.CANCELED, usd(0), usd(0))


def test_of_two_words_of_one_moment_the_one_further_on_counts(desk: Desk) -> None:
    shop = Shop()
    shop.pay("P", 5000, hold=True, mark="op_hold")
    pending = replace(shop.payments["P"], state=PaymentState.PENDING)
    for told in (pending, shop.payments["P"], pending):
        tell(desk, SavedTold(payments=(told,)), shop.shelf)
    assert payment(desk, "P").state is PaymentState.APPROVED
    done = replace(shop.payments["P"], state=PaymentState.COMPLETED, captured=usd(5000))
    more = replace(done, refunded=usd(700))
    for word in (more, done, shop.payments["P"]):
        tell(desk, SavedTold(payments=(word,)), shop.shelf)
    assert amounts(desk, "P") == (PaymentState.COMPLETED, usd(5000), usd(700))


def test_an_operation_finds_the_payment_that_an_event_brought(desk: Desk) -> None:
    """Killed after it was sent: the event comes first, and what settles the operation makes no second row."""
    shop = Shop()
    shop.pay("P", 5000, mark="op_charge")
    tell_all(desk, shop)
    with desk.books.write() as unit:
        again = take_payment(desk, unit, None, shop.payments["P"], saved_card_id=OURS.id, invoice="lot-7")
        assert [one.id for one in unit.payments.rows()] == ["pay_charge"] == [again.id]
    assert (again.kind, again.asked, again.captured) == (PaymentKind.CHARGE, usd(5000), usd(5000))


def test_a_payment_made_elsewhere_with_our_card_comes_in_and_others_do_not(desk: Desk) -> None:
    shop = Shop()
    shop.pay("ELSEWHERE", 1200)
    shop.pay("CASH", 900, card_ref=None)
    shop.pay("ANOTHER", 800, card_ref="ccof:another")
    assert [tell(desk, told, shop.shelf) for told in shop.told] == [True, True, False, False, False, False]
    assert amounts(desk, "ELSEWHERE") == (PaymentState.COMPLETED, usd(1200), usd(0))
    assert payment(desk, "ELSEWHERE").asked is None
    assert set(books_say(desk)) == {"card", "ELSEWHERE"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize(("hold", "kind"), [(False, PaymentKind.CHARGE), (True, PaymentKind.PREAUTH)])
def test_what_was_made_elsewhere_is_a_charge_or_a_hold_in_any_order(
    desk: Desk, hold: bool, kind: PaymentKind, order: tuple[int, ...]
) -> None:
    shop = Shop()
    shop.pay("ELSEWHERE", 1200, hold=hold)
    if hold:
        shop.capture("ELSEWHERE")
    shop.refund("R", "ELSEWHERE", 300)
    tell_all(desk, shop, order)
    assert (payment(desk, "ELSEWHERE").kind, payment(desk, "ELSEWHERE").asked) == (kind, None)
    assert amounts(desk, "ELSEWHERE") == (PaymentState.COMPLETED, usd(1200), usd(300))


def test_a_refund_tells_of_its_payment_by_reading_it(desk: Desk) -> None:
    shop = Shop()
    for ref, card_ref in (("ELSEWHERE", CARD), ("CASH", None)):
        shop.pay(ref, 1200, card_ref=card_ref)
        shop.told.clear()
        shop.refund(f"R_{ref}", ref, 300)
        shop.dispute(f"D_{ref}", ref)
        ours = card_ref is not None
        assert tell(desk, shop.told[-1], shop.shelf) is ours
        assert tell(desk, shop.told[0], shop.shelf) is ours
    assert set(books_say(desk)) == {"card", "ELSEWHERE", "R_ELSEWHERE", "D_ELSEWHERE"}
    assert amounts(desk, "ELSEWHERE") == (PaymentState.COMPLETED, usd(1200), usd(300))


def test_a_refund_of_what_the_provider_has_not_is_nobodys(desk: Desk) -> None:
    shop = Shop()
    shop.pay("GONE", 1200)
    shop.told.clear()
    shop.refund("R", "GONE", 300)
    shop.shelf.clear()
    assert tell(desk, shop.told[0], shop.shelf) is False


# --- cards and customers


def test_a_card_that_its_bank_renewed_is_active_again(desk: Desk) -> None:
    with desk.books.write() as unit:
        unit.saved_cards.put(replace(the_card(desk), state=SavedCardState.EXPIRED))
    shop = Shop()
    shop.renew(exp_year=2030, last4="1111")
    tell_all(desk, shop)
    now = the_card(desk)
    assert (now.state, now.exp_year, now.last4, now.version) == (SavedCardState.ACTIVE, 2030, "1111", 2)
    assert audit(desk) == [("saved_card.event", OURS.id)]


def test_a_change_that_moves_no_date_leaves_a_card_expired(desk: Desk) -> None:
    with desk.books.write() as unit:
        unit.saved_cards.put(replace(the_card(desk), state=SavedCardState.EXPIRED))
    shop = Shop()
    shop.renew()
    tell_all(desk, shop)
    assert the_card(desk).state is SavedCardState.EXPIRED


def test_an_older_word_of_a_card_changes_nothing(desk: Desk) -> None:
    shop = Shop()
    shop.renew(exp_year=2030)
    shop.renew(enabled=False)
    tell_all(desk, shop, [1, 0, 1, 0])
    now = the_card(desk)
    assert (now.state, now.exp_year, now.version) == (SavedCardState.DISABLED, 2030, 3)
    assert len(audit(desk)) == 1


def test_a_forgotten_card_stays_gone_until_a_reading_finds_it(desk: Desk) -> None:
    shop = Shop()
    shop.renew(exp_year=2030)
    shop.forget()
    tell_all(desk, shop, [1, 0])
    now = the_card(desk)
    assert (now.state, now.last4) == (SavedCardState.GONE, "5858")
    with desk.books.write() as unit:
        assert take_saved_card(desk, unit, now, shop.card).now.state is SavedCardState.GONE
        assert take_saved_card(desk, unit, now, shop.card, read=True).now.state is SavedCardState.ACTIVE


def test_another_card_takes_the_place_of_the_one_there_was(desk: Desk) -> None:
    shop = Shop()
    new = replace(shop.card, ref="ccof:new", customer_ref="ANEW", last4="4444", version=0)
    with desk.books.write() as unit:
        now, before, after = take_saved_card(desk, unit, OURS, new)
    assert (now.ref, now.customer_ref, now.last4, now.version) == ("ccof:new", "ANEW", "4444", 0)
    assert "ccof" not in repr((before, after))
    assert after["card"] == "another"


def test_a_deleted_customer_takes_the_card_with_it(desk: Desk) -> None:
    shop = Shop()
    shop.delete_customer()
    assert tell(desk, shop.told[0], shop.shelf) is True
    assert tell(desk, SavedTold(customers=(RemoteCustomer("SOMEBODY", {}, deleted=True),)), shop.shelf) is False
    assert the_card(desk).state is SavedCardState.GONE


def test_a_merged_customer_is_followed_where_the_card_lives_on(desk: Desk) -> None:
    shop = Shop()
    shop.delete_customer(merged_into="HEIR")
    tell_all(desk, shop, [0, 0])
    now = the_card(desk)
    assert (now.state, now.customer_ref) == (SavedCardState.ACTIVE, "HEIR")
    assert "HEIR" not in repr(audit(desk))


def test_a_customer_that_was_merged_again_is_followed_to_the_last(desk: Desk) -> None:
    shop = Shop()
    shop.delete_customer(merged_into="HEIR")
    shop.shelf[Named(Kind.SAVED_CARD, CARD)] = replace(shop.card, customer_ref="LAST")
    tell_all(desk, shop)
    assert the_card(desk).customer_ref == "LAST"


def test_a_card_that_did_not_outlive_its_customers_merge_is_gone(desk: Desk) -> None:
    shop = Shop()
    shop.delete_customer(merged_into="HEIR")
    del shop.shelf[Named(Kind.SAVED_CARD, CARD)]
    tell_all(desk, shop)
    assert the_card(desk).state is SavedCardState.GONE


def test_a_hint_is_read_and_a_customer_that_is_not_there_is_gone(desk: Desk) -> None:
    shop = Shop()
    look = SavedTold(look=(Named(Kind.CUSTOMER, CUSTOMER), Named(Kind.SAVED_CARD, "ccof:nobodys"), Named(Kind.DISPUTE, "d")))
    assert tell(desk, look, shop.shelf) is True
    assert the_card(desk).state is SavedCardState.ACTIVE
    shop.delete_customer()
    assert tell(desk, look, shop.shelf) is True
    assert the_card(desk).state is SavedCardState.GONE


def test_what_was_read_before_something_newer_was_written_is_read_again(desk: Desk) -> None:
    shop = Shop()
    old = dict(shop.shelf)
    shop.forget()
    look = SavedTold(look=(Named(Kind.SAVED_CARD, CARD),))

    class Meanwhile(dict):  # type: ignore[type-arg]
        """A provider that answers from before a notification which is taken in while it does."""

        def __contains__(self, name: object) -> bool:
            if not asked:
                asked.append(name)
                tell(desk, shop.told[0], shop.shelf)
                return name in old
            return name in shop.shelf

        def __getitem__(self, name: Named) -> object:
            return old[name]

    asked: list[object] = []
    assert tell(desk, look, Meanwhile()) is True
    assert the_card(desk).state is SavedCardState.GONE


# --- any order

ACTS = ("pay", "hold", "cash", "capture", "cancel", "refund", "completed", "rejected", "dispute", "renew", "disable")
ENDS = ("nothing", "forget", "delete", "merge")


def history(acts: list[str], end: str, dice: random.Random) -> Shop:
    """What happened to one card and its payments, some of them made by operations of ours, and some that are nobody's."""
    shop, numbers = Shop(), itertools.count(1)
    shop.pay("P_own", 5000, mark="op_charge")
    shop.pay("P_hold", 5000, hold=True, mark="op_hold")
    for act in acts:
        number, ref = next(numbers), dice.choice(list(shop.payments))
        match act:
            case "pay" | "hold":
                shop.pay(f"P{number}", dice.randrange(100, 9000), hold=act == "hold")
            case "cash":
                shop.pay(f"P{number}", 900, card_ref=None)
            case "capture":
                shop.capture(ref, tip=dice.choice((0, 250)))
            case "cancel":
                shop.cancel(ref)
            case "refund":
                shop.refund(f"R{number}", ref, dice.randrange(1, 50))
            case "completed" | "rejected" if shop.refunds:
                shop.refund_ends(dice.choice(list(shop.refunds)), RefundState(act))
            case "dispute":
                shop.dispute(f"D_{ref}", ref, dice.choice(("evidence_required", "won", "lost")))
            case "renew":
                shop.renew(exp_year=dice.randrange(2027, 2035))
            case "disable":
                shop.renew(enabled=False)
    if end == "forget":
        shop.forget()
    elif end != "nothing":
        shop.delete_customer(merged_into="HEIR" if end == "merge" else None)
    return shop


@given(st.lists(st.sampled_from(ACTS), max_size=14), st.sampled_from(ENDS), st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_and_any_number_of_times_end_in_the_same_books(acts: list[str], end: str, dice: random.Random) -> None:
    shop = history(acts, end, dice)
    mixed = [number for number in range(len(shop.told)) for _ in range(dice.choice((1, 1, 2, 3)))]
    dice.shuffle(mixed)
    with tempfile.TemporaryDirectory() as home:
        desks = [desk_at(Path(home) / f"{name}.db") for name in ("ordered", "mixed")]
        tell_all(desks[0], shop)
        tell_all(desks[1], shop, mixed)
        ordered, found = map(books_say, desks)
        for desk in desks:
            desk.books.close()
    assert found == ordered
    for ref, remote in shop.payments.items():
        if remote.card_ref is not None:
            assert ordered[ref][0:6:5] == (remote.state, str(remote.refunded))
            assert ordered[ref][4] == str(remote.captured)
        else:
            assert ref not in ordered


def test_a_refund_of_an_unknown_operation_has_a_name_of_its_own(desk: Desk) -> None:
    shop = Shop()
    shop.pay("P", 5000, mark="op_charge")
    tell_all(desk, shop)
    shop.refund("R", "P", 100)
    with desk.books.write() as unit:
        paid = unit.payments.named("pay_charge")
        taken = take_refund(desk, unit, None, replace(shop.refunds["R"], mark="op_hold"), payment=paid)
        assert taken.id not in ("rfd_hold", "rfd_charge")
        assert unit.payments.named("pay_charge").refunded == usd(100)
