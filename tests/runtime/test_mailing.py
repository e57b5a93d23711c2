"""A profile's mailer: none without a server, broken templates before there are letters, the password with the first one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cardctl import runtime
from cardctl.errors import BadConfig, SecretMissing
from cardctl.runtime.mailing import mailer
from tests.output.test_mail import letter
from tests.smtp import PASSWORD, USER, sinking


def configure(home: Path, table: str) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(f'[profiles.shop]\nprovider = "stripe"\nenvironment = "simulator"\n{table}\n')


def test_a_profile_without_a_server_has_no_mailer(home: Path) -> None:
    configure(home, "")
    with runtime.opened(profile="shop") as run:
        assert mailer(run) is None


def test_letters_go_through_the_server_of_the_profile(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sinking(tmp_path / "sink", "starttls", login=True) as sink:
        monkeypatch.setenv("SSL_CERT_FILE", str(sink.certificate))
        configure(home, f"[profiles.shop.mail]\n{sink.table}")
        with runtime.opened(profile="shop") as run:
            send = mailer(run)
            assert send is not None
            with pytest.raises(SecretMissing, match=r"smtp\.password"):
                send(letter())
        monkeypatch.setenv("CARDCTL_SHOP__SMTP_PASSWORD", PASSWORD)
        with runtime.opened(profile="shop") as run:
            send = mailer(run)
            assert send is not None
            send(letter())
            send(letter(to="grace@example.org"))
    assert [(arrived.user, arrived.recipients) for arrived in sink.got] == [
        (USER, ["ada@example.org"]),
        (USER, ["grace@example.org"]),
    ]


def test_a_broken_template_shows_before_there_is_anything_to_send(home: Path) -> None:
    (home / "config" / "letters").mkdir(parents=True)
    template = home / "config" / "letters" / "delivery.html"
    template.write_text("<p>\n{{ nobody }}</p>")
    table = '[profiles.shop.mail]\nhost = "127.0.0.1"\nsecurity = "none"\nsender = "a@example.com"\ntemplates = "letters"'
    (home / "config" / "config.toml").write_text(f'[profiles.shop]\nprovider = "stripe"\nenvironment = "simulator"\n{table}\n')
    with runtime.opened(profile="shop") as run, pytest.raises(BadConfig, match=rf"{template}, line 2"):
        mailer(run)
