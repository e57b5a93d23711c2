"""What somebody asked far away answered, or did not: a provider, or the server that mails go through."""

from __future__ import annotations

from cardctl.errors.root import CardctlError
from cardctl.exits import ExitCode


class ProviderRefused(CardctlError):
    """The provider's explicit no. `vendor_code` and `request_id` are its own words, where it gave them."""

    error_code = "PROVIDER_REFUSED"
    exit_code = ExitCode.PROVIDER_SAID_NO

    def __init__(
        self, message: str, *, hint: str | None = None, vendor_code: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.vendor_code = vendor_code
        self.request_id = request_id


class CardExpired(ProviderRefused):
    """A buyer's card is out of date."""

    error_code = "CARD_EXPIRED"
    default_hint = "ask the buyer for a new card, and save it: `cardctl saved-card add --replace`"


class ProviderHasNot(ProviderRefused):
    error_code = "PROVIDER_HAS_NOT"


class Unsupported(ProviderRefused):
    error_code = "NOT_SUPPORTED"


class ProviderUnavailable(CardctlError):
    """Surely nothing ran: the connection was refused, the name not found, or every attempt was turned away."""

    error_code = "PROVIDER_UNAVAILABLE"
    exit_code = ExitCode.UNAVAILABLE
    retryable = True


class RateLimited(ProviderUnavailable):
    error_code = "RATE_LIMITED"


class CircuitOpen(ProviderUnavailable):
    error_code = "CIRCUIT_OPEN"
    default_hint = (
        "try again later; what our books know can still be read (`cardctl card show`), and freeze and close go through"
    )


class ReplyLost(CardctlError):
    """A request may have run, and its reply did not arrive whole. Never 'failed'."""

    error_code = "REPLY_LOST"
    exit_code = ExitCode.IN_DOUBT
    retryable = True


class ServerFailed(ReplyLost):
    """The last reply was a 5xx. `saved`: the provider replays it under the key, so asking again tells nothing new."""

    error_code = "SERVER_FAILED"

    def __init__(self, message: str, *, saved: bool = False) -> None:
        super().__init__(message)
        self.saved = saved


class OutcomeUnknown(CardctlError):
    """A journalled write is in doubt; `operation_id` names it."""

    error_code = "OUTCOME_UNKNOWN"
    exit_code = ExitCode.IN_DOUBT
    default_hint = "settle it with `cardctl operation resume`; see `cardctl operation list --state in_doubt`"

    def __init__(self, message: str, *, operation_id: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.operation_id = operation_id


class MailRefused(CardctlError):
    """The mail server's no for good, or a mail that cannot be written so: sending it again changes nothing."""

    error_code = "MAIL_REFUSED"
    exit_code = ExitCode.PROVIDER_SAID_NO


class MailUnavailable(CardctlError):
    """The mail server cannot be reached, or not now; or it may have taken the mail and did not say so. Sent again, it bears
    the same Message-ID."""

    error_code = "MAIL_UNAVAILABLE"
    exit_code = ExitCode.UNAVAILABLE
    retryable = True
