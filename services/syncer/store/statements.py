"""The statements that write one kind of object: ``write.sql`` with the names of its tables.

All kinds are written alike; only names differ, and they come from ``shared.tables``.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping

from shared.postgres import load_queries
from shared.shopify.snapshots import Kind
from shared.tables import COLUMNS, KEYS, TABLES, UNANNOUNCED

_TEMPLATES = load_queries(__package__, "write.sql")
_ALSO_OURS = frozenset({"updated_at", "raw", "source"})
# Kinds whose incomplete payloads lack columns; elsewhere only children can be missing.
PARTIAL: frozenset[Kind] = frozenset({"customer", "inventory_level"})
# Kinds of whose changes Shopify tells no time: updated_at is when they were read.
UNDATED: frozenset[Kind] = frozenset({"payout", "dispute", "balance_transaction"})
# Kinds from which analytics counts an order: whoever changes one marks it, by its first key.
COUNTED: frozenset[Kind] = frozenset({"order", "order_details"})
# The payload that speaks for an object in part says these all the same.
_ALWAYS_SAID = frozenset({"created_at", "updated_at", "raw", "source"})

_OF_CHILDREN = ("changed", "trim", "fill", "add")


@functools.cache
def statements(kind: Kind) -> Mapping[str, str]:
    """Return the statements of *kind* by name; those of a child table end in its name."""
    table, children = TABLES[kind]
    names = _names(kind, table)
    own = ("news", "upsert", "upsert_partial", "refused", "seen")
    found = {name: _filled(name, names) for name in own}
    found["delete"] = _filled(_delete_of(kind), names)
    found["unseen"] = _filled("unseen", names)
    stages = [_filled("stage", names)]
    for number, child in enumerate(children):
        below = names | _child_names(child, 1 << number)
        stages.append(_filled("stage_child", below))
        found |= {f"{name}_{child}": _filled(name, below) for name in _OF_CHILDREN}
    return found | {"stage": ";\n".join(stages)}


def _delete_of(kind: Kind) -> str:
    own = {"order": "order", "inventory_item": "item", "inventory_level": "pair"}
    return f"delete_{own[kind]}" if kind in own else "delete"


def _names(kind: Kind, table: str) -> dict[str, str]:
    columns, ids = COLUMNS[table], KEYS[table]
    key = ("tenant_id", "shop_id", *ids)
    content = [c for c in columns if c not in key and c not in _ALSO_OURS]
    said = [c for c in columns if c not in key]
    marks = kind in COUNTED
    paired = kind == "inventory_level"
    partial = kind in PARTIAL
    names = {
        "kind": kind,
        "table": table,
        "id": ids[0],
        "ids": ", ".join(ids),
        "is_whole": "NOT s.partial" if partial else "true",
        "is_partial": "s.partial" if partial else "false",
        "id_arrays": ", ".join(f"${place}::bigint[]" for place in range(3, 3 + len(ids))),
        "typed_ids": ", ".join(f"{one} bigint" for one in ids),
        "columns": ", ".join(columns),
        "key": ", ".join(key),
        "s_ids": _listed(ids, "s"),
        "t_ids": _listed(ids, "t"),
        "t_content": _listed(content, "t"),
        "s_content": _listed(content, "s"),
        "new_content": _listed(content, "excluded"),
        "known_content": ", ".join(_known(c, "excluded") for c in content),
        "staged_known": ", ".join(_known(c, "s") for c in content),
        "assign": ", ".join(f"{c} = excluded.{c}" for c in said),
        "assign_known": ", ".join(f"{c} = {_known(c, 'excluded')}" for c in said),
        "marked": _TEMPLATES["marked"] if marks else "",
        "marked_once": _TEMPLATES["marked_once"] if marks else "",
        "revived": _TEMPLATES["level_revived"] if paired else "NULL",
    }
    names |= {f"{alias}_key": _listed(key, alias) for alias in "tswad"}
    names["unless_same"] = f"{_filled('unless_same', names)} AND " if kind in UNDATED else ""
    # Nothing is stocked of an item that is gone; a level itself has no tombstone.
    buried = names | {"kind": "inventory_item"} if paired else names
    return names | {"is_dead": _filled("dead", buried)}


def _child_names(child: str, bit: int) -> dict[str, str]:
    columns = COLUMNS[child]
    key = ("tenant_id", "shop_id", *KEYS[child])
    content = [c for c in columns if c not in key]
    return {
        "child": child,
        "bit": str(bit),
        "child_columns": ", ".join(columns),
        "child_key": ", ".join(key),
        "child_t_key": _listed(key, "t"),
        "child_s_key": _listed(key, "s"),
        "child_assign": ", ".join(f"{c} = excluded.{c}" for c in content),
        "timely": "true" if child in UNANNOUNCED else "s.source <> 'webhook'",
        "child_t_content": _listed(content, "t"),
        "child_s_content": _listed(content, "s"),
        "child_new_content": _listed(content, "excluded"),
    }


def _listed(columns: Iterable[str], alias: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _known(column: str, alias: str) -> str:
    if column in _ALWAYS_SAID:
        return f"{alias}.{column}"
    return f"COALESCE({alias}.{column}, t.{column})"


def _filled(name: str, names: Mapping[str, str]) -> str:
    return _TEMPLATES[name].format_map(names)


if __name__ == "__main__":
    wanted = set(sys.argv[1:]) or set(TABLES)
    for kind in TABLES:
        if wanted & {kind, TABLES[kind][0]}:
            for name, text in statements(kind).items():
                sys.stdout.write(f"-- name: {name}\n{text}\n\n")
