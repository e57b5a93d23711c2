"""How near a sync comes to the rate limit: `python -m tests.bench.syncing stripe|strowallet CARDS RATE LATENCY_MS HOME`.

A far side with so many cards, made over a year, is served by a process of its own; another one runs `cardctl card sync` against
it at RATE requests a second, while (stripe) new cards are being made. Told are the requests that were needed and made, the
time, and its ratio to requests needed ÷ RATE; asserted is that no card was skipped or doubled.
"""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from cardctl.simulator.books import FarSide
from cardctl.simulator.transport import SimulatorTransport
from tests.bench.measuring import CARDCTL
from tests.bench.serving import configure, served

EACH = 100
YEAR = 365 * 24 * 3600
KEY = {"Authorization": "Bearer sk_test_bench"}


def main(argv: list[str]) -> None:
    provider, cards, rate, latency, home = argv[0], int(argv[1]), int(argv[2]), int(argv[3]), Path(argv[4])
    home.mkdir(parents=True)
    env = os.environ | {"CARDCTL_HOME": str(home), "CARDCTL_PROFILE": "bench"}
    configure(home, "http://127.0.0.1:1", rate)
    far_side = home / "state" / "simulator.db"
    _SEEDS[provider](far_side, cards)
    with served(env, latency) as url:
        configure(home, url, rate)
        if provider == "strowallet":
            _know(env, far_side)
        stop = threading.Event()
        maker = threading.Thread(target=_make_cards, args=(url, stop))
        if provider == "stripe":
            maker.start()
        begun = time.monotonic()
        told = subprocess.run(
            [sys.executable, "-c", CARDCTL, "card", "sync", "--provider", provider, "-o", "json"],
            env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        wall = time.monotonic() - begun
        stop.set()
        if provider == "stripe":
            maker.join()
    _tell(provider, home, cards, rate, wall, told.stdout)


def _tell(provider: str, home: Path, cards: int, rate: int, wall: float, told: str) -> None:
    pulled = json.loads(told)["data"]
    with closing(sqlite3.connect(home / "state" / "books" / "bench.db")) as books:
        made = books.execute("SELECT count(*) FROM calls").fetchone()[0]
        refs = {row[0] for row in books.execute("SELECT ref FROM cards")}
        count = books.execute("SELECT count(*) FROM cards").fetchone()[0]
    with closing(sqlite3.connect(home / "state" / "simulator.db")) as far:
        table = {"stripe": "cards", "strowallet": "strowallet_cards"}[provider]
        seeded = {row[0] for row in far.execute(f"SELECT ref FROM {table} WHERE seq <= ?", (cards,))}
    assert seeded <= refs, f"{len(seeded - refs)} skipped"
    assert count == len(refs), "doubled"
    needed = cards if provider == "strowallet" else -(-cards // 100)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"{provider}: {cards} cards, {pulled}, {wall:.1f} s, {needed} requests needed for the cards, {made} made in all")
    print(f"at {rate} a second: {wall / (needed / rate):.3f} of needed ÷ limit, {wall / (made / rate):.3f} of made ÷ limit")
    print(f"{cards / wall:.0f} cards a second, peak {peak} MB")


def _make_cards(url: str, stop: threading.Event) -> None:
    """Somebody else goes on making cards, ten a second."""
    with httpx.Client(base_url=f"{url}/stripe", headers=KEY, timeout=30) as client:
        holder = client.get("/v1/issuing/cardholders", params={"limit": 1}).json()["data"][0]["id"]
        while not stop.wait(0.1):
            client.post(
                "/v1/issuing/cards", data={"cardholder": holder, "currency": "usd", "type": "virtual"}
            ).raise_for_status()


def seed_stripe(path: Path, cards: int) -> None:
    """One holder and one card by the API, then copies of them, spread over the last year."""
    address = {f"billing[address][{name}]": text for name, text in
               {"line1": "1 Main St", "city": "Oakland", "postal_code": "94612", "country": "US"}.items()}  # fmt: skip
    with httpx.Client(transport=SimulatorTransport(path), base_url="https://api.stripe.com", headers=KEY) as client:
        holder = client.post("/v1/issuing/cardholders", data={"name": "Jenny Rosen", **address}).json()["id"]
        limit = {
            "spending_controls[spending_limits][0][amount]": "50000",
            "spending_controls[spending_limits][0][interval]": "daily",
        }
        wish = {"cardholder": holder, "currency": "usd", "type": "virtual", "status": "active", **limit}
        client.post("/v1/issuing/cards", data=wish).raise_for_status()
    copies(
        path,
        "holders",
        -(-cards // EACH),
        {"ref": "printf('ich_1N%05xJqa%06xKz%06x', n, n * 7919 % 16777216, n * 104729 % 16777216)"},
    )
    holder_of = f"(SELECT ref FROM holders WHERE seq = 1 + (n - 1) / {EACH})"
    copies(
        path,
        "cards",
        cards,
        {
            "ref": "printf('ic_1N%05xJqa%06xKz%06x', n, n * 7919 % 16777216, n * 104729 % 16777216)",
            "holder": holder_of,
            "last4": "printf('%04d', n % 10000)",
        },
    )


def _seed_strowallet(path: Path, cards: int) -> None:
    with httpx.Client(transport=SimulatorTransport(path), base_url="https://strowallet.com") as client:
        person = {
            "public_key": "pub_test_bench", "houseNumber": "1", "firstName": "Ada", "lastName": "Obi", "idNumber": "A0000000",
            "customerEmail": "ada@example.test", "phoneNumber": "2348012345678", "dateOfBirth": "01/15/1990",
            "idImage": "https://example.test/id.jpg", "userPhoto": "https://example.test/me.jpg", "line1": "1 Test Road",
            "state": "Lagos", "zipCode": "100001", "city": "Ikeja", "country": "NG", "idType": "PASSPORT",
        }  # fmt: skip
        client.post("/api/bitvcard/create-user/", json=person).raise_for_status()
        wish = {"name_on_card": "Ada Obi", "card_type": "visa", "amount": "5", "customerEmail": "ada@example.test"}
        client.post("/api/bitvcard/create-card/", json=wish | {"public_key": "pub_test_bench"}).raise_for_status()
    copies(path, "strowallet_cards", cards, {"ref": "printf('00000000-0000-4000-8000-%012d', n)"})


_SEEDS = {"stripe": seed_stripe, "strowallet": _seed_strowallet}


def copies(path: Path, table: str, count: int, changed: dict[str, str]) -> None:
    """`count` rows in all, like the first one, but for what is `changed` by SQL over the row's number `n`."""
    far_side = FarSide(path)
    with far_side.transaction() as desk:
        names = [row[1] for row in desk.db.execute(f"PRAGMA table_info({table})") if row[1] != "seq"]
        now = desk.now
        told = {"created": f"{now - YEAR} + CAST((n - 1) * {YEAR - 60}.0 / {count} AS INTEGER)"} | changed
        picked = ", ".join(told.get(name, f'"{name}"') for name in names)
        numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
        listed = ", ".join(f'"{name}"' for name in names)
        first = f"(SELECT * FROM {table} WHERE seq = 1)"
        desk.db.execute(f"INSERT INTO {table} ({listed}) {numbers} SELECT {picked} FROM numbers, {first}")
        desk.db.execute(f"UPDATE {table} SET created = ? WHERE seq = 1", (now - YEAR,))
    far_side.close()


def _know(env: dict[str, str], path: Path) -> None:
    """Our books know the far side's cards: Strowallet has no list to learn them from."""
    with closing(sqlite3.connect(path)) as far:
        customer = far.execute("SELECT ref FROM strowallet_customers").fetchone()[0]
        cards = far.execute("SELECT count(*) FROM strowallet_cards").fetchone()[0]
    script = f"from tests.bench.syncing import know; know({customer!r}, {cards})"
    subprocess.run([sys.executable, "-c", script], env=env, check=True)


def know(customer: str, cards: int) -> None:
    """Puts an account and so many cards with the far side's names into the books of the profile in use."""
    from dataclasses import replace

    from cardctl import runtime
    from cardctl.domain.states import CardState
    from tests.bench import seed

    with runtime.opened(provider="strowallet") as run:
        programme = run.settings.programme("strowallet")
        account = replace(seed.account(0, programme), ref=customer, provider="strowallet")
        with run.books.write() as unit:
            unit.accounts.add(account, raw={})
        with closing(sqlite3.connect(run.settings.paths.simulator_file)) as far:
            refs = [row[0] for row in far.execute("SELECT ref FROM strowallet_cards ORDER BY seq")]
        for start in range(0, cards, 5_000):
            numbers = range(start, min(start + 5_000, cards))
            its_own: dict[str, Any] = {"account_id": account.id, "provider": "strowallet", "state": CardState.ACTIVE}
            rows = [replace(seed.card(number, programme), ref=refs[number], **its_own) for number in numbers]
            with run.books.write() as unit:
                unit.cards.add_many([(card, {}, None) for card in rows])


if __name__ == "__main__":
    main(sys.argv[1:])
