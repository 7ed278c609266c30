"""What every mapped object needs: whose it is, where it came from, its compressed original."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.clock import now
from shared.shopify import copytext
from shared.shopify.documents import Namespaces
from shared.shopify.snapshots import Owner, Source


class Origin(msgspec.Struct, frozen=True):
    """Whose payload it is, how it came and its bytes as they came.

    *namespaces* are those whose metafields were asked for; *read_at* stands for the time of change
    where Shopify tells none; *frame* is the compressed payload, where somebody made it already.
    """

    owner: Owner
    source: Source
    payload: bytes
    namespaces: Namespaces = ()
    read_at: datetime = msgspec.field(default_factory=now)
    frame: bytes | None = None

    @property
    def key(self) -> str:
        """The fields ``tenant_id`` and ``shop_id``, the first two of a row."""
        return f"{self.owner.tenant_id}\t{self.owner.shop_id}"

    def archive(self) -> tuple[str, str]:
        """Return the fields ``raw`` and ``source``, the last two of a row."""
        if self.frame is not None:
            return copytext.binary(self.frame), self.source
        return copytext.compressed(self.payload), self.source
