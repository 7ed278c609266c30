"""Objects read by id, when Shopify withholds some or finds that they cost too much."""

from __future__ import annotations

from collections.abc import Collection

import orjson

from services.syncer import reading
from shared.errors import Forbidden, Rejected
from shared.shopify.client import Partial


class Shop:
    """A client whose shop lacks *gone*, withholds what must not be null, and has little room."""

    namespaces = ()
    lacking: frozenset[str] = frozenset()

    def __init__(
        self, *, gone: Collection[int] = (), withheld: Collection[int] = (), at_once: int = 25
    ) -> None:
        self.gone, self.withheld, self.at_once = gone, withheld, at_once
        self.asked: list[int] = []

    async def execute_partial(self, document: str, variables: dict) -> Partial:
        ids = [int(gid.rpartition("/")[2]) for gid in variables["ids"]]
        self.asked.append(len(ids))
        if len(ids) > self.at_once:
            raise Rejected("too dear", code="max_cost_exceeded")
        missing = {*self.gone, *self.withheld}
        nodes = [None if one in missing else {"id": f"gid://shopify/Order/{one}"} for one in ids]
        denied = ["nodes.risk"] if set(ids) & set(self.withheld) else []
        return Partial(data=orjson.dumps({"nodes": nodes}), denied=denied)


async def test_what_a_withheld_field_takes_along_is_not_gone():
    """A null that must not be null makes its object null: burying that would lose the order."""
    found = await reading.by_ids(Shop(withheld={2}), "order_details", [1, 2, 3])

    assert isinstance(found[1], bytes)
    assert isinstance(found[3], bytes)
    assert isinstance(found[2], Forbidden)
    assert "nodes.risk" in str(found[2])


async def test_what_is_withheld_of_all_is_not_asked_for_one_by_one():
    shop = Shop(withheld=range(1, 9))

    found = await reading.by_ids(shop, "order_details", range(1, 9))

    assert [type(one) for one in found.values()] == [Forbidden] * 8
    assert shop.asked == [8, 4, 2, 1]


async def test_what_is_gone_is_told_although_another_objects_fields_are_withheld():
    """The neighbour keeps its object: only a nullable field of it is withheld."""

    class Named(Shop):
        async def execute_partial(self, document: str, variables: dict) -> Partial:
            answer = await super().execute_partial(document, variables)
            denied = ["nodes.customer"] if len(variables["ids"]) > 1 else []
            return Partial(data=answer.data, denied=denied)

    found = await reading.by_ids(Named(gone={2}), "order", [1, 2, 3])

    assert {one for one, raw in found.items() if raw is None} == {2}


async def test_objects_that_together_cost_too_much_are_read_in_fewer():
    shop = Shop(gone={5}, at_once=3)

    found = await reading.by_ids(shop, "order", range(1, 9))

    assert {one for one, raw in found.items() if raw is None} == {5}
    assert list(found) == list(range(1, 9))
    assert shop.asked == [8, 4, 2, 2, 4, 2, 2]


async def test_one_object_that_costs_too_much_is_refused():
    found = await reading.by_ids(Shop(at_once=0), "order", [1, 2])

    assert [(type(one), one.code) for one in found.values()] == [
        (Rejected, "max_cost_exceeded")
    ] * 2
