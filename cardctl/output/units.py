"""A planned job as a systemd service and its timer, and all of them as one crontab. What the jobs are is decided elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from cardctl.domain.schedule import Planned, ScheduledJob, spoken

CREDENTIALS = Path("/etc/cardctl/credentials")
_STATE = Path("/var/lib")
_GRACE = 300
"""Seconds between a job's own deadline and systemd's, which does not ask: for the piece of work that it is at."""
_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@+=:,./-_%")

_HARDENED = """\
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
{home}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
KeyringMode=private
UMask=0077"""


def service(task: Planned, *, user: str) -> str:
    """The unit that runs the job once, as `user`, with its secrets as credentials and little else of the machine."""
    job = task.job
    lines = [
        *_head(task),
        "[Unit]",
        f"Description=cardctl: {job.does} (profile {task.profile})",
        "Wants=network-online.target",
        "After=network-online.target",
        *_failing(job),
        "",
        "[Service]",
        "Type=oneshot",
        f"User={user}",
        f"ExecStart={' '.join(_word(word) for word in task.argv)}",
        "# It ends by itself at its deadline, and on SIGTERM; each of these is for when it cannot.",
        f"TimeoutStartSec={spoken(job.deadline + _GRACE)}",
        f"TimeoutStopSec={spoken(_GRACE)}",
        *_variables(task),
        *_secrets(task),
        "",
        *_places(task),
        _HARDENED.format(home=_protected(task)),
    ]
    return "\n".join(lines) + "\n"


def timer(task: Planned, *, service_name: str) -> str:
    """The unit that starts it: at its moments, each a random while later; what was missed while off is done once."""
    job = task.job
    lines = [
        *_head(task),
        "[Unit]",
        f"Description=cardctl: when to run {job.does} (profile {task.profile})",
        "",
        "[Timer]",
        f"Unit={service_name}",
        f"OnCalendar={job.calendar}",
        f"RandomizedDelaySec={spoken(job.spread)}",
        "AccuracySec=1s",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def crontab(tasks: Sequence[Planned], *, path: str = "/usr/local/bin:/usr/bin:/bin") -> str:
    """The lines of a crontab of the user that the jobs run as. cron mails what they print, so most keep their result to
    themselves, and warnings and errors come by mail."""
    profile = tasks[0].profile if tasks else ""
    lines = [
        f"# Made by `cardctl schedule print --cron` for the profile {profile}: print it anew rather than edit it.",
        "# cron gives no secrets: they come from the profile's secret_command, a keyring, or files that are this user's alone:",
        f"# CREDENTIALS_DIRECTORY={CREDENTIALS}",
        "# Hours are this machine's own and ought to be UTC. What is printed is mailed: warnings, errors, the nightly verdict.",
        "# MAILTO=somebody@example.com",
        "SHELL=/bin/sh",
        f"PATH={path}",
        *([f'CARDCTL_HOME="{tasks[0].home}"'] if tasks and tasks[0].home else []),
    ]
    for task in tasks:
        lines += ["", f"# {task.job.does}", f"{task.job.cron} {_shell(task)}"]
    return "\n".join(lines) + "\n"


def _head(task: Planned) -> list[str]:
    text = f"# Made by `cardctl schedule print --systemd --profile {task.profile}`: print it anew rather than edit it."
    return [text, ""]


def _failing(job: ScheduledJob) -> list[str]:
    """Which ends leave the unit failed. One that tells by itself, or goes on next time, must not cry every five minutes."""
    others = "every exit code but 0" + (" and those of SuccessExitStatus= below" if job.ordinary else "")
    return [
        f"# Failed is {others}: to be told, name a unit of yours that tells somebody.",
        "# OnFailure=tell-somebody@%n.service",
    ]


def _variables(task: Planned) -> list[str]:
    ordinary = task.job.ordinary
    lines = [f"# {code}: {why}" for code, why in ordinary]
    lines += [f"SuccessExitStatus={' '.join(str(code) for code, _ in ordinary)}"] if ordinary else []
    lines += [f"Environment={_word(f'CARDCTL_HOME={task.home}')}"] if task.home else []
    return [*lines, "# This job may write to the live programme.", "Environment=CARDCTL_LIVE=1"] if task.live else lines


def _secrets(task: Planned) -> list[str]:
    lines = [f"LoadCredential={need.name}:{CREDENTIALS / need.name}" for need in task.needs if need.required]
    wanted = [need.name for need in task.needs if not need.required]
    lines += (
        ["# These only where there is one: without its file a job is given an empty one, which says nothing."] if wanted else []
    )
    for name in wanted:
        lines += [f"LoadCredential={name}:{CREDENTIALS / name}", f"SetCredential={name}:\\n"]
    return lines


def _places(task: Planned) -> list[str]:
    lines, home = [], task.home
    writes = list(task.writes)
    if home is not None and home.is_relative_to(_STATE) and home != _STATE:
        lines += [f"StateDirectory={_word(str(home.relative_to(_STATE)))}", "StateDirectoryMode=0700"]
    elif home is not None:
        writes.insert(0, home)
    return lines + [f"ReadWritePaths={_word(f'-{path}')}" for path in writes]


def _protected(task: Planned) -> str:
    if task.in_a_home or (task.home is not None and str(task.home).startswith(("/home", "/root"))):
        return "# The program or its files are in somebody's home; elsewhere this could be `yes`.\nProtectHome=read-only"
    return "ProtectHome=yes"


def _word(text: str) -> str:
    """One word of a line: systemd's own signs doubled, quoted where it would be split."""
    doubled = text.replace("%", "%%")
    return doubled if set(doubled) <= _SAFE else f'"{doubled}"'


def _shell(task: Planned) -> str:
    words = [*task.argv, "--random-wait", spoken(task.job.spread)]
    line = " ".join(shlex.quote(word) for word in words)
    line = f"CARDCTL_LIVE=1 {line}" if task.live else line
    line = line if task.job.mailed else f"{line} >/dev/null"
    return line.replace("%", "\\%")  # where cron would end the line
