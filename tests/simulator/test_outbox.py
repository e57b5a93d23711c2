"""The outbox: told with the effect or not at all, each thing as it was then, and nothing that nobody did."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.simulator import schema
from cardctl.simulator.books import FarSide
from cardctl.simulator.control import Control
from cardctl.simulator.rows import change, insert
from cardctl.simulator.telling import tell
from tests.simulator.stranger import CARDS, HOLDERS, TEST_AUTHORIZATIONS, TEST_TRANSACTIONS, Stranger, limits

FIVE = Money(500, "USD")
EVENTS = "/v1/events"


def told(one: Stranger, **query: Any) -> list[dict[str, Any]]:
    """What Stripe told, oldest first."""
    return list(one.seen(EVENTS, limit=100, **query)["data"][::-1])


def kinds(one: Stranger) -> list[str]:
    return [event["type"].removeprefix("issuing_") for event in told(one)]


def test_a_purchase_is_told_step_by_step_as_it_was_then(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    before = control.last_told()
    bought = control.swipe(card, FIVE)
    assert kinds(stranger) == [
        "cardholder.created",
        "card.created",
        "authorization.created",
        "transaction.created",
        "authorization.updated",
    ]
    created, taken, updated = (event["data"] for event in told(stranger)[2:])
    assert (created["object"]["status"], created["object"]["transactions"]) == ("pending", [])
    assert "previous_attributes" not in created
    assert (taken["object"]["id"], taken["object"]["amount"]) == (bought.transaction_ref, -500)
    assert updated["object"]["status"] == "closed"
    assert [one["id"] for one in updated["object"]["transactions"]] == [bought.transaction_ref]
    assert updated["previous_attributes"] == {"status": "pending", "transactions": []}
    assert control.last_told() == before + 3


def test_a_decline_is_told_once(stranger: Stranger, control: Control) -> None:
    declined = control.swipe(stranger.card(**limits(all_time=1)), FIVE)
    (event,) = told(stranger, type="issuing_authorization.*")
    assert (event["type"], event["data"]["object"]["id"]) == ("issuing_authorization.created", declined.authorization_ref)
    assert event["data"]["object"]["approved"] is False


def test_a_request_is_named_in_what_it_caused(stranger: Stranger) -> None:
    reply = stranger.post(
        HOLDERS,
        {"name": "X", **{f"billing[address][{name}]": "US" for name in ("line1", "city", "postal_code", "country")}},
        key="once",
    )
    assert reply.status_code == 200
    (event,) = told(stranger)
    assert event["request"] == {"id": reply.headers["request-id"], "idempotency_key": "once"}
    assert event["created"] == reply.json()["created"]
    assert (event["livemode"], event["api_version"], event["data"]) == (False, "2026-10-28.endive", {"object": reply.json()})


def test_what_staff_does_is_told_by_nobody(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    before = control.last_told()
    control.edit(card, {"status": "inactive"})
    control.edit("stripe", {"float.USD": "5"})
    assert control.last_told() == before
    stranger.done(f"{CARDS}/{card}", {"metadata[a]": "b"})
    assert told(stranger)[-1]["data"]["previous_attributes"] == {"metadata": {"a": None}}


def test_refusals_replays_and_what_is_the_same_are_not_told(stranger: Stranger, control: Control) -> None:
    card = stranger.card()
    first = stranger.post(f"{CARDS}/{card}", {"status": "inactive"}, key="once")
    before = control.last_told()
    again = stranger.post(f"{CARDS}/{card}", {"status": "inactive"}, key="once")
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    stranger.done(f"{CARDS}/{card}", {"status": "inactive"})
    stranger.refused(f"{CARDS}/{card}", {"cancellation_reason": "lost"})
    stranger.refused(f"{TEST_AUTHORIZATIONS}/iauth_none/capture", status=404)
    stranger.seen(CARDS)
    assert control.last_told() == before


def test_an_effect_that_is_taken_back_is_not_told(stranger: Stranger, control: Control) -> None:
    """What cannot be expanded is found out when the change is made: its savepoint takes it back."""
    card = stranger.card()
    before = control.last_told()
    stranger.refused(f"{CARDS}/{card}", {"metadata[a]": "b", "expand[]": "colour"})
    assert stranger.seen(f"{CARDS}/{card}")["metadata"] == {}
    control.fault("500-saved")
    assert stranger.post(HOLDERS, {"name": "X"}, key="spoilt").status_code in (400, 500)
    assert control.last_told() == before
    control.clear_faults()
    control.fault("500-after-commit")
    stranger.refused(f"{TEST_TRANSACTIONS}/create_unlinked_refund", {"card": card, "amount": "5"}, status=500)
    assert [event["type"] for event in told(stranger)[before:]] == ["issuing_transaction.created"]


def holder(ref: str) -> dict[str, Any]:
    empty: dict[str, Any] = {"billing": {"address": {}}, "requirements": {}, "spending_controls": {}, "metadata": {}}
    return {"ref": ref, "type": "individual", "name": "Ada", "status": "active", **empty}


def test_savepoints(path: Path, stranger: Stranger) -> None:
    far_side = FarSide(path)
    with far_side.transaction("stripe") as desk:
        insert(desk, "holders", holder("ich_kept"))
        tell(desk)
        desk.db.execute("SAVEPOINT one")
        insert(desk, "holders", holder("ich_gone"))
        tell(desk)
        change(desk, "holders", "ich_kept", {"name": "Eve"})
        desk.db.execute("ROLLBACK TO one")
    far_side.close()
    assert [(event["type"], event["data"]["object"]["id"]) for event in told(stranger)] == [
        ("issuing_cardholder.created", "ich_kept")
    ]


def test_a_transaction_that_fails_tells_nothing(path: Path, control: Control) -> None:
    far_side = FarSide(path)

    def fail() -> None:
        with far_side.transaction("stripe") as desk:
            insert(desk, "holders", holder("ich_gone"))
            tell(desk)
            insert(desk, "holders", holder("ich_gone"))

    with pytest.raises(sqlite3.IntegrityError):
        fail()
    with far_side.transaction("stripe") as desk:
        desk.db.execute("DELETE FROM faults")
    far_side.close()
    assert control.last_told() == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from cardctl.simulator import schema
from cardctl.simulator.books import FarSide
from tests.simulator.test_outbox import holder
from cardctl.simulator.rows import insert
class Dying(FarSide):
    def _commit(self, db):
        if db.in_transaction and armed:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._commit(db)
armed = False
far = Dying(Path(sys.argv[1]))
for number in range(3):
    armed = number == 2
    with far.transaction("stripe") as desk:
        insert(desk, "holders", holder(f"ich_{number}"))
"""


