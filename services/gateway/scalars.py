"""What single values look like on the wire. Money travels as text or exact numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from shared.shopify.admin_api import SHOP_DOMAIN, shop_domain


def _shop_domain(text: object) -> str:
    return shop_domain(str(text))


Amount = Annotated[str, WithJsonSchema({"type": "string", "pattern": r"^-?\d+(\.\d+)?$"})]
# A JSON number written digit by digit: no binary fraction comes near it.
Number = Annotated[
    Decimal,
    PlainSerializer(lambda amount: orjson.Fragment(format(amount, "f")), return_type=Any),
    WithJsonSchema({"type": "number"}),
]
# jsonb arrives as text and leaves as it is.
Json = Annotated[
    Any, BeforeValidator(lambda text: orjson.Fragment(text) if isinstance(text, str) else text)
]
Id = Annotated[str, BeforeValidator(str), WithJsonSchema({"type": "string", "format": "uuid"})]
ShopDomain = Annotated[
    str,
    BeforeValidator(_shop_domain),
    WithJsonSchema({"type": "string", "pattern": f"^{SHOP_DOMAIN}$"}),
]
# Wide enough for any shop, and far from where time arithmetic overflows.
Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2999, 12, 31))]
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(2999, 12, 31, tzinfo=UTC)),
]
