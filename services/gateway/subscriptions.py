"""What the API takes and returns about a store's webhook subscriptions at Shopify."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from services.gateway.models import Given, Taken
from services.gateway.syncing import Job


class Subscription(Given):
    id: str = Field(description="Shopify's number of it.")
    topic: str
    address: str = Field(description="Where Shopify delivers to.")
    checked_at: datetime = Field(description="When Shopify last said so.")


class Topic(Given):
    topic: str
    scope: str | None = Field(description="The scope that it needs; null: none.")
    is_chosen: bool = Field(description="Whether the store is to send it, if the scope allows.")
    is_subscribed: bool = Field(description="Whether Shopify sends it.")


class SetupWanted(Taken):
    webhook_secret: str | None = Field(
        default=None,
        min_length=16,
        max_length=255,
        pattern="^[!-~]+$",
        description="What signs the webhooks made by hand in the shop's admin; needs the scope"
        " admin and is never shown. Null forgets it; not given, it stays.",
    )


class Setup(Given):
    job: Job = Field(description="It makes the subscriptions right.")
    webhooks: list[Subscription] = Field(description="Those that there are already.")


class SubscriptionWanted(Taken):
    topic: str = Field(max_length=80, description="orders/updated or ORDERS_UPDATED.")
