"""The event log on the command line: found, followed, replayed, and never a traceback."""

from __future__ import annotations

import orjson
import pytest

from services.syncer.handlers.deliveries import consumer
from shared.keyring import KeyRing
from tests.integration.syncer.shopify import SHOP, connect_store
from tests.integration.syncer.test_command import KEY, in_pipe, on_terminal
from tests.integration.syncer.test_deliveries import RecordingBus, a_delivery, a_message
from tests.integration.syncer.test_deliveries import an_item_delivery as item
from tests.integration.syncer.test_killed import environment_for, process


@pytest.fixture
async def owner(db):
    return await connect_store(db, "token", KeyRing.parse(KEY))


@pytest.fixture
async def kept(pool, owner):
    """Three deliveries of items and one that cannot be mapped."""
    bodies = {f"w{n}": item("", n, cost=f"{n}.00").body for n in (1, 2, 3)}
    bodies["bad"] = b'{"id": "five"}'
    deliveries = [
        a_delivery(name, "inventory_items/update", body, shop_id=owner.shop_id)
        for name, body in bodies.items()
    ]
    await consumer(pool, RecordingBus())([a_message(*deliveries)])
    return bodies


async def events(dsn: str, *arguments: str) -> tuple[int, str, str]:
    command, *rest = arguments
    return await in_pipe(dsn, "events", command, "--shop", SHOP, *rest)


async def test_deliveries_are_listed_shown_counted_and_read(kept, dsn):
    code, out, err = await events(dsn, "list", "--topic", "inventory_items/update")
    assert (code, err, out.count("\n")) == (0, "", 5)
    assert "\tapplied\tinventory_items/update\t1\tw1\tinventory_item:1:inserted\n" in out

    code, out, _ = await events(dsn, "list", "--object", "2", "--json")
    assert [one["webhook_id"] for one in orjson.loads(out)["events"]] == ["w2"]

    code, out, _ = await events(dsn, "trace", "w3")
    assert [line.split("\t")[0] for line in out.splitlines()] == [
        "step", "triggered", "received", "taken", "committed",
    ]  # fmt: skip
    code, out, _ = await events(dsn, "show", "bad")
    assert "bad_payload" in out

    code, out, _ = await events(dsn, "counts")
    assert "\tall\tapplied\t3\n" in out
    assert "topic\tinventory_items/update\tdead\t1\n" in out

    code, out, _ = await events(dsn, "body", "w1")
    assert out.encode() == kept["w1"]


async def test_on_a_terminal_it_is_a_table_and_emptiness_is_said(kept, dsn):
    code, shown = await on_terminal(dsn, "events", "list", "--shop", SHOP, "--state", "dead")
    assert (code, "bad_payload" in shown, "\x1b[1m" in shown) == (0, True, True)

    assert await events(dsn, "list", "--id", "none") == (0, "", "no deliveries match\n")
    assert await events(dsn, "list", "--id", "none", "--json") == (0, '{"events":[]}\n', "")
    code, out, err = await events(dsn, "list", "--limit", "2")
    assert (code, out.count("\n"), err) == (0, 3, "the newest 2; --limit shows more\n")


async def test_mistakes_are_one_line_and_exit_2(kept, dsn, db):
    for arguments, says in (
        (("show", "none"), "no such delivery"),
        (("body", "none"), "no such delivery"),
    ):
        assert await events(dsn, *arguments) == (2, "", f"tillstream: {says}\n")
    for arguments in (
        ("list", "--since", "soon"),
        ("replay", "--rate", "0"),
        ("list", "--limit", "0"),
    ):
        code, out, err = await events(dsn, *arguments)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].startswith("python -m services.syncer events")

    await db.execute("UPDATE accounts.stores SET status = 'uninstalled'")
    assert (await events(dsn, "list"))[0] == 0
    code, _, err = await events(dsn, "replay")
    assert (code, err) == (2, "tillstream: the store is uninstalled\n")


@pytest.mark.timeout(60)
async def test_a_replay_is_counted_first_then_watched(kept, dsn, db):
    await db.execute("UPDATE commerce.webhook_events SET state = 'dead' WHERE webhook_id <> 'w3'")

    code, out, _ = await events(dsn, "replay", "--dry-run", "--since", "1h")
    assert (code, out) == (0, "3 deliveries to replay\n")

    async with process("services.syncer", **environment_for(dsn)):
        code, shown = await on_terminal(dsn, "events", "replay", "--shop", SHOP)
        assert code == 1, shown
        for part in ("━", "webhooks", "100 %", "3/3"):
            assert part in shown
        code, out, _ = await events(dsn, "replay", "--id", "w1", "--json")
        assert code == 0
        assert orjson.loads(out)["applied"] == 1

    assert await db.fetchval("SELECT max(replays) FROM commerce.webhook_events") == 2


async def test_every_command_explains_itself(dsn):
    for command in ("list", "show", "counts", "trace", "body", "replay"):
        code, out, _ = await in_pipe(dsn, "events", command, "--help")
        assert (code, out.startswith("usage: python -m services.syncer events")) == (0, True)
