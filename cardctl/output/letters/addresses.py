"""Mail addresses: one person each, and nothing that could become a header or a second address."""

from __future__ import annotations

import re
import unicodedata
from email.headerregistry import Address
from email.utils import getaddresses

from cardctl.errors import BadConfig, MailRefused

_LOCAL = re.compile(r"""[^\s@,;:<>()\[\]\\"]{1,64}\Z""")
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*\Z", re.ASCII)
_LONGEST = 254
"""Octets. Source: RFC 5321 §4.5.3.1, less the angle brackets."""


def recipient(text: str) -> Address:
    """The one address that a letter goes to; a domain of other letters as the DNS has it. MailRefused where it is none."""
    found = _address(text.strip())
    if found is None:
        raise MailRefused(f"{text[:_LONGEST]!r} is no mail address", hint="give the order another recipient, and retry")
    return found


def written_by(text: str, setting: str) -> Address:
    """Whom mails come from, or answers go to: `Acme <esim@example.com>` or the address alone. BadConfig where it is neither."""
    told = getaddresses([text])
    name, address = told[0] if len(told) == 1 else ("", "")
    found = _address(address) if _clean(name) else None
    if found is None:
        raise BadConfig(f"{setting} is no mail address: {text!r}", hint='such as "Acme <esim@example.com>"')
    return Address(name, found.username, found.domain)


def _address(text: str) -> Address | None:
    local, at, domain = unicodedata.normalize("NFC", text).rpartition("@")
    ascii_domain = _in_dns(domain)
    if not at or ascii_domain is None or not _LOCAL.match(local) or not _clean(local) or ".." in f".{local}.":
        return None
    if len(f"{local}@{ascii_domain}".encode()) > _LONGEST:
        return None
    return Address(username=local, domain=ascii_domain)


def _in_dns(domain: str) -> str | None:
    """A domain whose way back is another one (`faß.de` becomes `fass.de`, somebody else's) is none."""
    try:
        name = domain.encode("idna").decode("ascii").lower()
        same = domain.isascii() or name.encode("ascii").decode("idna") == domain.lower()
    except UnicodeError:
        return None
    return name if _DOMAIN.match(name) and same else None


def _clean(text: str) -> bool:
    """No control, direction or half character."""
    return not any(unicodedata.category(char).startswith("C") for char in text)
