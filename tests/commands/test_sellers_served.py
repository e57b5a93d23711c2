"""Sellers with tokens of their own at one Square, over a real port: each has its customers, cards and money to itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import keyring
import pytest

from cardctl.simulator.control import Control
from tests.commands.buyers import BUYER, GOOD
from tests.commands.runner import Cardctl
from tests.contract.seller import Seller
from tests.secrets.backends import Kept
from tests.simulator.served import port

TOKEN = ("cardctl", "bolt.square.access_token")


@pytest.fixture(autouse=True)
def ring() -> Iterator[None]:
    """A keyring that works."""
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]  # keyring's own class has no types there
    Kept.entries.clear()
    yield
    Kept.entries.clear()
    keyring.set_keyring(before)


@pytest.fixture
def square(cardctl: Cardctl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Square's own file, served; `acme` has a token, `bolt` only what OAuth gave it; they share their books."""
    far_side = tmp_path / "square.db"
    with port(far_side) as server:
        table = '[profiles.{name}]\nenvironment = "sandbox"\nprovider = "square"\ndatabase = "../state/shared.db"\n'
        table += '[profiles.{name}.square]\nlocation = "L{upper}"\nbase_url = "{url}/square"\n'
        told = "".join(table.format(name=name, upper=name.upper(), url=server.base_url) for name in ("acme", "bolt"))
        file = cardctl.home / "config" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f'{told}client_id = "sandbox-sq0idb-app"\n')
        monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", "k" * 44)
        monkeypatch.setenv("CARDCTL_ACME__SQUARE_ACCESS_TOKEN", "token-of-acme")
        monkeypatch.setenv("CARDCTL_BOLT__SQUARE_CLIENT_SECRET", "secret-of-the-application")
        monkeypatch.setenv("CARDCTL_BOLT__SQUARE_REFRESH_TOKEN", "refresh-of-bolt")
        yield far_side


def save(cardctl: Cardctl, seller: str) -> str:
    ran = cardctl("saved-card", "add", "--person", BUYER, "--nonce", "-", "--profile", seller, "-o", "json", stdin=GOOD)
    assert ran.code == 0, ran
    return str(ran.data["saved_card"]["id"])


def charge(cardctl: Cardctl, seller: str, card: str, amount: str) -> None:
    words = ("--amount", amount, "--currency", "USD", "--invoice", "A-1", "--profile", seller)
    ran = cardctl("saved-card", "charge", card, *words, "-o", "json")
    assert ran.code == 0, ran


def taken(square: Path) -> list[int]:
    """What acme's customers paid, by its own word."""
    payments = Seller(square, "token-of-acme").listed("payments", location_id="LACME")
    return [one["amount_money"]["amount"] for one in payments]


def test_each_seller_has_its_own(cardctl: Cardctl, square: Path) -> None:
    here, there = save(cardctl, "acme"), save(cardctl, "bolt")
    assert taken(square) == []
    charge(cardctl, "acme", here, "5")
    charge(cardctl, "bolt", there, "7")
    assert taken(square) == [500], "what bolt took is not acme's"
    assert len(Seller(square, "token-of-acme").cards()) == 1
    for seller in ("acme", "bolt"):
        assert cardctl("reconcile", "--profile", seller).code == 0


def test_a_token_that_has_expired_is_renewed(cardctl: Cardctl, square: Path) -> None:
    card = save(cardctl, "bolt")
    first = Kept.entries[TOKEN]
    control = Control(square)
    try:
        control.advance(timedelta(days=31))
    finally:
        control.close()
    charge(cardctl, "bolt", card, "7")
    assert Kept.entries[TOKEN] not in (first, "")
    shown = cardctl("saved-card", "show", card, "--profile", "bolt", "-o", "json").data
    assert [payment["captured"]["amount"] for payment in shown["payments"]] == ["7.00"]
