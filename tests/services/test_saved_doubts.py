"""Payments whose story Square tells oddly: a key that it knows but a list that does not, a hold that changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from cardctl.domain.operations import OperationState
from cardctl.domain.payments import Payment
from cardctl.errors import OutcomeUnknown, ProviderRefused
from cardctl.services.deeds.capturing import capture
from cardctl.services.resuming import resume
from tests.services import mail
from tests.services.selling import Selling
from tests.services.world import usd


def answered_by(
    selling: Selling, monkeypatch: pytest.MonkeyPatch, told: Callable[[httpx.Request], httpx.Response | None]
) -> None:
    """From now on the seller's wire is answered by `told`, and by Square where that says nothing."""
    inner = selling.world.wire.handle_request
    monkeypatch.setattr(selling.world.wire, "handle_request", lambda request: told(request) or inner(request))


def test_a_charge_whose_key_was_used_stays_in_doubt_until_the_list_has_it(
    selling: Selling, monkeypatch: pytest.MonkeyPatch
) -> None:
    def behind(request: httpx.Request) -> httpx.Response | None:
        """The list does not have it yet; the key is known."""
        if request.url.path != "/v2/payments":
            return None
        used = {"category": "INVALID_REQUEST_ERROR", "code": "IDEMPOTENCY_KEY_REUSED"}
        return httpx.Response(200, json={}) if request.method == "GET" else httpx.Response(400, json={"errors": [used]})

    card = selling.save()
    selling.world.control.fault("lost-reply", times=20)
    with pytest.raises(OutcomeUnknown):
        selling.charge(card, "5", invoice="I-1")
    selling.world.control.clear_faults()
    assert selling.far.taken() == (500, 0, 0)
    with monkeypatch.context() as patch:
        answered_by(selling, patch, behind)
        (left,) = resume(selling.world.desk).left
    assert left.state is OperationState.IN_DOUBT
    with pytest.raises(OutcomeUnknown):
        selling.charge(card, "5", invoice="I-1")
    assert [one.state for one in resume(selling.world.desk).settled] == [OperationState.DONE]
    selling.charge(card, "5", invoice="I-1")
    assert selling.far.taken() == (500, 0, 0)
    selling.agree()


def test_a_part_is_captured_or_nothing_is_where_somebody_changes_the_hold_after_us(selling: Selling) -> None:
    held = selling.hold(selling.save(), "50", invoice="I-1")
    selling.world.wire.before = lambda request: _dies() if request.url.path.endswith("/complete") else None
    with pytest.raises(Killed):
        capture(selling.world.desk, held, amount=usd("42.10"))
    selling.world.wire.before = lambda _request: None
    assert selling.far.payments()[held.ref].amount == 4210
    _staff_sets(selling, held, 5000)
    (ended,) = resume(selling.world.desk).settled
    assert (ended.state, selling.far.taken()) == (OperationState.REFUSED, (0, 5000, 0))
    taken = capture(selling.world.desk, held, amount=usd("42.10")).object
    assert isinstance(taken, Payment)
    assert (taken.captured, selling.far.taken()) == (usd("42.10"), (4210, 0, 0))


def test_a_hold_that_is_changed_between_our_change_and_our_capture_is_not_captured(selling: Selling) -> None:
    held = selling.hold(selling.save(), "50", invoice="I-1")

    def meddle(request: httpx.Request) -> None:
        if request.url.path.endswith("/complete"):
            _staff_sets(selling, held, 5000)

    selling.world.wire.before = meddle
    with pytest.raises(ProviderRefused, match="has changed meanwhile"):
        capture(selling.world.desk, held, amount=usd("42.10"))
    assert selling.far.taken() == (0, 5000, 0)


def test_a_whole_capture_that_takes_another_amount_is_put_down_and_said(selling: Selling) -> None:
    held = selling.hold(selling.save(), "50", invoice="I-1")

    def meddle(request: httpx.Request) -> None:
        if request.url.path.endswith("/complete"):
            _staff_sets(selling, held, 5500)

    selling.world.wire.before = meddle
    done = capture(selling.world.desk, held)
    assert isinstance(done.object, Payment)
    assert (done.object.captured, selling.far.taken()) == (usd("55"), (5500, 0, 0))
    (warned,) = done.warnings
    assert warned.code == "AMOUNT_DIFFERS"
    assert ("55.00" in warned.text, "50.00" in warned.text) == (True, True)
    with selling.world.books.read() as unit:
        entry = list(unit.audit.rows())[-1]
    assert (entry.action, (entry.after or {})["wanted"]) == ("saved_card.capture", str(usd("50")))


@pytest.mark.parametrize("told", [True, False])
def test_a_lost_decline_that_is_sent_again_and_succeeds_is_taken_once(selling: Selling, told: bool) -> None:
    """Two payments with the same note: the one that failed, of which Square may have told, and the one that took the money."""
    card = selling.save(nonce="cnon:card-nonce-insufficient-funds")
    selling.world.wire.after = lambda request: _dies() if request.url.path == "/v2/payments" else None
    with pytest.raises(Killed):
        selling.charge(card, "5", invoice="I-1")
    selling.world.wire.after = lambda _request: None
    assert (len(selling.far.payments()), selling.far.taken()) == (1, (0, 0, 0))
    if told:
        mail.deliver(selling.world, selling.news())
    selling.world.control.edit(str(card.ref), {"declines": ""})
    (ended,) = resume(selling.world.desk).settled
    assert (ended.state, selling.far.taken()) == (OperationState.DONE, (500, 0, 0))
    mail.deliver(selling.world, selling.news())
    again = selling.charge(card, "5", invoice="I-1")
    assert (again.captured, selling.far.taken()) == (usd("5"), (500, 0, 0))
    assert sorted(one.state for one in selling.far.payments().values()) == ["COMPLETED", "FAILED"]


class Killed(BaseException):
    """The process dies here."""


def _dies() -> None:
    raise Killed


def _staff_sets(selling: Selling, held: Payment, amount: int) -> None:
    changed = {"payment": {"amount_money": {"amount": amount, "currency": "USD"}}}
    selling.far.done("PUT", f"/v2/payments/{held.ref}", {"idempotency_key": "staff", **changed})
