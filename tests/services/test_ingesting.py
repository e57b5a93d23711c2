"""Files of events taken in: whatever their form, a batch at a time, durable before it is applied, and the same again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cardctl.db.events import EventFilter
from cardctl.db.quarantine import Quarantine
from cardctl.domain.events import Event, EventState, Signature
from cardctl.errors import BadFile, ProviderUnavailable, SecretMissing
from cardctl.services.deeds.inbox import Reception
from cardctl.services.desk import Desk
from cardctl.services.flows.ingesting import taking
from cardctl.services.flows.ingesting.files import LONGEST, Found, Said, found_in
from cardctl.services.flows.ingesting.taking import How, ingest
from cardctl.simulator.delivering import to_line
from tests.db.conftest import keys_of
from tests.services.mail import reception
from tests.services.world import World, refuse, usd

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def found(text: str | bytes, provider: str = "stripe") -> list[Found]:
    data = text.encode() if isinstance(text, str) else text
    return list(found_in("file", BytesIO(data), Said(provider, NOW, {})))


def bodies(text: str | bytes) -> list[str | None]:
    """The bodies that are in a file, None where there is a fault."""
    return [one.incoming.body.decode() if one.incoming else None for one in found(text)]


def told(world: World, **wanted: Any) -> list[str]:
    """The far side's deliveries, as JSON lines."""
    return [json.dumps(to_line(posted)) for posted in world.control.deliveries(face=world.desk.provider.name, **wanted)]


@pytest.fixture
def how(world: World, tmp_path: Path) -> Callable[..., How]:
    """How the world's own programme takes files in."""
    quarantine = Quarantine(tmp_path / "quarantine.db", keys=keys_of)

    def make(desk: Callable[[Event], Desk] | None = lambda _event: world.desk, **more: Any) -> How:
        more.setdefault("reception", lambda _name: reception(world))
        return How(books=world.books, quarantine=quarantine, desk=desk, **more)

    return make


def events(world: World) -> list[Event]:
    with world.books.read() as unit:
        return list(unit.events.rows(EventFilter()))


def test_numbers_and_bytes_stay_as_they_were() -> None:
    """What is cut out of a list is written anew, with its numbers as they stood; what is whole is the very bytes."""
    item = '{"amount":12.10,"big":123456789012345678901234567890,"e":1E2}'
    assert bodies(f"[{item}]") == [item]
    assert bodies('{ "amount" : 12.10 }\n') == ['{ "amount" : 12.10 }\n']
    assert bodies('{"a":1.0}\n{ "a":2.0 }\n') == ['{"a":1.0}', '{ "a":2.0 }']
    assert bodies('{\n "a": 1.0\n}\n{\n "a": 2.0\n}') == ['{\n "a": 1.0\n}', '{\n "a": 2.0\n}']


def test_lists_of_every_kind() -> None:
    assert bodies('{"object":"list","data":[{"a":1},{"a":2}]}') == ['{"a":1}', '{"a":2}']
    assert bodies('{"data":[{"a":1}]}\n') == ['{"a":1}']
    assert bodies('{\n"schema_version":1,"success":true,\n"data":{"body":"x"}}') == ["x"]
    assert bodies('{"transactions":[{"token":"t"}]}') == ['{"transactions":[{"token":"t"}]}']  # ten to a POST are one body
    assert bodies('{"event":"virtualcard.x","data":[1]}') == ['{"event":"virtualcard.x","data":[1]}']


def test_faults_name_their_place() -> None:
    text = '\n{"body":"a"}\n\n{"body":\n[1]\n\n{"body":7}\n{"body":"b"}'
    assert [(one.line, one.fault is None) for one in found(text)] == [(2, True), (4, False), (5, False), (7, False), (8, True)]
    assert bodies('{"a":1}\n{"torn": ') == ['{"a":1}', None]
    assert bodies("[1, null]") == [None, None]
    assert bodies('\n\n{"a":1}\n\n') == ['\n\n{"a":1}\n\n']  # one raw body: the very bytes
    assert [one.line for one in found('{\n"a": 1\n}\ngarbage')] == [1, 4]


def test_what_is_hostile_is_a_fault_and_no_crash() -> None:
    for data in (
        b"\xff\xfe{}",
        b"[" * 200_000,
        b"{" + b'"a":{' * 100_000,
        b"[NaN]",
        b'{"body":"\\ud800"}',
        b"\x00",
        b"{}\x00\n{}",
    ):
        assert all(one.incoming is None or one.incoming.body for one in found(data))


