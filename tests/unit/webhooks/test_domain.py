"""Whose delivery it is, and how the spool is cut into messages."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.webhooks import domain
from shared.deliveries import Delivery
from shared.errors import NotFound, Rejected

TENANT = uuid.UUID(int=1)


def a_store(status: str = "active") -> domain.Store:
    return domain.Store(
        tenant_id=str(TENANT), shop_id=1, shop_domain="a.myshopify.com", status=status
    )


def a_spooled(number: int, size: int) -> domain.Spooled:
    delivery = Delivery(
        str(TENANT), 1, "a.myshopify.com", "orders/create", str(number), "", "", "", "", b"x" * size
    )
    return domain.Spooled(tenant_id=TENANT, shop_id=1, spool_id=number, delivery=delivery)


@pytest.mark.parametrize("status", ["uninstalled", "disconnected"])
def test_a_store_that_left_is_unknown_except_on_parting_topics(status: str):
    store = a_store(status)

    with pytest.raises(NotFound):
        domain.taken_by(store, "orders/create")
    for topic in domain.PARTING_TOPICS:
        assert domain.taken_by(store, topic) is store


def test_a_store_that_never_was_is_unknown_on_every_topic():
    for topic in ("orders/create", *domain.PARTING_TOPICS):
        with pytest.raises(NotFound):
            domain.taken_by(None, topic)


@pytest.mark.parametrize(
    ("path", "topic"),
    [
        ("", "orders/create"),
        ("orders/create", "orders/create"),
        ("orders_create", "orders/create"),
        ("Orders/Create/", "orders/create"),
        ("orders_update", "orders/updated"),
        ("inventory_levels_update", "inventory_levels/update"),
    ],
)
def test_a_url_may_spell_the_topic_in_either_form(path: str, topic: str):
    domain.agree(path, topic)


@pytest.mark.parametrize("path", ["orders", "orders/updated", "products_create", "setup"])
def test_a_url_may_not_name_another_topic(path: str):
    with pytest.raises(Rejected):
        domain.agree(path, "orders/create")


@given(st.text(max_size=80))
def test_topic_labels_are_bounded(topic: str):
    assert domain.counted(topic) in {*domain.COUNTED_TOPICS, "other"}


@given(st.lists(st.integers(0, 600 * 1024), min_size=1, max_size=20))
def test_a_message_out_of_the_spool_is_the_beginning_of_it_and_no_larger_than_a_fresh_one(
    sizes: list[int],
):
    spooled = [a_spooled(number, size) for number, size in enumerate(sizes)]

    taken = len(domain.one_message(spooled))

    assert domain.one_message(spooled) == spooled[:taken]
    assert taken == 1 or sum(sizes[:taken]) <= domain.BATCH_BYTES
    assert taken == len(sizes) or sum(sizes[: taken + 1]) > domain.BATCH_BYTES


def test_of_the_spool_no_more_is_unpacked_than_the_one_that_does_not_fit():
    spooled = (a_spooled(number, 200 * 1024) for number in range(5))

    assert len(domain.one_message(spooled)) == 2
    assert [one.spool_id for one in spooled] == [3, 4]


def test_an_empty_spool_makes_no_message():
    assert domain.one_message([]) == []
