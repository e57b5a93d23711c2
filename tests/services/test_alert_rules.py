"""Every rule fires where it should and one step before it does not; pure, so that no clock and no books are needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cardctl.db.figures import Drift, Freezes, Latency, Load, Refusals, Share, StoppedCard, Stuck
from cardctl.db.spending import Moment, Purchase
from cardctl.domain.alerts import SPENDING, Action, Fired, Rule, Thresholds
from cardctl.domain.breaks import Severity
from cardctl.domain.money import Money
from cardctl.domain.order_figures import WalletNeed
from cardctl.services.flows.alerting import order_rules, rules, spending, watching

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
P = "stripe/acct_1"
LIMITS = Thresholds()


def fired(found: Iterator[Fired]) -> list[tuple[str, str]]:
    return [(each.rule, each.value) for each in found]


def drift(apart: int, there: int = 10_000) -> Drift:
    return Drift(P, "USD", there + apart, there, -apart, "run_1")


def moments(*minutes: Decimal | int, card: str = "card_1") -> list[Moment]:
    times = [NOW + timedelta(seconds=int(minute * 60)) for minute in minutes]
    return [Moment(card, P, "stripe", at, f"txn_{n}") for n, at in enumerate(times)]


def purchase(minor: int = 1000, *, ago: int = 0, card: str = "card_1", **told: Any) -> Purchase:
    given: dict[str, Any] = {"currency": "USD", "category": "eating_places", "country": "US", "merchant": "Cafe"}
    return Purchase(card, P, "stripe", NOW - timedelta(hours=ago), f"txn_{minor}", minor, **given | told)


def outlying(*purchases: Purchase, limits: Thresholds = LIMITS) -> list[Fired]:
    return list(spending.outlying(purchases, NOW - timedelta(hours=24), limits))


def test_orders_that_are_stuck_and_a_wallet_that_is_waited_for() -> None:
    assert fired(order_rules.orders_stuck([Stuck(P, 2, ("order_1", "order_2"))], LIMITS)) == [("orders_stuck", "2")]
    assert fired(order_rules.orders_stuck([], LIMITS)) == []
    need = WalletNeed("zendit/default", 3, Money(450, "USD"), Money(0, "USD"), ("order_1",))
    (one,) = order_rules.orders_unfunded([need], LIMITS)
    assert (one.value, one.severity, one.provider) == ("4.50 USD", Severity.CRITICAL, "zendit")
    assert one.text == "zendit/default: 3 paid orders waiting for 4.50 USD in the wallet (`cardctl esim balance`)"
    (more,) = order_rules.orders_unfunded([replace(need, needed=Money(900, "USD"), reserved=Money(150, "USD"))], LIMITS)
    assert "beside 1.50 USD that others have spoken for" in more.text
    assert more.fingerprint == one.fingerprint, "however much it is"


@pytest.mark.parametrize(("wrong", "of", "fires"), [(1, 20, False), (2, 39, True), (9, 9, False), (1, 10, True)])
def test_too_few_orders_became_esims(wrong: int, of: int, fires: bool) -> None:
    assert bool(fired(order_rules.order_success([Share(P, wrong, of)], LIMITS))) is fires


@pytest.mark.parametrize(
    ("apart", "there", "value"),
    [
        (100, 10_000, None),
        (101, 10_000, "1.0 %"),
        (-101, 10_000, "1.0 %"),
        (0, 0, None),
        (1, 0, "all of it"),
        (2, -100, "2.0 %"),
    ],
)
def test_balance_drift_is_over_its_share_of_the_providers_balance(apart: int, there: int, value: str | None) -> None:
    assert fired(rules.balance_drift([drift(apart, there)], LIMITS)) == ([("balance_drift", value)] if value else [])


def test_two_currencies_of_a_programme_are_two_alerts() -> None:
    both = [drift(500), replace(drift(700), currency="EUR")]
    found = list(rules.balance_drift(both, LIMITS))
    assert [each.subject for each in found] == ["USD", "EUR"]
    assert len({each.fingerprint for each in found}) == 2
    assert found[0].text == "our books of stripe/acct_1 say 105.00 USD, the provider 100.00 USD"


def test_critical_breaks_are_one_alert_to_a_type() -> None:
    found = list(
        rules.breaks_critical([Stuck(P, 1, ("brk_1",), "balance"), Stuck(P, 2, ("brk_2", "brk_3"), "float_low")], LIMITS)
    )
    assert [(each.subject, each.value, each.evidence) for each in found] == [
        ("balance", "1", {"breaks": ["brk_1"]}),
        ("float_low", "2", {"breaks": ["brk_2", "brk_3"]}),
    ]
    assert "2 critical float_low breaks" in found[1].text


@pytest.mark.parametrize(("hours", "seconds", "fires"), [(36, 0, False), (36, 1, True)])
def test_the_last_reconcile_is_too_old_after_its_hours(hours: int, seconds: int, fires: bool) -> None:
    since = NOW - timedelta(hours=hours, seconds=seconds)
    assert bool(fired(rules.reconcile_old((since - timedelta(days=9), since), NOW, LIMITS))) is fires
    assert bool(fired(rules.reconcile_old((since, None), NOW, LIMITS))) is fires


def test_no_reconcile_at_all_is_no_alert() -> None:
    assert not fired(rules.reconcile_old(None, NOW, LIMITS))


@pytest.mark.parametrize(("wrong", "of", "fires"), [(1, 20, False), (2, 39, True), (9, 9, False), (10, 10, True)])
def test_webhook_failures_are_over_their_share_of_enough_events(wrong: int, of: int, fires: bool) -> None:
    assert bool(fired(rules.webhook_failures([Share(P, wrong, of)], LIMITS))) is fires


def test_any_event_that_is_given_up_fires() -> None:
    assert fired(rules.events_failed([Stuck(P, 1, ("evt_1",))], LIMITS)) == [("events_failed", "1")]


@pytest.mark.parametrize(
    ("calls", "total", "fires"), [(10, 20_000, False), (10, 20_001, True), (9, 90_000, False), (1000, 2_000_000, False)]
)
def test_latency_is_a_mean_over_its_threshold_of_enough_calls(calls: int, total: int, fires: bool) -> None:
    assert bool(fired(rules.latency([Latency(P, calls, total)], LIMITS))) is fires


@pytest.mark.parametrize(
    ("busiest", "turned", "rate", "value"),
    [
        (1199, 0, 25, None),
        (1200, 0, 25, "80.0 %"),
        (1200, 4, None, None),
        (10, 5, None, "5 x 429"),
        (10, 4, 25, None),
        (1200, 5, 25, "80.0 %"),
    ],
)
def test_the_rate_limit_is_nearly_reached(busiest: int, turned: int, rate: int | None, value: str | None) -> None:
    allowed = None if rate is None else Decimal(rate)
    found = fired(rules.rate_limit([Load(P, busiest, turned)], lambda _programme: allowed, LIMITS))
    assert found == ([("rate_limit", value)] if value else [])


@pytest.mark.parametrize(
    ("unknown", "forbidden", "severity", "value"),
    [(1, 0, "critical", "1 x 401"), (0, 2, "warning", "2 x 403"), (3, 1, "critical", "3 x 401, 1 x 403")],
)
def test_one_refused_key_fires(unknown: int, forbidden: int, severity: str, value: str) -> None:
    (found,) = rules.keys_refused([Refusals(P, unknown, forbidden, ("GET /v1/balance",))], LIMITS)
    assert (found.severity, found.value, found.evidence) == (severity, value, {"requests": ["GET /v1/balance"]})


@pytest.mark.parametrize(
    ("wrong", "of", "fires"), [(1, 100, False), (2, 100, True), (1, 99, True), (9, 9, False), (0, 10, False)]
)
def test_card_creation_is_under_its_share_of_enough_cards(wrong: int, of: int, fires: bool) -> None:
    assert bool(fired(rules.card_creation([Share(P, wrong, of)], LIMITS))) is fires


def test_any_operation_in_doubt_fires() -> None:
    (found,) = rules.operations_in_doubt([Stuck(P, 1, ("op_1",))], LIMITS)
    assert (found.severity, found.evidence) == (Severity.CRITICAL, {"operations": ["op_1"]})


@pytest.mark.parametrize(
    ("today", "before", "fires"),
    [
        (5, [0] * 14, True),
        (4, [0] * 14, False),
        (10, [10] * 14, False),
        (11, [10] * 14, True),
        # mean 10, sigma 2: 16 is exactly the mean and three of it
        (16, [8, 12] * 7, False),
        (17, [8, 12] * 7, True),
        (5, [50] * 14, False),
    ],
)
def test_frozen_cards_are_over_mean_and_sigmas(today: int, before: list[int], fires: bool) -> None:
    assert bool(fired(rules.frozen_cards([Freezes(P, (today, *before))], LIMITS))) is fires


def test_a_frozen_card_is_an_alert_of_its_own() -> None:
    (found,) = rules.card_stopped([StoppedCard("card_1", P, "4242", "frozen", NOW, "card.freeze", "ada", "lost")], LIMITS)
    assert (found.card_id, found.subject, found.severity) == ("card_1", "card_1", Severity.INFO)
    assert found.text == "the card ending in 4242 is frozen (card.freeze by ada: lost)"


def test_frozen_cards_are_told_only_where_asked() -> None:
    assert not LIMITS.watches(Rule.CARD_STOPPED)
    assert replace(LIMITS, notify_frozen=True).watches(Rule.CARD_STOPPED)
    assert not replace(LIMITS, notify_frozen=True, actions={Rule.CARD_STOPPED: Action.OFF}).watches(Rule.CARD_STOPPED)


def test_velocity_is_so_many_purchases_within_the_minutes() -> None:
    limits = replace(LIMITS, velocity_purchases=3, velocity_minutes=10)
    assert fired(spending.velocity(moments(0, 5, 10), limits)) == [("velocity", "3")]
    assert not fired(spending.velocity(moments(0, 5, Decimal("10.02")), limits))
    assert not fired(spending.velocity(moments(0, 5), limits))


def test_velocity_names_the_densest_stretch_and_is_one_alert_to_a_card() -> None:
    limits = replace(LIMITS, velocity_purchases=2, velocity_minutes=1)
    many = [*moments(0, 0, 10, 10, 10, 60), *moments(3, 4, card="card_2"), *moments(1, 9, card="card_3")]
    found = list(spending.velocity(many, limits))
    assert [(each.card_id, each.value) for each in found] == [("card_1", "3"), ("card_2", "2")]
    assert found[0].evidence == {"transactions": ["txn_2", "txn_3", "txn_4"]}


def test_a_long_burst_names_ten() -> None:
    (found,) = spending.velocity(moments(*[0] * 5000), LIMITS)
    assert found.value == "5000"
    assert len(found.evidence["transactions"]) == 10


def test_declines_within_the_hour() -> None:
    assert fired(spending.declines(moments(0, 10, 20, 30, 60), LIMITS)) == [("declines", "5")]
    assert not fired(spending.declines(moments(0, 10, 20, 30, 61), LIMITS))


PAST = [purchase(ago=99)] * 5


@pytest.mark.parametrize(("minor", "before", "fires"), [(5000, 5, False), (5001, 5, True), (5001, 4, False)])
def test_an_amount_is_over_so_many_times_the_mean_of_enough_purchases(minor: int, before: int, fires: bool) -> None:
    found = outlying(*PAST[:before], purchase(minor))
    assert fired(iter(found)) == ([("amount", "50.01 USD")] if fires else [])


def test_the_mean_is_exact() -> None:
    """Five times 11.5 is 57.5: a whole number would be 55, or 60."""
    past = [purchase(minor, ago=99) for minor in (11, 12) * 3]
    assert outlying(*past, purchase(57)) == []
    assert len(outlying(*past, purchase(58))) == 1


def test_a_purchase_is_beside_what_was_before_it_and_of_its_own_currency() -> None:
    assert outlying(*PAST, purchase(9, currency="JPY"), purchase(90_000, currency="JPY")) == []
    assert outlying(purchase(5001), *[purchase()] * 5) == []
    assert outlying(*PAST, purchase(9000, ago=25), purchase()) == [], "too long ago to be told"
    assert outlying(*[purchase(ago=99, card="card_2")] * 5, purchase(9000)) == [], "another card's past"
    assert len(outlying(*[purchase(2**53 - 1, ago=99)] * 9, *[purchase(100, ago=50)] * 50, purchase(501))) == 1, (
        "the last fifty"
    )


def test_the_largest_amount_is_the_one_that_is_told() -> None:
    (found,) = outlying(*PAST, purchase(9000), purchase(12_000), purchase(6000))
    assert (found.value, found.evidence) == ("120.00 USD", {"transactions": ["txn_12000"]})
    assert found.text == "a purchase of 120.00 USD at Cafe; this card's last 6 come to 23.33 USD on average"


@pytest.mark.parametrize(("past", "found"), [(4, []), (5, [("new_category", "gambling"), ("new_country", "FR")])])
def test_what_a_card_never_had_is_new_once_it_has_a_past(past: int, found: list[tuple[str, str]]) -> None:
    new = purchase(category="gambling", country="FR")
    assert fired(iter(outlying(*PAST[:past], new, new))) == found
    assert outlying(*PAST, replace(new, at=NOW - timedelta(hours=25)), new) == [], "it was seen before"


def test_what_is_not_told_is_not_new() -> None:
    assert outlying(*PAST, purchase(category=None, country=None)) == []


def test_two_new_countries_are_two_alerts() -> None:
    found = outlying(*PAST, purchase(country="FR"), purchase(country="GB"))
    assert len({each.fingerprint for each in found}) == 2


def test_what_is_off_is_not_told() -> None:
    off = replace(LIMITS, actions=dict.fromkeys((Rule.AMOUNT, Rule.NEW_CATEGORY), Action.OFF))
    assert fired(iter(outlying(*PAST, purchase(9000, category="gambling", country="FR"), limits=off))) == [
        ("new_country", "FR")
    ]


def test_every_rule_is_asked_and_every_spending_rule_can_freeze() -> None:
    asked = {*watching._RULES, *watching._OUTLYING}
    assert asked == {*Rule}
    assert {Rule.VELOCITY, Rule.DECLINES, *watching._OUTLYING} == SPENDING


def test_a_fingerprint_stays_and_is_made_of_what_it_is_about() -> None:
    one = Fired(Rule.LATENCY, Severity.WARNING, P, "stripe", "calls", "text", "1", "2")
    assert one.fingerprint == replace(one, text="other", value="9", severity=Severity.INFO).fingerprint
    assert one.fingerprint == "alr_206e2dbe76303b830bd6"  # those in the books were made so
    others = [replace(one, rule=Rule.DECLINES), replace(one, programme="stripe/acct_2"), replace(one, subject="other")]
    assert len({each.fingerprint for each in (one, *others)}) == 4
