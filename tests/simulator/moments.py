"""Times as Shopify writes them: UTC in GraphQL, the shop's offset in REST and webhooks."""

from __future__ import annotations

import datetime as dt
import functools
import time
import zoneinfo

DAY = 86_400


def now() -> int:
    return int(time.time())


@functools.lru_cache(maxsize=100_000)
def utc(moment: int | None) -> str | None:
    if moment is None:
        return None
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@functools.lru_cache(maxsize=100_000)
def local(moment: int | None, timezone: str) -> str | None:
    if moment is None:
        return None
    return dt.datetime.fromtimestamp(moment, zoneinfo.ZoneInfo(timezone)).isoformat()


def of_local(day: dt.date, seconds: int, timezone: str) -> int:
    """The epoch second at which *seconds* have passed on the wall clock of *day*."""
    midnight = dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(timezone))
    return int((midnight + dt.timedelta(seconds=seconds)).timestamp())


def parsed(text: str) -> int | None:
    """An ISO date or datetime as epoch seconds; a plain date is its midnight in UTC."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return int(moment.timestamp())
