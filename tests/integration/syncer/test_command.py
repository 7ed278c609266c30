"""The command line as people use it: next to a running syncer, on a terminal and in a pipe."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator

import orjson
import pytest

from shared.keyring import KeyRing, generate_key
from shared.shopify.snapshots import Owner
from tests.integration.syncer.shopify import SHOP, ask_for, connect_store, simulating
from tests.integration.syncer.test_killed import ROOT, environment_for, process, until

KEY = generate_key()
NO_STORE = "tillstream: there is no store 'none.myshopify.com'; "
RESOURCES = ("--resource", "products", "--resource", "customers", "--resource", "orders")


@pytest.fixture
async def syncer(db, dsn) -> AsyncIterator[Owner]:
    """A syncer in a process of its own with one connected store."""
    arguments = ("--orders", "40", "--products", "8", "--customers", "20", "--seed", "5")
    arguments += ("--withhold-scope", "read_gift_cards")
    async with simulating(*arguments, "--plan", "plus") as simulator:
        owner = await connect_store(db, await simulator.token(), KeyRing.parse(KEY))
        environment = environment_for(
            dsn, SHOPIFY_ENCRYPTION_KEY=KEY, SHOPIFY_BASE_URL=simulator.base_url
        )
        async with process("services.syncer", **environment):
            yield owner


async def on_terminal(dsn: str, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command on a terminal of its own; return its exit code and what was shown."""
    master, slave = pty.openpty()
    child = await started(dsn, *arguments, stdout=slave, TERM="xterm", COLUMNS="160", **environment)
    os.close(slave)
    shown = await asyncio.to_thread(read_all, master)
    return await child.wait(), shown


def read_all(master: int) -> str:
    found = b""
    # A terminal whose other end is closed gives an error instead of an end.
    with contextlib.suppress(OSError):
        while chunk := os.read(master, 65536):
            found += chunk
    os.close(master)
    return found.decode()


async def in_pipe(dsn: str, *arguments: str, **environment: str) -> tuple[int, str, str]:
    child = await started(dsn, *arguments, stdout=asyncio.subprocess.PIPE, **environment)
    out, err = await child.communicate()
    return child.returncode or 0, out.decode(), err.decode()


async def started(
    dsn: str, *arguments: str, stdout: int, err: int | None = None, **environment: str
):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.syncer", *arguments),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": dsn, **environment},
        stdout=stdout,
        stderr=err or stdout,
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_store_is_copied_verified_repaired_and_shown(syncer, db, dsn):
    code, shown = await on_terminal(dsn, "sync", "--shop", SHOP, "--full", *RESOURCES, "--watch")
    assert code == 0, shown
    for part in ("━", "\x1b[", "orders", "100 %", "40/40", "done"):
        assert part in shown

    code, out, err = await in_pipe(dsn, "verify", "--shop", SHOP, *RESOURCES)
    assert code == 0, out + err
    assert "orders\t40\t40\t40\t0\t0\t0\n" in out
    assert out.endswith("no differences are left\n")
    assert "orders: done" in err
    assert "\x1b[" not in out + err

    wrong = await damaged(db)
    code, shown = await on_terminal(dsn, "verify", "--shop", SHOP, *RESOURCES, NO_COLOR="1")
    assert code == 1
    for part in (str(wrong), "orders.total_price: 1.0000 / ", "1 difference is left"):
        assert part in shown
    assert "\x1b[3" not in shown

    assert await repaired(dsn) == [(wrong, "differs", True)]

    code, out, err = await in_pipe(dsn, "verify", "--shop", SHOP, "--resource", "orders")
    assert code == 0, out + err


async def damaged(db) -> int:
    return await db.fetchval(
        "UPDATE commerce.orders SET total_price = 1 WHERE order_id ="
        " (SELECT min(order_id) FROM commerce.orders) RETURNING order_id"
    )


async def repaired(dsn: str) -> list[tuple[int, str, bool]]:
    code, out, err = await in_pipe(dsn, "verify", "--shop", SHOP, "--repair", "--json", *RESOURCES)
    assert code == 0, err
    found = orjson.loads(out)["differences"]
    return [(one["id"], one["what"], bool(one["repaired_at"])) for one in found]


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_where_a_store_stands_is_one_table(syncer, db, dsn):
    await ask_for(db, syncer, "shop", "full")
    probed = "SELECT count(*) > 0 FROM commerce.capabilities"
    await until(db, probed, wanted=True, seconds=30)
    code, out, err = await in_pipe(dsn, "sync", "--shop", SHOP, "--full", *RESOURCES, "--watch")
    assert (code, out) == (0, ""), err

    code, out, err = await in_pipe(dsn, "status", "--shop", SHOP)

    assert (code, err) == (0, "")
    lines = {line.split("\t")[0]: line.split("\t") for line in out.splitlines()}
    assert lines["orders"][1:3] == ["available", "40"]
    assert lines["gift_cards"][1] == "missing scope"
    assert "requests and" in out.splitlines()[0]


