from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from services.gateway.figures import AMOUNTS, Bucket, presented, priced, totals


def a_bucket(net, *, day=1, currency="GBP"):
    return Bucket(
        period=date(2026, 11, day),
        currency=currency,
        counts={"orders": 1, "units": 2, "new_customers": 3},
        amounts=dict.fromkeys(AMOUNTS, Decimal(net)),
    )


def test_totals_add_what_is_exact_and_never_mix_currencies():
    pounds, yen = a_bucket("0.0050"), a_bucket("10.5000", currency="JPY")

    first, second = totals([pounds, yen, a_bucket("0.0050", day=2)])

    assert (first.currency, first.amounts["net_sales"]) == ("GBP", Decimal("0.0100"))
    assert first.counts == {"orders": 2, "units": 4, "new_customers": 6}
    assert second == yen


def test_a_figure_is_rounded_to_its_currencys_minor_unit_beside_its_exact_text():
    pounds, yen = presented(a_bucket("1.0050")), presented(a_bucket("10.5000", currency="JPY"))

    assert (pounds["net_sales"], pounds["exact"]["net_sales"]) == (Decimal("1.01"), "1.0050")
    assert (yen["net_sales"], yen["exact"]["net_sales"]) == (Decimal("11"), "10.5000")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("299.0000", "USD", "299.00"), ("299.9900", "GBP", "299.99"), ("0.0050", "USD", "0.005"),
     ("1200.0000", "JPY", "1200"), ("1.5000", "KWD", "1.500"), ("-3.1000", None, "-3.10"),
     ("0", "EUR", "0.00")],
)  # fmt: skip
def test_an_amount_reads_as_shopify_writes_it(amount, currency, text):
    row = {"price": Decimal(amount), "quantity": 3, "note": None}

    assert priced(row, currency) == {"price": text, "quantity": 3, "note": None}
