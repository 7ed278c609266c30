"""A small retailer's files as a store: every penny is served or named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.simulator.dataset_rows import FIRST_YEAR, SECOND_YEAR
from tests.simulator.world import Recipe, build_world

duckdb = pytest.importorskip("duckdb")

FIRST = [
    ("489434", "85048", "LIGHTS", 12, "2009-12-01 07:45", "6.95", 13085, "United Kingdom"),
    ("489434", "21232", "BOX", 24, "2009-12-01 07:45", "1.25", 13085, "United Kingdom"),
    ("489500", "85048", "LIGHTS", 5, "2009-12-03 09:00", "6.50", 13085, "United Kingdom"),
    ("C489501", "85048", "LIGHTS", -7, "2009-12-04 10:00", "6.95", 13085, "United Kingdom"),
    ("C489502", "85048", "LIGHTS", -12, "2009-12-05 10:00", "6.95", 13085, "United Kingdom"),
    ("C489503", "M", "Manual", -1, "2009-12-06 10:00", "10.00", 13085, "United Kingdom"),
    ("C489504", "AMAZONFEE", "AMAZON FEE", -1, "2009-12-06 11:00", "99.99", None, "United Kingdom"),
    ("A489505", "B", "Adjust bad debt", 1, "2009-12-07 10:00", "-500.00", None, "United Kingdom"),
    ("489506", "21232", "damaged", -9, "2009-12-07 11:00", "0.00", None, "United Kingdom"),
    ("489507", "PADS", "PADS", 1, "2009-12-08 11:00", "0.001", 16705, "France"),
    ("999999", "21232", "OVERLAP", 1, "2010-12-05 11:00", "3.00", 16705, "France"),
]
SECOND = [("536365", "21232", "BOX", 2, "2010-12-05 11:00", "3.00", 16705, "France")]


def _write(path, rows):
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE t (InvoiceNo VARCHAR, StockCode VARCHAR, Description VARCHAR,"
            " Quantity INTEGER, InvoiceDate TIMESTAMP, UnitPrice DECIMAL(12,3),"
            " CustomerID INTEGER, Country VARCHAR)"
        )
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retail")
    _write(folder / FIRST_YEAR, FIRST)
    _write(folder / SECOND_YEAR, SECOND)
    return build_world(
        Recipe(domain="retail.myshopify.com", dataset=str(folder), currency="GBP",
               timezone="Europe/London", plan="plus", as_of=1)
    )  # fmt: skip


def _net(world):
    pence = 0
    for order in world.orders:
        pence += order.totals.subtotal.shop
        for refund in order.refunds:
            pence -= sum(line.subtotal.shop for line in refund.lines)
            pence += sum(one.amount.shop for one in refund.adjustments)
    return Decimal(pence) / 100


def test_net_sales_of_the_orders_are_those_of_the_report(world):
    assert str(_net(world)) == "-90.14"
    assert Decimal(world.dataset["net_sales"]) == _net(world)


def test_what_the_plain_sum_has_more_or_less_is_named(world):
    report = world.dataset
    bad_debt = Decimal(report["classes"]["bad_debt"]["value"])

    difference = Decimal(report["plain_sum"]) - Decimal(report["net_sales"])

    assert difference == bad_debt + Decimal(report["rounded_away"])
    assert sum(one["rows"] for one in report["classes"].values()) == report["rows"] == 11


def test_each_years_difference_is_named_by_class(world):
    first, second = world.dataset["years"]

    named = {name: Decimal(amount) for name, amount in first["differences"].items()}

    assert (first["year"], second["year"]) == (2009, 2010)
    assert named == {
        "bad_debt": Decimal(-500),
        "stock_adjustment": 0,
        "negative_price": 0,
        "rounded_away": Decimal("0.001"),
    }
    assert Decimal(first["net_sales"]) + Decimal(second["net_sales"]) == _net(world)
    assert second["plain_sum"] == "6.000"


def test_the_overlap_is_taken_from_the_second_file(world):
    assert 999999 not in {order.number for order in world.orders}
    assert 536365 in {order.number for order in world.orders}


def test_credits_take_back_the_same_price_first_and_never_more_than_was_sold(world):
    orders = {order.number: order for order in world.orders}

    lights, newer = orders[489434].lines[0], orders[489500].lines[0]

    assert (lights.current_quantity, newer.current_quantity) == (0, 0)
    units = world.dataset["credits"]
    assert (units["same_price"]["units"], units["other_price"]["units"]) == (12, 5)
    assert units["earlier_order"]["units"] == 3


def test_a_credit_without_a_customer_stands_on_an_order_over_nothing(world):
    zero = next(order for order in world.orders if order.number == 489504)

    assert zero.totals.total.shop == 0
    assert [one.amount.shop for one in zero.refunds[0].adjustments] == [-9999]
    assert zero.totals.outstanding.shop == 0


def test_write_offs_and_bad_debts_are_not_orders(world):
    numbers = {order.number for order in world.orders}

    assert not numbers & {489505, 489506}
