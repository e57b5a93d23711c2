"""Lists of writes: held whole before the first is sent, done side by side, and done once however often the list is run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from cardctl.config.lists import parsed_list
from cardctl.domain.accounts import AccountChange
from cardctl.domain.bulk import Verb
from cardctl.domain.cards import Card
from cardctl.domain.operations import OperationState
from cardctl.domain.states import CardState, Move
from cardctl.errors import BadFile, BadInput, BooksCorrupt, LiveNotSaid, ProviderRefused, ProviderUnavailable, ReplyLost
from cardctl.services.deeds.controls import change_account, move_card
from cardctl.services.desk import Desk
from cardctl.services.flows.bulk import working
from cardctl.services.flows.bulk.planning import Plan, plan
from cardctl.services.flows.bulk.reading import Options
from cardctl.services.flows.bulk.working import RowState, Worked, carry_out
from cardctl.sidebyside import side_by_side
from tests.services.world import World, usd

WORKERS = 8


def planned(world: World, verb: Verb, text: str, desk: Desk | None = None, **options: Any) -> Plan:
    listed = parsed_list(text.encode(), verb, "cards.csv")
    return plan(world.books, listed, lambda _: desk or world.desk, Options(**options))


def done(world: World, verb: Verb, text: str, desk: Desk | None = None, workers: int = WORKERS, **options: Any) -> Worked:
    return carry_out(planned(world, verb, text, desk, **options), workers=workers, progress=lambda _: None)


def states(worked: Worked) -> dict[str, int]:
    return {name: count for name, count in worked.counts.items() if count}


def far_cards(world: World) -> list[dict[str, Any]]:
    """Every card of the bank."""
    found: list[dict[str, Any]] = []
    while True:
        after = {"starting_after": found[-1]["id"]} if found else {}
        page = world.merchant.seen("/v1/issuing/cards", limit=100, **after)
        found += page["data"]
        if not page["has_more"]:
            return found


def allowances(world: World) -> list[int]:
    """What every card of the bank may spend in all, smallest first."""
    limits = [card["spending_controls"]["spending_limits"] for card in far_cards(world)]
    return sorted(limit["amount"] for each in limits for limit in each if limit["interval"] == "all_time")


def issue_list(count: int, *, accounts: int = 3) -> str:
    return "account,key,fund,daily\n" + "".join(f"emp-{n % accounts},k{n},{n + 1}.00,10\n" for n in range(count))


@pytest.fixture
def staff(world: World) -> World:
    """A world with three accounts, emp-0 to emp-2."""
    for n in range(3):
        world.an_account(f"Ada {n}", external_id=f"emp-{n}")
    return world


def test_every_row_becomes_a_card_with_its_money_and_limits(staff: World) -> None:
    worked = done(staff, Verb.ISSUE, issue_list(20))
    assert (states(worked), worked.stopped) == ({"done": 20}, None)
    assert allowances(staff) == [(n + 1) * 100 for n in range(20)]
    cards = [outcome.card for outcome in worked.outcomes]
    assert [card.balance.minor for card in cards if card and card.balance] == [(n + 1) * 100 for n in range(20)]
    assert {card.limits.daily.minor for card in cards if card and card.limits.daily} == {1000}
    assert staff.audit()


def test_a_second_run_makes_nothing_again_and_names_the_same_cards(staff: World) -> None:
    first = done(staff, Verb.ISSUE, issue_list(10))
    before = allowances(staff)
    again = done(staff, Verb.ISSUE, issue_list(10))
    assert [one.card and one.card.id for one in again.outcomes] == [one.card and one.card.id for one in first.outcomes]
    assert [(warned.code, count) for warned, count in again.warnings] == [("REPEATED", 10)]
    assert (allowances(staff), len(far_cards(staff))) == (before, 10)


def test_a_longer_list_does_only_what_is_new(staff: World) -> None:
    done(staff, Verb.ISSUE, issue_list(5))
    assert len(planned(staff, Verb.ISSUE, issue_list(8)).changing) == 3
    assert states(done(staff, Verb.ISSUE, issue_list(8))) == {"done": 8}
    assert allowances(staff) == [(n + 1) * 100 for n in range(8)]


def test_equal_rows_without_a_key_are_as_many_cards(staff: World) -> None:
    text = "account,fund\n" + "emp-0,5\n" * 4
    done(staff, Verb.ISSUE, text)
    done(staff, Verb.ISSUE, text)
    assert allowances(staff) == [500] * 4


def test_a_label_makes_an_equal_list_another_one(world: World) -> None:
    card = world.a_card("100")
    text = f"card,amount\n{card.id},5\n"
    for label in (None, "april", None, "april"):
        done(world, Verb.FUND, text, label=label)
    assert world.far_limit(card) == 11_000
    assert world.card(card).balance == usd("110")


def test_two_runs_at_once_make_each_card_once(staff: World) -> None:
    plans = [planned(staff, Verb.ISSUE, issue_list(12)) for _ in range(2)]
    both = side_by_side(lambda one: carry_out(one, workers=4, progress=lambda _: None), plans, workers=2)
    assert [states(worked) for _, worked in both if isinstance(worked, Worked)] == [{"done": 12}] * 2
    assert allowances(staff) == [(n + 1) * 100 for n in range(12)]


def test_all_bad_rows_are_named_before_anything_is_written(staff: World) -> None:
    staff.a_card("1", account=staff.an_account("Eve", external_id="eve"), key="travel")
    before = (len(staff.operations()), allowances(staff))
    text = (
        "account,key,currency,type,fund,daily\n"
        "emp-0,a,USD,virtual,5,\n"
        "nobody,b,USD,virtual,5,\n"
        "emp-1,c,USD,virtual,5.001,\n"
        "\n"
        "emp-1,d,XXX,virtual,5,\n"
        "emp-1,e,USD,metal,5,\n"
        "emp-0,a,USD,virtual,7,\n"
        "eve,travel,USD,virtual,5,\n"
        ",f,USD,virtual,5,\n"
        "emp-2,g,USD,virtual,0,none\n"
        "emp-2,h,USD,virtual\n"
        "emp-2,4242424242424242,USD,virtual,,\n"
    )
    with pytest.raises(BadFile) as raised:
        planned(staff, Verb.ISSUE, text)
    told = raised.value.message
    for part in (
        "line 3: no account answers to 'nobody'",
        "line 4: fund: 5.001 has more decimals than USD has (2)",
        "line 6: 'XXX' is not an ISO 4217 currency",
        "line 7: 'metal' is no type of card",
        "line 8: the same account and key as line 2",
        "has a living card 'travel' already",
        "line 10: it names no account",
        "line 11: fund: it must be more than zero",
        "line 12: it has 4 cells, the header has 6",
        "line 13: the key looks like a card number",
    ):
        assert part in told
    assert "line 2:" not in told
    assert (len(staff.operations()), allowances(staff)) == before


def test_of_very_many_bad_rows_a_hundred_are_named(world: World) -> None:
    with pytest.raises(BadFile) as raised:
        planned(world, Verb.FREEZE, "card\n" + "".join(f"ic_{n}\n" for n in range(150)))
    assert raised.value.message.count("line ") == 100
    assert raised.value.message.endswith("; and 50 more")


def test_an_account_that_gets_no_cards_is_a_bad_row(staff: World) -> None:
    with staff.books.read() as unit:
        account = unit.accounts.find("emp-1")[0]
    change_account(staff.desk, account, AccountChange(active=False))
    with pytest.raises(BadFile, match=r"line 3: .* is suspended: only an active account gets cards"):
        planned(staff, Verb.ISSUE, issue_list(3))


@pytest.mark.parametrize(
    ("verb", "rows", "fault"),
    [
        (Verb.FUND, "{closed},5,USD", "cannot fund a card that is closed"),
        (Verb.FUND, "{frozen},5,USD", "cannot fund a card that is frozen"),
        (Verb.FUND, "{active},5,EUR", "two currencies never net"),
        (Verb.FUND, "{active},5,USD\n{active_ref},6,USD", "line 3: the same card as line 2"),
        (Verb.FUND, "{active},-5,USD", "is not an amount"),
    ],
)
def test_bad_rows_of_money(world: World, verb: Verb, rows: str, fault: str) -> None:
    active, frozen, closed = (world.a_card("10") for _ in range(3))
    move_card(world.desk, frozen, Move.FREEZE)
    move_card(world.desk, closed, Move.CLOSE)
    named = rows.format(active=active.id, active_ref=active.ref, frozen=frozen.id, closed=closed.id)
    with pytest.raises(BadFile) as raised:
        planned(world, verb, f"card,amount,currency\n{named}\n")
    assert fault in raised.value.message
    assert [world.far_limit(card) for card in (active, frozen, closed)] == [1000] * 3


def test_a_closed_card_cannot_be_frozen_or_limited_by_a_list(world: World) -> None:
    card = world.a_card("10")
    move_card(world.desk, card, Move.CLOSE)
    for verb, text in ((Verb.FREEZE, f"card\n{card.id}\n"), (Verb.LIMITS, f"card,daily\n{card.id},5\n")):
        with pytest.raises(BadFile, match="line 2"):
            planned(world, verb, text)
    assert states(done(world, Verb.CLOSE, f"card\n{card.id}\n")) == {"done": 1}, "it is so already"


def test_a_prefix_never_names_a_card_to_be_closed(world: World) -> None:
    card = world.a_card("10")
    with pytest.raises(BadFile, match="no card answers"):
        planned(world, Verb.CLOSE, f"card\n{card.id[:12]}\n")
    assert states(done(world, Verb.FREEZE, f"card\n{card.id[:12]}\n")) == {"done": 1}


def test_freeze_limits_and_close_by_list(world: World) -> None:
    cards = [world.a_card("10") for _ in range(6)]
    everyone = "".join(f"{card.id}\n" for card in cards)
    assert states(done(world, Verb.FREEZE, f"card\n{everyone}", reason="audit")) == {"done": 6}
    assert {world.far(card)["status"] for card in cards} == {"inactive"}
    limits = "card,daily,weekly\n" + "".join(f"{card.id},7,\n" for card in cards)
    assert states(done(world, Verb.LIMITS, limits)) == {"done": 6}
    assert {world.far_limit(card, "daily") for card in cards} == {700}
    assert {world.far_limit(card) for card in cards} == {1000}, "every other limit stays"
    again = done(world, Verb.LIMITS, limits)
    assert [(warned.code, count) for warned, count in again.warnings] == [("ALREADY", 6)]
    assert states(done(world, Verb.LIMITS, limits.replace(",7,", ",none,"))) == {"done": 6}
    assert {world.far_limit(card, "daily") for card in cards} == {None}
    assert states(done(world, Verb.CLOSE, f"card\n{everyone}")) == {"done": 6}
    assert {world.far(card)["status"] for card in cards} == {"canceled"}


def test_one_row_that_fails_stops_no_other(world: World) -> None:
    limited, unlimited = world.a_card("10"), world.a_card(None)
    worked = done(world, Verb.FUND, f"card,amount\n{unlimited.id},5\n{limited.id},5\n")
    assert states(worked) == {"done": 1, "failed": 1}
    assert [outcome.state for outcome in worked.outcomes] == [RowState.FAILED, RowState.DONE]
    assert [error.code for error in worked.errors] == ["CARD_UNLIMITED"]
    assert (world.far_limit(limited), world.far_limit(unlimited)) == (1500, None)


def test_rows_in_doubt_are_settled_by_the_next_run(staff: World) -> None:
    """Every reply of the first creations is lost, retries included, so that nobody knows."""
    staff.control.fault("lost-reply", 12)
    worked = done(staff, Verb.ISSUE, issue_list(6), workers=1)
    assert states(worked)["in_doubt"] >= 1
    assert worked.counts["failed"] == 0
    staff.control.clear_faults()
    assert states(done(staff, Verb.ISSUE, issue_list(6))) == {"done": 6}
    assert allowances(staff) == [(n + 1) * 100 for n in range(6)]
    assert {operation.state for operation in staff.operations()} == {OperationState.DONE}


class Sending:
    """The provider with an ear at its door: `then` is called with the number of each request before it is sent."""

    def __init__(self, world: World, then: Callable[[int], None]) -> None:
        self._real = world.desk.provider
        self._then = then
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def send(self, draft: Any, key: str) -> Any:
        self.count += 1
        self._then(self.count)
        return self._real.send(draft, key)


def listening(world: World, then: Callable[[int], None]) -> Desk:
    return world.desk_with(provider=Sending(world, then))


def test_a_row_that_the_provider_refused_is_tried_anew(staff: World) -> None:
    def no(_: int) -> None:
        raise ProviderRefused("not today")

    for _ in range(2):
        refused = done(staff, Verb.ISSUE, issue_list(2), listening(staff, no))
        assert (states(refused), refused.errors[0].code) == ({"failed": 2}, "PROVIDER_REFUSED")
    assert states(done(staff, Verb.ISSUE, issue_list(2))) == {"done": 2}
    assert allowances(staff) == [100, 200]
    assert [warned.code for warned, _ in done(staff, Verb.ISSUE, issue_list(2)).warnings] == ["REPEATED"]


def test_a_provider_that_stays_away_ends_the_work(staff: World) -> None:
    def away(_: int) -> None:
        raise ProviderUnavailable("nobody answers")

    desk = listening(staff, away)
    worked = done(staff, Verb.ISSUE, issue_list(40), desk, workers=1)
    assert states(worked) == {"failed": working.PATIENCE, "not_done": 40 - working.PATIENCE}
    assert far_cards(staff) == []
    assert states(done(staff, Verb.ISSUE, issue_list(40))) == {"done": 40}
    assert allowances(staff) == [(n + 1) * 100 for n in range(40)]


def test_a_provider_that_comes_back_does_not(staff: World) -> None:
    def shaky(number: int) -> None:
        if number % working.PATIENCE:
            raise ProviderUnavailable("nobody answers")

    worked = done(staff, Verb.ISSUE, issue_list(20), listening(staff, shaky), workers=1)
    assert states(worked) == {"done": 4, "failed": 16}


@pytest.mark.parametrize("problem", [BooksCorrupt("torn"), RuntimeError("a bug")])
def test_what_no_row_could_survive_ends_the_work(staff: World, problem: Exception) -> None:
    def third(number: int) -> None:
        if number == 3:
            raise problem

    worked = done(staff, Verb.ISSUE, issue_list(20), listening(staff, third), workers=1)
    assert worked.stopped is problem
    assert states(worked) == {"done": 2, "in_doubt": 1, "not_done": 17}
    assert states(done(staff, Verb.ISSUE, issue_list(20))) == {"done": 20}
    assert allowances(staff) == [(n + 1) * 100 for n in range(20)]


def test_an_interrupt_leaves_the_rest_for_the_next_run(staff: World) -> None:
    def fifth(number: int) -> None:
        if number == 5:
            raise KeyboardInterrupt

    worked = done(staff, Verb.ISSUE, issue_list(20), listening(staff, fifth), workers=3)
    assert isinstance(worked.stopped, KeyboardInterrupt)
    assert worked.counts["not_done"] >= 10
    assert len(worked.outcomes) == 20
    assert states(done(staff, Verb.ISSUE, issue_list(20))) == {"done": 20}
    assert allowances(staff) == [(n + 1) * 100 for n in range(20)]


def test_a_torn_reply_of_a_funding_is_one_funding(world: World) -> None:
    cards = [world.a_card("10") for _ in range(4)]
    text = "card,amount\n" + "".join(f"{card.id},5\n" for card in cards)

    def lost(number: int) -> None:
        if number == 2:
            raise ReplyLost("the line went dead")

    worked = done(world, Verb.FUND, text, listening(world, lost), workers=1)
    assert states(worked) == {"done": 3, "in_doubt": 1}
    assert states(done(world, Verb.FUND, text)) == {"done": 4}
    assert [world.far_limit(card) for card in cards] == [1500] * 4
    assert Counter(event.amount.minor for card in cards for event in world.events(card)) == {1000: 4, 500: 4}


def test_a_live_programme_is_guarded_before_anything(worlds: Callable[..., World]) -> None:
    world = worlds()
    world.an_account("Ada", external_id="emp-0")

    class Live(Sending):
        environment = "live"

    desk = world.desk_with(provider=Live(world, lambda _: None))
    with pytest.raises(LiveNotSaid):
        planned(world, Verb.ISSUE, issue_list(1), desk).guard_live()


def test_a_label_that_is_a_secret_is_refused(world: World) -> None:
    with pytest.raises(BadInput, match="looks like a card number"):
        planned(world, Verb.FREEZE, "card\n", label="4242424242424242")


def test_a_freeze_waits_for_no_doubt(world: World) -> None:
    card: Card = world.a_card("10")
    world.control.fault("lost-reply", 20)
    worked = done(world, Verb.FUND, f"card,amount\n{card.id},5\n")
    assert states(worked) == {"in_doubt": 1}
    world.control.clear_faults()
    assert states(done(world, Verb.FREEZE, f"card\n{card.id}\n")) == {"done": 1}
    assert (world.far(card)["status"], world.card(card).state) == ("inactive", CardState.FROZEN)
