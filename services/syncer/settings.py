"""The syncer's settings, from the environment."""

from __future__ import annotations

from pydantic import Field, model_validator

from shared.settings import AdminApiSettings, RetrySettings, ServiceSettings
from shared.shopify.resources import RESOURCES

_INGRESS = "/api/v1/shopify/webhooks"


class Settings(ServiceSettings, AdminApiSettings, RetrySettings):
    """Intervals, overlap and delays are seconds."""

    syncer_port: int = 8082
    syncer_jobs_at_once: int = Field(default=8, ge=1)
    # Where Shopify delivers; without it no subscriptions are made.
    shopify_webhook_url: str = ""
    public_base_url: str = ""
    shopify_sync_interval_products: int = Field(default=600, gt=0)
    shopify_sync_interval_orders: int = Field(default=600, gt=0)
    shopify_sync_interval_customers: int = Field(default=600, gt=0)
    shopify_sync_interval_inventory: int = Field(default=600, gt=0)
    shopify_sync_interval_other: int = Field(default=600, gt=0)
    shopify_sync_interval_shop: int = Field(default=3600, gt=0)
    shopify_sync_full_interval: int = Field(default=86400, gt=0)
    shopify_sync_overlap: int = Field(default=120, ge=0)
    shopify_sync_lag: int = Field(default=5, ge=0)
    shopify_sync_window: int = Field(default=2500, ge=100)
    # Comma-separated namespaces whose metafields are copied; empty: none are asked for.
    shopify_metafield_namespaces: str = ""
    # Objects of each resource compared with Shopify each night; 0: none. The hour is the shop's.
    shopify_reconcile_sample: int = Field(default=200, ge=0)
    shopify_reconcile_hour: int = Field(default=3, ge=0, le=23)
    # Never shorter than the bodies are kept: what can be replayed must be known.
    events_kept_days: int = Field(default=90, ge=14)
    # What dies after a redaction has looked must be gone within Shopify's 30 days all the same.
    dead_letters_kept_days: int = Field(default=14, ge=1, le=28)

    @model_validator(mode="before")
    @classmethod
    def _delivered_where_we_are_reached(cls, given: dict[str, object]) -> dict[str, object]:
        """Fill shopify_webhook_url from an https public_base_url; Shopify delivers nowhere else."""
        base = str(given.get("public_base_url") or "")
        if given.get("shopify_webhook_url") or not base.startswith("https://"):
            return given
        return given | {"shopify_webhook_url": base.rstrip("/") + _INGRESS}

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The chosen namespaces of metafields."""
        names = (name.strip() for name in self.shopify_metafield_namespaces.split(","))
        return tuple(sorted({name for name in names if name}))

    @property
    def intervals(self) -> dict[str, int]:
        """Seconds between polls, per job kind; the details of orders follow their orders."""
        own = {
            "products": self.shopify_sync_interval_products,
            "orders": self.shopify_sync_interval_orders,
            "order_details": self.shopify_sync_interval_orders,
            "customers": self.shopify_sync_interval_customers,
            "inventory": self.shopify_sync_interval_inventory,
            "shop": self.shopify_sync_interval_shop,
        }
        kinds = [*RESOURCES, "shop"]
        return {kind: own.get(kind, self.shopify_sync_interval_other) for kind in kinds}
