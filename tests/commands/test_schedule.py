"""`schedule print`: units that systemd takes without a word, lines that cron and sh take, and nothing secret in either."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.schedule import JOBS as ALL
from cardctl.domain.schedule import ScheduledJob
from tests.commands.runner import Cardctl

PROGRAM = Path(sys.executable).with_name("cardctl")
LIVE = """
[profiles.acme]
environment = "live"
provider = "stripe"
"""
TEAM = 'database = "postgresql://db.internal/cards"\n'
JOBS = [job for job in ALL if job.supplier is None]
NAMES = [job.name for job in JOBS]
UNITS = [f"cardctl-{name}.{kind}" for name in NAMES for kind in ("service", "timer")]
_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_FIELD = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?\Z")


@pytest.fixture
def systemd() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("systemd-analyze (of systemd) is not here")
    return found


def configured(cardctl: Cardctl, text: str) -> None:
    file = cardctl.home / "config" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def printed(cardctl: Cardctl, *argv: str) -> dict[str, str]:
    """The texts by the names of their files."""
    ran = cardctl("schedule", "print", *argv, "-o", "json")
    assert (ran.code, ran.stderr.replace(NOTICE, "")) == (0, ""), (ran.stdout, ran.stderr)
    assert {tuple(each) for each in ran.data} == {("name", "file", "text")}
    return {each["file"]: each["text"] for each in ran.data}


NOTICE = "using the built-in profile dev (the simulator): no other is chosen\n"


def settings(text: str) -> dict[str, list[str]]:
    """Every setting of a unit with its values; comments are left out."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def crontab(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The variables of a crontab, and its lines as (five fields, what the shell gets)."""
    variables: dict[str, str] = {}
    lines = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        if match := re.match(r"(\w+)=(.*)\Z", line):
            variables[match[1]] = match[2].strip('"')
            continue
        *fields, command = line.split(" ", 5)
        assert not re.search(r"(?<!\\)%", command), line  # cron would end the line there
        lines.append((" ".join(fields), command.replace("\\%", "%")))
    return variables, lines


def minutes(field: str, lowest: int, highest: int) -> list[int]:
    """What a field of cron means."""
    match = _FIELD.match(field)
    assert match, field
    first = int(match[1]) if match[1] else lowest
    last = int(match[2]) if match[2] else (highest if match[1] is None else first)
    assert lowest <= first <= last <= highest, field
    return list(range(first, last + 1, int(match[3] or 1)))


def verify(systemd: str, directory: Path) -> tuple[int, str]:
    done = subprocess.run(
        [systemd, "verify", *map(str, sorted(directory.iterdir()))], capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("config", ["", LIVE, LIVE + TEAM, LIVE + "alerts.actions.velocity = 'freeze'\n"])
def test_systemd_takes_them_without_a_word(cardctl: Cardctl, systemd: str, tmp_path: Path, config: str) -> None:
    configured(cardctl, config)
    units = tmp_path / "units"
    units.mkdir()
    profile = "acme" if config else "dev"
    ran = cardctl("schedule", "print", "--systemd", "--dir", str(units), "--profile", profile)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.lines == [f"wrote {units / name}" for name in UNITS]
    assert {stat.S_IMODE(file.stat().st_mode) for file in units.iterdir()} == {0o644}
    assert verify(systemd, units) == (0, "")


def test_verification_would_notice(cardctl: Cardctl, systemd: str, tmp_path: Path) -> None:
    units = tmp_path / "units"
    for wrong in (("OnCalendar=*", "OnCalendar=x"), ("UMask=0077", "UMask=none"), ("ExecStart=/", "ExecStart=/nowhere/")):
        units.mkdir()
        for file, text in printed(cardctl, "--systemd", "--only", "alerts").items():
            (units / file).write_text(text.replace(*wrong))
        assert verify(systemd, units) != (0, ""), wrong
        shutil.rmtree(units)


def test_systemd_takes_strange_places_too(cardctl: Cardctl, systemd: str, tmp_path: Path) -> None:
    place = tmp_path / "100% ours"
    units = tmp_path / "units"
    for directory in (place, units):
        directory.mkdir()
    program = place / "cardctl"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    where = ["--program", str(program), "--home", str(place), "--textfile", str(place / "c.prom"), "--db", str(place / "b.db")]
    assert cardctl("schedule", "print", "--systemd", "--dir", str(units), *where).code == 0
    assert verify(systemd, units) == (0, "")
    text = (units / "cardctl-metrics.service").read_text()
    assert f'ExecStart="{tmp_path}/100%% ours/cardctl" metrics write' in text
    assert f'Environment="CARDCTL_HOME={tmp_path}/100%% ours"' in text


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.name)
def test_both_timers_say_the_same_moments(job: ScheduledJob, systemd: str) -> None:
    shown = [systemd, "calendar", "--iterations=1500", "--base-time=2026-01-01 00:00:00 UTC", job.calendar]
    done = subprocess.run(shown, capture_output=True, text=True, check=True, env={"TZ": "UTC"}, timeout=60)
    elapsed = set(re.findall(r"(\d\d):(\d\d):00 UTC", done.stdout))
    minute, hour, *rest = job.cron.split()
    assert rest == ["*", "*", "*"]
    wanted = {(f"{h:02}", f"{m:02}") for h in minutes(hour, 0, 23) for m in minutes(minute, 0, 59)}
    assert elapsed == wanted


