"""Shopify's search syntax: https://shopify.dev/docs/api/usage/search-syntax

Terms side by side or joined by AND must all hold; ``OR``, ``NOT``, ``-`` and parentheses work as
usual. A field that does not exist is ignored, as Shopify does.
"""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.simulator import moments
from tests.simulator.moments import DAY

_TOKEN = re.compile(
    r"""\s*(?:(-?\()|(\))|(-?)([A-Za-z_][\w.]*):(>=|<=|>|<)?(?:"([^"]*)"|'([^']*)'|([^\s()]+))
    |(-?)(?:"([^"]*)"|'([^']*)'|([^\s()]+)))""",
    re.VERBOSE,
)
STAMPS = {
    "id": "id",
    "created_at": "created",
    "customer_date": "created",
    "updated_at": "updated",
    "processed_at": "processed",
    "issued_at": "created",
    "initiated_at": "created",
}
# Stamps that a shelf cannot be searched by; the rest of a search then holds for everything.
_UNKNOWN = {
    "customers": {"created_at", "processed_at"},
    "fulfillment_orders": {"created_at", "processed_at", "customer_date"},
    "collections": {"created_at", "processed_at", "customer_date"},
    "gift_cards": {"updated_at", "processed_at", "customer_date"},
    "giftCards": {"updated_at", "processed_at", "customer_date"},
    "payouts": {"created_at", "updated_at", "processed_at", "customer_date", "initiated_at"},
    "disputes": {"created_at", "updated_at", "processed_at", "customer_date", "issued_at"},
    "balance_transactions": {"created_at", "updated_at", "customer_date", "issued_at"},
}
_ONLY_CUSTOMERS = {"customer_date"}
Getter = Callable[[Any], object]
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; ``low`` and ``high`` bound a stamp, both inclusive."""

    field: str
    text: str = ""
    low: int | None = None
    high: int | None = None
    negated: bool = False
    operator: str = ""

    def holds_for(self, value: int) -> bool:
        inside = (self.low is None or value >= self.low) and (
            self.high is None or value <= self.high
        )
        return inside is not self.negated


Query = list[list[Term]]


def parse(text: str | None, shelf: str = "") -> Query:
    """Return alternatives of terms; no text is one alternative without terms."""
    return _Parser(text or "", _UNKNOWN.get(shelf, _ONLY_CUSTOMERS)).alternatives() or [[]]


def parse_filter(text: str) -> Query:
    """The same for a webhook's filter, whose fields are paths into its body."""
    return _Parser(text, set(), stamped=False).alternatives() or [[]]


class _Parser:
    """Reads a search into alternatives; ``None`` stands for what is ignored."""

    def __init__(self, text: str, unknown: set[str], *, stamped: bool = True) -> None:
        self._stamped = stamped
        self._tokens = [match.groups() for match in _TOKEN.finditer(text)]
        self._unknown, self._place = unknown, 0

    def _peek(self) -> tuple[str | None, ...] | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _word(self) -> str:
        """The operator that stands here, if one does."""
        token = self._peek()
        found = token[11] if token is not None and not token[8] else None
        return found if found in ("AND", "OR", "NOT") else ""

    def alternatives(self) -> Query | None:
        found = self._together()
        while self._word() == "OR":
            self._place += 1
            right = self._together()
            # A condition that is ignored lets everything through.
            found = None if found is None or right is None else found + right
        return found

    def _together(self) -> Query | None:
        found: Query | None = None
        while (token := self._peek()) is not None and not token[1] and self._word() != "OR":
            if self._word() == "AND":
                self._place += 1
                continue
            right = self._single()
            if right is not None:
                found = right if found is None else [a + b for a in found for b in right]
        return found

    def _single(self) -> Query | None:
        if self._word() == "NOT":
            self._place += 1
            return _negated(self._single()) if self._peek() is not None else None
        token = self._tokens[self._place]
        self._place += 1
        if token[0] is None:
            return self._condition(token)
        found = self.alternatives()
        if (closing := self._peek()) is not None and closing[1]:
            self._place += 1
        return _negated(found) if token[0] == "-(" else found

    def _condition(self, token: tuple[str | None, ...]) -> Query | None:
        _, closing, minus, field, operator, double, single, bare, *word = token
        if closing is not None:
            return None
        if field is None:
            text = next(part for part in word[1:] if part is not None)
            return [[Term("default", text.lower(), negated=word[0] == "-")]]
        if field in self._unknown:
            return None
        value = next(part for part in (double, single, bare) if part is not None)
        if not self._stamped:
            return [[Term(field, value.lower(), negated=minus == "-", operator=operator or "")]]
        term = _term(field, operator or "", value, negated=minus == "-")
        return None if term is None else [[term]]


def _negated(query: Query | None) -> Query | None:
    """Not (a and b, or c) is: (not a, or not b) and not c."""
    if query is None:
        return None
    found: Query = [[]]
    for terms in query:
        found = [
            [*clause, dataclasses.replace(term, negated=not term.negated)]
            for clause in found
            for term in terms
        ]
    return found


def unknown_fields(text: str, getters: dict[str, Getter], shelf: str) -> list[str]:
    """The fields of a search that were ignored because the shelf has none such."""
    named = {groups[3] for groups in (m.groups() for m in _TOKEN.finditer(text)) if groups[3]}
    known = (STAMPS.keys() | getters.keys()) - _UNKNOWN.get(shelf, _ONLY_CUSTOMERS)
    return sorted(named - known)


def _term(field: str, operator: str, value: str, *, negated: bool) -> Term | None:
    if field not in STAMPS:
        return Term(field, value.lower(), negated=negated, operator=operator)
    if field == "id":
        number = value.rpartition("/")[2]
        exact = int(number) if number.isdecimal() else None
    else:
        exact = moments.now() if value == "now" else moments.parsed(value)
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
        if _holds(getter(thing), term) is term.negated:
            return False
    return True


def _holds(found: object, term: Term) -> bool:
    if term.operator and isinstance(found, (int, float)):
        try:
            wanted = float(term.text)
        except ValueError:
            return False
        return _COMPARED[term.operator](found, wanted)
    texts = {_text(one) for one in (found if isinstance(found, (list, set, tuple)) else [found])}
    if term.field == "default":
        texts |= {word for text in texts for word in text.split()}
    return _any(texts, term.text)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value).lower()


def _any(texts: set[str], wanted: str) -> bool:
    if wanted == "*":
        return any(texts)
    if wanted.endswith("*"):
        return any(text.startswith(wanted[:-1]) for text in texts)
    return wanted == "any" or bool(texts & set(wanted.split(",")))
