"""What of a batch of deliveries is written together, and what only afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from shared.deliveries import Delivery

_MOST_DELIVERIES: Final = 250
# Of bodies as Shopify sent them; a part in hand takes some times as much.
_MOST_BYTES: Final = 8 * 1024 * 1024


def parts_of(deliveries: Sequence[Delivery], places: Sequence[int]) -> Iterator[list[int]]:
    """Cut *places* of *deliveries* into parts of bounded number and size; what is larger is alone.

    How large a claim check of an older release is, nobody knows, so it is alone too.
    """
    part: list[int] = []
    size = 0
    for place in places:
        grown = size + _bytes(deliveries[place])
        if part and (len(part) == _MOST_DELIVERIES or grown > _MOST_BYTES):
            yield part
            part, grown = [], _bytes(deliveries[place])
        part.append(place)
        size = grown
    if part:
        yield part


def first_and_again(deliveries: Sequence[Delivery]) -> tuple[list[int], list[int]]:
    """Return the places of what is said for the first time, and of what repeats it.

    Repetitions are found by what is committed, so they must not be written beside it. Of large
    bodies the size alone is known; one that only has the size of another waits in vain.
    """
    seen = set()
    first: list[int] = []
    again: list[int] = []
    for place, one in enumerate(deliveries):
        said = (one.tenant_id, one.shop_id, one.topic, one.body, one.large_bytes)
        (again if said in seen else first).append(place)
        seen.add(said)
    return first, again


def _bytes(delivery: Delivery) -> int:
    if delivery.body_id:
        return delivery.large_bytes or _MOST_BYTES
    return len(delivery.body)
