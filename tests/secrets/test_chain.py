"""The chain: who is asked first, what each source may say, and that no secret shows."""

from __future__ import annotations

import copy
import os
import pickle
import select
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keyring
import pytest

from cardctl.domain.redaction import Secret
from cardctl.errors import BadInput, Refused, SecretMissing
from cardctl.secrets import NAMES, Secrets
from cardctl.secrets.names import Unfit
from cardctl.secrets.sources import Command
from tests.secrets.backends import Kept

NAME = "stripe.api_key"
SOURCES = ["credentials directory", "secret_command", "environment", "keyring"]


@dataclass
class World:
    """Every source of the chain, for real: a directory, a program, variables, a keyring."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)
    command: list[str] | None = None

    @property
    def credentials(self) -> Path:
        return self.root / "credentials"

    def give(self, source: str, value: str, name: str = NAME) -> None:
        match source:
            case "credentials directory":
                self.credentials.mkdir(exist_ok=True)
                (self.credentials / f"cardctl.acme.{name}").write_text(value + "\n")
            case "secret_command":
                self.script(f"[ $1 = cardctl/{name} ] && echo '{value}'")
            case "environment":
                self.environ[f"CARDCTL_ACME__{name.upper().replace('.', '_')}"] = value
            case "keyring":
                Kept.entries["cardctl", f"acme.{name}"] = value

    def script(self, text: str) -> None:
        program = self.root / "secret-of"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o700)
        self.command = [str(program), "cardctl/{name}"]

    def secrets(self, environment: str = "sandbox") -> Secrets:
        def lookup(profile: str, name: str) -> tuple[str, str] | None:
            variable = f"CARDCTL_{profile.upper()}__{name.upper().replace('.', '_')}"
            return (self.environ[variable], variable) if variable in self.environ else None

        return Secrets(
            profile="acme",
            environment=environment,
            secret_command=self.command,
            environ_lookup=lookup,
            credentials_directory=self.credentials,
            development_key_file=self.root / "development.key",
        )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    before = keyring.get_keyring()
    keyring.set_keyring(Kept())  # type: ignore[no-untyped-call]  # keyring's own class has no types there
    yield World(tmp_path)
    Kept.entries.clear()
    keyring.set_keyring(before)


@pytest.mark.parametrize(("first", "second"), [(a, b) for i, a in enumerate(SOURCES) for b in SOURCES[i + 1 :]])
def test_each_source_comes_before_those_below_it(world: World, first: str, second: str) -> None:
    world.give(second, "sk_test_second")
    assert world.secrets().get(NAME).reveal() == "sk_test_second"
    world.give(first, "sk_test_first")
    found = world.secrets().find(NAME)
    assert found is not None
    assert (found.secret.reveal(), found.source) == ("sk_test_first", first)
    told = {each.source: each.outcome for each in world.secrets().explain(NAME)}
    assert list(told) == SOURCES
    below = SOURCES[SOURCES.index(first) + 1 :]
    assert told[first] == "found"
    assert {told[each] for each in below} == {"not asked"}
    assert [told[each] for each in SOURCES[: SOURCES.index(first)]] == ["absent" for _ in SOURCES[: SOURCES.index(first)]], (
        "a source that has nothing says so and is no obstacle"
    )


def test_where_it_was_found_is_told_exactly(world: World) -> None:
    world.give("credentials directory", "one", "smtp.password")
    world.give("environment", "two", "notify.url")
    world.give("keyring", "three", "db.url")
    secrets = world.secrets()
    details = {each.name: (each.source, each.detail) for each in secrets.list()}
    assert details == {
        "smtp.password": ("credentials directory", str(world.credentials / "cardctl.acme.smtp.password")),
        "notify.url": ("environment", "CARDCTL_ACME__NOTIFY_URL"),
        "db.url": ("keyring", "cardctl acme.db.url"),
    }


def test_when_nobody_has_it_all_four_ways_are_named(world: World) -> None:
    world.script("echo 'not in the store' >&2; exit 1")
    with pytest.raises(SecretMissing) as missing:
        world.secrets().get(NAME)
    assert missing.value.exit_code == 4
    assert missing.value.message == (
        "no source has the secret stripe.api_key for profile acme (secret_command: exited 1: not in the store)"
    )
    hint = missing.value.hint or ""
    assert str(world.credentials / "cardctl.acme.stripe.api_key") in hint
    assert f"{world.root}/secret-of cardctl/stripe.api_key" in hint
    assert "CARDCTL_ACME__STRIPE_API_KEY or CARDCTL_STRIPE_API_KEY" in hint
    assert "`cardctl secret set stripe.api_key --profile acme`" in hint


def test_a_source_that_fails_is_passed_over_and_said(world: World) -> None:
    world.script("exit 3")
    world.give("keyring", "sk_test_keyring")
    (world.credentials / f"cardctl.acme.{NAME}").mkdir(parents=True)
    secrets = world.secrets()
    assert secrets.get(NAME).reveal() == "sk_test_keyring"
    assert [each.outcome for each in secrets.explain(NAME)] == ["no: Is a directory", "no: exited 3", "absent", "found"]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("printf 'sk_test_plain'", "found"),
        ("printf 'sk_test_plain\\r\\n'", "found"),
        ("printf ''", "no: empty"),
        ("printf ' \\n'", "no: empty"),
        ("printf 'one\\ntwo\\n'", "no: more than one line, or a control character in it"),
        ("printf 'a\\033[31mb'", "no: more than one line, or a control character in it"),
        ("printf '\\377'", "no: not UTF-8 text"),
        ("kill -9 $$", "no: exited -9"),
        ("echo; echo '  locked \x1b[31m store ' >&2; echo more >&2; exit 2", r"no: exited 2: locked \x1b[31m store"),
        ("echo 'key sk_live_0123456789abc is old' >&2; exit 1", "no: exited 1: key *** is old"),
        ("echo hunter22; echo 'hunter22 has expired' >&2; exit 1", "no: exited 1: *** has expired"),
    ],
)
def test_what_a_command_may_answer(world: World, text: str, outcome: str) -> None:
    world.script(text)
    assert world.secrets().explain(NAME)[1].outcome == outcome


def test_a_command_gets_no_shell_and_no_input(world: World) -> None:
    marker = world.root / "made-by-a-shell"
    world.command = [
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1], sys.stdin.read())",
        f"$(touch {marker});{{name}}{{x}}",
    ]
    found = world.secrets().find(NAME)
    assert found is not None
    assert found.secret.reveal().strip() == f"$(touch {marker});stripe.api_key{{x}}"
    assert not marker.exists()


def test_a_command_that_is_not_there_is_said(world: World) -> None:
    world.command = [str(world.root / "nowhere"), "{name}"]
    assert world.secrets().explain(NAME)[1].outcome == "no: cannot be run: No such file or directory"


def test_a_command_that_does_not_end_is_ended_with_all_it_started(world: World) -> None:
    alive, asked = world.root / "alive", world.root / "asked"
    os.mkfifo(alive)
    writers = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    world.script(f"echo asked >> {asked}; exec 3> {alive}; sleep 1000 & wait")
    assert world.command is not None
    command = Command(world.command, seconds=1)
    for _ in range(2):
        with pytest.raises(Unfit, match="timed out after 1 s"):
            command.ask(NAME)
    assert asked.read_text() == "asked\n", "once is enough"
    # the pipe ends when the last process that holds it does
    assert select.select([writers], [], [], 60)[0] == [writers]
    assert os.read(writers, 1) == b""
    os.close(writers)


def test_an_answer_holds_until_it_is_changed(world: World) -> None:
    world.give("keyring", "sk_test_one")
    secrets = world.secrets()
    assert secrets.get(NAME).reveal() == "sk_test_one"
    world.give("keyring", "sk_test_two")
    assert secrets.get(NAME).reveal() == "sk_test_one"
    secrets.set(NAME, Secret("sk_test_three"))
    assert secrets.get(NAME).reveal() == "sk_test_three" == Kept.entries["cardctl", "acme.stripe.api_key"]
    secrets.delete(NAME)
    assert secrets.find(NAME) is None


def test_what_another_process_has_changed_is_seen_by_who_asks_afresh(world: World) -> None:
    world.give("keyring", "sk_one")
    secrets = world.secrets()
    assert secrets.get(NAME).reveal() == "sk_one"
    world.give("keyring", "sk_two")
    assert secrets.get(NAME).reveal() == "sk_one"
    assert secrets.fresh(NAME).reveal() == "sk_two"
    assert secrets.get(NAME).reveal() == "sk_two"


@pytest.mark.parametrize("value", ["", "  ", "one\ntwo", "ends in a line\n", "\x07"])
def test_only_one_line_of_text_is_stored(world: World, value: str) -> None:
    with pytest.raises(BadInput, match=r"smtp\.password"):
        world.secrets().set("smtp.password", Secret(value))
    assert Kept.entries == {}


@pytest.mark.parametrize("verb", ["get", "find", "explain", "delete"])
def test_an_unknown_name_is_refused_with_the_nearest(world: World, verb: str) -> None:
    with pytest.raises(BadInput, match=r"no secret is called 'stripe.apikey'; did you mean stripe.api_key\?"):
        getattr(world.secrets(), verb)("stripe.apikey")
    with pytest.raises(BadInput, match="did you mean"):
        world.secrets().set("stripe.apikey", Secret("x"))
    with pytest.raises(BadInput):
        world.secrets().get("../../etc/passwd")


def test_every_name_has_one_before_it(world: World) -> None:
    assert len(NAMES) == len(set(NAMES)) == 21
    for name in NAMES:
        world.give("environment", f"before-{name}", f"{name}_previous")
    assert {each.name for each in world.secrets().list()} == {f"{name}_previous" for name in NAMES}
    assert world.secrets().get("db.encryption_key_previous").reveal() == "before-db.encryption_key"


def test_in_the_simulator_api_keys_are_made_up_and_nobody_is_asked(world: World) -> None:
    world.script(f"touch {world.root}/asked; echo sk_live_real")
    world.give("environment", "sk_live_real")
    world.give("keyring", "sk_live_real")
    secrets = world.secrets("simulator")
    found = secrets.find(NAME)
    assert found is not None
    assert (found.secret.reveal(), found.source) == ("sk_test_simulator", "made up for the simulator")
    for name in ("marqeta.application_token", "strowallet.public_key", "square.access_token"):
        assert secrets.get(name).reveal() == "simulator"
    assert secrets.get("zendit.api_key").reveal() == "sand_simulator"
    assert secrets.find("stripe.api_key_previous") is None
    assert not (world.root / "asked").exists()
    with pytest.raises(Refused, match="made up"):
        secrets.set(NAME, Secret("sk_test_mine"))


def test_in_the_simulator_a_webhook_secret_comes_from_the_chain(world: World) -> None:
    assert world.secrets("simulator").find("stripe.webhook_secret") is None
    world.give("environment", "whsec_mine12", "stripe.webhook_secret")
    assert world.secrets("simulator").get("stripe.webhook_secret").reveal() == "whsec_mine12"


def test_no_secret_shows(world: World) -> None:
    value = "s3cr3t-value-of-the-test"
    for source in SOURCES:
        world.give(source, value)
    secrets = world.secrets()
    found = secrets.find(NAME)
    assert found is not None
    seen = [
        repr(found),
        str(found),
        repr(secrets.__dict__),
        repr(secrets.explain(NAME)),
        repr(secrets.list()),
        f"{found.secret}",
    ]
    assert all(value not in each for each in seen)
    assert "***" in repr(found)
    for taken in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="neither copied nor pickled"):
            taken(found)
    with pytest.raises(BadInput) as refused:
        secrets.set("db.encryption_key", Secret(value))
    assert value not in str(refused.value) + str(refused.value.hint)


def test_no_file_of_the_chain_is_made(world: World) -> None:
    world.secrets().list()
    assert list(world.root.iterdir()) == []
    assert stat.S_IMODE(world.root.stat().st_mode) & 0o077 == 0
