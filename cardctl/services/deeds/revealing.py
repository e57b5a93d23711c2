"""Looking at what is kept from everybody: a card's numbers (once, audited), its wallet payload, what a wallet is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cardctl.domain.cards import Card, Credentials, WalletEligibility
from cardctl.domain.states import CardState
from cardctl.errors import StateForbids
from cardctl.providers.base import RevealsCredentials, require
from cardctl.providers.relaying import ProvisionsWallets, RelaysWallets
from cardctl.services.desk import Desk
from cardctl.services.entries import audit_change

_SIMULATED = "This is a simulated payload. Use the provider's own tokens for a real wallet."
_REAL = "Add the card from the wallet's own app; push provisioning needs a mobile app with the wallet's entitlement."


@dataclass(frozen=True, slots=True)
class WalletPayload:
    """What a phone's wallet needs to know of a card. `provisioning_token` is made up in the simulator, and None elsewhere."""

    card: Card
    provisioning_token: str | None
    instructions: str
    eligibility: tuple[WalletEligibility, ...]


def reveal(desk: Desk, card: Card, *, reason: str | None = None) -> Credentials:
    """The card's numbers, for one look; audited before they are asked for. StateForbids where the card is closed or failed."""
    if card.state in (CardState.CLOSED, CardState.FAILED):
        raise StateForbids(f"{card.id} is {card.state}: there is nothing to reveal")
    provider = require(desk.provider, RevealsCredentials)
    with desk.books.write() as unit:
        unit.audit.append(
            at=desk.clock(),
            actor=desk.actor,
            action="card.reveal",
            object=card.id,
            before={},
            after={},
            reason=reason,
            correlation_id=desk.correlation_id,
        )
    desk.log("security", "card.reveal", {"object": card.id})
    return provider.reveal(card.ref)


def wallet_payload(desk: Desk, card: Card) -> WalletPayload:
    """The wallet payload of one card: a token in the simulator, elsewhere what the provider says of eligibility."""
    if desk.provider.environment == "simulator":
        with desk.books.read() as unit:
            token = unit.cards.token(card.id)
        return WalletPayload(card, token or _token_for(desk, card), _SIMULATED, ())
    said = require(desk.provider, ProvisionsWallets).wallet_eligibility(card.ref)
    ready = ", ".join(f"{word.wallet}: {'eligible' if word.eligible else word.reason or 'not eligible'}" for word in said)
    return WalletPayload(card, None, f"{_REAL} The provider says: {ready or 'nothing'}.", said)


def relay_wallet(desk: Desk, card: Card, wallet: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Hand on to the provider what a phone's wallet asks of the issuer, and give its answer, which is for that phone alone;
    audited, kept nowhere. StateForbids unless the card is active."""
    provider = require(desk.provider, RelaysWallets)
    if card.state is not CardState.ACTIVE:
        raise StateForbids(f"{card.id} is {card.state}: only an active card goes into a wallet")
    with desk.books.write() as unit:
        audit_change(desk, unit, "card.relay_wallet", card.id, {}, {"wallet": wallet})
    desk.log("security", "card.relay_wallet", {"object": card.id, "wallet": wallet})
    return provider.relay_wallet(card.ref, wallet, asked)


def _token_for(desk: Desk, card: Card) -> str:
    """A simulated token, kept for the card: asked again, it is the same."""
    with desk.books.write() as unit:
        token = unit.cards.token(card.id)
        if token is None:
            token = desk.new_id("sim_token")
            unit.cards.set_token(card.id, token)
            told = {"provisioning_token": "***"}
            audit_change(desk, unit, "card.token", card.id, {"provisioning_token": None}, told)
    return token
