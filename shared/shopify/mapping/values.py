"""Checked scalars: what Shopify sends as text is proved to be what Postgres can parse."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
import orjson

from shared.errors import Rejected
from shared.shopify.copytext import NULL
from shared.shopify.nodes.parts import Reference

# numeric(18, 4) holds 14 digits before the point, one of them left for rounding up. These years
# keep every offset within what Python and asyncpg can turn into UTC.
_AMOUNT = re.compile(r"-?\d{1,13}(?:\.\d{1,12})?", re.ASCII)
_MOMENT = re.compile(
    r"(?:19|20|21)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)",
    re.ASCII,
)
_LARGEST_ID = "9223372036854775807"  # a bigint
_SHORT = 14  # a text too short to exceed the column
_CURRENCY = re.compile(r"[A-Z]{3}")


class Malformed(ValueError):
    """A scalar that is not what its field holds; ``args[0]`` is the scalar."""


@functools.lru_cache(maxsize=32768)
def amount(value: str) -> str:
    """Return a decimal amount in its one canonical text: ``13.50`` and ``13.5`` are ``13.5``."""
    if _AMOUNT.fullmatch(value) is None:
        raise Malformed(value)
    if "." in value:
        value = value.rstrip("0").rstrip(".")
    return "0" if value == "-0" else value


def optional_amount(value: str | None) -> str:
    """Return an amount field, null for nothing."""
    return NULL if value is None else amount(value)


def total(amounts: Sequence[str]) -> str:
    """Return the exact sum of *amounts* in canonical text."""
    if not amounts:
        return "0"
    if len(amounts) == 1:
        return amount(amounts[0])
    exact = f"{sum([Decimal(amount(value)) for value in amounts]):f}"
    if len(exact) > _SHORT:
        return amount(exact)
    return (exact.rstrip("0").rstrip(".") or "0") if "." in exact else exact


@functools.lru_cache(maxsize=1024)
def rate(value: float | str | None) -> str | None:
    """Return a tax rate or a percentage in canonical text; Shopify sends a number or a text."""
    if value is None:
        return None
    written = value if isinstance(value, str) else f"{Decimal(repr(value)):f}"
    return amount(written)


@functools.lru_cache(maxsize=8192)
def instant(value: str) -> datetime:
    """Return an aware moment; raise Malformed for text that Postgres would not read the same."""
    if _MOMENT.fullmatch(value) is None:
        raise Malformed(value)
    try:
        return datetime.fromisoformat(value)
    except ValueError as exc:
        raise Malformed(value) from exc


def moment(value: str) -> str:
    """Return a timestamp field: Shopify's text, proved to be one."""
    instant(value)
    return value


def optional_moment(value: str | None) -> str:
    """Return a timestamp field, null for nothing."""
    return moment(value) if value else NULL


def digits(gid: str) -> str:
    """Return the number of a global id (``gid://shopify/Order/1?x=y``) or of a bare id."""
    bare = gid if gid.isdecimal() else gid[gid.rfind("/") + 1 :]
    if len(bare) < len(_LARGEST_ID) and bare.isdecimal() and bare.isascii():
        return bare
    if len(bare) == len(_LARGEST_ID) and bare <= _LARGEST_ID and bare.isdigit() and bare.isascii():
        return bare
    number, query, _ = bare.partition("?")
    if not query:
        raise Malformed(gid)
    return digits(number)


# Products, variants, places and apps come again and again.
_known_digits = functools.lru_cache(maxsize=16384)(digits)


def number_of(reference: Reference | None) -> str:
    """Return the field of a referenced object's id, null for nothing."""
    return NULL if reference is None else _known_digits(reference.id)


@functools.lru_cache(maxsize=512)
def currency(value: str) -> str:
    """Return an ISO 4217 code."""
    if _CURRENCY.fullmatch(value) is None:
        raise Malformed(value)
    return value


def lowered(value: str | None) -> str | None:
    """Return an enum value as stored: Shopify's word in lower case, unknown words too."""
    return value.lower().replace(" ", "_") if value else None


class rejecting:  # noqa: N801 - a context manager, made for every object: a class costs least
    """Turn whatever is wrong with the payload *raw* into Rejected, code ``bad_payload``."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        if isinstance(exc, Malformed):
            path = _path_of(exc.args[0], self._raw)
            raise _bad(f"a value has the wrong form at {path}", path) from exc
        if isinstance(exc, msgspec.ValidationError):
            path = str(exc).rpartition(" - at ")[2].strip("`") if " - at " in str(exc) else "$"
            raise _bad(str(exc), path) from exc
        if isinstance(exc, msgspec.MsgspecError | UnicodeError | RecursionError):
            raise _bad("not a JSON document", "$") from exc


def _bad(message: str, path: str) -> Rejected:
    return Rejected(message, code="bad_payload", details={"path": path})


def _path_of(scalar: str, raw: bytes) -> str:
    for line in raw.splitlines() or [b""]:
        with contextlib.suppress(orjson.JSONDecodeError):
            for path in _paths(orjson.loads(line), scalar, "$"):
                return path
    return "$"


def _paths(value: object, scalar: str, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, scalar, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, scalar, f"{path}[{index}]")
    elif str(value) == scalar:
        yield path
