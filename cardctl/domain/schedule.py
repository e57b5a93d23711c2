"""The jobs that run by themselves: what each says on the command line, when, for how long, and which endings are ordinary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """One job. `calendar` (systemd) and `cron` say the same moments; `spread` and `deadline` are seconds.

    `asks`: it speaks to the provider; `sends`: it may write there. `ordinary` are exit codes that need no person, each with the
    reason; every other one but 0 leaves the unit failed, where OnFailure= and `systemctl --failed` see it. `mailed`: its
    result is wanted by mail from cron. `supplier`: it is for profiles alone that use this provider.
    """

    name: str
    does: str
    words: tuple[str, ...]
    calendar: str
    cron: str
    spread: int
    deadline: int
    asks: bool = True
    sends: bool = False
    mailed: bool = False
    supplier: str | None = None
    ordinary: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """A secret of a job, as the chain calls it (`cardctl.acme.stripe.api_key`); `required`: the job cannot work without."""

    name: str
    required: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """One job as it will run. `home` is its CARDCTL_HOME (None: the user's own directories), `live`: it may write there,
    `writes` are directories outside of `home`; `in_a_home`: the program is somewhere below people's home directories."""

    job: ScheduledJob
    profile: str
    argv: tuple[str, ...]
    home: Path | None
    live: bool
    needs: tuple[Need, ...]
    writes: tuple[Path, ...]
    in_a_home: bool


_PARTLY = (10, "some are left, for the next run; what goes on failing is told by `alert check`")
_BUSY = (11, "a person runs the same just now")

JOBS = (
    ScheduledJob(
        name="reconcile",
        does="nightly reconcile, with its report",
        words=("reconcile", "--report"),
        calendar="*-*-* 02:30:00 UTC",
        cron="30 2 * * *",
        spread=900,
        deadline=7_200,
        mailed=True,  # breaks (3), a run cut short (10) and one that never was (11) all want somebody in the morning
    ),
    ScheduledJob(
        name="replay",
        does="retry of events that failed",
        words=("webhook", "replay", "--failed"),
        calendar="*-*-* *:03/10:00",
        cron="3-59/10 * * * *",
        spread=60,
        deadline=600,
        ordinary=(_PARTLY, _BUSY),
    ),
    ScheduledJob(
        name="resume",
        does="settling of operations that were left unfinished",
        words=("operation", "resume"),
        calendar="*-*-* *:07/10:00",
        cron="7-59/10 * * * *",
        spread=60,
        deadline=600,
        sends=True,
        ordinary=(_PARTLY, _BUSY),  # not 9: what stays in doubt is money, and needs a person
    ),
    ScheduledJob(
        name="esim",
        does="paid orders on their way to their eSIMs",
        words=("esim", "retry"),
        calendar="*-*-* *:*:00",
        cron="* * * * *",
        spread=10,
        deadline=300,
        sends=True,
        supplier="zendit",
        # not 9, as of resume; what needs a person (3) is told by `alert check`
        ordinary=((3, "some orders need a person, whom `alert check` tells"), _PARTLY, _BUSY),
    ),
    ScheduledJob(
        name="alerts",
        does="alert check",
        words=("alert", "check"),
        calendar="*-*-* *:01/5:00",
        cron="1-59/5 * * * *",
        spread=30,
        deadline=300,
        asks=False,  # the provider; only a rule that freezes does
        ordinary=((3, "an alert fires, and was told by itself, once"), _BUSY),  # not 10: it could not be told
    ),
    ScheduledJob(
        name="metrics",
        does="the page for Prometheus",
        words=("metrics", "write"),
        calendar="*-*-* *:04/5:00",
        cron="4-59/5 * * * *",
        spread=30,
        deadline=300,
        asks=False,
        ordinary=(_BUSY,),
    ),
)
NAMES = tuple(job.name for job in JOBS)


def spoken(seconds: int) -> str:
    """A span of time as cardctl and systemd both read it: `2h`, `15m`, `2h 5m`."""
    words = []
    for unit, size in _UNITS:
        many, seconds = divmod(seconds, size)
        words += [f"{many}{unit}"] if many else []
    return " ".join(words) or "0s"
