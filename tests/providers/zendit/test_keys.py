"""Which key is for which environment and host; where it is not, nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.errors import SecretWrongMode
from cardctl.providers.zendit.provider import build
from tests.providers.zendit.far import Far, handed
from tests.providers.zendit.objects import KEY, LIVE_KEY

_TEST, _LIVE = "https://test-api.zendit.io/v1", "https://api.zendit.io/v1"
_SERVED = "http://127.0.0.1:8420/zendit/v1"


@pytest.mark.parametrize(
    ("environment", "key", "base", "host"),
    [
        ("simulator", KEY, None, "test-api.zendit.io"),
        ("sandbox", KEY, None, "test-api.zendit.io"),
        ("live", LIVE_KEY, None, "api.zendit.io"),
        ("live", "no prefix at all", None, "api.zendit.io"),
        ("sandbox", KEY, _LIVE, "api.zendit.io"),
        ("sandbox", KEY, _LIVE + "/", "api.zendit.io"),
        ("sandbox", KEY, _TEST, "test-api.zendit.io"),
        ("live", LIVE_KEY, _LIVE, "api.zendit.io"),
        ("live", LIVE_KEY, "https://zendit.example.com/v1", "zendit.example.com"),
    ],
)
def test_each_key_has_its_host(environment: str, key: str, base: str | None, host: str) -> None:
    far = Far()
    provider = build(handed(far, environment=environment, key=key, settings={"base_url": base}))
    ping = provider.ping()
    (request,) = far.requests
    assert (request.url.host, request.url.path) == (host, "/v1/balance")
    assert (request.headers["authorization"], request.headers["accept"]) == (f"Bearer {key}", "application/json")
    assert ping.mode == ("test" if key == KEY else None)


@pytest.mark.parametrize("base", [None, _LIVE, _TEST, _SERVED])
@pytest.mark.parametrize(
    ("environment", "key"), [("live", KEY), ("sandbox", LIVE_KEY), ("sandbox", "SAND_x"), ("simulator", LIVE_KEY)]
)
def test_a_key_of_the_other_mode_is_refused_before_anything_is_sent(environment: str, key: str, base: Any) -> None:
    far = Far()
    with pytest.raises(SecretWrongMode) as caught:
        build(handed(far, environment=environment, key=key, settings={"base_url": base}))
    assert far.requests == []
    assert key not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("base", [_TEST, "https://TEST-API.zendit.io/v1", "https://test-api.zendit.io:443/v1"])
def test_a_key_of_production_is_not_shown_to_the_host_for_tests(base: str) -> None:
    far = Far()
    with pytest.raises(SecretWrongMode):
        build(handed(far, environment="live", key=LIVE_KEY, settings={"base_url": base}))
    assert far.requests == []


def test_a_served_simulator_is_asked_at_its_mount() -> None:
    far = Far({"GET /zendit/v1/balance": {"availableBalance": 1, "currency": "USD"}})
    provider = build(handed(far, environment="simulator", settings={"base_url": _SERVED}))
    provider.ping()
    assert str(far.requests[0].url) == f"{_SERVED}/balance"
