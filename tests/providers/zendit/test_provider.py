"""What becomes of a purchase that was refused, or whose answer was lost: its name is looked for, and decides."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from cardctl.domain.esims import NewPurchase, PurchaseState, RemotePurchase
from cardctl.domain.operations import Draft
from cardctl.errors import BadInput, CardctlError, ProviderHasNot, ProviderRefused, ProviderUnavailable, ReplyLost, Unsupported
from cardctl.providers.base import ReportsBalance, SimulatesPurchases, capabilities, require
from cardctl.providers.paging import Source
from cardctl.providers.zendit.provider import ZenditProvider, build
from tests.providers.zendit import objects
from tests.providers.zendit.far import BUY, READ, REFUND, Far, handed, refused
from tests.providers.zendit.objects import ICCID, MARK, OFFER, REF

_GIVE_BACK = f"POST /v1/esim/purchases/{REF}/refund"
_DUPLICATE = refused(400, "DUPLICATE", "The transactionId was used before.")
_MISSING = refused(404, "NOT_FOUND")
_NO_ANSWER = (httpx.ReadTimeout("slow"), httpx.Response(500), httpx.Response(401), httpx.Response(404, text="<html></html>"))


def at(answers: dict[str, Any] | None = None, **parts: Any) -> tuple[ZenditProvider, Far]:
    far = Far(answers)
    return build(handed(far, **parts)), far


def a_purchase(provider: ZenditProvider, **told: Any) -> Draft:
    return provider.draft_purchase(NewPurchase(**{"offer_id": OFFER, "ref": REF} | told), MARK)


def test_what_it_can_do() -> None:
    assert set(capabilities(ZenditProvider)) == {
        *("sells_esims", "refunds_purchases", "keeps_wallet", "tops_up_wallet", "reports_balance"),
        *("reads_whole", "receives_webhooks"),
    }


def test_it_issues_no_cards_and_simulates_no_merchants() -> None:
    provider, _ = at()
    assert require(provider, ReportsBalance)
    with pytest.raises(Unsupported):
        require(provider, SimulatesPurchases)
    with pytest.raises(Unsupported):
        list(provider.openings(Source.CARDS, known=(), since=None))


def test_a_draft_is_the_whole_request_and_may_be_repeated() -> None:
    provider, far = at()
    draft = a_purchase(provider, iccid=ICCID)
    assert (draft.method, draft.path, draft.subject) == ("POST", "/esim/purchases", "purchase")
    assert draft.body == {"offerId": OFFER, "transactionId": REF, "iccid": ICCID}
    assert draft.repeatable
    assert provider.key_life is None
    assert far.requests == []


@pytest.mark.parametrize("ref", ["", "a b", "ünder", "x" * 101, "a/b", "a\n"])
def test_a_name_that_zendit_would_not_take_is_refused_first(ref: str) -> None:
    provider, far = at()
    with pytest.raises(BadInput):
        a_purchase(provider, ref=ref)
    assert far.requests == []


@pytest.mark.parametrize("no", [_DUPLICATE, refused(409, "CONFLICT"), refused(404, "NOT_FOUND"), refused(422, "NEW_WORD")])
@pytest.mark.parametrize("status", ["IN_PROGRESS", "DONE", "FAILED"])
def test_a_name_that_is_taken_by_the_same_purchase_is_ours(no: Any, status: str) -> None:
    """The exact code is UNCONFIRMED, so any will do."""
    provider, far = at({BUY: no, READ: objects.purchase(status)})
    told = provider.send(a_purchase(provider), MARK)
    assert isinstance(told, RemotePurchase)
    assert (told.ref, str(told.state), told.offer_id) == (REF, status.lower(), OFFER)
    assert far.calls == [BUY, READ]


@pytest.mark.parametrize(
    ("no", "kind"), [(refused(400, "INVALID_REQUEST"), ProviderRefused), (refused(404, "NOT_FOUND"), ProviderHasNot)]
)
def test_a_no_stands_where_nothing_is_there(no: Any, kind: type[CardctlError]) -> None:
    provider, far = at({BUY: no, READ: _MISSING})
    with pytest.raises(ProviderRefused) as caught:
        provider.send(a_purchase(provider), MARK)
    assert type(caught.value) is kind
    assert far.calls == [BUY, READ]


def test_a_name_that_is_taken_by_another_offer_is_said_to_be() -> None:
    provider, _ = at({BUY: _DUPLICATE, READ: objects.purchase(offerId="ESIM-DE-7D-1GB")})
    draft = a_purchase(provider)
    with pytest.raises(ProviderRefused) as caught:
        provider.send(draft, MARK)
    assert caught.value.vendor_code == "TRANSACTION_ID_TAKEN"
    assert provider.look_up(draft, MARK).happened is False, "what is there is not what was wanted"


@pytest.mark.parametrize(
    "no",
    [
        _DUPLICATE,
        refused(409, "CONFLICT"),
        refused(400, "X", "This was used already."),
        refused(400, "INVALID_REQUEST", fields={"transactionId": "must be new"}),
    ],
)
def test_a_name_that_is_said_to_be_taken_and_shows_nothing_is_a_doubt(no: Any) -> None:
    """Reading may be behind; were the no believed, the customer would get the money back, and keep the eSIM."""
    provider, _ = at({BUY: no, READ: _MISSING})
    with pytest.raises(ReplyLost, match="so far"):
        provider.send(a_purchase(provider), MARK)


@pytest.mark.parametrize("unseen", _NO_ANSWER)
def test_a_no_that_cannot_be_looked_behind_is_no_answer(unseen: Any) -> None:
    """Else a customer might get the money back, and keep the eSIM."""
    provider, _ = at({BUY: _DUPLICATE, READ: unseen})
    with pytest.raises(ReplyLost):
        provider.send(a_purchase(provider), MARK)


def test_looking_tells_what_is_there() -> None:
    provider, far = at({READ: [_MISSING, objects.purchase("PENDING"), objects.failed()]})
    draft = a_purchase(provider)
    assert provider.look_up(draft, MARK).happened is False
    pending, failed = provider.look_up(draft, MARK), provider.look_up(draft, MARK)
    assert (pending.happened, failed.happened) == (True, True)
    assert isinstance(pending.remote, RemotePurchase)
    assert isinstance(failed.remote, RemotePurchase)
    assert pending.remote.state is PurchaseState.PENDING
    assert (failed.remote.state, failed.remote.error_code) == (PurchaseState.FAILED, "INSUFFICIENT_FUNDS")
    assert far.calls == [READ] * 3


@pytest.mark.parametrize("unseen", _NO_ANSWER)
def test_looking_that_gets_no_answer_tells_nothing(unseen: Any) -> None:
    provider, _ = at({READ: unseen})
    with pytest.raises(CardctlError) as caught:
        provider.look_up(a_purchase(provider), MARK)
    assert not isinstance(caught.value, ProviderRefused)


def test_insufficient_funds_in_the_answer_itself() -> None:
    provider, _ = at({BUY: {"status": "FAILED", "transactionId": REF, "error": {"code": "INSUFFICIENT_FUNDS"}}})
    told = provider.send(a_purchase(provider), MARK)
    assert isinstance(told, RemotePurchase)
    assert (told.state, told.error_code) == (PurchaseState.FAILED, "INSUFFICIENT_FUNDS")


def test_a_refund_is_asked_for_once_without_a_body() -> None:
    provider, far = at({_GIVE_BACK: {"status": "ACCEPTED", "transactionId": "another"}})
    draft = provider.draft_purchase_refund(REF, MARK)
    told = provider.send(draft, MARK)
    assert isinstance(told, RemotePurchase)
    assert (told.ref, told.state) == (REF, PurchaseState.ACCEPTED)
    assert (far.calls, far.bodies) == ([_GIVE_BACK], [None])
    assert "content-type" not in far.requests[0].headers
    assert not draft.repeatable


def test_a_refund_that_was_refused_is_looked_for() -> None:
    there = objects.transaction(productType="REFUND", type="CREDIT", refundedTransactionId=REF)
    provider, _ = at({_GIVE_BACK: refused(400, "INVALID_REQUEST"), REFUND: [_MISSING, there, there]})
    draft = provider.draft_purchase_refund(REF, MARK)
    with pytest.raises(ProviderRefused):
        provider.send(draft, MARK)
    told = provider.send(draft, MARK)
    assert isinstance(told, RemotePurchase)
    assert told.state is PurchaseState.DONE
    entry = provider.purchase_refund(REF)
    assert (entry.product, entry.credit, entry.amount.minor) == ("REFUND", True, 150)


@pytest.mark.parametrize("told", [{}, {"status": None}])
def test_a_refund_that_is_none_is_no_answer(told: Any) -> None:
    provider, _ = at({_GIVE_BACK: told, REFUND: told})
    draft = provider.draft_purchase_refund(REF, MARK)
    with pytest.raises(ReplyLost):
        provider.send(draft, MARK)
    for ask in (lambda: provider.look_up(draft, MARK), lambda: provider.purchase_refund(REF)):
        with pytest.raises(ProviderUnavailable):
            ask()
