"""Where stages lie: the run that is under way, which a later process goes on with, and the last few that have ended."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cardctl.config import private_dir
from cardctl.db.engine import os_failure
from cardctl.db.stage import Stage
from cardctl.errors import NotFound

KEPT = 5
"""Runs whose evidence is kept."""
_UNDER_WAY = "current"
_ODD = re.compile(r"[^A-Za-z0-9]+")


class Places:
    """The directory of one profile's stages, 0700. A run's is renamed when it has ended, so that it is whole there."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def current(self, programme: str) -> Stage:
        """The stage of a programme in the run that is under way, new or not."""
        return Stage(private_dir(self._root / _UNDER_WAY) / _name(programme))

    def left(self) -> list[Path]:
        """The stages that a run which did not end has left."""
        return sorted((self._root / _UNDER_WAY).glob("*.stage"))

    def touched_at(self) -> datetime | None:
        """When the run that did not end has kept something last."""
        written = [datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in (self._root / _UNDER_WAY).glob("*.stage*")]
        return max(written, default=None)

    def discard(self) -> None:
        """What was left is not gone on with."""
        self._remove(self._root / _UNDER_WAY)

    def finish(self, run_id: str) -> None:
        """The run has ended: its stages are evidence from now on, and the oldest of those that were kept go."""
        here, there = self._root / _UNDER_WAY, self._root / run_id
        try:
            if here.is_dir() and not there.exists():
                here.rename(there)
            kept = sorted((each for each in self._root.iterdir() if each.name != _UNDER_WAY), key=_age, reverse=True)
        except OSError as error:
            raise os_failure(error, here) from error
        for old in kept[KEPT:]:
            self._remove(old)

    def ended(self, run_id: str) -> list[Path]:
        """The stages of a run that has ended. NotFound where they are not kept any more."""
        found = sorted((self._root / run_id).glob("*.stage"))
        if not found:
            hint = f"the last {KEPT} runs are kept; export one when it matters"
            raise NotFound("evidence", run_id, hint=hint)
        return found

    def _remove(self, directory: Path) -> None:
        try:
            if directory.exists():
                shutil.rmtree(directory)
        except OSError as error:
            raise os_failure(error, directory) from error


def _name(programme: str) -> str:
    return f"{_ODD.sub('-', programme)}-{sha256(programme.encode()).hexdigest()[:8]}.stage"


def _age(path: Path) -> float:
    """When a run's stages were written last; looking at them leaves that as it is."""
    return max((each.stat().st_mtime for each in path.glob("*.stage")), default=0.0)
