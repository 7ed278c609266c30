"""Ledgers, fulfilment orders, drafts and checkouts against a simulated Shopify."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from services.syncer.context import Context, save
from services.syncer.handlers.deliveries import apply
from services.syncer.store import objects
from shared.keyring import KeyRing
from shared.shopify.snapshots import Owner, Refetch
from shared.tables import COLUMNS, KEYS
from tests.integration.syncer.conftest import rows_of
from tests.integration.syncer.shopify import (
    Simulator,
    a_webhook,
    connect_store,
    new_keys,
    shops_of,
    simulating,
    use_token,
)
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_sync import settle, sync

# Resource -> its table and the tables of its children.
TABLES = {
    "order_details": (
        "order_details",
        ("sales_agreements", "sales", "returns", "return_lines", "order_risks"),
    ),
    "fulfillment_orders": ("fulfillment_orders", ("fulfillment_order_lines",)),
    "draft_orders": ("draft_orders", ("draft_order_lines",)),
    "abandoned_checkouts": ("abandoned_checkouts", ("abandoned_checkout_lines",)),
}
KINDS = tuple(TABLES)
OURS = frozenset({"tenant_id", "shop_id", "raw", "source"})


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return new_keys()


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    arguments = ("--orders", "250", "--products", "30", "--customers", "120", "--seed", "5")
    async with simulating(*arguments, "--plan", "plus") as running:
        yield running


@pytest.fixture
async def owner(db, simulator, keys) -> Owner:
    return await connect_store(db, await simulator.token(), keys)


@pytest.fixture
def context(pool, simulator, keys) -> Context:
    return Context(
        pool=pool,
        bus=RecordingBus(),
        shops=shops_of(pool, simulator, keys),
        lag=timedelta(seconds=-5),  # what just happened counts as past
        roots_per_window=80,
    )


def plain(value: Any, truth: Any) -> Any:
    """Return a stored value as the simulator writes it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
    if isinstance(value, str) and isinstance(truth, (dict, list)):
        return orjson.loads(value)
    return value


async def expected(simulator: Simulator, kind: str) -> dict[str, list[dict[str, Any]]]:
    """Return the truth by table, children with the key of their parent."""
    table, children = TABLES[kind]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in (table, *children)}
    key = COLUMNS[table][2]
    for line in await simulator.truth(kind):
        row = orjson.loads(line)
        for name, below in row.pop("children").items():
            found[name] += [{key: row[key], **one} for one in below]
        found[table].append(row)
    return found


async def differences(db, simulator: Simulator, kind: str) -> list[str]:
    """Name the first columns of each table of *kind* in which ours is not the truth."""
    wrong = []
    for table, truth in (await expected(simulator, kind)).items():
        columns = [name for name in COLUMNS[table] if name not in OURS]
        assert all(row.keys() == set(columns) for row in truth), table
        # What hangs on a deleted object stays, hidden behind it.
        parent = TABLES[kind][0]
        stored = await db.fetch(
            f"SELECT t.* FROM commerce.{table} t JOIN commerce.{parent} p"
            f" USING (tenant_id, shop_id, {KEYS[parent][0]}) WHERE p.deleted_at IS NULL"
        )
        if len(stored) != len(truth) or not truth:
            wrong.append(f"{table}: {len(stored)} rows of {len(truth)}")
        known = {tuple(row[name] for name in KEYS[table]): row for row in stored}
        for row in truth:
            ours = known.get(tuple(row[name] for name in KEYS[table]))
            wrong += [
                f"{table}.{name} of {row}: {ours and ours[name]!r}"
                for name in columns
                if ours is None or plain(ours[name], row[name]) != row[name]
            ][:1]
    return wrong[:5]


async def busy_day(simulator: Simulator, *, ago: int = 0) -> None:
    """Everything that may happen to orders and to what hangs on them, *ago* seconds ago."""
    when = {"at": int(time.time()) - ago} if ago else {}
    for action in (
        "create_order",
        "edit_order",
        "refund_order",
        "return_order",
        "cancel_order",
        "fulfill_order",
        "assess_risk",
        "hold_fulfillment_order",
        "move_fulfillment_order",
        "create_draft_order",
        "update_draft_order",
        "complete_draft_order",
        "abandon_checkout",
        "recover_checkout",
    ):
        await simulator.act(action, 4, **when)
    await simulator.act("release_fulfillment_order", **when)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_backfill_equals_the_truth(context, db, owner, simulator, kind):
    await busy_day(simulator, ago=600)

    await sync(context, db, owner, "full", kind)

    assert await differences(db, simulator, kind) == []


