"""A mail server for tests: aiosmtpd on loopback, plain, STARTTLS or TLS, with a login, refusing, failing, silent or dying as it
is told. It keeps what it takes."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "shop", "s3cret-word"
_NAMES = ("localhost", "127.0.0.1")
SENDER = "Acme Mobile <esim@example.com>"


@dataclass(frozen=True)
class Arrived:
    """One mail that was taken: the envelope, the bytes, and how they read."""

    sender: str
    recipients: list[str]
    raw: bytes
    encrypted: bool
    user: str | None

    @property
    def mail(self) -> EmailMessage:
        return BytesParser(policy=policy.default).parsebytes(self.raw)

    def part(self, kind: str) -> str:
        """The text of the part of this kind: `plain` or `html`."""
        body = self.mail.get_body((kind,))
        assert body is not None
        return str(body.get_content())

    @property
    def picture(self) -> bytes:
        """The picture that is in the HTML part."""
        (found,) = [
            part for part in self.mail.walk() if isinstance(part, EmailMessage) and part.get_content_type() == "image/png"
        ]
        return bytes(found.get_content())


@dataclass
class Sink:
    """What arrived, and how the next mails are met. `answers`: the step (MAIL, RCPT, DATA, QUIT) and what is said to it.
    `dies`: it keeps the next mail, and hangs up without a word. `silent`: it keeps it, and says nothing."""

    security: str
    login: bool
    certificate: Path | None
    port: int = 0
    got: list[Arrived] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    dies: bool = False
    silent: bool = False

    @property
    def table(self) -> str:
        """The lines of config.toml below `[profiles.….mail]`."""
        lines = ['host = "127.0.0.1"', f"port = {self.port}", f'security = "{self.security}"', f'sender = "{SENDER}"']
        return "\n".join([*lines, f'user = "{USER}"'] if self.login else lines)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own names, and so below
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.login and not session.authenticated:
            return "530 5.7.0 log in first"
        if refusal := self.answers.get("MAIL"):
            return refusal
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if refusal := self.answers.get("RCPT"):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return self.answers.get("QUIT", "221 bye")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if refusal := self.answers.get("DATA"):
            return refusal
        raw = envelope.original_content or b""
        user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
        encrypted = session.ssl is not None or self.security == "tls"
        self.got.append(Arrived(envelope.mail_from or "", list(envelope.rcpt_tos), raw, encrypted, user))
        if self.silent:
            await asyncio.sleep(60)
        if self.dies:
            self.dies = False
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 taken"


class _Controller(Controller):
    """On whatever port is free."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def sinking(
    directory: Path, security: str = "none", *, login: bool = False, utf8: bool = True, names: Sequence[str] = _NAMES
) -> Iterator[Sink]:
    """A mail server on a port of its own. Its certificate, which proves that it is `names`, lies in `directory`: who is to
    trust it sets SSL_CERT_FILE."""
    context = certificate = None
    directory.mkdir(exist_ok=True)
    if security != "none":
        certificate = _certificate(directory, names)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, directory / "mail.key")
    sink = Sink(security, login, certificate)
    more: dict[str, Any] = {"ssl_context": context} if security == "tls" else {"tls_context": context}
    controller = _Controller(
        sink,
        hostname="127.0.0.1",
        port=0,
        enable_SMTPUTF8=utf8,
        require_starttls=security == "starttls",
        authenticator=_authenticated if login else None,
        auth_require_tls=security == "starttls",
        **more,
    )
    controller.start()
    sink.port = controller.port
    try:
        yield sink
    finally:
        controller.stop()


def _authenticated(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    fits = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=fits, handled=False, auth_data=data if fits else None)


def _certificate(directory: Path, names: Sequence[str]) -> Path:
    """A certificate and its key, good for a day."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server of a test")])
    proven = [_name(each) for each in names]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(proven), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    clear = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (directory / "mail.key").write_bytes(key.private_bytes(pem, pkcs8, clear))
    (directory / "mail.pem").write_bytes(certificate.public_bytes(pem))
    return directory / "mail.pem"


def _name(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(text)) if text[0].isdigit() else x509.DNSName(text)
