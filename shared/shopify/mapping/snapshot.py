"""What every mapped object needs: whose it is, where it came from, its compressed original."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.shopify import copytext
from shared.shopify.snapshots import Owner, Source


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose payload it is, how it came and its bytes as they came."""

    owner: Owner
    source: Source
    payload: bytes
    key: str = field(init=False)

    def __post_init__(self) -> None:
        key = f"{self.owner.tenant_id}\t{self.owner.shop_id}"
        object.__setattr__(self, "key", key)

    def archive(self) -> tuple[str, str]:
        """Return the fields ``raw`` and ``source``, the last two of a row."""
        return copytext.compressed(self.payload), self.source
