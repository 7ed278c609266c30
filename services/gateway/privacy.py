"""What the API takes and returns about privacy requests."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from services.gateway.models import Given, Paging
from services.gateway.scalars import Id, Json

State = Literal["open", "done", "refused"]


class RequestQuery(Paging):
    shop_id: int | None = Field(default=None, ge=0, lt=2**63)
    state: State | None = None


class PrivacyRequest(Given):
    request_id: Id
    shop_id: int
    topic: Literal["customers/data_request", "customers/redact", "shop/redact"]
    webhook_id: str
    customer_id: int | None = Field(description="Null for a shop, and once the shop is erased.")
    order_ids: list[int]
    received_at: datetime
    due_at: datetime
    is_overdue: bool
    state: State
    result: str | None = Field(description="How it ended, in a sentence.")
    done_at: datetime | None
    erased: Json = Field(
        description="The proof: rows by table that lost personal fields or are gone; of an export,"
        " the rows in it."
    )
    body_sha256: str = Field(description="SHA-256 of what Shopify sent, in hex.")
    expires_at: datetime | None = Field(description="Until when its export can be downloaded.")
