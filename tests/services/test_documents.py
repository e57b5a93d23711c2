"""What is handed on for KYC reaches the provider, and is kept nowhere: no file of ours has it, whatever became of the write."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path

import httpx
import pytest

from cardctl.simulator.transport import SimulatorTransport
from tests.commands.runner import Cardctl

NUMBER = "A55501990QX"
PICTURE = b"\x89PNG a passport 7741"
PHOTO = "https://example.test/selfie-7741.jpg"
ADDRESS = ["--line1", "1 Main St", "--city", "Ikeja", "--state", "Lagos", "--postal-code", "100001", "--country", "NG"]
PERSON = ["--name", "Annie Oakley", "--email", "annie@example.test", "--phone", "2348000000000", "--birth-date", "1990-01-15"]
FAULTS = [None, "lost-reply", "500", "refused", "401", "torn-body"]


@pytest.fixture
def papers(tmp_path: Path) -> dict[str, str]:
    """Files outside the home, as a person has them."""
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "number").write_text(f"{NUMBER}\n")
    (papers / "passport.png").write_bytes(PICTURE)
    return {"id_number": str(papers / "number"), "id_image": str(papers / "passport.png")}


def wanted(provider: str, papers: dict[str, str]) -> list[str]:
    told = ["account", "create", *PERSON, *ADDRESS, "--provider", provider, "--id-number", papers["id_number"]]
    if provider == "marqeta":
        return [*told, "--id-type", "PASSPORT_NUMBER"]
    more = ["--id-type", "PASSPORT", "--house-number", "1", "--id-image", papers["id_image"], "--photo", PHOTO]
    return [*told, *more]


def assert_nowhere(home: Path) -> None:
    """In no file of the home but the far side's own (which is another house): not as it is, nor in base64."""
    image = base64.b64encode(PICTURE)
    forms = [form for text in (NUMBER.encode(), PHOTO.encode(), PICTURE, image) for form in (text, base64.b64encode(text)[:-4])]
    files = [file for file in home.rglob("*") if file.is_file() and not file.name.startswith("simulator.db")]
    assert any(file.suffix == ".db" for file in files)
    found = [(file, form) for file in files for form in forms if form in file.read_bytes()]
    assert found == []


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of all requests that left; what is waited for between attempts takes no time."""
    bodies: list[bytes] = []
    real = SimulatorTransport.handle_request

    def handle(transport: SimulatorTransport, request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return real(transport, request)

    monkeypatch.setattr(SimulatorTransport, "handle_request", handle)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return bodies


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("provider", ["strowallet", "marqeta"])
def test_documents_are_handed_on_and_kept_nowhere(
    home: Path, papers: dict[str, str], handed_on: list[bytes], provider: str, fault: str | None
) -> None:
    cardctl = Cardctl(home)
    assert cardctl("provision", "--dev", "--provider", provider).code == 0
    if fault is not None:
        assert cardctl("simulator", "fault", "--next", fault, "--times", "20").code == 0
    argv = wanted(provider, papers)
    rehearsed = cardctl(*argv, "--dry-run", "-o", "json")
    made = cardctl(*argv, "-o", "json")
    assert rehearsed.code == 0
    assert (made.code == 0) == (fault is None)
    assert_nowhere(home)
    assert any(NUMBER.encode() in body for body in handed_on)
    cardctl("simulator", "fault", "--clear")
    ran = [
        cardctl("operation", "resume", "--provider", provider, "-o", "json"),
        cardctl(*argv, "-o", "json"),
        cardctl("account", "list", "-o", "json"),
        cardctl("audit", "list", "--limit", "50", "-o", "json"),
        *(cardctl("operation", "show", name, "-o", "json") for name in _operations(cardctl)),
    ]
    assert_nowhere(home)
    said = "".join(each.stdout + each.stderr for each in (rehearsed, made, *ran))
    for secret in (NUMBER, PHOTO, base64.b64encode(PICTURE).decode()):
        assert secret not in said


def test_an_account_whose_documents_are_gone_is_not_made_of_nothing(
    home: Path, papers: dict[str, str], handed_on: list[bytes]
) -> None:
    """It never ran, and a resume has no documents: it sends nothing, and the same command makes the account."""
    cardctl = Cardctl(home)
    assert cardctl("provision", "--dev", "--provider", "marqeta").code == 0
    assert cardctl("simulator", "fault", "--next", "500", "--times", "20").code == 0
    assert cardctl(*wanted("marqeta", papers), "-o", "json").code == 9
    cardctl("simulator", "fault", "--clear")
    handed_on.clear()
    resumed = cardctl("operation", "resume", "--provider", "marqeta", "-o", "json")
    assert (resumed.code, [one["state"] for one in resumed.data["left"]]) == (9, ["in_doubt"]), resumed
    assert [body for body in handed_on if b"Oakley" in body] == []
    assert cardctl(*wanted("marqeta", papers), "-o", "json").code == 0
    assert_nowhere(home)


def _operations(cardctl: Cardctl) -> list[str]:
    with sqlite3.connect(cardctl.books) as books:
        return [row[0] for row in books.execute("SELECT id FROM operations WHERE kind = 'account.create'")]
