"""Payments whose story Square tells oddly: a key that it knows but a list that does not, a hold that changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from cardctl.domain.operations import OperationState
from cardctl.errors import OutcomeUnknown
from cardctl.services.resuming import resume
from tests.services.selling import Selling


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
