"""Collections, discounts, gift cards, payments, metafields: every reading gives the same rows."""

from __future__ import annotations

import orjson
import pytest

from shared.shopify import drain
from shared.shopify.bulk import BulkAssembler
from shared.shopify.documents import Namespaces, bulk_document, document
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner, Snapshot
from shared.tables import COLUMNS, TABLES
from tests.contract.simulator.worlds import AS_OF, a_call, a_platform, ask
from tests.simulator import actions, bulk, results
from tests.simulator.bulk_rules import complaints
from tests.simulator.oauth import ALL_SCOPES
from tests.simulator.store import Operation

OWNER = Owner(tenant_id="00000000-0000-0000-0000-00000000000a", shop_id=7)
BULK = ("collections", "discounts", "gift_cards")
PAGED = ("payouts", "disputes", "balance_transactions")
OWNERS = ("products", "customers", "orders", "collections")
NAMESPACES: tuple[Namespaces, ...] = ((), ("custom",), ("custom", "specs"))
ACTIONS = (
    "create_collection",
    "update_collection",
    "delete_collection",
    "retag_product",
    "create_discount",
    "update_discount",
    "delete_discount",
    "add_discount_code",
    "remove_discount_code",
    "create_gift_card",
    "use_gift_card",
    "disable_gift_card",
    "pay_out",
    "open_dispute",
    "decide_dispute",
    "set_metafield",
    "merge_customers",
)