async def test_polling_alone_equals_the_truth(context, db, owner, simulator):
    await sync(context, db, owner, "incremental", *KINDS)
    for kind in KINDS:
        assert await differences(db, simulator, kind) == []
    await busy_day(simulator)

    await sync(context, db, owner, "incremental", *KINDS)

    for kind in KINDS:
        assert await differences(db, simulator, kind) == []


async def test_a_fulfilment_order_moves_without_its_order(context, db, owner, simulator):
    await sync(context, db, owner, "incremental", "orders", "fulfillment_orders")
    before = await db.fetch("SELECT order_id, updated_at FROM commerce.orders ORDER BY 1")
    (moved,) = await simulator.act("move_fulfillment_order")
    place = "SELECT location_id FROM commerce.fulfillment_orders WHERE fulfillment_order_id = $1"
    old = await db.fetchval(place, moved)

    await sync(context, db, owner, "incremental", "orders", "fulfillment_orders")

    assert await db.fetchval(place, moved) != old
    assert await db.fetch("SELECT order_id, updated_at FROM commerce.orders ORDER BY 1") == before


async def test_webhooks_bring_what_they_name(context, db, owner, simulator):
    """Nothing is stored before; each delivery has its object read by id."""
    (draft,) = await simulator.act("update_draft_order")
    (order,) = await simulator.act("assess_risk", level="HIGH")
    (held,) = await simulator.act("hold_fulfillment_order")
    (checkout,) = await simulator.act("abandon_checkout")
    told = [
        a_webhook(owner, "draft_orders/update", {"id": draft}),
        a_webhook(owner, "orders/risk_assessment_changed", {"order_id": order}),
        a_webhook(
            owner,
            "fulfillment_orders/placed_on_hold",
            {"fulfillment_order": {"id": f"gid://shopify/FulfillmentOrder/{held}"}},
        ),
        a_webhook(
            owner,
            "checkouts/update",
            {
                "id": checkout,
                "created_at": "2026-11-01T10:00:00Z",
                "updated_at": "2026-11-01T10:20:00Z",
            },
        ),
    ]

    await apply(told, pool=context.pool, bus=context.bus)
    await settle(context)

    assert await db.fetchval("SELECT draft_order_id FROM commerce.draft_orders") == draft
    assert await db.fetchval("SELECT risk_recommendation FROM commerce.order_details") == "cancel"
    assert await db.fetchval("SELECT status FROM commerce.fulfillment_orders") == "on_hold"
    assert await db.fetchval("SELECT checkout_id FROM commerce.abandoned_checkouts") == checkout
    assert await db.fetchval("SELECT count(*) FROM commerce.refetches") == 0


async def test_deletions_by_webhook_and_by_sweep(context, db, owner, simulator):
    await sync(context, db, owner, "full", *KINDS)
    (told,) = await simulator.act("delete_draft_order")
    (silent,) = await simulator.act("delete_draft_order")
    (order,) = await simulator.act("delete_order")
    gone = [
        a_webhook(owner, "draft_orders/delete", {"id": told}),
        a_webhook(owner, "checkouts/delete", {"token": "abc"}),
    ]
    await apply(gone, pool=context.pool, bus=context.bus)

    await sync(context, db, owner, "full", *KINDS)

    buried = await db.fetch("SELECT kind, id, reason FROM commerce.tombstones")
    found = {(row["kind"], row["id"]): row["reason"] for row in buried}
    sent = {key for kind, key in found if kind == "fulfillment_order"}
    assert {key: why for key, why in found.items() if key[0] != "fulfillment_order"} == {
        ("draft_order", told): "webhook",
        ("draft_order", silent): "sweep",
        ("order_details", order): "sweep",
    }
    assert 1 <= len(sent) <= 2
    for kind in KINDS:
        assert await differences(db, simulator, kind) == []


