"""The first tenant of a machine and its API key, made by the gateway's own command."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping

from services.home import Access, Home
from services.settings import without_password
from shared.errors import Unavailable

_API_KEY = re.compile(r"till_[\w-]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def access(home: Home, environment: Mapping[str, str], database_url: str) -> Access:
    """Return the tenant and key kept in *home* for this database, made on the first call.

    *environment* is the gateway's. Raises Unavailable when its command fails.
    """
    database = without_password(database_url)
    if kept := home.access(database):
        return kept
    status, said = await finished(
        "services.gateway", "create-tenant", "First tenant", environment=environment
    )
    tenant, key = _UUID.search(said), _API_KEY.search(said)
    if status or tenant is None or key is None:
        raise Unavailable(f"no tenant could be made: {said[-400:]}")
    made = Access(tenant_id=tenant[0], api_key=key[0], database=database)
    home.keep_access(made)
    return made


async def finished(module: str, *arguments: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Run ``python -m module`` to its end; return its status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode(errors="replace").strip()
