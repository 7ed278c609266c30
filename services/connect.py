"""``python -m services connect``: a tenant for a simulated store elsewhere, and its OAuth."""

from __future__ import annotations

import sys

import aiohttp

from services import tenancy
from services.api import Api
from services.home import Home
from services.journey import connected
from services.screen import Screen
from services.settings import MachineSettings, environment_with
from shared.errors import Rejected


async def run(settings: MachineSettings, api_url: str) -> int:
    """Connect the demo store through the gateway at *api_url*; print the API key on a terminal.

    The environment is the gateway's, because a tenant is made in its database.
    """
    if not settings.database_url:
        raise Rejected("DATABASE_URL is not set")
    screen = Screen()
    home = Home(settings.tillstream_home)
    with home.claimed():
        access = await tenancy.access(home, environment_with({}), settings.database_url)
        async with aiohttp.ClientSession() as session:
            api = Api(session, api_url, headers={"X-API-Key": access.api_key})
            store = await connected(api, Api(session, settings.url_of("simulator")), screen)
    # What is not a terminal is a container's log, which many may read.
    key = access.api_key if sys.stdout.isatty() else f"in {home.path / 'access.json'}"
    screen.say(f"store {store.shop_id}, API key {key}")
    return 0
