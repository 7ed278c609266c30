"""Batches of deliveries survive the journey, and nothing else passes for one."""

from __future__ import annotations

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shared.deliveries import Delivery, pack, trace_headers, unpack
from shared.errors import Rejected

deliveries = st.builds(
    Delivery,
    tenant_id=st.uuids().map(str),
    shop_id=st.integers(1, 2**63 - 1),
    shop_domain=st.just("a.myshopify.com"),
    topic=st.text(max_size=20),
    webhook_id=st.text(max_size=40),
    event_id=st.text(max_size=40),
    triggered_at=st.text(max_size=40),
    received_at=st.just("2026-01-01T00:00:00+00:00"),
    api_version=st.just("2026-10"),
    body=st.binary(max_size=200),
    body_id=st.text(max_size=36),
    traceparent=st.text(max_size=55),
    large_bytes=st.integers(0, 2**31),
)


@given(st.lists(deliveries, max_size=10))
def test_a_batch_arrives_as_it_left(batch: list[Delivery]) -> None:
    assert unpack(pack(batch)) == batch


@given(st.binary(max_size=300))
def test_what_is_not_a_batch_is_rejected(noise: bytes) -> None:
    with pytest.raises(Rejected):
        unpack(noise)


def test_a_batch_of_an_older_release_arrives_without_a_trace() -> None:
    row = ["t", 1, "a.myshopify.com", "orders/create", "w", "e", "", "", "2026-10", b"{}", ""]
    frame = zstandard.compress(msgspec.msgpack.encode([row]))

    [delivery] = unpack(frame)

    assert (delivery.webhook_id, delivery.traceparent, delivery.large_bytes) == ("w", "", 0)
    assert trace_headers([delivery]) == {}
