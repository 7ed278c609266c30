"""What Shopify says that we do not know: words outside an enum, fields outside our lists. No I/O.

``enums.json`` has the words of the official 2026-10 schema by column, ``webhook_fields.json`` the
fields of webhook bodies as documented for 2026-07 and seen since. To know a word or field costs a
line there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Literal, TypeAlias

import msgspec

from shared.shopify.snapshots import Owner
from shared.tables import COLUMNS

DriftKind: TypeAlias = Literal["version", "enum", "field"]
Key: TypeAlias = tuple[Owner, DriftKind, str]

_NULL = "\\N"
_SIGHTINGS_MAX = 1000
_EXAMPLE_MAX = 100
_BODIES_BETWEEN = 100

_TOPICS = MappingProxyType(
    {
        "orders/create": "order",
        "orders/updated": "order",
        "orders/paid": "order",
        "orders/cancelled": "order",
        "orders/fulfilled": "order",
        "orders/partially_fulfilled": "order",
        "refunds/create": "refund",
        "order_transactions/create": "transaction",
        "fulfillments/create": "fulfillment",
        "fulfillments/update": "fulfillment",
        "products/create": "product",
        "products/update": "product",
        "customers/create": "customer",
        "customers/update": "customer",
        "customers/enable": "customer",
        "customers/disable": "customer",
        "inventory_items/create": "inventory_item",
        "inventory_items/update": "inventory_item",
        "inventory_levels/connect": "inventory_level",
        "inventory_levels/update": "inventory_level",
        "locations/create": "location",
        "locations/update": "location",
        "locations/activate": "location",
        "locations/deactivate": "location",
    }
)


def _lists(file: str) -> dict[str, frozenset[str]]:
    text = (resources.files("shared.shopify") / file).read_bytes()
    known = msgspec.json.decode(text, type=dict[str, str])
    return {name: frozenset(words.split()) for name, words in known.items()}


_Column: TypeAlias = tuple[int, str, frozenset[str]]


def _by_table(words: Mapping[str, frozenset[str]]) -> dict[str, list[_Column]]:
    found: dict[str, list[_Column]] = {}
    for column, known in words.items():
        table, _, name = column.partition(".")
        place = COLUMNS[table].index(name)
        found.setdefault(table, []).append((place, column, known | {_NULL}))
    return found


WORDS: MappingProxyType[str, frozenset[str]] = MappingProxyType(_lists("enums.json"))
FIELDS: MappingProxyType[str, frozenset[str]] = MappingProxyType(_lists("webhook_fields.json"))
_COLUMNS = _by_table(WORDS)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(slots=True, kw_only=True)
class Sighting:
    """Something unknown: an example that holds nobody's data, and how often it was seen."""

    example: str
    count: int = 0


class Sightings:
    """What was seen since it was last taken, and how often each topic's bodies were looked at."""

    def __init__(self) -> None:
        self._seen: dict[Key, Sighting] = {}
        self._bodies: dict[tuple[Owner, str], int] = {}

    def note(self, owner: Owner, kind: DriftKind, what: str, example: str) -> None:
        """Remember one sighting; beyond a thousand different ones new ones are forgotten."""
        key = (owner, kind, what)
        if key in self._seen or len(self._seen) < _SIGHTINGS_MAX:
            sighting = self._seen.setdefault(key, Sighting(example=example[:_EXAMPLE_MAX]))
            sighting.count += 1

    def taken(self) -> dict[Key, Sighting]:
        """Return what was seen, and begin anew."""
        taken, self._seen = self._seen, {}
        return taken

    def look_at_rows(self, table: str, rows: Iterable[str]) -> None:
        """Look for unknown words in *rows*, which are lines of text COPY."""
        for owner, column, word in unknown_words(table, rows):
            self.note(owner, "enum", f"{column}={word}"[:_EXAMPLE_MAX], word)

    def look_at_body(self, owner: Owner, topic: str, body: bytes) -> None:
        """Look for unknown fields in the first body of *topic*, and in one of a hundred later."""
        turn = self._bodies.get((owner, topic), 0)
        self._bodies[(owner, topic)] = (turn + 1) % _BODIES_BETWEEN
        if turn == 0:
            for name, example in unknown_fields(topic, body):
                self.note(owner, "field", f"{topic}: {name}"[:_EXAMPLE_MAX], example)


def unknown_words(table: str, rows: Iterable[str]) -> list[tuple[Owner, str, str]]:
    """Return (owner, column, word) for every word that its column's enum lacks."""
    columns = _COLUMNS.get(table)
    if columns is None:
        return []
    last = max(place for place, _, _ in columns) + 1
    return [
        (Owner(tenant_id=row[0], shop_id=int(row[1])), column, row[place])
        for row in (line.split("\t", last) for line in rows)
        for place, column, known in columns
        if row[place] not in known
    ]


def unknown_fields(topic: str, body: bytes) -> Sequence[tuple[str, str]]:
    """Return (name, JSON type) for top-level fields of *body* that are not known of *topic*."""
    known = FIELDS.get(_TOPICS.get(topic, ""))
    if known is None:
        return []
    try:
        fields = _object.decode(body)
    except msgspec.MsgspecError:
        return []
    return [(name, _type_of(bytes(fields[name]))) for name in sorted(fields.keys() - known)]


def _type_of(value: bytes) -> str:
    names = {b"{": "object", b"[": "array", b'"': "string", b"n": "null"}
    return names.get(value[:1], "boolean" if value[:1] in b"tf" else "number")
