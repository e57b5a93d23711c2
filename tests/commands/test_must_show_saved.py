"""The main job with a saved card as a newcomer does it: real processes, one after the other, and the money asserted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.commands.buyers import BUYER, GOOD, secret_refs
from tests.commands.runner import Cardctl
from tests.contract.seller import Seller

USD = ("--currency", "USD")


def taken(cardctl: Cardctl) -> tuple[int, int, int]:
    """Captured, held and given back, in minor units, as Square has it."""
    seller = Seller(cardctl.simulator)
    try:
        return seller.taken()
    finally:
        seller.close()


def payments(cardctl: Cardctl) -> int:
    with closing(sqlite3.connect(cardctl.simulator)) as database:
        return int(database.execute("SELECT count(*) FROM square_payments").fetchone()[0])


def test_the_main_job(cardctl: Cardctl) -> None:
    run = cardctl.process
    made = run("saved-card", "add", "--person", BUYER, "--nonce", "-", "-o", "json", stdin=f"{GOOD}\n")
    assert made.code == 0
    card = made.data["saved_card"]["id"]

    preauth = ("saved-card", "preauth", card, "--amount", "50", *USD, "--invoice", "A-17")
    for _ in range(2):
        assert run(*preauth).code == 0
        assert taken(cardctl) == (0, 5_000, 0), "held once"
    payment = run(*preauth, "-o", "json").data["payment"]["id"]
    for name in (card, payment):
        assert run("saved-card", "capture", name, "--amount", "42.10", "--invoice", "A-17").code == 0
        assert taken(cardctl) == (4_210, 0, 0), "captured once"
    for name in (card, payment):
        assert run("saved-card", "refund", name, "--amount", "10", "--invoice", "A-17").code == 0
        assert taken(cardctl) == (4_210, 0, 1_000), "given back once"
    shown = run("saved-card", "show", card, "-o", "json").data["payments"]
    assert [(one["captured"]["minor"], one["refunded"]["minor"]) for one in shown] == [(4_210, 1_000)]

    charge = ("saved-card", "charge", card, "--amount", "5", *USD)
    assert run("simulator", "fault", "--next", "lost-reply").code == 0
    assert run(*charge).code == 0
    assert taken(cardctl) == (4_710, 0, 1_000), "charged once"

    assert run("simulator", "fault", "--next", "lost-reply", "--times", "20").code == 0
    doubt = run(*charge, "-o", "json")
    assert (doubt.code, doubt.error) == (9, "OUTCOME_UNKNOWN")
    assert run("simulator", "fault", "--clear").code == 0
    assert run("operation", "resume").code == 0
    assert (taken(cardctl), payments(cardctl)) == ((5_210, 0, 1_000), 3), "charged once"
    assert run("operation", "list", "--state", "in_doubt", "-o", "json").data == []

    ran = run("reconcile", "--provider", "square", "--report", "-o", "json")
    assert ran.code == 0, ran
    assert run("audit", "verify").code == 0


def test_no_name_of_a_card_or_customer_is_anywhere_in_clear(cardctl: Cardctl, tmp_path: Path) -> None:
    """`grep -a` over the database, its WAL, the logs, the reports and the backups."""
    run = cardctl.process
    for nonce in (GOOD, "cnon:card-nonce-mastercard"):
        assert run("saved-card", "add", "--person", BUYER, "--nonce", "-", "--replace", stdin=nonce).code == 0
    run("saved-card", "preauth", BUYER, "--amount", "50", *USD, "--invoice", "A-17", "--debug")
    run("saved-card", "capture", BUYER, "--amount", "42.10", "--debug")
    run("saved-card", "refund", BUYER, "--amount", "10", "--debug")
    run("saved-card", "add", "--person", "poor@example.com", "--nonce", "-", stdin="cnon:card-nonce-insufficient-funds")
    run("saved-card", "charge", "poor@example.com", "--amount", "5", *USD, "--debug")
    run("simulator", "fault", "--next", "lost-reply", "--times", "20")
    run("saved-card", "disable", BUYER, "--yes", "--debug")
    run("simulator", "fault", "--clear")
    run("operation", "resume", "--debug")
    run("reconcile", "--provider", "square", "--report", "--debug")
    run("db", "backup", str(tmp_path / "copy.db"))
    secrets = secret_refs(cardctl.simulator)
    assert len(secrets) == 5
    spelled = {form for ref in secrets for form in (ref, ref.replace(":", "%3A"), ref.removeprefix("ccof:"))}
    files = [file for file in [*cardctl.home.rglob("*"), *tmp_path.glob("copy*")] if file.is_file()]
    ours = [file for file in files if not file.name.startswith("simulator.db")]
    assert {"dev.db"} <= {file.name for file in ours}
    assert any(file.suffix in (".log", ".jsonl", ".ndjson") for file in ours)
    found = [(file.name, form) for file in ours for form in spelled if form.encode() in file.read_bytes()]
    assert found == []
