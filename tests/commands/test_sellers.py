"""Several sellers side by side: each is a profile with its own token and location, and they may share one set of books."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keyring
import pytest

from cardctl.simulator.control import Control
from tests.commands.buyers import BUYER, GOOD, doubtful, far, payments
from tests.commands.runner import Cardctl, Ran
from tests.machine.processes import Processes, Wanted
from tests.secrets.backends import Kept

KEY = "db.encryption_key"
SANDBOX = """
[profiles.acme]
environment = "sandbox"
provider = "square"
[profiles.acme.square]
location = "LACME"
client_id = "sandbox-sq0idb-acme"
[profiles.bolt]
environment = "sandbox"
provider = "square"
[profiles.bolt.square]
location = "LBOLT"
"""


@pytest.fixture
def ring() -> Iterator[dict[tuple[str, str], str]]:
    """A keyring that works; its entries."""
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]  # keyring's own class has no types there
    Kept.entries.clear()
    yield Kept.entries
    Kept.entries.clear()
    keyring.set_keyring(before)


def configured(cardctl: Cardctl, text: str) -> None:
    file = cardctl.home / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def sellers(cardctl: Cardctl) -> Cardctl:
    """Two sellers, `acme` and `bolt`, whose profiles share one set of books; in the simulator each is its location."""
    configured(
        cardctl,
        "".join(
            f'[profiles.{name}]\nenvironment = "simulator"\nprovider = "square"\ndatabase = "../state/shared.db"\n'
            f'[profiles.{name}.square]\nlocation = "L{name.upper()}"\n'
            for name in ("acme", "bolt")
        ),
    )
    return cardctl


def add(cardctl: Cardctl, seller: str, person: str = BUYER) -> str:
    ran = cardctl("saved-card", "add", "--person", person, "--nonce", "-", "--profile", seller, "-o", "json", stdin=GOOD)
    assert ran.code == 0, ran
    return str(ran.data["saved_card"]["id"])


def charge(cardctl: Cardctl, seller: str, card: str, *words: str) -> Ran:
    amount = ("--amount", "5", "--currency", "USD", "--invoice", "A-1")
    return cardctl("saved-card", "charge", card, *amount, "--profile", seller, *words, "-o", "json")


def listed(cardctl: Cardctl, seller: str) -> set[tuple[str, str]]:
    cards = cardctl("saved-card", "list", "--profile", seller, "-o", "json").data
    return {(card["id"], card["person"]) for card in cards}


def test_one_person_has_a_record_with_each_seller(sellers: Cardctl) -> None:
    here, there = add(sellers, "acme"), add(sellers, "bolt")
    assert here != there
    assert listed(sellers, "acme") == listed(sellers, "bolt") == {(here, BUYER), (there, BUYER)}
    assert len(far(sellers.simulator, "cards", "ref")) == 2
    assert not (sellers.home / "state" / "books").exists(), "the books are the shared ones"
    for seller, card in (("acme", here), ("bolt", there)):
        assert charge(sellers, seller, card).code == 0
    assert payments(sellers) == [("COMPLETED", 500), ("COMPLETED", 500)]
    assert [row[0] for row in far(sellers.simulator, "payments", "location_id")] == ["LACME", "LBOLT"]
    again = charge(sellers, "bolt", there)
    assert (again.code, again.warnings) == (0, ["ALREADY"])
    assert len(payments(sellers)) == 2, "an invoice of one name is another invoice with another seller"


def test_a_persons_name_means_the_card_of_the_profiles_own_seller(sellers: Cardctl) -> None:
    add(sellers, "acme"), add(sellers, "bolt")
    ran = charge(sellers, "bolt", BUYER)
    assert ran.code == 0
    assert [row[0] for row in far(sellers.simulator, "payments", "location_id")] == ["LBOLT"]


def test_charging_through_the_wrong_profile_is_refused(sellers: Cardctl) -> None:
    card = add(sellers, "acme")
    ran = charge(sellers, "bolt", card)
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert "choose the profile of that programme" in ran.json["hint"]
    assert payments(sellers) == []
    held = sellers("saved-card", "preauth", card, "--amount", "5", "--currency", "USD", "--profile", "acme", "-o", "json").data[
        "payment"
    ]["id"]
    for verb in ("capture", "cancel", "refund"):
        ran = sellers("saved-card", verb, held, "--profile", "bolt", "-o", "json")
        assert ran.code == 6, ran
    assert payments(sellers) == [("APPROVED", 500)]


def test_a_sellers_doubt_is_not_settled_by_another(sellers: Cardctl) -> None:
    card, control = add(sellers, "acme"), Control(sellers.simulator)
    try:
        words = ("--amount", "5", "--currency", "USD", "--profile", "acme")
        waiting = doubtful(sellers, control, "saved-card", "charge", card, *words, profile="acme")
    finally:
        control.close()
    assert sellers("operation", "resume", "--profile", "bolt", "-o", "json").data["settled"] == []
    for verb in (("resume", waiting), ("resolve", waiting, "--cancel", "--reason", "no")):
        ran = sellers("operation", *verb, "--profile", "bolt", "-o", "json")
        assert (ran.code, ran.error) == (6, "REFUSED")
    assert sellers("operation", "resume", "--profile", "acme").code == 0
    assert payments(sellers) == [("COMPLETED", 500)]


# --- the key of shared books


def test_a_rotation_through_one_profile_is_the_others_too(sellers: Cardctl) -> None:
    here, there = add(sellers, "acme"), add(sellers, "bolt")
    assert sellers("secret", "rotate-key", "--profile", "acme").code == 0
    assert charge(sellers, "bolt", there).code == 0
    assert sellers("secret", "rotate-key", "--profile", "bolt").code == 0
    assert charge(sellers, "acme", here).code == 0
    keys = [file.name for file in (sellers.home / "state" / "keys").iterdir() if file.suffix != ".lock"]
    assert len(keys) == 1


def test_one_rotation_at_a_time_whoever_begins_it(sellers: Cardctl) -> None:
    """Two at once would each keep the other's key as the one before."""
    from filelock import FileLock

    add(sellers, "acme")
    (lock,) = [file.stem for file in (sellers.home / "state" / "keys").iterdir() if file.suffix == ".key"]
    with FileLock(sellers.home / "state" / "leases" / f"{lock}.rotate-key.job"):
        for seller in ("acme", "bolt"):
            ran = sellers("secret", "rotate-key", "--profile", seller, "-o", "json")
            assert (ran.code, ran.error) == (11, "BUSY")