async def test_sales_add_up_to_what_the_order_says(context, db, owner, simulator):
    await busy_day(simulator, ago=600)
    await sync(context, db, owner, "full", "orders", "order_details")

    wrong = await db.fetch(
        """
        SELECT o.order_id, o.current_total_price, s.total, r.adjusted
        FROM commerce.orders o
        JOIN (
            SELECT order_id, sum(total) AS total, sum(tax) AS tax,
                sum(total) FILTER (WHERE line_type = 'tip') AS tip
            FROM commerce.sales GROUP BY order_id
        ) s USING (order_id)
        LEFT JOIN (
            SELECT order_id, sum((a->>'amount')::numeric + (a->>'tax_amount')::numeric) AS adjusted
            FROM commerce.refunds, jsonb_array_elements(adjustments) a GROUP BY order_id
        ) r USING (order_id)
        WHERE s.total <> o.current_total_price + coalesce(r.adjusted, 0)
            OR s.tax <> o.current_total_tax OR coalesce(s.tip, 0) <> o.total_tip
        """
    )

    assert [tuple(row) for row in wrong] == []
    assert await db.fetchval("SELECT count(DISTINCT order_id) FROM commerce.sales") >= 250


async def test_a_ledger_that_shopify_only_hides_is_kept(context, db, owner, simulator, keys):
    """Without read_all_orders Shopify answers null for what is older than sixty days."""
    await sync(context, db, owner, "full", "orders", "order_details")
    limited = "read_orders,read_returns"
    token = await simulator.token_for(limited)
    await use_token(db, owner, token, keys, scope=limited)
    old = await db.fetchval("SELECT order_id FROM commerce.orders ORDER BY created_at LIMIT 1")

    await sync(context, db, owner, "full", "order_details")
    await save(
        context, [Refetch(owner=owner, kind="order_details", key=(old,), reason="returns/close")]
    )
    await settle(context)

    assert await db.fetchval("SELECT count(*) FROM commerce.tombstones") == 0
    assert await db.fetchval("SELECT count(*) FROM commerce.refetches") == 0
    kept = "SELECT count(*) FROM commerce.order_details WHERE deleted_at IS NULL"
    assert await db.fetchval(kept) == 250


async def test_what_hangs_on_a_hidden_order_is_hidden_with_it(context, db, owner, simulator, keys):
    await sync(context, db, owner, "full", "orders", "fulfillment_orders")
    scopes = ["read_orders", "read_merchant_managed_fulfillment_orders"]
    token = await simulator.token_for(",".join(scopes))
    await use_token(db, owner, token, keys, scope=",".join(scopes))
    old = await db.fetchval(
        "SELECT fulfillment_order_id FROM commerce.fulfillment_orders"
        " JOIN commerce.orders o USING (tenant_id, shop_id, order_id)"
        " WHERE o.created_at < now() - interval '60 days' LIMIT 1"
    )
    unknown = 4573000000009999999

    async with context.pool.acquire() as conn:
        asked = [old, unknown]
        found = await objects.hidden(conn, "fulfillment_order", owner, asked)
        assert found == set(asked)
        await db.execute("UPDATE accounts.credentials SET scopes = '{read_all_orders}'")
        assert await objects.hidden(conn, "fulfillment_order", owner, asked) == set()
        assert await objects.hidden(conn, "product", owner, asked) == set()


@pytest.mark.parametrize("mode", ["full", "incremental"])
async def test_ledgers_are_read_although_returns_are_not(context, db, owner, simulator, keys, mode):
    """Only read_returns is missing: what is known of the returns stays as it is."""
    await sync(context, db, owner, "full", "shop", "orders", "order_details")
    limited = "read_orders,read_all_orders"
    token = await simulator.token_for(limited)
    await use_token(db, owner, token, keys, scope=limited)
    await sync(context, db, owner, "incremental", "shop")
    before = await rows_of(db, "returns")
    (changed,) = await simulator.act("refund_order")

    await sync(context, db, owner, mode, "order_details")
    wish = Refetch(owner=owner, kind="order_details", key=(changed,), reason="test")
    await save(context, [wish])
    await settle(context)

    told = await db.fetchrow(
        "SELECT state, reason FROM commerce.capabilities WHERE resource = 'order_details'"
    )
    assert told["state"] == "available"
    assert "read_returns" in told["reason"]
    assert await rows_of(db, "returns") == before
    assert before
    truth = (await expected(simulator, "order_details"))["sales"]
    assert {row["sale_id"] for row in truth if row["order_id"] == changed} == {
        row["sale_id"]
        for row in await db.fetch("SELECT * FROM commerce.sales WHERE order_id = $1", changed)
    }
    assert await db.fetchval("SELECT count(*) FROM commerce.tombstones") == 0
    assert await db.fetchval("SELECT count(*) FROM commerce.refetches") == 0
