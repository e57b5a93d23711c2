"""Settings and profiles: who overrules whom, what is refused and how it is said, and edits that keep what was there."""

from __future__ import annotations

import getpass
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cardctl import secrets
from cardctl.config import (
    Paths,
    Profile,
    Settings,
    create_profile,
    load,
    private_dir,
    quick_database,
    quick_paths,
    quick_profiles,
    use_profile,
)
from cardctl.domain.alerts import SPENDING, Action, Rule, Thresholds
from cardctl.domain.cards import Limits
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.errors import BadAmount, BadConfig, BadInput, BooksReadOnly, CardctlError, NotFound, SecretMissing, StateForbids
from cardctl.secrets import names

ACME = """
# who we are
default_profile = "acme-sandbox"   # for now

[profiles.acme-sandbox]
environment = "sandbox"
provider = "marqeta"
database = "~/books/acme.db"
secret_command = ["~/bin/secret", "show", "cardctl/{name}"]
confirm_over = "250.00 EUR"
reports = "~/reports"

[profiles.acme-sandbox.limits]
per_transaction = "100.00"
monthly = "none"

[profiles.acme-sandbox.stripe]
account = "acct_1Nv0FGQ9RKHgCVdK"
rate_limit = 25

[profiles.acme-sandbox.marqeta]
base_url = "https://sandbox-api.marqeta.com/v3/"
user_per_card = true

[profiles.acme-sandbox.alerts]
balance_drift_percent = 0.5

[profiles.acme-live]
environment = "live"
"""


