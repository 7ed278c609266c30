"""Values as fields of PostgreSQL's text COPY format.

Source: https://www.postgresql.org/docs/current/sql-copy.html (Text Format)
"""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterable, Sequence

import orjson
import zstandard

NULL = "\\N"
# NUL goes: no Postgres text can hold it.
_ESCAPES = str.maketrans(
    {
        "\0": "",
        "\\": "\\\\",
        "\t": "\\t",
        "\n": "\\n",
        "\r": "\\r",
        "\b": "\\b",
        "\f": "\\f",
        "\v": "\\v",
    }
)
_NUL = re.compile(r"(\\\\)|\\u0000")
_LEVEL = 1


class _Compressors(threading.local):
    # A compressor is expensive to make and must not serve two threads at once.
    def __init__(self) -> None:
        self.zstd = zstandard.ZstdCompressor(level=_LEVEL)


_compressors = _Compressors()


def text(value: str) -> str:
    """Return *value* as a field; an empty text stays empty."""
    if value.isprintable() and "\\" not in value:
        return value
    return value.translate(_ESCAPES)


def optional(value: str | None) -> str:
    """Return *value* as a field; nothing and the empty text are both null."""
    if not value:
        return NULL
    if value.isprintable() and "\\" not in value:
        return value
    return value.translate(_ESCAPES)


def flag(value: bool | None) -> str:
    """Return a boolean field."""
    if value is None:
        return NULL
    return "t" if value else "f"


def number(value: int | None) -> str:
    """Return an integer field."""
    return NULL if value is None else str(value)


def array(values: Iterable[str]) -> str:
    """Return a ``text[]`` field."""
    return _array(tuple(values))


@functools.lru_cache(maxsize=4096)
def _array(values: tuple[str, ...]) -> str:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return text("{" + ",".join(f'"{value}"' for value in quoted) + "}")


def jsonb(value: object) -> str:
    """Return a ``jsonb`` field of plain dicts, lists, texts and numbers."""
    if not value and isinstance(value, list):
        return "[]"
    return json_text(orjson.dumps(value).decode())


def json_text(written: str) -> str:
    """Return a ``jsonb`` field of JSON text, whose only special character is the backslash."""
    if "\\" not in written:
        return written
    return _NUL.sub(r"\1", written).replace("\\", "\\\\")


def compressed(payload: bytes) -> str:
    """Return a ``bytea`` field holding *payload* as one zstd frame."""
    return binary(frame(payload))


def frame(payload: bytes) -> bytes:
    """Return *payload* as one zstd frame."""
    return _compressors.zstd.compress(payload)


def binary(value: bytes) -> str:
    """Return a ``bytea`` field."""
    return "\\\\x" + value.hex()


def frames(payloads: Sequence[bytes]) -> list[bytes]:
    """Return each of *payloads*, none of them empty, as a zstd frame.

    Other threads run meanwhile.
    """
    wanted: list[bytes | bytearray | memoryview[int]] = [*payloads]
    made = _compressors.zstd.multi_compress_to_buffer(wanted)
    return [made[place].tobytes() for place in range(len(made))]
