"""Webhook deliveries as they travel on the bus: many in one compressed message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import zstandard

from shared.errors import Rejected
from shared.tracing import TRACEPARENT

TOPIC = "webhooks.received"
# How its message came to the bus: for the trace of a delivery.
HANDED_AT = "handed-at"
SPOOLED = "spooled"
# Fast mode: a batch of order bodies still shrinks several times. Half the usual table, over a
# quarter of the window, stays in the cache: a tenth to a fifth less time for 4 % more bytes.
# One event loop packs, so one compressor serves it; another thread needs its own.
_compress = zstandard.ZstdCompressor(
    compression_params=zstandard.ZstdCompressionParameters.from_level(
        -5, window_log=17, hash_log=12
    )
).compress


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """One verified webhook, exactly as Shopify sent it.

    *tenant_id* and *shop_id* come from our own record of the store, never from the headers.
    *received_at* is ISO 8601 in UTC; *triggered_at* is the header as sent, or empty.
    *body_id* names a row of ``intake.bodies`` when the body was too large to travel (claim check),
    *large_bytes* is its size then. *traceparent* is the W3C trace that the delivery belongs to.
    Empty and 0 on one of an older release.
    """

    tenant_id: str
    shop_id: int
    shop_domain: str
    topic: str
    webhook_id: str
    event_id: str
    triggered_at: str
    received_at: str
    api_version: str
    body: bytes
    body_id: str = ""
    traceparent: str = ""
    large_bytes: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Delivery]).decode


def pack(deliveries: Sequence[Delivery]) -> bytes:
    """Return *deliveries* as one zstd-compressed frame."""
    return _compress(_encode(list(deliveries)))


def trace_headers(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Return the headers of a message of *deliveries*: the first one's trace stands for all."""
    trace = deliveries[0].traceparent if deliveries else ""
    return {TRACEPARENT: trace} if trace else {}


def sent_headers(
    deliveries: Sequence[Delivery], *, at: datetime, spooled: bool = False
) -> dict[str, str]:
    """Return the headers of a message of *deliveries* that is handed to the bus *at* this time.

    *spooled* tells that they waited for the broker.
    """
    way = {HANDED_AT: at.isoformat()} | ({SPOOLED: "1"} if spooled else {})
    return trace_headers(deliveries) | way


def unpack(frame: bytes) -> list[Delivery]:
    """Return the deliveries of one frame; raise Rejected when it is not one."""
    try:
        return _decode(zstandard.ZstdDecompressor().decompress(frame))
    except (zstandard.ZstdError, msgspec.MsgspecError) as exc:
        raise Rejected("not a batch of deliveries", code="bad_batch") from exc
