"""Mutations change the shop, tell of it, and complain as Shopify does."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from tests.contract.simulator.worlds import DOMAIN, SCOPES, a_call, a_platform, ask
from tests.simulator import ledger
from tests.simulator.app import build_app
from tests.simulator.store import Subscription, Token

WRITE = [
    *SCOPES, "write_products", "write_customers", "write_orders", "write_inventory",
    "write_merchant_managed_fulfillment_orders", "read_merchant_managed_fulfillment_orders",
]  # fmt: skip
TOPICS = (
    "PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE", "CUSTOMERS_CREATE",
    "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE", "ORDERS_UPDATED", "ORDERS_CANCELLED", "ORDERS_PAID",
    "ORDERS_CREATE", "REFUNDS_CREATE", "FULFILLMENTS_CREATE", "INVENTORY_LEVELS_UPDATE",
    "INVENTORY_LEVELS_CONNECT", "INVENTORY_LEVELS_DISCONNECT",
)  # fmt: skip
ERRORS = "userErrors { field message }"


async def _nothing():
    """Nobody is told by http."""


@pytest.fixture
def shop():
    platform, store = a_platform(orders=60)
    for place, topic in enumerate(TOPICS):
        store.subscriptions[place] = Subscription(place, topic, "https://x.example", 0, 0)
    told = []
    platform.courier = SimpleNamespace(
        announce=lambda store, topic, body, **_: told.append((topic, body)),
        open=_nothing, close=_nothing,
    )  # fmt: skip

    def write(query, **variables):
        store.bucket.give_back(1_000)
        answer = ask(a_call(platform, store, WRITE), query, **variables)
        assert platform.crashes == []
        return answer

    write.world, write.told, write.platform, write.store = store.world, told, platform, store
    return write


def _topics(shop):
    return {topic for topic, _ in shop.told}


def _only(answer):
    assert "errors" not in answer, answer
    (payload,) = answer["data"].values()
    return payload


def test_a_product_is_made_changed_and_deleted(shop):
    made = _only(
        shop(
            f"""mutation M($p: ProductCreateInput) {{ productCreate(product: $p) {{
            product {{ id title handle options {{ name values }}
            variants(first: 9) {{ nodes {{ id title price }} }} }} {ERRORS} }} }}""",
            p={
                "title": "Red Kite", "tags": ["b", "a"],
                "productOptions": [{"name": "Size", "values": [{"name": "S"}, {"name": "L"}]}],
            },
        )
    )  # fmt: skip
    product = made["product"]
    assert (product["title"], product["handle"]) == ("Red Kite", "red-kite")
    assert [one["title"] for one in product["variants"]["nodes"]] == ["S"]

    grown = _only(
        shop(
            """mutation M($id: ID!, $v: [ProductVariantsBulkInput!]!) {
            productVariantsBulkCreate(productId: $id, variants: $v) {
            productVariants { id title price sku } userErrors { field message code } } }""",
            id=product["id"],
            v=[{"price": "12.50", "inventoryItem": {"sku": "KITE-L", "cost": "4"},
                "optionValues": [{"optionName": "Size", "name": "L"}]}],
        )
    )["productVariants"]  # fmt: skip
    assert [(one["title"], one["price"], one["sku"]) for one in grown] == [("L", "12.5", "KITE-L")]

    changed = _only(
        shop(
            """mutation M($id: ID!, $v: [ProductVariantsBulkInput!]!) {
            productVariantsBulkUpdate(productId: $id, variants: $v) {
            productVariants { price } userErrors { field message code } } }""",
            id=product["id"],
            v=[{"id": grown[0]["id"], "price": "11"}],
        )
    )
    assert changed["productVariants"] == [{"price": "11.0"}]

    gone = _only(
        shop(
            f"mutation M($id: ID!) {{ productDelete(input: {{id: $id}}) "
            f"{{ deletedProductId {ERRORS} }} }}",
            id=product["id"],
        )
    )
    assert gone["deletedProductId"] == product["id"]
    assert {"products/create", "products/update", "products/delete"} <= _topics(shop)
    number = int(product["id"].rpartition("/")[2])
    assert shop.world.products.get(number) is None


def test_product_set_replaces_the_variants(shop):
    product = next(one for one in shop.world.products if 1 < len(one.variants) < 6)
    keep = product.variants[0]

    answer = _only(
        shop(
            """mutation M($i: ProductSetInput!) { productSet(input: $i) {
            product { variants(first: 9) { nodes { id price } } } userErrors { message } } }""",
            i={
                "id": f"gid://shopify/Product/{product.id}",
                "variants": [
                    {"id": f"gid://shopify/ProductVariant/{keep.id}", "price": "7",
                     "optionValues": [{"optionName": "Color", "name": "x"}]}
                ],
            },
        )
    )  # fmt: skip

    nodes = answer["product"]["variants"]["nodes"]
    assert nodes == [{"id": f"gid://shopify/ProductVariant/{keep.id}", "price": "7.0"}]


@pytest.mark.parametrize(
    ("query", "variables", "field", "message"),
    [
        (f'mutation {{ productCreate(product: {{title: " "}}) {{ {ERRORS} }} }}', {},
         ["title"], "Title can't be blank"),
        (f'mutation {{ productUpdate(product: {{id: "gid://shopify/Product/1"}}) {{ {ERRORS} }} }}',
         {}, ["id"], "Product does not exist"),
        (f"mutation {{ customerCreate(input: {{}}) {{ {ERRORS} }} }}", {},
         None, "A name, phone number, or email address must be present"),
        (f'mutation {{ customerCreate(input: {{email: "customer3@example.com"}}) {{ {ERRORS} }} }}',
         {}, ["email"], "Email has already been taken"),
        (f'mutation {{ orderUpdate(input: {{id: "gid://shopify/Order/1"}}) {{ {ERRORS} }} }}',
         {}, ["id"], "Order does not exist"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_is_wrong(shop, query, variables, field, message):
    errors = _only(shop(query, **variables))["userErrors"]

    assert errors == [{"field": field, "message": message}]
    assert shop.told == []


def test_a_bad_row_leaves_every_variant_as_it_was(shop):
    product = next(one for one in shop.world.products if len(one.variants) > 1)
    before = [one.price for one in product.variants]
    first = f"gid://shopify/ProductVariant/{product.variants[0].id}"

    answer = _only(
        shop(
            """mutation M($id: ID!, $v: [ProductVariantsBulkInput!]!) {
            productVariantsBulkUpdate(productId: $id, variants: $v) {
            userErrors { field message code } } }""",
            id=f"gid://shopify/Product/{product.id}",
            v=[{"id": first, "price": "1"}, {"id": "gid://shopify/ProductVariant/1"}],
        )
    )

    assert answer["userErrors"][0] == {
        "field": ["variants", "1", "id"],
        "message": "Product variant does not exist",
        "code": "PRODUCT_VARIANT_DOES_NOT_EXIST",
    }
    assert [one.price for one in product.variants] == before


def test_a_customer_is_made_tagged_and_deleted(shop):
    made = _only(
        shop(
            f"""mutation {{ customerCreate(input: {{email: "new@example.com", firstName: "Ada",
            addresses: [{{city: "Leeds", countryCode: GB}}]}}) {{
            customer {{ id email defaultAddress {{ city }} }} {ERRORS} }} }}"""
        )
    )["customer"]
    assert (made["email"], made["defaultAddress"]) == ("new@example.com", {"city": "Leeds"})

    tags = "mutation M($id: ID!) { %s(id: $id, tags: %s) { node { ... on Customer { tags } } } }"
    more = _only(shop(tags % ("tagsAdd", '["vip, b2b"]'), id=made["id"]))
    less = _only(shop(tags % ("tagsRemove", '["b2b"]'), id=made["id"]))
    assert (more["node"]["tags"], less["node"]["tags"]) == (["b2b", "vip"], ["vip"])

    drop = f"mutation M($i: CustomerDeleteInput!) {{ customerDelete(input: $i) {{ {ERRORS} }} }}"
    assert _only(shop(drop, i={"id": made["id"]}))["userErrors"] == []
    buyer = next(one.customer_id for one in shop.world.orders if one.customer_id)
    kept = _only(shop(drop, i={"id": f"gid://shopify/Customer/{buyer}"}))["userErrors"]
    assert "associated orders" in kept[0]["message"]
    assert {"customers/create", "customers/update", "customers/delete"} <= _topics(shop)


def _order(shop, fits):
    return next(one for one in shop.world.orders if fits(one))


def test_an_order_is_paid_closed_opened_and_cancelled(shop):
    order = _order(shop, lambda one: ledger.financial_status(one) == "PENDING")
    named = {"i": {"id": f"gid://shopify/Order/{order.id}"}}

    def write(name, kind, shown):
        query = (
            f"mutation M($i: {kind}!) {{ {name}(input: $i) {{ order {{ {shown} }} {ERRORS} }} }}"
        )
        return _only(shop(query, **named))

    paid = write("orderMarkAsPaid", "OrderMarkAsPaidInput", "displayFinancialStatus")
    again = write("orderMarkAsPaid", "OrderMarkAsPaidInput", "id")
    closed = write("orderClose", "OrderCloseInput", "closed")
    opened = write("orderOpen", "OrderOpenInput", "closed")
    cancel = """mutation M($id: ID!) { orderCancel(orderId: $id, reason: CUSTOMER, restock: true) {
        job { done } orderCancelUserErrors { field message code } } }"""
    first = _only(shop(cancel, id=named["i"]["id"]))
    second = _only(shop(cancel, id=named["i"]["id"]))

    assert paid["order"]["displayFinancialStatus"] == "PAID"
    assert again["userErrors"][0]["message"] == "Order cannot be marked as paid."
    assert (closed["order"]["closed"], opened["order"]["closed"]) == (True, False)
    assert first["orderCancelUserErrors"] == []
    assert second["orderCancelUserErrors"][0]["code"] == "INVALID"
    assert shop.world.orders.get(order.id).cancelled is not None
    assert {"orders/paid", "orders/cancelled", "refunds/create"} <= _topics(shop)


REFUND = f"""mutation M($i: RefundInput!, $key: String!) {{
    refundCreate(input: $i) @idempotent(key: $key) {{
    refund {{ id totalRefundedSet {{ shopMoney {{ amount }} }} }} {ERRORS} }} }}"""


def test_a_refund_pays_what_it_says_once(shop):
    order = _order(
        shop,
        lambda one: ledger.financial_status(one) == "PAID"
        and one.currencies == ("USD", "USD") and not one.refunds,
    )  # fmt: skip
    line = order.lines[0]
    wanted = {
        "orderId": f"gid://shopify/Order/{order.id}",
        "refundLineItems": [{"lineItemId": f"gid://shopify/LineItem/{line.id}", "quantity": 1}],
        "transactions": [
            {"amount": "3.25", "gateway": "shopify_payments", "kind": "REFUND",
             "orderId": f"gid://shopify/Order/{order.id}"}
        ],
    }  # fmt: skip

    bare = shop(
        REFUND.replace("@idempotent(key: $key)", "").replace(", $key: String!", ""), i=wanted
    )
    first = _only(shop(REFUND, i=wanted, key="one"))
    again = _only(shop(REFUND, i=wanted, key="one"))
    other = _only(shop(REFUND, i={**wanted, "note": "x"}, key="one"))
    much = {**wanted, "refundLineItems": [{**wanted["refundLineItems"][0], "quantity": 99}]}
    refused = _only(shop(REFUND, i=much, key="two"))

    assert bare["errors"][0]["message"] == (
        "The @idempotent directive is required for this mutation but was not provided."
    )
    assert bare["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert bare["data"] == {"refundCreate": None}
    assert first["refund"]["totalRefundedSet"] == {"shopMoney": {"amount": "3.25"}}
    assert again == first
    assert other["refund"] is None
    assert "different parameters" in other["userErrors"][0]["message"]
    assert refused["userErrors"][0]["field"] == ["refundLineItems", "0", "quantity"]
    assert len(shop.world.orders.get(order.id).refunds) == 1


def test_an_order_is_placed_and_shipped(shop):
    variant = next(iter(shop.world.products)).variants[0]
    made = _only(
        shop(
            """mutation M($o: OrderCreateOrderInput!) { orderCreate(order: $o) {
            order { id totalPriceSet { shopMoney { amount } } displayFinancialStatus
            fulfillmentOrders(first: 5) { nodes { id status } } } userErrors { message } } }""",
            o={
                "financialStatus": "PAID", "email": "a@example.com",
                "lineItems": [{
                    "variantId": f"gid://shopify/ProductVariant/{variant.id}", "quantity": 2,
                    "priceSet": {"shopMoney": {"amount": "9.99", "currencyCode": "USD"}},
                }],
            },
        )
    )["order"]  # fmt: skip
    assert made["totalPriceSet"] == {"shopMoney": {"amount": "19.98"}}
    assert made["displayFinancialStatus"] == "PAID"

    parts = [{"fulfillmentOrderId": one["id"]} for one in made["fulfillmentOrders"]["nodes"]]
    ship = f"""mutation M($f: FulfillmentInput!) {{ fulfillmentCreate(fulfillment: $f) {{
        fulfillment {{ status totalQuantity trackingInfo {{ number }} }} {ERRORS} }} }}"""
    wanted = {"lineItemsByFulfillmentOrder": parts, "trackingInfo": {"number": "1Z9"}}
    sent = _only(shop(ship, f=wanted))
    again = _only(shop(ship, f=wanted))

    assert sent["fulfillment"]["totalQuantity"] == 2
    assert sent["fulfillment"]["trackingInfo"] == [{"number": "1Z9"}]
    assert "unfulfillable status= closed" in again["userErrors"][0]["message"]
    assert {"orders/create", "orders/paid", "fulfillments/create"} <= _topics(shop)


SET = """mutation M($q: [InventoryQuantityInput!]!, $key: String!) {
    inventorySetQuantities(input: {name: "available", reason: "correction", quantities: $q})
    @idempotent(key: $key) { inventoryAdjustmentGroup { reason changes { name delta } }
    userErrors { field message code } } }"""


def _level(shop):
    item = next(one for one in shop.world.items if one.levels)
    level = next(iter(item.levels.values()))
    row = {
        "inventoryItemId": f"gid://shopify/InventoryItem/{item.id}",
        "locationId": f"gid://shopify/Location/{level.location_id}",
    }
    return level, row


def test_stock_is_compared_before_it_is_set(shop):
    level, row = _level(shop)
    had = level.quantity("available")

    absent = shop(SET, q=[{**row, "quantity": 5}], key="a")
    stale = _only(shop(SET, q=[{**row, "quantity": 5, "changeFromQuantity": had + 1}], key="b"))
    right = _only(shop(SET, q=[{**row, "quantity": had + 5, "changeFromQuantity": had}], key="c"))
    blind = _only(shop(SET, q=[{**row, "quantity": 1, "changeFromQuantity": None}], key="d"))

    assert absent["errors"][0]["message"] == (
        "InventoryQuantityInput must include the following argument: changeFromQuantity."
    )
    assert absent["errors"][0]["extensions"]["code"] == "INVALID_FIELD_ARGUMENTS"
    assert stale["userErrors"][0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    assert right["inventoryAdjustmentGroup"]["changes"] == [
        {"name": "available", "delta": 5},
        {"name": "on_hand", "delta": 5},
    ]
    assert blind["userErrors"] == []
    assert level.quantity("available") == 1
    assert [body["available"] for topic, body in shop.told if topic.endswith("update")] == [
        had + 5, 1,
    ]  # fmt: skip


def test_stock_is_moved_between_states_and_places(shop):
    level, row = _level(shop)
    had = level.quantity("damaged")
    adjust = """mutation M($c: [InventoryChangeInput!]!) { inventoryAdjustQuantities(
        input: {name: "damaged", reason: "damaged", changes: $c}) @idempotent(key: "k") {
        userErrors { message code } } }"""
    moved = _only(shop(adjust, c=[{**row, "delta": 2, "changeFromQuantity": had}]))
    item = shop.world.items.get(level.item_id)
    free = next((one for one in shop.world.locations if one not in item.levels), None)
    assert free is not None
    stocked = _only(
        shop(
            """mutation M($i: ID!, $l: ID!) { inventoryActivate(inventoryItemId: $i, locationId: $l,
            available: 4) @idempotent(key: "s") { inventoryLevel { id isActive }
            userErrors { message } } }""",
            i=row["inventoryItemId"],
            l=f"gid://shopify/Location/{free}",
        )
    )
    level_id = stocked["inventoryLevel"]["id"]
    gone = _only(
        shop(
            "mutation M($l: ID!) { inventoryDeactivate(inventoryLevelId: $l) "
            "{ userErrors { message } } }",
            l=level_id,
        )
    )

    assert moved["userErrors"] == gone["userErrors"] == []
    assert (
        shop.world.items.get(level.item_id).levels[level.location_id].quantity("damaged") == had + 2
    )
    assert free not in shop.world.items.get(level.item_id).levels
    assert {"inventory_levels/connect", "inventory_levels/disconnect"} <= _topics(shop)


def test_writing_needs_the_scope(shop):
    platform, store = shop.platform, shop.store

    answer = ask(
        a_call(platform, store, ["read_products"]),
        'mutation { productCreate(product: {title: "x"}) { userErrors { message } } }',
    )

    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "`write_products`" in answer["errors"][0]["message"]


def test_scopes_are_given_back_and_the_app_uninstalls_itself(shop):
    token = shop.store.tokens["t"] = Token("t", list(WRITE))
    revoke = """mutation M($s: [String!]!) { appRevokeAccessScopes(scopes: $s) {
        revoked { handle } userErrors { code } } }"""

    unknown = _only(shop(revoke, s=["read_dreams"]))
    known = _only(shop(revoke, s=["write_orders"]))
    bye = _only(shop("mutation { appUninstall { userErrors { message } } }"))

    assert unknown["userErrors"] == [{"code": "UNKNOWN_SCOPES"}]
    assert known["revoked"] == [{"handle": "write_orders"}]
    assert "write_orders" not in token.scopes
    assert bye["userErrors"] == []
    assert shop.store.tokens == {}


STAGE = """mutation { stagedUploadsCreate(input: [{resource: BULK_MUTATION_VARIABLES,
    filename: "vars.jsonl", mimeType: "text/jsonl", httpMethod: POST}]) {
    stagedTargets { url parameters { name value } } userErrors { message } } }"""
RUN = """mutation Run($m: String!, $path: String!) { bulkOperationRunMutation(mutation: $m,
    stagedUploadPath: $path) { bulkOperation { id type } userErrors { field message code } } }"""
TAG = """mutation T($id: ID!) { tagsAdd(id: $id, tags: ["bulk"]) {
    node { id } userErrors { message } } }"""


async def test_a_staged_file_feeds_a_bulk_mutation(shop):
    platform, store = shop.platform, shop.store
    ids = [f"gid://shopify/Product/{one.id}" for one in store.world.products][:3]
    target = _only(shop(STAGE))["stagedTargets"][0]
    form = FormData()
    for one in target["parameters"]:
        form.add_field(one["name"], one["value"])
    form.add_field("file", "".join(json.dumps({"id": one}) + "\n" for one in ids), filename="v")
    key = next(one["value"] for one in target["parameters"] if one["name"] == "key")
    async with TestClient(TestServer(build_app(platform))) as client:
        early = _only(shop(RUN, m=TAG, path=key))
        sent = await client.post("/uploads", data=form)
        made = _only(shop(RUN, m=TAG, path=key))["bulkOperation"]
        operation = store.operations[int(made["id"].rpartition("/")[2])]
        await operation.task
        raw = await (await client.get("/files/" + operation.url.rpartition("/")[2])).text()

    assert early["userErrors"][0]["code"] == "NO_SUCH_FILE"
    assert (sent.status, made["type"]) == (201, "MUTATION")
    rows = [json.loads(line) for line in raw.splitlines()]
    assert [(row["__lineNumber"], row["data"]["tagsAdd"]["node"]["id"]) for row in rows] == list(
        enumerate(ids)
    )
    assert all("bulk" in one.tags for one in list(store.world.products)[:3])
    assert ("bulk_operations/finish", "mutation") in [
        (topic, body.get("type")) for topic, body in shop.told
    ]


@pytest.mark.parametrize(
    ("mutation", "message"),
    [
        ("{ shop { id } }", "Invalid operation type. Only `mutation` operations are supported."),
        ("mutation {", "Failed to parse the mutation"),
        ("mutation { appUninstall { userErrors { message } } tagsAdd(id: 1, tags: []) "
         "{ userErrors { message } } }", "You must specify a single top level mutation."),
    ],
)  # fmt: skip
def test_a_bulk_mutation_is_validated(shop, mutation, message):
    error = _only(shop(RUN, m=mutation, path="x"))["userErrors"][0]

    assert error["code"] == "INVALID_MUTATION"
    assert error["message"].startswith(message)


def test_what_an_app_wrote_survives_a_restart(tmp_path):
    from tests.contract.simulator.worlds import a_recipe
    from tests.simulator.platform import Options, Platform

    platform, store = a_platform(tmp_path)
    call = a_call(platform, store, WRITE)
    ask(call, 'mutation { customerCreate(input: {email: "k@example.com"}) { customer { id } } }')
    platform.journal.close()

    again = Platform(Options(state=tmp_path / "journal"))
    again.open_shops([a_recipe()])

    again.journal.close()
    assert again.stores[DOMAIN].world.customer_by_email("k@example.com") is not None
