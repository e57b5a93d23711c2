"""What is normal in the life of a card and must give nothing, and each thing out of order at its very edge."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from cardctl.db.columns import moment_to_text
from cardctl.domain.breaks import Finding, Severity
from cardctl.domain.comparing.life import examine, ordinary
from cardctl.domain.comparing.sides import MoneySide, Rules
from tests.corpus.houses import HOUSES, House
from tests.corpus.sets import Corpus

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONG_AGO = timedelta(days=60)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
STRIPE = Rules("stripe", "stripe/x", NOW, fundings=False, links=True, begun=moment_to_text(NOW))
PLAIN = replace(STRIPE, links=False)
SHOP, FOOD, FUEL, HOTEL, CAR, AIR, BUS = "5999", "5812", "5542", "7011", "3351", "3000", "4111"


@dataclass
class Life:
    """Events of one card, named in their order: e1, e2, …"""

    rows: dict[str, MoneySide] = field(default_factory=dict)

    def add(
        self, kind: str, state: str, amount: int, impact: int, *, ago: timedelta = LONG_AGO, mcc: str | None = SHOP,
        shop: str | None = "Shop", parent: str | None = None, code: str | None = None, currency: str = "USD",
    ) -> Life:  # fmt: skip
        ref, at = f"e{len(self.rows) + 1}", moment_to_text(NOW - ago)
        row = MoneySide(ref, kind, state, amount, impact, currency, parent, at, shop, mcc, code, None, None, "ic_1")
        self.rows[ref] = row
        return self

    def hold(self, amount: int, held: int = 0, *, state: str | None = None, ago: timedelta = LONG_AGO, mcc: str = SHOP) -> Life:
        return self.add("authorization", state or ("approved" if held else "settled"), amount, -held, ago=ago, mcc=mcc)

    def more(self, amount: int, parent: str = "e1") -> Life:
        return self.add("authorization", "settled", amount, 0, parent=parent)

    def capture(
        self, amount: int, parent: str | None = "e1", *, ago: timedelta = LONG_AGO, shop: str = "Shop", mcc: str = SHOP,
        currency: str = "USD",
    ) -> Life:  # fmt: skip
        return self.add("settlement", "settled", amount, -amount, parent=parent, ago=ago, shop=shop, mcc=mcc, currency=currency)

    def refund(self, amount: int, parent: str | None = None, *, shop: str | None = "Shop", ago: timedelta = DAY) -> Life:
        return self.add("refund", "settled", amount, amount, parent=parent, shop=shop, ago=ago)

    def decline(self, amount: int) -> Life:
        return self.add("decline", "declined", amount, 0)

    def release(self, amount: int, parent: str = "e1", state: str = "reversed") -> Life:
        return self.add("reversal", state, 0, amount, parent=parent)

    def fee(self, amount: int, ago: timedelta = LONG_AGO) -> Life:
        return self.add("fee", "settled", amount, -amount, ago=ago)


def told(life: Life, rules: Rules = STRIPE, frozen_at: datetime | None = None) -> list[tuple[str, str]]:
    """What is a break, by type and subject."""
    return [(str(each.type), each.subject) for each in looked(life, rules, frozen_at) if not _info(each)]


def informed(life: Life, rules: Rules = STRIPE, frozen_at: datetime | None = None) -> list[tuple[str, str]]:
    """What is told as information."""
    return [(str(each.type), each.subject) for each in looked(life, rules, frozen_at) if _info(each)]


def looked(life: Life, rules: Rules, frozen_at: datetime | None) -> list[Finding]:
    return list(examine(life.rows, rules, "card_1", None if frozen_at is None else moment_to_text(frozen_at)))


def _info(finding: Finding) -> bool:
    return finding.kind.severity is Severity.INFO


WEEK, MONTH, FORTNIGHT = timedelta(days=7), timedelta(days=31), timedelta(days=14)
NORMAL = {
    "captured": Life().hold(100).capture(100),
    "captured in part": Life().hold(100).capture(1),
    "captured in parts": Life().hold(100).capture(30).capture(30).capture(40),
    "captured for nothing": Life().hold(100).capture(0),
    "a tip of 30 percent": Life().hold(10_00, mcc=FOOD).capture(13_00),
    "a tip in a second capture": Life().hold(10_00, mcc=FOOD).capture(10_00).capture(3_00),
    "a tank of 500.00": Life().hold(1_00, mcc=FUEL).capture(500_00),
    "a hotel's minibar": Life().hold(1000, mcc=HOTEL).capture(1150),
    "a hold of a week": Life().hold(100, 100, ago=WEEK),
    "a hold in a hotel, of a month": Life().hold(100, 100, ago=MONTH, mcc=HOTEL),
    "a hold for a car, of a month": Life().hold(100, 100, ago=MONTH, mcc=CAR),
    "a hold for a flight, of a month": Life().hold(100, 100, ago=MONTH, mcc=AIR),
    "a hold on a bus, of a fortnight": Life().hold(100, 100, ago=FORTNIGHT, mcc=BUS),
    "a hold that a message let go": Life().hold(100, 100).release(100),
    "a hold that two messages let go": Life().hold(100, 100).release(40).release(60, state="expired"),
    "a capture long after": Life().hold(100, mcc=HOTEL, ago=LONG_AGO).capture(100, ago=DAY),
    "reversed": Life().hold(100, state="reversed"),
    "expired": Life().hold(100, state="expired"),
    "expired, then captured": Life().hold(100, state="expired").capture(100),
    "set to zero, then captured": Life().hold(0, state="reversed").capture(100),
    "set to zero and set again, by messages": Life().hold(100).release(0).more(100).capture(100),
    "raised by messages": Life().hold(100).more(50).more(50, "e2").capture(200, "e3"),
    "declined": Life().decline(100),
    "declined, and tried again": Life().decline(100).hold(100).capture(100, "e2"),
    "refunded with its link": Life().hold(100).capture(100).refund(100, "e1"),
    "refunded with the capture's link": Life().hold(100).capture(100).refund(100, "e2"),
    "refunded without a link": Life().hold(100).capture(100).refund(100),
    "refunded in parts": Life().hold(100).capture(100).refund(60).refund(40),
    "a refund whose name is written otherwise": Life().hold(100).capture(100).refund(100, shop=" sHOP  "),
    "a refund that only its link leads home": Life().hold(100).capture(100).refund(100, "e1", shop="SHOP*REFUNDS"),
    "captured and refunded under another name": Life().hold(100).capture(100, shop="SQ *Shop").refund(100, shop="SQ *Shop"),
    "a refund with the link of a smaller purchase": (
        Life().hold(100).capture(100).hold(5).add("settlement", "settled", 5, -5, parent="e3", shop="Kiosk").refund(100, "e3")
    ),
    "a refund with a link into nothing": Life().hold(100).capture(100).refund(100, "gone"),
    "two coffees, a second apart": Life().capture(3, None, ago=DAY).capture(3, None, ago=DAY - SECOND),
    "two fees, a second apart": Life().fee(3, DAY).fee(3, DAY - SECOND),
    "two fees of nothing": Life().fee(0, DAY).fee(0, DAY),
    "equal captures that fit": Life().hold(100).capture(50, ago=DAY).capture(50, ago=DAY),
    "a chargeback": Life().hold(100).capture(100).add("chargeback", "settled", 100, 100, parent="e1"),
    "funded": Life().add("funding", "settled", 100, 100).add("withdrawal", "settled", 50, -50),
}  # fmt: skip


@pytest.mark.parametrize("name", NORMAL)
def test_what_is_normal_is_no_break(name: str) -> None:
    assert told(NORMAL[name]) == []


@pytest.mark.parametrize("name", NORMAL)
def test_what_needs_no_look_gives_nothing_when_it_is_looked_at(name: str) -> None:
    """The short cut may say too little, never too much."""
    if ordinary(NORMAL[name].rows, STRIPE):
        assert looked(NORMAL[name], STRIPE, None) == []


BROKEN: dict[str, tuple[Life, list[tuple[str, str]]]] = {
    "one cent over": (Life().hold(100).capture(101), [("over_capture", "e1")]),
    "one cent over, in parts": (Life().hold(100).capture(60).capture(41), [("over_capture", "e1")]),
    "one cent over a tip": (Life().hold(10_00, mcc=FOOD).capture(13_01), [("over_capture", "e1")]),
    "one cent over a tank": (Life().hold(1_00, mcc=FUEL).capture(500_01), [("over_capture", "e1")]),
    "one cent over the minibar": (Life().hold(1000, mcc=HOTEL).capture(1151), [("over_capture", "e1")]),
    "one cent over what messages raised": (Life().hold(100).more(50).capture(151, "e2"), [("over_capture", "e1")]),
    "over one that expired": (Life().hold(100, state="expired").capture(101), [("over_capture", "e1")]),
    "captured twice": (Life().hold(100).capture(100, ago=2 * DAY).capture(100, ago=DAY), [("transaction_duplicate", "e3")]),
    "captured twice and more": (Life().hold(100).capture(100).capture(10).capture(100), [("over_capture", "e1")]),
    "over, and equal parts do not explain it": (Life().hold(100).capture(60).capture(60), [("transaction_duplicate", "e3")]),
    "captured in nobody's name": (Life().capture(100, "gone"), [("capture_without_authorization", "e1")]),
    "declined, then settled": (Life().decline(100).capture(100), [("declined_then_settled", "e2")]),
    "declined, then settled twice": (
        Life().decline(9).capture(5).capture(4), [("declined_then_settled", "e2"), ("declined_then_settled", "e3")],
    ),
    "a second over a week": (Life().hold(100, 100, ago=WEEK + SECOND), [("authorization_stale", "e1")]),
    "a second over a month": (Life().hold(100, 100, ago=MONTH + SECOND, mcc=HOTEL), [("authorization_stale", "e1")]),
    "a second over a fortnight": (Life().hold(100, 100, ago=FORTNIGHT + SECOND, mcc=BUS), [("authorization_stale", "e1")]),
    "a rest that nobody let go": (Life().hold(100, 40).capture(60), [("authorization_stale", "e1")]),
    "a cent that messages left": (Life().hold(100, 100).release(99), [("authorization_stale", "e1")]),
    "refunded for nothing": (Life().refund(100), [("refund_without_purchase", "e1")]),
    "refunded by another shop": (Life().hold(100).capture(100).refund(100, shop="Kiosk"), [("refund_without_purchase", "e3")]),
    "refunded for a hold": (Life().hold(100, 100, ago=DAY).refund(100), [("refund_without_purchase", "e2")]),
    "refunded in another currency": (
        Life().hold(100).capture(100).add("refund", "settled", 1, 1, currency="EUR"), [("refund_without_purchase", "e3")],
    ),
    "a cent too much back": (Life().hold(100).capture(100).refund(101), [("refund_above_purchase", "e3")]),
    "a cent too much back, with the last": (
        Life().hold(100).capture(100).refund(60, ago=2 * DAY).refund(41, ago=DAY), [("refund_above_purchase", "e4")],
    ),
    "refunded twice": (
        Life().hold(100).capture(100).refund(100, ago=2 * DAY).refund(100, ago=DAY), [("transaction_duplicate", "e4")],
    ),
    "two fees in one second": (Life().fee(3, DAY).fee(3, DAY), [("transaction_duplicate", "e2")]),
    "two forced captures in one second": (
        Life().capture(3, None, ago=DAY).capture(3, None, ago=DAY), [("transaction_duplicate", "e2")],
    ),
    "a word that nobody knows": (Life().add("fee", "unknown", 3, -3), [("unknown_word", "e1")]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_out_of_order_is_told_once(name: str) -> None:
    life, truth = BROKEN[name]
    assert told(life) == truth
    assert not ordinary(life.rows, STRIPE)


@pytest.mark.parametrize("rules", [STRIPE, PLAIN], ids=["linked", "plain"])
def test_a_forced_capture_is_information_where_captures_are_linked(rules: Rules) -> None:
    life = Life().capture(100, None)
    assert told(life, rules) == []
    assert informed(life, rules) == ([("capture_without_authorization", "e1")] if rules.links else [])


@pytest.mark.parametrize(("ago", "late"), [(DAY, False), (DAY - SECOND, True)])
def test_a_capture_after_a_freeze_is_information(ago: timedelta, late: bool) -> None:
    life = Life().hold(100).capture(100, ago=ago)
    assert told(life, frozen_at=NOW - DAY) == []
    assert informed(life, frozen_at=NOW - DAY) == ([("capture_after_freeze", "e2")] if late else [])


def test_what_was_before_the_reading_is_not_missed() -> None:
    """Of what began before `since` only the end was read."""
    later = replace(STRIPE, since=moment_to_text(NOW - WEEK))
    assert told(Life().capture(100, "gone"), later) == []
    assert told(Life().refund(100), later) == []
    assert told(Life().hold(100).capture(101), later) == [("over_capture", "e1")]


def test_the_money_at_risk_is_what_is_too_much() -> None:
    [over] = looked(Life().hold(100).capture(101), STRIPE, None)
    [back] = looked(Life().hold(100).capture(100).refund(130), STRIPE, None)
    [stale] = looked(Life().hold(100, 100).release(99), STRIPE, None)
    assert [str(each.at_risk) for each in (over, back, stale)] == ["0.01 USD", "0.30 USD", "0.01 USD"]


@pytest.mark.parametrize("house", HOUSES, ids=lambda house: house.provider)
def test_the_short_cut_says_what_a_look_says(house: House) -> None:
    """Over a corpus with all its breaks."""
    short = 0
    for holder in Corpus(1, 1_200, 6_000, 200).holders(house):
        for holding in holder.holdings:
            rows = {row.ref: row for row in holding.theirs}
            if ordinary(rows, house.rules):
                short += 1
                assert list(examine(rows, house.rules, holding.id, None)) == []
    assert short > 100