def test_a_line_that_is_too_long_is_passed_over() -> None:
    lines = list(found_in("f", BytesIO(b'{"a":1}\n' + b"x" * (2 * LONGEST + 9) + b'\n{"a":2}\n'), Said("stripe", NOW, {})))
    assert [(one.line, one.fault is None) for one in lines] == [(1, True), (2, False), (3, True)]


def test_lines_are_streamed(world: World, how: Callable[..., How]) -> None:
    """No more than two batches are ever ahead of what is durable."""
    ahead = list[int]()

    def endless() -> Iterator[Found]:
        for number in range(3 * taking.BATCH):
            if number % taking.BATCH == 0:
                with world.books.read() as unit:
                    ahead.append(number - unit.events.count(EventFilter()))
            body = {"id": f"evt_{number}", "object": "event", "type": "balance.available", "livemode": False}
            yield from found(json.dumps(body))

    done = ingest(endless(), how(None))
    assert done.kept == 3 * taking.BATCH
    assert max(ahead) <= 2 * taking.BATCH
    assert len(done.events) == taking.LISTED


def test_a_file_that_was_interrupted_goes_on(world: World, how: Callable[..., How], monkeypatch: pytest.MonkeyPatch) -> None:
    card = world.a_card("100")
    for minor in (100, 200, 300):
        world.on(world.hold(card, minor), "capture")
    lines = told(world)
    monkeypatch.setattr(taking, "BATCH", 4)

    def broken() -> Iterator[Found]:
        for number, line in enumerate(lines):
            if number == 9:
                raise KeyboardInterrupt
            yield from found(line)

    with pytest.raises(KeyboardInterrupt):
        ingest(broken(), how())
    assert 4 <= len(events(world)) <= 8
    done = ingest(found("\n".join(lines)), how())
    assert done.kept + done.duplicates == len(lines)
    assert {event.state for event in events(world)} <= {EventState.APPLIED, EventState.IGNORED}
    assert world.card(card).balance == usd("94")


def test_what_cannot_be_read_now_is_left_for_later(world: World, how: Callable[..., How]) -> None:
    card = world.a_card("100")
    world.on(world.hold(card, 100), "capture")
    bare = [json.loads(line)["body"] for line in told(world)]
    world.wire.before = refuse
    done = ingest(found("\n".join(json.dumps(json.loads(body)) for body in bare)), how())
    assert done.later > 0
    assert done.failed == 0
    world.wire.before = lambda _request: None
    again = ingest(found("\n".join(json.dumps(json.loads(body)) for body in bare)), how())
    assert again.later == 0
    assert {event.state for event in events(world)} <= {EventState.APPLIED, EventState.IGNORED}


def test_a_key_that_is_missing_is_told_before_anything_is_kept(world: World, how: Callable[..., How]) -> None:
    def no_key(_event: Event) -> Desk:
        raise SecretMissing("no key")

    world.a_card("100")
    with pytest.raises(SecretMissing):
        ingest(found("\n".join(told(world))), how(no_key))
    assert events(world) == []


def test_nothing_is_an_error_and_so_is_nothing_readable(how: Callable[..., How]) -> None:
    for text in ("", "\n", "hello", '{"hello":"world"}', "<a>\n<b>\n"):
        with pytest.raises(BadFile):
            ingest(found(text), how())


def test_without_a_secret_only_what_says_so_is_taken(world: World, how: Callable[..., How]) -> None:
    world.a_card("100")
    lines = told(world)
    known = reception(world)
    empty = Reception(known.webhooks, known.programme, {}, live=False)
    with pytest.raises(SecretMissing):
        ingest(found(lines[0]), how(reception=lambda _name: empty))
    assert events(world) == []
    bare = json.dumps(json.loads(lines[0]) | {"headers": {"content-type": "application/json"}})
    assert ingest(found(bare), how(reception=lambda _name: empty)).kept == 1  # there is nothing that could be verified
    done = ingest(found("\n".join(lines)), how(reception=lambda _name: empty, unverified=True))
    assert done.kept == len(lines) - 1
    assert {event.signature for event in events(world)} == {Signature.ABSENT}


def test_a_providers_trouble_is_no_bad_line(world: World, how: Callable[..., How]) -> None:
    def down(_name: str) -> Reception:
        raise ProviderUnavailable("no answer")

    with pytest.raises(ProviderUnavailable):
        ingest(found('{"a":1}'), how(reception=down))
