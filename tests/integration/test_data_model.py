"""docs/data-model.md says what the migrated database says, and says it of everything."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from services.syncer import datamodel
from shared.shopify.resources import RESOURCES
from shared.shopify.webhooks import TOPICS
from shared.tables import TABLES

PAGE = Path(__file__).parents[2] / "docs" / "data-model.md"
# Topics that tell of the shop, the app and its work, and of locations.
OF_THE_SHOP = ("shop/", "app/", "bulk_operations/", "locations/")


async def test_the_page_is_up_to_date(db: asyncpg.Connection) -> None:
    assert PAGE.read_text() == datamodel.written(await datamodel.read(db)), "run `make model`"


async def test_every_table_and_column_has_a_meaning(db: asyncpg.Connection) -> None:
    tables = await datamodel.read(db)

    assert len(tables) > 50
    assert [f"{one.schema}.{one.name}" for one in tables if not one.comment] == []
    assert [
        f"{one.name}.{column.name}"
        for one in tables
        for column in one.columns
        if not column.comment
    ] == []


async def test_every_resource_keeps_what_shopify_answered_and_has_a_cursor(db) -> None:
    tables = {one.name: one for one in await datamodel.read(db) if one.schema == "commerce"}
    page = datamodel.written(list(tables.values()))

    for resource in RESOURCES.values():
        own = tables[TABLES[resource.kind][0]]
        assert {"raw", "synced_at", "deleted_at"} <= {one.name for one in own.columns}
        row = next(line for line in page.splitlines() if line.startswith(f"| **{resource.name}**"))
        assert "full sync |" in row
        if resource.polling == "recent":
            assert f"last {resource.changes_days} days" in row
    assert tables["sync_state"].key == ["tenant_id", "shop_id", "kind"]


async def test_every_table_is_shown_once_and_its_parents_are_drawn(db: asyncpg.Connection) -> None:
    page = datamodel.written(await datamodel.read(db))

    for parent, children in TABLES.values():
        assert page.count(f"### commerce.{parent}\n") == 1
        for child in children:
            assert page.count(f"### commerce.{child}\n") == 1
            assert f"  {parent} ||--o{{ {child} : has\n" in page


def test_every_topic_belongs_to_a_resource() -> None:
    told = {topic for one in RESOURCES.values() for topic in datamodel.topics_of(one)}

    assert {topic for topic in TOPICS - told if not topic.startswith(OF_THE_SHOP)} == set()
