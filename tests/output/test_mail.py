"""Sending letters to a real mail server of this machine: what arrives, what a refusal means, and what is never said."""

from __future__ import annotations

import logging
import socket
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cardctl.domain.letters import Letter, LetterKind, domain_of, message_id_of
from cardctl.domain.money import Money
from cardctl.domain.redaction import Secret
from cardctl.errors import BadConfig, CardctlError, MailRefused, MailUnavailable, SecretMissing, SecretRefused
from cardctl.output import qr
from cardctl.output.mail import Mailer, Server
from tests.output.pictures import text_of_png
from tests.smtp import PASSWORD, SENDER, USER, Sink, sinking

MATCHING = "7B2F94B0A3E84C5D9A1F0C6E2B4D8A7F"
CODE = f"LPA:1$smdp.example.com${MATCHING}"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def letter(**changes: Any) -> Letter:
    kind = changes.get("kind", LetterKind.DELIVERY)
    said: dict[str, Any] = {
        "kind": kind,
        "to": "ada@example.org",
        "message_id": message_id_of("order_7f", kind, "example.com"),
        "order_id": "order_7f",
        "title": "eSIM TR, 1 GB, 7 days",
        "name": "Ada Lovelace",
        "activation": Secret(CODE),
        "iccid": "8900000000000000001",
    }
    return Letter(**(said | changes))


def refund(**changes: Any) -> Letter:
    said = {"kind": LetterKind.REFUND, "activation": None, "amount": Money(2500, "USD"), "reason": "it is sold out"}
    return letter(**(said | changes))


def mailer(sink: Sink, password: str = PASSWORD, *, host: str = "127.0.0.1", seconds: float = 30, **changes: Any) -> Mailer:
    said: dict[str, Any] = {
        "sender": SENDER,
        "security": sink.security,
        "port": sink.port,
        "user": USER if sink.login else None,
    }
    return Mailer(Server(host=host, **(said | changes)), lambda: Secret(password), lambda: AT, seconds)


