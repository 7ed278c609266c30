"""What can receive deliveries: the bare server, ours, and what others would write."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika

from bench.ingesting.processes import process, python
from bench.ingesting.world import SECRET, World, broker, free_port

PEERS = ("per message", "fastapi", "express")
SERVERS = ("bare", "webhooks", *PEERS)

_HERE = Path(__file__).parent.parent
_BUILT = _HERE.parent / "build" / "peers"
_INSTALL_SECONDS = 240


@contextlib.asynccontextmanager
async def serving(name: str, world: World, *, cpu: int | None) -> AsyncIterator[tuple[int, int]]:
    """Run the server *name*; yield its pid and port. What it left on the broker goes after."""
    port = free_port()
    if name in ("bare", "webhooks"):
        command = (
            python("bench.ingesting.bare", str(port))
            if name == "bare"
            else python("services.webhooks")
        )
        environment = {**world.environment, "WEBHOOKS_PORT": str(port)}
        async with process(command, port=port, environment=environment, cpu=cpu) as pid:
            yield pid, port
        if name == "webhooks":
            await world.purge()
        return
    queue = f"{world.prefix}peer.{uuid.uuid4().hex[:8]}"
    environment = {
        "PORT": str(port), "QUEUE": queue, "AMQP_URL": world.amqp_url,
        "SHOPIFY_CLIENT_SECRET": SECRET,
    }  # fmt: skip
    try:
        async with process(_command(name), port=port, environment=environment, cpu=cpu) as pid:
            yield pid, port
    finally:
        async with broker(world.amqp_url) as channel:
            with contextlib.suppress(aio_pika.exceptions.ChannelClosed):
                await channel.queue_delete(queue)


def _command(name: str) -> list[str]:
    if name == "per message":
        return python("bench.peers.per_message")
    if name == "fastapi":
        return [str(_BUILT / "fastapi" / "bin" / "python"), str(_HERE / "peers/fastapi/server.py")]
    return [shutil.which("node") or "node", str(_BUILT / "express" / "server.js")]


def installed(name: str) -> bool:
    """Install what *name* needs below ``build/``, once; say on stderr why it cannot be."""
    try:
        if name == "fastapi":
            _install_fastapi()
        elif name == "express":
            _install_express()
    except (OSError, subprocess.SubprocessError) as exc:
        print(f"{name} is left out: {exc}", file=sys.stderr)
        return False
    return True


def _install_fastapi() -> None:
    wanted, place = _HERE / "peers/fastapi/requirements.txt", _BUILT / "fastapi"
    stamp = place / wanted.name
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    _run([sys.executable, "-m", "venv", str(place)])
    _run([str(place / "bin/python"), "-m", "pip", "install", "--quiet", "-r", str(wanted)])
    shutil.copy(wanted, stamp)


def _install_express() -> None:
    theirs, place = _HERE / "peers/express", _BUILT / "express"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(theirs / "server.js", place)
    wanted, stamp = (theirs / "package.json").read_text(), place / "package.json"
    if (place / "node_modules").exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.write_text(wanted)
    _run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(place)])


def _run(command: list[str]) -> None:
    print(f"installing: {' '.join(command[:4])} ...", file=sys.stderr)
    subprocess.run(
        command, check=True, timeout=_INSTALL_SECONDS, stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
