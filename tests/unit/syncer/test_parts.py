"""How a batch is cut: nothing twice, nothing left out, no part too large."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.syncer.domain.parts import parts_of
from shared.deliveries import Delivery

MEBIBYTE = 1024 * 1024


def a_delivery(body: bytes = b"{}", **fields: object) -> Delivery:
    return Delivery(
        **{
            "tenant_id": "t",
            "shop_id": 1,
            "shop_domain": "tea.myshopify.com",
            "topic": "orders/updated",
            "webhook_id": "w",
            "event_id": "",
            "triggered_at": "",
            "received_at": "",
            "api_version": "",
            "body": body,
            **fields,
        }
    )


def a_claim(size: int, body_id: str = "b") -> Delivery:
    return a_delivery(b"", body_id=body_id, large_bytes=size)


def sizes(deliveries: list[Delivery]) -> list[int]:
    return [len(deliveries[part]) for part in parts_of(deliveries)]


@given(st.lists(st.integers(1, 16 * MEBIBYTE), max_size=40))
def test_parts_hold_everything_once_and_in_order_and_no_more_than_they_may(large):
    parts = [large[part] for part in parts_of([a_claim(size) for size in large])]

    assert [size for part in parts for size in part] == large
    assert all(len(part) == 1 or sum(part) <= 8 * MEBIBYTE for part in parts)


def test_small_bodies_are_cut_by_their_number():
    assert sizes([a_delivery()] * 600) == [250, 250, 100]


def test_a_body_larger_than_a_part_is_alone():
    claims = [a_claim(MEBIBYTE), a_claim(16 * MEBIBYTE), a_claim(MEBIBYTE), a_claim(MEBIBYTE)]

    assert sizes(claims) == [1, 1, 2]


def test_a_claim_of_an_older_release_is_alone():
    assert sizes([a_delivery(b"", body_id="b")] * 3) == [1, 1, 1]


def test_bodies_that_travelled_count_too():
    assert sizes([a_delivery(b" " * MEBIBYTE)] * 20) == [8, 8, 4]
