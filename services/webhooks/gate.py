"""Who is turned away before anything is done for him, and who while much is going on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog
from aiohttp import web

from services.webhooks.addresses import Address, Networks, client_of, household
from services.webhooks.bodies import SUSPECT_BODY_BYTES
from services.webhooks.paces import Paces
from shared.errors import Forbidden, Throttled
from shared.shopify.headers import signature_claimed
from shared.shopify.signature import SIGNATURE_CHARACTERS

log = structlog.get_logger()

# All senders together may be refused this many times as often as one.
_EVERYBODY: Final = "everybody"
_EVERYBODYS_SHARE: Final = 20
_BURST_SECONDS: Final = 10


class Gate:
    """Knows the addresses that were refused too often, and those that may come at all.

    Forged and signed deliveries may share an address: a proxy's, or Shopify's own, from which
    anybody's app can have webhooks sent to us. So an address that is refused too often loses what
    costs us more than a signature (look-ups, large bodies), and never its signed deliveries.
    """

    def __init__(self, *, proxies: Networks, allowed: Networks, per_second: float) -> None:
        self._proxies = proxies
        self._allowed = allowed
        self._anybody = not allowed
        self._each = Paces(per_second, burst=per_second * _BURST_SECONDS)
        all_per_second = per_second * _EVERYBODYS_SHARE
        self._all = Paces(all_per_second, burst=all_per_second * _BURST_SECONDS)

    def suspects(self, request: web.Request) -> bool:
        """Say whether the sender was refused too often lately.

        Raises Forbidden for an address that may not come, and Throttled for a suspect whose request
        cannot be a delivery, or is larger than a suspect may send.
        """
        if self._anybody and self._each.idle:
            return False
        client = self._client(request)
        if not self._anybody and (client is None or client not in self._allowed):
            raise Forbidden("this address may not deliver", code="address_not_allowed")
        if not self._wait(client):
            return False
        length = request.content_length
        small = length is not None and length <= SUSPECT_BODY_BYTES
        if not small or len(signature_claimed(request.headers)) != SIGNATURE_CHARACTERS:
            raise self.throttled(request)
        return True

    def refused(self, request: web.Request) -> None:
        """Remember that a request could not prove that Shopify sent it."""
        sender = household(self._client(request))
        known = self._each.wait(sender)
        self._each.count(sender)
        self._all.count(_EVERYBODY)
        if not known and self._each.wait(sender):
            log.warning("address limited: too many of its deliveries were refused", address=sender)

    def throttled(self, request: web.Request) -> Throttled:
        """Return the answer for a suspect."""
        wait = self._wait(self._client(request))
        return Throttled("too many deliveries were refused", retry_after=wait, code="limited")

    def _client(self, request: web.Request) -> Address | None:
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return client_of(request.remote or "", forwarded, self._proxies)

    def _wait(self, client: Address | None) -> float:
        return self._each.wait(household(client)) or self._all.wait(_EVERYBODY)


class Ceiling:
    """Keeps one shop from taking the room of the others, only while there is little room.

    To Shopify a refusal is a lost delivery that it may or may not send again, so a shop that is
    merely fast is not refused.
    """

    def __init__(self, per_second: float, *, crowded: Callable[[], bool]) -> None:
        self._paces = Paces(per_second, burst=per_second * _BURST_SECONDS)
        self._crowded = crowded

    def enter(self, shop_id: int) -> None:
        """Count a signed delivery; raise Throttled when it is one too many."""
        if self._paces.count(shop_id) and self._crowded():
            raise Throttled("the shop sends too fast", retry_after=1, code="shop_over_ceiling")
