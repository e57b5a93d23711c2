"""What the answers to our drafts mean, and how each is looked for where its answer was lost; nothing is written.

A name that is taken is refused, not answered with what it made; with which code is UNCONFIRMED. So whatever Zendit's no to a
purchase is, the purchase is looked for by its name before the no is believed.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, cast

from cardctl.domain.esims import TRANSACTION_ID_TAKEN, RemotePurchase
from cardctl.domain.operations import Draft
from cardctl.errors import ProviderHasNot, ProviderRefused, ProviderUnavailable, ReplyLost, SecretProblem
from cardctl.providers.base import Sighting
from cardctl.providers.zendit import translate
from cardctl.providers.zendit.client import ZenditClient
from cardctl.providers.zendit.drafting import PURCHASE_REFUND
from cardctl.providers.zendit.wire import ZenditPurchase

_TAKEN = re.compile(r"duplicate|already|unique|conflict|transaction_?id", re.IGNORECASE)
"""What is likely to be in a no to a name that is taken."""


class Answering:
    def __init__(self, client: ZenditClient) -> None:
        self._client = client

    def read(self, draft: Draft, answer: dict[str, Any]) -> RemotePurchase:
        """What a yes tells. ReplyLost where it is about something else: the request may have run."""
        ref = _ref(draft)
        try:
            if draft.subject == PURCHASE_REFUND:  # it says no more than how the refund stands
                return RemotePurchase(ref, translate.state_of(answer["status"]), {})
            remote = translate.purchase_from_wire(cast(ZenditPurchase, {"transactionId": ref, **answer}))
        except translate.STRANGE:
            raise ReplyLost(f"zendit answered with something that is no {draft.subject}; the request may have run") from None
        if remote.ref != ref:
            raise ReplyLost("zendit answered about another purchase; the request may have run")
        return remote

    def after_no(self, draft: Draft, refused: ProviderRefused) -> RemotePurchase:
        """What is there, where the no was to a repetition; else the no. ReplyLost where that cannot be seen."""
        try:
            sighting = self.look(draft)
        except (ProviderUnavailable, ProviderRefused, SecretProblem) as unseen:
            raise ReplyLost(f"{refused.message}; whether it was there before cannot be seen: {unseen.message}") from unseen
        if sighting.happened:
            return cast(RemotePurchase, sighting.remote)
        if sighting.remote is not None:
            hint = "an order's name must be its own: look at it with `cardctl esim reconcile`"
            raise ProviderRefused(
                f"zendit knows {_ref(draft)} as another purchase", hint=hint, vendor_code=TRANSACTION_ID_TAKEN
            ) from refused
        if _about_the_name(refused):
            raise ReplyLost(f"{refused.message}; and yet it shows nothing under that name (so far)") from refused
        raise refused

    def look(self, draft: Draft) -> Sighting:
        """By the name: 404 is that nothing was made. A purchase of another offer, or of another time, is not ours, though it
        has its name."""
        return self._look_for_refund(draft) if draft.subject == PURCHASE_REFUND else self._look_for_purchase(draft)

    def purchase(self, ref: str) -> RemotePurchase:
        """ProviderUnavailable where what comes is no purchase, or another one."""
        try:
            remote = translate.purchase_from_wire(self._client.purchase(ref))
        except translate.STRANGE:
            raise ProviderUnavailable("zendit answered with something that is no purchase") from None
        if remote.ref != ref:
            raise ProviderUnavailable("zendit answered about another purchase")
        return remote

    def _look_for_purchase(self, draft: Draft) -> Sighting:
        try:
            remote = self.purchase(_ref(draft))
        except ProviderHasNot:
            return Sighting(False)
        return Sighting(remote.offer_id in (None, draft.body["offerId"]) and not _is_older(draft, remote), remote)

    def _look_for_refund(self, draft: Draft) -> Sighting:
        ref = _ref(draft)
        try:
            refund = self._client.refund(ref)
            state = translate.state_of(refund["status"])
        except ProviderHasNot:
            return Sighting(False)
        except translate.STRANGE:
            raise ProviderUnavailable("zendit answered with something that is no refund") from None
        return Sighting(True, RemotePurchase(ref, state, {}))


def _is_older(draft: Draft, remote: RemotePurchase) -> bool:
    """Whether it was made before anybody wanted ours: by another shop of the same account, which calls its orders alike."""
    since = draft.before.get("not_before")
    return since is not None and remote.created_at is not None and remote.created_at < datetime.fromisoformat(since)


def _about_the_name(refused: ProviderRefused) -> bool:
    """Whether a no may mean that the name is taken, by a purchase that reading does not show yet."""
    return not isinstance(refused, ProviderHasNot) and _TAKEN.search(f"{refused.vendor_code} {refused.message}") is not None


def _ref(draft: Draft) -> str:
    """The name of the purchase that a draft is about."""
    ref: str = draft.before["purchase"] if draft.subject == PURCHASE_REFUND else draft.body["transactionId"]
    return ref
