"""`cardctl reconcile` over saved cards: what staff change at Square is told, mended, reported and proven."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import pytest

from tests.commands.buyers import far, save, secret_refs
from tests.commands.runner import Cardctl


@pytest.fixture
def card(cardctl: Cardctl) -> str:
    return save(cardctl)


def charged(cardctl: Cardctl, card: str, amount: str, verb: str = "charge", *words: str) -> dict[str, Any]:
    ran = cardctl("saved-card", verb, card, "--amount", amount, "--currency", "USD", *words, "-o", "json")
    assert ran.code == 0, ran
    payment: dict[str, Any] = ran.data["payment"]
    return payment


def edited(cardctl: Cardctl, ref: str, *fields: str) -> None:
    assert cardctl("simulator", "edit", ref, *fields).code == 0


def breaks(cardctl: Cardctl) -> dict[str, tuple[str, Any]]:
    """Of those that are not resolved the type, with what is at risk, and what it is about."""
    found = cardctl("break", "list", "-o", "json").data
    return {one["type"]: (one["subject"], one["at_risk"] and one["at_risk"]["amount"]) for one in found}


def test_from_a_clean_run_to_a_mended_one(cardctl: Cardctl, card: str) -> None:
    """Money is where it was at each step: a reconcile moves none."""
    paid, held = charged(cardctl, card, "20"), charged(cardctl, card, "50", "preauth")
    assert cardctl("reconcile", "--provider", "square").code == 0
    edited(cardctl, paid["ref"], "tip=300")
    edited(cardctl, held["ref"], "status=COMPLETED")
    assert cardctl("simulator", "refund", paid["ref"], "--amount", "5", "--no-deliver").code == 0
    before = far(cardctl.simulator, "payments", "ref, status, amount, tip, refunded")
    ran = cardctl(
        "reconcile", "--provider", "square", "--report", "--report-format", "markdown", "--report-format", "csv", "-o", "json"
    )
    assert ran.code == 3
    told = breaks(cardctl)
    assert told["payment_amount"] == (paid["ref"], "3.00")
    assert told["payment_state"] == (held["ref"], "50.00")
    assert told["refund_missing_here"][1] == "5.00"
    assert len(told) == 3
    assert {one["card_id"] for one in ran.data["breaks"]} == {card}
    (total,) = ran.data["run"]["figures"]["totals"]
    assert (total["settled"], total["settled_here"], total["refunded"], total["refunded_here"]) == (7300, 2000, 500, 0)
    reports = {path.suffix: path.read_text() for path in (cardctl.home / "reports").iterdir()}
    assert sorted(reports) == [".csv", ".html", ".json", ".md"]
    for suffix in (".html", ".md"):
        for words in ("Saved cards", "Payments", "square/default", "Refund missing here", "1 active"):
            assert words in reports[suffix], (suffix, words)
        assert "Frozen" not in reports[suffix], "a seller's cards are not frozen"
    assert json.loads(reports[".json"])["run"]["id"] == ran.data["run"]["id"]
    planned = cardctl("reconcile", "--provider", "square", "--fix", "--dry-run")
    assert planned.code == 3
    assert planned.stdout.count("would take the provider's word into the books") == 3
    assert cardctl("reconcile", "--provider", "square", "--fix", "--yes").code == 0
    assert cardctl("reconcile", "--provider", "square").code == 0
    assert far(cardctl.simulator, "payments", "ref, status, amount, tip, refunded") == before
    after = {one["ref"]: one for one in cardctl("saved-card", "show", card, "-o", "json").data["payments"]}
    assert (after[paid["ref"]]["captured"]["minor"], after[paid["ref"]]["refunded"]["minor"]) == (2300, 500)
    assert (after[held["ref"]]["state"], after[held["ref"]]["captured"]["minor"]) == ("completed", 5000)
    actions = [entry["action"] for entry in cardctl("audit", "list", "-o", "json").data]
    assert {"payment.sync", "refund.sync", "break.fix", "reconcile.run"} <= set(actions)


def test_evidence_is_recomputed_and_names_no_card(cardctl: Cardctl, card: str) -> None:
    charged(cardctl, card, "20")
    (ref,) = {name for name in secret_refs(cardctl.simulator) if name.startswith("ccof:")}
    edited(cardctl, ref, "exp_year=2041")
    ran = cardctl("reconcile", "--provider", "square", "--report", "-o", "json")
    assert (ran.code, [one["type"] for one in ran.data["breaks"]]) == (3, ["saved_card_renewed"])
    target = cardctl.home / "evidence.zip"
    assert cardctl("run", "export", ran.data["run"]["id"], str(target)).code == 0
    verified = cardctl("run", "verify", str(target), "-o", "json")
    assert (verified.code, verified.data["same"]) == (0, True)
    with zipfile.ZipFile(target) as bundle:
        kept = b"".join(bundle.read(name) for name in bundle.namelist())
    kept += b"".join(path.read_bytes() for path in cardctl.home.rglob("*") if path.is_file() and _is_kept(path.parts))
    names = secret_refs(cardctl.simulator)
    assert len(names) == 2
    assert [name for name in names if name.encode() in kept] == []
    assert names & set(ran.stdout.split('"')) == set()


def test_what_is_not_in_a_programme_is_not_asked_for(cardctl: Cardctl) -> None:
    """A profile without saved cards asks Square nothing."""
    ran = cardctl("reconcile", "-o", "json")
    assert (ran.code, list(ran.data["run"]["figures"]["programmes"])) == (0, ["stripe/default"])


def test_a_run_over_all_that_the_profile_has(cardctl: Cardctl, card: str) -> None:
    charged(cardctl, card, "20")
    ran = cardctl("reconcile", "--report", "-o", "json")
    assert ran.code == 0
    figures = ran.data["run"]["figures"]["programmes"]
    assert sorted(figures) == ["square/default", "stripe/default"]
    assert figures["square/default"]["payments"] == {"here": 1, "there": 1, "differing": 0, "others_there": 0}
    page = next((cardctl.home / "reports").glob("*.html")).read_text()
    assert "Per programme" in page
    assert "Per seller" in page
    table = cardctl("reconcile")
    assert "square/default: 1 saved cards here, 1 there; 1 payments here, 1 there; 0 refunds here, 0 there" in table.stdout
    assert cardctl("alert", "check").code in (0, 3)
    assert cardctl("metrics", "show").code == 0


def test_one_break_is_mended_alone(cardctl: Cardctl, card: str) -> None:
    paid = charged(cardctl, card, "20")
    edited(cardctl, paid["ref"], "tip=300")
    assert cardctl("reconcile", "--provider", "square").code == 3
    (one,) = cardctl("break", "list", "-o", "json").data
    assert cardctl("break", "resolve", one["fingerprint"], "--fix", "--reason", "seen in the Dashboard").code == 0
    assert cardctl("reconcile", "--provider", "square").code == 0


def test_a_card_whose_time_is_over(cardctl: Cardctl, card: str) -> None:
    assert cardctl("simulator", "advance", "1500d").code == 0
    assert cardctl("reconcile", "--provider", "square").code == 3
    assert breaks(cardctl) == {"saved_card_expired": (card, None)}
    assert cardctl("reconcile", "--provider", "square", "--fix", "--yes").code == 0
    assert cardctl("saved-card", "show", card, "-o", "json").data["state"] == "expired"


def test_a_hold_about_to_lapse(cardctl: Cardctl, card: str) -> None:
    held = charged(cardctl, card, "50", "preauth")
    assert cardctl("simulator", "advance", "145h").code == 0
    ran = cardctl("reconcile", "--provider", "square", "--fix", "--yes")
    assert ran.code == 3, "a person must act"
    assert "1 proposed to a person" in ran.stdout
    assert breaks(cardctl) == {"hold_lapsing": (held["ref"], "50.00")}


def _is_kept(parts: tuple[str, ...]) -> bool:
    return bool({"reports", "reconcile", "state"} & set(parts)) and not parts[-1].startswith("simulator.db")
