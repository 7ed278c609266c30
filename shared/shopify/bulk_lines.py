"""What a line of a bulk operation's JSONL file says about its place, read without decoding it."""

from __future__ import annotations

import re

import msgspec

from shared.shopify.mapping.values import rejecting

_TYPE = re.compile(rb'"__typename"\s*:\s*"(\w+)"|"id"\s*:\s*"gid:\\?/\\?/shopify\\?/(\w+)')
_NAME = rb'"gid:\\?/\\?/shopify\\?/(\w+\\?/[^"/]+)"'
_PARENT = re.compile(rb'"__parentId"\s*:\s*' + _NAME)
_OWN = re.compile(rb'\s*\{(?:\s*"__typename"\s*:\s*"\w+"\s*,)?\s*"id"\s*:\s*' + _NAME)

# As Shopify writes them where our documents name __typename first.
_FIRST_KEY = b'{"__typename":"'
_LAST_KEY = b',"__parentId":"gid://shopify/'
# No line holds its end.
NO_ENDING = b"\n"


class _Identified(msgspec.Struct):
    id: str | None = None


_identified = msgspec.json.Decoder(_Identified)


def parent_of(line: bytes) -> bytes | None:
    """Return type and number of the parent, ``b"Order/5"``, or None for a root."""
    # Single bytes are found much faster than words, and underscores are rare.
    at = line.rfind(b"_")
    if line.startswith(_LAST_KEY, at - 3) and line.endswith(b'"}'):
        name = line[at - 3 + len(_LAST_KEY) : -2]
        if name.replace(b"/", b"").isalnum():
            return name
    return _parent_anywhere(line, at)


def ending_of(line: bytes, parent: bytes) -> bytes:
    """Return with what lines end that name the same *parent* as *line* does, and in its way."""
    ending = b'%b%b"}' % (_LAST_KEY, parent)
    return ending if line.endswith(ending) else NO_ENDING


def _parent_anywhere(line: bytes, at: int) -> bytes | None:
    # A text can hold the name of the key, but not followed by a bare colon.
    while at > 1:
        if line.startswith(b'"__parentId"', at - 2):
            found = _PARENT.match(line, at - 2)
            if found is not None:
                return _bare(found[1])
        at = line.rfind(b"_", 0, at)
    return None


def name_of(line: bytes) -> bytes | None:
    """Return type and number of the object itself, ``b"Order/5"``; some children have no id.

    Raises Rejected, code ``bad_payload``, for a line that is no object.
    """
    leading = _OWN.match(line)
    if leading is not None:
        return _bare(leading[1])
    with rejecting(line):
        gid = _identified.decode(line).id
    return None if gid is None else "/".join(gid.split("/")[-2:]).encode()


def type_of(line: bytes) -> bytes:
    """Return the GraphQL type, from ``__typename`` or the id; empty where neither tells."""
    if line.startswith(_FIRST_KEY):
        return line[len(_FIRST_KEY) : line.find(b'"', len(_FIRST_KEY))]
    found = _TYPE.search(line)
    return (found[1] or found[2]) if found else b""


def _bare(name: bytes) -> bytes:
    return name.replace(b"\\", b"") if b"\\" in name else name
