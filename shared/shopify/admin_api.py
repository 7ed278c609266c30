"""The Admin GraphQL API as values: requests to send, answers to decipher. No I/O.

Source: https://shopify.dev/docs/api/admin-graphql#status_and_error_codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlsplit

import msgspec

from shared.errors import Forbidden, NotFound, Rejected, Throttled, Unauthorized, Unavailable
from shared.shopify.cost import Cost, Extensions

SHOP_DOMAIN = r"[a-z0-9][a-z0-9-]*\.myshopify\.com"

_SHOP = re.compile(SHOP_DOMAIN)
_SCOPE = re.compile(r"`(\w+)`")
_DOWNLOAD_HOSTS = ("storage.googleapis.com", ".shopify.com", ".myshopify.com", ".shopifycdn.com")
_PAUSE_SECONDS = 900.0
_SECURITY_PAUSE_SECONDS = 300.0
_MESSAGE_LIMIT = 300

# Failures after which Shopify has certainly not run the mutation.
_NOT_RUN = frozenset({"throttled", "shopify_unreachable"})
# Longer waits belong to the caller, who can let go of what it holds meanwhile.
LONGEST_WAIT_SECONDS = 60.0
# Others share the shop's points: a short wait told exactly is left to backoff and its jitter.
_SHORTEST_WAIT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One POST to Shopify. *headers* hold a token: never log a Request."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What Shopify said: the JSON bytes of ``data``, and what it cost.

    *denied* names the fields that Shopify withheld, as paths without list positions
    (``orders.edges.node.customer``).
    """

    data: bytes
    cost: Cost | None
    api_version: str
    denied: tuple[str, ...] = ()


class _Problem(msgspec.Struct):
    message: str | None = ""
    extensions: dict[str, object] | None = None
    path: list[str | int] | None = None

    @property
    def code(self) -> str:
        """Shopify's word for what is wrong; what protects customers has none of its own."""
        if "not approved to access" in (self.message or ""):
            return _PROTECTED
        return str((self.extensions or {}).get("code", ""))

    @property
    def field(self) -> str:
        """The field's path, without list positions."""
        return ".".join(part for part in self.path or () if isinstance(part, str))


