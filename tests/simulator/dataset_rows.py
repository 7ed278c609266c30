"""Reads the Online Retail files: two years of a real shop, the overlap taken once."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIRST_YEAR = "online_retail_II_2009_2010.parquet"
SECOND_YEAR = "online_retail.parquet"
BOUNDARY = "2010-12-01"

_ROWS = """
CREATE TEMP TABLE raw AS
SELECT 1 AS source, file_row_number AS place, * EXCLUDE (file_row_number)
  FROM read_parquet($first, file_row_number = true) WHERE InvoiceDate < TIMESTAMP '2010-12-01'
UNION ALL BY NAME
SELECT 2 AS source, file_row_number AS place, * EXCLUDE (file_row_number)
  FROM read_parquet($second, file_row_number = true)
"""
_CLASSED = """
CREATE TEMP TABLE classed AS
SELECT *,
       CASE WHEN InvoiceNo LIKE 'A%' THEN 'bad_debt'
            WHEN Quantity < 0 AND UnitPrice = 0 THEN 'stock_adjustment'
            WHEN Quantity < 0 THEN 'credit'
            WHEN UnitPrice < 0 THEN 'negative_price'
            WHEN InvoiceNo LIKE 'C%' THEN 'positive_credit_note'
            WHEN UnitPrice = 0 THEN 'free'
            WHEN UnitPrice * 100 <> round(UnitPrice * 100) THEN 'sub_penny'
            ELSE 'sale' END AS class
  FROM raw
"""
SOLD = "('sale', 'free', 'sub_penny', 'positive_credit_note')"
_SALES = f"""
SELECT InvoiceNo, min(InvoiceDate) OVER whole, max(CustomerID) OVER whole,
       first_value(Country) OVER whole, StockCode, Quantity,
       CAST(round(UnitPrice * 100) AS BIGINT)
  FROM classed WHERE class IN {SOLD}
WINDOW whole AS (PARTITION BY InvoiceNo)
ORDER BY 2, InvoiceNo, source, place
"""
_CREDITS = """
SELECT InvoiceNo, min(InvoiceDate) OVER (PARTITION BY InvoiceNo), CustomerID, StockCode, -Quantity,
       CAST(round(UnitPrice * 100) AS BIGINT), Country
  FROM classed WHERE class = 'credit' ORDER BY InvoiceDate, InvoiceNo, source, place
"""
_GOODS = """
SELECT StockCode, coalesce(mode(Description) FILTER (UnitPrice > 0), any_value(Description)),
       CAST(round(coalesce(max_by(UnitPrice, InvoiceDate) FILTER (UnitPrice > 0), 0) * 100)
            AS BIGINT)
  FROM classed WHERE class <> 'bad_debt' GROUP BY 1 ORDER BY 1
"""
_PEOPLE = """
SELECT CustomerID, first(Country ORDER BY InvoiceDate), min(InvoiceDate)
  FROM classed WHERE CustomerID IS NOT NULL GROUP BY 1 ORDER BY 1
"""
_SUMS = """
SELECT class, count(*), CAST(sum(Quantity * UnitPrice) AS VARCHAR) FROM classed GROUP BY 1
"""
_MONTHS = f"""
SELECT strftime(InvoiceDate, '%Y-%m'),
       CAST(sum(Quantity * UnitPrice) AS VARCHAR),
       CAST(coalesce(sum(Quantity * CAST(round(UnitPrice, 2) AS DECIMAL(12, 2)))
            FILTER (class IN {SOLD}), 0) AS VARCHAR),
       CAST(coalesce(sum(Quantity * UnitPrice) FILTER (class = 'credit'), 0) AS VARCHAR),
       CAST(coalesce(sum(Quantity * UnitPrice) FILTER (class = 'bad_debt'), 0) AS VARCHAR)
  FROM classed GROUP BY 1 ORDER BY 1
