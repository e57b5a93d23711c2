"""Which key belongs to which environment and host; checked before anything is sent, and nothing is sent here."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from cardctl.domain.redaction import Secret
from cardctl.errors import SecretWrongMode
from cardctl.providers.zendit.wire import LIVE, TEST, TEST_HOST

API_KEY = "zendit.api_key"
_TEST_KEY = "sand_"
"""How a key of the test mode begins, as several clients have it; how one of production begins is UNCONFIRMED."""


def is_test(key: Secret) -> bool:
    return key.reveal().startswith(_TEST_KEY)


def host_for(key: Secret, environment: str, base_url: Any) -> str:
    """The address that a key is for, without a slash at its end; `base_url` goes before. SecretWrongMode where the key is not
    of the environment, or not of that host.

    The SDKs know production's host alone, and some clients use it with keys of the test mode: so a `base_url` may say that.
    """
    # environment   wanted   a key of the other mode
    # live          any      sand_: would sell customers eSIMs that are none
    # sandbox       sand_    would spend real money
    # simulator     sand_    would lay a real key open to a far side that is none
    tested = is_test(key)
    if environment == "live" and tested:
        raise SecretWrongMode(f"{API_KEY} is a key of the test mode, and this is live", hint="live needs a key of production")
    if environment != "live" and not tested:
        hint = f"{environment} needs one that begins with {_TEST_KEY}"
        raise SecretWrongMode(f"{API_KEY} is no key of the test mode, and this is {environment}", hint=hint)
    base: str = (base_url or (TEST if tested else LIVE)).rstrip("/")
    if not tested and urlsplit(base).hostname == TEST_HOST:
        hint = f"leave zendit.base_url out, or set it to {LIVE}"
        raise SecretWrongMode(f"{API_KEY} is a key of production, and {TEST_HOST} is for tests", hint=hint)
    return base
