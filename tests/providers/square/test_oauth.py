"""A seller's token: renewed once where it has run out, for all threads, and handed on to be kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock
from typing import Any

import httpx
import pytest

from cardctl.domain.money import Money
from cardctl.domain.payments import NewPayment
from cardctl.domain.redaction import Secret
from cardctl.errors import CardctlError, ProviderUnavailable, ReplyLost, SecretMissing, SecretRefused
from cardctl.providers.base import Handed
from cardctl.providers.square.provider import SquareProvider, build
from tests.providers.square import objects
from tests.providers.square.far import refused
from tests.providers.square.objects import CARD, CUSTOMER, MARK

OLD, NEW, OTHER = "EAAAold-0000000000000000", "EAAAnew-1111111111111111", "EAAAother-22222222222222"
CONNECTED = {"square.access_token": OLD, "square.client_secret": "sq0csp-c", "square.refresh_token": "EQAAr"}


class Seller(httpx.BaseTransport):
    """Takes the tokens in `good`, and gives NEW for a refresh token."""

    def __init__(self, *good: str, renewal: httpx.Response | Exception | None = None) -> None:
        self.good = set(good)
        self.renewals: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.charges: list[bytes] = []
        self._renewal = renewal
        self.renewing: Callable[[], object] = lambda: None
        self._lost = 0
        self._guard = Lock()

    def lose(self, times: int) -> Seller:
        self._lost = times
        return self

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        with self._guard:
            if request.url.path == "/oauth2/token":
                return self._renew(request)
            if self._lost:
                self._lost -= 1
                raise httpx.ReadError("gone")
            token = request.headers["authorization"].removeprefix("Bearer ")
            self.tokens.append(token)
            if token not in self.good:
                return refused(401, "ACCESS_TOKEN_EXPIRED", category="AUTHENTICATION_ERROR")
            if request.method == "POST":
                self.charges.append(request.content)
            return httpx.Response(200, json={"payment": objects.payment()})

    def _renew(self, request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers
        self.renewals.append(json.loads(request.content))
        self.renewing()
        if isinstance(self._renewal, Exception):
            raise self._renewal
        if self._renewal is not None:
            return self._renewal
        self.good.add(NEW)
        return httpx.Response(200, json={"access_token": NEW, "token_type": "bearer", "refresh_token": "EQAAr"})


Connect = Callable[..., SquareProvider]


@pytest.fixture
def kept() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def connect(kept: list[tuple[str, str]]) -> Connect:
    def made(
        seller: Seller,
        secrets: dict[str, str] = CONNECTED,
        client_id: str | None = "sq0idp-c",
        fresh: dict[str, str] | None = None,
    ) -> SquareProvider:
        def given(name: str, secrets: dict[str, str]) -> Secret:
            if name not in secrets:
                raise SecretMissing(f"{name} is nowhere")
            return Secret(secrets[name])

        return build(
            Handed(
                environment="sandbox",
                programme="square/default",
                settings={"client_id": client_id},
                secret=lambda name: given(name, secrets),
                fresh=None if fresh is None else lambda name: given(name, fresh),
                transport=seller,
                timeout=5.0,
                sleep=lambda _seconds: None,
                random=lambda: 0.0,
                keep=lambda name, value: kept.append((name, value.reveal())),
            )
        )

    return made


def charge(provider: SquareProvider) -> Any:
    return provider.send(provider.draft_payment(NewPayment(CUSTOMER, CARD, Money(5000, "USD")), MARK), MARK)


def test_an_expired_token_is_renewed_once_and_the_charge_is_made_once(connect: Connect, kept: list[tuple[str, str]]) -> None:
    seller = Seller()
    provider = connect(seller)
    assert charge(provider).ref == objects.PAYMENT
    assert len(seller.charges) == 1
    assert seller.tokens == [OLD, NEW]
    assert seller.renewals == [
        {"client_id": "sq0idp-c", "client_secret": "sq0csp-c", "grant_type": "refresh_token", "refresh_token": "EQAAr"}
    ]
    assert kept == [("square.access_token", NEW)]
    charge(provider)
    assert seller.tokens[2:] == [NEW]
    assert len(seller.renewals) == 1


def test_a_token_that_is_good_is_left_alone(connect: Connect, kept: list[tuple[str, str]]) -> None:
    seller = Seller(OLD)
    charge(connect(seller))
    assert (seller.renewals, kept) == ([], [])


def test_where_there_is_no_token_yet_the_first_is_had_by_the_refresh_token(
    connect: Connect, kept: list[tuple[str, str]]
) -> None:
    seller = Seller()
    charge(connect(seller, {name: value for name, value in CONNECTED.items() if name != "square.access_token"}))
    assert seller.tokens == [NEW]
    assert kept == [("square.access_token", NEW)]


def test_a_new_refresh_token_is_kept_too(connect: Connect, kept: list[tuple[str, str]]) -> None:
    answer = httpx.Response(200, json={"access_token": OLD, "refresh_token": "EQAAother"})
    seller = Seller(renewal=answer)
    with pytest.raises(SecretRefused):
        charge(connect(seller))
    assert kept == [("square.refresh_token", "EQAAother"), ("square.access_token", OLD)], (
        "what the next one is had by comes first"
    )


def test_a_token_that_another_process_has_stored_is_used_and_none_is_renewed(
    connect: Connect, kept: list[tuple[str, str]]
) -> None:
    seller, lying = Seller(OTHER), dict(CONNECTED)
    provider = connect(seller, fresh=lying)
    lying["square.access_token"] = OTHER
    charge(provider)
    assert (seller.tokens, seller.renewals, kept) == ([OLD, OTHER], [], [])


def test_of_two_who_renew_at_once_the_second_uses_what_the_first_has_stored(connect: Connect) -> None:
    """Its refresh token was used up by the first."""
    seller, lying = Seller(OTHER, renewal=refused(401, "UNAUTHORIZED")), dict(CONNECTED)
    seller.renewing = lambda: lying.update({"square.access_token": OTHER})
    provider = connect(seller, fresh=lying)
    charge(provider)
    assert (seller.tokens, len(seller.renewals), len(seller.charges)) == ([OLD, OTHER], 1, 1)


def test_a_refresh_token_that_another_process_has_stored_is_the_one_that_is_used(connect: Connect) -> None:
    seller, lying = Seller(), dict(CONNECTED)
    provider = connect(seller, fresh=lying)
    lying["square.refresh_token"] = "EQAAnext"
    charge(provider)
    assert [one["refresh_token"] for one in seller.renewals] == ["EQAAnext"]


def test_an_old_token_that_lies_where_the_new_one_cannot_be_kept_is_not_taken_for_a_newer_one(connect: Connect) -> None:
    """An environment variable answers before the keyring."""
    seller = Seller()
    provider = connect(seller, fresh=dict(CONNECTED))
    charge(provider)
    seller.good.clear()
    charge(provider)
    assert (seller.tokens, len(seller.renewals)) == ([OLD, NEW, NEW, NEW], 2)


@pytest.mark.parametrize("missing", ["square.client_secret", "square.refresh_token"])
def test_a_seller_who_has_not_connected_is_not_renewed(connect: Connect, missing: str) -> None:
    seller = Seller()
    with pytest.raises(SecretRefused):
        charge(connect(seller, {name: value for name, value in CONNECTED.items() if name != missing}))
    assert seller.renewals == []


def test_nor_is_one_whose_profile_names_no_application(connect: Connect) -> None:
    seller = Seller()
    with pytest.raises(SecretRefused):
        charge(connect(seller, client_id=None))
    assert seller.renewals == []


@pytest.mark.parametrize("client_id", [None, "sq0idp-c"])
def test_without_a_token_or_a_way_to_one_it_says_what_is_missing(connect: Connect, client_id: str | None) -> None:
    with pytest.raises(SecretMissing, match=r"square\.access_token"):
        connect(Seller(), {}, client_id)


@pytest.mark.parametrize(
    ("renewal", "kind"),
    [
        (refused(401, "UNAUTHORIZED", "Invalid refresh token EQAAr of sq0csp-c"), SecretRefused),
        (httpx.Response(400, json={"message": "not EQAAr", "type": "bad_request.x"}), SecretRefused),
        (httpx.Response(200, json={"access_token": ""}), SecretRefused),
        (httpx.Response(200, json={"access_token": "two\nlines"}), SecretRefused),
        (httpx.Response(500), ProviderUnavailable),
        (httpx.ConnectError("no"), ProviderUnavailable),
        (httpx.ReadTimeout("slow"), ProviderUnavailable),
    ],
)
def test_a_renewal_that_fails_has_charged_nothing(
    connect: Connect, kept: list[Any], renewal: Any, kind: type[CardctlError]
) -> None:
    seller = Seller(renewal=renewal)
    with pytest.raises(kind) as caught:
        charge(connect(seller))
    assert (seller.charges, kept) == ([], [])
    assert not any(secret in caught.value.message for secret in CONNECTED.values())


def test_a_charge_that_was_lost_before_stays_unknown_though_the_renewal_fails(connect: Connect) -> None:
    seller = Seller(renewal=httpx.Response(400, json={})).lose(1)
    with pytest.raises(ReplyLost):
        charge(connect(seller))


def test_a_refusal_by_the_new_token_after_a_lost_attempt_says_nothing_of_that(connect: Connect) -> None:
    seller = Seller(renewal=httpx.Response(200, json={"access_token": NEW})).lose(1)
    with pytest.raises(ReplyLost):
        charge(connect(seller))


def test_many_threads_share_one_renewal(connect: Connect, kept: list[tuple[str, str]]) -> None:
    seller, together = Seller(), Barrier(8)
    provider = connect(seller)

    def ask(_number: int) -> str:
        together.wait()
        return provider.payment(objects.PAYMENT).ref

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {objects.PAYMENT}
    assert len(seller.renewals) == 1
    assert kept == [("square.access_token", NEW)]
