"""The GraphQL documents we send, read from ``queries/*.graphql``."""

from __future__ import annotations

import functools
import re
from importlib import resources
from types import MappingProxyType
from typing import TypeAlias

import orjson

_QUERIES = resources.files("shared.shopify") / "queries"
_SPREAD = re.compile(r"\.\.\.([A-Z]\w+)")
_DEFINITION = re.compile(r"fragment \w+ on \w+ \{(.*)\}", re.DOTALL)
_SPACE = re.compile(r"\s+")


# Spreads that are left out when no namespace was chosen: what is not asked for is left alone.
_METAFIELDS = frozenset({"Metafields", "BulkMetafields"})
# Spreads that are left out when the app lacks a scope which their document can do without.
_OF_SCOPES = MappingProxyType({"read_returns": frozenset({"Returns", "BulkReturns"})})
Namespaces: TypeAlias = tuple[str, ...]


@functools.cache
def document(name: str, namespaces: Namespaces = (), lacking: frozenset[str] = frozenset()) -> str:
    """Return the document *name* with its fragments written out.

    Bulk operations are checked by a stricter validator than ordinary queries, so a fragment is
    expanded in place instead of being sent beside the operation. Metafields are asked for when
    *namespaces* are chosen. A bulk query has five connections at most, so each owner gets one for
    all namespaces; of several, what belongs to none of them is left out when it is mapped.
    What needs one of the scopes that are *lacking* is not asked for.
    """
    text = (_QUERIES / f"{name}.graphql").read_text()
    only = orjson.dumps(namespaces[0] if len(namespaces) == 1 else None).decode()
    left_out = frozenset() if namespaces else _METAFIELDS
    left_out = left_out.union(*(_OF_SCOPES.get(scope, frozenset()) for scope in lacking))
    whole = _expanded(text, left_out).replace('"__NAMESPACE__"', only)
    return _SPACE.sub(" ", whole).strip()


def bulk_document(
    name: str, search: str, namespaces: Namespaces = (), lacking: frozenset[str] = frozenset()
) -> str:
    """Return the bulk query ``<name>_bulk`` restricted by Shopify's search syntax.

    Source: https://shopify.dev/docs/api/usage/search-syntax
    """
    literal = orjson.dumps(search).decode()
    return document(f"{name}_bulk", namespaces, lacking).replace('"__FILTER__"', literal)


def _expanded(text: str, left_out: frozenset[str]) -> str:
    return _SPREAD.sub(lambda match: _fragment(match[1], left_out), text)


@functools.cache
def _fragment(name: str, left_out: frozenset[str]) -> str:
    if name in left_out:
        return ""
    text = (_QUERIES / "fragments" / f"{name}.graphql").read_text()
    definition = _DEFINITION.search(text)
    if definition is None:
        message = f"{name}.graphql does not define a fragment"
        raise ValueError(message)
    return _expanded(definition[1], left_out)
