"""Shopify's search syntax, as far as a sync needs it.

Terms stand side by side (AND) or are joined by ``OR``; a field that does not exist is ignored,
as Shopify does: https://shopify.dev/docs/api/usage/search-syntax
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulator import moments
from tests.simulator.moments import DAY

_TOKEN = re.compile(r"""(-?)([a-z_]+):(>=|<=|>|<)?(?:"([^"]*)"|'([^']*)'|([^\s()]+))|(\S+)""")
STAMPS = {
    "id": "id",
    "created_at": "created",
    "customer_date": "created",
    "updated_at": "updated",
    "processed_at": "processed",
}
# Stamps that a shelf cannot be searched by; the rest of a search then holds for everything.
_UNKNOWN = {"customers": {"created_at", "processed_at"}}
_ONLY_CUSTOMERS = {"customer_date"}
Getter = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; ``low`` and ``high`` bound a stamp, both inclusive."""

    field: str
    text: str = ""
    low: int | None = None
    high: int | None = None
    negated: bool = False

    def holds_for(self, value: int) -> bool:
        inside = (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )
        return inside is not self.negated


Query = list[list[Term]]


def parse(text: str | None, shelf: str = "") -> Query:
    """Return alternatives of terms; no text is one alternative without terms."""
    groups: Query = [[]]
    unknown = _UNKNOWN.get(shelf, _ONLY_CUSTOMERS)
    for match in _TOKEN.finditer(text or ""):
        minus, field, operator, double, single, bare, word = match.groups()
        if word is not None:
            if word.upper() == "OR":
                groups.append([])
            elif word.upper() != "AND" and word.strip("()"):
                groups[-1].append(Term("default", word.strip("()\"'").lower()))
            continue
        if field in unknown:
            continue
        value = next(part for part in (double, single, bare) if part is not None)
        term = _term(field, operator or "", value, negated=minus == "-")
        if term is not None:
            groups[-1].append(term)
    return groups


def _term(field: str, operator: str, value: str, *, negated: bool) -> Term | None:
    if field not in STAMPS:
        return Term(field, value.lower(), negated=negated)
    if field == "id":
        number = value.rpartition("/")[2]
        exact = int(number) if number.isdecimal() else None
    else:
        exact = moments.parsed(value)
    if exact is None:
        return None
    low, high = _bounds(operator, exact, whole_day=field != "id" and len(value) == 10)
    return Term(STAMPS[field], low=low, high=high, negated=negated)


def _bounds(operator: str, exact: int, *, whole_day: bool) -> tuple[int | None, int | None]:
    last = exact + DAY - 1 if whole_day else exact
    return {
        "": (exact, last),
        ">": (last + 1, None),
        ">=": (exact, None),
        "<": (None, exact - 1),
        "<=": (None, last),
    }[operator]


def matches(thing: object, terms: list[Term], getters: dict[str, Getter]) -> bool:
    """Whether *thing* satisfies every term that is not a stamp; unknown fields are ignored."""
    for term in terms:
        getter = getters.get(term.field)
        if getter is None:
            continue
        found = getter(thing)
        values = found if isinstance(found, (list, set, tuple)) else [found]
        texts = {_text(value) for value in values}
        hit = _any(texts, term.text)
        if hit is term.negated:
            return False
    return True


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).lower()


def _any(texts: set[str], wanted: str) -> bool:
    if wanted.endswith("*"):
        return any(text.startswith(wanted[:-1]) for text in texts)
    return wanted == "any" or bool(texts & set(wanted.split(",")))