"""
# Where a plain sum and net sales part, year by year; what is left out of SOLD and not a credit is
# not served.
_YEARS = f"""
SELECT year(InvoiceDate),
       CAST(sum(Quantity * UnitPrice) AS VARCHAR),
       CAST(coalesce(sum(Quantity * UnitPrice) FILTER (class = 'bad_debt'), 0) AS VARCHAR),
       CAST(coalesce(sum(Quantity * UnitPrice) FILTER (class = 'stock_adjustment'), 0) AS VARCHAR),
       CAST(coalesce(sum(Quantity * UnitPrice) FILTER (class = 'negative_price'), 0) AS VARCHAR),
       CAST(coalesce(sum(Quantity * (UnitPrice - round(UnitPrice, 2)))
            FILTER (class = 'credit' OR class IN {SOLD}), 0) AS VARCHAR)
  FROM classed GROUP BY 1 ORDER BY 1
"""


@dataclass(slots=True)
class Credit:
    """One line of a credit note: quantity and price are positive."""

    note: str
    at: Any
    customer: int | None
    code: int
    quantity: int
    price: int
    country: str


@dataclass(slots=True)
class Rows:
    """The files in columns: one entry for each line, ``starts`` for each invoice."""

    invoices: list[str] = field(default_factory=list)
    dates: list[Any] = field(default_factory=list)
    customers: list[int | None] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("q"))
    codes: array[int] = field(default_factory=lambda: array("i"))
    quantities: array[int] = field(default_factory=lambda: array("i"))
    prices: array[int] = field(default_factory=lambda: array("q"))
    credits: list[Credit] = field(default_factory=list)
    goods: list[tuple[str, str, int]] = field(default_factory=list)
    people: list[tuple[int, str, Any]] = field(default_factory=list)
    classes: dict[str, tuple[int, str]] = field(default_factory=dict)
    months: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    years: list[tuple[int, str, str, str, str, str]] = field(default_factory=list)


def read_rows(folder: str) -> Rows:
    """Read both files of *folder*; says what is missing."""
    first, second = Path(folder) / FIRST_YEAR, Path(folder) / SECOND_YEAR
    for path in (first, second):
        if not path.exists():
            raise FileNotFoundError(f"the data set lacks {path}")
    try:
        import duckdb
    except ImportError as error:
        raise ImportError("a data set needs duckdb: pip install 'tillstream[demo]'") from error
    with duckdb.connect() as connection:
        connection.execute(_ROWS, {"first": str(first), "second": str(second)})
        connection.execute(_CLASSED)
        return _fetched(connection)


def _fetched(connection: Any) -> Rows:
    rows = Rows()
    rows.goods = [
        (code, (title or code).strip(), price)
        for code, title, price in connection.execute(_GOODS).fetchall()
    ]
    places = {code: place for place, (code, _, _) in enumerate(rows.goods)}
    _sales(rows, connection, places)
    rows.credits = [
        Credit(note, at, customer, places[code], quantity, price, country)
        for note, at, customer, code, quantity, price, country in _stream(connection, _CREDITS)
    ]
    rows.people = connection.execute(_PEOPLE).fetchall()
    rows.classes = {name: (n, value) for name, n, value in connection.execute(_SUMS).fetchall()}
    rows.months = connection.execute(_MONTHS).fetchall()
    rows.years = connection.execute(_YEARS).fetchall()
    return rows


def _stream(connection: Any, query: str) -> Iterator[Any]:
    cursor = connection.execute(query)
    while batch := cursor.fetchmany(20_000):
        yield from batch


def _sales(rows: Rows, connection: Any, places: dict[str, int]) -> None:
    for invoice, at, customer, country, code, quantity, price in _stream(connection, _SALES):
        if not rows.invoices or rows.invoices[-1] != invoice:
            rows.invoices.append(invoice)
            rows.dates.append(at)
            rows.customers.append(customer)
            rows.countries.append(country)
            rows.starts.append(len(rows.codes))
        rows.codes.append(places[code])
        rows.quantities.append(quantity)
        rows.prices.append(price)
    rows.starts.append(len(rows.codes))
