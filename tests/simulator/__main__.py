"""``python -m tests.simulator``: a Shopify to develop, test and demonstrate against."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import gc
import os
import signal
import sys
from pathlib import Path

from aiohttp import web

from tests.simulator import certificates
from tests.simulator.app import build_app
from tests.simulator.bucket import SIZES
from tests.simulator.platform import Options, Platform
from tests.simulator.world import Recipe


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.simulator", description=__doc__)
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=9400)
    made.add_argument("--shop", action="append", help="domain of a shop; may be repeated")
    made.add_argument("--seed", type=int, default=7)
    made.add_argument("--orders", type=int, default=2000)
    made.add_argument(
        "--prototypes", type=int, default=0,
        help="how many orders differ in more than ids, times and buyer; default: all of them, "
        "or 400 beyond 20,000",
    )  # fmt: skip
    made.add_argument("--products", type=int, default=120)
    made.add_argument("--customers", type=int, help="default: 0.4 for each order, 800 at least")
    made.add_argument("--currency", default="USD")
    made.add_argument("--timezone", default="America/New_York")
    made.add_argument("--taxes-included", action="store_true")
    made.add_argument("--as-of", help="the day the seeded history ends (ISO), default today")
    made.add_argument("--dataset", help="directory with the Online Retail parquet files")
    made.add_argument("--plan", choices=tuple(SIZES))
    made.add_argument("--client-id", default="sim-client")
    made.add_argument(
        "--client-secret",
        default=os.environ.get("SIMULATOR_CLIENT_SECRET", "sim-secret"),
        help="default: SIMULATOR_CLIENT_SECRET, where no other user of the machine can read it",
    )
    made.add_argument("--redirect-uri", action="append", default=[], help="allow only these")
    made.add_argument("--withhold-scope", action="append", default=[], help="never grant these")
    made.add_argument("--live", type=float, default=0.0, help="random actions per second")
    made.add_argument("--bulk-seconds", type=float, default=0.5, help="least time of a bulk job")
    made.add_argument("--token-seconds", type=int, default=3600, help="life of expiring tokens")
    made.add_argument("--retry-scale", type=float, default=1.0, help="shrinks webhook retry waits")
    made.add_argument("--https-only", action="store_true", help="refuse http:// webhook addresses")
    made.add_argument(
        "--tls", type=Path, metavar="DIR",
        help="serve https for *.myshopify.com; the authority to trust is written to DIR/ca.pem",
    )  # fmt: skip
    made.add_argument("--state", type=Path, help="journal to restore from and to append to")
    return made


def recipes_of(arguments: argparse.Namespace) -> list[Recipe]:
    as_of = 0
    if arguments.as_of:
        day = dt.date.fromisoformat(arguments.as_of)
        as_of = int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
    dataset = arguments.dataset
    return [
        Recipe(
            domain=domain,
            seed=arguments.seed,
            orders=arguments.orders,
            products=arguments.products,
            customers=arguments.customers or max(800, int(arguments.orders * 0.4)),
            currency="GBP" if dataset else arguments.currency,
            timezone="Europe/London" if dataset else arguments.timezone,
            taxes_included=arguments.taxes_included,
            plan=arguments.plan or ("enterprise" if dataset else "standard"),
            as_of=as_of,
            dataset=dataset,
            prototypes=arguments.prototypes,
        )
        for domain in arguments.shop or ["demo-store.myshopify.com"]
    ]


def options_of(arguments: argparse.Namespace) -> Options:
    return Options(
        client_id=arguments.client_id,
        client_secret=arguments.client_secret,
        bulk_seconds=arguments.bulk_seconds,
        retry_scale=arguments.retry_scale,
        token_seconds=arguments.token_seconds,
        plain_webhooks=not arguments.https_only,
        redirects=tuple(arguments.redirect_uri),
        withheld_scopes=tuple(arguments.withhold_scope),
        state=arguments.state,
        live=arguments.live,
    )


async def serve(platform: Platform, host: str, port: int, tls: Path | None = None) -> None:
    """Listen until a signal; end within a second of it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(build_app(platform), access_log=None, shutdown_timeout=0.3)
    await runner.setup()
    try:
        context = certificates.make(tls) if tls else None
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        scheme = "https" if tls else "http"
        counts = ", ".join(
            f"{domain} ({len(store.world.orders)} orders)"
            for domain, store in platform.stores.items()
        )
        print(f"simulator listening on {scheme}://{host}:{port} with {counts}", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> int:
    arguments = parser().parse_args()
    # A shop is a large heap that only grows: full collections find nothing and take long.
    gc.set_threshold(50_000, 20, 1_000)
    try:
        platform = Platform(options_of(arguments))
        platform.open_shops(recipes_of(arguments))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(platform, arguments.host, arguments.port, arguments.tls))
    except (OSError, ValueError, ImportError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
