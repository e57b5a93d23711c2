"""`cardctl profile …`: what there is, where each value came from, adding one and choosing one."""

from __future__ import annotations

import stat

import pytest

from cardctl import config
from tests.commands.runner import Cardctl

CREATE = ["profile", "create", "acme", "--environment", "sandbox", "--provider", "stripe"]


def listed(cardctl: Cardctl) -> dict[str, dict[str, object]]:
    return {each["name"]: each for each in cardctl("profile", "list", "-o", "json").data}


def test_with_nothing_configured_there_is_dev(cardctl: Cardctl) -> None:
    ran = cardctl("profile", "list", "-o", "json")
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.data == [
        {
            "name": "dev",
            "default": True,
            "environment": "simulator",
            "provider": "stripe",
            "database": str(cardctl.books),
            "problem": None,
        }
    ]
    assert not cardctl.home.exists(), "looking makes nothing"


def test_a_profile_is_made_and_used(cardctl: Cardctl) -> None:
    settings = ["limits.daily=200.00", "stripe.rate_limit=5", "confirm_over=50.00 USD", "marqeta.user_per_card=true"]
    command = 'secret_command=["pass", "show", "x/{name}"]'
    ran = cardctl(*CREATE, *(part for text in [*settings, command] for part in ("--set", text)), "-o", "json")
    assert (ran.code, ran.warnings) == (0, [])
    profile = ran.data["profile"]
    assert (profile["name"], profile["environment"], profile["provider"]) == ("acme", "sandbox", "stripe")
    values = {each["key"]: each["value"] for each in profile["settings"] if each["source"] == "config.toml"}
    assert values == {
        "environment": "sandbox",
        "provider": "stripe",
        "secret_command": ["pass", "show", "x/{name}"],
        "confirm_over": "50.00 USD",
        "limits.daily": "200.00",
        "stripe.rate_limit": 5,
        "marqeta.user_per_card": True,
    }
    file = config.places().config_file
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent)] == [0o600, 0o700]
    assert listed(cardctl)["dev"]["default"] is True
    assert cardctl("profile", "use", "acme").code == 0
    assert [name for name, each in listed(cardctl).items() if each["default"]] == ["acme"]
    assert cardctl("profile", "show", "-o", "json").data["name"] == "acme"


def test_the_same_profile_again_is_no_change(cardctl: Cardctl) -> None:
    assert cardctl(*CREATE).code == 0
    before = config.places().config_file.read_bytes()
    again = cardctl(*CREATE, "-o", "json")
    assert (again.code, again.warnings) == (0, ["ALREADY"])
    other = cardctl(*CREATE, "--set", "limits.daily=1.00", "-o", "json")
    assert (other.code, other.error) == (6, "STATE_FORBIDS")
    assert config.places().config_file.read_bytes() == before
    assert cardctl("profile", "use", "acme").code == 0
    assert cardctl("profile", "use", "acme", "-o", "json").warnings == ["ALREADY"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["limits.dayly=1.00"], "did you mean daily?"),
        (["limits.daily=1,000"], "limits.daily"),
        (["limits.daily"], "sets nothing"),
        (["=1"], "sets nothing"),
        (["limits..daily=1"], "sets nothing"),
        (["limits=1"], "limits"),
        (["limits.daily=1.00", "limits.daily=2.00"], "twice"),
        (["environment=live"], "twice"),
        (["stripe.rate_limit=0"], "rate_limit"),
        (["stripe.rate_limit=5\nname = 1"], "rate_limit"),
        (["stripe.api_key=hunter2"], "unknown key"),
        (["database=postgresql://me:pw@host/db"], "password"),
        (["database=mysql://host/db"], "mysql"),
    ],
)
def test_what_no_profile_may_say_is_refused(cardctl: Cardctl, settings: list[str], said: str) -> None:
    ran = cardctl(*CREATE, *(part for text in settings for part in ("--set", text)), "-o", "json")
    assert (ran.code, ran.json["success"]) == (2, False)
    assert said in ran.json["message"]
    assert "hunter2" not in ran.stdout
    assert list(listed(cardctl)) == ["dev"]


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["create", "acme", "--environment", "production", "--provider", "stripe"], 2),
        (["create", "acme", "--environment", "live", "--provider", "strype"], 2),
        (["create", "a b", "--environment", "live", "--provider", "stripe"], 2),
        (["create", "dev", "--environment", "live", "--provider", "stripe"], 2),
        (["create", "dev", "--environment", "simulator", "--provider", "stripe"], 6),
        (["create", "acme"], 2),
        (["use", "nothere"], 5),
        (["show", "nothere"], 5),
    ],
)
def test_what_cannot_be_is_refused(cardctl: Cardctl, argv: list[str], code: int) -> None:
    ran = cardctl("profile", *argv, "-o", "json")
    assert (ran.code, ran.json["success"]) == (code, False)
    assert list(listed(cardctl)) == ["dev"]


def test_show_says_where_each_value_came_from(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cardctl(*CREATE, "--set", "limits.daily=7.00").code == 0
    monkeypatch.setenv("CARDCTL_CONFIRM_OVER", "3.00 USD")
    monkeypatch.setenv("CARDCTL_PROFILE", "acme")
    shown = cardctl("profile", "show", "-o", "json").data
    settings = {each["key"]: (each["value"], each["source"]) for each in shown["settings"]}
    assert settings["profile"] == ("acme", "CARDCTL_PROFILE")
    assert settings["environment"] == ("sandbox", "config.toml")
    assert settings["limits.daily"] == ("7.00", "config.toml")
    assert settings["limits.monthly"] == ("5000.00", "default")
    assert settings["confirm_over"] == ("3.00 USD", "CARDCTL_CONFIRM_OVER")
    assert settings["paths.state"] == (str(cardctl.home / "state"), "CARDCTL_HOME")
    table = cardctl("profile", "show", "dev").lines
    assert table[0].split() == ["key", "value", "source"]
    assert any(line.split() == ["limits.daily", "1000.00", "default"] for line in table)


def test_a_profile_that_cannot_be_used_is_listed_with_its_fault(cardctl: Cardctl) -> None:
    assert cardctl(*CREATE).code == 0
    file = config.places().config_file
    file.write_text(file.read_text() + '[profiles.broken]\nenvironment = "sandbox"\nprovider = "stripes"\n')
    assert cardctl("profile", "use", "broken", "-o", "json").code == 2
    found = listed(cardctl)
    assert (found["acme"]["problem"], found["acme"]["provider"]) == (None, "stripe")
    assert "profiles.broken.provider" in str(found["broken"]["problem"])
    assert "profiles.broken.provider" in cardctl("profile", "list").stdout
    assert cardctl("profile", "use", "acme").code == 0, "another one is a way out"


def test_a_default_that_is_not_there_does_not_hide_the_others(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_PROFILE", "gone")
    assert [each["default"] for each in listed(cardctl).values()] == [False]
