"""Metafields: a function of the shop's seed and their owner, until somebody sets one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.simulator.chance import mixed

MOST = 64
# Owner's GraphQL type -> what it has by nature: (namespace, key, type, how often).
_NATURE: dict[str, tuple[tuple[str, str, str, float], ...]] = {
    "Product": (
        ("custom", "material", "single_line_text_field", 0.8),
        ("custom", "care", "multi_line_text_field", 0.5),
        ("specs", "weight", "weight", 0.6),
        ("reviews", "rating", "rating", 0.3),
    ),
    "ProductVariant": (("custom", "hue", "color", 0.4), ("specs", "depth", "number_integer", 0.2)),
    "Customer": (("custom", "level", "single_line_text_field", 0.4),),
    "Order": (("custom", "gift_note", "multi_line_text_field", 0.2),),
    "Collection": (("custom", "banner", "single_line_text_field", 0.7),),
}
_KINDS = tuple(_NATURE)
_RANGE = 10**12
_MANY = 40


@dataclass(frozen=True, slots=True)
class Metafield:
    id: int
    namespace: str
    key: str
    type: str
    value: str
    created: int
    updated: int


class Metafields:
    """All metafields of a shop."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._set: dict[tuple[str, int], list[Metafield]] = {}

    def of(self, kind: str, owner: Any, namespace: str | None = None) -> list[Metafield]:
        """Those of *owner*, which is of *kind*, by id."""
        found = self._set.get((kind, owner.id)) or self._natural(kind, owner)
        if (kind, owner.id) in self._set:
            found = self._set[(kind, owner.id)]
        return [one for one in found if namespace is None or one.namespace == namespace]

    def put(self, kind: str, owner: Any, namespace: str, key: str, value: str, *, at: int) -> None:
        """Set one metafield; an empty *value* deletes it."""
        known = self.of(kind, owner)
        old = next((one for one in known if (one.namespace, one.key) == (namespace, key)), None)
        others = [one for one in known if one is not old]
        if value:
            number = old.id if old else max([self._first(kind, owner), *(x.id + 1 for x in known)])
            created = old.created if old else at
            text = old.type if old else "single_line_text_field"
            others.append(Metafield(number, namespace, key, text, value, created, at))
        self._set[(kind, owner.id)] = sorted(others, key=lambda one: one.id)

    def _first(self, kind: str, owner: Any) -> int:
        ids = self._world.ids
        place = _KINDS.index(kind) * _RANGE + ids.sequence(kind, owner.id) * MOST
        return int(ids.of("Metafield", place))

    def _natural(self, kind: str, owner: Any) -> list[Metafield]:
        sequence = self._world.ids.sequence(kind, owner.id)
        rng = random.Random(mixed(self._world.recipe.seed + _KINDS.index(kind), sequence))
        first, at = self._first(kind, owner), owner.created
        made = [
            Metafield(first + n, namespace, key, text, f"{key} {rng.randrange(1000)}", at, at)
            for n, (namespace, key, text, often) in enumerate(_NATURE[kind])
            if rng.random() < often
        ]
        if kind in ("Product", "Collection") and sequence == 0:
            start = first + len(_NATURE[kind])
            made += [
                Metafield(
                    start + n, "custom", f"line_{n}", "single_line_text_field", "x\ty", at, at
                )
                for n in range(_MANY)
            ]
        return made
