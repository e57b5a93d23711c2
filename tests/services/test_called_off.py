"""A payment in doubt while two people are at it: one sends it again, the other has it cancelled, or says how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cardctl import runtime
from cardctl.domain.operations import Operation, OperationState
from cardctl.errors import OutcomeUnknown, StateForbids
from cardctl.services.calling_off import cancel
from cardctl.services.deeds.charging import PAY_DEEDS
from cardctl.services.journal import record
from cardctl.services.resuming import resume
from cardctl.services.settling import resolve
from tests.contract.seller import Seller
from tests.services.selling import Selling
from tests.services.world import World

_S = OperationState


@pytest.fixture
def seller(tmp_path: Path) -> Iterator[Selling]:
    far = Seller(tmp_path / "simulator.db")
    yield Selling(World(tmp_path, str(tmp_path / "books.db"), provider="square"), far)
    far.close()


@pytest.fixture
def other(seller: Selling, tmp_path: Path) -> World:
    """Another process on the same books."""
    return World(tmp_path, str(tmp_path / "books.db"), provider="square")


def in_doubt(seller: Selling) -> Operation:
    """A charge of 5.00 that never reached Square, as nobody knows."""
    card = seller.save()
    seller.world.control.fault("500", times=20)
    with pytest.raises(OutcomeUnknown):
        seller.charge(card, "5", invoice="I-1")
    seller.world.control.clear_faults()
    with seller.world.books.read() as unit:
        (waiting,) = unit.operations.open_for(card.id)
    return waiting


@pytest.mark.parametrize("way", ["cancel", "resolve"])
def test_what_is_being_sent_again_is_work_in_hand(seller: Selling, other: World, way: str) -> None:
    """Else the books would say that nothing was taken, and the invoice be paid a second time."""
    waiting, said = in_doubt(seller), list[str]()
    ends: dict[str, Callable[[], object]] = {
        "cancel": lambda: cancel(other.desk, waiting.id, reason="paid in cash"),
        "resolve": lambda: resolve(other.desk, waiting.id, state=_S.REFUSED, reason="not in the dashboard"),
    }

    def meanwhile(request: httpx.Request) -> None:
        if request.method == "POST" and request.url.path == "/v2/payments" and not said:
            with pytest.raises(StateForbids) as refused:
                ends[way]()
            said.append(str(refused.value))

    seller.world.wire.before = meanwhile
    (settled,) = resume(seller.world.desk, [waiting.id]).settled
    assert (settled.state, len(said), seller.far.taken()) == (_S.DONE, 1, (500, 0, 0))
    seller.world.wire.before = lambda _request: None
    with seller.world.books.read() as unit:
        card = unit.saved_cards.named(waiting.target)
    assert seller.charge(card, "5", invoice="I-1").captured.minor == 500
    assert seller.far.taken() == (500, 0, 0), "it is paid, and was not paid again"


def test_a_no_from_far_away_leaves_it_in_doubt(seller: Selling) -> None:
    """An attempt that surely did not run tells nothing of the one before."""
    waiting = in_doubt(seller)
    seller.world.control.fault("refused", times=20)
    (left,) = resume(seller.world.desk, [waiting.id]).left
    seller.world.control.clear_faults()
    assert left.state is _S.IN_DOUBT
    assert resume(seller.world.desk, [waiting.id]).left == ()
    assert seller.far.taken() == (500, 0, 0)


def test_a_cancel_waits_until_nothing_can_be_on_its_way(seller: Selling, monkeypatch: pytest.MonkeyPatch) -> None:
    """Square's cancel of a key that it does not know leaves the key free: who comes late would still be paid."""
    waiting = in_doubt(seller)
    monkeypatch.setattr(seller.world.desk.provider, "environment", "sandbox")
    desk: Any = seller.world.desk
    with pytest.raises(OutcomeUnknown, match="on its way"):
        cancel(desk, waiting.id, reason="paid in cash")
    assert [one.error_code for one in resume(desk, [waiting.id]).left] == ["CANCEL_ASKED"], "it is not sent again"
    assert seller.far.taken() == (0, 0, 0)
    later = replace(desk, clock=lambda: runtime.now() + timedelta(minutes=6))
    done = cancel(later, waiting.id, reason="paid in cash")
    assert (done.operation.state, done.operation.error_code, done.payment) == (_S.REFUSED, "CANCELED", None)


def test_what_ran_after_all_is_in_the_books(seller: Selling) -> None:
    """Whoever took it for refused: the provider's word counts."""
    waiting = in_doubt(seller)
    desk = seller.world.desk
    assert resolve(desk, waiting.id, state=_S.REFUSED, reason="not in the dashboard").state is _S.REFUSED

    assert waiting.draft is not None
    remote = desk.provider.send(waiting.draft, waiting.idempotency_key)
    done = record(desk, PAY_DEEDS[0], waiting, remote)
    assert done.operation is not None
    assert done.operation.state is _S.DONE
    seller.agree()
