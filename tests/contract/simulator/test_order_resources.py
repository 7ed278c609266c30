"""What hangs on orders: the ledger adds up, and every way of reading it gives the same rows."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.shopify import drain
from shared.shopify.bulk import BulkAssembler
from shared.shopify.documents import bulk_document, document
from shared.shopify.resources import RESOURCES
from shared.shopify.snapshots import Owner, Snapshot
from shared.tables import COLUMNS, TABLES
from tests.contract.simulator.worlds import AS_OF, a_call, a_platform, a_world, ask
from tests.simulator import actions, bulk, results
from tests.simulator.agreements import agreements_of
from tests.simulator.bulk_rules import complaints
from tests.simulator.money import Bag, total
from tests.simulator.oauth import ALL_SCOPES
from tests.simulator.order_parts import Edit, Removal
from tests.simulator.returning import open_return
from tests.simulator.store import Operation

OWNER = Owner(tenant_id="00000000-0000-0000-0000-00000000000a", shop_id=7)
NAMES = ("order_details", "fulfillment_orders", "draft_orders", "abandoned_checkouts")
ORDER_ACTIONS = (
    "edit_order",
    "refund_order",
    "cancel_order",
    "fulfill_order",
    "return_order",
    "pay_order",
    "complete_draft_order",
)


def a_shop(**changes):
    """A shop of Shopify's largest plan, so that no test waits for points."""
    return a_platform(plan="enterprise", **changes)


def answer(call, query, /, **variables):
    body = ask(call, query, **variables)
    assert "errors" not in body
    return body["data"]


def drained(call, kind, raw) -> Snapshot:
    """Read a node to its end, as a poll does."""
    node = drain.opened(kind, orjson.dumps(raw))
    while request := drain.next_page(node):
        data = answer(call, document(request.document), **request.variables)
        drain.absorb(node, request, orjson.dumps(data))
    (fact,) = drain.facts(node, OWNER, source="poll")
    return fact


def by_pages(call, name) -> dict[tuple[int, ...], Snapshot]:
    resource, found, after = RESOURCES[name], {}, None
    while True:
        data = answer(
            call, document(f"{name}_page"), first=resource.page, after=after, query="id:>0"
        )
        page = data[resource.root]
        for edge in page["edges"]:
            fact = drained(call, resource.kind, edge["node"])
            found[fact.key] = fact
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def by_bulk(store, name) -> dict[tuple[int, ...], Snapshot]:
    query = bulk_document(name, "")
    assert complaints(query) == []
    asked = bulk.Asked(store, Operation(1, query, 0, "", ALL_SCOPES.split(",")))
    families = [results.family(asked.shape, thing) for thing in asked.things()]
    assembler = BulkAssembler(RESOURCES[name].kind, OWNER)
    assembler.feed(results.block(families, grouped=False))
    found = {one.key: one for one in assembler.finish()}
    assert assembler.rejected == {}
    return found


def told(snapshot: Snapshot) -> tuple:
    """Everything but the archive and where it came from."""
    return snapshot.key, snapshot.updated_at, snapshot.row.split("\t")[:-2], snapshot.children


def happen(store, names, seed=1) -> None:
    for place, name in enumerate(names):
        try:
            actions.act(store, name, {}, seed=seed + place, at=AS_OF + 60 + place)
        except actions.Impossible:
            continue


@pytest.mark.parametrize("name", NAMES)
def test_pages_and_bulk_files_give_the_same_rows(name):
    platform, store = a_shop(orders=250, currency="EUR", taxes_included=True)
    happen(store, [*ORDER_ACTIONS, "hold_fulfillment_order", "recover_checkout"] * 6)
    call, kind = a_call(platform, store, ALL_SCOPES.split(",")), RESOURCES[name].kind

    paged, exported = by_pages(call, name), by_bulk(store, name)

    assert len(paged) >= 12
    assert {key: told(one) for key, one in paged.items()} == {
        key: told(one) for key, one in exported.items()
    }
    table, children = TABLES[kind]
    for one in paged.values():
        assert len(one.row.split("\t")) == len(COLUMNS[table])
        for child, rows in one.children.items():
            assert child in children
            assert {len(row.split("\t")) for row in rows} <= {len(COLUMNS[child])}


@pytest.mark.parametrize("name", NAMES)
def test_reading_by_id_gives_the_same_rows(name):
    platform, store = a_shop(orders=60)
    call, resource = a_call(platform, store, ALL_SCOPES.split(",")), RESOURCES[name]
    paged = by_pages(call, name)
    chosen = sorted(paged)[: resource.ids]

    gids = [f"gid://shopify/{resource.gid}/{number}" for (number,) in chosen]
    nodes = answer(call, document(f"{name}_by_ids"), ids=gids)["nodes"]

    found = [drained(call, resource.kind, node) for node in nodes]
    assert [told(one) for one in found] == [told(paged[key]) for key in chosen]


def test_an_order_of_sixty_agreements_and_three_hundred_sales_is_read_to_its_end():
    platform, store = a_shop(orders=3)
    order = next(iter(store.world.orders))
    line = order.lines[0]
    nothing = Bag(0, 0, order.currencies)
    for place in range(60):
        # The thirtieth edit alone takes three hundred units off, one by one.
        units = 300 if place == 30 else 1
        removed = [Removal(line.id, 1, nothing, nothing, nothing, []) for _ in range(units)]
        number = store.world.ids.child("SalesAgreement", 0, 100 + place)
        order.edits.append(Edit(number, AS_OF + place, removed, []))
    for place in range(7):
        open_return(
            order, [(line, 1)] * 12, store.world.ids, at=AS_OF + place, status="OPEN",
            reason="other",
        )  # fmt: skip
    store.world.put_order(order)
    call = a_call(platform, store, ALL_SCOPES.split(","))

    read, exported = by_pages(call, "order_details"), by_bulk(store, "order_details")

    mine = read[(order.id,)]
    counts = {table: len(rows) for table, rows in mine.children.items()}
    first = len(order.lines) + len(order.shipping)
    assert counts["sales_agreements"] == 61
    assert first + 359 <= counts["sales"] <= first + 361
    assert (counts["returns"], counts["return_lines"]) == (7, 84)
    assert told(mine) == told(exported[mine.key])