class Shop:
    """A shop of the largest plan, read with the metafields of *namespaces*."""

    def __init__(self, namespaces: Namespaces = (), **changes: object) -> None:
        self.platform, self.store = a_platform(plan="enterprise", **changes)
        self.call = a_call(self.platform, self.store, ALL_SCOPES.split(","))
        self.namespaces = namespaces

    def act(self, name: str, seed: int = 1, **parameters: object) -> list[int]:
        return actions.act(self.store, name, parameters, seed=seed, at=AS_OF + 60 + seed).touched

    def answer(self, name: str, **variables: object) -> dict:
        self.store.bucket.give_back(10**6)
        body = ask(self.call, document(name, self.namespaces), **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    def drained(self, kind: str, raw: object) -> Snapshot:
        """Read a node to its end, as a poll does."""
        node = drain.opened(kind, orjson.dumps(raw))
        while request := drain.next_page(node):
            data = self.answer(request.document, **request.variables)
            drain.absorb(node, request, orjson.dumps(data))
        facts = drain.facts(node, OWNER, source="poll", namespaces=self.namespaces)
        return facts[0]

    def by_pages(self, name: str) -> dict[tuple[int, ...], Snapshot]:
        resource, found, after = RESOURCES[name], {}, None
        while True:
            page = self.answer(
                f"{resource.documents}_page", first=resource.page, after=after, query=""
            )
            for step in resource.root.split("."):
                page = page[step]
                if page is None:
                    return found
            for edge in page["edges"]:
                one = self.drained(resource.kind, edge["node"])
                found[one.key] = one
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return found

    def by_ids(self, name: str, keys: list[tuple[int, ...]]) -> list[Snapshot]:
        resource = RESOURCES[name]
        gids = [f"gid://shopify/{resource.gid}/{number}" for (number,) in keys]
        nodes = self.answer(f"{resource.documents}_by_ids", ids=gids)["nodes"]
        return [self.drained(resource.kind, node) for node in nodes]

    def by_bulk(self, name: str) -> dict[tuple[int, ...], Snapshot]:
        query = bulk_document(name, "", self.namespaces)
        assert complaints(query) == []
        asked = bulk.Asked(self.store, Operation(1, query, 0, "", ALL_SCOPES.split(",")))
        families = [results.family(asked.shape, thing) for thing in asked.things()]
        assembler = BulkAssembler(RESOURCES[name].kind, OWNER, self.namespaces)
        assembler.feed(results.block(families, grouped=False))
        found = {one.key: one for one in assembler.finish()}
        assert assembler.rejected == {}
        return found


def told(snapshot: Snapshot, *, besides: frozenset[str] = frozenset()) -> tuple:
    """Everything but the archive, where it came from and, of some kinds, when it was read."""
    table = TABLES[snapshot.kind][0]
    row = dict(zip(COLUMNS[table], snapshot.row.split("\t"), strict=True))
    for name in ("raw", "source", *besides):
        del row[name]
    children = {name: sorted(rows) for name, rows in snapshot.children.items()}
    return snapshot.key, row, children


@pytest.mark.parametrize("namespaces", NAMESPACES, ids=str)
@pytest.mark.parametrize("name", [*BULK, "products", "customers"])
def test_pages_and_bulk_files_give_the_same_rows(name, namespaces):
    shop = Shop(namespaces, currency="EUR")
    for seed, action in enumerate(ACTIONS * 2):
        shop.act(action, seed)

    paged, exported = shop.by_pages(name), shop.by_bulk(name)

    assert len(paged) >= 7
    assert {key: told(one) for key, one in paged.items()} == {
        key: told(one) for key, one in exported.items()
    }
    table, children = TABLES[RESOURCES[name].kind]
    for one in paged.values():
        assert len(one.row.split("\t")) == len(COLUMNS[table])
        for child, rows in one.children.items():
            assert child in children
            assert {len(row.split("\t")) for row in rows} <= {len(COLUMNS[child])}


@pytest.mark.parametrize("name", [*BULK, *PAGED])
def test_reading_by_id_gives_the_same_rows(name):
    shop = Shop(("custom",))
    paged = shop.by_pages(name)
    chosen = sorted(paged)[: RESOURCES[name].ids]
    besides = frozenset({"updated_at"}) if name in PAGED else frozenset()

    found = shop.by_ids(name, chosen)

    assert len(chosen) >= 5
    assert [told(one, besides=besides) for one in found] == [
        told(paged[key], besides=besides) for key in chosen
    ]


def test_a_collection_of_six_hundred_products_keeps_its_order():
    shop = Shop(products=600, orders=5)
    everything = min(one.id for one in shop.store.world.collections)

    paged, exported = shop.by_pages("collections"), shop.by_bulk("collections")

    rows = paged[(everything,)].children["collection_products"]
    assert [int(row.split("\t")[4]) for row in rows] == list(range(1, 601))
    assert rows == exported[(everything,)].children["collection_products"]


def test_three_hundred_codes_are_read_to_the_end():
    shop = Shop()

    paged, exported = shop.by_pages("discounts"), shop.by_bulk("discounts")

    assert max(len(one.children["discount_codes"]) for one in paged.values()) == 300
    assert {key: told(one) for key, one in paged.items()} == {
        key: told(one) for key, one in exported.items()
    }


def test_more_metafields_than_a_page_holds_are_read_to_the_end():
    shop = Shop(("custom",))
    first = min(one.id for one in shop.store.world.products)

    paged, exported = shop.by_pages("products"), shop.by_bulk("products")

    assert len(paged[(first,)].children["product_metafields"]) > 40
    assert told(paged[(first,)]) == told(exported[(first,)])


@pytest.mark.parametrize("name", OWNERS)
def test_metafields_are_of_the_chosen_namespaces_or_not_told_at_all(name):
    child = {"products": "product", "customers": "customer", "orders": "order"}.get(name)
    table = f"{child or 'collection'}_metafields"

    plain = Shop().by_pages(name)
    assert not any(table in one.children for one in plain.values())

    for namespaces in (("custom",), ("custom", "specs"), ("nobody",)):
        shop = Shop(namespaces)
        place = COLUMNS[table].index("namespace")
        for found in (shop.by_pages(name), shop.by_bulk(name)):
            assert all(table in one.children for one in found.values())
            used = {row.split("\t")[place] for x in found.values() for row in x.children[table]}
            assert used <= set(namespaces)
            assert used or namespaces == ("nobody",)


def test_an_order_is_the_same_with_its_metafields_from_pages_and_bulk():
    shop = Shop(("custom",))

    paged, exported = shop.by_pages("orders"), shop.by_bulk("orders")

    assert {key: sorted(one.children["order_metafields"]) for key, one in paged.items()} == {
        key: sorted(one.children["order_metafields"]) for key, one in exported.items()
    }


@pytest.mark.parametrize("name", PAGED)
def test_a_shop_without_payments_has_none(name):
    assert Shop(payments=False).by_pages(name) == {}


def test_a_page_fits_what_one_query_may_cost():
    """The simulator's cost rule is fitted to recorded queries; the limit is 1,000 points."""
    shop = Shop(("custom", "specs"))
    for name in (*BULK, *PAGED, "products", "customers", "orders"):
        resource = RESOURCES[name]
        text = document(f"{resource.documents}_page", shop.namespaces)
        shop.store.bucket.give_back(10**6)
        body = ask(shop.call, text, first=resource.page, after=None, query="")
        assert body["extensions"]["cost"]["requestedQueryCost"] <= 1000, name


def test_events_tell_what_was_deleted_and_when():
    shop = Shop()
    (product,) = shop.act("delete_product", 1)
    (collection,) = shop.act("delete_collection", 2)
    shop.act("create_collection", 3)
    query = "action:destroy subject_type:PRODUCT"

    def found(search: str) -> list[str]:
        data = shop.answer("events_page", first=50, after=None, query=search)
        return [edge["node"]["subjectId"] for edge in data["events"]["edges"]]

    assert found(query) == [f"gid://shopify/Product/{product}"]
    assert found("action:destroy subject_type:COLLECTION") == [
        f"gid://shopify/Collection/{collection}"
    ]
    assert len(found("")) == 3
    assert found(query + " created_at:>'2040-01-01T00:00:00Z'") == []


def test_membership_by_rule_changes_without_the_collection():
    shop = Shop(products=40)
    before = shop.by_pages("collections")
    world = shop.store.world
    product = next(one for one in world.products if "gift" not in one.tags)

    shop.act("retag_product", 1, id=product.id, tag="gift")

    after = shop.by_pages("collections")
    grown = [
        key
        for key in before
        if len(after[key].children["collection_products"])
        > len(before[key].children["collection_products"])
    ]
    assert len(grown) == 1
    assert {key: one.updated_at for key, one in after.items()} == {
        key: one.updated_at for key, one in before.items()
    }


def test_a_merged_customer_is_gone_and_its_orders_are_the_others():
    shop = Shop(orders=120)
    world = shop.store.world
    gone = next(one.id for one in world.customers if len(world.orders_of(one.id)) > 2)
    kept = next(one.id for one in world.customers if one.id != gone)
    theirs, moved = set(world.orders_of(kept)), set(world.orders_of(gone))

    shop.act("merge_customers", 1, id=gone, into=kept)

    assert world.customers.get(gone) is None
    assert set(world.orders_of(kept)) == theirs | moved
    data = shop.answer("customers_by_ids", ids=[f"gid://shopify/Customer/{gone}"])
    assert data["nodes"] == [None]