def test_moments_are_staggered_and_a_delay_never_reaches_the_next() -> None:
    often = [job for job in JOBS if job.name != "reconcile"]
    for job in often:
        found = minutes(job.cron.split()[0], 0, 59)
        assert job.spread < 60 * min(later - one for one, later in pairwise(found))
        assert job.deadline >= job.spread
    starts = [minutes(job.cron.split()[0], 0, 59) for job in often]
    assert len({minute for each in starts for minute in each}) == sum(map(len, starts))


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.name)
def test_every_job_is_a_command_with_these_options(cardctl: Cardctl, job: ScheduledJob) -> None:
    verbs = [word for word in job.words if not word.startswith("-")]
    flags = [word for word in job.words if word.startswith("-")]
    ran = cardctl(*verbs, "--help")
    assert ran.code == 0
    for option in (*flags, "--deadline", "--random-wait", "--profile"):
        assert f" {option} " in ran.stdout, option


@pytest.mark.parametrize("job", ALL, ids=lambda job: job.name)
def test_what_a_unit_starts_runs(cardctl: Cardctl, programme: dict[str, Any], tmp_path: Path, job: ScheduledJob) -> None:
    text = printed(cardctl, "--systemd", "--only", job.name, "--textfile", str(tmp_path / "cardctl.prom"), "--profile", "dev")
    (line,) = settings(text[f"cardctl-{job.name}.service"])["ExecStart"]
    program, *argv = line.split(" ")
    assert program == str(PROGRAM)
    for _ in range(2):  # the second one finds what the first one left
        ran = cardctl(*argv)
        assert (ran.code, ran.stderr) == (0, ""), ran


def test_a_service(cardctl: Cardctl) -> None:
    text = printed(cardctl, "--systemd", "--home", "/var/lib/cardctl", "--program", "/usr/bin/cardctl")
    assert list(text) == UNITS
    found = settings(text["cardctl-replay.service"])
    assert found["ExecStart"] == ["/usr/bin/cardctl webhook replay --failed --profile dev --deadline 10m"]
    assert (found["Type"], found["User"], found["SuccessExitStatus"]) == (["oneshot"], ["cardctl"], ["10 11"])
    assert (found["TimeoutStartSec"], found["TimeoutStopSec"]) == (["15m"], ["5m"])
    assert (found["StateDirectory"], found["StateDirectoryMode"]) == (["cardctl"], ["0700"])
    assert found["Environment"] == ["CARDCTL_HOME=/var/lib/cardctl"]
    assert found["ProtectHome"] == ["yes"]
    assert "LoadCredential" not in found  # the simulator needs none
    assert (found["CapabilityBoundingSet"], found["UMask"], found["ProtectSystem"]) == ([""], ["0077"], ["strict"])
    timer = settings(text["cardctl-replay.timer"])
    assert timer["RandomizedDelaySec"] == ["1m"]
    assert (timer["Unit"], timer["Persistent"]) == (["cardctl-replay.service"], ["true"])


