"""Signed webhooks as standardwebhooks.com has them, and where they may go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias
from urllib.parse import SplitResult, urlsplit

from yarl import URL

from shared.errors import Rejected

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_LONGEST_URL: Final = 2000
_LABEL: Final = r"[a-z0-9_][a-z0-9_-]{0,62}"
_HOST: Final = re.compile(rf"(?=.{{1,254}}$){_LABEL}(\.{_LABEL})*\.?")
# Addresses in which an IPv4 address is wrapped; a gateway there would unwrap it.
_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE: Final = IPv6Network("::/96")
_SITE_LOCAL: Final = IPv6Network("fec0::/10")
# Of protocols and their relays; not every release of Python counts them as private.
_RESERVED: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))

Address: TypeAlias = IPv4Address | IPv6Address


def new_secret() -> str:
    """Return a secret to share with a receiver."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(
    message_id: str, body: bytes, *, at: int, with_secrets: Sequence[str]
) -> Mapping[str, str]:
    """Return the headers that prove *body*, one signature per secret."""
    signed = f"{message_id}.{at}.".encode() + body
    signatures = (_signature(secret, signed) for secret in with_secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def checked_url(url: str, *, anywhere: bool) -> str:
    """Return *url* if webhooks may go there, as far as it says so itself; raise Rejected.

    Its host's name is resolved when they are sent. *anywhere* also allows http and private
    networks: for development.
    """
    parts = _parts(url)
    if parts.scheme != "https" and not (anywhere and parts.scheme == "http"):
        raise Rejected("the URL must begin with https://", code="bad_url")
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        raise Rejected("the URL must have a host, and no user or fragment", code="bad_url")
    address = _literal(parts.hostname)
    if address is None and not _HOST.fullmatch(parts.hostname):
        raise Rejected("the URL's host is no name and no address", code="bad_url")
    if address is not None and not anywhere and not is_public(address):
        raise Rejected("the URL leads into a private network", code="bad_url")
    return url


def _parts(url: str) -> SplitResult:
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Rejected("the URL is not one", code="bad_url")
    try:
        parts = urlsplit(url)
        # Only whoever asks for the port is told that it is none. aiohttp sends where yarl reads.
        port, sent = parts.port, URL(url)
    except ValueError as exc:
        raise Rejected(f"the URL is not one: {exc}", code="bad_url") from exc
    if port == 0:
        raise Rejected("nothing listens on port 0", code="bad_url")
    if (same_host(sent.raw_host), sent.explicit_port) != (same_host(parts.hostname), port):
        raise Rejected("the URL can be read in two ways", code="bad_url")
    return parts


def same_host(host: str | None) -> Address | str | None:
    """Return what spellings of one host have in common."""
    return _literal(host) or host if host else None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Return whether anybody on the internet could be at *address*."""
    if isinstance(address, IPv6Address):
        if address.sixtofour or address.teredo or address in _SITE_LOCAL:
            return False
        inner = address.ipv4_mapped
        if inner is not None:
            return is_public(inner)
        if address in _COMPATIBLE or any(address in network for network in _TRANSLATED):
            return False
    elif any(address in network for network in _RESERVED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