class Home:
    """A home with a configuration in it, and the variables of a process there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"CARDCTL_HOME": str(root / "cardctl"), "HOME": str(root)}
        self.paths = Paths.of(self.environ)
        self.file = self.paths.config_file

    def write(self, text: str) -> None:
        private_dir(self.file.parent)
        self.file.write_text(text)

    def load(self, *, told: dict[str, str] | None = None, **flags: Any) -> Settings:
        return load({**self.environ, **(told or {})}, **flags)

    def refused(self, text: str, **flags: Any) -> CardctlError:
        self.write(text)
        with pytest.raises(CardctlError) as refusal:
            self.load(**flags)
        assert str(self.file) in refusal.value.message or flags
        return refusal.value


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def sources(settings: Settings) -> dict[str, tuple[Any, str]]:
    return {origin.key: (origin.value, origin.source) for origin in settings.origins()}


def test_with_nothing_configured_dev_is_the_simulator_and_nothing_is_made(home: Home) -> None:
    settings = home.load()
    assert (settings.profile.name, settings.profile.environment, settings.provider_name) == ("dev", "simulator", "stripe")
    assert settings.profile.confirm_over is None
    assert not settings.named
    assert not settings.live
    assert settings.database.path == home.root / "cardctl/state/books/dev.db"
    assert settings.programme("stripe") == "stripe/default"
    assert sources(settings)["environment"] == ("simulator", "built-in profile dev")
    assert sources(settings)["limits.daily"] == ("1000.00", "default")
    assert list(home.root.iterdir()) == []


def test_a_file_is_read_whole(home: Home) -> None:
    home.write(ACME)
    settings = home.load()
    profile = settings.profile
    assert settings.named
    assert (profile.name, settings.profile_source) == ("acme-sandbox", "config.toml")
    assert profile.confirm_over == Money(25000, "EUR")
    assert settings.database.path == home.root / "books/acme.db"
    assert settings.reports_dir == home.root / "reports"
    assert settings.secret_command == (str(home.root / "bin/secret"), "show", "cardctl/{name}")
    assert profile.limits.in_currency("USD") == Limits(per_transaction=Money(10000, "USD"), daily=Money(100000, "USD"))
    assert settings.programme("stripe") == "stripe/acct_1Nv0FGQ9RKHgCVdK"
    assert settings.programme("marqeta") == "marqeta/sandbox-api.marqeta.com"
    stripe = settings.provider_settings("stripe")
    assert (stripe["account"], stripe["rate_limit"], stripe["base_url"]) == ("acct_1Nv0FGQ9RKHgCVdK", 25, None)
    assert settings.provider_settings("marqeta")["base_url"] == "https://sandbox-api.marqeta.com/v3"
    told = sources(settings)
    assert told["alerts.balance_drift_percent"] == ("0.5", "config.toml")
    assert told["alerts.latency_ms"] == (2000, "default")
    assert told["confirm_over"] == ("250.00 EUR", "config.toml")
    assert told["paths.config"] == (str(home.file), "CARDCTL_HOME")
    json.dumps(settings.origins())


def test_the_thresholds_of_alerts_are_those_of_the_file(home: Home) -> None:
    assert home.load().profile.alerts.thresholds == Thresholds(actions=dict.fromkeys(Rule, Action.NOTIFY)), (
        "two tables, one default"
    )
    home.write(
        "[profiles.dev.alerts]\nlatency_ms = 900\nfrozen_sigma = 2.5\nnotify_frozen = true\nfloat_low = '500.00 USD'\n"
        "[profiles.dev.alerts.actions]\nvelocity = 'freeze'\nnew_category = 'off'\n"
    )
    settings = home.load()
    told = settings.profile.alerts.thresholds
    assert (told.latency_ms, told.frozen_sigma, told.notify_frozen) == (900, Decimal("2.5"), True)
    assert settings.profile.alerts.float_low == Money(50000, "USD")
    assert (told.action(Rule.VELOCITY), told.action(Rule.LATENCY)) == (Action.FREEZE, Action.NOTIFY)
    assert [rule for rule in Rule if not told.watches(rule)] == [Rule.NEW_CATEGORY]
    assert sources(settings)["alerts.actions.velocity"] == ("freeze", "config.toml")
    assert sources(settings)["alerts.float_low"] == ("500.00 USD", "config.toml")


def test_only_what_is_about_one_cards_spending_can_freeze_it(home: Home) -> None:
    for rule in Rule:
        home.write(f"[profiles.dev.alerts.actions]\n{rule} = 'freeze'\n")
        if rule in SPENDING:
            assert home.load().profile.alerts.thresholds.action(rule) is Action.FREEZE
        else:
            with pytest.raises(BadConfig, match=f"alerts.actions.{rule}"):
                home.load()


def test_outside_the_simulator_a_thousand_dollars_ask_for_consent(home: Home) -> None:
    home.write(ACME)
    assert home.load(profile="acme-live").profile.confirm_over == Money(100000, "USD")
    home.write('[profiles.x]\nenvironment = "live"\nconfirm_over = "none"\n')
    assert home.load(profile="x").profile.confirm_over is None


def test_flag_over_environment_over_file_over_default(home: Home) -> None:
    def provider(**how: Any) -> tuple[str, str]:
        settings = home.load(**how)
        return settings.provider_name, settings.source_of("provider")

    variable = {"CARDCTL_PROVIDER": "square"}
    assert provider() == ("stripe", "built-in profile dev")
    assert provider(told=variable) == ("square", "CARDCTL_PROVIDER")
    assert provider(told=variable, provider="zendit") == ("zendit", "flag")
    home.write(ACME)
    assert provider() == ("marqeta", "config.toml")
    assert provider(told=variable) == ("square", "CARDCTL_PROVIDER")
    assert provider(profile="acme-live") == ("stripe", "default")


def test_the_profile_is_chosen_in_the_same_order(home: Home) -> None:
    home.write(ACME)
    variable = {"CARDCTL_PROFILE": "acme-live"}
    for how, name, source in (
        ({}, "acme-sandbox", "config.toml"),
        ({"told": variable}, "acme-live", "CARDCTL_PROFILE"),
        ({"told": variable, "profile": "dev"}, "dev", "flag"),
        ({"told": {"CARDCTL_PROFILE": ""}}, "acme-sandbox", "config.toml"),
    ):
        settings = home.load(**how)
        assert (settings.profile.name, settings.profile_source, settings.named) == (name, source, True)
        assert sources(settings)["profile"] == (name, source)


def test_every_settable_variable_overrules_the_file(home: Home) -> None:
    home.write(ACME)
    told = {"CARDCTL_DB": "other.db", "CARDCTL_CONFIRM_OVER": "5 USD", "CARDCTL_REPORTS": "~/elsewhere"}
    settings = home.load(told=told)
    assert settings.database.path == Path.cwd() / "other.db"
    assert settings.profile.confirm_over == Money(500, "USD")
    assert settings.reports_dir == home.root / "elsewhere"
    shown = sources(settings)
    assert shown["database"] == (str(Path.cwd() / "other.db"), "CARDCTL_DB")
    assert shown["reports"] == (str(home.root / "elsewhere"), "CARDCTL_REPORTS")
    assert home.load(told=told, database="/f.db").database.path == Path("/f.db")


@pytest.mark.parametrize(
    ("said", "flag", "live", "source"),
    [
        (None, False, False, "default"),
        ("", False, False, "default"),
        ("0", False, False, "CARDCTL_LIVE"),
        ("1", False, True, "CARDCTL_LIVE"),
        (None, True, True, "flag"),
        ("0", True, True, "flag"),
    ],
)
def test_live_is_said_aloud(home: Home, said: str | None, flag: bool, live: bool, source: str) -> None:
    settings = home.load(told={} if said is None else {"CARDCTL_LIVE": said}, live=flag)
    assert (settings.live, sources(settings)["live"]) == (live, (live, source))


@pytest.mark.parametrize("said", ["yes", "true", "01", " 1"])
def test_live_is_not_guessed(home: Home, said: str) -> None:
    with pytest.raises(BadInput, match="CARDCTL_LIVE"):
        home.load(told={"CARDCTL_LIVE": said}, live=True)


SANDBOX = '[profiles.a]\nenvironment = "sandbox"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('default_profil = "a"', "unknown key default_profil; did you mean default_profile?"),
        ("default_profile = 1", "default_profile: a profile's name in quotes is wanted"),
        ("profiles = 1", "profiles: tables such as [profiles.acme-sandbox] are wanted"),
        ("profiles.a = 1", "profiles.a: a table is wanted"),
        (SANDBOX + 'databse = "x"', "unknown key profiles.a.databse; did you mean database?"),
        (SANDBOX + "zzzzzz = 1", "unknown key profiles.a.zzzzzz"),
        (SANDBOX + "[profiles.a.stripe]\nacount = 1", "unknown key profiles.a.stripe.acount; did you mean account?"),
        (SANDBOX + "[profiles.a.stripe]\nrate_limit = '25'", "profiles.a.stripe.rate_limit: Input should be a valid integer"),
        (SANDBOX + "[profiles.a.stripe]\nrate_limit = 0", "profiles.a.stripe.rate_limit: Input should be greater than 0"),
        (SANDBOX + "[profiles.a.stripe]\nrate_limit = true", "profiles.a.stripe.rate_limit: Input should be a valid integer"),
        (SANDBOX + "stripe = 1", "profiles.a.stripe: Input should be"),
        (SANDBOX + "[profiles.a.limits]\ndaily = 500.00", "profiles.a.limits.daily: an amount in quotes is wanted"),
        (SANDBOX + "[profiles.a.limits]\ndaily = '1e3'", "profiles.a.limits.daily: an amount in quotes is wanted"),
        (SANDBOX + "[profiles.a.limits]\ndaily = '-5'", "profiles.a.limits.daily: an amount in quotes is wanted"),
        (SANDBOX + "[profiles.a.limits]\ndaily = '٢٥'", "profiles.a.limits.daily: an amount in quotes is wanted"),
        (SANDBOX + "confirm_over = '1000.00'", "profiles.a.confirm_over: an amount and its currency in quotes are wanted"),
        (SANDBOX + "confirm_over = '10 DOLLARS'", "profiles.a.confirm_over: an amount and its currency in quotes are wanted"),
        (SANDBOX + "confirm_over = 1000", "profiles.a.confirm_over: an amount and its currency in quotes are wanted"),
        (
            SANDBOX + "secret_command = 'pass show {name}'",
            "profiles.a.secret_command: a list of arguments with {name} is wanted",
        ),
        (SANDBOX + "secret_command = ['pass', 'x']", "profiles.a.secret_command: a list of arguments with {name} is wanted"),
        (SANDBOX + "secret_command = []", "profiles.a.secret_command: a list of arguments with {name} is wanted"),
        (SANDBOX + "[profiles.a.marqeta]\nbase_url = 'http://api.marqeta.com'", "profiles.a.marqeta.base_url: an https:// URL"),
        (SANDBOX + "[profiles.a.marqeta]\nbase_url = 'https://u:p@x.com'", "profiles.a.marqeta.base_url: an https:// URL"),
        (
            SANDBOX + "[profiles.a.zendit]\ntopup = 'cash'",
            "profiles.a.zendit.topup: Input should be 'card', 'request' or 'prefunded'",
        ),
        (SANDBOX + "[profiles.a.alerts]\nlatency_ms = 1.5", "profiles.a.alerts.latency_ms: Input should be a valid integer"),
        (
            SANDBOX + "[profiles.a.alerts]\nbalance_drift_percent = '1'",
            "profiles.a.alerts.balance_drift_percent: a number is wanted",
        ),
        (
            SANDBOX + "[profiles.a.alerts.actions]\nlatency = 'freeze'",
            "profiles.a.alerts.actions.latency: Input should be 'notify' or 'off'",
        ),
        (
            SANDBOX + "[profiles.a.alerts.actions]\nvelocty = 'freeze'",
            "unknown key profiles.a.alerts.actions.velocty; did you mean velocity?",
        ),
        (
            SANDBOX + "[profiles.a.alerts]\nfrozen_sigmas = 2",
            "unknown key profiles.a.alerts.frozen_sigmas; did you mean frozen_sigma?",
        ),
        (SANDBOX + "[profiles.a.alerts]\nfloat_low = 5", "profiles.a.alerts.float_low: an amount and its currency in quotes"),
        (
            SANDBOX + "[profiles.a.alerts]\namount_factor = 0.5",
            "alerts.amount_factor: Input should be greater than or equal to 1",
        ),
        (
            SANDBOX + "[profiles.a.alerts]\nvelocity_purchases = 1",
            "velocity_purchases: Input should be greater than or equal to 2",
        ),
        (SANDBOX + "[profiles.a.alerts]\nspending_hours = 1000000", "spending_hours: Input should be less than or equal to"),
        (SANDBOX + "provider = 'strip'", "profiles.a.provider: Input should be 'stripe'"),
        (SANDBOX + "name = 'b'", "unknown key profiles.a.name; the table's own name is the profile's"),
        ("[profiles.a]\nprovider = 'stripe'", "profiles.a.environment is missing"),
        ("[profiles.a]\nenvironment = 'prod'", "profiles.a.environment: Input should be 'simulator', 'sandbox' or 'live'"),
        ("[profiles.a", "(at line 1, the end of the file)"),
        (SANDBOX + "x = = 1", "(at line 3, column 5)"),
        (SANDBOX + SANDBOX, "(at line 3, column 12)"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(home: Home, text: str, message: str) -> None:
    error = home.refused(text, profile="a" if "profiles.a]" in text else None)
    assert isinstance(error, BadConfig)
    assert error.exit_code == 2
    assert error.message.startswith(f"{home.file}: ")
    assert message in error.message


def test_all_faults_are_named_at_once(home: Home) -> None:
    message = home.refused(SANDBOX + "provder = 'x'\n[profiles.a.limits]\ndaly = '5'", profile="a").message
    assert "profiles.a.provder; did you mean provider?" in message
    assert "profiles.a.limits.daly; did you mean daily?" in message


def test_a_secret_in_the_wrong_place_is_not_repeated(home: Home) -> None:
    error = home.refused(SANDBOX + "[profiles.a.stripe]\napi_key = 'sk_live_0123456789'", profile="a")
    assert "unknown key profiles.a.stripe.api_key" in error.message
    assert error.hint == "a secret has no place in config.toml: use `cardctl secret set`"
    assert "sk_live" not in error.message


def test_a_slip_in_another_profile_stops_nobody(home: Home) -> None:
    home.write(ACME + "\n[profiles.other]\nenvronment = 'live'\n")
    assert home.load().profile.name == "acme-sandbox"
    with pytest.raises(BadConfig, match="did you mean environment"):
        home.load(profile="other")


def test_a_file_that_cannot_be_read_is_said(home: Home) -> None:
    private_dir(home.file)
    with pytest.raises(BadConfig, match="Is a directory"):
        home.load()
    home.file.rmdir()
    home.file.write_bytes(b"\xff\xfe")
    with pytest.raises(BadConfig, match="not UTF-8"):
        home.load()


def test_a_wrong_variable_or_flag_is_named_by_its_own_name(home: Home) -> None:
    with pytest.raises(BadConfig, match=r"^CARDCTL_PROVIDER: Input should be 'stripe'"):
        home.load(told={"CARDCTL_PROVIDER": "strip"})
    with pytest.raises(BadConfig, match=r"^CARDCTL_CONFIRM_OVER: an amount and its currency"):
        home.load(told={"CARDCTL_CONFIRM_OVER": "12"})
    with pytest.raises(BadInput, match="no provider is called 'strip'; did you mean stripe"):
        home.load(provider="strip")
    with pytest.raises(BadConfig, match="no such home"):
        home.load(told={"CARDCTL_REPORTS": "~nobody-of-this-name/x"})


@pytest.mark.parametrize(
    "how", [{"profile": "acme-sandbx"}, {"told": {"CARDCTL_PROFILE": "acme-sandbx"}}, {"profile": "../../etc/passwd"}]
)
def test_an_unknown_profile_is_not_found_and_the_known_are_named(home: Home, how: dict[str, Any]) -> None:
    home.write(ACME)
    with pytest.raises(NotFound) as missing:
        home.load(**how)
    assert (missing.value.code, missing.value.exit_code) == ("PROFILE_NOT_FOUND", 5)
    assert "dev, acme-live, acme-sandbox" in (missing.value.hint or "")


def test_dev_may_be_tuned_and_stays_in_the_simulator(home: Home) -> None:
    home.write('[profiles.dev]\nprovider = "marqeta"\n')
    settings = home.load()
    assert (settings.profile.environment, settings.provider_name, settings.named) == ("simulator", "marqeta", False)
    assert sources(settings)["provider"] == ("marqeta", "config.toml")
    home.write('[profiles.dev]\nenvironment = "simulator"\n')
    assert home.load(profile="dev").named
    home.write('[profiles.dev]\nenvironment = "live"\n')
    with pytest.raises(BadConfig, match=r"profiles\.dev\.environment: the built-in profile dev is always in the simulator"):
        home.load()


@pytest.mark.parametrize("name", ["a.b", "a b", "-a", "é", "a/b", "", "x" * 65])
def test_a_name_that_fits_no_file_or_variable_is_refused(home: Home, name: str) -> None:
    home.write(f'[profiles."{name}"]\nenvironment = "sandbox"\n')
    with pytest.raises(BadConfig, match="cannot name a profile"):
        home.load()
    home.file.unlink()
    with pytest.raises(BadConfig, match="cannot name a profile"):
        create_profile(home.paths, name, {"environment": "sandbox"})


@pytest.mark.parametrize("names", [("a-b", "a_b"), ("acme", "Acme"), ("DEV",)])
def test_two_profiles_never_share_their_variables(home: Home, names: tuple[str, ...]) -> None:
    home.write("".join(f"[profiles.{name}]\nenvironment = 'sandbox'\n" for name in names))
    with pytest.raises(BadConfig, match="would share the variables"):
        home.load()


def test_others_may_read_the_file(home: Home) -> None:
    home.write(ACME)
    home.file.chmod(0o644)
    assert home.load().profile.name == "acme-sandbox"


# --- the database


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ops@db.example.com:5432/cards", "postgresql://ops@db.example.com:5432/cards"),
        ("postgres://db/cards", "postgres://db/cards"),
        ("postgresql+psycopg://ops:@/cards?host=/tmp/pg", "postgresql+psycopg://ops:@/cards?host=/tmp/pg"),
    ],
)
def test_a_server_is_a_url(home: Home, url: str, shown: str) -> None:
    home.write(SANDBOX + f"database = '{url}'")
    database = home.load(profile="a").database
    assert (database.path, database.url, database.shown, database.needs_secret) == (None, url, shown, False)
    assert database.complete(None) == url


def test_a_password_has_no_place_in_the_file_or_a_flag(home: Home) -> None:
    for url in ("postgresql://ops:hunter2@db/cards", "postgresql://db/cards?password=hunter2"):
        home.write(SANDBOX + f"database = '{url}'")
        with pytest.raises(BadConfig, match="has a password in it") as refused:
            home.load(profile="a")
        assert "hunter2" not in str(refused.value)
        with pytest.raises(BadConfig, match="has a password in it"):
            home.load(database=url)


def test_a_password_in_the_environment_is_taken_and_not_shown(home: Home) -> None:
    settings = home.load(told={"CARDCTL_DB": "postgresql://ops:hunt@er2@db/cards"})
    assert settings.database.complete(None) == "postgresql://ops:hunt@er2@db/cards"
    assert settings.database.shown == "postgresql://ops:***@db/cards"
    for text in (repr(settings), str(settings.origins())):
        assert "er2" not in text


def test_the_secret_completes_the_url(home: Home) -> None:
    home.write(SANDBOX + "database = 'postgresql://ops@db:5432/cards?sslmode=require'")
    database = home.load(profile="a").database
    assert database.complete(Secret("p@ss/word")) == "postgresql://ops:p%40ss%2Fword@db:5432/cards?sslmode=require"
    whole = "postgresql://admin:x@db:5432/cards"
    assert database.complete(Secret(whole)) == whole
    for other in (
        "postgresql://ops:s3cr3t@db:5432/other",
        "postgresql://ops:s3cr3t@live:5432/cards",
        "mysql://ops:s3cr3t@db/cards",
    ):
        with pytest.raises(BadConfig, match=r"the secret db\.url") as refused:
            database.complete(Secret(other))
        assert "s3cr3t" not in str(refused.value)


def test_the_secret_may_be_all_there_is(home: Home) -> None:
    home.write(SANDBOX + "database = 'postgresql://'")
    database = home.load(profile="a").database
    assert database.needs_secret
    assert database.complete(Secret("postgresql://u:p@h/d")) == "postgresql://u:p@h/d"
    with pytest.raises(SecretMissing, match=r"db\.url"):
        database.complete(None)


def test_other_servers_are_refused_and_paths_begin_at_the_file(home: Home) -> None:
    home.write(SANDBOX + "database = 'mysql://u:p@h/d'")
    with pytest.raises(BadConfig, match=r"mysql://… is neither") as refused:
        home.load(profile="a")
    assert "u:p" not in str(refused.value)
    home.write(SANDBOX + "database = 'books.db'")
    assert home.load(profile="a").database.path == home.file.parent / "books.db"


# --- the environment, places


def test_a_secret_of_the_environment_is_the_profiles_own_first(home: Home) -> None:
    told = {"CARDCTL_STRIPE_API_KEY": "common", "CARDCTL_ACME_SANDBOX__STRIPE_API_KEY": "its-own", "CARDCTL_DB_URL": ""}
    settings = home.load(told=told)
    assert settings.secret_environ("acme-sandbox", "stripe.api_key") == ("its-own", "CARDCTL_ACME_SANDBOX__STRIPE_API_KEY")
    assert settings.secret_environ("dev", "stripe.api_key") == ("common", "CARDCTL_STRIPE_API_KEY")
    assert settings.secret_environ("dev", "db.url") is None
    assert "its-own" not in repr(settings)


def test_advice_about_variables_agrees_with_what_is_read(home: Home) -> None:
    for name in (*secrets.NAMES, "stripe.api_key_previous"):
        for variable in names.variables("acme-live", name):
            assert home.load(told={variable: "x"}).secret_environ("acme-live", name) == ("x", variable)


def test_the_actor_is_a_person(home: Home) -> None:
    assert home.load(told={"CARDCTL_ACTOR": "ada"}).actor == "ada"
    assert home.load(told={"LOGNAME": "somebody-else"}).actor == home.load().actor != "somebody-else"
    assert home.load().actor == getpass.getuser()


def test_the_terminal(home: Home) -> None:
    terminal = home.load(told={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "132", "CI": "true"}).terminal
    assert (terminal.no_color, terminal.term, terminal.columns, terminal.ci) == (True, "dumb", 132, True)
    terminal = home.load(told={"NO_COLOR": "", "COLUMNS": "wide", "CI": "false"}).terminal
    assert (terminal.no_color, terminal.term, terminal.columns, terminal.ci) == (False, None, None, False)
    assert home.load(told={"CREDENTIALS_DIRECTORY": "/run/x"}).credentials_directory == Path("/run/x")


def test_without_cardctl_home_the_platform_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARDCTL_HOME", raising=False)
    for name in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    settings = load()
    paths = settings.paths
    assert paths.source == "platform"
    assert paths.config_file == tmp_path / "config/cardctl/config.toml"
    assert paths.database_file("dev") == tmp_path / "state/cardctl/books/dev.db"
    assert paths.log_dir.is_relative_to(tmp_path / "state/cardctl")
    assert paths.reports_dir == tmp_path / "data/cardctl/reports"
    assert quick_paths() == paths


def test_no_profile_meets_another_file(home: Home) -> None:
    paths = home.paths
    places = [
        paths.simulator_file,
        paths.development_key_file("simulator"),
        paths.backups_dir,
        paths.leases_dir,
        paths.database_file("simulator"),
    ]
    assert len(set(places)) == len(places)
    assert {paths.config_dir.name, paths.state_dir.name, paths.log_dir.name, paths.reports_dir.name} == {
        "config",
        "state",
        "logs",
        "reports",
    }


def test_directories_are_private(tmp_path: Path) -> None:
    made = private_dir(tmp_path / "a" / "b")
    assert {stat.S_IMODE(each.stat().st_mode) for each in (made, made.parent)} == {0o700}
    made.chmod(0o750)
    assert stat.S_IMODE(private_dir(made).stat().st_mode) == 0o750
    (tmp_path / "file").touch()
    with pytest.raises(BooksReadOnly, match="file") as refused:
        private_dir(tmp_path / "file" / "below")
    assert refused.value.exit_code == 12


# --- completion


def test_completion_asks_lightly_and_agrees(home: Home) -> None:
    home.write(ACME)
    for name in ("dev", "acme-sandbox", "acme-live", None):
        assert quick_database(home.environ, name) == home.load(profile=name).database.path
    assert quick_profiles(home.environ) == ["dev", "acme-live", "acme-sandbox"]
    assert quick_database({**home.environ, "CARDCTL_DB": "postgresql://h/d"}) is None
    assert quick_database({**home.environ, "CARDCTL_DB": "/x.db"}) == Path("/x.db")


@pytest.mark.parametrize("text", ["[", "profiles = 1", "[profiles.a]\ndatabase = 1\n", "default_profile = 'nobody'"])
def test_completion_never_raises(home: Home, text: str) -> None:
    home.write(text)
    assert quick_database(home.environ, "a") is None
    assert "dev" in quick_profiles(home.environ)
    assert quick_paths({"CARDCTL_HOME": "~nobody-of-this-name/x"}) is None


def test_completion_loads_no_heavy_library(home: Home) -> None:
    home.write(ACME)
    code = (
        "import sys, cardctl.config as c; assert c.quick_database() and c.quick_profiles()[1:]; "
        "print([each for each in ('pydantic', 'tomlkit', 'filelock', 'platformdirs', 'keyring') if each in sys.modules])"
    )
    environ = {**os.environ, **home.environ}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60, env=environ)
    assert done.stdout == "[]\n"


# --- editing


def test_a_new_profile_keeps_every_word_that_was_there(home: Home) -> None:
    home.write(ACME)
    values = {
        "environment": "sandbox",
        "provider": "stripe",
        "database": None,
        "confirm_over": Money(5000, "JPY"),
        "secret_command": ("pass", "show", "{name}"),
        "limits": {"daily": "70"},
    }
    assert create_profile(home.paths, "tokyo", values) is True
    text = home.file.read_text()
    assert text.startswith(ACME)
    settings = home.load(profile="tokyo")
    assert settings.profile.confirm_over == Money(5000, "JPY")
    assert settings.profile.secret_command == ("pass", "show", "{name}")
    assert settings.profile.limits.daily == "70"
    assert home.load().profile.name == "acme-sandbox"
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o600
    assert os.listdir(home.file.parent) == ["config.toml"]
    assert create_profile(home.paths, "tokyo", values) is False
    with pytest.raises(StateForbids, match="there already"):
        create_profile(home.paths, "tokyo", {"environment": "live"})
    assert home.file.read_text() == text


def test_the_first_profile_makes_the_file(home: Home) -> None:
    create_profile(home.paths, "acme", {"environment": "sandbox", "stripe": {"account": "acct_1"}})
    assert home.load(profile="acme").programme("stripe") == "stripe/acct_1"
    assert not home.load().named, "made is not used"
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (home.file.parent, home.paths.leases_dir)} == {0o700}


def test_using_a_profile_changes_one_line(home: Home) -> None:
    home.write(ACME)
    assert use_profile(home.paths, "acme-live") is True
    assert home.file.read_text() == ACME.replace('"acme-sandbox"   #', '"acme-live"   #')
    assert use_profile(home.paths, "acme-live") is False
    assert home.load().profile.name == "acme-live"
    with pytest.raises(NotFound):
        use_profile(home.paths, "nobody")
    assert home.load().profile.name == "acme-live"


def test_using_a_profile_where_the_file_has_no_default_yet(home: Home) -> None:
    text = "# ours\n[profiles.acme] # the one\nenvironment = 'live'\n"
    home.write(text)
    use_profile(home.paths, "acme")
    assert (home.load().profile.name, home.load().profile_source) == ("acme", "config.toml")
    assert all(line in home.file.read_text() for line in text.splitlines())
    use_profile(home.paths, "dev")
    assert (home.load().profile.name, home.load().named) == ("dev", True)


def test_dev_can_be_used_where_there_is_no_file(home: Home) -> None:
    assert use_profile(home.paths, "dev") is True
    assert home.load().named


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("acme", {"environment": "prod"}, BadConfig),
        ("acme", {"environment": "live", "provder": "stripe"}, BadConfig),
        ("acme", {}, BadConfig),
        ("acme_sandbox", {"environment": "live"}, BadConfig),
        ("dev", {"environment": "simulator"}, StateForbids),
        ("dev", {"environment": "live"}, BadConfig),
    ],
)
def test_a_wrong_profile_is_not_written(home: Home, name: str, values: dict[str, Any], kind: type[CardctlError]) -> None:
    home.write(ACME)
    with pytest.raises(kind):
        create_profile(home.paths, name, values)
    assert home.file.read_text() == ACME


def test_a_broken_file_is_not_edited(home: Home) -> None:
    home.write("[profiles.a\n")
    with pytest.raises(BadConfig, match="line 1"):
        create_profile(home.paths, "b", {"environment": "live"})
    assert home.file.read_text() == "[profiles.a\n"


def test_a_link_stays_a_link(home: Home) -> None:
    real = home.root / "dotfiles" / "cardctl.toml"
    private_dir(real.parent)
    real.write_text(ACME)
    private_dir(home.file.parent)
    home.file.symlink_to(real)
    use_profile(home.paths, "acme-live")
    assert home.file.is_symlink()
    assert 'default_profile = "acme-live"' in real.read_text()


def test_edits_at_once_lose_nothing(home: Home) -> None:
    code = (
        "import sys; from cardctl.config import Paths, create_profile; import os; "
        "create_profile(Paths.of(os.environ), sys.argv[1], {'environment': 'sandbox'})"
    )
    environ = {**os.environ, **home.environ}
    wanted = [f"p{number}" for number in range(6)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        runs = pool.map(
            lambda name: subprocess.run([sys.executable, "-c", code, name], check=True, timeout=60, env=environ), wanted
        )
        assert all(run.returncode == 0 for run in runs)
    assert quick_profiles(home.environ) == ["dev", *wanted]


def test_an_edit_that_fails_leaves_the_old_text(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.write(ACME)

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CardctlError) as refused:
        use_profile(home.paths, "acme-live")
    assert refused.value.code == "DISK_FULL"
    assert home.file.read_text() == ACME
    assert os.listdir(home.file.parent) == ["config.toml"]


def test_limits_wait_for_their_currency() -> None:
    limits = Profile(name="x", environment="sandbox").limits
    assert limits.in_currency("JPY") == Limits(
        per_transaction=Money(500, "JPY"), daily=Money(1000, "JPY"), monthly=Money(5000, "JPY")
    )
    with pytest.raises(BadAmount):
        limits.model_copy(update={"daily": "5.55"}).in_currency("JPY")


SHOP = """
[profiles.shop]
environment = "sandbox"

