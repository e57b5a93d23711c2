"""What a provider does for phones' wallets: the capability protocols; what a wallet asks is handed on, and not read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from cardctl.domain.cards import WalletEligibility


@runtime_checkable
class ProvisionsWallets(Protocol):
    """Says whether a card may go into a phone's wallet."""

    def wallet_eligibility(self, ref: str) -> tuple[WalletEligibility, ...]: ...


@runtime_checkable
class RelaysWallets(Protocol):
    """Hands what a phone's wallet asks of the issuer on to the provider, and its answer back. `wallet`: "apple" or "google"."""

    def relay_wallet(self, ref: str, wallet: str, asked: Mapping[str, Any]) -> dict[str, Any]: ...
