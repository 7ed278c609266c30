"""AES-256-GCM with a ring of keys: secrets at rest, bound to whose they are and what for."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Rejected

_VERSION = "v1"
_NONCE_BYTES = 12


def generate_key() -> str:
    """Return a new key: 32 random bytes, urlsafe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class KeyRing:
    """Encrypts with its first key, decrypts with any.

    A sealed value reads ``v1.<key id>.<nonce>.<ciphertext>``; it opens only under the same tenant,
    shop and purpose (additional authenticated data), so that a row copied elsewhere is useless.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise Rejected("the key ring is empty", code="bad_encryption_key")
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current = next(iter(keys))

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read ``key[,key…]``, each 32 bytes in urlsafe base64; the first one encrypts."""
        keys = [_key(part.strip()) for part in text.split(",") if part.strip()]
        return cls({hashlib.sha256(key).hexdigest()[:8]: key for key in keys})

    def seal(self, plain: str, *, tenant_id: str, shop_id: int, purpose: str) -> str:
        """Return *plain* encrypted."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        bound = _bound(self.current, tenant_id, shop_id, purpose)
        sealed = self._keys[self.current].encrypt(nonce, plain.encode(), bound)
        return ".".join((_VERSION, self.current, _text(nonce), _text(sealed)))

    def open(self, sealed: str, *, tenant_id: str, shop_id: int, purpose: str) -> str:
        """Return what was sealed; raise Rejected when the key, place or bytes do not fit."""
        version, key_id, nonce, ciphertext = (*sealed.split("."), "", "", "", "")[:4]
        if version != _VERSION or key_id not in self._keys:
            raise Rejected("no key of the ring opens this secret", code="unknown_encryption_key")
        bound = _bound(key_id, tenant_id, shop_id, purpose)
        try:
            return self._keys[key_id].decrypt(_bytes(nonce), _bytes(ciphertext), bound).decode()
        except (InvalidTag, binascii.Error, ValueError) as exc:
            raise Rejected("the secret does not belong here", code="secret_mismatch") from exc


def _key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise Rejected(
            "SHOPIFY_ENCRYPTION_KEY must be 32 bytes in urlsafe base64; "
            "make one with: python -m shared.keyring",
            code="bad_encryption_key",
        )
    return key


def _bound(key_id: str, tenant_id: str, shop_id: int, purpose: str) -> bytes:
    return "|".join((_VERSION, key_id, tenant_id, str(shop_id), purpose)).encode()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    print(generate_key())  # noqa: T201 - the command's only purpose
