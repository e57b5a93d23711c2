"""Checks over real books and the simulator: told once, seen to, cleared, firing again; cards frozen, and no money moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from cardctl import runtime
from cardctl.domain.alerts import Action, Alert, AlertState, Rule, Thresholds
from cardctl.domain.cards import Card
from cardctl.domain.states import CardState, Move
from cardctl.errors import AmbiguousName, BadInput, LiveNotSaid, NotFound, StateForbids
from cardctl.services.deeds import controls
from cardctl.services.deeds.pulling import pull_transactions
from cardctl.services.flows.alerting import checking, moving, telling, watching
from cardctl.services.flows.alerting.checking import Checked
from cardctl.services.flows.alerting.watching import Message, Watch
from tests.services.world import PROGRAMMES, World, strike, usd

SPREE = Thresholds(velocity_purchases=3, actions={Rule.AMOUNT: Action.OFF})
FREEZING = replace(SPREE, actions={**SPREE.actions, Rule.VELOCITY: Action.FREEZE, Rule.DECLINES: Action.FREEZE})


@dataclass
class Office:
    """Somebody who watches a world: what he is told, and what he says. `refusing` addresses do not take it."""

    world: World
    limits: Thresholds = SPREE
    told: list[Message] = field(default_factory=list)
    refusing: list[str] = field(default_factory=list)
    taking: int = 1
    ahead: timedelta = timedelta(0)
    live: Callable[[Card], Any] | None = None

    def now(self) -> datetime:
        return runtime.now() + self.ahead

    def send(self, message: Message) -> tuple[int, list[str]]:
        if self.taking:
            self.told.append(message)
        return self.taking, list(self.refusing)

    def watch(self, **changes: Any) -> Watch:
        known = Watch(
            books=self.world.books,
            clock=self.now,
            profile="dev",
            log=self.world.desk.log,
            limits=self.limits,
            programmes=tuple(PROGRAMMES.values()),
            whole=True,
            rate=lambda _programme: Decimal(25),
            notify=self.send,
            desk_for=self.live or (lambda _card: self.world.desk),
        )
        return replace(known, **changes)

    def check(self, **changes: Any) -> Checked:
        return checking.check(self.watch(**changes))

    @property
    def person(self) -> moving.Person:
        return moving.Person(self.world.books, self.now(), "ada", "run_2")

    def alerts(self) -> list[Alert]:
        return list(moving.list_alerts(self.world.books, cleared=True))


@pytest.fixture
def office(world: World) -> Office:
    return Office(world)


def spree(world: World, count: int = 3, minor: int = 100) -> Card:
    """A card on which so much was bought just now, as the books know."""
    card = world.a_card("1000")
    for _ in range(count):
        world.hold(card, minor)
    pull_transactions(world.desk, card=card)
    return world.card(card)


def states(office: Office) -> list[str]:
    return [str(alert.state) for alert in office.alerts()]


def test_quiet_books_have_no_alert(office: Office) -> None:
    spree(office.world, 2)
    checked = office.check()
    assert (checked.alerts, checked.failed, office.told) == ([], False, [])


def test_somebody_is_told_once_however_often_it_is_found(office: Office) -> None:
    card = spree(office.world)
    for n in range(1, 4):
        checked = office.check()
        (alert,) = checked.firing
        assert (alert.occurrences, checked.notified) == (n, 1 if n == 1 else 0)
    assert alert.card_id == card.id
    assert alert.first_at < alert.last_at
    (message,) = office.told
    assert message.title == "cardctl dev: warning: velocity"
    assert message.body.splitlines() == [
        alert.text,
        "3 (fires: 3 within 10 minutes)",
        "programme: stripe/acct_1",
        f"card: {card.id}",
        f"since {alert.first_at:%Y-%m-%d %H:%M:%S} UTC, {alert.fingerprint}",
        f'cardctl alert ack {alert.fingerprint} --profile dev --reason "…"',
    ]
    lines = [(category, event) for category, event, fields in office.world.logged if fields.get("rule") == "velocity"]
    assert lines == [("security", "alert")], "one line where it began"


def test_a_dry_run_writes_and_sends_nothing(office: Office) -> None:
    office.limits = FREEZING
    card = spree(office.world)
    before = office.world.audit()
    (alert,) = checking.rehearse(office.watch()).firing
    assert alert.rule is Rule.VELOCITY
    assert (office.alerts(), office.told, office.world.card(card).state) == ([], [], CardState.ACTIVE)
    assert office.world.audit() == before


def test_what_is_acknowledged_is_quiet_until_it_ends_and_fires_again(office: Office) -> None:
    card = spree(office.world)
    (alert,) = office.check().firing
    moving.acknowledge(office.person, [alert.fingerprint[:10]], "the holder says that it was him")
    assert office.check().firing == []
    assert states(office) == ["acknowledged"]
    with office.world.books.read() as unit:
        entry = list(unit.audit.rows())[-1]
    assert (entry.action, entry.object, entry.actor, entry.reason) == (
        "alert.ack", alert.fingerprint, "ada", "the holder says that it was him",
    )  # fmt: skip
    assert (entry.before, entry.after) == ({"state": "firing"}, {"state": "acknowledged"})

    office.ahead = timedelta(hours=25)
    checked = office.check()
    assert (checked.firing, checked.cleared, states(office)) == ([], 1, ["cleared"])

    office.ahead = timedelta(0)
    (again,) = office.check().firing
    assert (again.fingerprint, again.occurrences, again.card_id) == (alert.fingerprint, 1, card.id)
    assert (again.reason, len(office.told)) == (None, 2)


def test_a_snooze_lasts_its_time_whatever_comes_and_goes(office: Office) -> None:
    spree(office.world)
    (alert,) = office.check().firing
    moved = moving.snooze(office.person, [alert.fingerprint], "a test of ours", timedelta(hours=8))
    assert moved.alerts[0].snoozed_until is not None
    assert office.check().firing == []
    office.limits = replace(SPREE, velocity_purchases=4)
    assert office.check().cleared == 0, "it ended, and may come back"
    office.limits = SPREE
    assert (office.check().firing, states(office), len(office.told)) == ([], ["snoozed"], 1)

    office.ahead = timedelta(hours=8, minutes=1)
    (again,) = office.check().firing
    assert (again.snoozed_until, len(office.told)) == (None, 2)


def test_a_snooze_that_ran_out_over_what_has_ended_is_cleared(office: Office) -> None:
    spree(office.world)
    (alert,) = office.check().firing
    moving.snooze(office.person, [alert.fingerprint], "a test of ours", timedelta(hours=1))
    office.ahead = timedelta(hours=26)
    assert office.check().cleared == 1
    assert (states(office), len(office.told)) == (["cleared"], 1)


def test_who_could_not_be_told_is_told_by_the_next_check(office: Office) -> None:
    spree(office.world)
    office.taking, office.refusing = 0, ["address 1 of notify.url (json) did not take it"]
    for _ in range(2):
        checked = office.check()
        assert (checked.failed, checked.notified, len(checked.untold)) == (True, 0, 1)
        assert [warned.code for warned in checked.warnings] == ["NOT_NOTIFIED"]
    office.taking, office.refusing = 1, []
    checked = office.check()
    assert (checked.failed, checked.notified, checked.untold) == (False, 1, [])
    assert office.check().notified == 0


def test_one_address_of_two_is_enough_and_is_said(office: Office) -> None:
    spree(office.world)
    office.refusing = ["address 2 of notify.url (mailto) did not take it"]
    checked = office.check()
    assert (checked.failed, checked.notified) == (True, 1)
    office.refusing = []
    assert (office.check().notified, len(office.told)) == (0, 1)


def test_nobody_to_tell_is_a_warning_and_no_failure(office: Office) -> None:
    spree(office.world)
    checked = office.check(notify=None)
    assert (checked.failed, len(checked.untold), [warned.code for warned in checked.warnings]) == (False, 1, ["NOBODY_TOLD"])
    assert office.check().notified == 1


def test_another_programmes_alerts_are_left_alone(office: Office) -> None:
    spree(office.world)
    office.check()
    elsewhere = {"programmes": ("marqeta/default",), "whole": False}
    assert office.check(**elsewhere).alerts == []
    assert states(office) == ["firing"]


def test_a_rule_that_is_turned_off_ends_its_alert(office: Office) -> None:
    spree(office.world)
    office.check()
    office.limits = replace(SPREE, actions={Rule.VELOCITY: Action.OFF})
    assert (office.check().cleared, states(office)) == (1, ["cleared"])


def test_a_storm_is_told_in_ten_messages(office: Office) -> None:
    (alert,) = (spree(office.world), office.check().firing)[1]
    many = [replace(alert, fingerprint=f"alr_{n:020}") for n in range(64)]
    messages = list(telling.told_in(many, "dev"))
    assert [len(some) for _, some in messages] == [1] * 9 + [55]
    last = messages[-1][0]
    assert last.title == "cardctl dev: 55 more alerts"
    assert last.body.splitlines()[-2:] == ["and 5 more", "cardctl alert list --profile dev"]
    assert [len(some) for _, some in telling.told_in(many[:10], "dev")] == [1] * 10


def test_a_message_has_no_card_number(office: Office) -> None:
    (alert,) = (spree(office.world), office.check().firing)[1]
    body = telling.one(replace(alert, text="at 4242424242424242 Street\n\x1b[2J"), "dev").body
    assert "4242424242424242" not in body
    assert "\x1b" not in body


def test_a_fraud_hook_freezes_the_card_audited_and_moves_no_money(office: Office) -> None:
    office.limits = FREEZING
    card = spree(office.world)
    allowance, far = card.balance, office.world.far_limit(card)
    checked = office.check()
    (alert,) = checked.firing
    now = office.world.card(card)
    assert (now.state, now.balance, office.world.far(card)["status"]) == (CardState.FROZEN, allowance, "inactive")
    assert (office.world.far_limit(card), allowance) == (far, usd("997"))
    operation = office.world.operations()[0]
    assert (operation.kind, operation.target, operation.state, operation.reason) == (
        "card.freeze", card.id, "done", f"alert velocity {alert.fingerprint}",
    )  # fmt: skip
    assert (checked.frozen, alert.evidence["freeze"]) == ([card.id], [operation.id])
    assert ("card.freeze", card.id) in office.world.audit()
    assert f"freeze: {operation.id}" in office.told[0].body


def test_a_card_is_frozen_once_for_each_time_that_it_fires(office: Office) -> None:
    """Whoever looked and thawed it must not find it frozen again by the same purchases."""
    office.limits = FREEZING
    card = spree(office.world)
    office.check()
    controls.move_card(office.world.desk, office.world.card(card), Move.UNFREEZE, reason="the holder called")
    sent = len(office.world.operations())
    assert office.check().frozen == []
    assert (office.world.card(card).state, len(office.world.operations())) == (CardState.ACTIVE, sent)


def test_a_card_that_is_frozen_already_is_not_sent_for(office: Office) -> None:
    card = spree(office.world)
    controls.move_card(office.world.desk, card, Move.FREEZE, reason="lost")
    asked, office.limits = len(office.world.wire.asked), FREEZING
    (alert,) = office.check().firing
    assert (alert.evidence["freeze"], len(office.world.wire.asked)) == (["it was frozen already"], asked)


def test_a_closed_card_needs_no_freeze(office: Office) -> None:
    card = spree(office.world)
    controls.move_card(office.world.desk, card, Move.CLOSE, reason="lost")
    office.limits = FREEZING
    checked = office.check()
    assert checked.firing[0].evidence["freeze"] == ["a card that is closed needs no freeze"]
    assert not checked.failed


def test_a_freeze_that_failed_is_told_and_tried_again(office: Office) -> None:
    office.limits = FREEZING
    card = spree(office.world)
    strike(office.world, f"/v1/issuing/cards/{card.ref}", "500", times=20)
    checked = office.check()
    assert (checked.failed, checked.frozen, checked.notified) == (True, [], 1)
    assert [warned.code for warned in checked.warnings] == ["NOT_FROZEN"]
    office.world.control.clear_faults()
    checked = office.check()
    assert (checked.failed, checked.frozen, office.world.card(card).state) == (False, [card.id], CardState.FROZEN)
    rules = [message.title.rpartition(" ")[2] for message in office.told]
    assert rules == ["velocity", "operations_in_doubt"], "the freeze whose replies were all lost"


def test_live_is_frozen_only_where_that_was_said(worlds: Callable[..., World]) -> None:
    world = worlds()
    office = Office(world, limits=FREEZING)
    card = spree(world)

    def unsaid(_card: Card) -> Any:
        raise LiveNotSaid("this would write to a live programme")

    office.live = unsaid
    checked = office.check()
    assert (checked.failed, checked.frozen, len(checked.firing), checked.notified) == (True, [], 1, 1)
    assert "live" in checked.warnings[0].text
    assert world.card(card).state is CardState.ACTIVE


def test_what_was_acknowledged_is_not_frozen_any_more(office: Office) -> None:
    office.limits = FREEZING
    card = spree(office.world)
    strike(office.world, f"/v1/issuing/cards/{card.ref}", "500", times=20)
    (alert,) = office.check().firing
    office.world.control.clear_faults()
    moving.acknowledge(office.person, [alert.fingerprint], "it is us")
    assert office.check().frozen == []


def test_work_that_is_late_is_left_to_the_next_check(office: Office) -> None:
    office.limits = FREEZING
    card = spree(office.world)
    checked = checking.check(office.watch(), late=lambda: True)
    assert (len(checked.firing), checked.frozen, checked.notified) == (1, [], 0)
    checked = office.check()
    assert (checked.frozen, checked.notified) == ([card.id], 1)


def test_a_purchase_in_the_banks_future_counts_as_now(office: Office) -> None:
    office.world.control.advance(timedelta(days=8))
    spree(office.world)
    assert [alert.rule for alert in office.check().firing] == [Rule.VELOCITY]


def test_declines_fire(office: Office) -> None:
    card = office.world.a_card("1")
    for _ in range(5):
        assert not office.world.merchant.authorise(card.ref, 5000)["approved"]
    pull_transactions(office.world.desk, card=card)
    assert [alert.rule for alert in office.check().firing] == [Rule.DECLINES]


def test_a_frozen_card_is_told_where_that_is_asked_for(office: Office) -> None:
    card = spree(office.world, 1)
    controls.move_card(office.world.desk, card, Move.FREEZE, reason="lost")
    assert office.check().firing == []
    office.limits = replace(SPREE, notify_frozen=True)
    (alert,) = office.check().firing
    assert (alert.rule, alert.card_id) == (Rule.CARD_STOPPED, card.id)
    assert alert.text == f"the card ending in {card.last4} is frozen (card.freeze by tester: lost)"
    controls.move_card(office.world.desk, office.world.card(card), Move.UNFREEZE)
    assert office.check().cleared == 1


def test_it_is_the_same_on_both_databases(each_world: World) -> None:
    office = Office(each_world, limits=FREEZING)
    card = spree(each_world)
    (alert,) = office.check().firing
    assert each_world.card(card).state is CardState.FROZEN
    moving.acknowledge(office.person, [alert.fingerprint], "seen")
    assert (office.check().firing, len(office.told)) == ([], 1)
    office.ahead = timedelta(hours=25)
    assert office.check().cleared == 1


def test_people_name_what_there_is(office: Office) -> None:
    spree(office.world)
    (alert,) = office.check().firing
    moving.acknowledge(office.person, [alert.fingerprint], "seen")
    again = moving.acknowledge(office.person, [alert.fingerprint, alert.fingerprint[:12]], "seen twice")
    assert (again.already, again.alerts[0].reason, len(again.alerts)) == ([alert.fingerprint], "seen", 1)
    with pytest.raises(NotFound):
        moving.acknowledge(office.person, ["alr_00000000000000000000"], "seen")
    with pytest.raises(NotFound):
        moving.acknowledge(office.person, [alert.fingerprint[:7]], "seen")
    with pytest.raises(BadInput):
        moving.acknowledge(office.person, [alert.fingerprint], "  ")
    office.ahead = timedelta(hours=25)
    office.check()
    with pytest.raises(StateForbids):
        moving.snooze(office.person, [alert.fingerprint], "late", timedelta(hours=1))


def test_all_that_are_named_or_none(office: Office) -> None:
    for _ in range(2):
        spree(office.world)
    one, other = office.check().firing
    with pytest.raises(NotFound):
        moving.acknowledge(office.person, [one.fingerprint, other.fingerprint, "alr_nothing"], "seen")
    assert states(office) == ["firing", "firing"]
    with office.world.books.write() as unit:
        unit.alerts.save_many([replace(one, fingerprint=f"{other.fingerprint[:15]}x")])
    with pytest.raises(AmbiguousName):
        moving.acknowledge(office.person, [other.fingerprint[:15]], "seen")
    assert AlertState.FIRING in {alert.state for alert in office.alerts()}


def test_more_cards_than_one_check_tells_are_left_to_the_next(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        spree(office.world)
    assert len(office.check().firing) == 2
    monkeypatch.setattr(watching, "MOST", 1)
    checked = office.check()
    assert ([warned.code for warned in checked.warnings], checked.cleared) == (["ALERTS_CUT"], 0)
    assert states(office) == ["firing", "firing"], "what was left out may go on"
