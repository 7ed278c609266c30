"""Faults on request: fractions drawn from a seeded source, so that a run can be repeated."""

from __future__ import annotations

import random
import time
from typing import Any

STATUSES = {
    400: {"errors": {"query": "Required parameter missing or invalid"}},
    401: {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"},
    402: {"errors": "This shop's plan does not have access to this feature"},
    403: {"errors": "User does not have access"},
    404: {"errors": "Not Found"},
    423: {"errors": "This shop is unavailable"},
    406: {"errors": "Not Acceptable"},
    409: {"errors": "Conflict"},
    414: {"errors": "URI Too Long"},
    415: {"errors": "Unsupported Media Type"},
    422: {"errors": {"base": ["Unprocessable Entity"]}},
    429: {"errors": "Exceeded 2 calls per second for api client. Reduce request rates."},
    430: {"errors": "Shopify Security Rejection"},
    500: {"errors": "An unexpected error occurred"},
    501: {"errors": "Not Implemented"},
    502: {"errors": "Bad Gateway"},
    503: {"errors": "Service Unavailable"},
    504: {"errors": "Gateway Timeout"},
    530: {"errors": "Origin DNS Error"},
    540: {"errors": "Temporarily Disabled"},
}


class Faults:
    """What goes wrong, as set through the control API.

    ``admin``: throttle, malformed, cut, internal_error, shop_inactive, partial_denied (fractions;
    the last hides ``denied_fields``, ``customer`` unless told otherwise), status ({code:
    fraction}), slow_seconds (of every call, or of the fraction slow), retry_after (seconds told
    with a 429), reject_plain_tokens (bool), renamed ("404": a former domain is unknown).
    ``webhooks``: drop, duplicate, late (fractions), delay_seconds, late_seconds, shuffle (bool).
    ``bulk``: internal_error, timeout, access_denied, expire, cancel, silent (bool), fail_after
    (roots), url_expires (seconds), slot_busy ({"slots": n, "seconds": t}), omit_when_sorted,
    short_file (bool); ``times`` limits how many operations are struck.
    ``oauth``: deny (fraction), status (code).
    """

    def __init__(self) -> None:
        self.settings: dict[str, dict[str, Any]] = {}
        self._random = random.Random(0)
        self._since = time.monotonic()

    def set(self, settings: dict[str, Any]) -> None:
        self._random = random.Random(int(settings.get("seed", 0)))
        self._since = time.monotonic()
        self.settings = {
            kind: dict(settings.get(kind) or {}) for kind in ("admin", "webhooks", "bulk", "oauth")
        }

    def strikes(self, kind: str, name: str) -> bool:
        """Whether this call is among the given fraction."""
        fraction = float(self.settings.get(kind, {}).get(name, 0))
        return fraction > 0 and self._random.random() < fraction

    def given(self, kind: str, name: str) -> Any:
        return self.settings.get(kind, {}).get(name)

    def foreign_operations(self) -> int:
        """How many slots the jobs of somebody else hold just now."""
        busy = self.given("bulk", "slot_busy")
        if not busy or time.monotonic() > self._since + float(busy.get("seconds", 5)):
            return 0
        return int(busy.get("slots", 5))

    def seconds(self, kind: str, name: str) -> float:
        return float(self.settings.get(kind, {}).get(name, 0))

    def status(self) -> int | None:
        """A failing HTTP status for this call, if one strikes."""
        for code, fraction in (self.settings.get("admin", {}).get("status") or {}).items():
            if self._random.random() < float(fraction):
                return int(code)
        return None

    def bulk(self) -> dict[str, Any]:
        """The faults of the next bulk operation; ``times`` limits how many it strikes."""
        wanted = self.settings.get("bulk", {})
        if "times" in wanted:
            if wanted["times"] <= 0:
                return {}
            wanted["times"] -= 1
        return wanted

    def omits(self) -> bool:
        return bool(self.settings.get("bulk", {}).get("omit_when_sorted"))

    def short_files(self) -> bool:
        return bool(self.settings.get("bulk", {}).get("short_file"))

    def shuffled(self, things: list[Any]) -> list[Any]:
        if self.settings.get("webhooks", {}).get("shuffle"):
            self._random.shuffle(things)
        return things
