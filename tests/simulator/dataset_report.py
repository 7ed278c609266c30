"""What became of every row of a data set: served, or named with its amount."""

from __future__ import annotations

from decimal import Decimal

from tests.simulator import dataset_credits
from tests.simulator.dataset_credits import Matching
from tests.simulator.dataset_rows import Rows
from tests.simulator.money import plain


def report(rows: Rows, matching: Matching, orders: int) -> dict[str, object]:
    """How the shop's net sales come from a plain SUM(Quantity * UnitPrice)."""
    classes = {name: {"rows": n, "value": value} for name, (n, value) in rows.classes.items()}
    plain_sum = sum(Decimal(value) for _, value in rows.classes.values())
    sold = sum(Decimal(month[2]) for month in rows.months)
    credited = sum(Decimal(month[3]) for month in rows.months)
    return {
        "rows": sum(n for n, _ in rows.classes.values()),
        "orders": orders,
        "lines": len(rows.codes) + len(matching.zeros),
        "zero_orders": len(matching.zeros),
        "refunds": sum(map(len, matching.refunds.values())) + len(matching.zeros),
        "plain_sum": str(plain_sum),
        "classes": classes,
        "not_served": {name: classes[name] for name in ("bad_debt", "stock_adjustment")
                       if name in classes},
        "rounded_away": str(sum(Decimal(rows.classes.get(n, (0, "0"))[1]) for n in ("sub_penny",))),
        "credits": {
            name: {
                "parts": matching.parts[name],
                "units": matching.units[name],
                "value": plain(-matching.values[name], "GBP"),
            }
            for name in dataset_credits.CLASSES
        },
        "gross_sales": str(sold),
        "sales_reversals": str(credited),
        "net_sales": str(sold + credited),
        "months": [
            {"month": month, "plain_sum": whole, "gross_sales": gross, "credits": back,
             "bad_debt": debt, "net_sales": str(Decimal(gross) + Decimal(back))}
            for month, whole, gross, back, debt in rows.months
        ],
        "years": [_year(*year) for year in rows.years],
    }  # fmt: skip


def _year(
    year: int, whole: str, bad_debt: str, stock_adjustment: str, negative_price: str, rounded: str
) -> dict[str, object]:
    """One year's plain sum, and each class by which net sales differ from it."""
    differences = {
        "bad_debt": bad_debt,
        "stock_adjustment": stock_adjustment,
        "negative_price": negative_price,
        "rounded_away": rounded,
    }
    net = Decimal(whole) - sum(map(Decimal, differences.values()))
    return {"year": year, "plain_sum": whole, "differences": differences, "net_sales": str(net)}