class _Body(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[_Problem] = []
    extensions: Extensions | None = None


_PROTECTED = "PROTECTED_CUSTOMER_DATA"
# Who may ask again must be told so, whatever else is wrong.
_PASSING = ("THROTTLED", "INTERNAL_SERVER_ERROR")
_DENIED = frozenset({"ACCESS_DENIED", _PROTECTED})

_decode = msgspec.json.Decoder(_Body).decode
_encode = msgspec.json.Encoder().encode


def shop_domain(text: str) -> str:
    """Return *text* as a shop's own domain; raise Rejected when it is not one.

    Anything else in a URL would send a token to a foreign host.
    """
    domain = text.strip().lower().removeprefix("https://").removesuffix("/")
    if not _SHOP.fullmatch(domain):
        raise Rejected(
            "a shop domain reads <name>.myshopify.com",
            code="invalid_shop_domain",
            details={"field": "shop_domain"},
        )
    return domain


def origin(shop: str, base_url: str = "") -> str:
    """Return where *shop* answers: its own host, or the simulator's template filled in."""
    domain = shop_domain(shop)
    return base_url.rstrip("/").replace("{shop}", domain) if base_url else f"https://{domain}"


def checked_base_url(base_url: str, app_env: str) -> str:
    """Return *base_url*; raise Rejected in production or without its ``{shop}``."""
    if base_url and app_env == "production":
        raise Rejected("SHOPIFY_BASE_URL is refused in production", code="bad_base_url")
    if base_url and "{shop}" not in base_url:
        raise Rejected("SHOPIFY_BASE_URL needs {shop} in its path", code="bad_base_url")
    return base_url


def graphql_request(
    document: str, variables: Mapping[str, object] | None, *, url: str, token: str
) -> Request:
    """Build the POST that executes *document*."""
    return Request(
        url=url,
        headers={
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-Shopify-Access-Token": token,
        },
        body=_encode({"query": document, "variables": variables or {}}),
    )


def graphql_url(shop: str, api_version: str, base_url: str = "") -> str:
    """Return the GraphQL endpoint of *shop*."""
    return f"{origin(shop, base_url)}/admin/api/{api_version}/graphql.json"


def downloadable(url: str, base_url: str = "") -> str:
    """Return *url* when results may be read from it; raise Rejected otherwise.

    Shopify's and Google's storage hosts by https; with a *base_url*, only that server.
    """
    parts = urlsplit(url)
    if base_url:
        allowed = parts.netloc == urlsplit(base_url).netloc
    else:
        host = f".{parts.hostname or ''}"
        allowed = parts.scheme == "https" and parts.port in (None, 443) and not parts.username
        allowed = allowed and any(_within(host, known) for known in _DOWNLOAD_HOSTS)
    if not allowed:
        raise Rejected("results are not read from this host", code="foreign_host")
    return url


def _within(host: str, known: str) -> bool:
    return host.endswith(known) if known.startswith(".") else host == f".{known}"


def decipher(
    status: int, headers: Mapping[str, str], body: bytes, *, partial: bool = False
) -> Answer:
    """Return what Shopify answered, or raise what its status or errors mean.

    Raises Unauthorized, Forbidden (``access_denied`` names ``required_scopes``), NotFound,
    Rejected (``max_cost_exceeded``, ``bad_query``), Throttled with the wait, Unavailable.
    With *partial*, data of which nothing but fields was withheld is an answer.
    """
    if status != 200:
        raise_for_status(status, headers, body)
    try:
        parsed = _decode(body)
    except msgspec.MsgspecError as exc:
        raise Unavailable("Shopify's answer is not GraphQL", code="bad_answer") from exc
    cost = parsed.extensions.cost if parsed.extensions else None
    if parsed.errors and not (partial and _is_partial(parsed)):
        _raise_for_problem(min(parsed.errors, key=_urgency), cost)
    return Answer(
        data=bytes(parsed.data),
        cost=cost,
        api_version=headers.get("X-Shopify-API-Version", ""),
        denied=tuple(dict.fromkeys(problem.field for problem in parsed.errors)),
    )


def _is_partial(parsed: _Body) -> bool:
    return bytes(parsed.data) != b"null" and all(one.code in _DENIED for one in parsed.errors)


def _urgency(problem: _Problem) -> int:
    return 0 if problem.code in _PASSING else 1


def told_cost(body: bytes) -> Cost | None:
    """Return what an answer that was an error says of the cost, None when it says nothing."""
    try:
        parsed = _decode(body)
    except msgspec.MsgspecError:
        return None
    return parsed.extensions.cost if parsed.extensions else None


def raise_for_status(status: int, headers: Mapping[str, str], body: bytes) -> NoReturn:
    """Raise what a status other than 200 means."""
    if status == 429:
        raise Throttled("Shopify asked to slow down", retry_after=_retry_after(headers))
    if status in _PAUSES:
        code, seconds = _PAUSES[status]
        raise Unavailable(f"Shopify answered {status}", code=code, retry_after=seconds)
    if status >= 500 or status == 408:
        raise Unavailable(f"Shopify answered {status}", code="shopify_error")
    raise _refusal(status, body)


_PAUSES = {
    402: ("shop_frozen", _PAUSE_SECONDS),
    423: ("shop_unavailable", _PAUSE_SECONDS),
    430: ("security_rejection", _SECURITY_PAUSE_SECONDS),
}


def _refusal(status: int, body: bytes) -> Rejected:
    if b"Non-expiring access tokens" in body:
        return Unauthorized("Shopify wants an expiring token", code="non_expiring_token")
    if status == 401:
        return Unauthorized("Shopify does not accept the access token")
    if status == 403:
        return Forbidden("Shopify does not allow this")
    if status == 404:
        return NotFound("Shopify does not know this shop")
    if 300 <= status < 400:
        return Rejected("Shopify answered with a redirect", code="redirect_refused")
    return Rejected(f"Shopify answered {status}", code="bad_request")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None


def _raise_for_problem(problem: _Problem, cost: Cost | None) -> NoReturn:
    code = problem.code
    message = (problem.message or "")[:_MESSAGE_LIMIT]
    if code == "THROTTLED":
        raise Throttled("Shopify throttled the query", retry_after=cost.wait if cost else None)
    if code == "INTERNAL_SERVER_ERROR":
        raise Unavailable("Shopify failed inside", code="internal_error")
    if code in _DENIED or code == "SHOP_INACTIVE":
        needed = {"required_scopes": _required_scopes(problem)} if code == "ACCESS_DENIED" else {}
        raise Forbidden(message, code=code.lower(), details=needed)
    if code == "RESOURCE_NOT_FOUND":
        raise NotFound(message)
    extensions = problem.extensions or {}
    if code == "MAX_COST_EXCEEDED":
        limits = {key: extensions.get(key) for key in ("cost", "maxCost")}
        raise Rejected(message, code="max_cost_exceeded", details=limits)
    details = {"shopify_code": code, "path": problem.path or []}
    raise Rejected(message, code="bad_query", details=details)


def _required_scopes(problem: _Problem) -> list[str]:
    required = str((problem.extensions or {}).get("requiredAccess") or problem.message)
    return [word for word in _SCOPE.findall(required) if word.startswith(("read_", "write_"))]


def worth_repeating(error: BaseException, document: str) -> bool | float:
    """Return whether to send *document* again: no, yes by backoff, or yes after seconds.

    A mutation that may have run is repeated only under an idempotency key.
    """
    if not isinstance(error, Unavailable) or error.code == "circuit_open":
        return False
    is_mutation = document.lstrip().startswith("mutation")
    if is_mutation and "@idempotent" not in document and error.code not in _NOT_RUN:
        return False
    if error.retry_after is None or error.retry_after < _SHORTEST_WAIT_SECONDS:
        return True
    return error.retry_after if error.retry_after <= LONGEST_WAIT_SECONDS else False