def test_long_orders_are_read_to_the_end_of_their_lines():
    platform, store = a_shop(orders=20)
    world = store.world
    for shelf, name in ((world.draft_orders, "draft_orders"), (world.checkouts, "checkouts")):
        one = next(iter(shelf))
        lines = one.basket.lines
        one.basket.lines = [lines[0]] * 130
        if name == "draft_orders":
            one.line_ids = [one.line_ids[0] + place for place in range(130)]
        shelf.put(one.id, one)
    call = a_call(platform, store, ALL_SCOPES.split(","))

    for name, child in (
        ("draft_orders", "draft_order_lines"),
        ("abandoned_checkouts", "abandoned_checkout_lines"),
    ):
        paged, exported = by_pages(call, name), by_bulk(store, name)
        assert max(len(one.children[child]) for one in paged.values()) == 130
        assert [told(paged[key]) for key in sorted(paged)] == [
            told(exported[key]) for key in sorted(exported)
        ]


def _check_ledger(order, ids) -> None:
    totals = order.totals
    sales = [sale for one in agreements_of(order, ids) for sale in one.sales]
    whole = total((sale.total for sale in sales), order.currencies)
    assert whole.shop == totals.current_total.shop + totals.discrepancy.shop
    assert whole.presentment == totals.current_total.presentment + totals.discrepancy.presentment
    assert total((sale.tax for sale in sales), order.currencies) == totals.current_tax
    tips = total((sale.total for sale in sales if sale.line_type == "TIP"), order.currencies)
    assert tips == order.tip
    for line in order.lines:
        units = [sale.quantity for sale in sales if sale.line is line]
        assert sum(units) == line.current_quantity


@pytest.mark.parametrize(
    "changes", [{}, {"currency": "GBP", "taxes_included": True}, {"currency": "JPY", "seed": 11}]
)
def test_the_sales_of_every_seeded_order_add_up(changes):
    world = a_world(orders=400, **changes)
    kinds = set()
    for order in world.orders:
        _check_ledger(order, world.ids)
        kinds |= {
            (one.reason, sale.line_type)
            for one in agreements_of(order, world.ids)
            for sale in one.sales
        }

    assert {reason for reason, _ in kinds} == {"ORDER", "ORDER_EDIT", "REFUND", "RETURN"}
    assert {line for _, line in kinds} >= {"PRODUCT", "SHIPPING", "TIP", "ADJUSTMENT"}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    history=st.lists(st.sampled_from(ORDER_ACTIONS), min_size=1, max_size=40),
    included=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_sales_add_up_after_any_history_and_only_become_more(history, included, seed):
    _, store = a_shop(orders=12, taxes_included=included, currency="GBP")
    world = store.world
    known: dict[int, list] = {}
    for place, name in enumerate(history):
        happen(store, [name], seed=seed + place)
        for order in world.orders:
            _check_ledger(order, world.ids)
            made = [
                (one.id, one.at, one.reason, [(sale.id, sale.total) for sale in one.sales])
                for one in agreements_of(order, world.ids)
            ]
            before = known.get(order.id, [])
            assert made[: len(before)] == before
            known[order.id] = made


def test_the_same_order_always_has_the_same_ledger():
    first, second = a_world(orders=80), a_world(orders=80)

    for one, other in zip(first.orders, second.orders, strict=True):
        assert agreements_of(one, first.ids) == agreements_of(other, second.ids)


def test_a_fulfilment_order_follows_its_order_and_its_holds():
    _, store = a_shop(orders=60)
    shelf = store.world.fulfillment_orders
    held = next(one for one in shelf if one.status == "OPEN" and one.lines)
    actions.act(store, "hold_fulfillment_order", {"id": held.id}, seed=1, at=AS_OF + 5)
    assert shelf.get(held.id).status == "ON_HOLD"

    actions.act(store, "update_order", {"id": held.order_id}, seed=1, at=AS_OF + 6)
    assert (shelf.get(held.id).status, shelf.get(held.id).updated) == ("ON_HOLD", AS_OF + 5)

    actions.act(store, "release_fulfillment_order", {"id": held.id}, seed=1, at=AS_OF + 7)
    actions.act(store, "cancel_order", {"id": held.order_id}, seed=1, at=AS_OF + 8)
    assert (shelf.get(held.id).status, shelf.get(held.id).updated) == ("CANCELLED", AS_OF + 8)


def test_closed_fulfilment_orders_show_only_when_asked_for():
    platform, store = a_shop(orders=60)
    call = a_call(platform, store, ALL_SCOPES.split(","))
    query = "query($closed: Boolean!) { fulfillmentOrders(first: 250, includeClosed: $closed)"
    query += " { nodes { status } } }"

    shown = {
        closed: [
            one["status"]
            for one in answer(call, query, closed=closed)["fulfillmentOrders"]["nodes"]
        ]
        for closed in (True, False)
    }

    assert "CLOSED" in shown[True]
    assert "CLOSED" not in shown[False]
    assert len(shown[True]) == len(store.world.fulfillment_orders)