def test_a_killed_bank_has_told_what_it_did_and_no_more(path: Path, stranger: Stranger) -> None:
    root = str(Path(__file__).parent.parent.parent)
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], env={**os.environ, "PYTHONPATH": root}, check=False)
    assert done.returncode == -signal.SIGKILL
    there = {one["id"] for one in stranger.seen(HOLDERS)["data"]}
    assert {event["data"]["object"]["id"] for event in told(stranger)} == there == {"ich_0", "ich_1"}


def test_a_stale_read_tells_nothing_and_sees_what_was_told(stranger: Stranger, control: Control) -> None:
    stranger.card()
    before = control.last_told()
    control.fault("stale-read")
    stranger.seen(CARDS)
    assert control.last_told() == before


def test_a_reset_forgets_what_was_told(stranger: Stranger, control: Control) -> None:
    stranger.card()
    last = control.last_told()
    control.reset()
    assert told(stranger) == []
    stranger.holder()
    assert control.last_told() > last


def test_an_older_file_begins_to_tell(path: Path) -> None:
    """A file of the second version, with its triggers, gets what it lacks and keeps what it has."""
    path.parent.mkdir()
    db = sqlite3.connect(path, isolation_level=None)
    for statement in (*schema.STATEMENTS, *schema.ADDED[2]):
        db.execute(statement)
    for table in ("transactions", "cards"):
        db.execute(f"CREATE TRIGGER undo_insert_{table} AFTER INSERT ON {table} BEGIN SELECT 1; END")
    db.execute("INSERT INTO floats VALUES ('stripe', 'issuing', 'usd', 5)")
    db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    db.execute("PRAGMA user_version = 2")
    db.close()
    with Stranger(path) as one:
        assert one.balance() == 5
        one.done(f"{TEST_TRANSACTIONS}/create_unlinked_refund", {"card": one.card(), "amount": "5"})
        assert kinds(one) == ["cardholder.created", "card.created", "transaction.created"]


