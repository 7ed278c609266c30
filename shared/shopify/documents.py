"""The GraphQL documents we send, read from ``queries/*.graphql``."""

from __future__ import annotations

import functools
import re
from importlib import resources

import orjson

_QUERIES = resources.files("shared.shopify") / "queries"
_SPREAD = re.compile(r"\.\.\.([A-Z]\w+)")
_DEFINITION = re.compile(r"fragment \w+ on \w+ \{(.*)\}", re.DOTALL)
_SPACE = re.compile(r"\s+")


@functools.cache
def document(name: str) -> str:
    """Return the document *name* with its fragments written out.

    Bulk operations are checked by a stricter validator than ordinary queries, so a fragment is
    expanded in place instead of being sent beside the operation.
    """
    text = (_QUERIES / f"{name}.graphql").read_text()
    return _SPACE.sub(" ", _expanded(text)).strip()


def bulk_document(name: str, search: str) -> str:
    """Return the bulk query ``<name>_bulk`` restricted by Shopify's search syntax.

    Source: https://shopify.dev/docs/api/usage/search-syntax
    """
    literal = orjson.dumps(search).decode()
    return document(f"{name}_bulk").replace('"__FILTER__"', literal)


def _expanded(text: str) -> str:
    return _SPREAD.sub(lambda match: _fragment(match[1]), text)


@functools.cache
def _fragment(name: str) -> str:
    text = (_QUERIES / "fragments" / f"{name}.graphql").read_text()
    definition = _DEFINITION.search(text)
    if definition is None:
        message = f"{name}.graphql does not define a fragment"
        raise ValueError(message)
    return _expanded(definition[1])
