"""Evidence: whatever a run found, its file alone finds again, without the books; what was touched afterwards does not pass."""

from __future__ import annotations

import json
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from cardctl.domain.breaks import BreakType, Finding
from cardctl.domain.cards import Card, Limits
from cardctl.domain.states import Move
from cardctl.errors import BadFile, NotFound
from cardctl.services.deeds.controls import move_card
from cardctl.services.deeds.funding import fund_card
from cardctl.services.deeds.pulling import sync_card
from cardctl.services.flows.reconciling.evidence import export, verify
from cardctl.services.flows.reconciling.places import KEPT
from cardctl.services.flows.reconciling.running import digest_of
from tests.services import reconciled as r
from tests.services.world import World, usd

T = BreakType
Worlds = Callable[..., World]
PROVIDERS = ["stripe", "marqeta", "strowallet"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_equal_needs_no_side_of_ours(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("12.50"))
    world.control.swipe(card.ref, usd("5"), hold=True)
    sync_card(world.desk, card)
    outcome = r.clean(world)
    with closing(sqlite3.connect(r.places(world).ended(outcome.run.id)[0])) as stage:
        kept = [stage.execute(f"SELECT count(*) FROM our_{name}").fetchone()[0] for name in ("cards", "money", "accounts")]
    assert kept == ([0, 0, 0] if provider != "strowallet" else [1, 3, 0]), "Strowallet's rows go by other names than ours"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_breaks_of_every_provider_are_found_again(worlds: Worlds, provider: str) -> None:
    world = worlds(provider=provider)
    cards = [world.a_card("100") for _ in range(4)]
    world.control.swipe(cards[0].ref, usd("12.50"))
    move_card(world.desk, cards[1], Move.FREEZE)
    r.amend(world, "UPDATE cards SET state = 'active' WHERE id = ?", cards[1].id)
    r.amend(world, "UPDATE cards SET exp_year = 2001, daily_minor = 500, daily_currency = 'USD' WHERE id = ?", cards[2].id)
    r.amend(world, "UPDATE accounts SET kyc = 'rejected' WHERE id = ?", cards[3].account_id)
    r.amend(world, "UPDATE cards SET balance_minor = balance_minor - 300 WHERE id = ?", cards[3].id)
    wanted = {T.TRANSACTION_MISSING_HERE, T.CARD_STATE, T.CARD_DETAILS, T.CARD_LIMITS, T.ACCOUNT_KYC, T.BALANCE}
    outcome = r.ran(world)
    assert {one.type for one in r.found(world, outcome)} == wanted
    proof = r.proven(world, outcome)
    assert proof is not None
    assert proof.same
    assert len(proof.found) == outcome.run.found


def test_a_shared_balance_is_found_again(marqeta: World) -> None:
    """Nothing else differs there: the balance is the holder's, and is told once for all of the cards."""
    holder = marqeta.an_account()
    cards = [marqeta.a_card("100", account=holder), marqeta.a_card(None, account=holder)]
    marqeta.user.load(holder.ref or "", 7)
    one = r.only(marqeta)
    assert (one.type, one.subject, one.at_risk) == (T.BALANCE, holder.ref, usd("7"))
    assert r.mended(marqeta, [one]).fixed == [one.fingerprint]
    assert {marqeta.card(card).balance for card in cards} == {usd("107")}
    r.clean(marqeta)


def test_a_card_that_moves_while_its_life_is_out_of_order(world: World) -> None:
    """What is out of order in itself is left out of the verdict with the rest, and the evidence knows."""
    card, other = world.a_card("100"), world.a_card("100")
    for each in (card, other):
        hold = world.hold(each, 1000)
        world.on(hold, "capture", capture_amount=3000)
        sync_card(world.desk, each)
    before = world.card(card)
    outcome = r.ran(world, between=lambda: move_card(world.desk, card, Move.FREEZE))
    assert {one.card_id for one in r.found(world, outcome)} == {other.id}
    assert outcome.run.not_checked[-1] == "stripe/acct_1: 1 objects that were still moving"
    assert before.state != world.card(card).state
    assert {one.card_id for one in r.found(world)} == {other.id, card.id}


def test_a_card_made_and_used_while_reading(world: World) -> None:
    """The list of cards was read before it was made, that of money events after."""
    world.a_card("100")
    made: list[Card] = []

    def make(request: httpx.Request) -> None:
        if request.url.path.endswith("/v1/issuing/cards"):
            world.wire.after = lambda _request: None
            made.append(card := world.a_card("50"))
            hold = world.hold(card, 700)
            world.on(hold, "capture", capture_amount=700)

    world.control.advance(timedelta(seconds=5))
    world.wire.after = make
    outcome = r.ran(world, events=False)
    assert made
    assert r.told(r.found(world, outcome)) == []
    assert r.told(r.found(world)) != []


def test_a_freeze_of_which_the_evidence_knows_when(world: World) -> None:
    """When the books heard of a freeze is in the books alone; the information that rests on it is found again."""
    card = world.a_card("100")
    hold = world.hold(card, 1000)
    sync_card(world.desk, card)
    move_card(world.desk, card, Move.FREEZE)
    world.control.advance(timedelta(minutes=1))
    world.on(hold, "capture", capture_amount=1000)
    sync_card(world.desk, card)
    outcome = r.ran(world)
    assert r.found(world, outcome) == []
    (info,) = r.broken(world).values()
    assert (info.type, info.waits, info.at_risk) == (T.CAPTURE_AFTER_FREEZE, False, usd("10"))
    proof = r.proven(world, outcome)
    assert proof is not None
    assert proof.found == (info.fingerprint,)


def _exported(world: World, tmp_path: Path) -> Path:
    card = world.a_card("100")
    world.control.swipe(card.ref, usd("12.50"))
    outcome = r.ran(world)
    target = tmp_path / "e.zip"
    size = export(outcome.run, r.places(world).ended(outcome.run.id), target, force=False)
    assert size == target.stat().st_size
    return target


def test_the_file_is_private_whole_and_needs_no_books(world: World, tmp_path: Path) -> None:
    target = _exported(world, tmp_path)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    before = target.read_bytes()
    with pytest.raises(BadFile, match="is there already"):
        _again(world, target, force=False)
    assert target.read_bytes() == before
    _again(world, target, force=True)
    assert target.read_bytes() != b""
    world.close()
    (tmp_path / "books.db").unlink()
    proof = verify(target)
    assert proof.same
    assert len(proof.found) == 2
    assert proof.programmes == ("stripe/acct_1",)


def _again(world: World, target: Path, *, force: bool) -> None:
    with world.books.read() as unit:
        run = next(iter(unit.runs.rows()))
    export(run, r.places(world).ended(run.id), target, force=force)


def _amount(stage: sqlite3.Connection) -> None:
    assert stage.execute("UPDATE money SET amount = amount + 1 WHERE kind = 'settlement'").rowcount


def _hidden(stage: sqlite3.Connection) -> None:
    assert stage.execute("DELETE FROM money WHERE kind = 'settlement'").rowcount


def _ours(stage: sqlite3.Connection) -> None:
    assert stage.execute("UPDATE our_cards SET balance = balance + 1").rowcount


@pytest.mark.parametrize("change", [_amount, _hidden, _ours])
@pytest.mark.parametrize("sum_too", [False, True])
def test_what_was_touched_does_not_pass(
    world: World, tmp_path: Path, change: Callable[[sqlite3.Connection], None], sum_too: bool
) -> None:
    """Also by somebody who makes the sum right: then the findings are not those that were told."""
    target = _exported(world, tmp_path)
    parts = {}
    with zipfile.ZipFile(target) as bundle:
        for name in bundle.namelist():
            parts[name] = bundle.read(name)
    (name,) = (each for each in parts if each.endswith(".stage"))
    (tmp_path / name).write_bytes(parts[name])
    with closing(sqlite3.connect(tmp_path / name)) as stage:
        change(stage)
        stage.commit()
    parts[name] = (tmp_path / name).read_bytes()
    if sum_too:
        from hashlib import sha256

        manifest = json.loads(parts["manifest.json"])
        manifest["stages"][0]["sha256"] = sha256(parts[name]).hexdigest()
        parts["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(target, "w") as bundle:
        for each, content in parts.items():
            bundle.writestr(each, content)
    proof = verify(target)
    assert not proof.same
    assert bool(proof.problems) is not sum_too
    assert proof.digest != proof.told


def test_what_is_no_evidence(tmp_path: Path, world: World) -> None:
    (tmp_path / "text").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as bundle:
        bundle.writestr("manifest.json", '{"format": "else"}')
    with zipfile.ZipFile(tmp_path / "odd.zip", "w") as bundle:
        bundle.writestr("manifest.json", '["cardctl.evidence"]')
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    whole = _exported(world, tmp_path).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    for name in ("text", "other.zip", "odd.zip", "empty.zip", "cut.zip", "none.zip"):
        with pytest.raises(BadFile):
            verify(tmp_path / name)


def test_the_last_runs_are_kept(world: World) -> None:
    world.a_card("100")
    ids = [r.ran(world).run.id for _ in range(KEPT + 2)]
    for id_ in ids[-KEPT:]:
        (path,) = r.places(world).ended(id_)
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent, path.parent.parent)]
        assert modes == [0o600, 0o700, 0o700]
    for id_ in ids[:-KEPT]:
        with pytest.raises(NotFound):
            r.places(world).ended(id_)


