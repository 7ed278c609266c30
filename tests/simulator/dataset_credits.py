"""Finds the sales that credit notes take back.

A credited line is matched to earlier lines of the same customer and stock code, newest first, at
the same price if possible, never more units than were sold. What is left over becomes an
adjustment: on the customer's newest earlier order, else on an order over nothing made for it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.simulator.dataset_rows import Credit, Rows

CLASSES = ("same_price", "other_price", "earlier_order", "zero_order")


@dataclass(slots=True)
class Taken:
    """What one credit note takes back from one order; amounts in pence."""

    note: str
    at: Any
    units: list[tuple[int, int]] = field(default_factory=list)
    beyond: int = 0


@dataclass(slots=True)
class Matching:
    """Refunds by invoice, zero orders by credit note, and what became of the rows."""

    refunds: dict[int, list[Taken]] = field(default_factory=lambda: defaultdict(list))
    zeros: dict[str, tuple[Credit, Taken]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    values: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))
    units: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CLASSES, 0))


def match(rows: Rows) -> Matching:
    """Match every credit of *rows*."""
    found = Matching()
    invoice_of, by_key, by_customer = _indexes(rows)
    left = list(rows.quantities)
    for credit in rows.credits:
        wanted = credit.quantity
        if credit.customer is not None:
            for same in (True, False):
                lines = by_key.get((credit.customer, credit.code), ())
                wanted = _take(rows, found, credit, wanted, lines, left, invoice_of, same=same)
        if wanted:
            _leave(rows, found, credit, wanted, by_customer)
    return found


def _indexes(rows: Rows) -> tuple[Any, Any, Any]:
    invoice_of: list[int] = [0] * len(rows.codes)
    by_key: dict[tuple[int, int], list[int]] = defaultdict(list)
    by_customer: dict[int, list[int]] = defaultdict(list)
    for invoice, customer in enumerate(rows.customers):
        if customer is not None:
            by_customer[customer].append(invoice)
        for line in range(rows.starts[invoice], rows.starts[invoice + 1]):
            invoice_of[line] = invoice
            if customer is not None:
                by_key[customer, rows.codes[line]].append(line)
    return invoice_of, by_key, by_customer


def _take(
    rows: Rows,
    found: Matching,
    credit: Credit,
    wanted: int,
    lines: Any,
    left: list[int],
    invoice_of: list[int],
    *,
    same: bool,
) -> int:
    """Take up to *wanted* units from *lines*, newest first; return what is still wanted."""
    for line in reversed(lines):
        if wanted == 0:
            break
        invoice = invoice_of[line]
        fits = (rows.prices[line] == credit.price) is same
        if left[line] == 0 or not fits or rows.dates[invoice] > credit.at:
            continue
        count = min(wanted, left[line])
        left[line] -= count
        wanted -= count
        taken = _of_note(found.refunds[invoice], credit)
        taken.units.append((line - rows.starts[invoice], count))
        taken.beyond += (credit.price - rows.prices[line]) * count
        _account(found, "same_price" if same else "other_price", credit, count)
    return wanted


def _leave(rows: Rows, found: Matching, credit: Credit, wanted: int, by_customer: Any) -> None:
    orders = by_customer.get(credit.customer, ()) if credit.customer is not None else ()
    target = next((one for one in reversed(orders) if rows.dates[one] <= credit.at), None)
    if target is not None:
        _of_note(found.refunds[target], credit).beyond += credit.price * wanted
        _account(found, "earlier_order", credit, wanted)
        return
    _, taken = found.zeros.setdefault(credit.note, (credit, Taken(credit.note, credit.at)))
    taken.beyond += credit.price * wanted
    _account(found, "zero_order", credit, wanted)


def _of_note(refunds: list[Taken], credit: Credit) -> Taken:
    """The refund of this credit note on one order, made when it is the first line."""
    if not refunds or refunds[-1].note != credit.note:
        refunds.append(Taken(credit.note, credit.at))
    return refunds[-1]


def _account(found: Matching, name: str, credit: Credit, count: int) -> None:
    found.parts[name] += 1
    found.units[name] += count
    found.values[name] += credit.price * count
