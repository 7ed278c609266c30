"""Shopify's two signatures: over a webhook's raw body, and over a query's parameters."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

Parameters: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]

# Of a webhook's: 32 bytes in base64.
SIGNATURE_CHARACTERS = 44

_UNSIGNED = frozenset({"hmac", "signature"})


def webhook_is_signed(body: bytes, claimed: str, secrets: Iterable[str]) -> bool:
    """Return whether *claimed*, base64 over the raw *body*, is its signature with any of *secrets*.

    Source: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries
    """
    try:
        given = base64.b64decode(claimed, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(given) != hashlib.sha256().digest_size:
        return False
    # Every secret is tried, so that the time taken does not tell which one fits.
    matches = [hmac.compare_digest(given, _digest(body, secret)) for secret in secrets if secret]
    return any(matches)


def query_is_signed(params: Parameters, secret: str) -> bool:
    """Return whether ``hmac`` signs *params*: lower-case hex over all but itself, sorted.

    A list parameter is given as repeated pairs named ``ids[]`` and signed as ``ids=["2", "1"]``;
    nothing is signed in which another parameter repeats.
    Source: https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens

    Shopify's own libraries disagree about characters that need escaping in a query, so both of
    their forms are accepted; no two different queries have the same message in the two forms.
    """
    pairs = _pairs(params)
    names = [name for name, _ in pairs if not name.endswith("[]")]
    if not secret or len(names) != len(set(names)):
        return False
    claimed = dict(pairs).get("hmac", "").encode()
    forms = (_message(pairs, _sparing), _message(pairs, _percent))
    matches = [
        hmac.compare_digest(claimed, _digest(form.encode(), secret).hex().encode())
        for form in forms
    ]
    return any(matches)


def _digest(message: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), message, "sha256")


def _pairs(params: Parameters) -> list[tuple[str, str]]:
    return list(params.items()) if isinstance(params, Mapping) else list(params)


def _message(pairs: Sequence[tuple[str, str]], escaped: Callable[[str], str]) -> str:
    values: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        if name.endswith("[]"):
            lists.setdefault(name.removesuffix("[]"), []).append(f'"{value}"')
        elif name not in _UNSIGNED:
            values[name] = value
    values |= {name: f"[{', '.join(items)}]" for name, items in lists.items()}
    signed = ((escaped(name).replace("=", "%3D"), escaped(values[name])) for name in sorted(values))
    return "&".join(f"{name}={value}" for name, value in signed)


def _sparing(text: str) -> str:
    return text.replace("%", "%25").replace("&", "%26")


def _percent(text: str) -> str:
    return quote(text, safe="!'()*-._~")
