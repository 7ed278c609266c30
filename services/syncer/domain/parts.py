"""What of a batch of deliveries is written together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from shared.deliveries import Delivery

_MOST_DELIVERIES: Final = 250
# Of bodies as Shopify sent them; a part in hand takes some times as much.
_MOST_BYTES: Final = 8 * 1024 * 1024


def parts_of(deliveries: Sequence[Delivery]) -> Iterator[slice]:
    """Cut *deliveries* into parts of bounded number and size; what is larger is alone.

    How large a claim check of an older release is, nobody knows, so it is alone too.
    """
    start = size = 0
    for place, delivery in enumerate(deliveries):
        size += _bytes(delivery)
        if place > start and (place - start == _MOST_DELIVERIES or size > _MOST_BYTES):
            yield slice(start, place)
            start, size = place, _bytes(delivery)
    if start < len(deliveries):
        yield slice(start, len(deliveries))


def _bytes(delivery: Delivery) -> int:
    if delivery.body_id:
        return delivery.large_bytes or _MOST_BYTES
    return len(delivery.body)