def test_sellers_that_work_while_the_key_is_rotated(sellers: Cardctl) -> None:
    """One process saves cards, finds them by their hash and charges them over and over, while another rotates the key."""
    processes = Processes()
    try:
        add(sellers, "acme", "p0@example.com")
        work = [
            ["saved-card", "charge", "p0@example.com", "--amount", "1", "--currency", "USD", "--profile", "acme", "-o", "json"],
            ["saved-card", "sync", "p0@example.com", "--profile", "acme", "-o", "json"],
        ]
        rotate = [["secret", "rotate-key", "--profile", "bolt", "-o", "json"]]
        worked, rotated = processes.together(
            [Wanted(sellers.home, work, seconds=6, waits=True), Wanted(sellers.home, rotate, seconds=6, waits=True)]
        )
    finally:
        processes.close()
    assert {ran.code for ran in worked.runs} == {0}, [ran for ran in worked.runs if ran.code]
    assert {ran.code for ran in rotated.runs} == {0}, [ran for ran in rotated.runs if ran.code]
    assert len(rotated.runs) > 2
    charged = sum(ran.argv[1] == "charge" for ran in worked.runs)
    assert charged > 2
    assert payments(sellers) == [("COMPLETED", 100)] * charged


def test_keys_in_the_keyring_are_rotated_for_every_profile_that_has_one(
    cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch, ring: dict[tuple[str, str], str]
) -> None:
    shared = SANDBOX.replace('provider = "square"', 'provider = "square"\ndatabase = "shared.db"')
    configured(cardctl, shared)
    key = "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE="
    for seller in ("acme", "bolt"):
        ring["cardctl", f"{seller}.{KEY}"] = key
    ran = cardctl("secret", "rotate-key", "--profile", "acme", "-o", "json")
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert "bolt" in ran.json["message"]
    assert f"{KEY}_previous" in ran.json["hint"]
    assert set(ring.values()) == {key}


# --- a seller's secrets


def needed(cardctl: Cardctl, seller: str) -> dict[str, bool]:
    found = cardctl("secret", "check", "--profile", seller, "-o", "json")
    return {each["name"]: each["needed"] for each in found.data}


def test_a_seller_that_connected_by_oauth_needs_what_its_token_is_renewed_with(
    cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured(cardctl, SANDBOX)
    assert needed(cardctl, "acme") == {
        "square.client_secret": True,
        "square.refresh_token": True,
        KEY: True,
        "square.access_token": False,
        "square.webhook_signature_key": False,
        f"{KEY}_previous": False,
    }
    assert needed(cardctl, "bolt") == {
        "square.access_token": True,
        KEY: True,
        "square.client_secret": False,
        "square.refresh_token": False,
        "square.webhook_signature_key": False,
        f"{KEY}_previous": False,
    }
    monkeypatch.setenv("CARDCTL_BOLT__SQUARE_ACCESS_TOKEN", "EAAA-bolts-own")
    monkeypatch.setenv("CARDCTL_DB_ENCRYPTION_KEY", "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCE=")
    assert cardctl("secret", "check", "--profile", "bolt").code == 0
    assert cardctl("secret", "check", "--profile", "acme").code == 4
    assert "bolts-own" not in cardctl("secret", "list", "--profile", "bolt", "-o", "json").stdout
    for name in ("client_secret", "refresh_token"):
        monkeypatch.setenv(f"CARDCTL_ACME__SQUARE_{name.upper()}", f"acmes-{name}")
    assert cardctl("secret", "check", "--profile", "acme").code == 0


def test_a_sellers_timers_are_handed_its_own_secrets(cardctl: Cardctl) -> None:
    configured(cardctl, SANDBOX)
    assert _credentials(cardctl, "acme") >= {
        "cardctl.acme.square.client_secret",
        "cardctl.acme.square.refresh_token",
        "cardctl.acme.db.encryption_key",
    }
    assert "cardctl.acme.square.access_token" not in _credentials(cardctl, "acme")
    assert "cardctl.bolt.square.access_token" in _credentials(cardctl, "bolt")
    assert not {name for name in _credentials(cardctl, "bolt") if "acme" in name or "refresh" in name}


def _credentials(cardctl: Cardctl, seller: str) -> set[str]:
    printed = cardctl("schedule", "print", "--systemd", "--profile", seller)
    assert printed.code == 0, printed
    return {line.split("=")[1].split(":")[0] for line in printed.lines if line.startswith("LoadCredential=")}


def test_doctor_asks_for_what_the_seller_needs(cardctl: Cardctl) -> None:
    configured(cardctl, SANDBOX)
    found: list[dict[str, Any]] = cardctl("doctor", "--profile", "acme", "-o", "json").data["checks"]
    told = {each["name"]: each["outcome"] for each in found}
    assert told["secret square.refresh_token"] == told["secret square.client_secret"] == "fail"
    assert "secret square.access_token" not in told
