"""A doctor looks at the mail server and the templates, where the profile has some, and sends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.runner import Cardctl
from tests.smtp import PASSWORD, Sink, sinking


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    with sinking(tmp_path / "sink", "starttls", login=True) as sink:
        monkeypatch.setenv("SSL_CERT_FILE", str(sink.certificate))
        yield sink


def configured(home: Path, table: str) -> Cardctl:
    (home / "config").mkdir(mode=0o700, parents=True)
    home.chmod(0o700)
    file = home / "config" / "config.toml"
    file.write_text(f'[profiles.shop]\nprovider = "stripe"\nenvironment = "simulator"\n\n[profiles.shop.mail]\n{table}\n')
    file.chmod(0o600)
    return Cardctl(home)


def mail(cardctl: Cardctl, *, code: int) -> dict[str, str]:
    ran = cardctl("doctor", "--profile", "shop", "-o", "json")
    assert ran.code == code, ran
    (found,) = [check for check in ran.data["checks"] if check["name"] == "mail"]
    return dict(found)


def test_a_server_that_takes_the_login(home: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_SMTP_PASSWORD", PASSWORD)
    assert mail(configured(home, sink.table), code=0)["outcome"] == "ok"
    assert sink.got == []


def test_a_password_that_is_missing_or_wrong(home: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    cardctl = configured(home, sink.table)
    missing = mail(cardctl, code=3)
    assert missing["outcome"] == "fail"
    assert "smtp.password" in missing["detail"]
    monkeypatch.setenv("CARDCTL_SMTP_PASSWORD", "another-word")
    assert "does not take smtp.password" in mail(cardctl, code=3)["detail"]


def test_a_broken_template_before_any_order_meets_it(home: Path, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDCTL_SMTP_PASSWORD", PASSWORD)
    cardctl = configured(home, f'{sink.table}\ntemplates = "letters"')
    (home / "config" / "letters").mkdir(mode=0o700)
    template = home / "config" / "letters" / "refund.txt"
    template.write_text("{% block subject %}x{% endblock %}\n{% block body %}{{ amonut }}{% endblock %}")
    found = mail(cardctl, code=3)
    assert found["outcome"] == "fail"
    assert f"{template}, line 2" in found["detail"]
    assert "amonut" in found["detail"]
    template.write_text("{% block subject %}x{% endblock %}\n{% block body %}{{ amount }}{% endblock %}")
    assert mail(cardctl, code=0)["outcome"] == "ok"


def test_a_profile_without_a_mail_server_has_no_such_check(home: Path) -> None:
    ran = Cardctl(home)("doctor", "-o", "json")
    assert "mail" not in [check["name"] for check in ran.data["checks"]]