def test_limits_and_yen_are_found_again(world: World) -> None:
    """A currency without minor units."""
    card = world.a_card("100", limits=Limits(daily=usd("500")))
    fund_card(world.desk, card, usd("1"))
    world.merchant.done(
        "/v1/issuing/cards",
        {"cardholder": world.far(card)["cardholder"]["id"], "currency": "jpy", "type": "virtual", "status": "active"},
    )
    world.control.edit(card.ref, {"spending_controls.spending_limits.daily": "60000"})
    breaks = r.found(world)
    assert sorted(one.type for one in breaks) == [T.CARD_LIMITS, T.CARD_MISSING_HERE]
    assert next(one for one in breaks if one.type is T.CARD_LIMITS).local == {"daily": "500.00 USD"}


def test_the_digest_knows_every_name_in_the_evidence() -> None:
    """And no order, of findings or of names."""

    def finding(subject: str, *objects: str) -> Finding:
        return Finding(BreakType.OVER_CAPTURE, subject, "stripe", "stripe/default", evidence={"objects": [*objects]})

    one, other = finding("iauth_1", "iauth_1", "ipi_1"), finding("iauth_2", "iauth_2")
    assert digest_of([one, other]) == digest_of([other, finding("iauth_1", "ipi_1", "iauth_1")])
    assert digest_of([one]) != digest_of([finding("iauth_1", "iauth_1", "ipi_2")])
