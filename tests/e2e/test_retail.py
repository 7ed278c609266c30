"""A real retailer's two years through the whole system, compared with a plain sum of its files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import asyncpg
import duckdb
import pytest

from tests.e2e.demo import CURL, ROOT, Demo, get

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DATASET = ROOT.parent / "shared" / "data" / "online-retail"
SHOP = "demo-store.myshopify.com"
YEARS = (2009, 2010, 2011)
SCOPES = "read_all_orders,read_orders,read_products,read_customers,read_inventory,read_locations"
# 1-9 December 2010 is in both files: the first one counts until November, the second one after.
PLAIN = """
SELECT year(InvoiceDate), sum(Quantity * UnitPrice)
FROM (
    SELECT * FROM read_parquet($first) WHERE InvoiceDate < TIMESTAMP '2010-12-01'
    UNION ALL BY NAME
    SELECT * FROM read_parquet($second)
)
GROUP BY 1
"""


@pytest.fixture(scope="module")
def plain() -> dict[int, Decimal]:
    """SUM(Quantity * UnitPrice) of each year, straight from the files."""
    if not DATASET.is_dir():
        absent = f"no data set in {DATASET}"
        pytest.fail(absent) if os.environ.get("CI") == "1" else pytest.skip(absent)
    files = {
        "first": str(DATASET / "online_retail_II_2009_2010.parquet"),
        "second": str(DATASET / "online_retail.parquet"),
    }
    with duckdb.connect() as connection:
        return dict(connection.execute(PLAIN, files).fetchall())


class Shop:
    """The store as our API tells of it."""

    def __init__(self, demo: Demo) -> None:
        (self._key, _), (_, self._sales), (_, self._jobs) = CURL.findall(demo.said)

    def sales(self) -> dict:
        sales: dict = get(self._sales, self._key)["data"]
        return sales

    def net_per_year(self) -> dict[int, Decimal]:
        """Net sales, each reversal in the year in which it was made."""
        net = dict.fromkeys(YEARS, Decimal(0))
        for month in self.sales()["buckets"]:
            net[int(month["period"][:4])] += Decimal(month["exact"]["net_sales"])
        return net

    def backfill_seconds(self) -> float:
        jobs = [job for job in get(self._jobs, self._key)["data"] if job["mode"] == "full"]
        started = min(datetime.fromisoformat(job["started_at"]) for job in jobs)
        finished = max(datetime.fromisoformat(job["finished_at"]) for job in jobs)
        return (finished - started).total_seconds()


def until_equal(shop: Shop, expected: dict[int, Decimal], *, seconds: float) -> float:
    """Wait for refunds to be read again and the ledger to catch up; return how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        if shop.net_per_year() == expected and not shop.sales()["pending_orders"]:
            break
        time.sleep(1)
    return time.monotonic() - began


async def lines_held(home: str) -> int:
    conn = await asyncpg.connect(f"postgresql://postgres@/postgres?host={home}/postgres")
    try:
        count: int = await conn.fetchval("SELECT count(*) FROM commerce.order_lines")
    finally:
        await conn.close()
    return count


async def test_two_real_years_differ_from_a_plain_sum_by_named_classes_only(
    plain: dict[int, Decimal], start: Callable[..., Demo], environment: dict[str, str]
) -> None:
    # Without live traffic, which would edit and refund orders of those years, and without what the
    # files do not tell: it is made up per line, of which there are a million.
    environment["DEMO_SCOPES"] = SCOPES
    # A store of this size may ask for 2,000 points a second; the cap would leave most unused.
    environment["SHOPIFY_MAX_REQUESTS_PER_SECOND"] = "200"
    demo = start("--dataset", str(DATASET), "--rate", "0")
    demo.until("Ctrl-C stops everything", seconds=500)
    shop = Shop(demo)
    truth = get(f"http://127.0.0.1:{environment['SIMULATOR_PORT']}/_sim/shops/{SHOP}/dataset")
    named = {
        one["year"]: {name: Decimal(amount) for name, amount in one["differences"].items()}
        for one in truth["years"]
    }
    expected = {year: plain[year] - sum(named[year].values()) for year in YEARS}

    waited = until_equal(shop, expected, seconds=300)

    net, sales = shop.net_per_year(), shop.sales()
    lines = await lines_held(environment["TILLSTREAM_HOME"])
    told(shop.backfill_seconds(), waited, truth=truth, plain=plain, net=net)
    assert net == expected
    assert sales["pending_orders"] == 0
    assert (sum(one["orders"] for one in sales["totals"]), lines) == (
        truth["orders"],
        truth["lines"],
    )
    assert {year: sum(named[year].values()) for year in YEARS} == {
        2009: Decimal(0),
        2010: Decimal("-136552.02") + Decimal("0.014"),
        2011: Decimal("-11062.06") + Decimal("0.004"),
    }


def told(
    seconds: float,
    waited: float,
    *,
    truth: dict,
    plain: dict[int, Decimal],
    net: dict[int, Decimal],
) -> None:
    """Print what can be quoted; pytest -s shows it."""
    print(f"\n{truth['orders']} orders with {truth['lines']} lines in {seconds:.1f} s,")
    print(f"{truth['orders'] / seconds:.0f} orders/s; refunds and ledger {waited:.1f} s later")
    names = list(truth["years"][0]["differences"])
    print(f"{'year':<6}{'plain sum':>16}" + "".join(f"{name:>18}" for name in names), end="")
    print(f"{'net sales':>16}")
    for one in truth["years"]:
        amounts = "".join(f"{Decimal(one['differences'][name]):>18,.3f}" for name in names)
        year = one["year"]
        print(f"{year:<6}{plain[year]:>16,.3f}{amounts}{net[year]:>16,.2f}")
