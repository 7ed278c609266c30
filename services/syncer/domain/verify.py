"""What it means that an object here is the same as at Shopify, and how it may differ.

Everything that is mapped is compared, except how and when it came here, and what Shopify changes
without telling when.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.tables import UNANNOUNCED

What: TypeAlias = Literal[
    "missing_here", "deleted_here", "differs", "missing_there", "unreadable", "pending"
]
# Table, and the ids of a row below its object; none for the object's own row.
Place: TypeAlias = tuple[str, tuple[int, ...]]

# How a row came here.
_OURS = frozenset({"raw", "source"})
# Stock moves without touching its product's updated_at; commerce.inventory_levels tells it.
NOT_COMPARED: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        "variants": frozenset({"inventory_quantity"}),
        # These carry the time at which they were read.
        "payouts": frozenset({"updated_at"}),
        "disputes": frozenset({"updated_at"}),
        "balance_transactions": frozenset({"updated_at"}),
    }
)
# What Shopify changes without touching the object's updated_at, or where there is none; the daily
# full sync brings it, if no poll does before.
_UNTOLD = frozenset(
    {
        "customers.orders_count",
        "customers.total_spent",
        "collections.products_count",
        "collection_products",
        "discounts.status",
        "discounts.usage_count",
        "discounts.total_sales",
        "discount_codes.usage_count",
        "order_details.risk_recommendation",
        "order_risks",
        "payouts.status",
        "disputes.status",
        "disputes.evidence_due_by",
        "disputes.evidence_sent_on",
        "disputes.finalized_on",
        "balance_transactions.payout_id",
        "balance_transactions.payout_status",
    }
)
# What vanishes from an object without touching it: what it names was deleted, or somebody removed
# what only hangs on it. That it is there and we do not have it is another matter.
_FADING = frozenset(
    {
        "order_lines.product_id",
        "order_lines.variant_id",
        "draft_order_lines.product_id",
        "draft_order_lines.variant_id",
        "abandoned_checkout_lines.product_id",
        "abandoned_checkout_lines.variant_id",
        "fulfillment_order_lines.variant_id",
        "fulfillment_order_lines.inventory_item_id",
        *UNANNOUNCED,
    }
)
_TIMES = frozenset(
    {
        "updated_at",
        "created_at",
        "processed_at",
        "happened_at",
        "issued_at",
        "initiated_at",
        "transaction_date",
    }
)
_CELLS_KEPT = 50
_VALUE_LENGTH = 200


@dataclass(slots=True, kw_only=True)
class Side:
    """An object as one side has it. Only ours can be *deleted*, or be rows without an object."""

    rows: dict[Place, Mapping[str, object]] = field(default_factory=dict)
    deleted: bool = False

    @property
    def exists(self) -> bool:
        return self.has_own_row and not self.deleted

    @property
    def has_own_row(self) -> bool:
        """Whether there are more than rows that belong to it."""
        return any(not ids for _, ids in self.rows)

    @property
    def hash(self) -> str | None:
        """SHA-256 of everything compared; None where there is nothing."""
        if not self.exists:
            return None
        ordered = [[*place, self.rows[place]] for place in sorted(self.rows)]
        return hashlib.sha256(json.dumps(ordered, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value, or one whole row, that is not the same."""

    column: str
    ours: object
    theirs: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How one object differs; hashes are None on the side that does not have it."""

    object_id: int
    what: What
    cells: Sequence[Cell] = ()
    ours_hash: str | None = None
    theirs_hash: str | None = None

    @property
    def columns(self) -> list[str]:
        return [cell.column for cell in self.cells[:_CELLS_KEPT]]

    @property
    def details(self) -> str:
        """The cells as JSON, values shortened."""
        return json.dumps(
            [
                {"column": c.column, "ours": _short(c.ours), "theirs": _short(c.theirs)}
                for c in self.cells[:_CELLS_KEPT]
            ]
        )


def compared(table: str, columns: Iterable[str], key: Iterable[str]) -> list[str]:
    """Return which of a table's *columns* are compared."""
    left_out = {"tenant_id", "shop_id", *key} | _OURS | NOT_COMPARED.get(table, frozenset())
    return [column for column in columns if column not in left_out]


def content(text: str) -> dict[str, object]:
    """Read a row that Postgres wrote as JSON; amounts stay exact."""
    found: dict[str, object] = json.loads(text, parse_float=Decimal)
    return found


def judged(
    object_id: int, ours: Side, theirs: Side, *, settled_until: datetime
) -> Difference | None:
    """Return how an object differs, None when it does not.

    What Shopify changed after *settled_until* is ``pending``: the polls bring it. So is what it
    changes without a word.
    """
    if not ours.exists and not theirs.exists:
        return None
    cells = tuple(_cells(ours, theirs))
    if ours.exists and theirs.exists and not cells:
        return None
    what = _what(ours, theirs)
    if what in ("missing_here", "differs") and _changed(cells, theirs) > settled_until:
        what = "pending"
    if what == "differs" and all(_is_untold(cell) for cell in cells):
        what = "pending"
    return Difference(
        object_id=object_id,
        what=what,
        cells=cells if theirs.exists and ours.exists else (),
        ours_hash=ours.hash,
        theirs_hash=theirs.hash,
    )


def night_began(zone: str, at: datetime, *, hour: int) -> datetime:
    """Return when the clocks of *zone* last showed *hour*; UTC's where the zone is unknown here."""
    try:
        there = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        there = ZoneInfo("UTC")
    local = at.astimezone(there)
    today = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return (today if today <= local else today - timedelta(days=1)).astimezone(UTC)


def _what(ours: Side, theirs: Side) -> What:
    if not theirs.exists:
        return "missing_there"
    if ours.deleted:
        return "deleted_here"
    return "differs" if ours.has_own_row else "missing_here"


def _cells(ours: Side, theirs: Side) -> Iterator[Cell]:
    for place in sorted(ours.rows.keys() | theirs.rows.keys()):
        mine, other = ours.rows.get(place), theirs.rows.get(place)
        name = _name(place)
        if mine is None or other is None:
            yield Cell(column=name, ours=mine, theirs=other)
            continue
        for column in other:
            if mine[column] != other[column]:
                yield Cell(column=f"{name}.{column}", ours=mine[column], theirs=other[column])


def _name(place: Place) -> str:
    table, ids = place
    return f"{table}[{','.join(map(str, ids))}]" if ids else table


def _is_untold(cell: Cell) -> bool:
    table, _, rest = cell.column.partition("[")
    column = table + rest.partition("]")[2]
    names = {table, column}
    return bool(names & _UNTOLD) or (cell.theirs is None and column in _FADING)


def _changed(cells: Sequence[Cell], theirs: Side) -> datetime:
    """Return when Shopify last changed what differs, as far as it tells."""
    told = [row.get("updated_at") for (_, ids), row in theirs.rows.items() if not ids]
    for cell in cells:
        if isinstance(cell.theirs, Mapping):
            told += [cell.theirs[name] for name in _TIMES & cell.theirs.keys()]
        elif cell.column.rpartition(".")[2] in _TIMES:
            told.append(cell.theirs)
    moments = [datetime.fromisoformat(text) for text in told if isinstance(text, str)]
    return max(moments, default=datetime.fromisoformat("0001-01-01T00:00:00+00:00"))


def _short(value: object) -> str | None:
    if value is None:
        return None
    text = str(value) if isinstance(value, str | Decimal) else json.dumps(value, default=str)
    return text if len(text) <= _VALUE_LENGTH else f"{text[:_VALUE_LENGTH]}…"
