"""Whether a write of a card or cardholder whose reply is missing has run: by the marks that writes leave; it writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from cardctl.domain.accounts import RemoteAccount
from cardctl.domain.cards import RemoteCard
from cardctl.domain.operations import Draft
from cardctl.errors import ProviderHasNot
from cardctl.providers.base import Remote, Sighting
from cardctl.providers.stripe_issuing import translate
from cardctl.providers.stripe_issuing.wire import CARDHOLDERS, CARDS, StripeCard, StripeCardholder

if TYPE_CHECKING:
    from cardctl.providers.stripe_issuing.client import StripeIssuingClient


def look(client: StripeIssuingClient, draft: Draft, mark: str) -> Sighting:
    """What `look_up` of the provider says of such a draft."""
    if draft.path in (CARDS, CARDHOLDERS):
        return _look_for(client, draft, mark)
    try:
        remote = made_from_wire(draft, client.get(draft.path))
    except ProviderHasNot:
        return Sighting(None)
    if mark == remote.mark or (isinstance(remote, RemoteCard) and mark == remote.moved_by):
        return Sighting(True, remote)
    wanted = draft.body.get("status")
    if wanted and isinstance(remote, RemoteCard):  # a state is absolute: it is there or it is not, whoever else has written
        return Sighting(remote.word == wanted, remote)
    untouched = remote.mark == draft.before.get("mark") and _limits_as_before(draft, remote)
    return Sighting(False if untouched else None, remote)


def _look_for(client: StripeIssuingClient, draft: Draft, mark: str) -> Sighting:
    """A creation: whatever it made carries the mark."""
    pages: Iterator[list[StripeCard]] | Iterator[list[StripeCardholder]]
    if draft.path == CARDS:
        pages = client.cards(cardholder=draft.body["cardholder"])
    else:
        pages = client.cardholders(since=draft.before.get("since"))
    for page in pages:
        for wire in page:
            if (wire.get("metadata") or {}).get(translate.CREATED_BY) == mark:
                return Sighting(True, made_from_wire(draft, dict(wire)))
    return Sighting(False)


def made_from_wire(draft: Draft, wire: dict[str, Any]) -> RemoteCard | RemoteAccount:
    """What Stripe answered to such a draft."""
    if draft.subject == "card":
        return translate.card_from_wire(cast(StripeCard, wire))
    return translate.account_from_wire(cast(StripeCardholder, wire))


def _limits_as_before(draft: Draft, remote: Remote) -> bool:
    """Somebody else's change of the limits would be undone by sending our whole list late."""
    if "limits" not in draft.before:
        return True
    return bool(translate.spending_limits(cast(StripeCard, remote.raw)) == draft.before["limits"])
