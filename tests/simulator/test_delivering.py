"""From the outbox to a receiver: genuine requests are believed, forgeries are not, and every fault does what it says."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.money import Money
from cardctl.errors import BadInput
from cardctl.simulator import delivering
from cardctl.simulator.control import Control
from cardctl.simulator.deliver import BATCH, KINDS, LATEST
from cardctl.simulator.delivering import Posted, to_line
from cardctl.simulator.posting import Tally, ask, deliver_to, post
from cardctl.simulator.webhook_secrets import MADE
from tests.simulator.receiving import believes, receiver
from tests.simulator.stranger import HOLDERS, Stranger, reason

FIVE = Money(500, "USD")


@pytest.fixture
def busy(control: Control, stranger: Stranger, marqeta_card: tuple[str, str], strowallet_card: tuple[str, str]) -> Control:
    """Each bank has told something: of a purchase, and of what was before."""
    for card in (stranger.card(), marqeta_card[0], strowallet_card[0]):
        assert control.swipe(card, FIVE).approved
    return control


def genuine(control: Control, posted: Posted) -> bool:
    posting = posted.posting
    return believes(posted.face, posting.headers, posting.body, posting.query, control.webhook_secrets())


def ids(plan: Iterator[Posted]) -> list[str]:
    return [one for posted in plan if not posted.forged for one in posted.event_ids]


def test_what_was_told_is_delivered_in_order_and_believed(busy: Control) -> None:
    plan = list(busy.deliveries())
    assert {posted.face for posted in plan} == {"stripe", "marqeta", "strowallet"}
    assert all(genuine(busy, posted) for posted in plan)
    assert {(posted.path, len(posted.event_ids), posted.attempt) for posted in plan} == {
        (f"/webhooks/{face}", 1, 1) for face in ("stripe", "marqeta", "strowallet")
    }
    assert ids(iter(plan)) == ids(busy.deliveries())
    first = next(posted for posted in plan if posted.face == "stripe")
    event = json.loads(first.posting.body)
    assert (event["id"], event["object"], event["type"]) == (first.event_ids[0], "event", "issuing_cardholder.created")
    assert abs(datetime.now(UTC) - first.at) < timedelta(seconds=30)


def test_what_is_asked_for(busy: Control, stranger: Stranger) -> None:
    everything = ids(busy.deliveries())
    assert ids(busy.deliveries(limit=3)) == everything[:3]
    assert {posted.face for posted in busy.deliveries(face="marqeta")} == {"marqeta"}
    last = busy.last_told()
    bought = busy.swipe(stranger.card(), FIVE)
    mine = [json.loads(posted.posting.body) for posted in busy.deliveries(since_seq=last)][2:]
    assert [event["data"]["object"]["id"] for event in mine[:2]] == [bought.authorization_ref, bought.transaction_ref]
    busy.mark_delivered(everything)
    assert len(ids(busy.deliveries())) == 5
    assert ids(busy.deliveries(event_ids=everything[:2])) == []
    assert ids(busy.deliveries(event_ids=everything[:2], undelivered=False)) == everything[:2]
    assert list(busy.deliveries(event_ids=[])) == []


def test_windows_hold_everything_once(busy: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = ids(busy.deliveries())
    monkeypatch.setattr(delivering, "WINDOW", 4)
    assert ids(busy.deliveries()) == everything
    assert ids(busy.deliveries(limit=6)) == everything[:6]
    mixed = ids(busy.deliveries(kinds=["reordered"], seed=3))
    assert mixed != everything
    assert sorted(mixed) == sorted(everything)
    assert all(set(mixed[at : at + 4]) == set(everything[at : at + 4]) for at in range(0, len(mixed), 4))


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault(busy: Control, kind: str) -> None:
    everything = ids(busy.deliveries())
    plan = list(busy.deliveries(kinds=[kind], seed=5))
    assert all(genuine(busy, posted) != posted.forged for posted in plan)
    counted = Counter(ids(iter(plan)))
    assert set(counted) <= set(everything)
    many = len(everything)
    assert counted.total() == {"duplicate": 2 * many, "dropped": many - 1}.get(kind, many)
    sizes = {posted.face: len(posted.event_ids) for posted in plan}
    assert (sizes["stripe"], sizes["strowallet"]) == (1, 1)
    ahead = [(posted.at - datetime.now(UTC)).total_seconds() for posted in plan]
    assert max(ahead) <= (LATEST if kind == "late" else 1)
    assert kind != "late" or max(ahead) > 60
    assert kind != "duplicate" or {posted.attempt for posted in plan} == {1, 2}


def test_only_marqeta_puts_events_of_one_key_together(marqeta_card: tuple[str, str], control: Control) -> None:
    card = marqeta_card[0]
    for _ in range(8):
        control.swipe(card, Money(1, "USD"))
    everything = ids(control.deliveries())
    plan = list(control.deliveries(kinds=["batched"]))
    assert ids(iter(plan)) == everything
    assert 1 < max(len(posted.event_ids) for posted in plan) <= BATCH
    for posted in plan:
        (items,) = json.loads(posted.posting.body).values()
        assert len(items) == len(posted.event_ids)


def test_forgeries_stand_beside_what_is_genuine(busy: Control) -> None:
    plan = list(busy.deliveries(kinds=["forged"], seed=1))
    false, true = ([posted for posted in plan if posted.forged is forged] for forged in (True, False))
    assert sorted(posted.event_ids for posted in false) == sorted(posted.event_ids for posted in true)
    bodies = {posted.event_ids: posted.posting.body for posted in true}
    assert {posted.posting.body == bodies[posted.event_ids] for posted in false} == {True, False}
    assert all(json.loads(posted.posting.body) for posted in false)


def test_a_rotated_secret_is_the_one_before(busy: Control) -> None:
    before = busy.webhook_secrets()
    plan = list(busy.deliveries(kinds=["rotated"]))
    now = busy.webhook_secrets()
    assert all(now[name] == [now[name][0], before[name][0]] and now[name][0] != before[name][0] for name in MADE)
    current = {name: values[:1] for name, values in now.items()}
    for posted in plan:
        posting = posted.posting
        assert believes(posted.face, posting.headers, posting.body, posting.query, before)
        alone = believes(posted.face, posting.headers, posting.body, posting.query, current)
        assert alone is (posted.face == "stripe")  # which signs with both
    assert busy.webhook_secrets() == now
    list(busy.deliveries(kinds=["rotated"]))
    assert busy.webhook_secrets() == now


def test_secrets(path: Path, control: Control) -> None:
    first = control.webhook_secrets()
    assert first.keys() == MADE.keys()
    assert all(len(values) == 1 for values in first.values())
    again = Control(path)
    assert again.webhook_secrets() == first
    again.close()
    assert all(first[f"stripe.{name}"][0].startswith("whsec_") for name in ("webhook_secret", "authorization_secret"))
    for name in ("marqeta.webhook_password", "marqeta.webhook_secret"):
        assert 20 <= len(first[name][0]) <= 50
        assert all(re.search(part, first[name][0]) for part in (r"\d", "[a-z]", "[A-Z]", r"[^\w]|_"))
    assert control.rotate_webhook_secrets()["stripe.webhook_secret"][1] == first["stripe.webhook_secret"][0]
    control.reset()
    assert not {values[0] for values in control.webhook_secrets().values()} & {values[0] for values in first.values()}


def test_faults_that_make_no_sense_are_said_at_once(control: Control) -> None:
    for wrong in ({"kinds": ["lost-reply"]}, {"rate": 2.0}):
        with pytest.raises(BadInput):
            control.deliveries(**wrong)


def test_lines_for_a_file(busy: Control) -> None:
    busy.advance(timedelta(days=3))
    lines = [to_line(posted) for posted in busy.deliveries()]
    for line, posted in zip(lines, busy.deliveries(), strict=True):
        assert (line["provider"], line["body"].encode()) == (posted.face, posted.posting.body)
        assert line["headers"] == posted.posting.headers
        assert ("query" in line) is (posted.face == "strowallet")
        moment = datetime.fromisoformat(line["received_at"])
        assert timedelta(days=2, hours=23) < moment - datetime.now(UTC) < timedelta(days=3, hours=1)
        assert json.loads(json.dumps(line)) == line


def test_a_receiver_gets_them_all(busy: Control) -> None:
    got: list[tuple[str, bool]] = []

    def answer(target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        path, _, query = target.partition("?")
        face = path.removeprefix("/webhooks/")
        got.append((face, believes(face, headers, body, query, busy.webhook_secrets())))
        return (200 if got[-1][1] else 401), b"thanks"

    accepted: list[str] = []
    progress: list[int] = []
    with receiver(answer) as url:
        tally = deliver_to(
            url,
            busy.deliveries(kinds=["forged", "reordered"]),
            workers=4,
            progress=progress.append,
            accepted=lambda posted: accepted.extend(posted.event_ids),
        )
        (one,) = busy.deliveries(limit=1)
        assert post(url, one) == 200
    everything = ids(busy.deliveries())
    many = len(everything)
    assert tally == Tally(2 * many, many, many, 0)
    assert sorted(accepted) == sorted(everything)
    assert progress == list(range(1, tally.sent + 1))
    busy.mark_delivered(accepted)
    assert list(busy.deliveries()) == []


def test_a_receiver_that_is_not_there(busy: Control) -> None:
    with receiver(lambda *_: (200, b"")) as url:
        pass
    tally = deliver_to(url, busy.deliveries(limit=3), timeout=1)
    assert (tally.sent, tally.failed) == (3, 3)
    with pytest.raises(OSError, match="refused"):
        post(url, next(iter(busy.deliveries())), 1)


ELSEWHERE = ["https://example.com/x", "http://10.0.0.1", "ftp://127.0.0.1", "127.0.0.1:80", "http://[::1", ""]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_only_this_machine_is_told(control: Control, url: str) -> None:
    with pytest.raises(BadInput):
        deliver_to(url, control.deliveries())
    with pytest.raises(BadInput):
        ask(url)


@pytest.mark.parametrize(
    ("answer", "approved", "why"),
    [
        ({"approved": True, "metadata": {"rule": "7"}}, True, "webhook_approved"),
        ({"approved": False}, False, "webhook_declined"),
        ({"approved": "perhaps"}, True, "webhook_error"),
        (None, True, "webhook_timeout"),
    ],
)
def test_whoever_decides_is_asked_first(
    stranger: Stranger, control: Control, answer: Mapping[str, Any] | None, approved: bool, why: str
) -> None:
    asked: list[Posted] = []

    def decide(posted: Posted) -> Mapping[str, Any] | None:
        asked.append(posted)
        assert stranger.seen("/v1/issuing/authorizations")["data"] == []
        return answer

    done = control.swipe(stranger.card(), FIVE, hold=True, decide=decide)
    assert (done.approved, done.reason) == (approved, why)
    (posted,) = asked
    event = json.loads(posted.posting.body)
    assert (event["type"], event["data"]["object"]["id"]) == ("issuing_authorization.request", done.authorization_ref)
    assert event["data"]["object"]["pending_request"]["amount"] == 500
    secrets = control.webhook_secrets()
    signed = {"stripe.webhook_secret": secrets["stripe.authorization_secret"]}
    assert believes("stripe", posted.posting.headers, posted.posting.body, "", signed)
    assert not genuine(control, posted)
    shown = stranger.seen(f"/v1/issuing/authorizations/{done.authorization_ref}")
    assert (shown["approved"], reason(shown)) == (approved, why)
    assert shown["metadata"] == (answer or {}).get("metadata", {})
    told = stranger.seen("/v1/events", type="issuing_authorization.*")["data"]
    assert [one["type"] for one in told] == ["issuing_authorization.created"]


def test_nobody_is_asked_about_what_the_bank_declines(
    marqeta_card: tuple[str, str], stranger: Stranger, control: Control
) -> None:
    def decide(_: Posted) -> Mapping[str, Any]:
        raise AssertionError("asked")

    before = stranger.balance()
    assert control.swipe(stranger.card(status="inactive"), FIVE, decide=decide).reason == "card_inactive"
    assert control.swipe(marqeta_card[0], FIVE, decide=decide).approved
    assert stranger.balance() == before
    assert stranger.seen(HOLDERS)["data"]


def test_a_server_that_decides(stranger: Stranger, control: Control) -> None:
    said: list[tuple[int, bytes]] = [(200, b'{"approved": false}'), (500, b""), (200, b"[]"), (200, b"nonsense"), (200, b"")]

    def answer(target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        if len(said) == 1:
            time.sleep(0.5)
        return said.pop(0)

    card = stranger.card()
    with receiver(answer) as url:
        asking = [ask(f"{url}/decide", patience) for patience in (2, 2, 2, 2, 0.1)]
        reasons = [control.swipe(card, FIVE, decide=decide).reason for decide in asking]
    assert reasons == ["webhook_declined", *["webhook_error"] * 3, "webhook_timeout"]


@pytest.mark.parametrize("seed", range(5))
def test_every_fault_at_once(busy: Control, seed: int) -> None:
    everything = ids(busy.deliveries())
    plan = list(busy.deliveries(rate=0.3, seed=seed))
    assert all(genuine(busy, posted) != posted.forged for posted in plan)
    assert set(ids(iter(plan))) <= set(everything)
    again = [(posted.event_ids, posted.attempt, posted.forged) for posted in busy.deliveries(rate=0.3, seed=seed)]
    assert again == [(posted.event_ids, posted.attempt, posted.forged) for posted in plan]


def test_what_is_late_is_signed_now_for_a_receiver_with_a_clock(busy: Control) -> None:
    everything = ids(busy.deliveries())
    plan = list(busy.deliveries(kinds=["late"], live=True))
    assert {abs((posted.at - datetime.now(UTC)).total_seconds()) < 30 for posted in plan} == {True}
    assert sorted(ids(iter(plan))) == sorted(everything) != ids(iter(plan))