def test_what_needs_a_person_leaves_the_unit_failed(cardctl: Cardctl) -> None:
    text = printed(cardctl, "--systemd")
    ordinary = {name: settings(text[f"cardctl-{name}.service"]).get("SuccessExitStatus") for name in NAMES}
    assert ordinary == {"reconcile": None, "replay": ["10 11"], "resume": ["10 11"], "alerts": ["3 11"], "metrics": ["11"]}


@pytest.mark.parametrize(("alerts", "live"), [("", ["resume"]), ("alerts.actions.declines = 'freeze'\n", ["resume", "alerts"])])
def test_only_jobs_that_write_may_write_to_live(cardctl: Cardctl, alerts: str, live: list[str]) -> None:
    configured(cardctl, LIVE + alerts)
    text = printed(cardctl, "--systemd", "--profile", "acme")
    may = [name for name in NAMES if "CARDCTL_LIVE=1" in settings(text[f"cardctl-{name}.service"])["Environment"]]
    assert may == live
    _, lines = crontab(printed(cardctl, "--cron", "--profile", "acme")["cardctl.crontab"])
    assert [name for name, (_, line) in zip(NAMES, lines, strict=True) if line.startswith("CARDCTL_LIVE=1 ")] == live
    assert not any("CARDCTL_LIVE" in each for each in printed(cardctl, "--systemd", "--profile", "dev").values())
    assert "key" not in "".join(settings(text["cardctl-metrics.service"])["LoadCredential"]).replace("encryption_key", "")


