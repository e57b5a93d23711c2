"""A doctor looks at a profile that sells eSIMs: whether its orders can be fulfilled at all, and which wait for somebody."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardctl.domain.money import Money
from cardctl.simulator.control import Control
from tests.commands.runner import Cardctl

_ADDRESS = 'line1 = "1 Main St"\ncity = "Oakland"\npostal_code = "94612"\ncountry = "US"'
_HOLDER = f"[profiles.shop.zendit.cardholder]\n{_ADDRESS}"


def configured(home: Path, *lines: str, environment: str = "sandbox") -> Cardctl:
    (home / "config").mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    file = home / "config" / "config.toml"
    file.write_text("\n".join([f'[profiles.shop]\nenvironment = "{environment}"', "[profiles.shop.zendit]", *lines, ""]))
    file.chmod(0o600)
    return Cardctl(home)


def looked(cardctl: Cardctl, *words: str) -> dict[str, dict[str, str]]:
    ran = cardctl("doctor", "--profile", "shop", *words, "-o", "json")
    return {check["name"]: check for check in ran.data["checks"]}


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("STRIPE_API_KEY", "sk_test_abcdefghijklmnop"),
        ("ZENDIT_API_KEY", "sand_abcdefghijklmnop"),
        ("DB_ENCRYPTION_KEY", "0123456789abcdef" * 4),
    ):
        monkeypatch.setenv(f"CARDCTL_{name}", value)


@pytest.mark.usefixtures("keys")
def test_a_way_to_fill_the_wallet_that_there_is_not(home: Path) -> None:
    found = looked(configured(home, 'topup = "card"', _HOLDER))["topup"]
    assert found["outcome"] == "fail"
    assert "topup_url" in found["detail"] + found["remedy"]
    found = looked(configured(home, 'topup = "card"', 'topup_url = "https://pay.example.com/topups"'))["topup"]
    assert (found["outcome"], "cardholder" in found["detail"]) == ("fail", True)
    whole = ('topup = "card"', 'topup_url = "https://pay.example.com/topups"', _HOLDER)
    assert looked(configured(home, *whole))["topup"]["outcome"] == "ok"
    assert looked(configured(home))["topup"]["outcome"] == "ok"


@pytest.mark.usefixtures("keys")
def test_a_key_of_the_other_mode_and_no_mail_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cardctl = configured(home)
    assert looked(cardctl)["delivery"]["outcome"] == "warn"
    monkeypatch.setenv("CARDCTL_ZENDIT_API_KEY", "prod_abcdefghijklmnop")
    assert "sand_" in looked(cardctl)["topup"]["remedy"]
    assert "zendit.api_key" in looked(cardctl, "--provider", "zendit")["provider"]["detail"]


def test_orders_that_wait_for_somebody(home: Path) -> None:
    cardctl = configured(home, environment="simulator")
    assert "orders" not in looked(cardctl), "there are no books yet"
    assert cardctl("esim", "fulfil", "--demo", "--profile", "shop").code == 0
    assert looked(cardctl)["orders"]["outcome"] == "ok"
    far_side = Control(home / "state" / "simulator.db")
    far_side.set_wallet(Money(0, "USD"))
    assert cardctl("esim", "fulfil", "--demo", "--wait", "0s", "--profile", "shop").code == 0
    found = looked(cardctl, "--provider", "zendit")
    assert (found["orders"]["outcome"], found["float"]["outcome"]) == ("warn", "warn")
    assert found["orders"]["detail"] == "0 stuck, 1 waiting for money in the wallet"
    far_side.close()


def test_who_sells_none_is_not_looked_at(home: Path) -> None:
    assert not {"topup", "delivery", "orders"} & set(looked_at(Cardctl(home)))


def looked_at(cardctl: Cardctl) -> list[str]:
    return [check["name"] for check in cardctl("doctor", "-o", "json").data["checks"]]
