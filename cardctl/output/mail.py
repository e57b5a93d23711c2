"""Sending letters by SMTP: the server, its login, and what its answers mean. What is in a mail, output/letters knows.

A mail that was taken is never an error afterwards; one that may have been taken is MailUnavailable, and bears the same
Message-ID when it is sent again. What a server says is told without the activation code, which it may have quoted.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from functools import cached_property
from pathlib import Path

from cardctl.domain.letters import Letter, domain_of, manual
from cardctl.domain.redaction import Secret, printable, redact
from cardctl.errors import CardctlError, MailRefused, MailUnavailable, SecretRefused
from cardctl.output.letters.addresses import recipient, written_by
from cardctl.output.letters.message import message
from cardctl.output.letters.wording import Wording

SECONDS = 30.0
"""For each answer of the server."""
_PARTING = 3.0
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_SECURITY_HINT = 'see mail.port and mail.security: "starttls" is for port 587, "tls" for 465'
_SLOW = "did not answer in time"
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Server:
    """Where mails are handed in. `security` is "starttls", "tls" or "none"; `port` None: the usual one for it. The
    password is asked for where there is a `user`."""

    host: str
    sender: str
    security: str = "starttls"
    port: int | None = None
    user: str | None = None
    reply_to: str | None = None
    templates: Path | None = None


class Mailer:
    """Sends one letter at a time, each over a connection of its own; may be shared by threads."""

    def __init__(
        self, server: Server, password: Callable[[], Secret], clock: Callable[[], datetime], seconds: float = SECONDS
    ) -> None:
        """BadConfig where sender or reply_to are no addresses."""
        self._server, self._password, self._clock, self._seconds = server, password, clock, seconds
        self._port = server.port or _PORTS[server.security]
        self._sender = written_by(server.sender, "mail.sender")
        self._reply_to = written_by(server.reply_to, "mail.reply_to") if server.reply_to else None
        shop = self._sender.display_name or domain_of(server.sender)
        reply_to = self._reply_to or self._sender
        self._wording = Wording(server.templates, shop=shop, reply_to=reply_to.addr_spec)

    def check(self) -> None:
        """BadConfig, with file and line, where a template that takes the place of ours is broken. Sends nothing."""
        self._wording.check()

    def ping(self) -> None:
        """Connect, prove the server, log in, and go. Errors as `send`."""
        with self._session():
            pass

    def send(self, letter: Letter) -> None:
        """Hand one letter over for its one recipient; it is taken when this returns.

        MailRefused: the server does not take this letter, or it has no good address. MailUnavailable: the server cannot be
        reached, or not now. SecretMissing, SecretRefused: the login. BadConfig: a template.
        """
        to = recipient(letter.to)
        mail = message(
            letter, self._wording.words(letter), to=to, sender=self._sender, reply_to=self._reply_to, at=self._clock()
        )
        with self._session() as session:
            self._hand_over(session, mail, to.addr_spec, _unsayable(letter))

    def _hand_over(self, session: smtplib.SMTP, mail: EmailMessage, to: str, unsayable: list[str]) -> None:
        try:
            session.send_message(mail, from_addr=self._sender.addr_spec, to_addrs=[to])
        except smtplib.SMTPRecipientsRefused as refused:
            raise self._answer(*refused.recipients[to], unsayable) from None
        except smtplib.SMTPResponseException as refused:  # of the sender, or of what is in it
            raise self._answer(refused.smtp_code, refused.smtp_error, unsayable) from None
        except smtplib.SMTPNotSupportedError:
            raise MailRefused(f"the mail server {self._name} takes no addresses with letters beyond ASCII") from None

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        password = self._password() if self._server.user else None
        session = None
        try:
            session = self._connected()
            if password is not None:
                self._log_in(session, password)
            yield session
        except CardctlError:
            raise
        except ssl.SSLCertVerificationError as error:
            why = f"does not prove itself: {error.verify_message}"
            raise self._unavailable(why, "see mail.host, and which certificates this machine trusts") from None
        except ssl.SSLError:
            raise self._unavailable("does not speak TLS as it should", _SECURITY_HINT) from None
        except smtplib.SMTPServerDisconnected as error:
            slow = isinstance(error.__context__, TimeoutError)
            raise self._unavailable(_SLOW if slow else "hung up before it said that it took the mail") from None
        except smtplib.SMTPResponseException as error:
            raise self._unavailable(f"wants no mail now (it answered {error.smtp_code})") from None
        except smtplib.SMTPException:
            raise self._unavailable("does not offer the TLS or the login that is wanted", _SECURITY_HINT) from None
        except TimeoutError:
            raise self._unavailable(_SLOW) from None
        except OSError as error:
            raise self._unavailable(f"cannot be reached: {error.strerror or type(error).__name__}") from None
        else:
            _part(session)
        finally:
            if session is not None:
                session.close()

    def _connected(self) -> smtplib.SMTP:
        server, us = self._server, _our_name()
        if server.security == "tls":
            return smtplib.SMTP_SSL(server.host, self._port, us, timeout=self._seconds, context=self._trust)
        session = smtplib.SMTP(server.host, self._port, us, timeout=self._seconds)
        if server.security == "starttls":
            try:
                session.starttls(context=self._trust)
            except BaseException:
                session.close()
                raise
        return session

    def _log_in(self, session: smtplib.SMTP, password: Secret) -> None:
        user = self._server.user or ""
        try:
            session.login(user, password.reveal())
        except smtplib.SMTPAuthenticationError as refused:
            if 400 <= refused.smtp_code < 500:
                raise self._unavailable(f"cannot log anybody in now (it answered {refused.smtp_code})") from None
            raise SecretRefused(f"the mail server {self._name} does not take smtp.password for {user}") from None
        except UnicodeError:
            raise SecretRefused("smtp.password and mail.user can only be sent in ASCII") from None

    def _answer(self, code: int, said: bytes | str, unsayable: list[str]) -> CardctlError:
        """5xx is for good. Source: RFC 5321 §4.2.1."""
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        for each in unsayable:
            text = re.sub(re.escape(each), "***", text, flags=re.IGNORECASE)
        text = redact(printable(" ".join(text.split())))[:_LONGEST]
        if 500 <= code < 600:
            return MailRefused(f"the mail server {self._name} refused the mail: {code} {text}")
        return MailUnavailable(f"the mail server {self._name} does not take the mail now: {code} {text}")

    def _unavailable(self, why: str, hint: str | None = None) -> MailUnavailable:
        return MailUnavailable(f"the mail server {self._name} {why}", hint=hint)

    @property
    def _name(self) -> str:
        return f"{self._server.host}:{self._port}"

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _part(session: smtplib.SMTP) -> None:
    """Say good-bye; the mail is taken, and nothing that happens here changes that."""
    with suppress(OSError, smtplib.SMTPException):
        if session.sock is not None:
            session.sock.settimeout(_PARTING)
        session.quit()


def _unsayable(letter: Letter) -> list[str]:
    """What would let anybody install the eSIM; the whole before its parts."""
    if letter.activation is None:
        return []
    typed = manual(letter.activation)
    return [each for each in (letter.activation.reveal(), typed.code) if each]


def _our_name() -> str:
    """What we call ourselves. The library would ask the DNS, which may take long."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