def test_the_chain_finds_each_credential_under_its_unit_s_name(
    cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configured(cardctl, LIVE + 'database = "postgresql://"\n')
    found = settings(printed(cardctl, "--systemd", "--profile", "acme")["cardctl-resume.service"])
    given = [line.partition(":") for line in found["LoadCredential"]]
    assert all(path == f"/etc/cardctl/credentials/{name}" for name, _, path in given)
    optional = {line.partition(":")[0] for line in found["SetCredential"]}
    assert optional == {"cardctl.acme.db.encryption_key_previous"}
    assert {line.partition(":")[2] for line in found["SetCredential"]} == {"\\n"}
    for name, _, _ in given:
        (tmp_path / name).write_text("\n" if name in optional else "a-secret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    ran = cardctl("secret", "check", "--profile", "acme", "-o", "json")
    assert ran.code == 0, ran
    sources = {f"cardctl.acme.{each['name']}": each["source"] for each in ran.data}
    assert {name: sources[name] for name, _, _ in given} == {
        "cardctl.acme.stripe.api_key": "credentials directory",
        "cardctl.acme.db.encryption_key": "credentials directory",
        "cardctl.acme.db.encryption_key_previous": None,  # an empty one says nothing
        "cardctl.acme.db.url": "credentials directory",
    }


def test_secrets_that_others_have_must_not_lie_there_too(cardctl: Cardctl) -> None:
    configured(cardctl, LIVE + 'secret_command = ["pass", "show", "cardctl/{name}"]\n[profiles.acme.marqeta]\nrate_limit = 5\n')
    found = settings(printed(cardctl, "--systemd", "--profile", "acme")["cardctl-resume.service"])
    given, optional = ([line.partition(":")[0] for line in found[name]] for name in ("LoadCredential", "SetCredential"))
    assert given == optional
    assert "cardctl.acme.marqeta.application_token" in given


def test_no_secret_is_printed(cardctl: Cardctl, monkeypatch: pytest.MonkeyPatch) -> None:
    configured(cardctl, LIVE)
    secret = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    monkeypatch.setenv("CARDCTL_STRIPE_API_KEY", secret)
    monkeypatch.setenv("CARDCTL_DB", f"postgresql://ops:{secret}@db.internal/cards")
    for kind in ("--systemd", "--cron"):
        ran = cardctl("schedule", "print", kind, "--profile", "acme", "-o", "json")
        assert ran.code == 0
        assert ran.warnings == ["NOT_IN_JOBS"]
        assert secret not in ran.stdout + ran.stderr
        assert "CARDCTL_DB" not in json.dumps(ran.data)


def test_places_outside_of_home_can_be_written(cardctl: Cardctl) -> None:
    configured(cardctl, LIVE + 'database = "/srv/books/acme.db"\nreports = "/srv/reports"\n')
    text = printed(cardctl, "--systemd", "--profile", "acme", "--home", "/var/lib/cardctl")
    places = {name: settings(text[f"cardctl-{name}.service"])["ReadWritePaths"] for name in NAMES}
    assert places["reconcile"] == ["-/srv/books", "-/srv/reports"]
    assert places["metrics"] == ["-/srv/books", "-/var/lib/prometheus/node-exporter"]
    assert places["replay"] == ["-/srv/books"]


def test_a_program_in_somebody_s_home_stays_visible(cardctl: Cardctl) -> None:
    text = printed(cardctl, "--systemd", "--only", "alerts", "--program", "/home/ops/venv/bin/cardctl")
    assert settings(text["cardctl-alerts.service"])["ProtectHome"] == ["read-only"]


def test_lines_that_cron_and_sh_take(cardctl: Cardctl, tmp_path: Path) -> None:
    place = tmp_path / "50% ours"
    place.mkdir()
    program = place / "card ctl"
    program.write_text(f'#!/bin/sh\necho "$CARDCTL_HOME" "$@"\nexec {PROGRAM} "$@"\n')
    program.chmod(0o755)
    text = printed(cardctl, "--cron", "--program", str(program), "--home", str(place / "home"))["cardctl.crontab"]
    variables, lines = crontab(text)
    assert len(lines) == len(JOBS)
    assert max(map(len, text.splitlines())) < 900
    for fields, _ in lines:
        for field, (lowest, highest) in zip(fields.split(), _FIELDS, strict=True):
            assert minutes(field, lowest, highest)
    command = next(line for _, line in lines if "operation resume" in line)
    assert command.endswith(" --random-wait 1m >/dev/null")
    command = command.replace("--random-wait 1m >/dev/null", "--random-wait 1s")
    done = subprocess.run([variables["SHELL"], "-c", command], env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{place / 'home'} operation resume --profile dev --deadline 10m --random-wait 1s",
        "0 settled, 0 left in doubt",
    ]
    assert (place / "home" / "logs" / "cardctl.log").is_file()


def test_the_nightly_report_alone_is_mailed(cardctl: Cardctl) -> None:
    _, lines = crontab(printed(cardctl, "--cron")["cardctl.crontab"])
    assert [name for name, (_, line) in zip(NAMES, lines, strict=True) if not line.endswith(">/dev/null")] == ["reconcile"]
    assert all("2>" not in line for _, line in lines)


def test_what_is_printed_is_what_would_be_written(cardctl: Cardctl) -> None:
    texts = printed(cardctl, "--systemd", "--only", "reconcile,metrics")
    ran = cardctl("schedule", "print", "--systemd", "--only", "metrics, reconcile")
    assert ran.stderr == NOTICE
    parts = re.split(r"^# file: (.*)\n", ran.stdout, flags=re.MULTILINE)
    assert parts[0] == ""
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert {file: text.rstrip("\n") for file, text in found.items()} == {
        file: text.rstrip("\n") for file, text in texts.items()
    }
    assert list(found) == [each for each in UNITS if "reconcile" in each or "metrics" in each]


def test_names_of_another_programme_stand_beside_these(cardctl: Cardctl) -> None:
    texts = printed(cardctl, "--systemd", "--only", "alerts", "--prefix", "acme", "--user", "cards")
    assert list(texts) == ["acme-alerts.service", "acme-alerts.timer"]
    assert settings(texts["acme-alerts.timer"])["Unit"] == ["acme-alerts.service"]
    assert settings(texts["acme-alerts.service"])["User"] == ["cards"]


def test_no_file_is_replaced_unasked_and_none_is_written_then(cardctl: Cardctl, tmp_path: Path) -> None:
    taken = tmp_path / "cardctl-alerts.timer"
    taken.write_text("mine")
    argv = ["schedule", "print", "--systemd", "--only", "replay,alerts", "--dir", str(tmp_path), "--profile", "dev"]
    ran = cardctl(*argv, "-o", "json")
    assert (ran.code, ran.error) == (6, "REFUSED")
    assert [file.name for file in tmp_path.glob("cardctl-*")] == [taken.name]
    assert taken.read_text() == "mine"
    ran = cardctl(*argv, "--force", "-o", "json")
    assert ran.code == 0
    assert sorted(each["file"] for each in ran.data) == sorted(map(str, tmp_path.glob("cardctl-*")))
    assert len(ran.data) == 4
    assert "OnCalendar=" in taken.read_text()
    gone = cardctl("schedule", "print", "--cron", "--dir", str(tmp_path / "nowhere"), "-o", "json")
    assert (gone.code, gone.error) == (2, "INVALID_FILE")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((), "say for what"),
        (("--systemd", "--cron"), "say for what"),
        (("--cron", "--only", "alert"), "did you mean alerts?"),
        (("--cron", "--only", ""), "no job is called"),
        (("--systemd", "--program", "bin/cardctl"), "is not absolute"),
        (("--systemd", "--home", "var"), "is not absolute"),
        (("--systemd", "--program", "/opt/$HOME/cardctl"), "no unit can hold"),
        (("--systemd", "--textfile", "/var/a\nExecStart=/bin/sh"), "no unit can hold"),
        (("--systemd", "--user", "root\nExecStart=/bin/sh"), "is no name"),
        (("--systemd", "--prefix", "../../etc/x"), "is no name"),
    ],
)
def test_what_cannot_be_meant(cardctl: Cardctl, argv: tuple[str, ...], says: str) -> None:
    ran = cardctl("schedule", "print", *argv, "-o", "json")
    assert (ran.code, ran.error) == (2, "INVALID_INPUT")
    told: Any = ran.json["message"]
    assert says in told


