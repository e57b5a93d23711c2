"""Zendit's JSON in our words, as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardctl.domain.esims import PurchaseState
from cardctl.domain.money import Money
from cardctl.domain.states import CardState
from cardctl.providers import registry
from cardctl.providers.zendit import translate
from tests.providers.zendit import objects
from tests.providers.zendit.objects import CODE, ICCID, OFFER, REF, SMDP

_S = PurchaseState


def usd(minor: int) -> Money:
    return Money(minor, "USD")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ACCEPTED", _S.ACCEPTED),
        ("PENDING", _S.PENDING),
        ("AUTHORIZED", _S.AUTHORIZED),
        ("IN_PROGRESS", _S.IN_PROGRESS),
        ("DONE", _S.DONE),
        ("FAILED", _S.FAILED),
        ("FAIL", _S.FAILED),
        ("In Progress", _S.IN_PROGRESS),
        ("in-progress", _S.IN_PROGRESS),
        (" done ", _S.DONE),
        ("CANCELLED", _S.UNKNOWN),
        ("", _S.UNKNOWN),
    ],
)
def test_states(word: str, state: PurchaseState) -> None:
    assert translate.state_of(word) is state


def test_it_has_no_cards_whose_state_a_word_could_be() -> None:
    assert registry.card_state_of("zendit", "DONE") is CardState.UNKNOWN


@pytest.mark.parametrize(
    ("amount", "currency", "divisor", "money"),
    [
        (150, "USD", 100, usd(150)),
        (150, "USD", None, usd(150)),
        (15000, "USD", 10000, usd(150)),
        (1505, "USD", 1000, usd(151)),
        (1, "USD", 1000, usd(1)),
        (2, "USD", 1, usd(200)),
        (150, "JPY", 1, Money(150, "JPY")),
        (15000, "JPY", 100, Money(150, "JPY")),
        (1500, "KWD", 1000, Money(1500, "KWD")),
        (150, "KWD", 100, Money(1500, "KWD")),
        (0, "USD", 100, usd(0)),
        (Decimal("150.0"), "USD", 100, usd(150)),
        (2**53 - 1, "USD", 100, usd(2**53 - 1)),
    ],
)
def test_amounts_are_divided_by_the_divisor_of_their_object(amount: Any, currency: str, divisor: Any, money: Money) -> None:
    """A fraction of a cent is a whole one that is paid."""
    assert translate.money_from_wire(amount, currency, divisor) == money


@pytest.mark.parametrize(
    ("amount", "currency", "divisor"),
    [
        ("150", "USD", 100),
        (True, "USD", 100),
        (1.5, "USD", 100),
        (Decimal("1.5"), "USD", 100),
        (None, "USD", 100),
        (-1, "USD", 100),
        (150, "USD", 0),
        (150, "USD", -100),
        (150, "USD", "100"),
        (150, None, 100),
        (150, "ZND", 100),
        (150, "usd", 100),
        (2**53, "USD", 100),
        (10**40, "USD", 1),
    ],
)
def test_what_is_no_amount_is_none(amount: Any, currency: Any, divisor: Any) -> None:
    with pytest.raises(translate.STRANGE):
        translate.money_from_wire(amount, currency, divisor)


@pytest.mark.parametrize(
    ("told", "money"),
    [
        ({"availableBalance": 125050, "currency": "USD", "currencyDivisor": 100}, usd(125050)),
        ({"availableBalance": 125050, "currency": "USD"}, usd(125050)),
        ({"availableBalance": 1505, "currency": "USD", "currencyDivisor": 1000}, usd(150)),
        ({"availableBalance": -5, "currency": "USD", "currencyDivisor": 100}, usd(-5)),
        ({"availableBalance": -15, "currency": "USD", "currencyDivisor": 1000}, usd(-2)),
    ],
)
def test_a_balance_is_never_told_as_more_than_it_is(told: Any, money: Money) -> None:
    assert translate.balance_from_wire(told) == money


@pytest.mark.parametrize(
    ("more", "minor"),
    [
        ({}, 150),
        ({"fee": 25}, 175),
        ({"feePct": Decimal("0.03")}, 155),  # 4.5, which is 5
        ({"feePct": 3}, 155),
        ({"feePct": Decimal("2.5"), "fee": 25}, 179),
        ({"feePct": 1}, 152),
        ({"feePct": Decimal("0.99")}, 299),
        ({"fee": None, "feePct": None}, 150),
        ({"fixed": None, "max": 400}, 400),
        ({"fixed": 0, "max": 400}, 0),
        ({"fixed": 1500, "currencyDivisor": 1000, "fee": 5}, 151),
    ],
)
def test_what_an_offer_may_cost_is_the_dearer_reading(more: Any, minor: int) -> None:
    assert translate.cost_from_wire(objects.cost(**more)) == usd(minor)


@pytest.mark.parametrize("more", [{"fee": -1}, {"feePct": Decimal("-0.1")}, {"fixed": -1}, {"fixed": None}, {"feePct": "3"}])
def test_a_cost_that_is_none_is_refused(more: Any) -> None:
    with pytest.raises(translate.STRANGE):
        translate.cost_from_wire(objects.cost(**more))


def test_an_offer() -> None:
    found = translate.offer_from_wire(objects.offer(dataGB=Decimal("1.5")))
    assert (found.id, found.brand, found.enabled) == (OFFER, "Acme Tel", True)
    assert (found.cost, found.price) == (usd(150), usd(300))
    assert (found.country, found.regions, found.roaming) == ("TR", (), ("TR",))
    assert (found.days, found.data_gb, found.data_unlimited, found.speeds) == (7, Decimal("1.5"), False, ("4G", "5G"))
    assert (found.notes, found.title) == ("Notes.", "eSIM TR, 1.5 GB, 7 days")
    assert found.raw["offerId"] == OFFER


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**6),
    st.decimals(0, 100, places=4),
    st.sampled_from(["USD", "JPY", "KWD", "EUR"]),
    st.sampled_from([1, 10, 100, 1000, 10_000]),
)
def test_a_cost_is_never_less_than_its_parts(fixed: int, fee: int, share: Decimal, currency: str, divisor: int) -> None:
    """By exact fractions; and less than two units more than those come to."""
    told = objects.cost(fixed=fixed, fee=fee, feePct=share, currency=currency, currencyDivisor=divisor)
    rate = Fraction(share) if share < 1 else Fraction(share) / 100
    exact = Fraction(fixed) + fee + fixed * rate
    minor = exact / divisor * 10 ** {"USD": 2, "JPY": 0, "KWD": 3, "EUR": 2}[currency]
    cost = translate.cost_from_wire(told)
    unit = Fraction(10 ** {"USD": 2, "JPY": 0, "KWD": 3, "EUR": 2}[currency], divisor)
    assert cost.currency == currency
    assert minor <= cost.minor < minor + unit + 1


@pytest.mark.parametrize("price", [None, {}, {"fixed": "x"}, {"fixed": 3, "currency": "ZND"}, {"suggestedFixed": 300}])
def test_a_proposed_price_that_is_not_understood_is_none(price: Any) -> None:
    assert translate.offer_from_wire(objects.offer(price=price)).price is None


def test_an_offer_for_a_region_that_cannot_be_bought() -> None:
    found = translate.offer_from_wire(objects.offer(country="", regions=["Global"], enabled=False, roaming=None, dataGB=None))
    assert (found.country, found.regions, found.enabled, found.roaming, found.data_gb) == (None, ("Global",), False, (), None)


def test_a_purchase_that_is_done() -> None:
    found = translate.purchase_from_wire(objects.purchase())
    assert (found.ref, found.state, found.offer_id, found.cost) == (REF, _S.DONE, OFFER, usd(150))
    assert (found.iccid, found.activation) == (ICCID, f"LPA:1${SMDP}${CODE}")
    assert found.instructions == f"Scan it, or type {CODE}."
    assert (found.error_code, found.error) == (None, None)
    assert found.created_at == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 5, 1, 12, 0, 9, tzinfo=UTC)
    assert found.raw["confirmation"]["iccid"] == ICCID


def test_the_answer_to_a_purchase_has_its_name_and_its_state() -> None:
    found = translate.purchase_from_wire(objects.accepted())
    assert (found.ref, found.state, found.cost, found.activation, found.created_at) == (REF, _S.ACCEPTED, None, None, None)


def test_why_a_purchase_failed() -> None:
    found = translate.purchase_from_wire(objects.failed())
    assert (found.state, found.error_code, found.error) == (_S.FAILED, "INSUFFICIENT_FUNDS", "Not enough.")


@pytest.mark.parametrize("error", [{"description": "Only that."}, {"errorCode": "X", "message": "Only that."}])
def test_an_error_of_any_shape_is_understood(error: Any) -> None:
    assert translate.purchase_from_wire(objects.purchase("FAILED", error=error)).error == "Only that."


@pytest.mark.parametrize("error", [None, {}, "no", {"code": 7}])
def test_an_error_that_is_none_is_none(error: Any) -> None:
    found = translate.purchase_from_wire(objects.purchase("FAILED", error=error))
    assert (found.error_code, found.error) == (None, None)


@pytest.mark.parametrize(
    ("more", "minor"),
    [
        ({}, 150),
        ({"cost": 175, "costBase": 150, "costFee": 25}, 175),  # the fee is in it
        ({"cost": 150, "costBase": 150, "costFee": 25}, 175),  # it is not
        ({"cost": 150, "costBase": None, "costFee": None}, 150),
        ({"cost": 1505, "costBase": 1505, "costCurrencyDivisor": 1000}, 151),
        ({"costCurrencyDivisor": None}, 150),
    ],
)
def test_what_a_purchase_is_charged(more: Any, minor: int) -> None:
    assert translate.purchase_from_wire(objects.purchase(**more)).cost == usd(minor)


@pytest.mark.parametrize(
    ("told", "activation"),
    [
        ({}, f"LPA:1${SMDP}${CODE}"),
        ({"activationCode": f"LPA:1$other.example${CODE}"}, f"LPA:1$other.example${CODE}"),
        ({"activationCode": f"lpa:1$other.example${CODE}", "smdpAddress": None}, f"lpa:1$other.example${CODE}"),
        ({"activationCode": f" {CODE}\n", "smdpAddress": f" {SMDP} "}, f"LPA:1${SMDP}${CODE}"),
        ({"activationCode": None}, None),
        ({"activationCode": " "}, None),
        ({"smdpAddress": None}, None),
        ({"smdpAddress": ""}, None),
        ({"activationCode": 7}, None),
    ],
)
def test_the_text_of_the_qr_code(told: Any, activation: str | None) -> None:
    assert translate.activation_of(objects.confirmation(**told)) == activation


def test_of_a_long_list_nothing_is_kept_that_is_secret() -> None:
    found = translate.purchase_from_wire(objects.purchase(), keep=False)
    assert (found.activation, found.instructions, found.raw) == (None, None, {})
    assert (found.iccid, found.cost) == (ICCID, usd(150))


def test_no_print_of_a_purchase_has_its_code() -> None:
    found = translate.purchase_from_wire(objects.purchase(error={"code": "X", "message": f"no LPA:1${SMDP}${CODE} here"}))
    assert CODE not in f"{found} {found!r} {found.error}"
    assert found.error == "no LPA:*** here"


@pytest.mark.parametrize("name", ["transactionId", "status"])
@pytest.mark.parametrize("value", [None, "", 7, []])
def test_a_purchase_that_is_none_is_refused(name: str, value: Any) -> None:
    with pytest.raises(translate.STRANGE):
        translate.purchase_from_wire(objects.purchase(**{name: value}))


@pytest.mark.parametrize(
    ("more", "credit", "recharge"),
    [
        ({}, False, False),
        ({"type": "CREDIT", "productType": "REFUND"}, True, False),
        ({"type": "credit", "productType": "WALLET_RECHARGE"}, True, True),
        ({"type": "CREDIT", "productType": "RECHARGE_SANDBOX"}, True, True),
        ({"type": "CREDIT", "productType": "RECHARGE_WITH_CREDIT_CARD"}, True, True),
        ({"productType": "VOUCHER"}, False, False),
        ({"productType": "BULK_CHECKOUT"}, False, False),
    ],
)
def test_the_ledger(more: Any, credit: bool, recharge: bool) -> None:
    entry = translate.entry_from_wire(objects.transaction(**more))
    assert (entry.ref, entry.amount, entry.credit, entry.recharge) == (REF, usd(150), credit, recharge)
    assert entry.state is _S.DONE
    assert entry.created_at == datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("more", [{"type": "MAYBE"}, {"type": None}, {"amount": -150}, {"createdAt": "soon"}, {"amount": None}])
def test_a_movement_that_is_none_is_refused(more: Any) -> None:
    with pytest.raises(translate.STRANGE):
        translate.entry_from_wire(objects.transaction(**more))


@pytest.mark.parametrize(
    ("more", "state", "left"),
    [
        ({"remainingDataGB": Decimal("0.4")}, "active", Decimal("0.4")),
        ({"remainingDataGB": 0}, "active", Decimal(0)),
        ({"remainingDataGB": None, "reamainingDataGB": Decimal("0.7")}, "active", Decimal("0.7")),
        ({"remainingDataGB": None, "status": "QUEUED", "startAt": None}, "queued", None),
    ],
)
def test_a_plan(more: Any, state: str, left: Decimal | None) -> None:
    found = translate.plan_from_wire(objects.plan(**more))
    assert (found.iccid, found.state, found.remaining_gb, found.initial_gb) == (ICCID, state, left, Decimal(1))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-01T12:00:00Z", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-05-01T12:00:00.123456789Z", datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-05-01T14:00:00+02:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-05-01T12:00:00", datetime(2026, 5, 1, 12, tzinfo=UTC)),
    ],
)
def test_times(text: str, at: datetime) -> None:
    assert translate.moment(text) == at


def test_a_time_is_written_as_the_second_that_had_begun() -> None:
    assert translate.moment_to_wire(datetime(2026, 5, 1, 12, 0, 0, 999_999, tzinfo=UTC)) == "2026-05-01T12:00:00Z"
