"""What a secret may be called, and what its value may look like; nothing is looked up here."""

from __future__ import annotations

from difflib import get_close_matches

from cardctl.domain.redaction import Secret
from cardctl.errors import BadInput

NAMES = (
    "stripe.api_key",
    "stripe.webhook_secret",
    "stripe.authorization_secret",
    "marqeta.application_token",
    "marqeta.admin_access_token",
    "marqeta.webhook_username",
    "marqeta.webhook_password",
    "marqeta.webhook_secret",
    "strowallet.public_key",
    "strowallet.webhook_secret",
    "square.access_token",
    "square.client_secret",
    "square.refresh_token",
    "square.webhook_signature_key",
    "zendit.api_key",
    "zendit.webhook_secret",
    "zendit.topup_token",
    "db.url",
    "db.encryption_key",
    "smtp.password",
    "notify.url",
)
"""Every secret there is; during rotation each may have the one before it, under its name and PREVIOUS."""

PREVIOUS = "_previous"
ENCRYPTION_KEY, DATABASE_URL = "db.encryption_key", "db.url"

MADE_UP = {
    "stripe.api_key": "sk_test_simulator",
    "marqeta.application_token": "simulator",
    "marqeta.admin_access_token": "simulator",
    "strowallet.public_key": "simulator",
    "square.access_token": "simulator",
    "zendit.api_key": "sand_simulator",
}
"""API keys, without which a provider is not spoken to; in the simulator, which takes any, nobody is asked for them."""


class Unfit(Exception):
    """A source gave something that is no secret; the message says why without showing it."""


def base_of(name: str) -> str:
    """The name without `_previous`; BadInput with the nearest known name where there is no such secret."""
    base = name.removesuffix(PREVIOUS)
    if base in NAMES:
        return base
    close = get_close_matches(base, NAMES, n=1, cutoff=0.4)
    advice = f"; did you mean {close[0]}?" if close else ""
    raise BadInput(f"no secret is called {name!r}{advice}", hint=f"known names: {', '.join(NAMES)}; each also with {PREVIOUS}")


RENEWING = {"square": ("square.client_secret", "square.refresh_token")}
"""What an access token is renewed with by OAuth, where a seller connected that way; then no token need be given."""


def needed_by(provider: str, *, renews: bool = False, database: bool = False) -> tuple[str, ...]:
    """What a profile of this provider cannot work without. `renews`: its token is had by OAuth; `database`: the database asks
    for a secret too."""
    own = tuple(name for name in MADE_UP if name.startswith(f"{provider}."))
    if renews:
        own = RENEWING.get(provider, own)
    return (*own, ENCRYPTION_KEY, *((DATABASE_URL,) if database else ()))


def variables(profile: str, name: str) -> tuple[str, str]:
    """The variables that may hold the secret, the profile's own first; for advice, since the environment is read elsewhere."""
    stem = name.upper().replace(".", "_")
    return f"CARDCTL_{profile.upper().replace('-', '_')}__{stem}", f"CARDCTL_{stem}"


def fit(raw: str | bytes) -> Secret:
    """What a source gave, without the newline at its end; Unfit where that is not one line of text."""
    try:
        text = (raw.decode() if isinstance(raw, bytes) else raw).rstrip("\r\n")
    except UnicodeDecodeError:
        raise Unfit("not UTF-8 text") from None
    if not text.strip():
        raise Unfit("empty")
    if not text.isprintable():
        raise Unfit("more than one line, or a control character in it")
    return Secret(text)
