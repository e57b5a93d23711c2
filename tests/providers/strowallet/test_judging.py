"""What an answer says, in every shape that public clients have met."""

from __future__ import annotations

from typing import Any

import pytest

from cardctl.errors import CardctlError, ProviderHasNot, ProviderRefused, SecretRefused
from cardctl.providers.strowallet.judging import complaint, refusal, succeeded, wants_a_form

YES, NO, NEITHER = True, False, None
CARD = {"response": {"card_id": "card-1"}}


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        ({"success": True, **CARD}, YES),
        ({"success": "success", "apiresponse": {"data": {}}}, YES),
        ({"success": "true"}, YES),
        ({"success": 1}, YES),
        ({"status": True, "message": "Card frozen"}, YES),
        ({"status": "success", "message": "done"}, YES),
        (CARD, YES),
        ({"success": True, "error": "ok"}, YES),
        ({"success": True, "error": ""}, YES),
        ({"success": True, "error": None}, YES),
        ({"success": True, "error": "false"}, YES),
        ({"success": True, "error": False}, YES),
        ({"success": True, "statusCode": 200, **CARD}, YES),
        ({"success": False, "message": "no"}, NO),
        ({"success": "false"}, NO),
        ({"success": 0}, NO),
        ({"success": "error"}, NO),
        ({"success": "FAILED", **CARD}, NO),
        ({"status": False, "message": "no", **CARD}, NO),
        ({"status": "error", "message": "no"}, NO),
        ({"error": "error"}, NO),
        ({"error": "Insufficient USD balance"}, NO),
        ({"success": True, "error": "Cannot create card"}, NO),
        ({"success": True, "statusCode": 422, "data": {"x": 1}}, NO),
        ({"success": True, "data": {"statusCode": 400}}, NO),
        ({"success": True, "response": {"statusCode": "404"}}, NO),
        ({"success": True, "apiresponse": {"statusCode": 500}}, NO),
        ({"status": 422, "message": "no", **CARD}, NO),
        ({}, NEITHER),
        ({"message": "Card funding in progress"}, NEITHER),
        ({"success": None}, NEITHER),
        ({"success": "perhaps"}, NEITHER),
        ({"status": "pending"}, NEITHER),
        ({"response": {}}, NEITHER),
        ({"response": None}, NEITHER),
        ({"success": True, "status": "failed"}, NEITHER),
        ({"status": "failed", **CARD}, NEITHER),
        ([], NEITHER),
        ("ok", NEITHER),
        (None, NEITHER),
    ],
)
def test_yes_no_or_neither(data: Any, verdict: bool | None) -> None:
    assert succeeded(200, data, ("response",)) is verdict


@pytest.mark.parametrize("status", [301, 400, 401, 404, 405, 422, 429, 500])
def test_only_a_2xx_is_a_yes(status: int) -> None:
    assert succeeded(status, {"success": True, **CARD}, ("response",)) is False


def test_a_float_needs_no_success() -> None:
    assert succeeded(200, {"balance": "250.75"}, ("balance",)) is True
    assert succeeded(200, {"balance": 0}, ("balance",)) is True
    assert succeeded(200, {"balance": ""}, ("balance",)) is None


def test_a_withdrawals_own_status_is_no_word_about_the_request() -> None:
    assert succeeded(200, {"status": "failed"}, ("data", "status")) is True


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"success": False, "message": "Card is closed"}, "Card is closed"),
        (
            {"success": False, "message": "Validation Error", "errors": {"amount": ["too small"], "city": ["missing"]}},
            "Validation Error (amount: too small; city: missing)",
        ),
        ({"errors": {"mode": ["The selected mode is invalid."]}}, "mode: The selected mode is invalid."),
        ({"mode": ["The selected mode is invalid."]}, "mode: The selected mode is invalid."),
        ({"message": {"country": ["The country must be 3 characters."]}}, "country: The country must be 3 characters."),
        ({"success": False, "message": ["one", "two"]}, "one; two"),
        ({"error": "Insufficient USD balance"}, "Insufficient USD balance"),
        ({"error": {"a": {"b": ["deep"]}}}, "b: deep"),
        ({"message": "", "error": "no"}, "no"),
        ({"success": False}, "HTTP 422"),
        ({}, "HTTP 422"),
        (["no"], "HTTP 422"),
        (None, "HTTP 422"),
    ],
)
def test_a_complaint_is_one_line(data: Any, text: str) -> None:
    assert complaint(422, data) == text


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (200, "Invalid public key.", SecretRefused),
        (400, "invalid PUBLIC KEY", SecretRefused),
        (401, "Unauthenticated.", SecretRefused),
        (404, "No such card", ProviderHasNot),
        (200, "Card not found", ProviderHasNot),
        (400, "Customer with this email was not found.", ProviderHasNot),
        (200, "Not found", ProviderHasNot),
        (404, "The route api/bitvcard/x could not be found.", ProviderRefused),
        (200, "Merchant not found", ProviderRefused),
        (200, "Insufficient USD balance", ProviderRefused),
        (422, "address1 is too short", ProviderRefused),
        (403, "Forbidden", ProviderRefused),
    ],
)
def test_a_no_as_our_error(status: int, message: str, kind: type[CardctlError]) -> None:
    error = refusal(status, {"success": False, "message": message}, "pub_1")
    assert type(error) is kind
    assert message in error.message


def test_a_refusal_gives_away_neither_the_key_nor_a_card() -> None:
    said = "GET https://strowallet.com/api/x/?public_key=pub_secret1 failed for 4242424242424242"
    error = refusal(400, {"message": said}, "pub_secret1")
    assert "pub_secret1" not in error.message
    assert "4242424242424242" not in error.message


def test_hints_tell_where_to_look() -> None:
    assert "provider balance" in str(refusal(400, {"error": "Insufficient USD balance"}, "k").hint)
    assert "trailing_slash" in str(refusal(405, {"message": "Method Not Allowed"}, "k").hint)
    assert "strowallet.product" in str(refusal(200, {"message": "Invalid public key."}, "k").hint)


def test_only_an_unread_body_is_sent_again_as_a_form() -> None:
    assert wants_a_form(400, {"message": "Validation Error"})
    assert not wants_a_form(422, {"message": "Validation Error"})
    assert not wants_a_form(400, {"message": "Insufficient USD balance"})
    assert not wants_a_form(400, None)
