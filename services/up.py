"""``python -m services up``: the four services on this machine, until told to stop."""

from __future__ import annotations

import asyncio

from services.machine import running
from services.screen import Screen
from services.settings import MachineSettings


async def run(settings: MachineSettings) -> int:
    """Run until cancelled; raise Unavailable when a service dies."""
    screen = Screen()
    async with running(settings, say=screen.say) as machine:
        access = await machine.access()
        screen.say(f"API      {settings.url_of('gateway')}/api/v1/shopify")
        screen.say(f"API key  {access.api_key}")
        if not settings.shopify_client_id:
            screen.say("SHOPIFY_CLIENT_ID is not set: stores can be connected by token only")
        await machine.alongside(asyncio.Event().wait())
    return 0
