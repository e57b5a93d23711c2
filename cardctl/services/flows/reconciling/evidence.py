"""A run's evidence as one file: both sides as they were, from which anybody finds the same breaks again, without credentials.

A zip of the run's stages and a manifest. What differed has our side beside the provider's; of all else our side was the same.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from cardctl.db.engine import draft_beside, os_failure
from cardctl.db.stage import Stage
from cardctl.domain.breaks import Finding, ReconcileRun
from cardctl.domain.comparing.sides import CardSide, Rules
from cardctl.errors import BadFile, BooksUnusable
from cardctl.services.flows.reconciling.comparing import Ours, compare, moving_in
from cardctl.services.flows.reconciling.comparing_orders import compare_sold
from cardctl.services.flows.reconciling.comparing_saved import compare_saved
from cardctl.services.flows.reconciling.comparing_supply import compare_supply
from cardctl.services.flows.reconciling.keeping_orders import kept_orders, kept_supply
from cardctl.services.flows.reconciling.keeping_saved import kept_saved
from cardctl.services.flows.reconciling.running import digest_of

MANIFEST = "manifest.json"
_FORMAT = "cardctl.evidence"
_CHUNK = 1 << 20
_SPENT = (  # of what was read twice the later word
    "SELECT card_ref, sum(impact) FROM (SELECT card_ref, ref, impact, max(rowid) FROM money"
    " WHERE kind NOT IN ('funding', 'withdrawal') GROUP BY card_ref, ref) GROUP BY card_ref ORDER BY card_ref"
)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a piece of evidence comes to: `same` as the run that wrote it, by the digest of its findings. `found` are their
    fingerprints; `problems` say what is not as it should be."""

    run_id: str
    programmes: tuple[str, ...]
    found: tuple[str, ...]
    digest: str
    told: str
    problems: tuple[str, ...]

    @property
    def same(self) -> bool:
        return not self.problems and self.digest == self.told


def export(run: ReconcileRun, stages: list[Path], target: Path, *, force: bool) -> int:
    """Write the evidence of a run, whole or not at all, 0600; how many bytes it has. BadFile where the name is taken."""
    if target.exists() and not force:
        raise BadFile(f"{target} is there already", hint="--force replaces it")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as work, draft_beside(target) as draft:
            files = [_copied(path, Path(work)) for path in stages]
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
                bundle.writestr(MANIFEST, json.dumps(_manifest(run, files), indent=1))
                for file in files:
                    bundle.write(file, file.name)
            os.replace(draft, target)
    except OSError as error:
        raise os_failure(error, target) from error
    return target.stat().st_size


def verify(file: Path) -> Recomputed:
    """Find the breaks in the evidence again. BadFile where it is none."""
    try:
        with zipfile.ZipFile(file) as bundle, tempfile.TemporaryDirectory() as work:
            manifest = json.loads(bundle.read(MANIFEST))
            if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
                raise BadFile(f"{file} is no evidence of a reconcile run")
            problems = list[str]()
            findings = [each for one in manifest["stages"] for each in _recomputed(bundle, one, Path(work), problems)]
        run, found = manifest["run"], tuple(sorted({each.fingerprint for each in findings}))
        return Recomputed(run["id"], tuple(run["programmes"]), found, digest_of(findings), run["digest"], tuple(problems))
    except (OSError, zipfile.BadZipFile, LookupError, TypeError, ValueError, BooksUnusable) as error:
        raise BadFile(f"{file} is no evidence of a reconcile run, or is damaged: {error}") from None


def _copied(path: Path, work: Path) -> Path:
    copy, stage = work / path.name, Stage(path)
    try:
        stage.copy_to(copy)
    finally:
        stage.close()
    return copy


def _manifest(run: ReconcileRun, files: list[Path]) -> dict[str, Any]:
    told = {
        "id": run.id,
        "programmes": run.programmes,
        "started_at": run.started_at.isoformat(),
        "found": run.found,
        "digest": run.digest,
    }
    return {
        "format": _FORMAT,
        "version": 1,
        "run": told,
        "stages": [{"file": each.name, "sha256": _sum(each)} for each in files],
    }


def _recomputed(bundle: zipfile.ZipFile, told: dict[str, str], work: Path, problems: list[str]) -> list[Finding]:
    """One programme's findings: compared in a copy, with our side from another."""
    name = Path(told["file"]).name
    kept, anew = (Path(bundle.extract(told["file"], work / place)) for place in ("kept", "anew"))
    if _sum(kept) != told["sha256"]:
        problems.append(f"{name} was changed after it was written")
    evidence, stage = Stage(kept), Stage(anew)
    try:
        rules, moving = _rules(evidence), moving_in(evidence)
        if evidence.is_sellers:
            compare_saved(stage, kept_saved(evidence, rules), rules, moving=moving, keep=False)
        elif evidence.is_suppliers:
            compare_supply(stage, kept_supply(evidence, rules), rules, moving=moving, keep=False)
        else:
            listed = evidence.fact("rules")["lists_accounts"]
            compare(stage, _ours(evidence), rules, lists_accounts=listed, moving=moving, keep=False)
            if evidence.has_sales:
                compare_sold(stage, kept_orders(evidence, rules), rules, moving=moving, keep=False)
        found = [*stage.findings(), *evidence.fact("gathered")]
    finally:
        evidence.close()
        stage.close()
    return [Finding.from_plain(each) for each in found]


def _rules(stage: Stage) -> Rules:
    told = stage.fact("rules")
    return Rules(
        stage.fact("provider"),
        stage.fact("programme"),
        datetime.fromisoformat(stage.fact("begun")),
        fundings=told["fundings"],
        links=told["links"],
        begun=stage.fact("begun"),
        cutoff=told["cutoff"],
        since=stage.fact("since"),
        here=datetime.fromisoformat(stage.fact("begun_here")),
        first=stage.fact("first") or "",
        none_yet=bool(stage.fact("none_yet")),
    )


def _ours(stage: Stage) -> Ours:
    """Our side: as it was kept where it differed, else the same as theirs."""
    apart = {source: stage.apart(source) for source in ("accounts", "cards")}
    accounts = (row for row in stage.sides("accounts") if row[0] not in apart["accounts"])
    money = (row for row in stage.sides("money") if row[-1] not in apart["cards"])
    frozen = {row[CardSide._fields.index("id")]: row[CardSide._fields.index("word")] for row in stage.sides("cards", ours=True)}
    return Ours(
        heapq.merge(accounts, stage.sides("accounts", ours=True), key=itemgetter(0)),
        heapq.merge(_same_cards(stage, apart["cards"]), stage.sides("cards", ours=True), key=itemgetter(0)),
        heapq.merge(money, stage.sides("money", ours=True), key=itemgetter(-1)),
        lambda card_id: frozen.get(card_id) or None,
    )


def _same_cards(stage: Stage, apart: set[str]) -> Iterator[tuple[Any, ...]]:
    """Cards of ours that were the same as theirs, with the balance that their money events come to."""
    spent = iter(stage.rows(_SPENT))
    at = next(spent, None)
    for row in stage.sides("cards"):
        card = CardSide._make(row)
        while at is not None and at[0] < card.ref:
            at = next(spent, None)
        total = at[1] if at is not None and at[0] == card.ref else 0
        if card.ref in apart:
            continue
        balance = card.balance if card.balance is not None or card.allowance is None else card.allowance + total
        state = "frozen" if card.state == "inactive" and card.ever_active else card.state
        yield card._replace(state=state, balance=balance, word="", created_at="")


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