SHOP = """
[profiles.acme.zendit]
topup = "card"
topup_url = "https://pay.example.com/topups"

[profiles.acme.zendit.cardholder]
line1 = "1 Main St"
city = "Oakland"
postal_code = "94612"
country = "US"

[profiles.acme.mail]
host = "smtp.example.com"
sender = "Acme <esim@example.com>"
user = "acme"
"""


def test_who_sells_esims_has_a_job_for_orders(cardctl: Cardctl, systemd: str, tmp_path: Path) -> None:
    configured(cardctl, LIVE + SHOP)
    text = printed(cardctl, "--systemd", "--profile", "acme")
    assert [name for name in text if name not in UNITS] == ["cardctl-esim.service", "cardctl-esim.timer"]
    unit = settings(text["cardctl-esim.service"])
    assert unit["SuccessExitStatus"] == ["3 10 11"]
    assert "CARDCTL_LIVE=1" in unit["Environment"]
    names = [each.partition(":")[0].removeprefix("cardctl.acme.") for each in unit["LoadCredential"]]
    assert len(names) == len(set(names))
    optional = {each.partition(":")[0].removeprefix("cardctl.acme.") for each in unit["SetCredential"]}
    assert {"stripe.api_key", "zendit.api_key", "smtp.password", "db.encryption_key"} == set(names) - optional
    assert "zendit.topup_token" in optional
    units = tmp_path / "units"
    units.mkdir()
    for name, said in text.items():
        (units / name).write_text(said)
    assert verify(systemd, units) == (0, "")


def test_nobody_else_has(cardctl: Cardctl) -> None:
    configured(cardctl, LIVE)
    assert list(printed(cardctl, "--systemd", "--profile", "acme")) == UNITS
    assert list(printed(cardctl, "--systemd", "--profile", "acme", "--only", "esim")) == [
        "cardctl-esim.service",
        "cardctl-esim.timer",
    ]
