"""A letter as a mail: a text part, an HTML part with the QR code in it, and its headers. Nothing in it is fetched."""

from __future__ import annotations

from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from cardctl.domain.letters import Letter, LetterKind
from cardctl.errors import MailRefused
from cardctl.output import qr
from cardctl.output.letters.wording import QR_NAME, Words

_PNG = b"\x89PNG\r\n\x1a\n"


def message(
    letter: Letter, words: Words, *, to: Address, sender: Address, reply_to: Address | None, at: datetime
) -> EmailMessage:
    """The mail. `to` is an address alone, without a name that could be read as another one. MailRefused for a delivery without
    a code."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = to
    if reply_to is not None:
        mail["Reply-To"] = reply_to
    mail["Subject"] = words.subject
    mail["Date"] = at
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office note comes back
    mail.set_content(words.text, cte="quoted-printable")  # seven bits, whatever the servers on the way can carry
    mail.add_alternative(words.html, subtype="html", cte="quoted-printable")
    if letter.kind is LetterKind.DELIVERY:
        _, page = mail.iter_parts()
        page.add_related(_picture(letter), "image", "png", cid=f"<{QR_NAME}>", disposition="inline", filename=f"{QR_NAME}.png")
    return mail


def _picture(letter: Letter) -> bytes:
    """Drawn from the code where it is there, since that is surely the code that the letter says; else the supplier's own."""
    if letter.activation is not None:
        return qr.png(letter.activation.reveal())
    if letter.qr_png is None or not letter.qr_png.startswith(_PNG):
        raise MailRefused(f"the letter about {letter.order_id} has no QR code to deliver")
    return letter.qr_png
