"""What can go wrong, sorted by whether trying again can help.

Exception
  Rejected       repeating will not help: the request or message is wrong
    Unauthorized
    Forbidden
    NotFound
    Conflict
    Unprocessable
  Unavailable    repeating later may help: something we depend on is not ready
    Throttled
    BadGateway
    GatewayTimeout

Anything else that escapes a handler is a bug. Every error carries a machine-readable ``code``
and ``details`` for the caller; neither may hold a secret or a customer's data.
"""

from __future__ import annotations

from collections.abc import Mapping


class Rejected(Exception):
    """The input is wrong; the same input will be wrong tomorrow."""

    default_code = "invalid_request"

    def __init__(
        self, message: str, *, code: str | None = None, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.details = dict(details or {})


class Unauthorized(Rejected):
    """The caller could not prove who it is."""

    default_code = "unauthorized"


class Forbidden(Rejected):
    """The caller is known and may not do this."""

    default_code = "forbidden"


class NotFound(Rejected):
    """No such thing, or not yours to see."""

    default_code = "not_found"


class Conflict(Rejected):
    """The thing is in a state that does not allow this."""

    default_code = "conflict"


class Unprocessable(Rejected):
    """The input is well formed; who we asked with it refused."""

    default_code = "unprocessable"


class Unavailable(Exception):
    """A dependency failed in a way that may pass."""

    default_code = "unavailable"

    def __init__(
        self, message: str, *, retry_after: float | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.code = code or self.default_code


class Throttled(Unavailable):
    """The dependency asked us to slow down."""

    default_code = "throttled"


class BadGateway(Unavailable):
    """The dependency answered, and its answer is a failure."""

    default_code = "bad_gateway"


class GatewayTimeout(Unavailable):
    """The dependency did not answer in time."""

    default_code = "gateway_timeout"