@pytest.mark.parametrize("login", [False, True], ids=["open", "login"])
@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_letter_arrives_whole(security: str, login: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sinking(tmp_path, security, login=login) as sink:
        if sink.certificate:
            monkeypatch.setenv("SSL_CERT_FILE", str(sink.certificate))
        mailer(sink, reply_to="help@example.com").send(letter())
    (arrived,) = sink.got
    assert (arrived.sender, arrived.recipients) == ("esim@example.com", ["ada@example.org"])
    assert (arrived.encrypted, arrived.user) == (security != "none", USER if login else None)
    mail = arrived.mail
    assert {
        name: str(mail[name]) for name in ("From", "To", "Reply-To", "Subject", "Message-ID", "Date", "Auto-Submitted")
    } == {
        "From": SENDER,
        "To": "ada@example.org",
        "Reply-To": "help@example.com",
        "Subject": "Your eSIM is ready: eSIM TR, 1 GB, 7 days",
        "Message-ID": "<order_7f.delivery@example.com>",
        "Date": "Wed, 04 Mar 2026 05:06:07 +0000",
        "Auto-Submitted": "auto-generated",
    }
    for part in ("plain", "html"):
        text = arrived.part(part)
        assert all(
            word in text for word in ("Ada Lovelace", "smdp.example.com", MATCHING, CODE, "order_7f", "iPhone", "Android")
        )
    assert 'src="cid:esim-qr"' in arrived.part("html")
    assert "http" not in arrived.part("html")
    assert text_of_png(arrived.picture) == CODE


def test_a_picture_of_the_supplier_is_enough(tmp_path: Path) -> None:
    picture = qr.png("LPA:1$elsewhere.example$X")
    with sinking(tmp_path) as sink:
        mailer(sink).send(letter(activation=None, qr_png=picture, iccid=None, name=None))
        assert sink.got[0].picture == picture
        assert "LPA:" not in sink.got[0].part("plain")
        for nothing in (None, b"", b"<html>not found</html>"):
            with pytest.raises(MailRefused, match="no QR code"):
                mailer(sink).send(letter(activation=None, qr_png=nothing))
    assert len(sink.got) == 1


def test_money_that_goes_back_is_told_with_its_amount(tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        mailer(sink).send(refund())
    (arrived,) = sink.got
    assert arrived.mail["Message-ID"] == "<order_7f.refund@example.com>"
    for part in ("plain", "html"):
        assert "25.00 USD" in arrived.part(part)
        assert "it is sold out" in arrived.part(part)
    assert [part.get_content_type() for part in arrived.mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_who_paid_twice_is_not_told_that_nothing_was_delivered(tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        mailer(sink).send(refund(reason=None, twice=True))
    (arrived,) = sink.got
    for part in ("plain", "html"):
        assert "You had paid for this order already" in arrived.part(part)
        assert "25.00 USD" in arrived.part(part)
        assert "could not deliver" not in arrived.part(part)


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_no_for_good_and_not_now_are_told_apart(step: str, tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        sink.answers = {step: "550 5.7.1 we do not like it"}
        with pytest.raises(MailRefused, match=r"550 5\.7\.1 we do not like it") as refused:
            mailer(sink).send(letter())
        assert (refused.value.exit_code, refused.value.retryable) == (7, False)
        sink.answers = {step: "451 4.3.0 come back later"}
        with pytest.raises(MailUnavailable, match=r"451 4\.3\.0 come back later") as later:
            mailer(sink).send(letter())
        assert (later.value.exit_code, later.value.retryable) == (8, True)
        assert sink.got == []
        sink.answers = {}
        mailer(sink).send(letter())
    assert len(sink.got) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_server_that_closes_down_is_asked_again_later(step: str, tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        sink.answers = {step: "421 4.3.2 closing down"}
        with pytest.raises(MailUnavailable):
            mailer(sink).send(letter())


def test_a_mail_that_may_have_gone_is_the_same_mail_when_it_goes_again(tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        sink.dies = True
        with pytest.raises(MailUnavailable, match="hung up"):
            mailer(sink).send(letter())
        mailer(sink).send(letter())
    first, second = sink.got
    assert first.mail["Message-ID"] == second.mail["Message-ID"] == "<order_7f.delivery@example.com>"
    assert b"Message-ID: <order_7f.delivery@example.com>\r\n" in first.raw
    assert b"Message-ID: <order_7f.delivery@example.com>\r\n" in second.raw


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        sink.silent = True
        with pytest.raises(MailUnavailable, match="in time"):
            mailer(sink, seconds=1).send(letter())


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        sink = Sink("none", login=False, certificate=None, port=free.getsockname()[1])
        with pytest.raises(MailUnavailable, match="cannot be reached"):
            mailer(sink).send(letter())


def test_a_certificate_that_nobody_vouches_for_gets_no_mail(tmp_path: Path) -> None:
    for security in ("tls", "starttls"):
        with sinking(tmp_path, security, login=True) as sink:
            with pytest.raises(MailUnavailable, match="does not prove itself"):
                mailer(sink).send(letter())
            assert sink.got == []


def test_a_certificate_of_another_name_gets_no_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sinking(tmp_path, "tls", names=("mail.example.com",)) as sink:
        monkeypatch.setenv("SSL_CERT_FILE", str(sink.certificate))
        with pytest.raises(MailUnavailable, match="does not prove itself"):
            mailer(sink).send(letter())
    assert sink.got == []


@pytest.mark.parametrize(("spoken", "wanted"), [("none", "starttls"), ("none", "tls")])
def test_a_server_without_tls_gets_no_mail(spoken: str, wanted: str, tmp_path: Path) -> None:
    with sinking(tmp_path, spoken) as sink:
        with pytest.raises(MailUnavailable, match="TLS") as error:
            mailer(sink, security=wanted, seconds=5).send(letter())
        assert "mail.security" in str(error.value.hint)
    assert sink.got == []


def test_a_wrong_password_is_the_secrets_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sinking(tmp_path, "starttls", login=True) as sink:
        monkeypatch.setenv("SSL_CERT_FILE", str(sink.certificate))
        for wrong in ("another-word", "wört"):
            with pytest.raises(SecretRefused) as error:
                mailer(sink, wrong).send(letter())
            assert wrong not in "".join(traceback.format_exception(error.value))
        mailer(sink).ping()
    assert sink.got == []


def test_a_password_that_is_missing_is_missed_when_it_is_needed(tmp_path: Path) -> None:
    def none() -> Secret:
        raise SecretMissing("no source has smtp.password")

    with sinking(tmp_path, login=True) as sink:
        made = Mailer(Server("127.0.0.1", SENDER, "none", sink.port, USER), none, lambda: AT)
        made.check()
        with pytest.raises(SecretMissing):
            made.send(letter())


@pytest.mark.parametrize("quoted", [CODE, CODE.lower(), MATCHING, f"<{MATCHING}>"])
def test_what_a_server_quotes_of_the_code_is_not_said(quoted: str, tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        for answer in (f"554 spam: {quoted}", f"450 spam? {quoted}"):
            sink.answers = {"DATA": answer}
            with pytest.raises(CardctlError) as error:
                mailer(sink).send(letter())
            said = "".join(traceback.format_exception(error.value)).lower()
            assert MATCHING.lower() not in said
            assert "spam" in said


def test_a_code_is_in_no_repr_and_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = letter(qr_png=qr.png(CODE), instructions=f"type {MATCHING}")
    with sinking(tmp_path) as sink:
        made = mailer(sink)
        made.send(told)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("mail.")]  # aiosmtpd's own
    assert MATCHING not in f"{told!r} {made!r} {ours}"
    assert "PNG" not in repr(told)


def test_a_letter_has_one_reader(tmp_path: Path) -> None:
    bad = [
        "", "ada", "@example.org", "ada@", "a da@example.org", "ada@example.org, eve@example.net",
        "ada@example.org;eve@example.net", "ada@example.org\r\nBcc: eve@example.net", "ada@example.org\nX: y",
        "Ada <ada@example.org>", "<ada@example.org>", "a@b@example.org", '"a b"@example.org', "ada@[127.0.0.1]",
        "ada@-x.example", "ada@x..example", ".ada@example.org", "a..b@example.org", "ada\u202e@example.org", "ada@faß.de",
        "ada@exa mple.org", f"{'a' * 65}@example.org", f"ada@{'x' * 64}.org", "ada\x00@example.org",
        f"ada@{'.'.join(['x' * 60] * 5)}", "ada\ud800@example.org",
    ]  # fmt: skip
    with sinking(tmp_path) as sink:
        for address in bad:
            with pytest.raises(MailRefused, match="is no mail address"):
                mailer(sink).send(letter(to=address))
    assert sink.got == []


def test_addresses_of_other_scripts(tmp_path: Path) -> None:
    with sinking(tmp_path / "new", utf8=True) as sink:
        mailer(sink).send(letter(to="ada@bücher.example"))
        mailer(sink).send(letter(to="josé@example.org"))
        assert [arrived.recipients for arrived in sink.got] == [["ada@xn--bcher-kva.example"], ["josé@example.org"]]
    with sinking(tmp_path / "old", utf8=False) as sink:
        mailer(sink).send(letter(to="ada@bücher.example"))
        with pytest.raises(MailRefused, match="beyond ASCII"):
            mailer(sink).send(letter(to="josé@example.org"))
        assert len(sink.got) == 1


@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nBcc: eve@example.net\r\n\r\nyours",
        "<script>alert(1)</script>",
        "{{ code }} {% raw %}",
        "\x1b[2J\x00\ud800",
        "W" * 5_000,
    ],
)
def test_words_of_others_become_neither_header_nor_markup(hostile: str, tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        mailer(sink).send(letter(name=hostile, title=hostile, instructions=hostile))
        mailer(sink).send(refund(name=hostile, title=hostile, reason=hostile))
    for arrived in sink.got:
        assert arrived.recipients == ["ada@example.org"]
        assert arrived.mail["Bcc"] is None
        assert sorted(arrived.mail.keys()) == [
            "Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To",
        ]  # fmt: skip
        assert "<script" not in arrived.part("html")
        assert "\x1b" not in arrived.part("plain") + arrived.part("html")
        assert len(str(arrived.mail["Subject"])) <= 200


@pytest.mark.parametrize(
    "which", [{"sender": "Acme"}, {"sender": "a@b.example, c@d.example"}, {"sender": SENDER, "reply_to": "nobody"}]
)
def test_a_sender_that_is_no_address_is_a_setting_to_mend(which: dict[str, Any]) -> None:
    with pytest.raises(BadConfig, match="is no mail address"):
        Mailer(Server("127.0.0.1", **which), lambda: Secret(""), lambda: AT)


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        (SENDER, "example.com"), ("esim@Example.COM", "example.com"), ("X <a@bücher.example>", "xn--bcher-kva.example"),
        ("nobody", "nobody"), ("", "cardctl.invalid"), (f"a@{'x' * 70}.example", "cardctl.invalid"),
    ],
)  # fmt: skip
def test_the_domain_of_a_message_id(sender: str, domain: str) -> None:
    assert domain_of(sender) == domain


def test_a_taken_mail_stays_taken_whatever_the_parting_is(tmp_path: Path) -> None:
    with sinking(tmp_path) as sink:
        sink.answers = {"QUIT": "500 no"}
        mailer(sink).send(letter())
    assert len(sink.got) == 1