async def test_mistakes_are_one_line(db, dsn):
    code, out, err = await in_pipe(dsn, "status", "--shop", "none.myshopify.com")
    assert (code, out, err) == (2, "", f"{NO_STORE}none is connected yet\n")

    code, out, err = await in_pipe("postgresql://127.0.0.1:1/x", "status", "--shop", "a")
    assert (code, out, err) == (2, "", "tillstream: PostgreSQL does not answer\n")

    code, out, err = await in_pipe("", "verify", "--shop", "a")
    assert (code, out, err) == (2, "", "tillstream: DATABASE_URL: not set\n")

    await connect_store(db, "a token", KeyRing.parse(KEY))
    code, out, err = await in_pipe(dsn, "status", "--shop", "none.myshopify.com")
    assert (code, out, err) == (2, "", f"{NO_STORE}connected: {SHOP}\n")

    code, out, err = await in_pipe(dsn, "verify", "--shop", SHOP)
    assert (code, out) == (2, "")
    assert err == "tillstream: nothing of that was copied yet; see `sync --full`\n"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "DATABASE_URL must read postgresql://user:password@host:port/name"),
        ("postgresql://me:hid/den@127.0.0.1/x", "DATABASE_URL must read postgresql://"),
        ("{server}/not_there", 'PostgreSQL does not let us in: database "not_there" does not'),
        ("{server}/template1", "the database is not up to date: run python -m services migrate"),
    ],
)
async def test_a_database_that_is_no_good_is_said_in_one_line(dsn, url, says):
    server = dsn.rpartition("/")[0]
    code, out, err = await in_pipe(url.format(server=server), "status", "--shop", "a")

    assert (code, out) == (2, "")
    assert err.startswith(f"tillstream: {says}")
    assert err.count("\n") == 1
    assert "den" not in err


@pytest.mark.parametrize("name", [SHOP, "TEA", "former.myshopify.com", "its number"])
async def test_a_store_is_found_by_any_of_its_names(db, dsn, name):
    owner = await connect_store(db, "a token", KeyRing.parse(KEY))
    # Another tenant had the shop before.
    await db.execute(
        "INSERT INTO accounts.stores (tenant_id, shop_domain, status, disconnected_at)"
        " SELECT tenant_id, shop_domain, 'disconnected', now() FROM accounts.stores"
    )
    await db.execute(
        "INSERT INTO accounts.store_domains VALUES ($1, $2, 'former.myshopify.com', now())",
        owner.tenant_id,
        owner.shop_id,
    )
    name = str(owner.shop_id) if name == "its number" else name

    code, out, err = await in_pipe(dsn, "status", "--shop", name)

    assert (code, err) == (0, "")
    assert out.startswith(name)


@pytest.mark.parametrize("command", ["sync", "verify", "status"])
async def test_a_store_that_left_is_said_in_one_line(db, dsn, command):
    await connect_store(db, "a token", KeyRing.parse(KEY))
    await db.execute(
        "UPDATE accounts.stores SET status = 'reauth_required', status_reason = 'token refused'"
    )

    code, out, err = await in_pipe(dsn, command, "--shop", SHOP)

    assert (code, out) == (2, "")
    assert err == "tillstream: the store is reauth required: token refused\n"


async def test_jobs_that_nobody_works_on_are_told(db, dsn):
    """Whether nobody took them, or who did was killed."""
    owner = await connect_store(db, "a token", KeyRing.parse(KEY))
    await ask_for(db, owner, "orders", "full")
    await db.execute("UPDATE commerce.sync_jobs SET not_before = now() - interval '1 minute'")
    code, out, err = await in_pipe(dsn, "status", "--shop", SHOP)
    assert (code, err) == (0, "")
    assert "jobs: 0 running, 1 waiting although due (is a syncer running?)" in out

    await db.execute(
        "UPDATE commerce.sync_jobs SET status = 'running', lease_until = now(), started_at = now(),"
        " lease_id = gen_random_uuid()"
    )
    arguments = ("sync", "--shop", SHOP, "--full", "--resource", "orders", "--watch")
    watching = await started(dsn, *arguments, stdout=asyncio.subprocess.PIPE)
    told = b""
    while b"is a syncer running?" not in told:
        told = await watching.stderr.readline()
        assert told
    watching.send_signal(signal.SIGINT)

    _, err = await watching.communicate()
    assert watching.returncode == 130
    assert err.decode() == "\nJobs that were queued go on; `status` shows how they end.\n"


async def test_watching_ends_when_the_store_leaves(db, dsn):
    """Nobody will ever take its jobs then."""
    await connect_store(db, "a token", KeyRing.parse(KEY))
    watching = asyncio.create_task(in_pipe(dsn, "sync", "--shop", SHOP, *RESOURCES, "--watch"))
    await until(db, "SELECT count(*) FROM commerce.sync_jobs", 3, seconds=30)
    await db.execute("UPDATE accounts.stores SET status = 'uninstalled'")

    code, _, err = await watching

    assert code == 2
    assert err.endswith("tillstream: the store is uninstalled\n")


async def test_output_that_nobody_reads_on_is_no_failure(db, dsn):
    await connect_store(db, "a token", KeyRing.parse(KEY))
    read, write = os.pipe()
    os.close(read)
    child = await started(dsn, "status", "--shop", SHOP, stdout=write, err=asyncio.subprocess.PIPE)
    os.close(write)

    _, err = await child.communicate()

    assert (child.returncode, err) == (141, b"")


async def test_every_command_explains_itself(dsn):
    for command, says in (
        ((), "compare a store's copy with Shopify"),
        (("sync",), "leaves the jobs running"),
        (("verify",), "A running syncer does"),
        (("status",), "--shop"),
    ):
        code, out, err = await in_pipe(dsn, *command, "--help")
        assert (code, err) == (0, "")
        assert says in " ".join(out.split())
