"""A customer's export: everything that is held about it, and of nobody else."""

from __future__ import annotations

import orjson
import zstandard

from services.syncer.handlers.deliveries import apply
from tests.integration.syncer.privacy import (
    CUSTOMER,
    MARK,
    ORDER,
    OTHER_CUSTOMER,
    OTHER_ORDER,
    a_store,
    asked,
    delivered,
    requests,
    work,
)
from tests.integration.syncer.test_deliveries import RecordingBus
from tests.integration.syncer.test_privacy_redacting import HOLDING, everything_about


async def exported(db) -> list[dict]:
    parts = await db.fetch("SELECT lines FROM commerce.privacy_exports ORDER BY part_no")
    opened = (zstandard.ZstdDecompressor().decompress(part["lines"]) for part in parts)
    return [orjson.loads(line) for part in opened for line in part.splitlines()]


async def test_everything_about_the_customer_is_exported_and_nothing_else(db, pool):
    owner = await a_store(db)
    await everything_about(db, owner, CUSTOMER, ORDER)
    await everything_about(db, owner, OTHER_CUSTOMER, OTHER_ORDER)
    body = {"id": 1, "order_id": ORDER}
    await apply(
        [
            delivered(owner, "fulfillments/update", body),
            asked(owner, "customers/data_request", orders=(ORDER, OTHER_ORDER)),
        ],
        pool=pool,
        bus=RecordingBus(),
    )

    await work(pool)

    lines = await exported(db)
    kept = {line["table"] for line in lines if line["row"].get("order_id") != OTHER_ORDER}
    assert kept >= {*HOLDING}
    text = orjson.dumps(lines)
    assert str(OTHER_CUSTOMER).encode() not in text
    assert str(OTHER_ORDER).encode() not in text
    [order] = [line for line in lines if line["table"] == "orders"]
    assert order["row"]["email"] == MARK
    assert order["raw"] == {"name": MARK}
    [row] = await requests(db)
    assert (row["state"], row["names"]) == ("done", [])
    assert row["expires_at"] is not None
    assert orjson.loads(row["erased"])["commerce.orders"] == 1


async def test_an_export_goes_when_it_expires_and_with_a_redaction(db, pool):
    owner = await a_store(db)
    for end in ("expired", "redacted"):
        one = asked(owner, "customers/data_request", f"{end} request")
        await apply([one], pool=pool, bus=RecordingBus())
        await work(pool)
        assert await db.fetchval("SELECT count(*) FROM commerce.privacy_exports") == 1
        if end == "expired":
            await db.execute("UPDATE commerce.privacy_exports SET expires_at = now()")
        else:
            await apply([asked(owner, "customers/redact")], pool=pool, bus=RecordingBus())
        await work(pool)

        assert await exported(db) == []
