"""The statements that compare one kind of object: ``compare.sql`` with the names of its tables."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from services.syncer.domain.verify import compared
from shared.postgres import load_queries
from shared.shopify.snapshots import Kind
from shared.tables import COLUMNS, KEYS, TABLES

TEMPLATE = "compare.sql"
_TEMPLATES = load_queries(__package__, TEMPLATE)
_LEVELS = "inventory_levels"
# Which rows Shopify shows without read_all_orders; of other tables all.
_SHOWN: Mapping[str, str] = MappingProxyType(
    {
        "orders": _TEMPLATES["shown_orders"],
        "order_details": _TEMPLATES["shown_with_orders"],
        "fulfillment_orders": _TEMPLATES["shown_with_orders"],
    }
)


@functools.cache
def comparing(kind: Kind) -> Mapping[str, str]:
    """Return the statements of *kind* by name."""
    table, children = TABLES[kind]
    if kind == "inventory_item":
        # Levels are objects of their own, but an item is told with all of its levels.
        children = (*children, _LEVELS)
    names = {
        "table": table,
        "id": KEYS[table][0],
        "key": ", ".join(("tenant_id", "shop_id", *KEYS[table])),
        "s_compared": _compared(table, "s"),
        "t_compared": _compared(table, "t"),
    }
    names["shown"] = _SHOWN.get(table, "true")
    below = [names | _child(child, table, 1 << bit) for bit, child in enumerate(children)]
    names["unlike_children"] = _each("unlike_child", below)
    names["sides_of_children"] = _each("sides_of_child", below)
    wanted = ("unlike", "sides", "count", "unmet", "some", "give_way")
    return {name: _TEMPLATES[name].format_map(names) for name in wanted}


def _child(child: str, table: str, bit: int) -> dict[str, str]:
    key = ("tenant_id", "shop_id", *KEYS[child])
    own = [one for one in KEYS[child] if one not in KEYS[table]]
    is_level = child == _LEVELS
    return {
        "child": child,
        "child_key": ", ".join(key),
        "child_s_key": _listed(key, "s"),
        "child_t_key": _listed(key, "t"),
        "child_s_ids": _listed(own, "s"),
        "child_t_ids": _listed(own, "t"),
        "child_s_compared": _compared(child, "s"),
        "child_t_compared": _compared(child, "t"),
        "child_staged": "true" if is_level else "NOT s.extra",
        "child_alive": "t.deleted_at IS NULL" if is_level else "true",
        "child_present": "true" if is_level else f"p.present & {bit} <> 0",
    }


def _compared(table: str, alias: str) -> str:
    return _listed(compared(table, COLUMNS[table], KEYS[table]), alias)


def _listed(columns: Iterable[str], alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _each(name: str, below: Iterable[Mapping[str, str]]) -> str:
    return "\n".join(_TEMPLATES[name].format_map(names) for names in below)