def test_events_of_a_top_up_and_of_a_verdict_on_a_holder(stranger: Stranger, control: Control) -> None:
    holder_ref = stranger.holder()
    stranger.done("/v1/topups", {"amount": "5", "currency": "usd", "destination_balance": "issuing"})
    control.set_kyc(holder_ref, "rejected")
    assert kinds(stranger) == ["cardholder.created", "topup.created", "topup.succeeded", "cardholder.updated"]
    assert told(stranger)[-1]["data"]["previous_attributes"] == {"requirements": {"disabled_reason": None}}


def test_events_are_found_by_type_time_and_success(stranger: Stranger, control: Control) -> None:
    control.swipe(stranger.card(), FIVE)
    events = told(stranger)
    assert [one["id"] for one in told(stranger, type="issuing_card*")] == [events[0]["id"], events[1]["id"]]
    assert [one["type"] for one in told(stranger, type="*.updated")] == ["issuing_authorization.updated"]
    some = told(stranger, **{"types[]": ["issuing_card.created", "issuing_transaction.created"]})
    assert some == [events[1], events[3]]
    pages = [stranger.seen(EVENTS, limit=2)]
    while pages[-1]["has_more"]:
        pages.append(stranger.seen(EVENTS, limit=2, starting_after=pages[-1]["data"][-1]["id"]))
    assert [one for page in pages for one in page["data"]] == events[::-1]
    back = stranger.seen(EVENTS, limit=2, ending_before=events[1]["id"])
    assert (back["data"], back["has_more"]) == ([events[3], events[2]], True)
    control.mark_delivered([events[0]["id"]])
    assert [one["id"] for one in told(stranger, delivery_success="true")] == [events[0]["id"]]
    assert len(told(stranger, delivery_success="false")) == len(events) - 1
    stranger.done(f"{EVENTS}/{events[0]['id']}/retry", {"for_stripecli": "true"})
    assert told(stranger, delivery_success="true") == []
    assert told(stranger, **{"created[gt]": events[-1]["created"]}) == []
    for wrong in ({"type": "x", "types[]": "y"}, {"types[]": ["x"] * 21}, {"starting_after": "a", "ending_before": "b"}):
        assert stranger.get(EVENTS, **wrong).status_code == 400
    assert stranger.get(EVENTS, starting_after="evt_none").status_code in (400, 404)


def test_an_event_is_there_for_thirty_days(stranger: Stranger, control: Control) -> None:
    stranger.holder()
    (event,) = told(stranger)
    control.advance(timedelta(days=29, hours=23))
    assert stranger.seen(f"{EVENTS}/{event['id']}") == event
    control.advance(timedelta(hours=2))
    assert told(stranger) == []
    assert stranger.get(f"{EVENTS}/{event['id']}").status_code == 404


def test_webhook_endpoints(stranger: Stranger, control: Control) -> None:
    path = "/v1/webhook_endpoints"
    form = {"url": "http://127.0.0.1:1/x", "enabled_events[]": ["issuing_card.created", "topup.created"]}
    made = stranger.done(path, form)
    assert made["secret"].startswith("whsec_")
    assert (made["status"], made["object"]) == ("enabled", "webhook_endpoint")
    assert "secret" not in stranger.seen(f"{path}/{made['id']}")
    (where,) = control.registered_urls()["stripe"]
    assert (where.url, where.types) == (form["url"], tuple(form["enabled_events[]"]))
    assert where.secrets == {"stripe.webhook_secret": [made["secret"]]}
    stranger.card()
    assert [event["pending_webhooks"] for event in told(stranger)] == [0, 1]
    assert [posted.event_ids for posted in control.deliveries(to=where)] == [(told(stranger)[1]["id"],)]
    changed = stranger.done(f"{path}/{made['id']}", {"disabled": "true", "metadata[a]": "b", "enabled_events[]": "*"})
    assert (changed["status"], changed["metadata"], changed["enabled_events"]) == ("disabled", {"a": "b"}, ["*"])
    assert control.registered_urls()["stripe"] == []
    stranger.refused(path, {"url": "example.com", "enabled_events[]": "*"})
    stranger.refused(path, {"url": "http://127.0.0.1:1/x"})
    assert stranger.http.delete(f"{path}/{made['id']}").json() == {
        "id": made["id"],
        "object": "webhook_endpoint",
        "deleted": True,
    }
    assert stranger.seen(path)["data"] == []
    assert stranger.get(f"{path}/{made['id']}").status_code == 404