[profiles.shop.stripe.order_names]
offer = "sku"

[profiles.shop.zendit]
topup = "card"
topup_url = "https://pay.example.com/topups"
accept_currencies = ["EUR", "GBP"]

[profiles.shop.zendit.cardholder]
line1 = "1 Main St"

[profiles.shop.mail]
host = "smtp.example.com"
sender = "Shop <esim@example.com>"
"""


def test_a_shop_is_read(home: Home) -> None:
    home.write(SHOP)
    profile = home.load(profile="shop").profile
    assert profile.stripe.order_names.model_dump() == {
        "offer": "sku",
        "recipient": "recipientEmail",
        "full_name": "fullName",
        "transaction": "transactionId",
    }
    assert (profile.zendit.topup, profile.zendit.topup_card, profile.zendit.funds_hours) == ("card", "per_transaction", 24)
    assert profile.zendit.accept_currencies == ("EUR", "GBP")
    assert (profile.zendit.cardholder.line1, profile.mail.security, profile.mail.port) == ("1 Main St", "starttls", None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mail.sender = 'a@b.c'\nmail.host = 'smtp.example.com'\nmail.security = 'none'", "unprotected"),
        ("mail.host = 'smtp.example.com'", "sender is missing"),
        ("mail.sendr = 'a@example.com'", "sender"),
        ("zendit.topup_url = 'http://pay.example.com'", "https://"),
        ("zendit.topup = 'cash'", "zendit.topup"),
        ("zendit.webhook_header = 'X Header'", "webhook_header"),
        ("zendit.accept_currencies = 'EUR'", "accept_currencies"),
        ("zendit.accept_currencies = ['eur']", "accept_currencies"),
        ("zendit.cardholder.zip = '1'", "cardholder.zip"),
        ("stripe.order_names.offer = ''", "order_names.offer"),
    ],
)
def test_what_no_shop_can_have(home: Home, line: str, said: str) -> None:
    home.write("[profiles.shop]\nenvironment = 'sandbox'\n" + line + "\n")
    with pytest.raises(BadConfig) as caught:
        home.load(profile="shop")
    assert said in caught.value.message


def test_a_simulated_top_up_is_paid_on_this_machine(home: Home) -> None:
    home.write("[profiles.shop]\nenvironment = 'simulator'\nzendit.topup_url = 'https://pay.example.com'\n")
    with pytest.raises(BadConfig):
        home.load(profile="shop")
